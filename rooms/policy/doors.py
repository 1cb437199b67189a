"""When the doors of an entry are open, and when its session ends. Pure: time is an argument."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

GRACE_AFTER_END: Final = timedelta(hours=1)


class DoorState(StrEnum):
    """What somebody who is not a host finds."""

    BEFORE = "before"
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
    return DoorState.BEFORE
