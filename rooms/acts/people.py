"""What is done about people inside, and what they show: hands and reactions."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from common.errors import InvalidError
from rooms.access import Viewer
from rooms.acts.values import Values
from rooms.frames import people_of
from rooms.models import Entry
from rooms.policy.roles import Role
from rooms.services.people import (
    find_people,
    give_role,
    lower_hand,
    mute_participant,
    raise_hand,
    remove_participant,
)
from rooms.services.reactions import react


def _find(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    return people_of(find_people(entry, values.text("name"), by=by, now=now))


def _mute(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    mute_participant(entry, values.key(), by=by, is_muted=values.flag("is_muted"), now=now)
    return {}


def _role(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    try:
        role = Role(values.text("role"))
    except ValueError as error:
        raise InvalidError(_("Choose a role."), code="bad_role") from error
    give_role(entry, values.key(), role, by=by, now=now)
    return {}


def _remove(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    remove_participant(entry, values.key(), by=by, now=now)
    return {}


def _hand(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    raise_hand(entry, by=by, is_raised=values.flag("is_raised"), now=now)
    return {}


def _lower(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    lower_hand(entry, values.key(), by=by, now=now)
    return {}


def _react(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    react(entry, values.text("reaction"), by=by, now=now)
    return {}


VERBS: Final[dict[str, Callable[[Entry, Viewer, Values, str, datetime], dict[str, Any]]]] = {
    "people.find": _find,
    "people.mute": _mute,
    "people.role": _role,
    "people.remove": _remove,
    "people.hand": _hand,
    "people.lower": _lower,
    "people.react": _react,
}
