"""The sockets of one entry in this process: who sits there, what each may hear, and how it is told.

A seat's viewer and standing are what the database said at the last look; they only decide what is delivered.
Whatever somebody *does* is asked of the database anew (`rooms.consumers`).
"""

import asyncio
import json
import logging
from collections import Counter as TallyCounter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic
from typing import Final
from uuid import UUID

from django.utils import timezone
from prometheus_client import Gauge

from rooms.access import Farewell, Viewer, entry_of_id
from rooms.arrivals import Arrival, Shared, SharedReads, people_for, room_state_of, welcome_of
from rooms.asking import Asked, ask_many
from rooms.broadcast import hub
from rooms.crowd import SLICE, Crowd
from rooms.events import (
    Audience,
    Changed,
    ChatPosted,
    DoorsChanged,
    Event,
    PresenceChanged,
    StandingChanged,
    Tallied,
)
from rooms.frames import message_of, people_of, write_frame
from rooms.models import Entry
from rooms.policy.doors import Stance, next_change_at, schedule_of
from rooms.policy.roles import Role
from rooms.queries import people_in
from rooms.seats import Ears, Errand, Look, Seat, ears_of, standing_at
from rooms.services.presence import Presence, note_presence
from rooms.state import TALLIES
from rooms.threads import in_database
from rooms.wire import Burst, changes

log = logging.getLogger(__name__)

BATCH: Final = 1000  # seats that are looked up, or let in, in one go
GATHER: Final = 0.01  # seconds between two writes to a socket of what everybody hears
TALLY_EVERY: Final = 0.5  # seconds; how often a running total is told at most
SETTLE: Final = 0.25  # seconds in which arrivals and departures are gathered
PEOPLE_PAUSE_PER_SEAT: Final = 0.01  # seconds
LONGEST_PEOPLE_PAUSE: Final = 10.0
GRACE: Final = 4.0  # seconds in which somebody who left may come back unnoticed (a reload)
LONGEST_SLEEP: Final = 3600.0
PAST_THE_HOUR: Final = 0.005  # seconds after the start at which the doors are looked at
TRIES: Final = 3

SOCKETS: Final = Gauge("foyer_sockets", "Open sockets")

_AUDIENCES: Final = {
    Audience.EVERYBODY: Ears.EVERYBODY,
    Audience.TEAM: Ears.TEAM,
    Audience.MODERATORS: Ears.MODERATORS,
}


