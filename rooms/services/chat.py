"""Saying something in the room."""

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from prometheus_client import Counter

from common.decisions import Refused
from common.errors import AppError, InvalidError, ThrottledError
from common.throttle import Limit
from rooms.broadcast import announce
from rooms.events import ChatPosted
from rooms.models import ChatMessage, Entry, Participant
from rooms.policy.collaboration import TABLE, Act, NoAct
from rooms.policy.moderation import NoPost, clean_text, judge_text
from rooms.policy.roles import Role
from rooms.queries.chat import as_posted, last_said_at, message_numbered, message_sent
from rooms.services.standing import demand_act, refusal_of

if TYPE_CHECKING:
    from rooms.access import Viewer

MESSAGES: Final = Counter("foyer_chat_messages_total", "Chat messages taken")
_PACE: Final = Limit("chat", tries=10, seconds=10)


def post_message(
    entry: Entry,
    *,
    by: "Viewer",
    text: str,
    client_key: str = "",
    reply_to: int | None = None,
    now: datetime,
) -> ChatPosted:
    """Take a message and tell everybody inside. The same `client_key` again answers with the first message.

    Args:
        by: asked of the database just now, with a participant (`rooms.services.presence.enter_room`).
        reply_to: the sequence of the message that this one answers; one that is gone is passed over.

    Raises:
        RefusedError: the viewer may not speak here, or not now; the code is a `NoAct`.
        InvalidError: there is nothing to read in it, or too much.
        ThrottledError: too many in a short time, or slow mode is on.
    """
    if by.participant_id is not None and (before := message_sent(by.participant_id, client_key)) is not None:
        return as_posted(before)
    author = demand_act(Act.TAKE_PART, entry, by=by, now=now, speaks=True)
    said = clean_text(text)
    verdict = judge_text(said)
    if isinstance(verdict, Refused):
        raise refusal(verdict)
    _demand_pace(entry, author, role=by.role, now=now)
    try:
        return _write(entry, author, by=by, text=said, client_key=client_key, reply_to=reply_to, now=now)
    except IntegrityError:  # the same page sent it twice at once; the other one arrived
        arrived = message_sent(author.pk, client_key)
        if arrived is None:
            raise
        return as_posted(arrived)


def _demand_pace(entry: Entry, author: Participant, *, role: Role, now: datetime) -> None:
    """Nobody floods the chat; in slow mode whoever does not moderate waits between two messages."""
    if entry.slow_mode_seconds and role not in TABLE[Act.MODERATE]:
        since = now - timedelta(seconds=entry.slow_mode_seconds)
        last = last_said_at(author.pk, since=since)
        if last is not None:
            left = entry.slow_mode_seconds - int((now - last).total_seconds())
            raise refusal(Refused(NoPost.SLOW_MODE, str(max(left, 1))))
    try:
        _PACE.count(str(author.pk))
    except ThrottledError as error:
        raise refusal(Refused(NoPost.TOO_FAST)) from error


@transaction.atomic
def _write(
    entry: Entry,
    author: Participant,
    *,
    by: "Viewer",
    text: str,
    client_key: str,
    reply_to: int | None,
    now: datetime,
) -> ChatPosted:
    if not _take_number(entry):  # the doors have moved since the entry was read: what holds now?
        moved = Entry.objects.get(pk=entry.pk)
        demand_act(Act.TAKE_PART, moved, by=by, now=now, speaks=True)
        if not _take_number(moved):
            raise refusal_of(NoAct.CLOSED)
    message = ChatMessage.objects.create(
        entry=entry,
        # ours until the commit: whoever wants the next number waits for this row
        sequence=Entry.objects.values_list("chat_sequence", flat=True).get(pk=entry.pk),
        author=author,
        author_role=by.role,
        client_key=client_key,
        text=text,
        sent_at=now,
        reply_to=message_numbered(entry.pk, reply_to) if reply_to else None,
    )
    posted = as_posted(message)
    transaction.on_commit(MESSAGES.inc, robust=True)
    transaction.on_commit(partial(announce, posted), robust=True)
    return posted


def _take_number(entry: Entry) -> bool:
    """Count one message more, unless the doors are no longer as they were when the entry was read.

    The condition stands in the statement that gives the number: doors closed just now let nothing through.
    """
    open_chat = Entry.objects.filter(pk=entry.pk, has_chat=True, doors=entry.doors, deleted_at__isnull=True)
    return open_chat.update(chat_sequence=F("chat_sequence") + 1) == 1


def refusal(refused: Refused) -> AppError:
    """A refused message as an error; its code is the reason."""
    why = NoPost(refused.reason)
    if why == NoPost.TOO_FAST:
        return ThrottledError(
            _("That was very fast."),
            next_step=_("Wait a few seconds, then send it again."),
            code=why,
            retry_after=_PACE.seconds,
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
