"""All verbs there are. Each subject has a module with its own table; the names are `<topic>.<verb>`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.utils.translation import get_supported_language_variant, override

from common.errors import AppError, MissingError, ThrottledError
from rooms.access import Viewer
from rooms.acts import announcements, backchannel, chat, interactions, people, questions, stage
from rooms.acts.values import Values
from rooms.models import Entry

Verb = Callable[[Entry, Viewer, Values, str, datetime], dict[str, Any]]
"""(entry, by, values, client key, now) -> what the page is told; services decide whether it may be done."""

VERBS: Final[Mapping[str, Verb]] = {
    **announcements.VERBS,
    **backchannel.VERBS,
    **chat.VERBS,
    **interactions.VERBS,
    **people.VERBS,
    **questions.VERBS,
    **stage.VERBS,
}


def perform(
    verb: str, entry: Entry, *, by: Viewer, values: Values, client_key: str, now: datetime
) -> dict[str, Any]:
    """Do it.

    Args:
        by: asked of the database just now, with a participant.
        client_key: the page's own name for this wish: asked twice under the same one, it is done once.

    Raises:
        AppError: it cannot be done; the text says why.
    """
    do = VERBS.get(verb)
    if do is None:
        raise MissingError
    return do(entry, by, values, client_key, now)


def refused_act(client_key: str, error: AppError) -> dict[str, Any]:
    """What a page is told of an act that was not done, in words that it can show."""
    return {
        "client_key": client_key,
        "reason": error.code,
        "text": " ".join(filter(None, [error.message, error.next_step])),
        "retry_after": error.retry_after if isinstance(error, ThrottledError) else None,
    }


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Refuse in the language of the page, where we have it: a socket has no language of its own."""
    try:
        code = get_supported_language_variant(language) if language else None
    except LookupError:
        code = None
    with override(code or settings.LANGUAGE_CODE):
        yield
