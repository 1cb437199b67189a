"""Calendar files, as a calendar reads them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from icalendar import Calendar, Event

from rooms.calendar import Meeting, Method, calendar_file, meeting_file
from rooms.models import Entry

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
START = datetime(2027, 3, 4, 9, 0, tzinfo=UTC)
KEY = UUID("00000000-0000-0000-0000-000000000042")
LINK = "https://foyer.example.edu/join/abc"
MEETING = Meeting(
    key=KEY,
    sequence=3,
    method=Method.REQUEST,
    organizer="events@campus.example",
    organizer_name="Università di Bücher; Events",
    attendee="ana@example.org",
    attendee_name='Ana "the Guest"\r\nX-EVIL:1',
)


def entry(**values: object) -> Entry:
    return Entry(
        **{
            "title": "Light; lenses, and\nmore",
            "description": "Bring a lens.",
            "starts_at": START,
            "ends_at": START + timedelta(hours=1),
            **values,
        }
    )


def read(written: bytes | None) -> tuple[str, Event]:
    assert written is not None
    assert b"\r\n" in written
    assert max(len(line) for line in written.split(b"\r\n")) <= 75
    calendar = Calendar.from_ical(written.decode())
    (event,) = calendar.events
    return str(calendar["METHOD"]), event


def test_a_file_to_load_by_hand_names_nobody() -> None:
    room = entry()
    method, event = read(calendar_file(room, address=LINK, way_in="Come in.", now=NOW))
    assert (method, event["UID"], event["SEQUENCE"]) == ("PUBLISH", f"{room.pk}@127.0.0.1", 0)
    assert event["SUMMARY"] == "Light; lenses, and\nmore"
    assert event["DESCRIPTION"] == "Bring a lens.\n\nCome in."
    assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (START, START + timedelta(hours=1))
    assert "ATTENDEE" not in event
    assert "ORGANIZER" not in event


def test_a_guests_file_is_about_the_event_that_was_mailed() -> None:
    written = calendar_file(entry(), address=LINK, way_in="", now=NOW, key=KEY, sequence=3)
    _method, event = read(written)
    assert (event["UID"], event["SEQUENCE"]) == (f"{KEY}@127.0.0.1", 3)


def test_without_a_start_there_is_none() -> None:
    assert calendar_file(entry(starts_at=None), address="", way_in="", now=NOW) is None


def test_a_mailed_file_names_who_sends_and_who_is_meant() -> None:
    method, event = read(meeting_file(entry(), MEETING, address=LINK, way_in="", now=NOW))
    assert (method, event["STATUS"], event["SEQUENCE"]) == ("REQUEST", "CONFIRMED", 3)
    assert event["UID"] == f"{KEY}@127.0.0.1"
    assert event["ORGANIZER"] == "mailto:events@campus.example"
    assert event["ORGANIZER"].params["CN"] == "Università di Bücher; Events"
    assert event["ATTENDEE"] == "mailto:ana@example.org"
    assert "X-EVIL" not in event
    assert event["ATTENDEE"].params["RSVP"] == "FALSE"
    assert event["URL"] == LINK


@pytest.mark.parametrize("starts_at", [START, None])
def test_a_cancellation_names_the_same_event_and_no_link(starts_at: datetime | None) -> None:
    meeting = Meeting(
        key=KEY,
        sequence=4,
        method=Method.CANCEL,
        organizer="a@campus.example",
        organizer_name="",
        attendee="ana@example.org",
        attendee_name="",
    )
    room = entry(starts_at=starts_at, ends_at=None)
    method, event = read(meeting_file(room, meeting, address="", way_in="", now=NOW))
    assert (method, event["STATUS"], event["SEQUENCE"]) == ("CANCEL", "CANCELLED", 4)
    assert event["UID"] == f"{KEY}@127.0.0.1"
    assert "URL" not in event
    assert ("DTSTART" in event) is (starts_at is not None)
    assert "DTEND" not in event
