"""Audio and video: set up by hosts, joined at the last moment, by role, while one is inside (design §8)."""

import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from lti_tool.roles import ApplicationRole, Right
from rooms.models import Entry, Participant, Stage
from tests.factories.campus import Browser, Campus
from tests.factories.rooms import make_guest, make_participant, make_pass

pytestmark = pytest.mark.django_db

NOW = timezone.now()
ADDRESS = "https://zoom.example/j/73?pwd=secret"
TEAM_ADDRESS = "https://zoom.example/h/73?pwd=secret"
SECRET = "a secret of the Jitsi host, long enough"
JSON = {"Accept": "application/json"}


@pytest.fixture
def jitsi(settings: Settings) -> None:
    settings.JITSI_URL = "https://jitsi.example.edu"
    settings.JITSI_APP_ID = "foyer"
    settings.JITSI_APP_SECRET = SECRET


@dataclass
class Guest:
    """A guest's browser."""

    client: Client
    participant: Participant


def invited(campus: Campus, role: str) -> Guest:
    participant = make_participant(
        campus.entry,
        guest=make_guest(campus.course.tenant, f"{role}@x.example"),
        role=role,
        granted_until=NOW + timedelta(hours=2),
    )
    _held, secret = make_pass(participant)
    client = Client()
    client.cookies["foyer-pass"] = secret
    return Guest(client, participant)


def choose(campus: Campus, engine: str, **values: str) -> Browser:
    host = campus.launch()
    answer = host.post(campus.page("audio-video/"), engine=engine, **values)
    assert answer.status == 303, answer.text
    return host


def ask(campus: Campus, who: Browser | Guest) -> Any:  # noqa: ANN401 - Django's test response
    path = campus.page("audio-video/join/")
    if isinstance(who, Browser):
        return who.client.post(who.at(path), headers=JSON)
    return who.client.post(path, headers=JSON)


def part(campus: Campus, who: Guest) -> str:
    text: str = who.client.get(campus.page()).content.decode()
    return text


# --- Setting up ---------------------------------------------------------------------------------------------


def test_a_host_reads_how_to_set_it_up_and_others_see_a_quiet_stage(campus: Campus) -> None:
    Entry.objects.filter(pk=campus.entry.pk).update(description="Forty years of cores")
    speaker = invited(campus, "speaker")
    page = campus.launch().get(campus.page()).text
    assert "Audio and video are not set up" in page
    assert page.count("audio-video/") >= 2  # on the stage, and under ⋯
    for text in (part(campus, speaker), campus.learner().get(campus.page()).text):
        stage = re.search(r'<section class="stage".*?</section>', text, re.DOTALL)
        assert stage is not None
        assert "Audio and video" not in stage[0]
        assert "audio-video/" not in text
        assert "Reading the ice" in stage[0]
        assert "Forty years of cores" in stage[0]
        assert "Ana Guest" in stage[0]  # who speaks


