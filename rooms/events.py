"""What is announced about an entry: facts, in the past tense. Pure; `rooms.broadcast` carries them."""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at an entry."""

    entry_id: UUID


@dataclass(frozen=True, slots=True)
class ChatPosted(Event):
    """A message is in the database under this sequence number.

    It travels whole, so that no process asks the database for it.
    """

    sequence: int
    author_id: str
    author: str
    role: str
    is_guest: bool
    text: str
    sent_at: str
    client_key: str
    end: str = ""
    likes: int = 0
    reply_to: int = 0
    reply_author: str = ""
    reply_text: str = ""


class Audience(StrEnum):
    """Who inside is told of a change."""

    EVERYBODY = "everybody"
    TEAM = "team"
    MODERATORS = "moderators"


@dataclass(frozen=True, slots=True)
class Changed(Event):
    """A topic of the room has changed (questions, interactions, announcements…).

    Args:
        topic: a name of `rooms.state.TOPICS`.
        audience: a value of `Audience`, or the id of the one participant who is told.
        revision: the number of this change for its audience, without holes; 0 is not counted (a total that
            the next one replaces).
        change: what has changed, as pages know it; JSON values only.
    """

    topic: str
    audience: str
    revision: int
    change: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tallied(Event):
    """Something was counted that is told in totals, never one by one: whoever has pages open reads the total.

    Args:
        topic: a name of `rooms.state.TALLIES`.
        subject: what was counted: an id, or nothing where there is one count only.
    """

    topic: str
    subject: str


@dataclass(frozen=True, slots=True)
class DoorsChanged(Event):
    """Doors, schedule, title or description changed: everybody looks again."""


@dataclass(frozen=True, slots=True)
class PresenceChanged(Event):
    """Somebody came or left."""


@dataclass(frozen=True, slots=True)
class StandingChanged(Event):
    """Somebody's role or right changed, or ended: sockets ask again who they are.

    Args:
        participants: whom it concerns, as text; everybody where nobody is named.
    """

    participants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EntryDeleted(Event):
    """The entry is gone."""


KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        ChatPosted,
        Changed,
        Tallied,
        DoorsChanged,
        PresenceChanged,
        StandingChanged,
        EntryDeleted,
    )
}


def to_wire(event: Event) -> dict[str, Any]:
    """A plain dict for the wire between processes."""
    values = {field.name: _plain(getattr(event, field.name)) for field in fields(event)}
    return {"kind": type(event).__name__, **values}


def from_wire(data: dict[str, Any]) -> Event:
    """The event of a dict made by `to_wire`.

    Raises:
        KeyError: for a kind that this version does not know.
    """
    values = dict(data)
    kind = KINDS[values.pop("kind")]
    values["entry_id"] = UUID(values["entry_id"])
    if "participants" in values:
        values["participants"] = tuple(values["participants"])
    return kind(**{field.name: values[field.name] for field in fields(kind) if field.name in values})


def _plain(value: object) -> object:
    return str(value) if isinstance(value, UUID) else value
