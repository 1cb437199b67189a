"""The sockets of one entry in this process: who sits there, what each may hear, and how it is told.

A seat's standing (its viewer and stance) is what the database said at the last look; it only decides what is
delivered. Whatever somebody *does* is asked of the database anew (`rooms.consumers`).
"""

import asyncio
import logging
from collections import Counter as TallyCounter
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, ParamSpec, TypeVar
from uuid import UUID

from channels.db import database_sync_to_async
from django.utils import timezone
from prometheus_client import Counter, Gauge

from rooms.access import Credentials, Farewell, Sight, ask, entry_of_id, sight_of
from rooms.broadcast import hub
from rooms.events import Audience, Changed, ChatPosted, DoorsChanged, Event, PresenceChanged, Tallied
from rooms.frames import message_of, people_of, write_frame
from rooms.policy.collaboration import is_team
from rooms.policy.doors import Stance, next_change_at, schedule_of
from rooms.queries import People, people_in
from rooms.queries.chat import chat_after, chat_before
from rooms.services.presence import note_departures, see_participants, with_participant
from rooms.state import TALLIES, state_of

log = logging.getLogger(__name__)

SLICE: Final = 256  # sockets written to before the loop turns
ASKED_AT_ONCE: Final = 64  # seats looked up in one go
LONGEST_QUEUE: Final = 200  # frames that may wait for a slow reader
TALLY_EVERY: Final = 0.5  # seconds; how often a running total is told at most
SETTLE: Final = 0.25  # seconds in which arrivals and departures are gathered
PEOPLE_PAUSE_PER_SEAT: Final = 0.01  # seconds
LONGEST_PEOPLE_PAUSE: Final = 10.0
GRACE: Final = 4.0  # seconds in which somebody who left may come back unnoticed (a reload)
SPREAD_PER_SEAT: Final = 2  # milliseconds by which pages spread their reloads, for each seat
LONGEST_SPREAD: Final = 4000
LONGEST_SLEEP: Final = 3600.0
PAST_THE_HOUR: Final = 0.05  # seconds after the start at which the doors are looked at

SOCKETS: Final = Gauge("foyer_sockets", "Open sockets")
DROPPED: Final = Counter("foyer_sockets_dropped_total", "Sockets dropped because their reader was too slow")

_AUDIENCES: Final = frozenset(Audience)

P = ParamSpec("P")
T = TypeVar("T")

# Of our own, because asgiref's shared one is a single thread.
_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="sockets")


async def in_database(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run something that asks or writes the database, without keeping the loop waiting."""
    run = database_sync_to_async(work, thread_sensitive=False, executor=_threads)
    result: T = await run(*args, **kwargs)
    return result


class Seat:
    """One socket: its credentials, who sat there at the last look, and the frames that wait for it."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        send: Callable[[str], Awaitable[None]],
        close: Callable[[], Awaitable[None]],
        drop: Callable[[], None],
    ) -> None:
        self.credentials = credentials
        self.sight: Sight | None = None
        self.participant_id: UUID | None = None
        self._send = send
        self._close = close
        self._drop = drop
        self._waiting: deque[str] = deque()
        self._writer: asyncio.Task[None] | None = None

    @property
    def is_inside(self) -> bool:
        """Whether the chat and the people are for this seat."""
        return self.sight is not None and self.sight.stance == Stance.INSIDE

    @property
    def is_in_team(self) -> bool:
        """Whether what only the team may know is for this seat."""
        return self.is_inside and self.sight is not None and is_team(self.sight.viewer.role)

    def tell(self, frame: str) -> None:
        """Send a frame when the reader is ready; one that never is, is dropped and comes back by itself."""
        if len(self._waiting) >= LONGEST_QUEUE:
            DROPPED.inc()
            log.info("a socket was dropped: its reader is too slow")
            self.abandon()
            self._drop()
            return
        self._waiting.append(frame)
        if self._writer is None:
            self._writer = hub.run(self._write())

    async def _write(self) -> None:
        try:
            while self._waiting:
                await self._send(self._waiting.popleft())
        except Exception as error:  # noqa: BLE001 - servers differ in how they say "closed"
            log.debug("a socket closed while it was written to: %s", type(error).__name__)
            self._waiting.clear()
        finally:
            self._writer = None

    def abandon(self) -> None:
        """Nothing can be sent any more."""
        self._waiting.clear()
        if self._writer is not None:
            self._writer.cancel()

    async def close_when_told(self) -> None:
        """Close the socket once everything told so far is sent."""
        if self._writer is not None:
            await asyncio.wait({self._writer}, timeout=GRACE)
        await self._close()


