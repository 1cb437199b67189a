"""What is done to chat messages."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from rooms.access import Viewer
from rooms.acts.values import Values
from rooms.models import Entry
from rooms.services.moderation import (
    SLOWEST,
    clear_chat,
    delete_message,
    hide_message,
    like_message,
    pin_message,
    set_slow_mode,
)


def _number(values: Values) -> int:
    return values.whole("sequence", least=1, most=2**62)


def _like(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    like_message(entry, _number(values), by=by, is_liked=values.flag("is_liked"), now=now)
    return {}


def _delete(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    delete_message(entry, _number(values), by=by, now=now)
    return {}


def _pin(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    pin_message(entry, _number(values), by=by, is_pinned=values.flag("is_pinned"), now=now)
    return {}


def _hide(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    hide_message(entry, _number(values), by=by, is_hidden=values.flag("is_hidden"), now=now)
    return {}


def _clear(entry: Entry, by: Viewer, _values: Values, _key: str, now: datetime) -> dict[str, Any]:
    clear_chat(entry, by=by, now=now)
    return {}


def _slow(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    set_slow_mode(entry, values.whole("seconds", least=0, most=SLOWEST), by=by, now=now)
    return {}


VERBS: Final[dict[str, Callable[[Entry, Viewer, Values, str, datetime], dict[str, Any]]]] = {
    "chat.like": _like,
    "chat.delete": _delete,
    "chat.pin": _pin,
    "chat.hide": _hide,
    "chat.clear": _clear,
    "chat.slow": _slow,
}
