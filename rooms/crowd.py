"""Tells many seats the same, with as little as possible done for each.

Who hears what changes seldom; what is said, often. So the seats are kept sorted by their ears, and beside
each the straight way out of its socket (`rooms.wire`), as long as no seat's ears and no socket's way change.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from rooms.seats import Ears, Seat
from rooms.wire import Burst, Way, changes

SLICE: Final = 256  # sockets written to before the loop turns


@dataclass(frozen=True, slots=True)
class Party:
    """Seats that hear the same; `ways` has one for each, or none where something must be looked at first."""

    ears: Ears
    seats: list[Seat]
    ways: list[Way]


class Crowd:
    """The seats of a room, as those who speak to all of them see it."""

    def __init__(self, seats: Collection[Seat]) -> None:
        self._seats = seats
        self._parties: list[Party] = []
        self._sorted_at = -1

    async def tell(self, bursts: Sequence[Burst | None]) -> None:
        """Send each seat what is for its ears, at the moment when its turn comes.

        Args:
            bursts: by ears (`Ears`); None where nothing is to be heard.
        """
        parties, began, is_first = self._sort(), changes.count, True
        for party in parties:
            if bursts[party.ears] is None and changes.count == began:
                continue
            for start in range(0, len(party.seats), SLICE):
                if not is_first:
                    await asyncio.sleep(0)
                is_first = False
                burst = bursts[party.ears]
                if party.ways and burst is not None and changes.count == began:
                    frames = burst.ready
                    for way in party.ways[start : start + SLICE]:
                        way(frames)
                else:
                    _tell_carefully(party.seats[start : start + SLICE], bursts)

    def _sort(self) -> list[Party]:
        """By ears; those who hear nothing come last, as they may hear something by then."""
        if self._sorted_at != changes.count:
            self._sorted_at = changes.count
            found: dict[tuple[Ears, bool], Party] = {}
            for seat in self._seats:
                way = seat.wire.way
                party = found.get((seat.ears, way is None))
                if party is None:
                    party = found[seat.ears, way is None] = Party(seat.ears, [], [])
                party.seats.append(seat)
                if way is not None:
                    party.ways.append(way)
            self._parties = sorted(found.values(), key=attrgetter("ears"), reverse=True)
        return self._parties


def _tell_carefully(seats: Sequence[Seat], bursts: Sequence[Burst | None]) -> None:
    for seat in seats:
        burst = bursts[seat.ears]
        if burst is not None:
            seat.tell_burst(burst)
