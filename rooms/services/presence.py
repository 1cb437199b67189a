"""Who is here: written when somebody comes, in batches while they stay, and when the last page is closed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from lti_tool.prepared import driver_value, insert_if_absent, one_of
from rooms.broadcast import announce
from rooms.events import PresenceChanged
from rooms.models import Entry, Participant, Pass, Visit
from rooms.policy.doors import Stance, door_state, schedule_of, stance_of
from rooms.queries import PRESENT_WITHIN

if TYPE_CHECKING:
    from rooms.access import Viewer


SEEN_EVERY: Final = timedelta(seconds=15)  # how exact "seen" is: well within what counts as present
_FEW: Final = 50
# Whoever is something else by now goes on with the same visit; one that stays as it is is not even locked.
# Looked up row by row: of `NOT EXISTS` PostgreSQL may make a join that takes five times as long.
_BEGIN: Final = """
    INSERT INTO rooms_visit (participant_id, role, joined_at)
    SELECT id, %s, %s FROM rooms_participant WHERE id IN {} AND COALESCE((
        SELECT role FROM rooms_visit WHERE participant_id = rooms_participant.id AND left_at IS NULL
    ), '') <> %s
    ON CONFLICT (participant_id) WHERE left_at IS NULL DO UPDATE SET role = excluded.role
"""

_SEE_DEVICE: Final = "UPDATE rooms_pass SET seen_at = %(now)s WHERE id = %(pass)s"
_SEE_PARTICIPANT: Final = """
    UPDATE rooms_participant SET seen_at = %(now)s, left_at = NULL, shown_role = %(role)s
    WHERE id = %(participant)s AND entry_id = %(entry)s
"""
_VISIT: Final = """
    INSERT INTO rooms_visit (participant_id, role, joined_at)
    SELECT %(participant)s, CAST(%(role)s AS varchar), %(now)s WHERE NOT EXISTS (
        SELECT 1 FROM rooms_visit
        WHERE participant_id = %(participant)s AND left_at IS NULL AND role = %(role)s
    )
    ON CONFLICT (participant_id) WHERE left_at IS NULL DO UPDATE SET role = excluded.role
