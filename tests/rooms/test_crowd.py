"""Telling many seats the same: straight out where nothing is in the way, and only what is for their ears."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from rooms.access import Credentials
from rooms.crowd import SLICE, Crowd
from rooms.seats import Ears, Seat
from rooms.wire import Burst, ReadyWire, Way

FOR_ALL, FOR_TEAM = Burst(["for all"]), Burst(["for all", "for the team"])
BURSTS = [None, FOR_ALL, FOR_TEAM, FOR_TEAM]
pytestmark = pytest.mark.asyncio


@dataclass
class Server:
    """One socket of a server; its way out is closed while it is full."""

    straight: list[bytes] = field(default_factory=list)
    carefully: list[bytes] = field(default_factory=list)
    unsent: int = 0
    is_dropped: bool = False
    during_write: Callable[[], None] | None = None
    _take: Callable[[Way | None], None] | None = None

    def lend_way(self, take: Callable[[Way | None], None]) -> None:
        self._take = take
        take(self.take_frames)

    def fill(self, unsent: int) -> None:
        self.unsent = unsent
        assert self._take is not None
        self._take(None if unsent else self.take_frames)

    def take_frames(self, frames: bytes) -> None:
        self.straight.append(frames)
        if self.during_write is not None:
            self.during_write()

    def write_frames(self, frames: bytes) -> int:
        self.carefully.append(frames)
        return self.unsent

    def drop(self, _code: int) -> None:
        self.is_dropped = True

    def forget_handshake(self) -> None:
        """It has none."""


def seated(*ears: Ears) -> tuple[list[Seat], list[Server]]:
    async def closed() -> None:
        """Nothing to close."""

    servers = [Server() for _ in ears]
    seats = [
        Seat(Credentials(uuid4(), pass_secret="x"), wire=ReadyWire(server), close=closed, drop=lambda: None)
        for server in servers
    ]
    for seat, each in zip(seats, ears, strict=True):
        seat.ears = each
    return seats, servers


async def test_each_hears_what_is_for_their_ears_straight_out() -> None:
    seats, servers = seated(Ears.NOTHING, Ears.EVERYBODY, Ears.TEAM, Ears.MODERATORS)
    await Crowd(seats).tell(BURSTS)
    assert [each.straight for each in servers] == [[], [FOR_ALL.ready], [FOR_TEAM.ready], [FOR_TEAM.ready]]
    assert not any(each.carefully for each in servers)


async def test_who_comes_or_hears_more_is_told_the_next_time() -> None:
    seats, servers = seated(Ears.EVERYBODY, Ears.NOTHING)
    crowd = Crowd(seats)
    await crowd.tell(BURSTS)
    seats[1].ears = Ears.TEAM
    later, their = seated(Ears.EVERYBODY)
    seats += later
    await crowd.tell(BURSTS)
    assert [len(each.straight) for each in (*servers, *their)] == [2, 1, 1]


async def test_a_full_socket_is_written_to_with_care_until_it_has_room() -> None:
    seats, (full, _other) = seated(Ears.EVERYBODY, Ears.EVERYBODY)
    crowd = Crowd(seats)
    full.fill(100)
    await crowd.tell(BURSTS)
    assert (full.straight, full.carefully) == ([], [FOR_ALL.ready])
    full.fill(0)
    await crowd.tell(BURSTS)
    assert (full.straight, full.carefully) == ([FOR_ALL.ready], [FOR_ALL.ready])


async def test_a_socket_that_stays_full_is_dropped() -> None:
    seats, (full, other) = seated(Ears.EVERYBODY, Ears.EVERYBODY)
    full.fill(2_000_000)
    await Crowd(seats).tell(BURSTS)
    assert (full.is_dropped, other.is_dropped) == (True, False)


async def test_what_changes_while_a_crowd_is_told_counts_for_whoever_was_not_reached() -> None:
    seats, servers = seated(*[Ears.EVERYBODY] * (2 * SLICE), Ears.NOTHING)
    gone, full, promoted = 2 * SLICE - 1, 2 * SLICE - 2, 2 * SLICE

    def change() -> None:
        servers[0].during_write = None
        seats[gone].ears = Ears.NOTHING
        seats[promoted].ears = Ears.TEAM
        servers[full].fill(100)

    servers[0].during_write = change
    await Crowd(seats).tell(BURSTS)
    assert servers[gone].straight + servers[gone].carefully == []
    assert (servers[full].straight, servers[full].carefully) == ([], [FOR_ALL.ready])
    assert servers[promoted].carefully == [FOR_TEAM.ready]
    told = [len(each.straight) + len(each.carefully) for each in servers]
    assert told == [1] * (2 * SLICE - 1) + [0, 1]


async def test_the_loop_turns_while_a_crowd_is_told() -> None:
    seats, servers = seated(*[Ears.EVERYBODY] * (SLICE + 1))
    telling = asyncio.create_task(Crowd(seats).tell(BURSTS))
    await asyncio.sleep(0)
    assert [len(each.straight) for each in servers] == [1] * SLICE + [0]
    await telling
    assert servers[-1].straight == [FOR_ALL.ready]
