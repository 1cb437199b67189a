"""What somebody finds who has just come, is back, or was let in; what many find alike is read once."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, cached_property
from threading import Lock
from time import monotonic
from typing import Any, Final, TypeVar
from uuid import UUID

from django.utils import timezone

from rooms.access import Credentials, Farewell, Sight, Viewer, ask
from rooms.events import ChatPosted
from rooms.frames import message_of, people_of
from rooms.models import Entry
from rooms.policy.collaboration import is_team
from rooms.policy.doors import Stance
from rooms.policy.roles import Role
from rooms.policy.spread import spread_of
from rooms.queries import People, count_people_in, people_in
from rooms.queries.chat import chat_after, chat_before
from rooms.queries.own import topics_with_own
from rooms.services.presence import with_participant
from rooms.state import TOPICS, state_of

T = TypeVar("T")

FRESH_FOR: Final = 1.0  # seconds
COUNTED_EVERY: Final = 30.0  # seconds
SHOWN_OF_A_CROWD: Final = 30  # people that viewers are told of where more are present than a list shows
NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What somebody finds who has just come, or is back."""

    sight: Sight
    messages: Sequence[ChatPosted]
    people: People | None
    state: dict[str, Any] | None = None
    shared: "Shared | None" = None
    """What all of the role find alike, if nothing was added to it."""


@dataclass(frozen=True, eq=False)
class Shared:
    """What all of a role find alike. Equal to itself only."""

    entry: Entry
    messages: Sequence[ChatPosted]
    people: People
    state: dict[str, Any] | None

    @cached_property
    def bare_state(self) -> dict[str, Any] | None:
        """The state as those find it who have done nothing here yet."""
        return self.state and with_own(self.state, self.entry.pk, NOBODY, ())

    @cached_property
    def named(self) -> frozenset[str]:
        """Ids of the participants whom viewers read of in it: whoever is one of them finds themselves."""
        return frozenset(
            (*(each.id for each in self.people.shown), *(each.author_id for each in self.messages))
        )


def read_shared(entry: Entry, role: Role) -> Shared:
    """Read it."""
    people = people_for(people_in(entry.pk, now=timezone.now()), role)
    if not entry.has_chat:
        return Shared(entry, (), people, None)
    state = state_of(entry, role=role, participant_id=None)
    return Shared(entry, chat_before(entry.pk, None), people, state)


def _numbers(entry: Entry) -> object:
    """What is counted of it: an entry with the same numbers looks the same."""
    return entry.chat_sequence, entry.revision, entry.team_revision, entry.has_chat


@dataclass(frozen=True, slots=True)
class _Reading:
    """When it was begun, and what had been told by then."""

    shared: Shared
    numbers: object
    turn: int
    began: float


class SharedReads:
    """The same for those who come at about the same time. May be read from any thread.

    Args:
        entry: read before: what changed since has another number, or is told.
    """

    def __init__(self) -> None:
        self._kept: dict[Role, _Reading] = {}
        self._around: dict[str, tuple[object, float, Any]] = {}
        self._reading = Lock()
        self._turn = 0
        self.changes = 0  # of the room itself; who is in it apart

    def forget(self, *, people_only: bool = False) -> None:
        """Something has changed: what is being read at this moment counts no more, either."""
        self._turn += 1
        self.changes += not people_only

    def read(self, entry: Entry, role: Role) -> Shared:
        """What this role finds. Who comes while others wait to read it takes what the first of them reads."""
        came = monotonic()
        shared = self._kept_for(entry, role, came=came)
        if shared is None:
            with self._reading:
                shared = self._kept_for(entry, role, came=came) or self._read_anew(entry, role)
        return shared

    def _kept_for(self, entry: Entry, role: Role, *, came: float) -> Shared | None:
        """What is still good, or was read after we came: whatever was told since, we should not find more."""
        kept = self._kept.get(role)
        if kept is None or kept.numbers != _numbers(entry):
            return None
        is_fresh = kept.turn == self._turn and kept.began > monotonic() - FRESH_FOR
        return kept.shared if is_fresh or kept.began >= came else None

    def _read_anew(self, entry: Entry, role: Role) -> Shared:
        turn, began = self._turn, monotonic()
        shared = read_shared(entry, role)
        self._kept[role] = _Reading(shared, _numbers(entry), turn, began)
        return shared

    def read_around(self, name: str, entry: Entry, read: Callable[[], T]) -> T:
        """Something else about the entry that all find alike."""
        key = entry.media_revision
        kept = self._around.get(name)
        if kept is not None and kept[0] == key and kept[1] > monotonic() - FRESH_FOR:
            found: T = kept[2]
            return found
        began = monotonic()
        found = read()
        self._around[name] = (key, began, found)
        return found


_MOST_CROWDS: Final = 64
_crowds: dict[UUID, SharedReads] = {}


def read_for_page(entry: Entry, role: Role) -> Shared:
    """The same for a page. Pages hear of no changes, so only a crowd shares what is a second old."""
    reads = _crowds.get(entry.pk)
    if reads is not None:
        return reads.read(entry, role)
    shared = read_shared(entry, role)
    if shared.people.unshown:
        if len(_crowds) >= _MOST_CROWDS:
            _crowds.clear()
        _crowds[entry.pk] = SharedReads()
    return shared


def read_around_page(name: str, entry: Entry, read: Callable[[], T]) -> T:
    """What stands around the room on a page, whoever looks: a crowd shares that, too."""
    reads = _crowds.get(entry.pk)
    return read() if reads is None else reads.read_around(name, entry, read)


