"""Passing the lobby: one device, one place, one pass.

Where the tenant's rule wants the mailbox proven, `redeem_invite` says so (`CodeNeededError`) and is called
again with a code that was right (`invites.services.codes`). It asks the rule itself, at the very moment.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from common.decisions import Refused
from common.errors import InvalidError, RefusedError
from invites.domains import normalise_email
from invites.explain import refusal_of_domain
from invites.links import LinkClaim
from invites.models import Invite, InviteEvent, MailboxCode, ModuleSettings, Redemption
from invites.policy import FINAL, Refuse, Why, asks_for_code, judge_link
from invites.queries import (
    invite_behind,
    judge_newcomer,
    person_with,
    redemption_of,
    settings_for,
    terms_of,
)
from invites.services.guessing import demand_address, demand_typed
from lti_tool.identity import hash_secret
from lti_tool.models import Person
from rooms.models import Guest, Participant, Pass
from rooms.policy.roles import Role
from rooms.services.admission import (
    admit_participant,
    end_passes,
    issue_pass,
    revive_pass,
    take_back_pass,
)


@dataclass(frozen=True, slots=True)
class Device:
    """A browser, by a random secret that only it keeps."""

    secret: str

    @property
    def hash(self) -> str:
        """What we keep of it."""
        return hash_secret(self.secret)

    def pass_secret(self, redemption_id: UUID) -> str:
        """The secret of the pass that this device was given: the device can make it again, we cannot."""
        return hmac.new(self.secret.encode(), redemption_id.bytes, sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A device is in."""

    entry_id: UUID
    pass_secret: str


class LinkClosedError(RefusedError):
    """The link lets this device not in; `why` says which page tells it."""

    def __init__(self, why: Why) -> None:
        super().__init__(code=why)
        self.why = why


class CodeNeededError(RefusedError):
    """All is well so far, and the invited mailbox has to be proven by a code first."""

    code = "code_needed"


class CodeSpentError(InvalidError):
    """The code was right, and somebody (mostly a double click) has used it a moment ago."""

    code = "code_spent"


def knock(claim: LinkClaim, typed: str, *, device: Device, address: str, now: datetime) -> Redeemed:
    """Pass the lobby by typing the invited address. A wrong one burns nothing and is counted.

    Args:
        address: the network address that asks.

    Raises:
        InvalidError: nothing, or not the invited address, was typed.
        ThrottledError: too many wrong ones.
        LinkClosedError: the link lets nobody else in.
        CodeNeededError: the address is right, and the mailbox must be proven too.
        RefusedError: the address may not become a guest (code `restricted`).
    """
    demand_typed(typed)
    invite = _open_invite(claim, device=device, now=now)
    demand_address(invite, typed, address=address, now=now)
    return redeem_invite(claim, device=device, now=now)


def redeem_invite(
    claim: LinkClaim,
    *,
    device: Device,
    now: datetime,
    person: Person | None = None,
    proof: UUID | None = None,
) -> Redeemed:
    """Count this device, bind it to the link and give it a pass; the same device never counts twice.

    Args:
        person: whoever is signed in from the LMS, with the invited address: needs no code.
        proof: the id of a `MailboxCode` whose digits this device has just typed; it is used up here.

    Raises:
        LinkClosedError: the link lets this device not in (any more).
        CodeNeededError: the rule wants a code, and this device has not proven the mailbox.
        CodeSpentError: the code was used meanwhile.
        RefusedError: the address may not become a guest (code `restricted`), or is not this person's.
    """
    try:
        return _redeem(claim, device=device, person=person, proof=proof, now=now)
    except (
        IntegrityError
    ):  # a double click: the other one has bound this very device, and nothing of ours stays
        return _redeem(claim, device=device, person=person, proof=proof, now=now)


