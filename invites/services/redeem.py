"""Passing the lobby: one device, one place, one pass."""

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
from common.throttle import Limit
from invites.domains import AddressError, normalise_email
from invites.explain import refusal_of_domain
from invites.links import LinkClaim
from invites.models import Invite, ModuleSettings, Redemption
from invites.policy import FINAL, Refuse, Why, judge_link
from invites.queries import (
    invite_behind,
    judge_newcomer,
    person_with,
    redemption_of,
    settings_for,
    terms_of,
)
from lti_tool.identity import hash_secret
from lti_tool.models import Person
from rooms.models import Guest, Participant, Pass
from rooms.policy.roles import Role
from rooms.services.admission import admit_participant, end_passes, issue_pass, revive_pass

# Design §11, "Limits".
TRIES_PER_INVITE = Limit("lobby-invite", 10, 900)
TRIES_PER_ADDRESS = Limit("lobby-address", 300, 900)


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


def knock(claim: LinkClaim, typed: str, *, device: Device, address: str, now: datetime) -> Redeemed:
    """Pass the lobby by typing the invited address. A wrong one burns nothing and is counted.

    Args:
        address: the network address that asks.

    Raises:
        InvalidError: nothing, or not the invited address, was typed.
        ThrottledError: too many wrong ones.
        LinkClosedError: the link lets nobody else in.
        RefusedError: the address may not become a guest (code `restricted`).
    """
    if not typed.strip():
        raise InvalidError(_("Enter the email address to which the invitation was sent."), code="empty")
    invite = _open_invite(claim, device=device, now=now)
    Invite.objects.filter(pk=invite.pk, lobby_reached_at__isnull=True).update(lobby_reached_at=now)
    TRIES_PER_INVITE.check(str(invite.pk))
    TRIES_PER_ADDRESS.check(address)
    if not _is_invited(invite, typed):
        TRIES_PER_INVITE.count(str(invite.pk))
        TRIES_PER_ADDRESS.count(address)
        raise InvalidError(
            _("The invitation was not made for this address."),
            next_step=_("Check it for typing errors, or try another address of yours. Nothing is lost."),
            code="wrong",
        )
    return redeem_invite(claim, device=device, now=now)


def redeem_invite(
    claim: LinkClaim, *, device: Device, now: datetime, person: Person | None = None
) -> Redeemed:
    """Count this device, bind it to the link and give it a pass; the same device never counts twice.

    Args:
        person: whoever is signed in from the LMS, with the invited address.

    Raises:
        LinkClosedError: the link lets this device not in (any more).
        RefusedError: the address may not become a guest (code `restricted`), or is not this person's.
    """
    try:
        return _redeem(claim, device=device, person=person, now=now)
    except (
        IntegrityError
    ):  # a double click: the other one has bound this very device, and nothing of ours stays
        return _redeem(claim, device=device, person=person, now=now)


@transaction.atomic
def _redeem(claim: LinkClaim, *, device: Device, person: Person | None, now: datetime) -> Redeemed:
    invite = _open_invite(claim, device=device, now=now)
    rules = settings_for(invite.tenant)
    if person is not None and not is_invited_person(invite, person):
        raise RefusedError(_("This invitation is for somebody else."), code="other_person")
    before = redemption_of(claim, device.hash)
    if before is None and not _claim_device(claim, now=now):
        before = redemption_of(claim, device.hash)  # a double click, and the other one was faster
        if before is None:
            raise LinkClosedError(_why_closed(claim, now=now))
    if before is not None:
        if before.issued_pass.ended_at is not None:
            _revive(before, claim, now=now)
        return Redeemed(invite.entry_id, device.pass_secret(before.pk))
    # The row is ours until the commit: what it says now (a role changed a moment ago) stays true.
    invite.refresh_from_db(fields=["role", "expires_at", "participant"])
    participant = _admit(invite, rules, person=person)
    end_passes(
        Pass.objects.filter(redemption__invite=invite, redemption__generation__lt=claim.generation),
        entry_id=invite.entry_id,
        now=now,
    )
    redemption_id = uuid4()
    secret = device.pass_secret(redemption_id)
    Redemption.objects.create(
        id=redemption_id,
        invite=invite,
        generation=claim.generation,
        device_hash=device.hash,
        issued_pass=issue_pass(participant, secret_hash=hash_secret(secret)),
        redeemed_at=now,
    )
    return Redeemed(invite.entry_id, secret)


def _open_invite(claim: LinkClaim, *, device: Device, now: datetime) -> Invite:
    """The invite, if its link lets this device in: one that passed before needs no place."""
    invite = invite_behind(claim)
    if invite is None:
        raise LinkClosedError(Why.GONE)
    before = redemption_of(claim, device.hash)
    devices = invite.devices_used if before is None else 0
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
    )
    return claimed == 1


def _revive(before: Redemption, claim: LinkClaim, *, now: datetime) -> None:
    """Give the device its pass again: a host had shown it out, and somebody has invited it anew."""
    open_still = Invite.objects.filter(pk=claim.invite_id, generation=claim.generation, withdrawn_at=None)
    if not open_still.update(entered_at=Coalesce("entered_at", now)):
        raise LinkClosedError(_why_closed(claim, now=now))
    revive_pass(before.issued_pass)


def _why_closed(claim: LinkClaim, *, now: datetime) -> Why:
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


def is_invited_person(invite: Invite, person: Person) -> bool:
    """Whether the invite was made for the address of this person of the same tenant."""
    is_same = hmac.compare_digest(person.normalised_email.encode(), invite.normalised_email.encode())
    return is_same and person.tenant_id == invite.tenant_id and not person.is_disabled


def _is_invited(invite: Invite, typed: str) -> bool:
    try:
        email = str(normalise_email(typed))
    except AddressError:
        return False
    return hmac.compare_digest(email.encode(), invite.normalised_email.encode())
