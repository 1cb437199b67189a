"""Within what time pages that must fetch themselves anew do so: all at once would be a storm. Pure."""

from typing import Final

from rooms.policy.doors import DoorState, Stance
from rooms.policy.roles import Role

SPREAD_FOR_EACH: Final = 2  # milliseconds, for each who is here
LONGEST_SPREAD: Final = 4000


def spread_of(present: int, *, role: Role, stance: Stance, doors: DoorState) -> int:
    """Within how many milliseconds; each page waits a random part of it.

    Hosts, and speakers who are let in early, are few: none of them has to wait for the others.

    Args:
        present: how many have a page open.
    """
    is_early = stance == Stance.INSIDE and doors == DoorState.SPEAKERS
    return 0 if role == Role.HOST or is_early else min(present * SPREAD_FOR_EACH, LONGEST_SPREAD)
