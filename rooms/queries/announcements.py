"""What moderators want everybody to read."""

from typing import Any
from uuid import UUID

from rooms.models import Announcement


def standing_announcements(entry_id: UUID) -> list[dict[str, Any]]:
    """Those that nobody has taken away, oldest first, as pages know them."""
    rows = Announcement.objects.filter(entry_id=entry_id, ended_at__isnull=True)
    return [announcement_of(each) for each in rows.select_related("author__person", "author__guest")]


def announcement_of(announcement: Announcement) -> dict[str, Any]:
    """One of them."""
    return {
        "id": str(announcement.pk),
        "text": announcement.text,
        "author": announcement.author.shown_name,
        "made_at": announcement.made_at.isoformat(),
    }
