"""Saying something in the room."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from prometheus_client import Counter

from common.decisions import Refused
from common.errors import AppError, InvalidError, ThrottledError
from rooms.broadcast import announce
from rooms.events import ChatPosted
from rooms.models import ChatMessage, Entry, Participant
from rooms.policy.collaboration import TABLE, Act, NoAct
from rooms.policy.moderation import NoPost, clean_text, judge_text
from rooms.policy.roles import Role
from rooms.queries.chat import as_posted, has_said_much, last_said_at, message_numbered, message_sent
from rooms.services.saying import MOST, WITHIN, Words, say
from rooms.services.standing import demand_act, refusal_of

if TYPE_CHECKING:
    from rooms.access import Viewer

MESSAGES: Final = Counter("foyer_chat_messages_total", "Chat messages taken")


def post_message(
    entry: Entry,
    *,
    by: "Viewer",
    text: str,
    client_key: str = "",
    reply_to: int | None = None,
    now: datetime,
    row: Participant | None = None,
) -> ChatPosted:
    """Take a message and tell everybody inside. The same `client_key` again answers with the first message.

    Args:
        by: asked of the database just now, with a participant (`rooms.services.presence.enter_room`).
        reply_to: the sequence of the message that this one answers; one that is gone is passed over.
        row: the viewer's participant, if it was read just now as well.

    Raises:
        RefusedError: the viewer may not speak here, or not now; the code is a `NoAct`.
        InvalidError: there is nothing to read in it, or too much.
        ThrottledError: too many in a short time, or slow mode is on.
    """
    try:
        posted = _post(entry, by=by, text=text, client_key=client_key, reply_to=reply_to, now=now, row=row)
    except (AppError, IntegrityError):  # it may have arrived before, whatever stands against it now
        before = message_sent(by.participant_id, client_key) if by.participant_id else None
        if before is None:
            raise
        return as_posted(before)
    transaction.on_commit(MESSAGES.inc, robust=True)
    transaction.on_commit(partial(announce, posted), robust=True)
    return posted


def _post(
    entry: Entry,
    *,
    by: "Viewer",
    text: str,
    client_key: str,
    reply_to: int | None,
    now: datetime,
    row: Participant | None,
) -> ChatPosted:
    author = demand_act(Act.TAKE_PART, entry, by=by, now=now, speaks=True, row=row)
    said = clean_text(text)
    verdict = judge_text(said)
    if isinstance(verdict, Refused):
        raise refusal(verdict)
    answered = message_numbered(entry.pk, reply_to) if reply_to else None
    words = Words(
        author_id=author.pk,
        role=by.role,
        is_host=by.is_host,
        text=said,
        client_key=client_key,
        reply_to_id=answered.pk if answered else None,
        since=_slow_since(entry, by.role, now=now),
    )
    sequence = say(entry, words, now=now) or _say_again(entry, words, by=by, now=now)
    message = ChatMessage(
        entry=entry,
        sequence=sequence,
        author=author,
        author_role=by.role,
        client_key=client_key,
        text=said,
        sent_at=now,
        reply_to=answered,
    )
    return as_posted(message)


def _slow_since(entry: Entry, role: Role, *, now: datetime) -> datetime | None:
    """In slow mode whoever does not moderate has said nothing since then."""
    is_slow = entry.slow_mode_seconds and role not in TABLE[Act.MODERATE]
    return now - timedelta(seconds=entry.slow_mode_seconds) if is_slow else None


def _say_again(entry: Entry, words: Words, *, by: "Viewer", now: datetime) -> int:
    """Something stood against a message. Say what; or nothing does: the doors were moved meanwhile."""
    found = Entry.objects.filter(pk=entry.pk, deleted_at=None).first()
    if found is None:
        raise refusal_of(NoAct.CLOSED)
    demand_act(Act.TAKE_PART, found, by=by, now=now, speaks=True)
    since = _slow_since(found, by.role, now=now)
    if since is not None and (last := last_said_at(words.author_id, since=since)) is not None:
        left = found.slow_mode_seconds - int((now - last).total_seconds())
        raise refusal(Refused(NoPost.SLOW_MODE, str(max(left, 1))))
    if has_said_much(words.author_id, since=now - WITHIN, much=MOST):
        raise refusal(Refused(NoPost.TOO_FAST))
    sequence = say(found, replace(words, since=since), now=now)
    if sequence is None:
        raise refusal_of(NoAct.CLOSED)
    return sequence


def refusal(refused: Refused) -> AppError:
    """A refused message as an error; its code is the reason."""
    why = NoPost(refused.reason)
    if why == NoPost.TOO_FAST:
        return ThrottledError(
            _("That was very fast."),
            next_step=_("Wait a few seconds, then send it again."),
            code=why,
            retry_after=int(WITHIN.total_seconds()),
        )
    if why == NoPost.SLOW_MODE:
        seconds = int(refused.detail)
        return ThrottledError(
            ngettext(
                "Slow mode is on: you can write again in %(count)s second.",
                "Slow mode is on: you can write again in %(count)s seconds.",
                seconds,
            )
            % {"count": seconds},
            code=why,
            retry_after=seconds,
        )
    texts: Final = {
        NoPost.EMPTY: _("There was nothing to send: the message has no text."),
        NoPost.TOO_LONG: _("The message is too long: at most %(most)s characters.")
        % {"most": refused.detail},
    }
    return InvalidError(texts[why], code=why)