class Errand:
    """Something to do soon: once, however often it is wanted meanwhile; again if wanted while running."""

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


class LiveRoom:
    """All seats of one entry in this process (a `rooms.broadcast.Listener`)."""

    def __init__(self, entry_id: UUID) -> None:
        self.entry_id = entry_id
        self.seats: set[Seat] = set()
        self.last_sequence = 0
        self._outgoing: deque[tuple[str, Audience]] = deque()
        self._tallies: set[tuple[str, str]] = set()
        self._reactions: TallyCounter[str] = TallyCounter()
        self._come: dict[UUID, str] = {}
        self._left: set[UUID] = set()
        self._leaving: dict[UUID, asyncio.TimerHandle] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._shown_people = ""
        self._sending = Errand(self._send_outgoing)
        self._asking = Errand(self._ask_everybody)
        self._doors = Errand(self._look_at_doors)
        self._applause = Errand(self._tell_reactions, after=lambda: TALLY_EVERY)
        self._totals = Errand(self._tell_totals, after=lambda: TALLY_EVERY)
        self._presence = Errand(self._write_presence, after=lambda: SETTLE)
        self._people = Errand(self._tell_people, after=lambda: people_pause(len(self.seats)))

    # --- What the hub says

    def hear(self, event: Event) -> None:
        """Take an event."""
        match event:
            case ChatPosted():
                self.last_sequence = max(self.last_sequence, event.sequence)
                self._tell_inside(write_frame("message", **message_of(event)))
            case Changed():
                self._tell_change(event)
            case Tallied():
                self._tallies.add((event.topic, event.subject))
                self._totals.want()
            case DoorsChanged():
                self._doors.want()
            case PresenceChanged():
                self._people.want()
            case _:
                self._asking.want()

    def look_at(self, seat: Seat) -> None:
        """A page asks whether something has changed; the answer goes to all, so that many cost no more."""
        if seat in self.seats:
            self._doors.want()

    def ask_again(self) -> None:
        """Ask the database about every seat, and say that they are all still here."""
        self._asking.want()
        self._people.want()
        self._come.update(
            {
                seat.participant_id: seat.sight.viewer.role
                for seat in self.seats
                if seat.participant_id and seat.sight
            }
        )
        self._presence.want()

    # --- Coming and going

    def take_seat(self, seat: Seat, arrival: "Arrival") -> None:
        """Somebody has arrived: from now on the seat is told what happens."""
        seat.sight, seat.participant_id = arrival.sight, arrival.sight.viewer.participant_id
        if seat not in self.seats:
            self.seats.add(seat)
            SOCKETS.inc()
        if seat.participant_id:
            self._come[seat.participant_id] = arrival.sight.viewer.role
            if (timer := self._leaving.pop(seat.participant_id, None)) is not None:
                timer.cancel()
        self._presence.want()
        self._set_alarm(arrival.sight)

    def leave_seat(self, seat: Seat) -> None:
        """A socket is closed; its participant has left when no other comes within the grace time."""
        if seat not in self.seats:
            return
        self.seats.discard(seat)
        SOCKETS.dec()
        gone = seat.participant_id
        if gone is not None and not self._is_here(gone):
            if (before := self._leaving.pop(gone, None)) is not None:
                before.cancel()
            self._leaving[gone] = asyncio.get_running_loop().call_later(GRACE, self._has_left, gone)
        else:
            self._presence.want()

    def _has_left(self, participant_id: UUID) -> None:
        self._leaving.pop(participant_id, None)
        if not self._is_here(participant_id):
            self._left.add(participant_id)
        self._presence.want()

    def _is_here(self, participant_id: UUID) -> bool:
        return any(seat.participant_id == participant_id for seat in self.seats)

    async def _write_presence(self) -> None:
        come, self._come = self._come, {}
        left, self._left = self._left - come.keys(), set()
        if come or left:
            await in_database(_write_presence, self.entry_id, come, left)
        if not self.seats and not self._leaving:
            await _close_room(self)

    # --- Telling

    def _tell_inside(self, frame: str, audience: Audience = Audience.EVERYBODY) -> None:
        self._outgoing.append((frame, audience))
        self._sending.want()

    def _tell_change(self, event: Changed) -> None:
        if event.topic == "reactions":  # a crowd applauds: told in sums
            self._reactions.update(event.change)
            self._applause.want()
            return
        frame = write_frame(
            "changed",
            audience=event.audience if event.audience in _AUDIENCES else "you",
            topic=event.topic,
            revision=event.revision,
            change=event.change,
        )
        if event.audience in _AUDIENCES:
            self._tell_inside(frame, Audience(event.audience))
            return
        for seat in self.seats:
            if seat.is_inside and str(seat.participant_id) == event.audience:
                seat.tell(frame)

    async def _tell_reactions(self) -> None:
        sums, self._reactions = dict(self._reactions), TallyCounter()
        frame = write_frame("changed", topic="reactions", audience="everybody", revision=0, change=sums)
        self._tell_inside(frame)

    async def _tell_totals(self) -> None:
        """Totals of what was counted meanwhile: read once for all pages here, never told one by one."""
        wanted, self._tallies = self._tallies, set()
        if not any(seat.is_inside for seat in self.seats):
            return
        for topic, subject in wanted:
            read = TALLIES.get(topic)
            found = await in_database(read, self.entry_id, subject) if read is not None else []
            for audience, change in found:
                self._tell_change(Changed(self.entry_id, topic, audience, 0, change))

    async def _send_outgoing(self) -> None:
        while self._outgoing:
            frame, audience = self._outgoing.popleft()
            async for seats in self._slices():
                for seat in seats:
                    if seat.is_in_team if audience == Audience.TEAM else seat.is_inside:
                        seat.tell(frame)

    async def _slices(self) -> AsyncIterator[list[Seat]]:
        seats = list(self.seats)
        for start in range(0, len(seats), SLICE):
            yield seats[start : start + SLICE]
            await asyncio.sleep(0)

    async def _tell_people(self) -> None:
        if not any(seat.is_inside for seat in self.seats):
            return
        people = await in_database(people_in, self.entry_id, now=timezone.now())
        frame = write_frame("people", **people_of(people))
        if frame != self._shown_people:
            self._shown_people = frame
            self._tell_inside(frame)

    # --- Looking again

    async def _look_at_doors(self) -> None:
        """Doors, title or schedule have changed: one question for all seats, so that all hear it at once."""
        entry = await in_database(entry_of_id, self.entry_id)
        if entry is None:
            self._asking.want()
            return
        now = timezone.now()
        async for seats in self._slices():
            for seat in seats:
                if seat.sight is not None:
                    self._place(seat, sight_of(entry, seat.sight.viewer, now=now))
        self._people.want()
        if any(seat.sight and seat.sight.stance == Stance.ENDED for seat in self.seats):
            self._asking.want()  # passes end with the session

    async def _ask_everybody(self) -> None:
        seats = list(self.seats)
        last = revision = team_revision = 0
        for start in range(0, len(seats), ASKED_AT_ONCE):
            some = [seat for seat in seats[start : start + ASKED_AT_ONCE] if seat in self.seats]
            answers = await in_database(_ask_many, [seat.credentials for seat in some])
            for seat, answer in zip(some, answers, strict=True):
                if isinstance(answer, Farewell):
                    self.show_out(seat, answer)
                elif seat in self.seats:
                    self._place(seat, answer)
                    last = max(last, answer.entry.chat_sequence)
                    revision = max(revision, answer.entry.revision)
                    team_revision = max(team_revision, answer.entry.team_revision)
        # A message or a change whose announcement was lost is missed nowhere for longer than this.
        numbers = {"now": timezone.now().isoformat(), "last": last, "revision": revision}
        self._tell_inside(write_frame("tick", **numbers))
        self._tell_inside(write_frame("tick", **numbers, team_revision=team_revision), Audience.TEAM)

    def _place(self, seat: Seat, sight: Sight) -> None:
        before = seat.sight
        viewer = replace(sight.viewer, participant_id=sight.viewer.participant_id or seat.participant_id)
        seat.sight = replace(sight, viewer=viewer)
        if before is not None and before.version == seat.sight.version:
            return
        if seat.participant_id and (before is None or before.viewer.role != viewer.role):
            self._come[seat.participant_id] = viewer.role
            self._presence.want()
        seat.tell(
            write_frame(
                "standing",
                stance=sight.stance,
                version=seat.sight.version,
                spread=spread_of(len(self.seats)),
            )
        )
        self._set_alarm(sight)

    def show_out(self, seat: Seat, why: Farewell) -> None:
        """Tell a seat why it is over, and close its socket."""
        seat.tell(write_frame("farewell", reason=why))
        self.leave_seat(seat)
        hub.run(seat.close_when_told())

    def _set_alarm(self, sight: Sight) -> None:
        """The doors may open or close by themselves: be there at that moment."""
        now = timezone.now()
        at = next_change_at(schedule_of(sight.entry), now=now)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if at is not None and self.seats:
            wait = min(max((at - now).total_seconds(), 0.0) + PAST_THE_HOUR, LONGEST_SLEEP)
            self._alarm = asyncio.get_running_loop().call_later(wait, self._doors.want)

    def stop(self) -> None:
        """Nobody is left."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None


def people_pause(seats: int) -> float:
    """How long changes of who is here are gathered: the list goes to everybody, so a crowd gets it seldom."""
    return min(SETTLE + seats * PEOPLE_PAUSE_PER_SEAT, LONGEST_PEOPLE_PAUSE)


def spread_of(seats: int) -> int:
    """Within how many milliseconds so many pages may fetch themselves anew: not all at once."""
    return min(seats * SPREAD_PER_SEAT, LONGEST_SPREAD)


async def live_room(entry_id: UUID) -> LiveRoom:
    """The entry's room in this process, made and subscribed for the first socket."""
    room = hub.listener_of(entry_id)
    if not isinstance(room, LiveRoom):
        room = LiveRoom(entry_id)
        await hub.add(entry_id, room)
    return room


