"""What becomes of messages, over real sockets: answers, likes, pins, hiding, clearing, slow mode."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from rooms.models import ChatMessage, Entry, Participant
from tests.rooms.stage import Stage, stage
from tests.servers import tool_inside

__all__ = ["stage", "tool_inside"]

pytestmark = pytest.mark.django_db(transaction=True)

ROLES = ("host", "moderator", "speaker", "viewer", "learner")
MODERATING: dict[str, dict[str, Any]] = {
    "chat.pin": {"sequence": 1, "is_pinned": True},
    "chat.hide": {"sequence": 1, "is_hidden": True},
    "chat.clear": {},
    "chat.slow": {"seconds": 15},
}


def said(stage: Stage, text: str = "Hello") -> ChatMessage:
    """A message of the viewer's, put there without a socket."""
    Entry.objects.filter(pk=stage.entry.pk).update(chat_sequence=1)
    return ChatMessage.objects.create(
        entry=stage.entry,
        sequence=1,
        author=stage.viewer,
        author_role="viewer",
        text=text,
        sent_at=timezone.now() - timedelta(minutes=5),
    )


@pytest.mark.parametrize("verb", MODERATING)
@pytest.mark.parametrize("who", ROLES)
def test_who_may_moderate(stage: Stage, verb: str, who: str) -> None:
    said(stage)
    answer = stage.arrived(who).do(verb, **MODERATING[verb])
    if who in {"host", "moderator"}:
        assert answer["kind"] == "done"
    else:
        assert (answer["kind"], answer["reason"]) == ("refused", "not_your_role")


def test_an_answer_names_what_it_answers(stage: Stage) -> None:
    said(stage, "Where is the link?")
    host, guest = stage.arrived("host"), stage.arrived("viewer")
    host.say("post", text="Here: https://example.org/a", client_key="k", reply_to=1)
    heard = guest.hears("message")
    assert heard["reply"] == {"to": 1, "author": stage.viewer.shown_name, "text": "Where is the link?"}


def test_everybody_likes_once_and_totals_are_told(stage: Stage) -> None:
    said(stage)
    pages = [stage.arrived(who) for who in ROLES]
    for page in pages:
        for _again in range(2):
            assert page.do("chat.like", sequence=1, is_liked=True)["kind"] == "done"
    watcher = stage.as_viewer()
    state = watcher.hello()["state"]["topics"]["chat"]
    assert state["shared"]["likes"] == {"1": 5}
    assert state["own"]["liked"] == [1]
    pages[0].do("chat.like", sequence=1, is_liked=False)
    while watcher.hears_change("chat")["change"] != {"likes": {"1": 4}}:
        pass


def test_only_its_author_deletes_a_message_and_its_text_is_gone(stage: Stage) -> None:
    message = said(stage, "Oops")
    author, host = stage.arrived("viewer"), stage.arrived("host")
    refused = host.do("chat.delete", sequence=1)
    assert (refused["kind"], refused["reason"]) == ("refused", "not_yours")
    assert author.do("chat.delete", sequence=1)["kind"] == "done"
    assert host.hears_change("chat")["change"] == {"deleted": 1}
    message.refresh_from_db()
    assert (message.text, message.deleted_at is None) == ("", False)
    assert stage.as_learner().hello()["messages"][0]["end"] == "deleted"


def test_a_hidden_message_is_kept_for_the_report_and_can_be_shown_again(stage: Stage) -> None:
    message = said(stage, "Rude words")
    moderator, learner = stage.arrived("moderator"), stage.arrived("learner")
    moderator.do("chat.hide", sequence=1, is_hidden=True)
    assert learner.hears_change("chat")["change"] == {"hidden": 1}
    late = stage.as_speaker().hello()
    assert (late["messages"][0]["text"], late["messages"][0]["end"]) == ("", "hidden")
    message.refresh_from_db()
    assert (message.text, message.hidden_by) == ("Rude words", stage.moderator)
    moderator.do("chat.hide", sequence=1, is_hidden=False)
    assert learner.hears_change("chat")["change"] == {"shown": {"sequence": 1, "text": "Rude words"}}


def test_pins_stand_above_the_chat_until_they_are_taken_away(stage: Stage) -> None:
    said(stage, "Slides: https://example.org/slides")
    host, learner = stage.arrived("host"), stage.arrived("learner")
    host.do("chat.pin", sequence=1, is_pinned=True)
    pin = learner.hears_change("chat")["change"]["pinned"]
    assert pin["text"] == "Slides: https://example.org/slides"
    assert stage.as_viewer().hello()["state"]["topics"]["chat"]["shared"]["pins"] == [pin]
    host.do("chat.hide", sequence=1, is_hidden=True)
    assert stage.as_viewer().hello()["state"]["topics"]["chat"]["shared"]["pins"] == []
    assert host.do("chat.pin", sequence=1, is_pinned=True)["reason"] == "gone"


def test_a_cleared_chat_is_empty_for_everybody_and_kept_for_the_report(stage: Stage) -> None:
    said(stage, "Before")
    moderator, viewer = stage.arrived("moderator"), stage.arrived("viewer")
    moderator.do("chat.clear")
    assert viewer.hears_change("chat")["change"] == {"cleared": 1}
    assert viewer.post("After")["sequence"] == 2
    late = stage.as_learner().hello()
    assert [(each["sequence"], each["text"]) for each in late["messages"]] == [(1, ""), (2, "After")]
    assert ChatMessage.objects.get(sequence=1).text == "Before"


def test_slow_mode_slows_everybody_but_moderators(stage: Stage) -> None:
    host, viewer = stage.arrived("host"), stage.arrived("viewer")
    host.do("chat.slow", seconds=60)
    assert viewer.hears_change("chat")["change"] == {"slow": 60}
    assert viewer.post("One", client_key="1")["kind"] == "ack"
    refused = viewer.post("Two", client_key="2")
    assert (refused["reason"], refused["retry_after"] <= 60) == ("slow_mode", True)
    assert [host.post(text, client_key=text)["kind"] for text in ("a", "b")] == ["ack", "ack"]
    host.do("chat.slow", seconds=0)
    assert viewer.post("Two", client_key="2")["kind"] == "ack"


def test_the_muted_are_told_so_and_may_still_like(stage: Stage) -> None:
    said(stage)
    page = stage.arrived("viewer")
    Participant.objects.filter(pk=stage.viewer.pk).update(muted_at=timezone.now())
    assert page.post("Hello?")["reason"] == "muted"
    assert page.do("chat.like", sequence=1, is_liked=True)["kind"] == "done"


@pytest.mark.parametrize("values", [{"sequence": 0}, {"sequence": "x"}, {"sequence": True}, {}])
def test_numbers_that_are_none_are_refused(stage: Stage, values: dict[str, Any]) -> None:
    assert stage.arrived("host").do("chat.hide", **values)["reason"] == "bad_sequence"


def test_a_message_of_another_room_is_not_there(stage: Stage) -> None:
    said(stage)
    assert stage.arrived("host").do("chat.hide", sequence=7)["reason"] == "missing"