class LiveRoom:
    """All seats of one entry in this process (a `rooms.broadcast.Listener`)."""

    def __init__(self, entry_id: UUID) -> None:
        self.entry_id = entry_id
        self.seats: set[Seat] = set()
        self._crowd = Crowd(self.seats)
        self.shared = SharedReads()
        self.last_sequence = 0
        self.turn = 0  # counts what may have changed who somebody is, or where they stand
        self.expected = 0  # how many are on their way in
        self.subscription = hub.add(entry_id, self)
        self._last_revision = {Ears.EVERYBODY: 0, Ears.TEAM: 0}
        self._writing = asyncio.Lock()  # presence: who is let in is not put out by what was noted before
        self._seats_of: dict[UUID, set[Seat]] = {}
        self._outgoing: list[tuple[str, Ears, str]] = []
        self._sender: asyncio.Task[None] | None = None
        self._tallies: set[tuple[str, str]] = set()
        self._reactions: TallyCounter[str] = TallyCounter()
        self._noted = Presence()
        self._entering: dict[Seat, None] = {}
        self._welcomes: tuple[object, dict[Role, str]] | None = None
        self._asked_again: set[UUID] | None = set()  # participants, or None: everybody
        self._leaving: dict[UUID, asyncio.TimerHandle] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._entry: tuple[float, Entry] | None = None  # and when it was asked for
        self._shown_people = ""
        self._asking = Errand(self._ask)
        self._doors = Errand(self._look_at_doors)
        self._letting_in = Errand(self._let_in)
        self._applause = Errand(self._tell_reactions, after=lambda: TALLY_EVERY)
        self._totals = Errand(self._tell_totals, after=lambda: TALLY_EVERY)
        self._presence = Errand(self._write_presence, after=lambda: SETTLE)
        self._people = Errand(self._tell_people, after=lambda: people_pause(len(self.seats)))

    # --- What the hub says

    def hear(self, event: Event) -> None:
        """Take an event."""
        if not isinstance(event, ChatPosted):
            self.shared.forget(people_only=isinstance(event, PresenceChanged))
        if not isinstance(event, ChatPosted | Changed | Tallied | PresenceChanged):
            self.turn += 1
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
            case StandingChanged(participants=named) if named:
                self._ask_again({UUID(each) for each in named})
            case _:
                self._ask_again(None)

    def look_at(self, seat: Seat) -> None:
        """A page asks whether something has changed; the answer goes to all, so that many cost no more."""
        if seat in self.seats:
            self._doors.want()

    def ask_again(self) -> None:
        """Ask the database about every seat, and say that they are all still here."""
        self._ask_again(None)
        self._people.want()
        for seat in self.seats:
            if seat.viewer is not None and seat.viewer.participant_id is not None:
                self._noted.here[seat.viewer.participant_id] = seat.viewer.role
                if seat.is_inside:
                    self._noted.inside[seat.viewer.participant_id] = seat.viewer.role
        self._presence.want()

    def _ask_again(self, participants: set[UUID] | None) -> None:
        if participants is None or self._asked_again is None:
            self._asked_again = None
        else:
            self._asked_again |= participants
        self._asking.want()

    # --- Coming and going

    def take_seat(self, seat: Seat, arrival: Arrival, *, turn: int) -> None:
        """Somebody has arrived: from now on the seat is told what happens.

        Args:
            turn: the room's when it was asked who they are: what has changed since is asked again.
        """
        self._forget(seat)
        viewer, entry = arrival.sight.viewer, arrival.sight.entry
        seat.viewer = viewer
        seat.standing = standing_at(viewer.role, arrival.sight.stance, arrival.sight.version)
        seat.ears = ears_of(viewer.role, arrival.sight.stance)
        seat.has_been_inside = seat.is_inside
        if seat not in self.seats:
            self.seats.add(seat)
            changes.note()
            SOCKETS.inc()
        if viewer.participant_id:
            self._seats_of.setdefault(viewer.participant_id, set()).add(seat)
            self._note(viewer, is_inside=seat.is_inside)
            if (timer := self._leaving.pop(viewer.participant_id, None)) is not None:
                timer.cancel()
            if turn != self.turn:
                self._ask_again({viewer.participant_id})
        if self._alarm is None:
            self._set_alarm(entry)
        if seat.is_inside:
            self._tell_missed(seat, entry)

    def _tell_missed(self, seat: Seat, entry: Entry) -> None:
        """What was told between the look at the entry and the seat: the page asks for it."""
        last = self._last_revision
        if last[Ears.EVERYBODY] > entry.revision:
            seat.tell(_tick(last=self.last_sequence, revision=last[Ears.EVERYBODY]))
        if last[Ears.TEAM] > entry.team_revision and seat.ears >= Ears.TEAM:
            seat.tell(_tick(last=self.last_sequence, team_revision=last[Ears.TEAM]))

    def leave_seat(self, seat: Seat) -> None:
        """A socket is closed; its participant has left when no other comes within the grace time."""
        if seat not in self.seats:
            return
        self.seats.discard(seat)
        changes.note()
        seat.ears = Ears.NOTHING  # of what is being told at this moment, too
        self._entering.pop(seat, None)
        self._forget(seat)
        SOCKETS.dec()
        gone = seat.participant_id
        if gone is not None and gone not in self._seats_of:
            if (before := self._leaving.pop(gone, None)) is not None:
                before.cancel()
            self._leaving[gone] = asyncio.get_running_loop().call_later(GRACE, self._has_left, gone)
        else:
            self._presence.want()

    def _has_left(self, participant_id: UUID) -> None:
        self._leaving.pop(participant_id, None)
        if participant_id not in self._seats_of:
            self._noted.note_gone(participant_id)
        self._presence.want()

    def _forget(self, seat: Seat) -> None:
        """The seat is nobody's any more."""
        if seat.participant_id is not None and (seats := self._seats_of.get(seat.participant_id)):
            seats.discard(seat)
            if not seats:
                del self._seats_of[seat.participant_id]

    def _note(self, viewer: Viewer, *, is_inside: bool) -> None:
        """Somebody is here, in this role; inside, or before the doors."""
        if viewer.participant_id is None:
            return
        self._noted.note_here(viewer.participant_id, viewer.role, is_inside=is_inside)
        self._presence.want()

    async def _write_presence(self) -> None:
        noted, self._noted = self._noted, Presence()
        try:
            if noted:
                await self._write(noted)
        except BaseException:
            self._noted = noted.followed_by(self._noted)  # tried again with the next
            raise
        if not self.seats and not self._leaving and not self.expected:
            await _close_room(self)

    async def _write(self, noted: Presence) -> set[UUID]:
        async with self._writing:
            return await in_database(note_presence, noted, entry_id=self.entry_id, now=timezone.now())

    # --- Telling

    def _tell_inside(self, frame: str, ears: Ears = Ears.EVERYBODY, *, instead: str = "") -> None:
        self._outgoing.append((frame, ears, instead))
        if self._sender is None:
            self._sender = hub.run(self._send_outgoing())

    async def _send_outgoing(self) -> None:
        """The first frame leaves at once, what comes within `GATHER` after it leaves together."""
        loop = asyncio.get_running_loop()
        try:
            while self._outgoing:
                began = loop.time()
                outgoing, self._outgoing = self._outgoing, []
                await self._crowd.tell(bursts_of(outgoing))
                await asyncio.sleep(max(GATHER - (loop.time() - began), 0))
        finally:
            self._sender = None

    async def _slices(self) -> AsyncIterator[list[Seat]]:
        seats = list(self.seats)
        for start in range(0, len(seats), SLICE):
            if start:
                await asyncio.sleep(0)
            yield seats[start : start + SLICE]

    def _tell_change(self, event: Changed) -> None:
        if event.topic == "reactions":  # a crowd applauds: told in sums
            self._reactions.update(event.change)
            self._applause.want()
            return
        ears = Ears.EVERYBODY if event.audience == Audience.EVERYBODY else Ears.TEAM
        self._last_revision[ears] = max(self._last_revision[ears], event.revision)
        numbered = {"topic": event.topic, "revision": event.revision}
        if event.audience == Audience.MODERATORS:  # the team's numbers have no holes for speakers either
            frame = write_frame("changed", audience=Audience.TEAM, **numbered, change=event.change)
            instead = write_frame("changed", audience=Audience.TEAM, **numbered, change={})
            self._tell_inside(frame, Ears.MODERATORS, instead=instead if event.revision else "")
        elif event.audience in _AUDIENCES:
            frame = write_frame("changed", audience=event.audience, **numbered, change=event.change)
            self._tell_inside(frame, _AUDIENCES[Audience(event.audience)])
        else:
            frame = write_frame("changed", audience="you", **numbered, change=event.change)
            for seat in list(self._seats_of.get(UUID(event.audience), ())):
                if seat.is_inside:
                    seat.tell(frame)

    async def _tell_reactions(self) -> None:
        sums, self._reactions = dict(self._reactions), TallyCounter()
        frame = write_frame("changed", topic="reactions", audience="everybody", revision=0, change=sums)
        self._tell_inside(frame)

    async def _tell_totals(self) -> None:
        """Totals of what was counted meanwhile: read once for all pages here, never told one by one."""
        wanted, self._tallies = self._tallies, set()
        if not self._is_anybody_inside():
            return
        for topic, subject in wanted:
            read = TALLIES.get(topic)
            found = await in_database(read, self.entry_id, subject) if read is not None else []
            for audience, change in found:
                self._tell_change(Changed(self.entry_id, topic, audience, 0, change))

    async def _tell_people(self) -> None:
        if not self._is_anybody_inside():
            return
        people = await in_database(people_in, self.entry_id, now=timezone.now())
        frame = write_frame("people", **people_of(people))
        if frame != self._shown_people:
            self._shown_people = frame
            some = people_for(people, Role.VIEWER)
            if some is people:
                self._tell_inside(frame)
            else:
                self._tell_inside(write_frame("people", **people_of(some)))
                self._tell_inside(frame, Ears.TEAM)

    def _is_anybody_inside(self) -> bool:
        return any(seat.is_inside for seat in self.seats)

    # --- Looking again

    async def _look_at_doors(self) -> None:
        """Doors, title or schedule have changed: one question for all seats, so that all hear it at once."""
        began = monotonic()
        entry = await in_database(entry_of_id, self.entry_id)
        if entry is None:
            self._ask_again(None)
            return
        entry = self._newest(entry, began)
        look = Look(entry, now=timezone.now(), told=len(self.seats))
        async for seats in self._slices():
            for seat in seats:
                if seat.viewer is not None and seat in self.seats:
                    self._place(seat, seat.viewer, look)
        self._set_alarm(entry)
        self._people.want()
        if look.is_over:
            self._ask_again(None)  # passes end with the session

    async def _ask(self) -> None:
        wanted, self._asked_again = self._asked_again, set()
        if wanted is None:
            seats = list(self.seats)
        else:
            seats = [seat for each in wanted for seat in self._seats_of.get(each, ())]
        last = revision = team_revision = 0
        for start in range(0, len(seats), BATCH):
            some = [seat for seat in seats[start : start + BATCH] if seat in self.seats]
            entry = await self._ask_some(some, told=len(seats))
            if entry is not None:
                last, revision = max(last, entry.chat_sequence), max(revision, entry.revision)
                team_revision = max(team_revision, entry.team_revision)
        if wanted is None:
            # A message or a change whose announcement was lost is missed nowhere for longer than this.
            self._tell_inside(_tick(last=last, revision=revision))
            self._tell_inside(_tick(last=last, revision=revision, team_revision=team_revision), Ears.TEAM)

    async def _ask_some(self, seats: Sequence[Seat], *, told: int) -> Entry | None:
        """Place each where the database says.

        Args:
            told: how many there are, those of other batches too.
        """
        now, began = timezone.now(), monotonic()
        asked = [Asked(seat.credentials, seat.facts) for seat in seats]
        answered = await in_database(ask_many, self.entry_id, asked, now=now)
        entry = self._newest(answered.entry, began) if answered.entry else None
        look = Look(entry, now=timezone.now(), told=told) if entry else None
        for seat, (answer, facts) in zip(seats, answered.answers, strict=True):
            seat.facts = facts
            if isinstance(answer, Farewell):
                self.show_out(seat, answer)
            elif seat in self.seats and look is not None and seat.viewer is not None:
                viewer = seat.viewer if answer is None else _with_participant_of(answer, seat.viewer)
                self._place(seat, viewer, look)
        if entry is not None:
            self._set_alarm(entry)
        return entry

    def _newest(self, entry: Entry, began: float) -> Entry:
        """The entry as it was read last: an answer may be overtaken by a later question."""
        if self._entry is None or began >= self._entry[0]:
            self._entry = (began, entry)
        return self._entry[1]

    def _place(self, seat: Seat, viewer: Viewer, look: Look) -> None:
        before, standing = seat.standing, look.standing_of(viewer)
        is_as_before = seat.viewer is None or _looks_like(viewer, seat.viewer)
        if seat.participant_id != viewer.participant_id:  # a guest was joined with the person that they are
            self._forget(seat)
            if viewer.participant_id is not None:
                self._seats_of.setdefault(viewer.participant_id, set()).add(seat)
                self._note(viewer, is_inside=seat.is_inside)
        seat.viewer, seat.standing = viewer, standing
        if before is not None and before.version == standing.version and is_as_before:
            return
        if standing.stance == Stance.INSIDE and not seat.is_inside:
            self._entering[seat] = None
            self._letting_in.want()
            return
        self._entering.pop(seat, None)
        was_inside, seat.ears = seat.is_inside, ears_of(viewer.role, standing.stance)
        if was_inside != seat.is_inside or before is None or before.role != viewer.role:
            self._note(viewer, is_inside=seat.is_inside)
        is_same = before is not None and before.version == standing.version
        seat.tell_burst(standing.told_anew if is_same else standing.told)

    async def _let_in(self) -> None:
        """Those before whom the doors have opened: in batches, over the sockets on which they waited."""
        waiting, self._entering = list(self._entering), {}
        self._welcomes = None
        batches = [waiting[start : start + BATCH] for start in range(0, len(waiting), BATCH)]
        entering = asyncio.create_task(self._enter(batches[0])) if batches else None
        for following in [*batches[1:], None]:
            if entering is None:
                return
            some, back = await entering
            # These are told while the next ones are written down.
            entering = asyncio.create_task(self._enter(following)) if following else None
            await self._welcome(some, back=back)

    async def _enter(self, seats: Sequence[Seat]) -> tuple[list[Seat], set[UUID]]:
        """Write down those of them who are still here; gives them, and who of them has been inside before."""
        some = [seat for seat in seats if seat in self.seats]
        entered = {
            seat.viewer.participant_id: seat.viewer.role.value
            for seat in some
            if seat.viewer is not None and seat.viewer.participant_id is not None
        }
        roles = frozenset(seat.viewer.role for seat in some if seat.viewer is not None)
        back, _read = await asyncio.gather(self._write_entered(entered), self._read_welcomes(roles))
        return some, back

    async def _write_entered(self, entered: dict[UUID, str]) -> set[UUID]:
        """Note that they are inside; gives those who have been before."""
        noted = Presence(entered=entered)  # that they are here was noted while they waited
        self._noted.put_out -= entered.keys()
        try:
            return await self._write(noted)
        except Exception:  # whatever is away: the doors are open all the same, and it is noted later
            log.exception("attendance could not be written; it will be")
            self._noted = noted.followed_by(self._noted)
            self._presence.want()
            return set(entered)

    async def _welcome(self, seats: Sequence[Seat], *, back: Collection[UUID]) -> None:
        """Tell them all that the room is at this moment; those who are back, also what is their own."""
        roles = frozenset(seat.viewer.role for seat in seats if seat.viewer is not None)
        welcomes = await self._read_welcomes(roles)
        known = [seat for seat in seats if seat.has_been_inside or seat.participant_id in back]
        bursts: dict[str, Burst] = {}
        for seat in seats:
            viewer, standing = seat.viewer, seat.standing
            if (
                seat not in self.seats
                or viewer is None
                or standing is None
                or standing.stance != Stance.INSIDE
            ):
                continue
            seat.ears = ears_of(viewer.role, standing.stance)
            burst = bursts.get(standing.version)
            if burst is None:
                welcome = welcomes.get(viewer.role)
                burst = standing.told if welcome is None else standing.told_with(welcome)
                bursts[standing.version] = burst
            seat.tell_burst(burst)
            seat.has_been_inside = True
        await self._tell_own(known)

    async def _read_welcomes(self, roles: frozenset[Role]) -> dict[Role, str]:
        """What each role finds inside, as JSON, with all that was said until now; none where that fails."""
        for _try in range(TRIES):
            state = (roles, self.shared.changes, self.last_sequence)
            if self._welcomes is not None and self._welcomes[0] == state:
                return self._welcomes[1]
            entry = await in_database(entry_of_id, self.entry_id)
            if entry is None:
                break
            shared: list[tuple[Role, Shared]] = [
                (role, await in_database(self.shared.read, entry, role)) for role in roles
            ]
            written = await in_database(_write_welcomes, shared)
            if entry.chat_sequence >= self.last_sequence:
                self._welcomes = (state, written)
                return written
        return {}

    async def _tell_own(self, seats: Sequence[Seat]) -> None:
        for start in range(0, len(seats), SLICE):
            some = [seat for seat in seats[start : start + SLICE] if seat.is_inside and seat.viewer]
            frames = await in_database(_states, self.entry_id, [seat.viewer for seat in some if seat.viewer])
            for seat, frame in zip(some, frames, strict=False):
                seat.tell(frame)

    def show_out(self, seat: Seat, why: Farewell) -> None:
        """Tell a seat why it is over, and close its socket."""
        seat.tell(write_frame("farewell", reason=why))
        self.leave_seat(seat)
        hub.run(seat.close_when_told(within=GRACE))

    def _set_alarm(self, entry: Entry) -> None:
        """The doors may open or close by themselves: be there at that moment."""
        now = timezone.now()
        at = next_change_at(schedule_of(entry), now=now)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if at is not None and self.seats:
            wait = min(max((at - now).total_seconds(), 0.0) + PAST_THE_HOUR, LONGEST_SLEEP)
            self._alarm = asyncio.get_running_loop().call_later(wait, self._doors.want)

    def close_if_empty(self) -> None:
        """Nobody may be left, nor on the way in; then it ends soon."""
        if not self.seats and not self.expected:
            self._presence.want()

    def stop(self) -> None:
        """Nobody is left."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None


def bursts_of(outgoing: Sequence[tuple[str, Ears, str]]) -> list[Burst | None]:
    """What leaves now, by whose ears it is for; encoded once where several hear the same."""
    bursts: list[Burst | None] = [None]
    before: list[str] = []
    for ears in (Ears.EVERYBODY, Ears.TEAM, Ears.MODERATORS):
        texts = [text for each in outgoing if (text := _heard_by(ears, *each))]
        bursts.append(bursts[-1] if texts == before else Burst(texts))
        before = texts
    return bursts


def _heard_by(ears: Ears, frame: str, least: Ears, instead: str) -> str:
    if least <= ears:
        return frame
    return instead if ears == Ears.TEAM else ""  # it counts for the team, and is for its moderators


def people_pause(seats: int) -> float:
    """How long changes of who is here are gathered: the list goes to everybody, so a crowd gets it seldom."""
    return min(SETTLE + seats * PEOPLE_PAUSE_PER_SEAT, LONGEST_PEOPLE_PAUSE)


@asynccontextmanager
async def expecting(entry_id: UUID) -> AsyncIterator[LiveRoom]:
    """The entry's room in this process, made and subscribed for the first socket.

    It stays as long as somebody is on the way in, whoever leaves meanwhile.
    """
    found = hub.listener_of(entry_id)
    room = found if isinstance(found, LiveRoom) else LiveRoom(entry_id)
    room.expected += 1
    try:
        if not room.subscription.done():
            await asyncio.wait({room.subscription})
        yield room
    finally:
        room.expected -= 1
        room.close_if_empty()


async def _close_room(room: LiveRoom) -> None:
    room.stop()
    await hub.remove(room.entry_id, room)


def _with_participant_of(viewer: Viewer, before: Viewer) -> Viewer:
    """People of the LMS have a row since they came, which the question for the viewer need not make."""
    if viewer.participant_id is not None:
        return viewer
    return replace(viewer, participant_id=before.participant_id)


def _looks_like(viewer: Viewer, before: Viewer) -> bool:
    """Whether a page that was made for one shows the other as well, their standing apart."""
    return (viewer.name, viewer.participant_id) == (before.name, before.participant_id)


def _tick(**numbers: int) -> str:
    """The numbers that were given so far: a page that has missed one asks for it."""
    return write_frame("tick", now=timezone.now().isoformat(), **numbers)


def _write_welcomes(shared: Sequence[tuple[Role, Shared]]) -> dict[Role, str]:
    now = timezone.now()
    return {
        role: json.dumps(welcome_of(each, now=now), ensure_ascii=False, separators=(",", ":"))
        for role, each in shared
    }


def _states(entry_id: UUID, viewers: Sequence[Viewer]) -> list[str]:
    entry = entry_of_id(entry_id)
    if entry is None or not entry.has_chat:
        return []
    return [write_frame("state", state=room_state_of(entry, viewer)) for viewer in viewers]
