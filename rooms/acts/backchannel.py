"""The team's own channel."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from rooms.access import Viewer
from rooms.acts.values import Values
from rooms.models import Entry
from rooms.queries.backchannel import word_of
from rooms.services.backchannel import tell_team


def _say(entry: Entry, by: Viewer, values: Values, client_key: str, now: datetime) -> dict[str, Any]:
    said = tell_team(entry, by=by, text=values.text("text"), client_key=client_key, now=now)
    return word_of(said)


VERBS: Final[dict[str, Callable[[Entry, Viewer, Values, str, datetime], dict[str, Any]]]] = {
    "backchannel.say": _say,
}
