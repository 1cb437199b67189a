"""Announcements over real sockets: by whom, to whom, and what happens to those who were away (design §8)."""

from typing import Any

import pytest
from django.test import Client

from rooms.models import Announcement
from tests.rooms.stage import Stage, stage
from tests.servers import tool_inside

__all__ = ["stage", "tool_inside"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("who", ["host", "moderator"])
def test_an_announcement_reaches_everybody_and_goes_again(stage: Stage, who: str) -> None:
    everybody = [stage.arrived(name) for name in ("learner", "speaker", "viewer")]
    author = stage.arrived(who)

    made = author.do("announcements.make", text="Break until three o’clock.")
    assert made["kind"] == "done"
    for page in everybody:
        heard = page.hears_change("announcements")
        assert heard["change"]["made"]["text"] == "Break until three o’clock."
        assert (heard["revision"], heard["audience"]) == (1, "everybody")

    assert author.do("announcements.end", id=made["result"]["id"])["kind"] == "done"
    for page in everybody:
        assert page.hears_change("announcements")["change"] == {"ended": made["result"]["id"]}


@pytest.mark.parametrize("who", ["learner", "speaker", "viewer"])
def test_others_announce_nothing(stage: Stage, who: str) -> None:
    answer = stage.arrived(who).do("announcements.make", text="Hello")
    assert (answer["kind"], answer["reason"]) == ("refused", "not_your_role")
    assert answer["text"]
    assert not Announcement.objects.exists()


def test_who_comes_later_or_missed_one_has_the_whole_state(stage: Stage) -> None:
    host, guest = stage.arrived("host"), stage.arrived("viewer")
    host.do("announcements.make", text="One")
    guest.hears_change("announcements")

    late = stage.as_speaker().hello()["state"]
    assert late["revision"] == 1
    assert [each["text"] for each in late["topics"]["announcements"]["shared"]] == ["One"]
    guest.say("state")
    assert guest.hears("state")["state"]["topics"]["announcements"] == late["topics"]["announcements"]


def test_a_wish_sent_twice_is_done_once(stage: Stage) -> None:
    host = stage.arrived("host")
    first = host.do("announcements.make", client_key="same", text="Once")
    assert host.do("announcements.make", client_key="same", text="Once") == first
    assert Announcement.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"text": "  \u202e "}, "empty"),
        ({"text": "x" * 501}, "too_long"),
        ({"text": 7}, "bad_text"),
    ],
)
def test_bad_texts_are_refused_in_words(stage: Stage, values: dict[str, Any], reason: str) -> None:
    answer = stage.arrived("host").do("announcements.make", **values)
    assert (answer["kind"], answer["reason"]) == ("refused", reason)
    assert answer["text"]


def test_a_verb_that_there_is_not_is_refused(stage: Stage) -> None:
    assert stage.arrived("host").do("announcements.shout", text="x")["reason"] == "missing"


def test_a_page_without_a_socket_does_the_same(stage: Stage) -> None:
    tab, secret = stage.host_tab
    client = Client(headers={"cookie": f"foyer-tab={secret}"})
    address = f"/~{tab.handle}/media/{stage.entry.pk}/act/announcements.make/"
    guest = stage.arrived("viewer")

    plain = client.post(address, {"text": "By hand"})
    assert plain.status_code == 303
    assert plain["Location"].endswith("#announcements")
    assert guest.hears_change("announcements")["change"]["made"]["text"] == "By hand"
    script = client.post(address, {"text": ""}, headers={"accept": "application/json"})
    assert (script.status_code, script.json()["reason"]) == (400, "empty")