async def _close_room(room: LiveRoom) -> None:
    room.stop()
    await hub.remove(room.entry_id, room)


def _ask_many(credentials: Sequence[Credentials]) -> list[Sight | Farewell]:
    now = timezone.now()
    return [ask(each, now=now) for each in credentials]


def _write_presence(entry_id: UUID, come: dict[UUID, str], left: set[UUID]) -> None:
    now = timezone.now()
    see_participants(come, entry_id=entry_id, now=now)
    note_departures(left, entry_id=entry_id, now=now)


# --- Arriving ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Arrival:
    """What somebody finds who has just come, or is back."""

    sight: Sight
    messages: Sequence[ChatPosted]
    people: People | None
    state: dict[str, Any] | None = None


def arrive(credentials: Credentials, *, since: int, now: datetime) -> Arrival | Farewell:
    """Who this is, and what they have missed since a sequence number (0: they have nothing)."""
    sight = ask(credentials, now=now)
    return sight if isinstance(sight, Farewell) else arrival_of(sight, since=since, now=now)


def arrival_of(sight: Sight, *, since: int, now: datetime) -> Arrival:
    """The same for somebody whose standing is known."""
    entry = sight.entry
    sight = replace(sight, viewer=with_participant(entry, by=sight.viewer))
    if sight.stance != Stance.INSIDE:
        return Arrival(sight=sight, messages=(), people=None)
    messages = history(sight, after=since or None, before=None)
    return Arrival(
        sight=sight,
        messages=messages,
        people=people_in(entry.pk, now=now),
        state=room_state(sight),
    )


def room_state(sight: Sight) -> dict[str, Any] | None:
    """Everything beside chat and people that this viewer may know; nothing for those who are not inside."""
    if sight.stance != Stance.INSIDE or not sight.entry.has_chat:
        return None
    return state_of(sight.entry, role=sight.viewer.role, participant_id=sight.viewer.participant_id)


def history(sight: Sight, *, after: int | None, before: int | None) -> list[ChatPosted]:
    """Messages that somebody misses; none for those who are not inside, or where there is no chat."""
    if sight.stance != Stance.INSIDE or not sight.entry.has_chat:
        return []
    if after is not None:
        return chat_after(sight.entry.pk, after)
    return chat_before(sight.entry.pk, before)


def hello_of(arrival: Arrival, *, now: datetime) -> dict[str, Any]:
    """The first frame that a page hears, and what a page without a socket asks for."""
    sight = arrival.sight
    return {
        "now": now.isoformat(),
        "me": str(sight.viewer.participant_id),
        "stance": sight.stance,
        "version": sight.version,
        "last": sight.entry.chat_sequence if sight.stance == Stance.INSIDE else 0,
        "messages": [message_of(each) for each in arrival.messages],
        "people": people_of(arrival.people) if arrival.people else None,
        "state": arrival.state,
    }
