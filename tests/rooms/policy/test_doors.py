"""When the doors are open, who may move them, and what stands afterwards. No Django, no clock."""

from datetime import UTC, datetime, timedelta

import pytest

from common.decisions import Allowed, Decision, Refused
from rooms.policy.doors import (
    SPEAKERS_BEFORE,
    DoorMove,
    DoorState,
    NoMove,
    Schedule,
    Stance,
    door_state,
    doors_after,
    judge_move,
    next_change_at,
    pass_ends_at,
    session_ends_at,
    stance_of,
)
from rooms.policy.roles import Role

START = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)
END = START + timedelta(hours=1)
OVER = END + timedelta(hours=1)
BEFORE = START - timedelta(hours=1)
EARLY = START - timedelta(minutes=15)
SHORTLY = START - timedelta(minutes=1)
DURING = START + timedelta(minutes=1)
OVERTIME = END + timedelta(minutes=59)
INSTANT = timedelta(microseconds=1)


def planned(doors: str = "schedule", *, changed: datetime | None = None) -> Schedule:
    return Schedule(starts_at=START, ends_at=END, doors=doors, doors_changed_at=changed)


def unplanned(doors: str = "schedule", *, changed: datetime | None = None) -> Schedule:
    return Schedule(starts_at=None, ends_at=None, doors=doors, doors_changed_at=changed)


def endless(doors: str = "schedule") -> Schedule:
    return Schedule(starts_at=START, ends_at=None, doors=doors, doors_changed_at=None)


@pytest.mark.parametrize(
    ("schedule", "now", "state"),
    [
        (planned(), BEFORE, DoorState.BEFORE),
        (planned(), EARLY - INSTANT, DoorState.BEFORE),
        (planned(), EARLY, DoorState.SPEAKERS),
        (planned(), START - INSTANT, DoorState.SPEAKERS),
        (planned("open"), SHORTLY, DoorState.OPEN),
        (planned("closed"), SHORTLY, DoorState.CLOSED),
        (planned("ended", changed=BEFORE), SHORTLY, DoorState.ENDED),
        (endless(), SHORTLY, DoorState.SPEAKERS),
        (planned(), START, DoorState.OPEN),
        (planned(), END, DoorState.OPEN),
        (planned(), OVERTIME, DoorState.OPEN),
        (planned(), OVER - INSTANT, DoorState.OPEN),
        (planned(), OVER, DoorState.ENDED),
        (planned("open"), BEFORE, DoorState.OPEN),
        (planned("open"), OVER, DoorState.ENDED),
        (planned("closed"), BEFORE, DoorState.CLOSED),
        (planned("closed"), DURING, DoorState.CLOSED),
        (planned("closed"), OVER, DoorState.ENDED),
        (planned("ended", changed=DURING), DURING, DoorState.ENDED),
        (planned("ended", changed=BEFORE), BEFORE, DoorState.ENDED),
        (unplanned(), START, DoorState.OPEN),
        (unplanned("closed"), START, DoorState.CLOSED),
        (unplanned("ended", changed=START), START, DoorState.ENDED),
        (endless(), BEFORE, DoorState.BEFORE),
        (endless(), OVER + timedelta(days=400), DoorState.OPEN),
    ],
)
def test_the_state_of_the_doors(schedule: Schedule, now: datetime, state: DoorState) -> None:
    assert door_state(schedule, now=now) == state


@pytest.mark.parametrize(
    ("schedule", "ends_at"),
    [(planned(), OVER), (planned("ended", changed=DURING), DURING), (unplanned(), None), (endless(), None)],
)
def test_when_the_session_ends(schedule: Schedule, ends_at: datetime | None) -> None:
    assert session_ends_at(schedule) == ends_at


@pytest.mark.parametrize(
    ("schedule", "ends_at"),
    [
        (planned(), OVER),
        (planned("ended", changed=DURING), DURING),
        (unplanned(), BEFORE),
        (endless(), BEFORE),
    ],
)
def test_a_pass_ends_with_the_session_and_without_a_schedule_with_its_link(
    schedule: Schedule, ends_at: datetime
) -> None:
    assert pass_ends_at(schedule, link_ends_at=BEFORE) == ends_at


OPEN, CLOSE, THE_END = DoorMove.OPEN, DoorMove.CLOSE, DoorMove.END


