"""Announcements."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from rooms.access import Viewer
from rooms.acts.values import Values
from rooms.models import Entry
from rooms.services.announcements import announce_text, end_announcement


def _make(entry: Entry, by: Viewer, values: Values, client_key: str, now: datetime) -> dict[str, Any]:
    made = announce_text(entry, by=by, text=values.text("text"), client_key=client_key, now=now)
    return {"id": str(made.pk)}


def _end(entry: Entry, by: Viewer, values: Values, _client_key: str, now: datetime) -> dict[str, Any]:
    end_announcement(entry, values.key(), by=by, now=now)
    return {}


VERBS: Final[dict[str, Callable[[Entry, Viewer, Values, str, datetime], dict[str, Any]]]] = {
    "announcements.make": _make,
    "announcements.end": _end,
}
