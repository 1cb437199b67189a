"""What was said in a room, and what became of it."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from common.errors import MissingError
from lti_tool.prepared import PreparedRead, Slot
from rooms.events import ChatPosted
from rooms.models import ChatMessage, Entry, Like, Participant

HISTORY_PAGE: Final = 100
REMEMBERED: Final = 300  # messages whose likes, and whose end, a page that comes back is told of
_SNIPPET: Final = 120  # characters of a message that is answered


def chat_after(entry_id: UUID, sequence: int) -> list[ChatPosted]:
    """The next messages after a sequence number, oldest first, `HISTORY_PAGE` at most."""
    rows = _chat(entry_id).filter(sequence__gt=sequence).order_by("sequence")[:HISTORY_PAGE]
    return [as_posted(row) for row in rows]


def chat_before(entry_id: UUID, sequence: int | None) -> list[ChatPosted]:
    """The last messages before a sequence number (None: the newest), oldest first, `HISTORY_PAGE` at most."""
    rows = _chat(entry_id)
    if sequence is not None:
        rows = rows.filter(sequence__lt=sequence)
    return [as_posted(row) for row in rows.order_by("-sequence")[:HISTORY_PAGE]][::-1]


def _chat(entry_id: UUID) -> QuerySet[ChatMessage]:
    chat = ChatMessage.objects.filter(entry_id=entry_id, channel=ChatMessage.Channel.CHAT)
    return chat.select_related(
        "entry", "author__person", "author__guest", "reply_to__author__person", "reply_to__author__guest"
    )


def as_posted(message: ChatMessage) -> ChatPosted:
    """A stored message as the fact that was announced. What nobody shall read any more has no text here."""
    answered = message.reply_to
    is_gone = answered is not None and end_of(answered) != ""
    return ChatPosted(
        entry_id=message.entry_id,
        sequence=message.sequence,
        author_id=str(message.author_id),
        author=message.author.shown_name,
        role=message.author_role,
        is_guest=message.author.guest_id is not None,
        text="" if end_of(message) else message.text,
        sent_at=message.sent_at.isoformat(),
        client_key=message.client_key,
        end=end_of(message),
        likes=message.likes,
        reply_to=answered.sequence if answered else 0,
        reply_author=answered.author.shown_name if answered else "",
        reply_text=answered.text[:_SNIPPET] if answered and not is_gone else "",
    )


def end_of(message: ChatMessage) -> str:
    """Why a message is not to be read: `deleted` (author), `hidden` (moderator), `cleared`; else empty."""
    if message.deleted_at:
        return "deleted"
    if message.hidden_at:
        return "hidden"
    return "cleared" if message.sequence <= message.entry.chat_cleared_sequence else ""


def message_sent(author_id: UUID, client_key: str) -> ChatMessage | None:
    """The message that this author sent under this key of the page, if it has arrived before."""
    if not client_key:
        return None
    return _SENT.first(author=author_id, client_key=client_key)


_SENT: Final = PreparedRead(
    lambda: ChatMessage.objects.select_related(
        "entry", "author__person", "author__guest", "reply_to__author__person", "reply_to__author__guest"
    ).filter(author_id=Slot("author", Participant.id), client_key=Slot("client_key", ChatMessage.client_key))
)


def message_numbered(entry_id: UUID, sequence: int) -> ChatMessage | None:
    """The chat message of this number."""
    return _chat(entry_id).filter(sequence=sequence).first()


def message_for(entry_id: UUID, sequence: int) -> ChatMessage:
    """The same.

    Raises:
        MissingError: there is none.
    """
    found = message_numbered(entry_id, sequence)
    if found is None:
        raise MissingError
    return found


def last_said_at(author_id: UUID, *, since: datetime) -> datetime | None:
    """When the author last said something in the chat, if that was after `since`."""
    rows = ChatMessage.objects.filter(
        author_id=author_id, channel=ChatMessage.Channel.CHAT, sent_at__gt=since
    )
    return rows.order_by("-sent_at").values_list("sent_at", flat=True).first()


def has_said_much(author_id: UUID, *, since: datetime, much: int) -> bool:
    """Whether the author has said so many messages in the chat, or more, after `since`."""
    rows = ChatMessage.objects.filter(
        author_id=author_id, channel=ChatMessage.Channel.CHAT, sent_at__gt=since
    )
    return rows[:much].count() >= much


# --- The topic -----------------------------------------------------------------------------------------


def chat_state(entry_id: UUID) -> dict[str, Any]:
    """What changes about messages that stand there already: a page that was away has missed it."""
    entry = Entry.objects.only("chat_sequence", "slow_mode_seconds", "chat_cleared_sequence").get(pk=entry_id)
    rows = ChatMessage.objects.filter(
        entry_id=entry_id,
        channel=ChatMessage.Channel.CHAT,
        sequence__gt=entry.chat_sequence - REMEMBERED,
    )
    pinned = _chat(entry_id).filter(pinned_at__isnull=False, hidden_at=None, deleted_at=None)
    return {
        "slow": entry.slow_mode_seconds,
        "cleared": entry.chat_cleared_sequence,
        "hidden": list(rows.filter(hidden_at__isnull=False).values_list("sequence", flat=True)),
        "deleted": list(rows.filter(deleted_at__isnull=False).values_list("sequence", flat=True)),
        "likes": {
            str(number): likes for number, likes in rows.filter(likes__gt=0).values_list("sequence", "likes")
        },
        "pins": [pin_of(each) for each in pinned.order_by("pinned_at") if not end_of(each)],
    }


def pin_of(message: ChatMessage) -> dict[str, Any]:
    """A pinned message, as pages know it."""
    return {"sequence": message.sequence, "author": message.author.shown_name, "text": message.text}


def own_chat_state(entry_id: UUID, participant_id: UUID) -> dict[str, Any]:
    """Which messages the participant likes."""
    liked = Like.objects.filter(message__entry_id=entry_id, participant_id=participant_id)
    newest = liked.order_by("-message__sequence").values_list("message__sequence", flat=True)
    return {"liked": list(newest[:REMEMBERED])}


def liked_total(entry_id: UUID, subject: str) -> list[tuple[str, dict[str, Any]]]:
    """How many like a message, told to everybody."""
    rows = ChatMessage.objects.filter(entry_id=entry_id, channel=ChatMessage.Channel.CHAT)
    likes = rows.filter(sequence=int(subject)).values_list("likes", flat=True).first()
    return [] if likes is None else [("everybody", {"likes": {subject: likes}})]
