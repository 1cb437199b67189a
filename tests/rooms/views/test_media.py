"""The media page and its answers: each state, each reader (design §7, §8)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from icalendar import Calendar, Event
from pytest_django import DjangoAssertNumQueries

from lti_tool.models import Tab
from lti_tool.roles import ApplicationRole, Right
from rooms.access import Sight, sight_of, viewer_by_pass, viewer_by_tab
from rooms.models import ChatMessage, Entry, Participant, Pass, Question
from rooms.policy.roles import INVITABLE
from rooms.services.chat import post_message
from tests.factories.campus import Campus
from tests.factories.lti import make_course, make_member, make_person, make_tab, make_tenant
from tests.factories.rooms import make_entry, make_guest, make_participant, make_pass, make_placed_entry

pytestmark = pytest.mark.django_db

NOW = timezone.now()
COUNTDOWN = "data-countdown "
ROOM = 'class="room"'
BADGES = ("data-member", "data-guest", "data-proven", "data-unproven")


@dataclass
class Scene:
    """An entry, its host, a learner and a guest, each with a browser of their own."""

    entry: Entry
    host: Client
    host_tab: Tab
    learner: Client
    learner_tab: Tab
    guest: Client
    participant: Participant
    held: Pass

    def at(self, who: Client, path: str = "") -> str:
        tab = {id(self.host): self.host_tab, id(self.learner): self.learner_tab}.get(id(who))
        prefix = f"/~{tab.handle}" if tab else ""
        return f"{prefix}/media/{self.entry.pk}/{path}"

    def see(self, who: Client, path: str = "", **headers: str) -> str:
        answer = who.get(self.at(who, path), headers=headers)
        assert answer.status_code == 200
        return answer.content.decode()

    def readers(self) -> dict[str, Client]:
        return {"host": self.host, "learner": self.learner, "guest": self.guest}

    def change(self, **values: object) -> None:
        Entry.objects.filter(pk=self.entry.pk).update(**values)


def tab_client(secret: str) -> Client:
    client = Client()
    client.cookies["foyer-tab"] = secret
    return client


@pytest.fixture
def scene() -> Scene:
    course = make_course(make_tenant(), title="GEO 214 Glaciology")
    entry, placement = make_placed_entry(
        course, title="Reading <the> ice", description="Forty years of cores", time_zone="Europe/Oslo"
    )
    host_tab, host_secret = make_tab(
        make_member(course, person=make_person(course.tenant, name="Zoe Host")), placement
    )
    learner = make_member(course, right=Right.NONE, application_role=ApplicationRole.VIEWER)
    learner_tab, learner_secret = make_tab(learner, placement)
    participant = make_participant(
        entry, guest=make_guest(course.tenant), role="speaker", granted_until=NOW + timedelta(days=1)
    )
    held, secret = make_pass(participant)
    guest = Client()
    guest.cookies["foyer-pass"] = secret
    return Scene(
        entry,
        tab_client(host_secret),
        host_tab,
        tab_client(learner_secret),
        learner_tab,
        guest,
        participant,
        held,
    )


def soon() -> dict[str, datetime]:
    return {"starts_at": NOW + timedelta(hours=1), "ends_at": NOW + timedelta(hours=2)}


# --- States


def test_before_the_doors_others_count_down_and_a_host_is_inside(scene: Scene) -> None:
    scene.change(**soon())
    for who in (scene.learner, scene.guest):
        page = scene.see(who)
        assert COUNTDOWN in page
        assert ROOM not in page
        assert "Reading &lt;the&gt; ice" in page
        assert "Forty years of cores" in page
        assert "Ana Guest" in page  # who speaks
        assert "in Europe/Oslo" in page
        assert 'http-equiv="refresh"' in page
    page = scene.see(scene.host)
    assert ROOM in page
    assert "Others see the countdown until" in page
    assert "Open the doors now" in page
    assert "GEO 214 Glaciology" in page


SPEAKERS_LINE = "Speakers are let in fifteen minutes before the start."


def test_an_early_speaker_reads_when_speakers_are_let_in(scene: Scene) -> None:
    scene.change(**soon())
    assert SPEAKERS_LINE in scene.see(scene.guest)
    assert SPEAKERS_LINE not in scene.see(scene.learner)
    host = scene.see(scene.host)
    assert "Only hosts are inside." in host
    assert SPEAKERS_LINE in host


def test_shortly_before_the_start_speakers_are_inside_with_the_hosts(scene: Scene) -> None:
    scene.change(starts_at=NOW + timedelta(minutes=10), ends_at=NOW + timedelta(hours=2))
    learner = scene.see(scene.learner)
    assert COUNTDOWN in learner
    assert ROOM not in learner
    for who in (scene.guest, scene.host):
        page = scene.see(who)
        assert ROOM in page
        assert "Only hosts and speakers are inside." in page
        assert "Hosts and speakers</h3>" in page
        assert "The doors are not open yet." in page
        assert "Doors open" not in page
        assert SPEAKERS_LINE not in page
    answer = scene.guest.get(scene.at(scene.guest, "look/")).json()
    assert answer["stance"] == "inside"
    assert scene.guest.get(scene.at(scene.guest, "ahead/")).status_code == 404


def test_nothing_changes_for_those_who_wait_when_speakers_are_let_in(scene: Scene) -> None:
    scene.change(**soon())

    def version(who: Client) -> str:
        found: str = who.get(scene.at(who, "look/")).json()["version"]
        return found

    before = {who: version(who) for who in (scene.learner, scene.host)}
    sight = sight_at(scene, NOW + timedelta(minutes=50))
    assert sight(scene.learner_tab).version == before[scene.learner]
    assert sight(scene.host_tab).version != before[scene.host]


def sight_at(scene: Scene, now: datetime) -> Callable[[Tab], Sight]:
    entry = Entry.objects.get(pk=scene.entry.pk)

    def see(tab: Tab) -> Sight:
        viewer = viewer_by_tab(entry, tab)
        assert viewer is not None
        return sight_of(entry, viewer, now=now)

    return see


def test_with_the_doors_open_everybody_is_inside(scene: Scene) -> None:
    for who in (scene.learner, scene.guest, scene.host):
        page = scene.see(who)
        assert ROOM in page
        assert 'http-equiv="refresh"' not in page
    assert "Close the doors" in scene.see(scene.host)
    assert "Close the doors" not in scene.see(scene.learner)
    assert "Audio and video are not set up" in scene.see(scene.host)
    assert "Audio and video are not set up" not in scene.see(scene.guest)


def test_closed_doors(scene: Scene) -> None:
    scene.change(doors="closed", doors_changed_at=NOW)
    assert "A host has closed the doors for now" in scene.see(scene.learner)
    assert "Others read that the doors are closed" in scene.see(scene.host)


def test_after_the_end_a_host_may_open_again(scene: Scene) -> None:
    scene.change(**soon(), doors="ended", doors_changed_at=NOW)
    assert "Thank you for coming" in scene.see(scene.learner)
    assert "Open the doors again" in scene.see(scene.host)


def test_after_the_scheduled_end_it_needs_a_new_one(scene: Scene) -> None:
    scene.change(starts_at=NOW - timedelta(hours=5), ends_at=NOW - timedelta(hours=4))
    page = scene.see(scene.host)
    assert "Give it a new end" in page


def test_no_chat_where_it_is_off(scene: Scene) -> None:
    scene.change(has_chat=False)
    assert "Write a message" not in scene.see(scene.host)


def test_scripts_get_the_part_and_everybody_else_the_page(scene: Scene) -> None:
    part = scene.see(scene.guest, **{"HX-Request": "true"})
    assert part.lstrip().startswith("<div")
    assert "<html" not in part
    assert "<html" in scene.see(scene.guest)


# --- Who may not


def test_knowing_the_address_shows_nothing(scene: Scene) -> None:
    answer = Client().get(scene.at(scene.guest))
    assert answer.status_code == 404
    assert "There is no session for you at this address." in answer.content.decode()


def test_the_pass_of_another_entry_shows_nothing(scene: Scene) -> None:
    other = make_entry(scene.entry.tenant)
    assert scene.guest.get(f"/media/{other.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("withdrawn", "Your invitation to this session was withdrawn."),
        ("removed", "A host has removed you from this session."),
        ("pass", "Your way in with this device has ended."),
        ("ended", "This session is over, and so is your invitation to it."),
        ("deleted", "This room was removed by the people who ran it."),
    ],
)
def test_who_was_let_in_once_reads_why_it_is_over(scene: Scene, change: str, text: str) -> None:
    if change == "withdrawn":
        Participant.objects.update(granted_role="")
    elif change == "removed":
        Participant.objects.update(removed_at=NOW)
    elif change == "pass":
        Pass.objects.update(ended_at=NOW)
    elif change == "ended":
        scene.change(doors="ended", doors_changed_at=NOW)
    else:
        scene.change(deleted_at=NOW)
    answer = scene.guest.get(scene.at(scene.guest))
    assert answer.status_code == 410
    assert text in answer.content.decode()


# --- Doors


@pytest.mark.parametrize(
    ("path", "doors"), [("doors/open/", "open"), ("doors/close/", "schedule"), ("end/", "ended")]
)
def test_a_host_moves_the_doors_and_nobody_else(scene: Scene, path: str, doors: str) -> None:
    scene.change(**soon())
    assert scene.learner.post(scene.at(scene.learner, path)).status_code == 403
    for role in INVITABLE:
        Participant.objects.filter(guest__isnull=False).update(granted_role=role)
        assert scene.guest.post(scene.at(scene.guest, path)).status_code == 403, role
    scene.entry.refresh_from_db()
    assert scene.entry.doors == "schedule"
    answer = scene.host.post(scene.at(scene.host, path))
    assert (answer.status_code, answer["Location"]) == (303, scene.at(scene.host))
    scene.entry.refresh_from_db()
    assert scene.entry.doors == doors


def test_looking_at_an_address_that_moves_the_doors_moves_nothing(scene: Scene) -> None:
    assert scene.host.get(scene.at(scene.host, "doors/open/")).status_code == 405
    assert "End this session?" in scene.see(scene.host, "end/")
    assert scene.learner.get(scene.at(scene.learner, "end/")).status_code == 403
    scene.entry.refresh_from_db()
    assert scene.entry.doors == "schedule"


def test_doors_need_a_form_of_ours(scene: Scene) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies["foyer-tab"] = scene.host.cookies["foyer-tab"].value
    assert strict.post(scene.at(scene.host, "doors/open/")).status_code == 403


# --- Chat without a socket


def test_a_message_by_plain_form(scene: Scene) -> None:
    answer = scene.guest.post(scene.at(scene.guest, "chat/"), {"text": "Hello <b>all</b>"})
    assert (answer.status_code, answer["Location"]) == (303, f"{scene.at(scene.guest)}#chat-end")
    page = scene.see(scene.learner)
    assert "Hello &lt;b&gt;all&lt;/b&gt;" in page
    assert "Ana Guest" in page


def test_a_message_by_script_without_a_socket(scene: Scene) -> None:
    address = scene.at(scene.guest, "chat/")
    as_json = {"Accept": "application/json"}
    answer = scene.guest.post(address, {"text": "Hello", "client_key": "k"}, headers=as_json)
    assert (answer.json()["kind"], answer.json()["sequence"]) == ("ack", 1)
    answer = scene.guest.post(address, {"text": " ", "client_key": "k2"}, headers=as_json)
    assert (answer.status_code, answer.json()["reason"]) == (400, "empty")


@pytest.mark.parametrize("odd", ["²", "-1", "x", "9" * 40])
def test_numbers_that_are_none_are_passed_over(scene: Scene, odd: str) -> None:
    for query in (f"?since={odd}", f"?before={odd}"):
        assert scene.guest.get(scene.at(scene.guest, f"look/{query}")).status_code == 200
    answer = scene.guest.post(scene.at(scene.guest, "chat/"), {"text": "Hello", "reply_to": odd})
    assert answer.status_code == 303


@pytest.mark.parametrize("key", ["a\x00b", "k" * 65, ""])
def test_a_key_that_cannot_be_kept_is_none(scene: Scene, key: str) -> None:
    for number in (1, 2):
        answer = scene.guest.post(
            scene.at(scene.guest, "chat/"),
            {"text": "Hello", "client_key": key},
            headers={"accept": "application/json"},
        )
        assert (answer.json()["sequence"], answer.json()["client_key"]) == (number, "")


def test_a_message_before_the_doors_is_refused(scene: Scene) -> None:
    scene.change(**soon())
    assert scene.guest.post(scene.at(scene.guest, "chat/"), {"text": "Hello"}).status_code == 403
    assert not ChatMessage.objects.exists()


def test_what_a_page_without_a_socket_asks_for(scene: Scene) -> None:
    for text in ("one", "two", "three"):
        scene.host.post(scene.at(scene.host, "chat/"), {"text": text})

    def texts(query: str) -> list[str]:
        answer: dict[str, Any] = scene.guest.get(scene.at(scene.guest, f"look/{query}")).json()
        return [each["text"] for each in answer["messages"]]

    assert texts("") == texts("?since=no") == ["one", "two", "three"]
    assert texts("?since=2") == ["three"]
    assert texts("?before=2") == ["one"]
    scene.change(**soon())
    assert texts("") == texts("?before=3") == []
    assert scene.guest.get(scene.at(scene.guest, "look/")).json()["stance"] == "waiting"


def test_own_messages_are_marked_as_sent_and_nobody_elses(scene: Scene) -> None:
    for text in ("one", "two"):
        scene.guest.post(scene.at(scene.guest, "chat/"), {"text": text})
    shown = {name: scene.see(who).count("data-sent") for name, who in scene.readers().items()}
    assert shown == {"guest": 2 + 1, "host": 1, "learner": 1}  # the one is in the pattern for scripts


def test_the_team_reads_how_many_want_a_question_answered_before_it_is_public(scene: Scene) -> None:
    asked = Question.objects.create(
        entry=scene.entry, asker=scene.participant, text="Why is ice blue?", asked_at=NOW, votes=7
    )
    told = '<span class="visually-hidden">Votes</span> <span data-votes>7</span>'
    shown = {name: scene.see(who).count(told) for name, who in scene.readers().items()}
    assert shown == {"guest": 1, "host": 1, "learner": 0}  # the guest is a speaker
    Question.objects.filter(pk=asked.pk).update(published_at=NOW)
    assert told in scene.see(scene.host)


def test_coming_counts_as_being_here(scene: Scene) -> None:
    scene.see(scene.learner)
    scene.see(scene.guest)
    people = scene.host.get(scene.at(scene.host, "look/")).json()["people"]
    assert people["total"] == 3  # who asks is here as well
    assert {each["name"] for each in people["shown"]} >= {"Ana Guest", "Zoe Host"}


def test_pages_without_a_socket_are_told_how_to_spread_their_reloads(scene: Scene) -> None:
    for number in range(10):
        guest = make_guest(scene.entry.tenant, f"{number}@example.org")
        make_participant(scene.entry, guest=guest, role="viewer", seen_at=timezone.now())

    def look(who: Client) -> dict[str, Any]:
        found: dict[str, Any] = who.get(scene.at(who, "look/")).json()
        return found

    inside = look(scene.learner)
    assert (inside["people"]["total"], inside["spread"]) == (11, 22)
    assert look(scene.guest)["spread"] == 24
    assert look(scene.host)["spread"] == 0
    scene.change(starts_at=NOW + timedelta(minutes=10), ends_at=NOW + timedelta(hours=2))
    waiting = look(scene.learner)
    assert (waiting["stance"], waiting["spread"]) == ("waiting", 26)
    early = look(scene.guest)  # a speaker
    assert (early["stance"], early["spread"]) == ("inside", 0)


def test_those_who_wait_are_not_counted_at_each_of_their_questions(scene: Scene) -> None:
    scene.change(**soon())
    counted = []
    for _again in range(3):
        with CaptureQueriesContext(connection) as asked:
            assert scene.guest.get(scene.at(scene.guest, "look/")).json()["spread"] == 2
        counted.append(sum("COUNT(" in each["sql"] for each in asked))
    assert counted == [1, 0, 0]


def rows_of(page: str) -> dict[str, set[str]]:
    """What stands unhidden in each person's row, by name."""
    listed = page.partition("data-person-pattern")[0]
    rows = re.findall(r'<li class="list__row" data-person="[^"]+">.*?</li>', listed, re.DOTALL)
    shown = [re.sub(r"<p [^>]* hidden>.*?</p>", "", row) for row in rows]
    badges = r"<(?:p|span)(?: class=\"list__meta\")? (data-\w+)>"
    return {re.findall("data-name>(.*?)<", row)[0]: set(re.findall(badges, row)) for row in shown}


