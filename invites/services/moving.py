"""Moving a pass to another device: one place, another holder."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.functions import Coalesce

from invites.links import LinkClaim
from invites.models import Invite, InviteEvent
from invites.policy import Refuse, Why, judge_link
from invites.queries import door_of, invite_behind, settings_for, terms_of
from invites.queries.codes import place_to_move
from invites.services.lifecycle import note_event
from invites.services.redeem import (
    Device,
    LinkClosedError,
    Redeemed,
    bind_device,
    demand_invited_person,
    redeem_invite,
    why_closed,
)
from lti_tool.models import Person
from rooms.services.admission import give_away_pass


def demand_move(claim: LinkClaim, *, now: datetime) -> Invite:
    """The invite, if nothing but its other devices keeps a new one out, or nothing at all.

    Raises:
        LinkClosedError: something else does.
    """
    invite = invite_behind(claim)
    if invite is None:
        raise LinkClosedError(Why.GONE)
    verdict = judge_link(
        terms_of(invite, settings_for(invite.tenant)),
        generation=claim.generation,
        devices=invite.devices_used,
        now=now,
    )
    if isinstance(verdict, Refuse) and verdict.why != Why.USED_UP:
        raise LinkClosedError(verdict.why)
    return invite


def move_here(
    claim: LinkClaim,
    *,
    device: Device,
    now: datetime,
    proof: UUID | None = None,
    person: Person | None = None,
) -> Redeemed:
    """Give this device the place of the one that was seen longest ago, which is shown out at once.

    Exactly one of `proof` and `person` says who asks. Where a place is free, nobody has to go.

    Raises:
        LinkClosedError: the link lets nobody in any more, used up or not.
        CodeSpentError: the code was used meanwhile.
        RefusedError: the link is not this person's.
    """
    if (proof is None) == (person is None):
        raise ValueError("a move is proven by a code or by a person")
    try:
        moved = _take_place(claim, device=device, proof=proof, person=person, now=now)
    except IntegrityError:  # a double click: the other one has bound this very device
        moved = _take_place(claim, device=device, proof=proof, person=person, now=now)
    return moved or redeem_invite(claim, device=device, proof=proof, person=person, now=now)


@transaction.atomic
def _take_place(
    claim: LinkClaim, *, device: Device, proof: UUID | None, person: Person | None, now: datetime
) -> Redeemed | None:
    """None where this device has, or can have, a place without that."""
    invite = demand_move(claim, now=now)
    if person is not None:
        demand_invited_person(invite, person)
    if not _hold_used_up(invite, claim, now=now):
        return None
    # The row is ours until the commit: what is read now (a role changed a moment ago) stays true.
    door = door_of(claim, device.hash)
    if door is None or door.has_place:
        return None
    place = place_to_move(claim)
    if place is not None and not give_away_pass(place.issued_pass, entry_id=invite.entry_id, now=now):
        raise LinkClosedError(why_closed(claim, now=now))
    note_event([invite], InviteEvent.Kind.MOVED, by=None, now=now)
    return bind_device(door, device=device, person=person, proof=proof, now=now)


def _hold_used_up(invite: Invite, claim: LinkClaim, *, now: datetime) -> bool:
    """Hold the row of an open invite whose places are all taken: moves and entries come one after another."""
    if invite.max_devices is None:
        return False
    held = Invite.objects.filter(
        pk=claim.invite_id,
        generation=claim.generation,
        withdrawn_at__isnull=True,
        expires_at__gt=now,
        devices_used__gte=invite.max_devices,
    )
    # Whoever asked for a new link and moves instead needs none any more.
    reached = {"lobby_reached_at": Coalesce("lobby_reached_at", now), "new_link_asked_at": None}
    return held.update(**reached) == 1
