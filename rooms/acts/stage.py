"""What is asked of the stage: a way to the meeting, at the last moment; and to be let speak there."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from rooms.access import Viewer
from rooms.acts.values import Values
from rooms.models import Entry
from rooms.services.stage import join_stage, tell_name_in_meeting, way_values


def _join(entry: Entry, by: Viewer, _values: Values, _key: str, now: datetime) -> dict[str, Any]:
    return way_values(join_stage(entry, by=by, now=now), now=now)


def _known_as(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    tell_name_in_meeting(entry, values.text("name"), by=by, now=now)
    return {}


VERBS: Final[dict[str, Callable[[Entry, Viewer, Values, str, datetime], dict[str, Any]]]] = {
    "stage.join": _join,
    "stage.known_as": _known_as,
}