def test_each_is_listed_as_who_they_are(scene: Scene) -> None:
    scene.see(scene.learner)
    for email, is_proven in (("zoe@example.org", True), ("yan@example.org", False)):
        guest = make_guest(scene.entry.tenant, email, first_name=email[:3].title())
        make_participant(scene.entry, guest=guest, seen_at=timezone.now(), is_mailbox_proven=is_proven)
    page = scene.see(scene.host)
    for words in ("Course member", "Guest, mailbox proven", "Guest"):
        assert f">{words}<" in page
    learner = scene.learner_tab.person.shown_name
    as_listed = {name: found & set(BADGES) for name, found in rows_of(page).items()}
    assert {
        learner: {"data-member"},
        "Zoe Guest": {"data-guest", "data-proven"},
        "Yan Guest": {"data-guest", "data-unproven"},
    }.items() <= as_listed.items()
    shown = scene.host.get(scene.at(scene.host, "look/")).json()["people"]["shown"]
    told = {each["name"]: (each["is_guest"], each["is_proven"]) for each in shown}
    assert {
        learner: (False, False),
        "Zoe Guest": (True, True),
        "Yan Guest": (True, False),
    }.items() <= told.items()


INVITE = re.compile(r'<p class="people__invite"><a[^>]* href="([^"]+)" data-dialog>')


