"""Jitsi's tokens: for whom, for where, for how long."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from django.utils import timezone
from pytest_django import Settings

from rooms.engines.base import Embed, Meeting, Seat
from rooms.engines.jitsi import Jitsi

SECRET = "a secret of the Jitsi host, long enough"
HOST = Seat(uuid4(), "Hanna Host", is_on_stage=True, is_moderator=True)
SPEAKER = Seat(uuid4(), "Amara Ö. Speaker", is_on_stage=True)
VIEWER = Seat(uuid4(), "Luis Viewer")


@pytest.fixture
def jitsi(settings: Settings) -> Jitsi:
    settings.JITSI_URL = "https://jitsi.example.edu"
    settings.JITSI_APP_ID = "foyer"
    settings.JITSI_APP_SECRET = SECRET
    return Jitsi()


def opened(jitsi: Jitsi) -> Meeting:
    empty = Meeting(uuid4())
    return replace(empty, settings=jitsi.open(empty))


def joined(jitsi: Jitsi, meeting: Meeting, seat: Seat, *, now: datetime | None = None) -> Embed:
    way = jitsi.join(meeting, seat, now=now or timezone.now())
    assert isinstance(way, Embed)
    return way


def read(way: Embed) -> dict[str, Any]:
    """As the Jitsi host reads it."""
    claims: dict[str, Any] = jwt.decode(
        way.token,
        SECRET,
        algorithms=["HS256"],
        audience="jitsi",
        issuer="foyer",
        options={"require": ["exp", "nbf", "iss", "sub", "aud"]},
    )
    return claims


@pytest.mark.parametrize("seat", [HOST, SPEAKER, VIEWER])
def test_a_token_says_who_it_is_and_whether_they_moderate(jitsi: Jitsi, seat: Seat) -> None:
    meeting = opened(jitsi)
    claims = read(joined(jitsi, meeting, seat))
    assert claims["sub"] == "jitsi.example.edu"
    assert claims["room"] == meeting.settings["room"]
    user = claims["context"]["user"]
    assert (user["id"], user["name"]) == (str(seat.participant_id), seat.name)
    assert user["moderator"] is seat.is_moderator
    assert user["affiliation"] == ("owner" if seat.is_moderator else "member")


def test_a_token_allows_what_the_role_allows_and_no_calls(jitsi: Jitsi) -> None:
    meeting = opened(jitsi)
    of_the_stage, of_moderators = (
        {"screen-sharing", "file-upload"},
        {"recording", "livestreaming", "transcription"},
    )
    allowed = {HOST: of_the_stage | of_moderators, SPEAKER: of_the_stage, VIEWER: set[str]()}
    for seat, wanted in allowed.items():
        features = read(joined(jitsi, meeting, seat))["context"]["features"]
        assert {name for name, is_allowed in features.items() if is_allowed} == wanted
        assert set(features) - of_the_stage - of_moderators == {
            "inbound-call",
            "outbound-call",
            "sip-inbound-call",
            "sip-outbound-call",
        }


def test_a_token_lasts_five_minutes(jitsi: Jitsi) -> None:
    now = timezone.now()
    way = joined(jitsi, opened(jitsi), HOST, now=now)
    claims = read(way)
    assert claims["exp"] - int(now.timestamp()) == 300
    assert claims["nbf"] <= int(now.timestamp())
    assert way.expires_at == now + timedelta(minutes=5)
    old = jitsi.join(opened(jitsi), HOST, now=now - timedelta(minutes=6))
    assert isinstance(old, Embed)
    with pytest.raises(jwt.ExpiredSignatureError):
        read(old)


def test_a_token_of_somebody_else_is_none(jitsi: Jitsi) -> None:
    way = joined(jitsi, opened(jitsi), HOST)
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(way.token, "another secret that is as long as this", ["HS256"], audience="jitsi")


def test_rooms_have_names_that_nobody_guesses_and_a_new_one_after_each_meeting(jitsi: Jitsi) -> None:
    first, second = opened(jitsi), opened(jitsi)
    third = jitsi.close(first)
    names = {first.settings["room"], second.settings["room"], third["room"]}
    assert len(names) == 3
    assert all(len(name) == 40 and name.isalnum() and name == name.lower() for name in names)


def test_the_meeting_has_an_address_of_its_own_on_the_host_for_those_on_the_stage(jitsi: Jitsi) -> None:
    meeting = opened(jitsi)
    for seat in (HOST, SPEAKER):
        way = joined(jitsi, meeting, seat)
        assert way.address == f"https://jitsi.example.edu/{meeting.settings['room']}?jwt={way.token}"
    assert joined(jitsi, meeting, VIEWER).address == ""


@pytest.mark.parametrize("missing", ["JITSI_URL", "JITSI_APP_ID", "JITSI_APP_SECRET"])
def test_without_a_host_and_a_secret_there_is_no_way(settings: Settings, jitsi: Jitsi, missing: str) -> None:
    meeting = opened(jitsi)
    setattr(settings, missing, "")
    assert not Jitsi().is_set_up
    assert Jitsi().origins == ()
    assert Jitsi().join(meeting, HOST, now=timezone.now()) is None
