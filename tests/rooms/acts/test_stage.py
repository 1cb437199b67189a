"""Joining audio and video over real sockets: each role, and after each change (design §8)."""

from datetime import timedelta

import jwt
import pytest
from django.utils import timezone
from pytest_django import Settings

from rooms.models import Participant
from rooms.models import Stage as StageRow
from rooms.services.stage import StageChoice, set_stage
from tests.rooms.stage import Stage, stage
from tests.rooms.talking import Page
from tests.servers import tool_inside

__all__ = ["stage", "tool_inside"]

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "a secret of the Jitsi host, long enough"
PARTICIPANTS = "https://zoom.example/j/73"
TEAM = "https://zoom.example/h/73"
BY_ROLE = {"host": TEAM, "moderator": TEAM, "speaker": TEAM, "viewer": PARTICIPANTS, "learner": PARTICIPANTS}


def choose(stage: Stage, choice: StageChoice) -> None:
    set_stage(stage.entry, choice, by=stage.host, now=timezone.now())


@pytest.fixture
def meeting(stage: Stage) -> None:
    choose(stage, StageChoice("meeting", PARTICIPANTS, TEAM))


@pytest.fixture
def jitsi(stage: Stage, settings: Settings) -> None:
    settings.JITSI_URL = "https://jitsi.example.edu"
    settings.JITSI_APP_ID = "foyer"
    settings.JITSI_APP_SECRET = SECRET
    choose(stage, StageChoice("jitsi"))


def is_moderator(page: Page) -> bool:
    way = page.do("stage.join")["result"]
    claims = jwt.decode(way["token"], SECRET, ["HS256"], audience="jitsi", issuer="foyer")
    found: bool = claims["context"]["user"]["moderator"]
    return found


@pytest.mark.usefixtures("meeting")
def test_everybody_inside_is_given_the_way_of_their_role(stage: Stage) -> None:
    for who, address in BY_ROLE.items():
        answer = stage.arrived(who).do("stage.join")
        assert answer["kind"] == "done"
        assert answer["result"] == {"kind": "link", "address": address}


@pytest.mark.usefixtures("meeting")
def test_no_frame_holds_the_way_before_it_is_asked_for(stage: Stage) -> None:
    page = stage.as_viewer()
    page.hello()
    page.say("state")
    page.hears("state")
    assert "zoom.example" not in str(page.heard)


@pytest.mark.parametrize("who", BY_ROLE)
def test_without_audio_and_video_there_is_no_way(stage: Stage, who: str) -> None:
    answer = stage.arrived(who).do("stage.join")
    assert (answer["kind"], answer["reason"]) == ("refused", "no_stage")
    assert answer["text"]


@pytest.mark.usefixtures("meeting")
@pytest.mark.parametrize("who", ["moderator", "speaker", "viewer", "learner"])
def test_closed_doors_close_the_way(stage: Stage, who: str) -> None:
    page = stage.arrived(who)
    stage.change(doors="closed", doors_changed_at=timezone.now())
    answer = page.do("stage.join")
    assert (answer["kind"], answer["reason"]) == ("refused", "closed")
    assert stage.arrived("host").do("stage.join")["kind"] == "done"


@pytest.mark.usefixtures("meeting")
def test_before_the_doors_only_a_host_makes_ready(stage: Stage) -> None:
    stage.change(starts_at=timezone.now() + timedelta(hours=1))
    assert stage.arrived("speaker").do("stage.join")["reason"] == "waiting"
    assert stage.arrived("host").do("stage.join")["kind"] == "done"


@pytest.mark.usefixtures("jitsi")
def test_a_promotion_renews_the_page_and_is_in_the_next_token(stage: Stage) -> None:
    host, viewer = stage.arrived("host"), stage.arrived("viewer")
    assert not is_moderator(viewer)
    host.do("people.role", id=str(stage.viewer.pk), role="moderator")
    assert viewer.hears("standing")["version"]
    assert is_moderator(viewer)
    host.do("people.role", id=str(stage.viewer.pk), role="speaker")
    assert not is_moderator(viewer)


