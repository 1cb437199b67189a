"""Promoting, muting, removing; hands and reactions: by whom, and felt at once on open pages (design §8)."""

import time

import pytest

from rooms.models import Guest, Participant, Pass
from tests.rooms.stage import Stage, stage
from tests.rooms.talking import Page
from tests.servers import tool_inside

__all__ = ["stage", "tool_inside"]

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 1.0  # seconds; design §8
ROLES = ("host", "moderator", "speaker", "viewer", "learner")


def is_shown_as(page: Page, who: Participant, **expected: object) -> None:
    """Wait until the list of people says so."""
    while True:
        shown = {each["id"]: each for each in page.hears("people")["shown"]}
        if {name: shown.get(str(who.pk), {}).get(name) for name in expected} == expected:
            return


@pytest.mark.parametrize("who", ROLES)
def test_who_may_mute_promote_remove_and_lower(stage: Stage, who: str) -> None:
    page, target = stage.arrived(who), str(stage.viewer.pk if who != "viewer" else stage.speaker.pk)
    answers = {
        "people.lower": page.do("people.lower", id=target),
        "people.mute": page.do("people.mute", id=target, is_muted=True),
        "people.role": page.do("people.role", id=target, role="moderator"),
        "people.remove": page.do("people.remove", id=target),
    }
    done = {verb for verb, answer in answers.items() if answer["kind"] == "done"}
    assert done == {
        "host": set(answers),
        "moderator": {"people.lower", "people.mute"},
        "speaker": {"people.lower"},
    }.get(who, set())


def test_a_promoted_viewer_is_told_at_once_and_may_more(stage: Stage) -> None:
    host, viewer = stage.arrived("host"), stage.arrived("viewer")
    assert viewer.do("chat.slow", seconds=5)["reason"] == "not_your_role"
    host.do("people.role", id=str(stage.viewer.pk), role="moderator")
    viewer.hears("standing", within=AT_ONCE)
    assert viewer.do("chat.slow", seconds=5)["kind"] == "done"
    host.do("people.role", id=str(stage.viewer.pk), role="viewer")
    viewer.hears("standing", within=AT_ONCE)
    assert viewer.do("chat.slow", seconds=0)["reason"] == "not_your_role"


def test_a_learner_is_promoted_and_stays_so_until_demoted(stage: Stage) -> None:
    host, learner = stage.arrived("host"), stage.as_learner()
    me = learner.hello()["me"]
    host.do("people.role", id=me, role="speaker")
    learner.hears("standing", within=AT_ONCE)
    host.do("people.role", id=me, role="viewer")
    learner.hears("standing", within=AT_ONCE)
    assert Participant.objects.get(pk=me).host_role == ""


def test_whoever_is_removed_is_out_at_once_and_stays_out(stage: Stage) -> None:
    host, viewer = stage.arrived("host"), stage.arrived("viewer")
    host.do("people.remove", id=str(stage.viewer.pk))
    assert viewer.hears("farewell", within=AT_ONCE)["reason"] == "removed"
    assert viewer.is_closed() == 4403
    assert Pass.objects.get(pk=stage.viewer_pass[0].pk).ended_at is not None


def test_the_muted_are_heard_no_more_until_somebody_lets_them(stage: Stage) -> None:
    host, viewer = stage.arrived("host"), stage.arrived("viewer")
    host.do("people.mute", id=str(stage.viewer.pk), is_muted=True)
    assert viewer.post("Hello?")["reason"] == "muted"
    is_shown_as(host, stage.viewer, is_muted=True)
    host.do("people.mute", id=str(stage.viewer.pk), is_muted=False)
    assert viewer.post("Hello!", client_key="2")["kind"] == "ack"


