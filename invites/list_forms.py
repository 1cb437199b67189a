"""What people choose in the list of invites -> typed values."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from invites.queries.invite_list import Mark, Sort, Wanted
from invites.standing import State
from rooms.policy.roles import INVITABLE, Role

LONGEST_SEARCH: Final = 200
_PAGE_NUMBER: Final = re.compile("[0-9]{1,6}")
MOST_AT_ONCE: Final = 500

SHOWN_NAMES: Final[dict[State | Mark, object]] = {
    Mark.ASKED: _("New link asked for"),
    State.FAILED: _("Mail failed"),
    State.WAITING: _("Mail on its way"),
    State.MADE: _("Made"),
    State.MAILED: _("Mailed"),
    State.LOBBY: _("Lobby reached"),
    State.ENTERED: _("Entered"),
    Mark.USED_UP: _("Link used up"),
    State.EXPIRED: _("Expired"),
    State.WITHDRAWN: _("Withdrawn or removed"),
}
SORT_NAMES: Final = {
    Sort.NEWEST: _("Newest first"),
    Sort.NAME: _("Name"),
    Sort.STATE: _("State"),
    Sort.SEEN: _("Last seen"),
}


class Act(StrEnum):
    """What can be done with several invites at once."""

    SEND = "send"
    ROLE = "role"
    WITHDRAW = "withdraw"
    RESTORE = "restore"
    ROLES_BACK = "roles_back"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a list is asked for: what to show, which page, and under which key its search is kept."""

    wanted: Wanted
    search: str = ""
    number: int = 1

    def query(self, **changes: str) -> str:
        """The address's query for this wish, `changes` applied: never a word that somebody searched for."""
        shown = self.wanted.shown.value if self.wanted.shown else ""
        sort = "" if self.wanted.sort == Sort.NEWEST else self.wanted.sort.value
        values = {"state": shown, "sort": sort, "search": self.search, "page": "", **changes}
        return urlencode({name: value for name, value in values.items() if value})


@dataclass(frozen=True, slots=True)
class Selection:
    """Some invites, and what is to be done with them.

    Args:
        is_all: everything that the list shows, on all of its pages.
        roles_before: which role each had, for taking a change back.
    """

    act: Act | None
    ids: list[UUID]
    is_all: bool
    role: Role | None
    is_confirmed: bool
    is_told: bool
    roles_before: dict[UUID, Role]


class LanguageForm(forms.Form):
    """In which language somebody is written to; empty is automatic."""

    language = forms.ChoiceField(
        choices=lambda: [("", _("Automatic")), *settings.LANGUAGES], required=False, label=_("Language")
    )


def read_wanted(query: QueryDict, *, words: str) -> Wanted:
    """What is wanted; what nobody offers counts as nothing said."""
    state, sort = query.get("state", ""), query.get("sort", "")
    shown: State | Mark | None = next((each for each in SHOWN_NAMES if each.value == state), None)
    return Wanted(shown, next((each for each in Sort if each.value == sort), Sort.NEWEST), words)


def read_number(query: QueryDict) -> int:
    """The number of a page; the first where none is meant."""
    typed = query.get("page", "")
    return int(typed) if _PAGE_NUMBER.fullmatch(typed) else 1


def read_selection(data: QueryDict) -> Selection:
    """What was ticked, and which button was pressed."""
    act, role = data.get("act", ""), data.get("role", "")
    before: dict[UUID, Role] = {}
    for text in data.getlist("before"):
        id_text, _colon, role_text = text.partition(":")
        invite_id, was = _uuid(id_text), _role(role_text)
        if invite_id and was:
            before[invite_id] = was
    ids = [found for found in map(_uuid, data.getlist("chosen")) if found]
    return Selection(
        act=next((each for each in Act if each.value == act), None),
        ids=list(dict.fromkeys(ids)),
        is_all="all" in data,
        role=_role(role),
        is_confirmed="confirmed" in data,
        is_told="is_told" in data,
        roles_before=before,
    )


def _role(text: str) -> Role | None:
    return next((role for role in INVITABLE if role.value == text), None)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
