"""The session as a calendar file (RFC 5545), written by the icalendar library."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _
from icalendar import Calendar, Event, vCalAddress

from rooms.models import Entry

MEDIA_TYPE: Final = "text/calendar; charset=utf-8"


class Method(StrEnum):
    """What a calendar file that is mailed asks of the calendar (RFC 5546)."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """What a calendar needs to show an invitation and, later, to find its event again.

    Args:
        key: of the invitation; its UID is made of it and never changes.
        sequence: grows with each change: a calendar keeps the highest it has seen.
        organizer: address of whoever sends the mail; mail programs trust no other.
        attendee: address of the invited mailbox.
    """

    key: UUID
    sequence: int
    method: Method
    organizer: str
    organizer_name: str
    attendee: str
    attendee_name: str


def calendar_file(
    entry: Entry, *, address: str, way_in: str, now: datetime, key: UUID | None = None, sequence: int = 0
) -> bytes | None:
    """One event, to be loaded by hand; None where the entry has no start. Loading it again replaces it.

    Args:
        address: a link for the calendar, without any secret; empty for people who come through their course.
        way_in: how to get in, for the description.
        key: of the invitation, for those who may have its event in their calendar already, with `sequence`.
    """
    if entry.starts_at is None:
        return None
    event = _event(entry, address=address, way_in=way_in, now=now, key=key or entry.pk, sequence=sequence)
    return _written(event, method="PUBLISH")


def meeting_file(entry: Entry, meeting: Meeting, *, address: str, way_in: str, now: datetime) -> bytes:
    """The same to be mailed: a calendar enters, changes or takes out the event by itself.

    Times are written in UTC, which every calendar shows in its owner's own zone.

    Args:
        address: the guest's own link; the mail goes to nobody else.
    """
    event = _event(entry, address=address, way_in=way_in, now=now, key=meeting.key, sequence=meeting.sequence)
    organizer = vCalAddress(f"mailto:{meeting.organizer}")
    organizer.params["CN"] = meeting.organizer_name or meeting.organizer
    event.add("organizer", organizer)
    attendee = vCalAddress(f"mailto:{meeting.attendee}")
    attendee.params["CN"] = meeting.attendee_name or meeting.attendee
    attendee.params["ROLE"] = "REQ-PARTICIPANT"
    attendee.params["PARTSTAT"] = "NEEDS-ACTION"
    attendee.params["RSVP"] = "FALSE"  # nobody reads the answers
    event.add("attendee", attendee)
    event.add("status", "CANCELLED" if meeting.method == Method.CANCEL else "CONFIRMED")
    return _written(event, method=meeting.method.value)


def _event(entry: Entry, *, address: str, way_in: str, now: datetime, key: UUID, sequence: int) -> Event:
    event = Event()
    event.add("uid", f"{key}@{urlsplit(settings.PUBLIC_URL).hostname}")
    event.add("sequence", sequence)
    event.add("dtstamp", now)
    event.add("last-modified", now)
    if entry.starts_at is not None:
        event.add("dtstart", entry.starts_at)
        if entry.ends_at is not None:
            event.add("dtend", entry.ends_at)
    event.add("summary", entry.title)
    event.add("description", "\n\n".join(part for part in (entry.description, way_in) if part))
    event.add("location", address or _("In your course"))
    if address:
        event.add("url", address)
    return event


def _written(event: Event, *, method: str) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", "-//Foyer//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    calendar.add_component(event)
    return bytes(calendar.to_ical())
