"""Letting somebody into an entry, changing what they are there, and showing them out.

Invitations and hosts come here alike: `Participant` is the one truth. Call these inside a transaction; what
open pages must know is announced after it.
"""

from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from common.errors import RefusedError
from lti_tool.models import Person
from rooms.broadcast import announce, ask_everybody
from rooms.events import PresenceChanged, StandingChanged
from rooms.models import Entry, Guest, Participant, Pass
from rooms.policy.roles import INVITABLE, Role
from rooms.services.stage import remove_from_stage, tell_stage_of_role, tell_stage_of_roles


def admit_participant(
    entry: Entry,
    *,
    role: Role,
    until: datetime,
    person: Person | None = None,
    guest: Guest | None = None,
) -> Participant:
    """Grant a role inside the entry to a person or a guest, until a link ends.

    Raises:
        RefusedError: a host has removed them; whoever may invite lets them back (`readmit_participant`).
    """
    participant, is_new = Participant.objects.get_or_create(
        entry=entry,
        person=person,
        guest=guest,
        defaults={"granted_role": _granted(role), "granted_until": until},
    )
    demand_not_removed(participant)
    if not is_new and (participant.granted_role, participant.granted_until) != (role, until):
        regrant(participant, role=role, until=until)
    return participant


def new_participant(
    entry_id: UUID,
    *,
    role: Role,
    until: datetime,
    person_id: UUID | None = None,
    guest_id: UUID | None = None,
) -> Participant:
    """Who has not been here before, with a role until a link ends; not saved."""
    return Participant(
        entry_id=entry_id,
        person_id=person_id,
        guest_id=guest_id,
        granted_role=_granted(role),
        granted_until=until,
    )


def demand_not_removed(participant: Participant) -> None:
    """Go on only with somebody whom no host has removed.

    Raises:
        RefusedError: one has.
    """
    if participant.removed_at:
        raise RefusedError(_("A host has removed you from this session."), code="removed")


def regrant(participant: Participant, *, role: Role, until: datetime) -> None:
    """Give somebody who is here another role, or the same one for another time."""
    Participant.objects.filter(pk=participant.pk, removed_at__isnull=True).update(
        granted_role=_granted(role), granted_until=until
    )
    if participant.granted_role != role and not participant.host_role:
        tell_stage_of_role(participant.entry_id, participant, role)
    participant.granted_role, participant.granted_until = role, until
    tell_standing(participant.entry_id)


def issue_pass(participant: Participant, *, secret_hash: str) -> Pass:
    """A pass for one device; the device keeps the secret, we keep its hash."""
    return Pass.objects.create(participant=participant, secret_hash=secret_hash)


def end_passes(passes: QuerySet[Pass], *, entry_id: UUID, now: datetime, of: UUID | None = None) -> int:
    """End those of the passes that are still alive, and say how many that were.

    Args:
        of: whose they all are; only their pages are asked then.
    """
    ended = passes.filter(ended_at__isnull=True).update(ended_at=now)
    if ended:
        tell_standing(entry_id, *filter(None, [of]))
    return ended


def revive_pass(ended: Pass) -> bool:
    """Give a device its pass back: the same device counts once, so it can be given no second one.

    False: it was moved to another device, which may be this very moment.
    """
    return Pass.objects.filter(pk=ended.pk, moved_at__isnull=True).update(ended_at=None) == 1


def give_away_pass(held: Pass, *, entry_id: UUID, now: datetime) -> bool:
    """End a pass because another device takes its place; its open page is shown out and told so.

    False: somebody else has taken it a moment ago.
    """
    if not Pass.objects.filter(pk=held.pk, moved_at__isnull=True).update(
        moved_at=now, ended_at=Coalesce("ended_at", now)
    ):
        return False
    tell_standing(entry_id)
    return True


def take_back_pass(moved: Pass, *, participant: Participant) -> bool:
    """Give a device that gave its pass away a pass again, now that another one makes room for it."""
    rows = Pass.objects.filter(pk=moved.pk, moved_at__isnull=False)
    return rows.update(moved_at=None, ended_at=None, seen_at=None, participant=participant) == 1


