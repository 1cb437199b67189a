"""What hosts and moderators do about somebody inside; and raised hands."""

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import MissingError, RefusedError
from common.throttle import Limit
from rooms.broadcast import announce
from rooms.events import PresenceChanged
from rooms.models import Entry, Participant, Pass
from rooms.policy.collaboration import Act
from rooms.policy.roles import INVITABLE, Role
from rooms.queries import People, people_called
from rooms.services.admission import end_passes, tell_standing
from rooms.services.changes import tell_participant
from rooms.services.stage import remove_from_stage, tell_stage_of_role
from rooms.services.standing import demand_act

if TYPE_CHECKING:
    from rooms.access import Viewer

HAND: Final = "hand"  # the topic
_HANDS: Final = Limit("hand", tries=10, seconds=10)
_SEARCHES: Final = Limit("people-search", tries=20, seconds=10)


def find_people(entry: Entry, name: str, *, by: "Viewer", now: datetime) -> People:
    """Somebody by name among all who are here: of a crowd, the list shows the team only some.

    Raises:
        RefusedError: the viewer is not in the team.
        ThrottledError: too often in a short time.
    """
    participant = demand_act(Act.ANSWER, entry, by=by, now=now)
    _SEARCHES.count(str(participant.pk))
    return people_called(entry.pk, name, now=now)


@transaction.atomic
def mute_participant(
    entry: Entry, participant_id: UUID, *, by: "Viewer", is_muted: bool, now: datetime
) -> None:
    """Let somebody be read no more, or again. They see everything, and still answer polls.

    Raises:
        RefusedError: the viewer does not moderate here, or it is a host.
        MissingError: there is no such participant.
    """
    demand_act(Act.MODERATE, entry, by=by, now=now)
    somebody = _other(entry, participant_id, by=by)
    rows = Participant.objects.filter(pk=somebody.pk, muted_at__isnull=is_muted)
    if rows.update(muted_at=now if is_muted else None):
        _tell_people(entry)
        tell_standing(entry.pk, somebody.pk)


@transaction.atomic
def give_role(entry: Entry, participant_id: UUID, role: Role, *, by: "Viewer", now: datetime) -> None:
    """Promote somebody inside, or demote them; their page feels it at once.

    What an inviter says later about the same person holds then.

    Raises:
        RefusedError: the viewer does not run this session, it is a host, or the role cannot be given.
        MissingError: there is no such participant.
    """
    demand_act(Act.RUN, entry, by=by, now=now)
    somebody = _other(entry, participant_id, by=by)
    if role not in INVITABLE:
        raise RefusedError(_("Hosts come with a right on the session, under ⋯ → Collaborators."), code="host")
    is_here_by_course = not somebody.granted_role
    given = "" if role == Role.VIEWER and is_here_by_course else role.value
    if Participant.objects.filter(pk=somebody.pk).exclude(host_role=given).update(host_role=given):
        tell_standing(entry.pk, somebody.pk)
        tell_stage_of_role(entry.pk, somebody, role)
        _tell_people(entry)


@transaction.atomic
def remove_participant(entry: Entry, participant_id: UUID, *, by: "Viewer", now: datetime) -> None:
    """Show somebody out, with all their devices; whoever may invite can ask them in again.

    Raises:
        RefusedError: the viewer does not run this session, or it is a host.
        MissingError: there is no such participant.
    """
    demand_act(Act.RUN, entry, by=by, now=now)
    somebody = _other(entry, participant_id, by=by)
    if Participant.objects.filter(pk=somebody.pk, removed_at=None).update(
        removed_at=now, host_role="", hand_raised_at=None
    ):
        end_passes(Pass.objects.filter(participant=somebody), entry_id=entry.pk, now=now, of=somebody.pk)
        remove_from_stage(entry.pk, [somebody.pk])
        tell_standing(entry.pk, somebody.pk)
        _tell_people(entry)


@transaction.atomic
def raise_hand(entry: Entry, *, by: "Viewer", is_raised: bool, now: datetime) -> None:
    """Ask to be called upon, or no longer.

    Raises:
        RefusedError: the viewer may not take part here.
        ThrottledError: too often in a short time.
    """
    participant = demand_act(Act.TAKE_PART, entry, by=by, now=now)
    _HANDS.count(str(participant.pk))
    _set_hand(entry, participant.pk, is_raised=is_raised, now=now)


@transaction.atomic
def lower_hand(entry: Entry, participant_id: UUID, *, by: "Viewer", now: datetime) -> None:
    """Take somebody's hand down: they were called upon.

    Raises:
        RefusedError: the viewer is not in the team.
        MissingError: there is no such participant.
    """
    demand_act(Act.ANSWER, entry, by=by, now=now)
    _set_hand(entry, _somebody(entry, participant_id).pk, is_raised=False, now=now)


def _set_hand(entry: Entry, participant_id: UUID, *, is_raised: bool, now: datetime) -> None:
    rows = Participant.objects.filter(pk=participant_id, hand_raised_at__isnull=is_raised)
    if rows.update(hand_raised_at=now if is_raised else None):
        _tell_people(entry)
        tell_participant(entry.pk, participant_id, HAND, {"is_raised": is_raised})


def _somebody(entry: Entry, participant_id: UUID) -> Participant:
    found = Participant.objects.filter(entry=entry, pk=participant_id).first()
    if found is None:
        raise MissingError
    return found


def _other(entry: Entry, participant_id: UUID, *, by: "Viewer") -> Participant:
    """Somebody who is not the viewer, nor a host: hosts are hosts by their right, whatever is done here."""
    found = _somebody(entry, participant_id)
    if found.pk == by.participant_id:
        raise RefusedError(_("This is you."), code="yourself")
    if found.shown_role == Role.HOST:
        raise RefusedError(_("This person is a host of the session."), code="host")
    return found


def _tell_people(entry: Entry) -> None:
    transaction.on_commit(partial(announce, PresenceChanged(entry.pk)), robust=True)