@transaction.atomic
def _redeem(
    claim: LinkClaim, *, device: Device, person: Person | None, proof: UUID | None, now: datetime
) -> Redeemed:
    invite = _open_invite(claim, device=device, now=now)
    rules = settings_for(invite.tenant)
    if person is not None:
        demand_invited_person(invite, person)
    before = redemption_of(claim, device.hash)
    if before is not None and before.issued_pass.ended_at is None:
        return Redeemed(invite.entry_id, device.pass_secret(before.pk))
    is_proven = person is not None or proof is not None or (before is not None and before.is_mailbox_proven)
    if not is_proven and asks_for_code(rules.verify_mailbox, Role(invite.role)):
        _demand_welcome(invite, rules)
        raise CodeNeededError
    if before is not None and before.issued_pass.moved_at is None:
        _revive(before, claim, device=device, proof=proof, now=now)
        return Redeemed(invite.entry_id, device.pass_secret(before.pk))
    if not _claim_device(claim, now=now):
        faster = redemption_of(claim, device.hash)  # a double click, and the other one was faster
        if faster is None or faster.issued_pass.ended_at is not None:
            raise LinkClosedError(why_closed(claim, now=now))
        return Redeemed(invite.entry_id, device.pass_secret(faster.pk))
    # The row is ours until the commit: what it says now (a role changed a moment ago) stays true.
    invite.refresh_from_db(fields=["role", "expires_at", "participant"])
    if not is_proven and asks_for_code(rules.verify_mailbox, Role(invite.role)):
        raise CodeNeededError
    end_passes(
        Pass.objects.filter(redemption__invite=invite, redemption__generation__lt=claim.generation),
        entry_id=invite.entry_id,
        now=now,
    )
    return bind_device(
        invite, claim, rules, device=device, before=before, person=person, proof=proof, now=now
    )


def bind_device(
    invite: Invite,
    claim: LinkClaim,
    rules: ModuleSettings,
    *,
    device: Device,
    before: Redemption | None,
    person: Person | None,
    proof: UUID | None,
    now: datetime,
) -> Redeemed:
    """Give a device its pass, in the transaction that has made room for it and holds the invite's row.

    Args:
        before: what it had and gave away, where it now takes another device's place.
    """
    if proof is not None:
        use_code(proof, claim, device=device, now=now)
    participant = _admit(invite, rules, person=person)
    if before is not None:
        if not take_back_pass(before.issued_pass, participant=participant):
            raise LinkClosedError(Why.USED_UP)
        Redemption.objects.filter(pk=before.pk).update(
            redeemed_at=now, is_mailbox_proven=before.is_mailbox_proven or proof is not None
        )
        return Redeemed(invite.entry_id, device.pass_secret(before.pk))
    redemption_id = uuid4()
    secret = device.pass_secret(redemption_id)
    Redemption.objects.create(
        id=redemption_id,
        invite=invite,
        generation=claim.generation,
        device_hash=device.hash,
        issued_pass=issue_pass(participant, secret_hash=hash_secret(secret)),
        redeemed_at=now,
        is_mailbox_proven=proof is not None,
    )
    return Redeemed(invite.entry_id, secret)


def use_code(code_id: UUID, claim: LinkClaim, *, device: Device, now: datetime) -> None:
    """Use a code up, once, and note that the mailbox is proven; in the transaction of what it is good for.

    Raises:
        CodeSpentError: it was used meanwhile, or its time is over.
    """
    mine = MailboxCode.objects.filter(
        pk=code_id,
        invite_id=claim.invite_id,
        generation=claim.generation,
        device_hash=device.hash,
        used_at__isnull=True,
        expires_at__gt=now,
    )
    if not mine.update(used_at=now):
        raise CodeSpentError(_("This code was used already."))
    proven = InviteEvent(invite_id=claim.invite_id, kind=InviteEvent.Kind.MAILBOX_PROVEN, at=now)
    proven.save(force_insert=True)


def _open_invite(claim: LinkClaim, *, device: Device, now: datetime) -> Invite:
    """The invite, if its link lets this device in: one that passed before needs no place."""
    invite = invite_behind(claim)
    if invite is None:
        raise LinkClosedError(Why.GONE)
    before = redemption_of(claim, device.hash)
    has_place = before is not None and before.issued_pass.moved_at is None
    devices = 0 if has_place else invite.devices_used
    verdict = judge_link(
        terms_of(invite, settings_for(invite.tenant)), generation=claim.generation, devices=devices, now=now
    )
    has_pass = before is not None and before.issued_pass.ended_at is None
    if isinstance(verdict, Refuse) and (verdict.why in FINAL or not has_pass):
        raise LinkClosedError(verdict.why)
    return invite


