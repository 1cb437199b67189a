"""One socket in a room, and work that is done soon, once, however often it is wanted."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING
from uuid import UUID

from prometheus_client import Counter

from rooms.access import Credentials, Viewer, version_of
from rooms.broadcast import hub
from rooms.frames import write_frame
from rooms.models import Entry
from rooms.policy.collaboration import TABLE, Act, is_team
from rooms.policy.doors import DoorState, Stance, door_state, schedule_of, stance_of
from rooms.policy.roles import Role
from rooms.policy.spread import spread_of
from rooms.wire import Burst, Wire, changes

if TYPE_CHECKING:
    from rooms.asking import Facts
    from rooms.policy.rights import Power

log = logging.getLogger(__name__)

DROPPED = Counter("foyer_sockets_dropped_total", "Sockets dropped because their reader was too slow")


class Ears(IntEnum):
    """What somebody may hear of what happens inside; each hears what those before it hear, too."""

    NOTHING = 0
    EVERYBODY = 1
    TEAM = 2
    MODERATORS = 3


def ears_of(role: Role, stance: Stance) -> Ears:
    """What this role may hear, standing there."""
    if stance != Stance.INSIDE:
        return Ears.NOTHING
    if role in TABLE[Act.MODERATE]:
        return Ears.MODERATORS
    return Ears.TEAM if is_team(role) else Ears.EVERYBODY


@dataclass(frozen=True)
class Standing:
    """What all viewers of one kind stand before, at one moment; shared by all their seats."""

    role: Role
    stance: Stance
    version: str
    spread: int = 0  # milliseconds

    @cached_property
    def told(self) -> Burst:
        """The frame that says so."""
        return Burst([self._frame()])

    @cached_property
    def told_anew(self) -> Burst:
        """The same for somebody whose page looks different all the same."""
        return Burst([self._frame(anew=True)])

    def told_with(self, welcome: str) -> Burst:
        """The same with all that a page needs to become the room (`welcome` is JSON)."""
        return Burst([f'{self._frame()[:-1]},"welcome":{welcome}}}'])

    def _frame(self, **more: object) -> str:
        return write_frame("standing", stance=self.stance, version=self.version, spread=self.spread, **more)


@lru_cache(maxsize=1024)
def standing_at(role: Role, stance: Stance, version: str) -> Standing:
    """Where somebody was at the last look; one value for all who stand there."""
    return Standing(role, stance, version)


class Look:
    """The entry at one moment, and what each kind of viewer stands before; worked out once for each kind.

    Args:
        told: how many are told at this moment, each of whom may fetch the page anew.
    """

    def __init__(self, entry: Entry, *, now: datetime, told: int) -> None:
        self.entry = entry
        self._doors = door_state(schedule_of(entry), now=now)
        self._told = told
        self._known: dict[tuple[Role, frozenset[Power]], Standing] = {}

    @property
    def is_over(self) -> bool:
        """Whether the session has ended."""
        return self._doors == DoorState.ENDED

    def standing_of(self, viewer: Viewer) -> Standing:
        """What this viewer stands before."""
        key = (viewer.role, viewer.powers)
        standing = self._known.get(key)
        if standing is None:
            stance = stance_of(self._doors, role=viewer.role)
            version = version_of(self.entry, viewer, doors=self._doors, stance=stance)
            spread = spread_of(self._told, role=viewer.role, stance=stance, doors=self._doors)
            standing = self._known[key] = Standing(viewer.role, stance, version, spread)
        return standing


class Seat:
    """One socket: its credentials, and who sat there at the last look."""

    __slots__ = (
        *(
            "_close",
            "_drop",
            "_ears",
            "credentials",
            "facts",
            "has_been_inside",
            "standing",
            "viewer",
            "wire",
        ),
    )

    def __init__(
        self,
        credentials: Credentials,
        *,
        wire: Wire,
        close: Callable[[], Awaitable[None]],
        drop: Callable[[], None],
    ) -> None:
        self.credentials = credentials
        self.wire = wire
        self.viewer: Viewer | None = None
        self.standing: Standing | None = None
        self.facts: Facts | None = None
        self._ears = Ears.NOTHING
        self.has_been_inside = False
        self._close = close
        self._drop = drop

    @property
    def participant_id(self) -> UUID | None:
        """Who sits there."""
        return self.viewer.participant_id if self.viewer else None

    @property
    def ears(self) -> Ears:
        """What may be heard there."""
        return self._ears

    @ears.setter
    def ears(self, ears: Ears) -> None:
        if ears != self._ears:
            self._ears = ears
            changes.note()

    @property
    def is_inside(self) -> bool:
        """Whether the chat and the people are for this seat."""
        return self._ears > Ears.NOTHING

    def tell(self, frame: str) -> None:
        """Send a frame; a reader that does not keep up is dropped, and comes back by itself."""
        self.tell_burst(Burst((frame,)))

    def tell_burst(self, burst: Burst) -> None:
        """The same for frames that many are told."""
        if not self.wire.write(burst):
            self.give_up()

    def give_up(self) -> None:
        """Its reader does not keep up."""
        DROPPED.inc()
        log.info("a socket was dropped: its reader is too slow")
        self.wire.drop()
        self._drop()

    async def close_when_told(self, *, within: float) -> None:
        """Close the socket once everything told so far is sent."""
        try:
            await asyncio.wait_for(self.wire.drained(), within)
        except TimeoutError:
            self.give_up()
        else:
            await self._close()


class Errand:
    """Something to do soon: once, however often it is wanted meanwhile; again if wanted while running."""

    __slots__ = ("_after", "_is_wanted", "_task", "_work")

    def __init__(
        self, work: Callable[[], Awaitable[None]], *, after: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._work = work
        self._after = after
        self._is_wanted = False
        self._task: asyncio.Task[None] | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether it is wanted or running."""
        return self._task is not None

    def want(self) -> None:
        """Do it."""
        self._is_wanted = True
        if self._task is None:
            self._task = hub.run(self._run())

    async def _run(self) -> None:
        try:
            while self._is_wanted:
                await asyncio.sleep(self._after())
                self._is_wanted = False
                await self._work()
        finally:
            self._task = None