@pytest.mark.usefixtures("jitsi")
@pytest.mark.parametrize("change", [{"removed_at": timezone.now()}, {"granted_role": ""}])
def test_whoever_was_removed_or_withdrawn_is_given_none_and_shown_out(
    stage: Stage, change: dict[str, object]
) -> None:
    viewer = stage.arrived("viewer")
    Participant.objects.filter(pk=stage.viewer.pk).update(**change)
    assert viewer.do("stage.join")["reason"] == "removed"
    assert viewer.hears("farewell")


@pytest.mark.usefixtures("jitsi")
def test_a_host_removes_somebody_from_room_and_stage(stage: Stage) -> None:
    host, speaker = stage.arrived("host"), stage.arrived("speaker")
    host.do("people.remove", id=str(stage.speaker.pk))
    assert speaker.hears("farewell")["reason"] == "removed"


@pytest.mark.usefixtures("jitsi")
def test_an_ended_token_can_be_renewed_while_one_is_inside(stage: Stage) -> None:
    page = stage.arrived("viewer")
    for _time in range(2):
        asked_at = timezone.now().timestamp()
        way = page.do("stage.join")["result"]
        assert way["expires_in"] == 300
        claims = jwt.decode(way["token"], SECRET, ["HS256"], audience="jitsi", issuer="foyer")
        assert asked_at - 1 <= claims["exp"] - way["expires_in"] <= timezone.now().timestamp()


@pytest.mark.usefixtures("jitsi")
def test_who_moderates_hears_by_which_name_the_meeting_knows_a_speaker(stage: Stage) -> None:
    speaker, others = stage.arrived("speaker"), [stage.arrived("viewer"), stage.arrived("speaker")]
    moderating = [stage.arrived("host"), stage.arrived("moderator")]
    assert speaker.do("stage.known_as", name="a1b2c3d4")["result"] == {}
    for page in moderating:
        assert page.hears_change("stage")["change"] == {"known_as": "a1b2c3d4"}
    for page in others:
        page.hears_nothing_of("changed")
        assert "a1b2c3d4" not in str(page.heard)


@pytest.mark.usefixtures("jitsi")
def test_a_name_in_the_meeting_is_a_name_and_nothing_else(stage: Stage) -> None:
    speaker, host = stage.arrived("speaker"), stage.arrived("host")
    for name in ("", "a b", "<b>", "x" * 65):
        assert speaker.do("stage.known_as", name=name)["reason"] == "bad_name"
    stage.change(doors="closed", doors_changed_at=timezone.now())
    assert speaker.do("stage.known_as", name="a1b2c3d4")["reason"] == "closed"
    host.hears_nothing_of("changed")
    assert "known_as" not in str(host.heard)


def test_choosing_reaches_open_pages(stage: Stage) -> None:
    viewer = stage.arrived("viewer")
    choose(stage, StageChoice("meeting", PARTICIPANTS))
    assert viewer.hears("standing")["version"]
    assert StageRow.objects.get().engine == "meeting"
    choose(stage, StageChoice("meeting", PARTICIPANTS))  # as it was: nobody is told
    assert viewer.hears_nothing_of("standing")


def test_muted_in_the_chat_is_not_shut_out_of_the_meeting(stage: Stage) -> None:
    choose(stage, StageChoice("meeting", PARTICIPANTS))
    viewer = stage.arrived("viewer")
    stage.arrived("host").do("people.mute", id=str(stage.viewer.pk), is_muted=True)
    assert viewer.do("stage.join")["kind"] == "done"


def test_a_stage_needs_no_chat(stage: Stage) -> None:
    choose(stage, StageChoice("meeting", PARTICIPANTS))
    stage.change(has_chat=False)
    assert stage.arrived("learner").do("stage.join")["kind"] == "done"
