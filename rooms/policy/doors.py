"""When the doors of an entry are open, and when its session ends. Pure: time is an argument."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from common.decisions import Allowed, Decision, Refused
from rooms.policy.roles import Role

GRACE_AFTER_END: Final = timedelta(hours=1)
# "Hosts and speakers fifteen minutes before": the issue of the live room (5); record 23 says how.
SPEAKERS_BEFORE: Final = timedelta(minutes=15)


class DoorState(StrEnum):
    """What somebody who is not a host finds; `SPEAKERS`: speakers are let in, nobody else is."""

    BEFORE = "before"
    SPEAKERS = "speakers"
    OPEN = "open"
    CLOSED = "closed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Schedule:
    """The facts that decide. `doors` is a value of `Entry.Doors`; instants are aware datetimes."""

    starts_at: datetime | None
    ends_at: datetime | None
    doors: str
    doors_changed_at: datetime | None


class _HasSchedule(Protocol):
    starts_at: datetime | None
    ends_at: datetime | None
    doors: str
    doors_changed_at: datetime | None


def schedule_of(entry: _HasSchedule) -> Schedule:
    """The facts of an entry."""
    return Schedule(
        starts_at=entry.starts_at,
        ends_at=entry.ends_at,
        doors=str(entry.doors),
        doors_changed_at=entry.doors_changed_at,
    )


def session_ends_at(schedule: Schedule) -> datetime | None:
    """When a host ended the session, or the scheduled end plus one hour; None without a schedule."""
    if schedule.doors == "ended":
        return schedule.doors_changed_at
    if schedule.ends_at is None:
        return None
    return schedule.ends_at + GRACE_AFTER_END


def pass_ends_at(schedule: Schedule, *, link_ends_at: datetime | None) -> datetime | None:
    """When a pass ends: with the session; without a schedule with its link."""
    ended = session_ends_at(schedule)
    return ended if ended is not None else link_ends_at


def door_state(schedule: Schedule, *, now: datetime) -> DoorState:
    """The doors at `now`. A word of a host outweighs the schedule; without any start the doors are open."""
    ended = session_ends_at(schedule)
    if ended is not None and now >= ended:
        return DoorState.ENDED
    if schedule.doors == "closed":
        return DoorState.CLOSED
    if schedule.doors == "open" or schedule.starts_at is None or now >= schedule.starts_at:
        return DoorState.OPEN
    return DoorState.SPEAKERS if now >= speakers_at(schedule.starts_at) else DoorState.BEFORE


def speakers_at(starts_at: datetime) -> datetime:
    """When speakers are let in, if no host opens or closes the doors."""
    return starts_at - SPEAKERS_BEFORE


class DoorMove(StrEnum):
    """What a host may do to the doors."""

    OPEN = "open"
    CLOSE = "close"
    END = "end"


class NoMove(StrEnum):
    """Why the doors stay as they are."""

    NOT_A_HOST = "not_a_host"
    SCHEDULE_IS_OVER = "schedule_is_over"
    SESSION_HAS_ENDED = "session_has_ended"


def judge_move(move: DoorMove, schedule: Schedule, *, is_host: bool, now: datetime) -> Decision:
    """Whether the doors may be moved. Moving them to where they are is allowed and changes nothing.

    A session that a host ended may be opened again; one that its schedule ended needs a new end first.
    """
    if not is_host:
        return Refused(NoMove.NOT_A_HOST)
    if schedule.ends_at is not None and now >= schedule.ends_at + GRACE_AFTER_END:
        return Refused(NoMove.SCHEDULE_IS_OVER)
    if move == DoorMove.CLOSE and door_state(schedule, now=now) == DoorState.ENDED:
        return Refused(NoMove.SESSION_HAS_ENDED)
    return Allowed()


def doors_after(move: DoorMove, schedule: Schedule, *, now: datetime) -> str:
    """The word (a value of `Entry.Doors`) that stands after an allowed move.

    Closing doors that were opened early goes back to the countdown. Opening doors that are open by schedule
    leaves it to the schedule.
    """
    state = door_state(schedule, now=now)
    if move == DoorMove.END:
        return "ended"
    if move == DoorMove.OPEN:
        return schedule.doors if state == DoorState.OPEN else "open"
    if state in {DoorState.BEFORE, DoorState.SPEAKERS, DoorState.CLOSED}:
        return schedule.doors
    return "schedule" if schedule.starts_at is not None and now < schedule.starts_at else "closed"


def next_change_at(schedule: Schedule, *, now: datetime) -> datetime | None:
    """When the doors change by themselves next, for speakers or for everybody, if nobody touches them."""
    state = door_state(schedule, now=now)
    if state == DoorState.BEFORE and schedule.starts_at is not None:
        return speakers_at(schedule.starts_at)
    if state == DoorState.SPEAKERS:
        return schedule.starts_at
    if state == DoorState.ENDED:
        return None
    return session_ends_at(schedule)


class Stance(StrEnum):
    """What a viewer stands before."""

    WAITING = "waiting"
    CLOSED = "closed"
    ENDED = "ended"
    INSIDE = "inside"


def stance_of(state: DoorState, *, role: Role) -> Stance:
    """A host is inside until the session has ended, speakers from shortly before; all when doors are open."""
    if state == DoorState.ENDED:
        return Stance.ENDED
    if role == Role.HOST or state == DoorState.OPEN:
        return Stance.INSIDE
    if state == DoorState.SPEAKERS and role == Role.SPEAKER:
        return Stance.INSIDE
    return Stance.CLOSED if state == DoorState.CLOSED else Stance.WAITING