@pytest.mark.parametrize(
    ("right", "role", "may"),
    [
        (Right.OWNER, ApplicationRole.ADMIN, True),
        (Right.CO_EDITOR, ApplicationRole.PRIVATE_ONLY, True),
        (Right.OWNER, ApplicationRole.VIEWER, False),
        (Right.NONE, ApplicationRole.ADMIN, False),
    ],
)
def test_the_panel_of_the_people_invites_for_whoever_may(
    campus: Campus, right: Right, role: ApplicationRole, may: bool
) -> None:
    browser = campus.launch(right, role)
    page = browser.get(campus.page()).text
    assert 'id="people"' in page
    found = INVITE.search(page)
    assert bool(found) == may
    if found is not None:
        assert browser.client.get(found[1]).status_code == 200


def test_the_panel_of_the_people_invites_for_no_guest(scene: Scene) -> None:
    page = scene.see(scene.guest)
    assert 'id="people"' in page
    assert INVITE.search(page) is None
    assert INVITE.search(scene.see(scene.host))


def test_only_the_team_searches_beyond_the_list(scene: Scene) -> None:
    assert "data-people-find" in scene.see(scene.host)
    assert "data-people-find" in scene.see(scene.guest)  # speaks
    page = scene.see(scene.learner)
    assert "data-people-search" in page
    assert "data-people-find" not in page