def _claim_device(claim: LinkClaim, *, now: datetime) -> bool:
    """Take one place, if one is left: the condition stands in the UPDATE, the database decides."""
    has_place = Q(max_devices__isnull=True) | Q(devices_used__lt=F("max_devices"))
    claimed = Invite.objects.filter(
        has_place,
        pk=claim.invite_id,
        generation=claim.generation,
        withdrawn_at__isnull=True,
        expires_at__gt=now,
    ).update(
        devices_used=F("devices_used") + 1,
        lobby_reached_at=Coalesce("lobby_reached_at", now),
        entered_at=Coalesce("entered_at", now),
        new_link_asked_at=None,
    )
    return claimed == 1


def _revive(
    before: Redemption, claim: LinkClaim, *, device: Device, proof: UUID | None, now: datetime
) -> None:
    """Give the device its pass again: a host had shown it out, and somebody has invited it anew."""
    open_still = Invite.objects.filter(pk=claim.invite_id, generation=claim.generation, withdrawn_at=None)
    if not open_still.update(entered_at=Coalesce("entered_at", now)):
        raise LinkClosedError(why_closed(claim, now=now))
    if not revive_pass(before.issued_pass):
        raise LinkClosedError(Why.USED_UP)
    if proof is not None:
        use_code(proof, claim, device=device, now=now)
        Redemption.objects.filter(pk=before.pk).update(is_mailbox_proven=True)


def why_closed(claim: LinkClaim, *, now: datetime) -> Why:
    """What the link says now that somebody was faster."""
    invite = invite_behind(claim)
    if invite is None:
        return Why.GONE
    verdict = judge_link(
        terms_of(invite, settings_for(invite.tenant)),
        generation=claim.generation,
        devices=invite.devices_used,
        now=now,
    )
    return verdict.why if isinstance(verdict, Refuse) else Why.USED_UP


def _admit(invite: Invite, rules: ModuleSettings, *, person: Person | None) -> Participant:
    """Make the invitee a participant.

    That is the person signed in, else whoever came by this invite before, else the person with the address,
    else a guest.
    """
    guest: Guest | None = None
    if person is None and invite.participant is not None:
        person, guest = invite.participant.person, invite.participant.guest
    elif person is None:
        person = person_with(invite.tenant_id, invite.normalised_email)
    if person is None and guest is None:
        verdict = judge_newcomer(rules, normalise_email(invite.normalised_email))
        if isinstance(verdict, Refused):
            raise refusal_of_domain(verdict.detail)
        guest, _is_new = Guest.objects.get_or_create(
            tenant_id=invite.tenant_id,
            normalised_email=invite.normalised_email,
            defaults={
                "email": invite.email,
                "first_name": invite.first_name,
                "last_name": invite.last_name,
            },
        )
    participant = admit_participant(
        invite.entry, person=person, guest=guest, role=Role(invite.role), until=invite.expires_at
    )
    if invite.participant_id != participant.pk:
        Invite.objects.filter(pk=invite.pk).update(participant=participant)
    return participant


def _demand_welcome(invite: Invite, rules: ModuleSettings) -> None:
    """Nobody shall look for a code in their mailbox and then read that they may not become a guest.

    Raises:
        RefusedError: the address is restricted.
    """
    if invite.participant is None:
        verdict = judge_newcomer(rules, normalise_email(invite.normalised_email))
        if isinstance(verdict, Refused):
            raise refusal_of_domain(verdict.detail)


def demand_invited_person(invite: Invite, person: Person) -> None:
    """Go on only for whom the invite was made.

    Raises:
        RefusedError: it was made for somebody else.
    """
    if not is_invited_person(invite, person):
        raise RefusedError(_("This invitation is for somebody else."), code="other_person")


def is_invited_person(invite: Invite, person: Person) -> bool:
    """Whether the invite was made for the address of this person of the same tenant."""
    is_same = hmac.compare_digest(person.normalised_email.encode(), invite.normalised_email.encode())
    return is_same and person.tenant_id == invite.tenant_id and not person.is_disabled