def revive_passes(passes: QuerySet[Pass], *, entry_id: UUID) -> None:
    """Give several devices of an entry their passes back, but none that was moved to another device."""
    if passes.filter(ended_at__isnull=False, moved_at__isnull=True).update(ended_at=None):
        tell_standing(entry_id)


def change_granted_role(participant: Participant, role: Role) -> None:
    """Give another role to somebody whose grant still stands; open pages feel it at once."""
    changed = (
        Participant.objects.filter(pk=participant.pk)
        .exclude(granted_role="")
        .exclude(granted_role=role, host_role="")
        .update(granted_role=_granted(role), host_role="")
    )
    if changed:
        participant.granted_role = role
        tell_stage_of_role(participant.entry_id, participant, role)
        tell_standing(participant.entry_id, participant.pk)


def change_granted_roles(participants: QuerySet[Participant], role: Role, *, entry_id: UUID) -> None:
    """Give another role to those of the entry's participants whose grant still stands."""
    standing = participants.exclude(granted_role="").exclude(granted_role=role, host_role="")
    tell_stage_of_roles(entry_id, standing, role)
    if standing.update(granted_role=_granted(role), host_role=""):
        tell_standing(entry_id)


def readmit_participant(participant: Participant) -> None:
    """Take back a removal: somebody who may invite asks them in again."""
    if Participant.objects.filter(pk=participant.pk, removed_at__isnull=False).update(removed_at=None):
        participant.removed_at = None
        tell_standing(participant.entry_id, participant.pk)


def restore_grants(participants: QuerySet[Participant], *, role: Role, until: datetime) -> None:
    """Give a role to those who have none and whom no host has removed.

    Called for many, one by one: whoever calls it tells them all at once (`tell_standing`).
    """
    without = participants.filter(granted_role="", removed_at__isnull=True)
    without.update(granted_role=_granted(role), granted_until=until)


def withdraw_grants(participants: QuerySet[Participant], *, entry_id: UUID) -> None:
    """Take the granted roles of several participants of an entry away."""
    remove_from_stage(entry_id, participants.values_list("pk", flat=True))
    participants.update(granted_role="", granted_until=None, host_role="")
    tell_standing(entry_id)


def prolong_grants(participants: QuerySet[Participant], *, entry_id: UUID, until: datetime) -> None:
    """Let granted roles last longer; those that were taken away stay so."""
    granted = Participant.objects.filter(pk__in=participants.values("pk"), granted_until__lt=until)
    if granted.update(granted_until=until):
        tell_standing(entry_id)


def withdraw_grant(participant: Participant) -> None:
    """Take the granted role away; what somebody is by their course stays."""
    Participant.objects.filter(pk=participant.pk).update(granted_role="", granted_until=None, host_role="")
    participant.granted_role, participant.granted_until = "", None
    remove_from_stage(participant.entry_id, [participant.pk])
    tell_standing(participant.entry_id, participant.pk)


def prove_mailbox(entry_id: UUID, participant_id: UUID) -> None:
    """Note that somebody has shown that the invited mailbox is theirs; the list of people says so."""
    rows = Participant.objects.filter(pk=participant_id, is_mailbox_proven=False)
    if rows.update(is_mailbox_proven=True):
        transaction.on_commit(partial(announce, PresenceChanged(entry_id)), robust=True)


def tell_standing(entry_id: UUID, *participants: UUID) -> None:
    """After the commit, have these participants' open pages ask again who they are; all, if none is named."""
    event = StandingChanged(entry_id, participants=tuple(map(str, participants)))
    transaction.on_commit(partial(announce, event), robust=True)


def tell_everybody() -> None:
    """After the commit, have all open pages of all entries ask again: a whole institution is concerned."""
    transaction.on_commit(ask_everybody, robust=True)


def _granted(role: Role) -> str:
    if role not in INVITABLE:
        raise ValueError(role)
    return role.value