_counted: dict[UUID, tuple[float, int]] = {}


def count_for_page(arrival: Arrival, *, now: datetime) -> int:
    """How many are here, for a page that asks again and again.

    Those inside have read it. All others ask without reading who is here: an older number will do for them,
    so that it is counted once for all who wait.
    """
    if arrival.people is not None:
        return arrival.people.total
    entry_id = arrival.sight.entry.pk
    kept = _counted.get(entry_id)
    if kept is None or kept[0] <= monotonic() - COUNTED_EVERY:
        if len(_counted) >= _MOST_CROWDS:
            _counted.clear()
        kept = _counted[entry_id] = (monotonic(), count_people_in(entry_id, now=now))
    return kept[1]


Read = Callable[[Entry, Role], Shared]


def arrive(
    credentials: Credentials, *, since: int, now: datetime, read: Read = read_shared
) -> Arrival | Farewell:
    """Who this is, and what they have missed since a sequence number (0: they have nothing)."""
    sight = ask(credentials, now=now)
    return sight if isinstance(sight, Farewell) else arrival_of(sight, since=since, read=read)


def arrival_of(sight: Sight, *, since: int, read: Read = read_shared) -> Arrival:
    """The same for somebody whose standing is known."""
    entry = sight.entry
    viewer = with_participant(entry, by=sight.viewer)
    sight = replace(sight, viewer=viewer)
    if sight.stance != Stance.INSIDE:
        return Arrival(sight=sight, messages=(), people=None)
    shared = read(entry, viewer.role)
    is_late = since > 0 and entry.has_chat
    messages = chat_after(entry.pk, since) if is_late else shared.messages
    own, state = viewer.participant_id or NOBODY, shared.state
    has_own = topics_with_own(own) if state is not None and own != NOBODY else frozenset[str]()
    state = with_own(state, entry.pk, own, has_own) if state is not None and has_own else shared.bare_state
    alike = None if is_late or has_own else shared
    return Arrival(sight=sight, messages=messages, people=shared.people, state=state, shared=alike)


def shared_by_crowd(arrival: Arrival) -> Shared | None:
    """What many viewers find at this moment, if this one finds nothing else and is not named in it."""
    shared, viewer = arrival.shared, arrival.sight.viewer
    if shared is None or is_team(viewer.role) or not shared.people.unshown:
        return None
    return None if str(viewer.participant_id) in shared.named else shared


def with_own(
    state: dict[str, Any], entry_id: UUID, participant_id: UUID, has_own: Collection[str]
) -> dict[str, Any]:
    """A shared state with the parts that are the participant's own.

    Args:
        has_own: the topics in which they have something.
    """
    own = {
        name: {
            **state["topics"][name],
            "own": topic.own(entry_id, participant_id) if name in has_own else _nothing_of(name),
        }
        for name, topic in TOPICS.items()
        if topic.own is not None
    }
    return {**state, "topics": {**state["topics"], **own}}


@cache
def _nothing_of(name: str) -> Any:  # noqa: ANN401 - JSON values
    """What somebody has of their own in this topic who has done nothing there: always the same."""
    own = TOPICS[name].own
    return own(NOBODY, NOBODY) if own is not None else None


def welcome_of(shared: Shared, *, now: datetime) -> dict[str, Any]:
    """What those are told who are let in together, and have not been inside before."""
    return {
        "now": now.isoformat(),
        "last": shared.entry.chat_sequence,
        "messages": [message_of(each) for each in shared.messages],
        "people": people_of(shared.people),
        "state": shared.bare_state,
    }


def people_for(people: People, role: Role) -> People:
    """The people that this role is told of: of a crowd, whoever runs the session, raised hands, some more."""
    if not people.unshown or is_team(role):
        return people
    return replace(people, shown=people.shown[:SHOWN_OF_A_CROWD])


def room_state(sight: Sight) -> dict[str, Any] | None:
    """Everything beside chat and people that this viewer may know; nothing for those who are not inside."""
    if sight.stance != Stance.INSIDE or not sight.entry.has_chat:
        return None
    return room_state_of(sight.entry, sight.viewer)


def room_state_of(entry: Entry, viewer: Viewer) -> dict[str, Any]:
    """The same for a viewer who is inside."""
    return state_of(entry, role=viewer.role, participant_id=viewer.participant_id)


def history(sight: Sight, *, after: int | None, before: int | None) -> list[ChatPosted]:
    """Messages that somebody misses; none for those who are not inside, or where there is no chat."""
    if sight.stance != Stance.INSIDE or not sight.entry.has_chat:
        return []
    if after is not None:
        return chat_after(sight.entry.pk, after)
    return chat_before(sight.entry.pk, before)


def hello_of(arrival: Arrival, *, present: int, now: datetime) -> dict[str, Any]:
    """The first frame that a page hears, and what a page without a socket asks for.

    Args:
        present: how many are here; if the page must fetch itself anew, so must most of theirs.
    """
    sight = arrival.sight
    spread = spread_of(present, role=sight.viewer.role, stance=sight.stance, doors=sight.doors)
    return {
        "now": now.isoformat(),
        "me": str(sight.viewer.participant_id),
        "stance": sight.stance,
        "version": sight.version,
        "spread": spread,
        "last": sight.entry.chat_sequence if sight.stance == Stance.INSIDE else 0,
        "messages": [message_of(each) for each in arrival.messages],
        "people": people_of(arrival.people) if arrival.people else None,
        "state": arrival.state,
    }
