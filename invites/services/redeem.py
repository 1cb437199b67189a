"""Passing the lobby: one device, one place, one pass.

Where the tenant's rule wants the mailbox proven, `redeem_invite` says so (`CodeNeededError`) and is called
again with a code that was right (`invites.services.codes`). It asks the rule itself, at the very moment.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from common.decisions import Refused
from common.errors import AppError, InvalidError, RefusedError, UnavailableError
from invites.domains import normalise_email
from invites.explain import refusal_of_domain
from invites.links import LinkClaim
from invites.models import Invite, InviteEvent, MailboxCode, Redemption
from invites.policy import FINAL, Refuse, Why, asks_for_code, judge_link
from invites.queries import Door, door_of, invite_behind, judge_newcomer, settings_for, terms_of
from invites.services.claiming import Admission, claim_place
from invites.services.guessing import demand_right_address, demand_typed, reach_lobby
from lti_tool.identity import hash_secret
from lti_tool.models import Person
from rooms.models import Guest, Participant, Pass
from rooms.policy.roles import Role
from rooms.services.admission import (
    demand_not_removed,
    issue_pass,
    new_participant,
    prove_mailbox,
    regrant,
    revive_pass,
    take_back_pass,
)

TRIES: Final = 5  # each further one because somebody else was faster


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


def knock(
    claim: LinkClaim, typed: str, *, device: Device, address: str, now: datetime, door: Door | None = None
) -> Redeemed:
    """Pass the lobby by typing the invited address. A wrong one burns nothing and is counted.

    Args:
        address: the network address that asks.
        door: as it was read for this request, where it was.

    Raises:
        InvalidError: nothing, or not the invited address, was typed.
        ThrottledError: too many wrong ones.
        LinkClosedError: the link lets nobody else in.
        CodeNeededError: the address is right, and the mailbox must be proven too.
        RefusedError: the address may not become a guest (code `restricted`).
    """
    demand_typed(typed)
    door = _open_door(claim, door, device=device, now=now)
    try:
        demand_right_address(door.invite, typed, address=address)
        return redeem_invite(claim, device=device, now=now, door=door)
    except AppError:  # whoever comes in has reached the lobby by that
        reach_lobby(door.invite, now=now)
        raise


def redeem_invite(
    claim: LinkClaim,
    *,
    device: Device,
    now: datetime,
    person: Person | None = None,
    proof: UUID | None = None,
    door: Door | None = None,
) -> Redeemed:
    """Count this device, bind it to the link and give it a pass; the same device never counts twice.

    All is read and judged first, then written at once (`invites.services.claiming`). Where somebody else has
    changed something in between, nothing was written, and all is read and judged again.

    Args:
        person: whoever is signed in from the LMS, with the invited address: needs no code.
        proof: the id of a `MailboxCode` whose digits this device has just typed; it is used up here.
        door: as it was read for this request, where it was.

    Raises:
        LinkClosedError: the link lets this device not in (any more).
        CodeNeededError: the rule wants a code, and this device has not proven the mailbox.
        CodeSpentError: the code was used meanwhile.
        RefusedError: the address may not become a guest (code `restricted`), or is not this person's.
        UnavailableError: others were faster again and again.
    """
    for _try in range(TRIES):
        door = _open_door(claim, door, device=device, now=now)
        try:
            redeemed = _redeem(door, device=device, person=person, proof=proof, now=now)
        except IntegrityError:  # a double click, or the same guest at two doors: the other one was faster
            redeemed = None
        if redeemed is not None:
            return redeemed
        door = None
    raise UnavailableError


def _redeem(
    door: Door, *, device: Device, person: Person | None, proof: UUID | None, now: datetime
) -> Redeemed | None:
    """None where the door is not as it was read any more: nothing was written."""
    invite, before = door.invite, door.before
    if person is not None:
        demand_invited_person(invite, person)
    if before is not None and door.has_pass:
        return Redeemed(invite.entry_id, device.pass_secret(before.pk))
    is_proven = person is not None or proof is not None or (before is not None and before.is_mailbox_proven)
    if not is_proven and asks_for_code(door.rules.verify_mailbox, Role(invite.role)):
        if invite.participant is None:
            _demand_welcome(door)
        raise CodeNeededError
    if before is not None:
        return _come_back(door, before, device=device, person=person, proof=proof, now=now)
    admission = _admission_of(door, person=person)
    redemption_id = uuid4()
    secret = device.pass_secret(redemption_id)
    given = Pass(participant=admission.participant, secret_hash=hash_secret(secret))
    redemption = Redemption(
        id=redemption_id,
        invite=invite,
        generation=door.claim.generation,
        device_hash=device.hash,
        issued_pass=given,
        redeemed_at=now,
        is_mailbox_proven=proof is not None,
    )
    if proof is None:
        is_in = claim_place(door, now=now, admission=admission, rows=(given, redemption))
    else:
        with transaction.atomic():
            is_in = claim_place(door, now=now, admission=admission, rows=(given, redemption))
            if is_in:
                use_code(proof, door.claim, device=device, now=now)
                prove_mailbox(invite.entry_id, given.participant_id)
    return Redeemed(invite.entry_id, secret) if is_in else None


@transaction.atomic
def _come_back(
    door: Door,
    before: Redemption,
    *,
    device: Device,
    person: Person | None,
    proof: UUID | None,
    now: datetime,
) -> Redeemed | None:
    """Let a device in whose pass has ended: a host had shown it out, or another device has its place now."""
    if door.has_place:
        _revive(before, door.claim, device=device, proof=proof, now=now)
        return Redeemed(door.invite.entry_id, device.pass_secret(before.pk))
    if not claim_place(door, now=now):
        return None
    return bind_device(door, device=device, person=person, proof=proof, now=now)


def bind_device(
    door: Door, *, device: Device, person: Person | None, proof: UUID | None, now: datetime
) -> Redeemed:
    """Give a device its pass, in the transaction that has made room for it and holds the invite's row.

    What it had and gave away before, it has again.
    """
    invite, before = door.invite, door.before
    if proof is not None:
        use_code(proof, door.claim, device=device, now=now)
    participant = _admit(door, person=person)
    if proof is not None:
        prove_mailbox(invite.entry_id, participant.pk)
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
        generation=door.claim.generation,
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


def _open_door(claim: LinkClaim, door: Door | None, *, device: Device, now: datetime) -> Door:
    """The door, if its link lets this device in: one that passed before needs no place.

    Raises:
        LinkClosedError: it does not.
    """
    door = door or door_of(claim, device.hash)
    if door is None:
        raise LinkClosedError(Why.GONE)
    devices = 0 if door.has_place else door.invite.devices_used
    verdict = judge_link(door.terms, generation=claim.generation, devices=devices, now=now)
    if isinstance(verdict, Refuse) and (verdict.why in FINAL or not door.has_pass):
        raise LinkClosedError(verdict.why)
    return door


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
        prove_mailbox(before.invite.entry_id, before.issued_pass.participant_id)


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


def _admission_of(door: Door, *, person: Person | None) -> Admission:
    """As whom the invitee comes in, and what has to be made for that.

    That is the person signed in, else whoever came by this invite before, else the person with the address,
    else a guest.

    Raises:
        RefusedError: the address may not become a guest (code `restricted`), or a host has removed whom it
            belongs to (code `removed`).
    """
    invite, participant = door.invite, door.invite.participant
    role, until = Role(invite.role), invite.expires_at
    if participant is None or (person is not None and participant.person_id != person.pk):
        person_id = door.person_id if person is None else person.pk
        guest_id = door.guest_id if person_id is None else None
        if person_id is None and guest_id is None:
            _demand_welcome(door)
            guest = _new_guest(invite)
            newcomer = new_participant(invite.entry_id, guest_id=guest.pk, role=role, until=until)
            return Admission(newcomer, (guest, newcomer))
        who = Q(person_id=person_id) if guest_id is None else Q(guest_id=guest_id)
        participant = Participant.objects.filter(who, entry_id=invite.entry_id).first()
        if participant is None:
            newcomer = new_participant(
                invite.entry_id, person_id=person_id, guest_id=guest_id, role=role, until=until
            )
            return Admission(newcomer, (newcomer,))
    demand_not_removed(participant)
    is_regranted = (participant.granted_role, participant.granted_until) != (role, until)
    return Admission(participant, is_regranted=is_regranted)


def _new_guest(invite: Invite) -> Guest:
    guest = Guest(
        tenant_id=invite.tenant_id,
        normalised_email=invite.normalised_email,
        email=invite.email,
        first_name=invite.first_name,
        last_name=invite.last_name,
    )
    guest.make_searchable()
    return guest


def _admit(door: Door, *, person: Person | None) -> Participant:
    """Write an admission, in a transaction that holds the invite's row."""
    invite, admission = door.invite, _admission_of(door, person=person)
    for row in admission.new_rows:
        row.save(force_insert=True)
    if admission.is_regranted:
        regrant(admission.participant, role=Role(invite.role), until=invite.expires_at)
    if invite.participant_id != admission.participant.pk:
        Invite.objects.filter(pk=invite.pk).update(participant=admission.participant)
    return admission.participant


def _demand_welcome(door: Door) -> None:
    """Nobody shall look for a code in their mailbox and then read that they may not become a guest.

    Raises:
        RefusedError: the address is restricted.
    """
    verdict = judge_newcomer(door.rules, normalise_email(door.invite.normalised_email))
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
