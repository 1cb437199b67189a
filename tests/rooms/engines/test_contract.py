"""The same cases for every engine: what rooms rely on, whichever they have."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from pytest_django import Settings

from rooms.engines.base import Embed, Engine, Link, Meeting, Seat
from rooms.engines.registry import engine_named

NOW = timezone.now()
TOLD: dict[str, Mapping[str, str]] = {
    "null": {},
    "meeting": {"address": "https://meet.example.edu/j/73", "team_address": "https://meet.example.edu/h/73"},
    "jitsi": {},
}
SEATS = (
    Seat(uuid4(), "Hanna Host", is_on_stage=True, is_moderator=True),
    Seat(uuid4(), "Amara Speaker", is_on_stage=True),
    Seat(uuid4(), "Luis Viewer"),
)


@pytest.fixture(params=django_settings.STAGE_ENGINES)
def name(request: pytest.FixtureRequest, settings: Settings) -> str:
    settings.JITSI_URL = "https://jitsi.example.edu"
    settings.JITSI_APP_ID = "foyer"
    settings.JITSI_APP_SECRET = "a secret of the Jitsi host, long enough"
    found: str = request.param
    return found


@pytest.fixture
def engine(name: str) -> Engine:
    return engine_named(name)


@pytest.fixture
def meeting(name: str, engine: Engine) -> Meeting:
    told = Meeting(uuid4(), TOLD[name])
    return replace(told, settings=engine.open(told))


def test_an_engine_opens_a_way_for_each_role_exactly_when_it_is_set_up(
    engine: Engine, meeting: Meeting
) -> None:
    for seat in SEATS:
        way = engine.join(meeting, seat, now=NOW)
        assert isinstance(way, Link | Embed) == engine.is_set_up


def test_opening_twice_changes_nothing(engine: Engine, meeting: Meeting) -> None:
    assert engine.open(meeting) == meeting.settings


def test_settings_are_plain_texts_that_a_row_can_keep(engine: Engine, meeting: Meeting) -> None:
    for settings in (engine.open(meeting), engine.close(meeting)):
        assert all(isinstance(each, str) for pair in settings.items() for each in pair)


def test_whatever_is_told_of_people_may_be_told_twice_and_of_strangers(
    engine: Engine, meeting: Meeting
) -> None:
    for seat in (*SEATS, *SEATS, Seat(uuid4(), "Nobody")):
        engine.change_role(meeting, seat)
        engine.remove(meeting, seat.participant_id)


def test_after_closing_there_is_a_next_meeting(engine: Engine, meeting: Meeting) -> None:
    again = replace(meeting, settings=engine.close(meeting))
    assert engine.open(again) == again.settings
    assert (engine.join(again, SEATS[0], now=NOW) is not None) == engine.is_set_up


def test_a_way_into_the_page_ends_within_minutes_and_comes_from_a_named_origin(
    engine: Engine, meeting: Meeting
) -> None:
    way = engine.join(meeting, SEATS[0], now=NOW)
    if isinstance(way, Embed):
        assert NOW < way.expires_at <= NOW + timedelta(minutes=10)
        assert way.origin in engine.origins
        assert way.script.startswith(f"{way.origin}/")
    else:
        assert engine.origins == ()


def test_only_whoever_is_on_the_stage_may_have_the_whole_meeting_in_a_tab_of_its_own(
    engine: Engine, meeting: Meeting
) -> None:
    for seat in SEATS:
        way = engine.join(meeting, seat, now=NOW)
        assert not isinstance(way, Embed) or bool(way.address) == seat.is_on_stage


def test_nothing_secret_is_shown_where_a_way_is_printed(engine: Engine, meeting: Meeting) -> None:
    way = engine.join(meeting, SEATS[0], now=NOW)
    shown = f"{way!r} {meeting!r}"
    secrets = [*meeting.settings.values()]
    if isinstance(way, Embed):
        secrets.append(way.token)
    assert not [each for each in secrets if each in shown]


def test_without_an_engine_there_is_no_audio_and_no_video() -> None:
    assert not engine_named().is_set_up


def test_an_unknown_engine_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        engine_named("carrier-pigeon")
