"""A meeting elsewhere: which addresses are taken, and who is given which."""

from uuid import uuid4

import pytest
from django.utils import timezone

from common.decisions import Refused
from rooms.engines.base import Link, Meeting, Seat
from rooms.engines.meeting import MeetingAddress, host_of, judge_meeting_address

NOW = timezone.now()
ONE = {"address": "https://zoom.example/j/1?pwd=x"}
TWO = {**ONE, "team_address": "https://zoom.example/s/1"}
SPEAKER = Seat(uuid4(), "Amara", is_on_stage=True)
VIEWER = Seat(uuid4(), "Luis")


@pytest.mark.parametrize(
    "address",
    [
        "https://zoom.us/j/9211?pwd=abc",
        "https://teams.microsoft.com/l/meetup-join/19%3ameeting_x%40thread.v2/0?context=%7b%7d",
        "https://bbb.example.edu:8443/rooms/abc/join",
        "https://treffen.müller.example/raum",
    ],
)
def test_any_https_meeting_is_taken(address: str) -> None:
    assert judge_meeting_address(address)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", "not_an_address"),
        ("zoom.us/j/1", "not_an_address"),
        ("https://", "not_an_address"),
        ("https://zoom.us/j/1 2", "not_an_address"),
        ("https://zoom.us/\nj", "not_an_address"),
        ("https://zoom.us\\@evil.example", "not_an_address"),
        ("https://zoom.us:port/", "not_an_address"),
        ("https://[zoom.us/", "not_an_address"),
        (f"https://zoom.us/{'x' * 1000}", "not_an_address"),
        ("http://zoom.us/j/1", "not_https"),
        ("javascript://zoom.us/%0aalert(1)", "not_https"),
        ("https://ana:secret@zoom.us/", "has_password"),
    ],
)
def test_anything_else_is_not(address: str, reason: str) -> None:
    decision = judge_meeting_address(address)
    assert isinstance(decision, Refused)
    assert decision.reason == reason


@pytest.mark.parametrize(
    ("told", "seat", "address"),
    [
        (ONE, SPEAKER, ONE["address"]),
        (ONE, VIEWER, ONE["address"]),
        (TWO, SPEAKER, TWO["team_address"]),
        (TWO, VIEWER, TWO["address"]),
    ],
)
def test_those_on_the_stage_have_an_address_of_their_own_where_there_are_two(
    told: dict[str, str], seat: Seat, address: str
) -> None:
    assert MeetingAddress().join(Meeting(uuid4(), told), seat, now=NOW) == Link(address)


def test_a_bad_address_in_the_database_leads_nowhere() -> None:
    bad = Meeting(uuid4(), {"address": "javascript:alert(1)"})
    assert MeetingAddress().join(bad, VIEWER, now=NOW) is None


def test_the_host_is_told_and_no_more() -> None:
    assert host_of(Meeting(uuid4(), TWO)) == "zoom.example"
