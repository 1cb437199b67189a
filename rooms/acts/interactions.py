"""Interactions: polls, ratings, open questions, quizzes."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from common.errors import InvalidError
from rooms.access import Viewer
from rooms.acts.values import Values
from rooms.models import Entry
from rooms.policy.polls import HIGHEST_SCALE, LOWEST_SCALE, MOST_CHOICES, Ballot, Draft, Kind, tidy_draft
from rooms.services.interactions import (
    cast_vote,
    close_interaction,
    delete_draft,
    draft_interaction,
    hide_answer,
    redraft_interaction,
    show_results,
    start_interaction,
)

LONGEST_NUMBER: Final = 19


def _draft(entry: Entry, by: Viewer, values: Values, client_key: str, now: datetime) -> dict[str, Any]:
    draft, is_started = _draft_of(values), values.flag("is_started")
    if values.text("id"):
        redraft_interaction(entry, values.key(), by=by, draft=draft, is_started=is_started, now=now)
        return {"id": values.text("id")}
    made = draft_interaction(entry, by=by, draft=draft, is_started=is_started, client_key=client_key, now=now)
    return {"id": str(made.pk)}


def _draft_of(values: Values) -> Draft:
    try:
        kind = Kind(values.text("kind"))
    except ValueError as error:
        raise InvalidError(_("Choose what to ask: a poll, a rating…"), code="bad_kind") from error
    return tidy_draft(
        kind,
        values.text("question"),
        choices=values.texts("answers"),
        right=frozenset(_numbers(values, "right")),
        most=values.whole("most", least=1, most=MOST_CHOICES, otherwise=1),
        highest=values.whole("highest", least=LOWEST_SCALE, most=HIGHEST_SCALE, otherwise=5),
    )


def _delete(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    delete_draft(entry, values.key(), by=by, now=now)
    return {}


def _start(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    start_interaction(entry, values.key(), by=by, now=now)
    return {}


def _close(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    close_interaction(entry, values.key(), by=by, now=now)
    return {}


def _show(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    show_results(entry, values.key(), by=by, is_shared=values.flag("is_shared"), now=now)
    return {}


def _hide(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    answer, is_hidden = values.whole("answer", least=1, most=2**62), values.flag("is_hidden")
    hide_answer(entry, values.key(), answer, by=by, is_hidden=is_hidden, now=now)
    return {}


def _vote(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    rating = values.whole("rating", least=0, most=HIGHEST_SCALE, otherwise=0)
    ballot = Ballot(
        choices=frozenset(_numbers(values, "choices")), rating=rating or None, text=values.text("text")
    )
    return {"own": cast_vote(entry, values.key(), by=by, ballot=ballot, now=now)}


def _numbers(values: Values, name: str) -> list[int]:
    """What was ticked. What is no number was not ours, and fits nothing."""
    return [
        int(each) if each.isascii() and each.isdigit() and len(each) < LONGEST_NUMBER else -1
        for each in values.texts(name)
    ]


VERBS: Final[dict[str, Callable[[Entry, Viewer, Values, str, datetime], dict[str, Any]]]] = {
    "interactions.draft": _draft,
    "interactions.delete": _delete,
    "interactions.start": _start,
    "interactions.close": _close,
    "interactions.show": _show,
    "interactions.hide": _hide,
    "interactions.vote": _vote,
}
