"""Saying something in the room."""

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _
from prometheus_client import Counter

from common.decisions import Decision, Refused
from common.errors import AppError, InvalidError, RefusedError, ThrottledError
from common.throttle import Limit
from rooms.broadcast import announce
from rooms.events import ChatPosted
from rooms.models import ChatMessage, Entry, Participant
from rooms.policy.doors import door_state, schedule_of, stance_of
from rooms.policy.moderation import NoPost, Standing, clean_text, judge_text, may_chat
from rooms.queries import as_posted, message_sent

if TYPE_CHECKING:
    from rooms.access import Viewer

MESSAGES: Final = Counter("foyer_chat_messages_total", "Chat messages taken")
_PACE: Final = Limit("chat", tries=10, seconds=10)


def post_message(entry: Entry, *, by: "Viewer", text: str, client_key: str = "", now: datetime) -> ChatPosted:
    """Take a message and tell everybody inside. The same `client_key` again answers with the first message.

    Args:
        by: asked of the database just now, with a participant (`rooms.services.presence.enter_room`).

    Raises:
        RefusedError: the viewer may not speak here, or not now; the code is a `NoPost`.
        InvalidError: there is nothing to read in it, or too much.
        ThrottledError: too many in a short time.
    """
    if by.entry_id != entry.pk or by.participant_id is None:
        raise refusal(Refused(NoPost.REMOVED))
    before = message_sent(by.participant_id, client_key)
    if before is not None:
        return as_posted(before)
    author = Participant.objects.select_related("person", "guest").get(pk=by.participant_id)
    state = door_state(schedule_of(entry), now=now)
    standing = Standing(
        stance=stance_of(state, is_host=by.is_host),
        has_chat=entry.has_chat,
        is_removed=author.removed_at is not None and not by.is_host,
    )
    said = clean_text(text)
    _demand(may_chat(standing))
    _demand(judge_text(said))
    try:
        _PACE.count(str(by.participant_id))
    except ThrottledError as error:
        raise refusal(Refused(NoPost.TOO_FAST)) from error
    try:
        return _write(entry, author, role=by.role, text=said, client_key=client_key, now=now)
    except IntegrityError:  # the same page sent it twice at once; the other one arrived
        arrived = message_sent(by.participant_id, client_key)
        if arrived is None:
            raise
        return as_posted(arrived)


@transaction.atomic
def _write(
    entry: Entry, author: Participant, *, role: str, text: str, client_key: str, now: datetime
) -> ChatPosted:
    # The condition stands in the statement that gives the number: doors closed just now let nothing through.
    open_chat = Entry.objects.filter(pk=entry.pk, has_chat=True, doors=entry.doors, deleted_at__isnull=True)
    if not open_chat.update(chat_sequence=F("chat_sequence") + 1):
        raise refusal(Refused(NoPost.CLOSED))
    message = ChatMessage.objects.create(
        entry=entry,
        # ours until the commit: whoever wants the next number waits for this row
        sequence=Entry.objects.values_list("chat_sequence", flat=True).get(pk=entry.pk),
        author=author,
        author_role=role,
        client_key=client_key,
        text=text,
        sent_at=now,
    )
    posted = as_posted(message)
    transaction.on_commit(MESSAGES.inc, robust=True)
    transaction.on_commit(partial(announce, posted), robust=True)
    return posted


def _demand(decision: Decision) -> None:
    if isinstance(decision, Refused):
        raise refusal(decision)


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
    texts: Final = {
        NoPost.REMOVED: _("You are no longer in this session."),
        NoPost.CHAT_IS_OFF: _("The chat is switched off in this session."),
        NoPost.WAITING: _("The chat opens with the doors."),
        NoPost.CLOSED: _("The doors are closed, and so is the chat."),
        NoPost.ENDED: _("This session has ended, and so has its chat."),
        NoPost.EMPTY: _("There was nothing to send: the message has no text."),
        NoPost.TOO_LONG: _("The message is too long: at most %(most)s characters.")
        % {"most": refused.detail},
    }
    kind = InvalidError if why in {NoPost.EMPTY, NoPost.TOO_LONG} else RefusedError
    return kind(texts[why], code=why)
