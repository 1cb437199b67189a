"""What the team says among themselves."""

from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from rooms.models import ChatMessage

SHOWN: Final = 200  # messages; what is older is in the report


def backchannel_state(entry_id: UUID) -> list[dict[str, Any]]:
    """The newest of it, oldest first, as pages know it."""
    return [word_of(each) for each in _backchannel(entry_id).order_by("-sequence")[:SHOWN]][::-1]


def word_of(message: ChatMessage) -> dict[str, Any]:
    """One message of it."""
    return {
        "sequence": message.sequence,
        "author_id": str(message.author_id),
        "author": message.author.shown_name,
        "role": message.author_role,
        "is_guest": message.author.guest_id is not None,
        "text": message.text,
        "sent_at": message.sent_at.isoformat(),
    }


def _backchannel(entry_id: UUID) -> QuerySet[ChatMessage]:
    rows = ChatMessage.objects.filter(entry_id=entry_id, channel=ChatMessage.Channel.BACKCHANNEL)
    return rows.select_related("author__person", "author__guest")