# --- Calendar


def test_the_session_for_the_guests_calendar(scene: Scene) -> None:
    times = soon()
    scene.change(**times)
    answer = scene.guest.get(scene.at(scene.guest, "calendar.ics"))
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert isinstance(event, Event)
    assert event.uid == f"{scene.entry.pk}@127.0.0.1"
    assert event.summary == "Reading <the> ice"
    assert event.start == times["starts_at"].replace(microsecond=0)
    assert event.end == times["ends_at"].replace(microsecond=0)
    assert str(event.url).endswith(f"/media/{scene.entry.pk}/")


def test_the_calendar_of_somebody_from_the_course_names_no_tab(scene: Scene) -> None:
    scene.change(**soon())
    body = scene.learner.get(scene.at(scene.learner, "calendar.ics")).content.decode()
    assert scene.learner_tab.handle not in body
    assert "Open it again from your course." in body


def test_no_calendar_without_a_start(scene: Scene) -> None:
    assert scene.guest.get(scene.at(scene.guest, "calendar.ics")).status_code == 404


# --- Cost


def test_the_page_asks_no_more_for_many_than_for_one(
    scene: Scene, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def fill(count: int) -> None:
        viewer = viewer_by_pass(scene.entry, scene.guest.cookies["foyer-pass"].value)
        assert viewer is not None
        for number in range(count):
            guest = make_guest(scene.entry.tenant, f"{count}-{number}@example.org")
            here = make_participant(scene.entry, guest=guest, role="speaker", seen_at=NOW)
            scene.entry.refresh_from_db()
            post_message(
                scene.entry, by=replace(viewer, participant_id=here.pk), text="Hello", now=timezone.now()
            )

    scene.see(scene.guest)
    fill(1)
    with CaptureQueriesContext(connection) as for_one:
        scene.see(scene.guest)
    fill(3)
    with django_assert_max_num_queries(len(for_one)):
        scene.see(scene.guest)


def test_a_waiting_page_keeps_an_empty_room_ready(client: Client) -> None:
    entry = make_entry(starts_at=timezone.now() + timedelta(hours=1))
    guest = make_participant(
        entry, guest=make_guest(entry.tenant), granted_until=timezone.now() + timedelta(hours=3)
    )
    client.cookies["foyer-pass"] = make_pass(guest)[1]
    page = client.get(f"/media/{entry.pk}/").content.decode()
    assert "data-ahead-place" in page
    assert "data-composer" not in page

    ahead = client.get(f"/media/{entry.pk}/ahead/").content.decode()
    assert ahead.startswith("<template data-ahead>")
    assert "data-composer" in ahead

    type(entry).objects.filter(pk=entry.pk).update(starts_at=None)
    assert client.get(f"/media/{entry.pk}/ahead/").status_code == 404