@pytest.mark.parametrize(
    ("move", "schedule", "now", "answer"),
    [
        (OPEN, planned(), BEFORE, Allowed()),
        (OPEN, planned("closed"), DURING, Allowed()),
        (OPEN, planned("ended", changed=DURING), DURING, Allowed()),  # opened again
        (OPEN, planned("ended", changed=DURING), OVER, Refused(NoMove.SCHEDULE_IS_OVER)),
        (OPEN, planned(), OVER, Refused(NoMove.SCHEDULE_IS_OVER)),
        (OPEN, unplanned("ended", changed=START), OVER, Allowed()),
        (CLOSE, planned(), DURING, Allowed()),
        (CLOSE, planned("ended", changed=DURING), DURING, Refused(NoMove.SESSION_HAS_ENDED)),
        (CLOSE, planned(), OVER, Refused(NoMove.SCHEDULE_IS_OVER)),
        (THE_END, planned(), BEFORE, Allowed()),
        (THE_END, planned(), DURING, Allowed()),
        (THE_END, planned("ended", changed=DURING), DURING, Allowed()),
        (THE_END, planned(), OVER, Refused(NoMove.SCHEDULE_IS_OVER)),
        (THE_END, unplanned(), DURING, Allowed()),
    ],
)
def test_what_a_host_may_do_to_the_doors(
    move: DoorMove, schedule: Schedule, now: datetime, answer: Decision
) -> None:
    assert judge_move(move, schedule, is_host=True, now=now) == answer
    assert judge_move(move, schedule, is_host=False, now=now) == Refused(NoMove.NOT_A_HOST)


@pytest.mark.parametrize(
    ("move", "schedule", "now", "doors"),
    [
        (OPEN, planned(), BEFORE, "open"),
        (OPEN, planned(), DURING, "schedule"),  # open already
        (OPEN, planned("closed"), DURING, "open"),
        (OPEN, planned("ended", changed=DURING), DURING, "open"),
        (CLOSE, planned("open"), BEFORE, "schedule"),  # back to the countdown
        (CLOSE, planned(), BEFORE, "schedule"),
        (CLOSE, planned("open"), SHORTLY, "schedule"),
        (CLOSE, planned(), SHORTLY, "schedule"),
        (OPEN, planned(), SHORTLY, "open"),
        (CLOSE, planned(), DURING, "closed"),
        (CLOSE, planned("open"), DURING, "closed"),
        (CLOSE, unplanned(), DURING, "closed"),
        (CLOSE, planned("closed"), DURING, "closed"),
        (THE_END, planned(), DURING, "ended"),
        (THE_END, planned("closed"), BEFORE, "ended"),
    ],
)
def test_what_stands_after_a_move(move: DoorMove, schedule: Schedule, now: datetime, doors: str) -> None:
    assert doors_after(move, schedule, now=now) == doors


@pytest.mark.parametrize(
    ("schedule", "now", "at"),
    [
        (planned(), BEFORE, EARLY),
        (planned(), EARLY - INSTANT, EARLY),
        (planned(), EARLY, START),
        (planned("open"), SHORTLY, OVER),
        (planned("closed"), SHORTLY, OVER),
        (planned(), DURING, OVER),
        (planned("open"), BEFORE, OVER),
        (planned("closed"), DURING, OVER),
        (planned(), OVER, None),
        (unplanned(), DURING, None),
        (endless(), BEFORE, EARLY),
        (endless(), SHORTLY, START),
        (endless(), DURING, None),
    ],
)
def test_when_the_doors_change_by_themselves(schedule: Schedule, now: datetime, at: datetime | None) -> None:
    assert next_change_at(schedule, now=now) == at


@pytest.mark.parametrize(
    ("state", "host", "speaker", "others"),
    [
        (DoorState.BEFORE, Stance.INSIDE, Stance.WAITING, Stance.WAITING),
        (DoorState.SPEAKERS, Stance.INSIDE, Stance.INSIDE, Stance.WAITING),
        (DoorState.OPEN, Stance.INSIDE, Stance.INSIDE, Stance.INSIDE),
        (DoorState.CLOSED, Stance.INSIDE, Stance.CLOSED, Stance.CLOSED),
        (DoorState.ENDED, Stance.ENDED, Stance.ENDED, Stance.ENDED),
    ],
)
def test_what_people_stand_before(state: DoorState, host: Stance, speaker: Stance, others: Stance) -> None:
    assert stance_of(state, role=Role.HOST) == host
    assert stance_of(state, role=Role.SPEAKER) == speaker
    assert stance_of(state, role=Role.MODERATOR) == others
    assert stance_of(state, role=Role.VIEWER) == others


def test_speakers_are_let_in_a_quarter_of_an_hour_before() -> None:
    assert timedelta(minutes=15) == SPEAKERS_BEFORE
