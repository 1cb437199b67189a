"""Within what time pages fetch themselves anew."""

import pytest

from rooms.policy.doors import DoorState, Stance
from rooms.policy.roles import Role
from rooms.policy.spread import LONGEST_SPREAD, spread_of


@pytest.mark.parametrize(
    ("present", "role", "stance", "doors", "spread"),
    [
        (0, Role.VIEWER, Stance.INSIDE, DoorState.OPEN, 0),
        (1, Role.VIEWER, Stance.INSIDE, DoorState.OPEN, 2),
        (300, Role.VIEWER, Stance.INSIDE, DoorState.OPEN, 600),
        (5000, Role.VIEWER, Stance.INSIDE, DoorState.OPEN, LONGEST_SPREAD),
        (300, Role.VIEWER, Stance.WAITING, DoorState.SPEAKERS, 600),
        (300, Role.SPEAKER, Stance.WAITING, DoorState.BEFORE, 600),
        (300, Role.SPEAKER, Stance.INSIDE, DoorState.OPEN, 600),
        (300, Role.SPEAKER, Stance.INSIDE, DoorState.SPEAKERS, 0),
        (300, Role.HOST, Stance.INSIDE, DoorState.SPEAKERS, 0),
        (300, Role.HOST, Stance.INSIDE, DoorState.OPEN, 0),
        (300, Role.HOST, Stance.ENDED, DoorState.ENDED, 0),
    ],
)
def test_a_crowd_takes_its_time_and_those_who_run_the_session_wait_for_nobody(
    present: int, role: Role, stance: Stance, doors: DoorState, spread: int
) -> None:
    assert spread_of(present, role=role, stance=stance, doors=doors) == spread