def test_setting_up_needs_the_power_to_edit(campus: Campus) -> None:
    publisher = campus.launch(Right.CO_PUBLISHER, ApplicationRole.ADMIN)
    for who in (publisher, campus.learner()):
        assert who.get(campus.page("audio-video/")).status == 403
        assert who.post(campus.page("audio-video/"), engine="meeting", address=ADDRESS).status == 403
    assert not Stage.objects.exists()
    assert (
        campus.launch(Right.CO_EDITOR, ApplicationRole.PRIVATE_ONLY).get(campus.page("audio-video/")).status
        == 200
    )


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({}, "Choose one."),
        ({"engine": "meeting"}, "Paste the address of the meeting."),
        ({"engine": "meeting", "address": "http://zoom.example/j/1"}, "must begin with https://"),
        ({"engine": "meeting", "address": "my room"}, "not the address of a meeting"),
        ({"engine": "meeting", "address": "https://a:b@zoom.example/"}, "a name or a password"),
        ({"engine": "meeting", "address": ADDRESS, "team_address": "no"}, "not the address of a meeting"),
        ({"engine": "jitsi"}, "not set up in this installation"),
        ({"engine": "carrier-pigeon"}, "not set up in this installation"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_nothing_typed_is_lost(
    campus: Campus, values: dict[str, str], error: str
) -> None:
    answer = campus.launch().post(campus.page("audio-video/"), **values)
    assert answer.status == 422
    assert error in answer.text
    for typed in values.values():
        assert typed.replace("&", "&amp;") in answer.text or typed in {"jitsi", "carrier-pigeon"}
    assert not Stage.objects.exists()


def test_jitsi_is_offered_only_where_it_is_configured(campus: Campus) -> None:
    assert 'value="jitsi"' not in campus.launch().get(campus.page("audio-video/")).text


def test_it_can_be_taken_back_and_open_pages_are_renewed(campus: Campus) -> None:
    guest = invited(campus, "viewer")
    look = campus.page("look/")
    before = guest.client.get(look).json()["version"]
    host = choose(campus, "meeting", address=ADDRESS)
    during = guest.client.get(look).json()["version"]
    assert ADDRESS.replace("&", "&amp;") in host.get(campus.page("audio-video/")).text
    choose(campus, "null")
    assert len({before, during, guest.client.get(look).json()["version"]}) == 3
    assert not Stage.objects.exists()
    assert ask(campus, guest).status_code == 409


def test_only_rooms_have_audio_and_video(campus: Campus) -> None:
    Entry.objects.filter(pk=campus.entry.pk).update(kind="video")
    host = campus.launch()
    assert host.get(campus.page("audio-video/")).status == 404
    assert ask(campus, host).status_code == 409


# --- A meeting elsewhere ------------------------------------------------------------------------------------


def test_everybody_inside_is_given_the_address_of_their_role(campus: Campus) -> None:
    host = choose(campus, "meeting", address=ADDRESS, team_address=TEAM_ADDRESS)
    given = {name: ask(campus, invited(campus, name)) for name in ("moderator", "speaker", "viewer")}
    given |= {"host": ask(campus, host), "learner": ask(campus, campus.learner())}
    found = {name: answer.json()["address"] for name, answer in given.items()}
    team = dict.fromkeys(("host", "moderator", "speaker"), TEAM_ADDRESS)
    assert found == team | dict.fromkeys(("viewer", "learner"), ADDRESS)
    assert given["viewer"]["Cache-Control"] == "private, no-store"
    assert given["viewer"]["Referrer-Policy"] == "no-referrer"


def test_no_page_holds_the_address_before_somebody_joins(campus: Campus) -> None:
    host = choose(campus, "meeting", address=ADDRESS, team_address=TEAM_ADDRESS)
    for text in (host.get(campus.page()).text, part(campus, invited(campus, "viewer"))):
        assert "Join the meeting" in text
        assert "zoom.example" in text
        assert "zoom.example/" not in text


def test_the_way_in_ends_with_the_doors(campus: Campus) -> None:
    host = choose(campus, "meeting", address=ADDRESS)
    guest = invited(campus, "speaker")
    for doors, started, reason in (
        ("closed", -1, "closed"),
        ("schedule", 1, "waiting"),
    ):
        Entry.objects.filter(pk=campus.entry.pk).update(
            doors=doors, doors_changed_at=NOW, starts_at=NOW + timedelta(hours=started)
        )
        answer = ask(campus, guest)
        assert (answer.status_code, answer.json()["reason"]) == (403, reason)
        assert "zoom.example" not in answer.content.decode()
        shown = re.sub(r"<template data-ahead>.*</template>", "", part(campus, guest), flags=re.DOTALL)
        assert "Join the meeting" not in shown
        assert ask(campus, host).status_code == 200  # to make things ready
    Entry.objects.filter(pk=campus.entry.pk).update(doors="ended", doors_changed_at=NOW)
    assert ask(campus, host).json()["reason"] == "ended"


def test_whoever_was_removed_or_withdrawn_gets_none(campus: Campus) -> None:
    choose(campus, "meeting", address=ADDRESS)
    guest = invited(campus, "viewer")
    for change in ({"removed_at": NOW}, {"removed_at": None, "granted_role": ""}):
        Participant.objects.filter(pk=guest.participant.pk).update(**change)
        answer = guest.client.post(campus.page("audio-video/join/"))
        assert answer.status_code == 410
        assert "zoom.example" not in answer.content.decode()
    assert Client().post(campus.page("audio-video/join/")).status_code == 404


def test_looking_gives_nothing_and_a_strangers_form_neither(campus: Campus) -> None:
    host = choose(campus, "meeting", address=ADDRESS)
    path = host.at(campus.page("audio-video/join/"))
    assert host.client.get(path).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies["foyer-tab"] = host.client.cookies["foyer-tab"].value
    assert strict.post(path).status_code == 403


def test_a_page_without_scripts_is_led_by_a_link(campus: Campus) -> None:
    choose(campus, "meeting", address=ADDRESS)
    answer = invited(campus, "viewer").client.post(campus.page("audio-video/join/"))
    text = answer.content.decode()
    assert f'href="{ADDRESS}" target="_blank" rel="noopener noreferrer"' in text
    assert "Back to the room" in text
    assert answer["Cache-Control"] == "private, no-store"


def test_shortly_before_the_start_the_way_is_open_to_hosts_and_speakers(campus: Campus) -> None:
    host = choose(campus, "meeting", address=ADDRESS, team_address=TEAM_ADDRESS)
    Entry.objects.filter(pk=campus.entry.pk).update(starts_at=timezone.now() + timedelta(minutes=10))
    for who in (host, invited(campus, "speaker")):
        assert ask(campus, who).json()["address"] == TEAM_ADDRESS
    for role in ("moderator", "viewer"):
        answer = ask(campus, invited(campus, role))
        assert (answer.status_code, answer.json()["reason"]) == (403, "waiting")
    assert "only hosts and speakers see this button" in host.get(campus.page()).text


# --- Jitsi --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("jitsi")
def test_each_role_gets_a_token_of_its_own(campus: Campus, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    host = choose(campus, "jitsi")
    people: dict[str, Browser | Guest] = {
        "host": host,
        "learner": campus.learner(),
        **{role: invited(campus, role) for role in ("moderator", "speaker", "viewer")},
    }
    moderates, ids = {}, set()
    for name, who in people.items():
        way = ask(campus, who).json()
        assert (way["kind"], way["domain"], way["expires_in"]) == ("embed", "jitsi.example.edu", 300)
        assert way["script"] == "https://jitsi.example.edu/external_api.js"
        claims = jwt.decode(way["token"], SECRET, ["HS256"], audience="jitsi", issuer="foyer")
        assert claims["room"] == way["room"]
        assert "address" not in way
        moderates[name] = claims["context"]["user"]["moderator"]
        ids.add(claims["context"]["user"]["id"])
        assert way["token"] not in caplog.text
        assert way["room"] not in caplog.text
    assert {name for name, does in moderates.items() if does} == {"host", "moderator"}
    assert len(ids) == len(people)


@pytest.mark.usefixtures("jitsi")
def test_without_scripts_only_those_on_the_stage_are_led_to_the_whole_meeting(campus: Campus) -> None:
    choose(campus, "jitsi")
    path = campus.page("audio-video/join/")
    for role in ("moderator", "speaker", "viewer"):
        guest = invited(campus, role)
        text = guest.client.post(path).content.decode()
        assert ("jwt=" in text) is (role != "viewer")
        assert ("Open the meeting" in text) is (role != "viewer")
        assert ("Audio and video need JavaScript here." in text) is (role == "viewer")
        assert ("in a tab of their own" in part(campus, guest)) is (role != "viewer")


@pytest.mark.usefixtures("jitsi")
def test_only_the_pages_of_those_who_moderate_are_to_keep_others_silent(campus: Campus) -> None:
    host = choose(campus, "jitsi")
    assert "data-moderates" in host.get(campus.page()).text
    pages = {role: part(campus, invited(campus, role)) for role in ("moderator", "speaker", "viewer")}
    assert {role for role, text in pages.items() if "data-moderates" in text} == {"moderator"}
    assert {role for role, text in pages.items() if "data-on-stage" in text} == {"moderator", "speaker"}


@pytest.mark.usefixtures("jitsi")
def test_pages_hold_neither_token_nor_room(campus: Campus) -> None:
    host = choose(campus, "jitsi")
    room = Stage.objects.get().settings["room"]
    for text in (host.get(campus.page()).text, part(campus, invited(campus, "viewer"))):
        assert "Join audio and video" in text
        assert room not in text
        assert "eyJ" not in text


@pytest.mark.usefixtures("jitsi")
def test_only_a_page_with_jitsi_on_its_stage_lets_it_in(campus: Campus) -> None:
    guest = invited(campus, "viewer")

    def headers() -> tuple[str, str]:
        answer = guest.client.get(campus.page())
        return answer["Content-Security-Policy"], answer["Permissions-Policy"]

    policy, devices = headers()
    assert "jitsi.example.edu" not in policy + devices
    assert devices == "camera=(), microphone=(), display-capture=()"
    host = choose(campus, "jitsi")
    policy, devices = headers()
    assert "script-src 'self' https://jitsi.example.edu" in policy
    assert "frame-src 'self' https://jitsi.example.edu" in policy
    assert "default-src 'self'" in policy.split("; ")
    assert 'camera=(self "https://jitsi.example.edu")' in devices
    other = host.client.get(host.at(campus.page("audio-video/")))
    assert "jitsi.example.edu" not in other["Content-Security-Policy"]
    # Whoever waits has the policy for the moment when the doors open.
    Entry.objects.filter(pk=campus.entry.pk).update(starts_at=NOW + timedelta(hours=1))
    assert "script-src 'self' https://jitsi.example.edu" in headers()[0]


@pytest.mark.usefixtures("jitsi")
def test_a_room_keeps_its_name_until_the_doors_close(
    campus: Campus, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    host = choose(campus, "jitsi")
    first = ask(campus, host).json()["room"]
    choose(campus, "jitsi")
    assert ask(campus, host).json()["room"] == first
    version = host.client.get(host.at(campus.page("look/"))).json()["version"]
    with django_capture_on_commit_callbacks(execute=True):
        host.post(campus.page("doors/close/"))
    second = ask(campus, host).json()["room"]
    assert second != first
    assert host.client.get(host.at(campus.page("look/"))).json()["version"] != version
    with django_capture_on_commit_callbacks(execute=True):
        host.post(campus.page("doors/open/"))
    assert ask(campus, host).json()["room"] == second


@pytest.mark.usefixtures("jitsi")
def test_a_changed_role_is_in_the_next_token_and_makes_another_part(campus: Campus) -> None:
    choose(campus, "jitsi")
    guest = invited(campus, "viewer")

    def kept() -> str:
        found = re.search(r'data-stage-keep="([^"]+)"', part(campus, guest))
        assert found is not None
        return found[1]

    before = kept()
    assert "your camera and microphone stay off" in part(campus, guest)
    Participant.objects.filter(pk=guest.participant.pk).update(host_role="moderator")
    assert kept() != before
    assert "You are on the stage" in part(campus, guest)
    token = ask(campus, guest).json()["token"]
    claims = jwt.decode(token, SECRET, ["HS256"], audience="jitsi")
    assert claims["context"]["user"]["moderator"] is True


def test_what_the_installation_lost_is_told_to_hosts(campus: Campus, settings: Settings, jitsi: None) -> None:
    host = choose(campus, "jitsi")
    settings.JITSI_URL = ""
    assert "Audio and video are not set up any more" in host.get(campus.page()).text
    assert "does not exist in this installation any more" in host.get(campus.page("audio-video/")).text
    assert "Audio and video" not in part(campus, invited(campus, "viewer"))
    answer = ask(campus, host)
    assert (answer.status_code, answer.json()["reason"]) == (409, "no_stage")
