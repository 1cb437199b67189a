"""The session as a calendar file (RFC 5545), written by the icalendar library."""

from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from icalendar import Calendar, Event

from rooms.models import Entry

MEDIA_TYPE: Final = "text/calendar; charset=utf-8"


def calendar_file(entry: Entry, *, address: str, way_in: str, now: datetime) -> bytes | None:
    """One event; None where the entry has no start. Loading it again replaces the event: its UID stays.

    Args:
        address: a link for the calendar, without any secret; empty for people who come through their course.
        way_in: how to get in, for the description.
    """
    if entry.starts_at is None:
        return None
    event = Event()
    event.add("uid", f"{entry.pk}@{urlsplit(settings.PUBLIC_URL).hostname}")
    event.add("dtstamp", now)
    event.add("last-modified", now)
    event.add("dtstart", entry.starts_at)
    if entry.ends_at is not None:
        event.add("dtend", entry.ends_at)
    event.add("summary", entry.title)
    event.add("description", "\n\n".join(part for part in (entry.description, way_in) if part))
    event.add("location", address or _("In your course"))
    if address:
        event.add("url", address)
    calendar = Calendar()
    calendar.add("prodid", "-//Foyer//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return bytes(calendar.to_ical())
