"""What is announced about an entry: facts, in the past tense. Pure; `rooms.broadcast` carries them."""

from dataclasses import asdict, dataclass, fields
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


@dataclass(frozen=True, slots=True)
class DoorsChanged(Event):
    """Doors, schedule, title or description changed: everybody looks again."""


@dataclass(frozen=True, slots=True)
class PresenceChanged(Event):
    """Somebody came or left."""


@dataclass(frozen=True, slots=True)
class StandingChanged(Event):
    """Somebody's role or right changed, or ended: every socket asks again who it is."""


@dataclass(frozen=True, slots=True)
class EntryDeleted(Event):
    """The entry is gone."""


KINDS: dict[str, type[Event]] = {
    kind.__name__: kind for kind in (ChatPosted, DoorsChanged, PresenceChanged, StandingChanged, EntryDeleted)
}


def to_wire(event: Event) -> dict[str, Any]:
    """A plain dict for the wire between processes."""
    return {"kind": type(event).__name__, **{name: _plain(value) for name, value in asdict(event).items()}}


def from_wire(data: dict[str, Any]) -> Event:
    """The event of a dict made by `to_wire`.

    Raises:
        KeyError: for a kind that this version does not know.
    """
    values = dict(data)
    kind = KINDS[values.pop("kind")]
    values["entry_id"] = UUID(values["entry_id"])
    return kind(**{field.name: values[field.name] for field in fields(kind)})


def _plain(value: object) -> object:
    return str(value) if isinstance(value, UUID) else value
