"""Questions and answers."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from rooms.access import Viewer
from rooms.acts.values import Values
from rooms.models import Entry
from rooms.queries.questions import own_of
from rooms.services.questions import (
    allow_public_questions,
    answer_question,
    ask_question,
    claim_question,
    dismiss_question,
    publish_question,
    vote_for_question,
)


def _ask(entry: Entry, by: Viewer, values: Values, client_key: str, now: datetime) -> dict[str, Any]:
    asked = ask_question(
        entry,
        by=by,
        text=values.text("text"),
        is_public=values.flag("is_public"),
        client_key=client_key,
        now=now,
    )
    return own_of(asked)


def _vote(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    vote_for_question(entry, values.key(), by=by, is_wanted=values.flag("is_wanted"), now=now)
    return {}


def _claim(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    claim_question(entry, values.key(), by=by, is_claimed=values.flag("is_claimed"), now=now)
    return {}


def _answer(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    text, is_published = values.text("text"), values.flag("is_published")
    answer_question(entry, values.key(), by=by, text=text, is_published=is_published, now=now)
    return {}


def _publish(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    publish_question(entry, values.key(), by=by, is_published=values.flag("is_published"), now=now)
    return {}


def _dismiss(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    dismiss_question(entry, values.key(), by=by, is_dismissed=values.flag("is_dismissed"), now=now)
    return {}


def _allow(entry: Entry, by: Viewer, values: Values, _key: str, now: datetime) -> dict[str, Any]:
    allow_public_questions(entry, by=by, is_allowed=values.flag("is_allowed"), now=now)
    return {}


VERBS: Final[dict[str, Callable[[Entry, Viewer, Values, str, datetime], dict[str, Any]]]] = {
    "questions.ask": _ask,
    "questions.vote": _vote,
    "questions.claim": _claim,
    "questions.answer": _answer,
    "questions.publish": _publish,
    "questions.dismiss": _dismiss,
    "questions.allow": _allow,
}