"""


def enter_room(entry: Entry, *, by: "Viewer", now: datetime) -> "Viewer":
    """Note that the viewer has a page of the entry open; where sockets are blocked, nothing else does."""
    # Mostly a reload, or a page beside an open one: then nothing is written.
    if by.noted_at is not None and by.noted_at > now - SEEN_EVERY and by.pass_id is None:
        return by
    if by.participant_id is not None and by.seen_at is not None and by.seen_at <= now - PRESENT_WITHIN:
        # Nobody noted when they left: their server ended, or they had no socket.
        _end_visits([by.participant_id], now=by.seen_at)
    is_inside = stance_of(door_state(schedule_of(entry), now=now), role=by.role) == Stance.INSIDE
    if by.participant_id is None and by.person_id is not None:
        viewer = _come_first(entry, by=by, person_id=by.person_id, now=now)
        if is_inside and viewer.participant_id is not None:
            _begin_visits({viewer.participant_id: viewer.role}, now=now)
        return viewer
    if by.participant_id is not None:
        _come(entry, by.participant_id, by=by, is_inside=is_inside, now=now)
    return by


def _come(entry: Entry, participant_id: UUID, *, by: "Viewer", is_inside: bool, now: datetime) -> None:
    """All that a page writes when it comes: one statement on PostgreSQL, so one flush of its disk."""
    at = driver_value(now, Participant.seen_at)
    values = {
        "pass": driver_value(by.pass_id, Pass.id),
        "participant": driver_value(participant_id, Participant.id),
        "entry": driver_value(entry.pk, Entry.id),
        "role": str(by.role),
        "now": at,
    }
    is_noted = by.noted_at is not None and by.noted_at > now - SEEN_EVERY
    steps = [
        *([] if by.pass_id is None else [_SEE_DEVICE]),
        *([] if is_noted else [_SEE_PARTICIPANT]),
        *([_VISIT] if is_inside else []),
    ]
    if not steps:
        return
    if connection.vendor == "postgresql":
        parts = ", ".join(f"step_{at} AS ({step} RETURNING 1)" for at, step in enumerate(steps))
        with connection.cursor() as cursor:
            cursor.execute(f"WITH {parts} SELECT 1", values)
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            for step in steps:
                cursor.execute(step, values)
    if by.noted_at is None or by.noted_at <= now - PRESENT_WITHIN:
        _tell(entry.pk)


def _come_first(entry: Entry, *, by: "Viewer", person_id: UUID, now: datetime) -> "Viewer":
    """Somebody of the LMS who has no row yet: made and seen in one statement."""
    participant_id, is_new = _row_for_person(entry, person_id, role=by.role, seen_at=now)
    if is_new:
        _tell(entry.pk)
    else:
        _see({by.role: [participant_id]}, entry_id=entry.pk, now=now)
    return replace(by, participant_id=participant_id)


def with_participant(entry: Entry, *, by: "Viewer") -> "Viewer":
    """The same viewer with a participant: people of the LMS get their row the first time they come."""
    if by.participant_id is not None or by.person_id is None:
        return by
    participant_id, _is_new = _row_for_person(entry, by.person_id, role=by.role)
    return replace(by, participant_id=participant_id)


@dataclass(slots=True)
class Presence:
    """What has happened at the doors since it was last written down; participants with their roles.

    Args:
        here: who has a page open.
        inside: those of them who were inside before already: another process may have noted that they left.
        entered: who has come inside since.
    """

    here: dict[UUID, str] = field(default_factory=dict)
    gone: set[UUID] = field(default_factory=set)
    entered: dict[UUID, str] = field(default_factory=dict)
    put_out: set[UUID] = field(default_factory=set)
    inside: dict[UUID, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.here or self.gone or self.entered or self.put_out)

    def note_here(self, participant_id: UUID, role: str, *, is_inside: bool) -> None:
        """Somebody has come, or gone through the doors."""
        self.here[participant_id] = role
        self.gone.discard(participant_id)
        if is_inside:
            self.entered[participant_id] = role
            self.put_out.discard(participant_id)
        else:
            self.entered.pop(participant_id, None)
            self.put_out.add(participant_id)

    def note_gone(self, participant_id: UUID) -> None:
        """Somebody has closed their last page."""
        self.gone.add(participant_id)
        self.here.pop(participant_id, None)
        self.inside.pop(participant_id, None)

    def followed_by(self, later: "Presence") -> "Presence":
        """Both in one."""
        return Presence(
            here={**_without(self.here, later.gone), **later.here},
            gone=(self.gone - later.here.keys()) | later.gone,
            entered={**_without(self.entered, later.put_out), **later.entered},
            put_out=(self.put_out - later.entered.keys()) | later.put_out,
            inside={**_without(self.inside, later.put_out | later.gone), **later.inside},
        )

    def of(self, participants: Collection[UUID]) -> "Presence":
        """Of these alone."""
        others = {*self.here, *self.gone, *self.entered, *self.put_out, *self.inside}.difference(participants)
        return Presence(
            here=_without(self.here, others),
            gone=self.gone - others,
            entered=_without(self.entered, others),
            put_out=self.put_out - others,
            inside=_without(self.inside, others),
        )


def _without(roles: Mapping[UUID, str], others: Collection[UUID]) -> dict[UUID, str]:
    return {each: role for each, role in roles.items() if each not in others}


def note_presence(presence: Presence, *, entry_id: UUID, now: datetime) -> set[UUID]:
    """Note in one go who is (still) here, who has gone inside or left; gives those who are back inside."""
    try:
        return _note_presence(presence, entry_id=entry_id, now=now)
    except IntegrityError:  # somebody was erased, or joined with the person that they are
        rows = Participant.objects.filter(entry_id=entry_id).values_list("pk", flat=True)
        return _note_presence(presence.of(set(rows)), entry_id=entry_id, now=now)


def _note_presence(presence: Presence, *, entry_id: UUID, now: datetime) -> set[UUID]:
    with transaction.atomic():
        back = _end_lost_visits(presence.entered, now=now)
        if see_participants(presence.here, entry_id=entry_id, now=now):
            _begin_visits(presence.inside, now=now)
        _begin_visits(presence.entered, now=now)
        _end_visits(presence.put_out | presence.gone, now=now)
        note_departures(presence.gone, entry_id=entry_id, now=now)
    return back


def see_participants(roles: dict[UUID, str], *, entry_id: UUID, now: datetime) -> bool:
    """Note in one go who is (still) here, and as what; gives whether anybody was away, or something else.

    Args:
        roles: the role of each participant, as it was asked last.
    """
    by_role: dict[str, list[UUID]] = {}
    for participant_id, role in roles.items():
        by_role.setdefault(role, []).append(participant_id)
    return _see(by_role, entry_id=entry_id, now=now)


def note_departures(participant_ids: Collection[UUID], *, entry_id: UUID, now: datetime) -> None:
    """Note that these have closed their last page here."""
    if not participant_ids:
        return
    gone = Participant.objects.filter(entry_id=entry_id, pk__in=participant_ids, left_at__isnull=True)
    if gone.update(left_at=now):
        _tell(entry_id)


def _end_lost_visits(participant_ids: Collection[UUID], *, now: datetime) -> set[UUID]:
    """Whose server ended in the middle of a visit: it lasted until they were seen last.

    Gives those who have been inside before.
    """
    if not participant_ids:
        return set()
    before = Visit.objects.filter(participant__in=one_of(participant_ids, Participant.id))
    rows = list(before.values_list("pk", "participant_id", "left_at", "participant__seen_at"))
    lost = [
        Visit(pk=pk, left_at=seen_at)
        for pk, _whose, left_at, seen_at in rows
        if left_at is None and seen_at is not None and seen_at <= now - PRESENT_WITHIN
    ]
    if lost:
        Visit.objects.bulk_update(lost, ["left_at"])
    return {whose for _pk, whose, _left_at, _seen_at in rows}


def _end_visits(participant_ids: Collection[UUID], *, now: datetime) -> None:
    if participant_ids:
        those = one_of(participant_ids, Participant.id)
        Visit.objects.filter(participant__in=those, left_at__isnull=True).update(left_at=now)


def _begin_visits(roles: Mapping[UUID, str], *, now: datetime) -> None:
    """A statement for each role, however many; an open visit goes on, in the role that somebody has now."""
    by_role: dict[str, list[UUID]] = {}
    for participant_id, role in roles.items():
        by_role.setdefault(role, []).append(participant_id)
    at = driver_value(now, Visit.joined_at)
    with connection.cursor() as cursor:
        for role, participant_ids in by_role.items():
            those = one_of(participant_ids, Participant.id)
            cursor.execute(_BEGIN.format(f"({those.sql})"), [role, at, *those.params, role])


def _see(by_role: dict[str, list[UUID]], *, entry_id: UUID, now: datetime) -> bool:
    has_changed = False
    for role, participant_ids in by_role.items():
        those = one_of(participant_ids, Participant.id)
        rows = Participant.objects.filter(entry_id=entry_id, pk__in=those)
        was_away = (
            Q(left_at__isnull=False)
            | Q(seen_at__isnull=True)
            | Q(seen_at__lte=now - PRESENT_WITHIN)
            | ~Q(shown_role=role)
        )
        # Of many, most have been here before; of few, most have just come.
        is_crowd = len(participant_ids) > _FEW
        stayed = rows.exclude(was_away).update(seen_at=now) if is_crowd else 0
        arrived = 0
        if stayed < len(participant_ids):
            arrived = rows.filter(was_away).update(seen_at=now, left_at=None, shown_role=role)
        if not is_crowd and arrived < len(participant_ids):
            rows.filter(seen_at__lt=now).update(seen_at=now)
        has_changed = has_changed or arrived > 0
    if has_changed:
        _tell(entry_id)
    return has_changed


def _row_for_person(
    entry: Entry, person_id: UUID, *, role: str, seen_at: datetime | None = None
) -> tuple[UUID, bool]:
    """The row of a person who was found without one, and whether it is new: another page may be faster."""
    row = Participant(entry=entry, person_id=person_id, shown_role=role, seen_at=seen_at)
    if insert_if_absent(row):
        return row.pk, True
    rows = Participant.objects.filter(entry=entry, person_id=person_id)
    return rows.values_list("pk", flat=True).get(), False


def _tell(entry_id: UUID) -> None:
    transaction.on_commit(partial(announce, PresenceChanged(entry_id)), robust=True)