def test_somebody_is_found_by_name_and_only_whoever_asked_is_told(stage: Stage) -> None:
    host, speaker, viewer = stage.arrived("host"), stage.arrived("speaker"), stage.arrived("viewer")
    is_shown_as(host, stage.viewer, is_muted=False)
    guest = Guest.objects.get(participations=stage.viewer)
    guest.first_name = "Luis"
    guest.save()
    (found,) = speaker.do("people.find", name="luis")["result"]["shown"]
    assert found == {
        "id": str(stage.viewer.pk),
        "name": "Luis Guest",
        "role": "viewer",
        "is_guest": True,
        "is_proven": False,
        "is_muted": False,
        "hand_raised_at": "",
    }
    assert host.do("people.mute", id=found["id"], is_muted=True)["kind"] == "done"
    assert host.do("people.find", name="LUIS gu")["result"]["shown"][0]["is_muted"] is True
    assert viewer.do("people.find", name="luis")["reason"] == "not_your_role"
    assert not [each for each in viewer.heard if each["kind"] == "done"]


def test_hosts_and_oneself_are_left_alone(stage: Stage) -> None:
    host, moderator = stage.as_host(), stage.arrived("moderator")
    me = host.hello()["me"]
    assert moderator.do("people.mute", id=me, is_muted=True)["reason"] == "host"
    assert host.do("people.remove", id=me)["reason"] == "yourself"
    assert host.do("people.role", id=str(stage.viewer.pk), role="host")["reason"] == "host"
    assert host.do("people.role", id=str(stage.viewer.pk), role="king")["reason"] == "bad_role"
    assert host.do("people.remove", id="nobody")["reason"] == "missing"


def test_hands_are_seen_and_taken_down(stage: Stage) -> None:
    viewer, speaker = stage.arrived("viewer"), stage.arrived("speaker")
    viewer.do("people.hand", is_raised=True)
    stage.viewer.refresh_from_db()
    raised_at = stage.viewer.hand_raised_at
    assert raised_at is not None
    is_shown_as(speaker, stage.viewer, hand_raised_at=raised_at.isoformat())
    speaker.do("people.lower", id=str(stage.viewer.pk))
    is_shown_as(viewer, stage.viewer, hand_raised_at="")


def test_ones_own_hand_is_told_on_every_page_of_ones_own(stage: Stage) -> None:
    viewer, speaker = stage.arrived("viewer"), stage.arrived("speaker")
    other = stage.as_viewer()
    assert other.hello()["state"]["topics"]["hand"] == {"own": {"is_raised": False}}
    viewer.do("people.hand", is_raised=True)
    assert other.hears_change("hand")["change"] == {"is_raised": True}
    assert stage.as_viewer().hello()["state"]["topics"]["hand"] == {"own": {"is_raised": True}}
    speaker.do("people.lower", id=str(stage.viewer.pk))
    assert other.hears_change("hand")["change"] == {"is_raised": False}
    assert not [each for each in speaker.heard if each.get("topic") == "hand"]


def test_a_hand_that_goes_up_and_down_has_to_rest(stage: Stage) -> None:
    viewer, speaker = stage.arrived("viewer"), stage.arrived("speaker")
    answers = [viewer.do("people.hand", is_raised=at % 2 == 0) for at in range(11)]
    assert [each["kind"] for each in answers] == ["done"] * 10 + ["refused"]
    assert (answers[-1]["reason"], answers[-1]["retry_after"]) == ("throttled", 10)
    assert answers[-1]["text"].startswith("Too many tries in a short time.")
    assert speaker.do("people.hand", is_raised=True)["kind"] == "done"


def test_a_crowds_reactions_are_told_in_sums(stage: Stage) -> None:
    pages = [stage.arrived(who) for who in ROLES]
    began = time.monotonic()
    for page in pages:
        for _again in range(3):
            assert page.do("people.react", reaction="applause")["kind"] == "done"
    took = time.monotonic() - began
    heard = [pages[0].hears_change("reactions")["change"]["applause"]]
    while sum(heard) < 15:
        heard.append(pages[0].hears_change("reactions")["change"]["applause"])
    assert sum(heard) == 15
    assert len(heard) <= took / 0.5 + 2
    assert pages[1].do("people.react", reaction="<b>")["reason"] == "bad_reaction"
    answers = [pages[1].do("people.react", reaction="heart") for _again in range(10)]
    assert answers[-1]["reason"] == "throttled"
