"""Announcements: a sentence above the room that everybody sees."""

from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import ConflictError, InvalidError, MissingError
from rooms.models import Announcement, Entry
from rooms.policy.collaboration import Act
from rooms.policy.moderation import clean_text
from rooms.queries.announcements import announcement_of
from rooms.services.changes import tell_change
from rooms.services.standing import demand_act

if TYPE_CHECKING:
    from rooms.access import Viewer

LONGEST: Final = 500
MOST: Final = 3  # at the same time: more would hide the room
TOPIC: Final = "announcements"


@transaction.atomic
def announce_text(
    entry: Entry, *, by: "Viewer", text: str, client_key: str = "", now: datetime
) -> Announcement:
    """Show a sentence to everybody, until somebody takes it away.

    Raises:
        RefusedError: the viewer does not moderate here.
        InvalidError: there is nothing to read in it, or too much.
        ConflictError: there are several already.
    """
    author = demand_act(Act.MODERATE, entry, by=by, now=now)
    Entry.objects.select_for_update(no_key=True).values("pk").get(pk=entry.pk)  # one announces at a time
    said = clean_text(text)
    if not said:
        raise InvalidError(_("Write what everybody should read."), code="empty")
    if len(said) > LONGEST:
        raise InvalidError(
            _("An announcement has at most %(most)s characters.") % {"most": LONGEST}, code="too_long"
        )
    standing = Announcement.objects.filter(entry=entry, ended_at__isnull=True)
    before = Announcement.objects.filter(author=author, client_key=client_key).first() if client_key else None
    if before is not None:
        return before
    if standing.count() >= MOST:
        raise ConflictError(
            _("There are %(most)s announcements already.") % {"most": MOST},
            next_step=_("Take one of them away first."),
            code="too_many",
        )
    made = Announcement.objects.create(
        entry=entry, author=author, client_key=client_key, text=said, made_at=now
    )
    tell_change(entry.pk, TOPIC, {"made": announcement_of(made)})
    return made


@transaction.atomic
def end_announcement(entry: Entry, announcement_id: UUID, *, by: "Viewer", now: datetime) -> None:
    """Take an announcement away.

    Raises:
        RefusedError: the viewer does not moderate here.
        MissingError: there is no such announcement.
    """
    demand_act(Act.MODERATE, entry, by=by, now=now)
    rows = Announcement.objects.filter(pk=announcement_id, entry=entry)
    if rows.filter(ended_at__isnull=True).update(ended_at=now):
        tell_change(entry.pk, TOPIC, {"ended": str(announcement_id)})
    elif not rows.exists():
        raise MissingError
