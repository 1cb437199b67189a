"""The language of the sockets: JSON frames, read into values and made of them. Pure.

A page says `bearer` (whose tab it is, where there are no cookies), `hello` (what it has), `post`, `do`
(anything else that it wants done), `state`, `history`, `look` and `ping`. It hears `hello` (where it stands,
what it missed), `message`, `ack`, `done`, `refused`, `changed`, `state`, `history`, `earlier`, `people`,
`standing` (fetch your page anew), `tick`, `pong` and `farewell`.
Chat messages are numbered from 1 without holes, and so are changes: a page that sees a gap asks for what it
missed.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from rooms.events import ChatPosted

LONGEST_FRAME: Final = 32_768
LONGEST_KEY: Final = 64


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose tab it is: before anything else, from a browser that sends no cookie."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hello:
    """A page has loaded, or is back; it has every message up to `since`."""

    since: int
    language: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """Somebody said something. `client_key` makes sending it twice harmless."""

    client_key: str
    text: str
    reply_to: int = 0


@dataclass(frozen=True, slots=True)
class History:
    """A page misses the messages after `after`, or wants older ones before `before`."""

    after: int | None
    before: int | None


@dataclass(frozen=True, slots=True)
class Do:
    """Somebody wants something done (`rooms.acts`). `client_key` makes sending it twice harmless."""

    client_key: str
    verb: str
    values: dict[str, object]


@dataclass(frozen=True, slots=True)
class State:
    """A page has missed a change and wants the whole state of the room."""


@dataclass(frozen=True, slots=True)
class Look:
    """A page wonders whether something has changed for it."""


@dataclass(frozen=True, slots=True)
class Ping:
    """A page wonders whether we are still there."""


Frame = Bearer | Hello | Post | Do | State | History | Look | Ping


class BadFrameError(ValueError):
    """Not in our language."""


def is_key(text: str) -> bool:
    """Whether a page can name a wish like this: databases keep no zero byte and no half characters."""
    return 0 < len(text) <= LONGEST_KEY and text.isprintable()


def read_frame(text: str) -> Frame:
    """A frame as the page sent it.

    Raises:
        BadFrameError: it is not one of ours.
    """
    if len(text) > LONGEST_FRAME:
        raise BadFrameError
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFrameError from error
    frame = _saying(data) or _asking(data)
    if frame is None:
        raise BadFrameError
    return frame


def _saying(data: object) -> Frame | None:
    match data:
        case {"kind": "bearer", "secret": str(secret)} if 0 < len(secret) <= LONGEST_KEY:
            return Bearer(secret=secret)
        case {"kind": "post", "client_key": str(key), "text": str(said), **rest} if is_key(key):
            answered = rest.get("reply_to", 0)
            return Post(client_key=key, text=said, reply_to=answered if type(answered) is int else 0)
        case {"kind": "do", "client_key": str(key), "verb": str(verb), "values": dict(values)} if is_key(key):
            return Do(client_key=key, verb=verb, values=values)
    return None


def _asking(data: object) -> Frame | None:
    match data:
        case {"kind": "hello", "since": int(since), "language": str(language)}:
            return Hello(since=_sequence(since), language=language[:LONGEST_KEY])
        case {"kind": "hello", "since": int(since)}:
            return Hello(since=_sequence(since))
        case {"kind": "history", "after": int(after)}:
            return History(after=_sequence(after), before=None)
        case {"kind": "history", "before": int(before)}:
            return History(after=None, before=_sequence(before))
        case {"kind": "state"}:
            return State()
        case {"kind": "look"}:
            return Look()
        case {"kind": "ping"}:
            return Ping()
    return None


def _sequence(value: int) -> int:
    return min(max(value, 0), 2**62)


def write_frame(kind: str, **values: object) -> str:
    """A frame for the wire."""
    return json.dumps({"kind": kind, **values}, ensure_ascii=False, separators=(",", ":"))


def message_of(posted: ChatPosted) -> dict[str, Any]:
    """A chat message as pages know it."""
    return {
        "sequence": posted.sequence,
        "author_id": posted.author_id,
        "author": posted.author,
        "role": posted.role,
        "is_guest": posted.is_guest,
        "text": posted.text,
        "sent_at": posted.sent_at,
        "client_key": posted.client_key,
        "end": posted.end,
        "likes": posted.likes,
        "reply": (
            {"to": posted.reply_to, "author": posted.reply_author, "text": posted.reply_text}
            if posted.reply_to
            else None
        ),
    }


class _Someone(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def is_guest(self) -> bool: ...
    @property
    def is_proven(self) -> bool: ...
    @property
    def is_muted(self) -> bool: ...
    @property
    def hand_raised_at(self) -> str: ...


class _People(Protocol):
    @property
    def shown(self) -> Sequence[_Someone]: ...
    @property
    def total(self) -> int: ...


def people_of(people: _People) -> dict[str, Any]:
    """Who is present, as pages know it."""
    return {
        "total": people.total,
        "shown": [
            {
                "id": each.id,
                "name": each.name,
                "role": each.role,
                "is_guest": each.is_guest,
                "is_proven": each.is_proven,
                "is_muted": each.is_muted,
                "hand_raised_at": each.hand_raised_at,
            }
            for each in people.shown
        ],
    }
