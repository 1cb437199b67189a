"""The team's own channel: unseen, unheard and unwritten by everybody else (design §8)."""

import pytest

from rooms.models import ChatMessage
from tests.rooms.stage import Stage, stage
from tests.servers import tool_inside

__all__ = ["stage", "tool_inside"]

pytestmark = pytest.mark.django_db(transaction=True)

TEAM = ("host", "moderator", "speaker")


@pytest.mark.parametrize("who", TEAM)
def test_the_team_reads_what_one_of_them_says(stage: Stage, who: str) -> None:
    pages = [stage.arrived(name) for name in TEAM]
    author = stage.arrived(who)
    assert author.do("backchannel.say", text="Two minutes left")["result"]["sequence"] == 1
    for page in pages:
        heard = page.hears_change("backchannel")
        assert (heard["audience"], heard["change"]["said"]["text"]) == ("team", "Two minutes left")


@pytest.mark.parametrize("who", ["viewer", "learner"])
def test_others_neither_write_nor_read_it(stage: Stage, who: str) -> None:
    page, host = stage.arrived(who), stage.arrived("host")
    assert page.do("backchannel.say", text="Hello?")["reason"] == "not_your_role"
    host.do("backchannel.say", text="Secret")
    host.post("Public")
    page.hears("message")
    assert "Secret" not in str(page.heard)
    page.say("state")
    state = page.hears("state")["state"]
    assert (state["topics"]["backchannel"], state["team_revision"]) == ({}, 0)
    late = stage.page(pass_secret=stage.viewer_pass[1]).hello()
    assert [each["text"] for each in late["messages"]] == ["Public"]
    assert "Secret" not in str(late)


def test_a_message_sent_twice_is_taken_once(stage: Stage) -> None:
    host = stage.arrived("host")
    answers = [host.do("backchannel.say", client_key="same", text="Once") for _again in range(2)]
    assert answers[0] == answers[1]
    assert ChatMessage.objects.filter(channel="backchannel").count() == 1


def test_somebody_promoted_reads_what_was_said_before(stage: Stage) -> None:
    host, viewer = stage.arrived("host"), stage.arrived("viewer")
    host.do("backchannel.say", text="Before")
    host.do("people.role", id=str(stage.viewer.pk), role="speaker")
    viewer.hears("standing")
    viewer.say("state")
    team = viewer.hears("state")["state"]["topics"]["backchannel"]["team"]
    assert [each["text"] for each in team] == ["Before"]
