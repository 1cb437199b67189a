"""Sockets over a real server: who may open one, what it says, how fast a change is felt (design §8, §10)."""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from urllib.request import urlopen

import pytest
from django.db import transaction
from django.utils import timezone
from websockets.exceptions import InvalidStatus

from invites.services.platforms import recorded
from lti_tool.models import Platform, Tab
from lti_tool.services.registration import switch_registration
from rooms.broadcast import announce
from rooms.consumers import INTRODUCED_WITHIN
from rooms.events import ChatPosted, DoorsChanged, StandingChanged
from rooms.models import ChatMessage, Entry, Participant, Pass, Visit
from rooms.policy.doors import SPEAKERS_BEFORE
from rooms.policy.roles import Role
from rooms.queries import people_in
from rooms.queries.reports import attendance_rows
from rooms.services.admission import change_granted_role, end_passes, withdraw_grant
from rooms.services.doors import close_doors, end_session, open_doors
from tests.factories.lti import make_course, make_member, make_tab, make_tenant
from tests.factories.rooms import make_entry, make_guest, make_participant, make_pass, make_placed_entry
from tests.rooms.stage import Stage, stage
from tests.rooms.talking import Page
from tests.servers import tool_inside

__all__ = ["stage", "tool_inside"]

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 1.0  # seconds; design §8


# --- Who may open one


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://127.0.0.1:9", "null", "", "https://127.0.0.1:8001", "http://127.0.0.1"],
)
def test_a_page_of_another_origin_opens_no_socket(stage: Stage, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        stage.page(tab=stage.host_tab, origin=origin)
    assert refused.value.response.status_code == 403


def test_the_pass_of_another_entry_opens_no_socket(stage: Stage) -> None:
    other = make_entry(stage.course.tenant)
    guest = make_guest(stage.course.tenant, "else@x.example")
    _held, secret = make_pass(make_participant(other, guest=guest))
    with pytest.raises(InvalidStatus) as refused:
        stage.page(pass_secret=secret)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("secret", ["", "guessed"])
def test_knowing_the_address_opens_no_socket(stage: Stage, secret: str) -> None:
    with pytest.raises(InvalidStatus):
        stage.page(pass_secret=secret)


def test_a_tab_without_its_secret_opens_no_socket(stage: Stage) -> None:
    with pytest.raises(InvalidStatus):
        stage.page(tab=(stage.host_tab[0], "guessed"))


def test_a_tab_without_cookies_says_first_who_it_is(stage: Stage) -> None:
    page = stage.page(tab=(stage.host_tab[0], ""))
    page.say("bearer", secret=stage.host_tab[1])
    assert page.hello()["version"] == stage.as_host().hello()["version"]
    assert page.post("Without cookies.")["kind"] == "ack"
    Tab.objects.filter(pk=stage.host_tab[0].pk).update(ended_at=timezone.now())
    assert page.post("Too late.", "later")["kind"] == "refused"  # asked at each message, as everybody


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bearer", {"secret": "guessed"}),
        ("hello", {"since": 0}),
        ("look", {}),
        ("ping", {}),
        ("history", {"after": 0}),
        ("post", {"text": "Let me in.", "client_key": "key"}),
    ],
)
def test_before_that_it_is_told_nothing(stage: Stage, kind: str, values: dict[str, object]) -> None:
    page = stage.page(tab=(stage.host_tab[0], ""))
    page.say(kind, **values)
    assert page.is_closed() == 4403
    assert page.heard == []
    assert not ChatMessage.objects.exists()


def test_the_bearer_of_another_tab_opens_nothing(stage: Stage) -> None:
    page = stage.page(tab=(stage.host_tab[0], ""))
    page.say("bearer", secret=stage.learner_tab[1])
    assert page.is_closed() == 4403


def test_a_socket_that_says_nothing_is_closed(stage: Stage) -> None:
    page = stage.page(tab=(stage.host_tab[0], ""))
    assert page.is_closed(within=INTRODUCED_WITHIN + 5) == 4403


def test_a_bearer_is_said_once(stage: Stage) -> None:
    page = stage.as_learner()
    page.say("bearer", secret=stage.host_tab[1])
    assert page.hello()["version"] == stage.as_learner().hello()["version"]
    said, again = page.post("Still the learner."), stage.as_learner().post("As here.", "another key")
    assert said["author_id"] == again["author_id"]


def test_an_ended_tab_does_not_fall_back_on_a_pass(stage: Stage) -> None:
    Tab.objects.filter(pk=stage.host_tab[0].pk).update(ended_at=timezone.now())
    with pytest.raises(InvalidStatus):
        stage.as_host()


def test_a_person_of_another_tenant_opens_no_socket(stage: Stage) -> None:
    elsewhere = make_course(make_tenant())
    _entry, placement = make_placed_entry(elsewhere)
    with pytest.raises(InvalidStatus):
        stage.page(tab=make_tab(make_member(elsewhere), placement))


def test_there_is_no_socket_at_other_addresses(stage: Stage) -> None:
    with pytest.raises(InvalidStatus):
        stage.pages.enter_context(Page(stage.server, Entry(), pass_secret=stage.viewer_pass[1]))


# --- Talking


def test_two_people_read_each_other(stage: Stage) -> None:
    host, guest = stage.as_host(), stage.as_viewer()
    host.hello()
    me = guest.hello()["me"]

    assert host.post("Welcome!")["sequence"] == 1
    heard = guest.hears("message")
    assert (heard["author"], heard["role"], heard["text"]) == (stage.host.name, "host", "Welcome!")

    guest.post("Thank you <b>all</b> \u202eback", client_key="k2")
    heard = host.hears("message")
    while heard["sequence"] != 2:
        heard = host.hears("message")
    assert (heard["author_id"], heard["is_guest"]) == (me, True)
    assert heard["text"] == "Thank you <b>all</b> back"


def test_the_same_message_sent_twice_is_taken_once(stage: Stage) -> None:
    page = stage.as_viewer()
    page.hello()
    first = page.post("Once", client_key="same")
    again = page.post("Once", client_key="same")
    assert first["sequence"] == again["sequence"] == 1
    assert ChatMessage.objects.count() == 1


def test_what_was_missed_is_replayed_without_holes_or_doubles(stage: Stage) -> None:
    host, guest = stage.as_host(), stage.as_viewer()
    host.hello()
    guest.hello()
    for number in range(1, 4):
        host.post(f"Message {number}", client_key=f"k{number}")
    while guest.hears("message")["sequence"] != 3:
        pass
    guest.close()
    for number in range(4, 9):
        host.post(f"Message {number}", client_key=f"k{number}")

    back = stage.as_viewer().hello(since=3)
    assert [each["sequence"] for each in back["messages"]] == [4, 5, 6, 7, 8]
    assert back["last"] == 8


def test_a_long_absence_is_replayed_page_by_page(stage: Stage) -> None:
    for number in range(1, 251):
        ChatMessage.objects.create(
            entry=stage.entry,
            sequence=number,
            author=stage.speaker,
            author_role="speaker",
            client_key=str(number),
            text=f"Message {number}",
            sent_at=timezone.now(),
        )
    stage.change(chat_sequence=250)
    page = stage.as_viewer()
    answer = page.hello(since=10)
    seen = [each["sequence"] for each in answer["messages"]]
    while seen[-1] < answer["last"]:
        page.say("history", after=seen[-1])
        seen += [each["sequence"] for each in page.hears("history")["messages"]]
    assert seen == list(range(11, 251))

    page.say("history", before=51)
    assert [each["sequence"] for each in page.hears("earlier")["messages"]] == list(range(1, 51))


def test_somebody_new_gets_the_last_messages(stage: Stage) -> None:
    host = stage.as_host()
    host.hello()
    host.post("Welcome!")
    assert [each["text"] for each in stage.as_viewer().hello()["messages"]] == ["Welcome!"]


def test_too_fast_is_refused_politely_and_the_socket_stays(stage: Stage) -> None:
    page = stage.as_viewer()
    page.hello()
    answers = [page.post(f"Quick {number}", client_key=f"k{number}") for number in range(12)]
    refused = [answer for answer in answers if answer["kind"] == "refused"]
    assert {answer["reason"] for answer in refused} == {"too_fast"}
    assert refused[0]["retry_after"] == 10
    assert ChatMessage.objects.count() == 12 - len(refused) == 10
    page.say("ping")
    page.hears("pong")


@pytest.mark.parametrize(
    ("text", "reason"), [(" \n\u200d ", "empty"), ("x" * 2001, "too_long"), ("\u202e\u2066\x00", "empty")]
)
def test_unusable_texts_are_refused(stage: Stage, text: str, reason: str) -> None:
    page = stage.as_viewer()
    page.hello()
    assert page.post(text)["reason"] == reason


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "[]",
        "{",
        '{"kind":"post"}',
        '{"kind":"hello","since":"1"}',
        '{"kind":"post","client_key":"","text":"x"}',
        '{"kind":"post","client_key":"\\u0000","text":"x"}',
        '{"kind":"do","client_key":"\\ud800","verb":"x","values":{}}',
    ],
)
def test_nonsense_closes_the_socket(stage: Stage, frame: str) -> None:
    page = stage.as_viewer()
    page.connection.send(frame)
    assert page.is_closed() == 4400


def test_a_flood_of_frames_closes_the_socket(stage: Stage) -> None:
    page = stage.as_viewer()
    for _ in range(121):
        page.say("ping")
    assert page.is_closed() == 4429


def test_no_chat_where_it_is_off(stage: Stage) -> None:
    stage.change(has_chat=False)
    page = stage.as_host()
    assert page.hello()["messages"] == []
    assert page.post("Hello?")["reason"] == "chat_is_off"


# --- Doors


def soon() -> dict[str, object]:
    now = timezone.now()
    return {"starts_at": now + timedelta(hours=1), "ends_at": now + timedelta(hours=2)}


def test_before_the_doors_only_hosts_are_inside(stage: Stage) -> None:
    stage.change(**soon())
    host, guest = stage.as_host(), stage.as_viewer()
    assert host.hello()["stance"] == "inside"
    host.post("A secret of the hosts")
    answer = guest.hello()
    assert (answer["stance"], answer["messages"], answer["people"]) == ("waiting", [], None)
    assert guest.post("Hello?")["reason"] == "waiting"
    guest.say("history", after=0)
    assert guest.hears("history")["messages"] == []
    assert guest.hears_nothing_of("message", "people")


def test_doors_opened_early_reach_all_who_wait(stage: Stage) -> None:
    stage.change(**soon())
    waiting = [stage.as_learner(), stage.as_speaker(), stage.as_viewer()]
    versions = [page.hello()["version"] for page in waiting]
    with transaction.atomic():
        open_doors(stage.entry, by=stage.host, now=timezone.now())
    began = time.monotonic()
    for page, version in zip(waiting, versions, strict=True):
        standing = page.hears("standing", within=AT_ONCE)
        assert standing["stance"] == "inside"
        assert standing["version"] != version
    assert time.monotonic() - began < AT_ONCE
    assert waiting[0].post("We are in")["kind"] == "ack"


def test_doors_open_by_themselves_at_the_start(stage: Stage) -> None:
    starts_at = timezone.now() + timedelta(seconds=1.5)
    stage.change(starts_at=starts_at)
    page = stage.as_viewer()
    assert page.hello()["stance"] == "waiting"
    assert page.hears("standing", within=4)["stance"] == "inside"
    assert 0 <= (timezone.now() - starts_at).total_seconds() < AT_ONCE


# --- Speakers, shortly before the start


def shortly() -> dict[str, object]:
    now = timezone.now()
    return {"starts_at": now + timedelta(minutes=5), "ends_at": now + timedelta(hours=2)}


def test_a_waiting_speaker_is_let_in_fifteen_minutes_before_and_nobody_else(stage: Stage) -> None:
    let_in_at = timezone.now() + timedelta(seconds=1.5)
    stage.change(starts_at=let_in_at + SPEAKERS_BEFORE)
    others = [stage.arrived(who) for who in ("viewer", "moderator", "learner")]
    host, speaker = stage.as_host(), stage.as_speaker()
    seen_by_host = host.hello()["version"]
    assert speaker.hello()["stance"] == "waiting"
    standing = speaker.hears("standing", within=4)
    assert (standing["stance"], standing["spread"]) == ("inside", 0)
    assert 0 <= (timezone.now() - let_in_at).total_seconds() < AT_ONCE
    assert host.hears("standing")["version"] != seen_by_host  # its notice says another thing now
    for page in others:
        assert page.hears_nothing_of("standing", within=0.3)
        assert page.post("Me, too?", "early")["reason"] == "waiting"


def test_hosts_and_speakers_talk_before_the_doors_open_and_nobody_who_waits_hears_it(stage: Stage) -> None:
    stage.change(**shortly())
    host, speaker = stage.arrived("host"), stage.arrived("speaker")
    waiting = [stage.arrived(who) for who in ("viewer", "moderator", "learner")]
    assert host.post("Can you hear me?")["kind"] == "ack"
    assert speaker.hears("message")["text"] == "Can you hear me?"
    assert speaker.post("Loud and clear.")["role"] == "speaker"
    assert speaker.do("backchannel.say", text="My slides are up.")["kind"] == "done"
    assert host.hears_change("backchannel")
    assert speaker.do("chat.slow", seconds=10)["reason"] == "not_your_role"
    for page in waiting:
        page.say("history", after=0)
        assert page.hears("history")["messages"] == []
        page.say("state")
        assert page.hears("state")["state"] is None
        assert page.hears_nothing_of("message", "changed", "people", "tick", within=0.3)


def test_who_becomes_a_speaker_shortly_before_the_start_is_let_in_and_put_out_at_once(stage: Stage) -> None:
    stage.change(**shortly())
    host, guest = stage.arrived("host"), stage.as_viewer()
    assert guest.hello()["stance"] == "waiting"
    host.do("people.role", id=str(stage.viewer.pk), role="speaker")
    assert guest.hears("standing", within=AT_ONCE)["stance"] == "inside"
    assert guest.post("Am I early?")["role"] == "speaker"
    host.do("people.role", id=str(stage.viewer.pk), role="viewer")
    assert guest.hears("standing", within=AT_ONCE)["stance"] == "waiting"
    host.post("Only among us.", "among us")
    assert guest.post("And now?", "now")["reason"] == "waiting"
    assert guest.hears_nothing_of("message", "people", within=0.3)
    assert list(Visit.objects.filter(participant=stage.viewer, left_at=None)) == []


def test_another_start_moves_the_moment(stage: Stage) -> None:
    stage.change(**shortly())
    speaker = stage.as_speaker()
    assert speaker.hello()["stance"] == "inside"
    stage.change(**soon())
    announce(DoorsChanged(stage.entry.pk))
    assert speaker.hears("standing", within=AT_ONCE)["stance"] == "waiting"
    stage.change(starts_at=timezone.now() + SPEAKERS_BEFORE + timedelta(seconds=1))
    announce(DoorsChanged(stage.entry.pk))
    assert speaker.hears("standing", within=AT_ONCE)["stance"] == "waiting"  # with another countdown
    assert speaker.hears("standing", within=4)["stance"] == "inside"


def test_speakers_are_inside_when_the_doors_that_were_opened_early_close_again(stage: Stage) -> None:
    stage.change(**shortly())
    speaker, guest = stage.arrived("speaker"), stage.as_viewer()
    guest.hello()
    open_doors(stage.entry, by=stage.host, now=timezone.now())
    assert guest.hears("standing", within=AT_ONCE)["stance"] == "inside"
    close_doors(stage.entry, by=stage.host, now=timezone.now())
    assert guest.hears("standing", within=AT_ONCE)["stance"] == "waiting"
    assert speaker.post("Still here.")["kind"] == "ack"


# --- Closed, ended, let in


def test_closed_doors_put_everybody_out_but_the_hosts(stage: Stage) -> None:
    host, guest = stage.as_host(), stage.as_viewer()
    host.hello()
    guest.hello()
    close_doors(stage.entry, by=stage.host, now=timezone.now())
    assert guest.hears("standing", within=AT_ONCE)["stance"] == "closed"
    assert guest.post("Still here?")["reason"] == "closed"
    assert host.post("Alone at last")["kind"] == "ack"
    assert guest.hears_nothing_of("message")


def test_the_end_of_the_session_ends_passes_and_the_chat(stage: Stage) -> None:
    host, learner, guest = stage.as_host(), stage.as_learner(), stage.as_viewer()
    for page in (host, learner, guest):
        page.hello()
    end_session(stage.entry, by=stage.host, now=timezone.now())
    assert learner.hears("standing", within=AT_ONCE)["stance"] == "ended"
    assert learner.post("One more thing")["reason"] == "ended"
    assert guest.hears("farewell", within=AT_ONCE)["reason"] == "session_ended"
    assert guest.is_closed() == 4403


def test_the_room_comes_over_the_socket_when_the_doors_open(stage: Stage) -> None:
    stage.change(starts_at=timezone.now() + timedelta(hours=1))
    host, guest = stage.arrived("host"), stage.arrived("viewer")
    host.post("Before the doors")
    host.do("announcements.make", text="Welcome to all.")
    until(lambda: people_in(stage.entry.pk, now=timezone.now()).total == 2)
    open_doors(stage.entry, by=stage.host, now=timezone.now())
    let_in = guest.hears("standing", within=AT_ONCE)
    hello = guest.hello()
    assert let_in["version"] == hello["version"]
    welcome = let_in["welcome"]
    assert [each["text"] for each in welcome["messages"]] == ["Before the doors"]
    assert (welcome["last"], welcome["state"]) == (1, hello["state"])
    assert {each["name"] for each in welcome["people"]["shown"]} >= {stage.host.name}


def test_nothing_said_meanwhile_is_missed_by_who_is_let_in(stage: Stage) -> None:
    stage.change(starts_at=timezone.now() + timedelta(hours=1))
    host, guests = stage.arrived("host"), [stage.arrived("viewer") for _ in range(5)]
    host.say("post", text="0", client_key="k0")
    open_doors(stage.entry, by=stage.host, now=timezone.now())
    for number in range(1, 6):
        host.say("post", text=str(number), client_key=f"k{number}")
    for guest in guests:
        heard = [each["text"] for each in guest.hears("standing")["welcome"]["messages"]]
        while "5" not in heard:
            heard.append(guest.hears("message")["text"])
        assert sorted(set(heard)) == ["0", "1", "2", "3", "4", "5"]


def test_who_comes_back_in_is_also_told_what_is_their_own(stage: Stage) -> None:
    host, guest = stage.arrived("host"), stage.arrived("viewer")
    host.post("Do you like this?")
    guest.do("chat.like", sequence=1)
    Entry.objects.update(starts_at=timezone.now() + timedelta(hours=1))
    announce(DoorsChanged(stage.entry.pk))
    assert guest.hears("standing", within=AT_ONCE)["stance"] == "waiting"
    Entry.objects.update(starts_at=timezone.now())
    announce(DoorsChanged(stage.entry.pk))
    assert guest.hears("standing", within=AT_ONCE)["stance"] == "inside"
    assert (
        guest.hears("state", within=AT_ONCE)["state"]["topics"]["chat"]["own"]
        == guest.hello()["state"]["topics"]["chat"]["own"]
    )


def test_visits_are_kept_for_everybody_inside(stage: Stage) -> None:
    stage.change(starts_at=timezone.now() + timedelta(hours=1))
    guests = [stage.arrived(each) for each in ("viewer", "speaker", "moderator")]
    assert not Visit.objects.exists()
    open_doors(stage.entry, by=stage.host, now=timezone.now())
    for guest in guests:
        guest.hears("standing")
    present = Visit.objects.filter(left_at=None).values_list("participant_id", flat=True)
    assert set(present) == {stage.viewer.pk, stage.speaker.pk, stage.moderator.pk}
    end_session(stage.entry, by=stage.host, now=timezone.now())
    for guest in guests:
        guest.hears("farewell")
    until(lambda: not Visit.objects.filter(left_at=None).exists())
    assert Visit.objects.count() == 3


def test_attendance_tells_what_somebody_became_inside(stage: Stage) -> None:
    def shown() -> list[object]:
        lines = attendance_rows(stage.entry, now=timezone.now())
        return [line[1] for line in lines if line[2] == "guest"]

    host, guest = stage.arrived("host"), stage.arrived("viewer")
    until(lambda: shown() == ["Viewer"])
    host.do("people.role", id=str(stage.viewer.pk), role="speaker")
    guest.hears("standing", within=AT_ONCE)
    until(lambda: shown() == ["Speaker"])
    assert Visit.objects.filter(participant=stage.viewer).count() == 1


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 8
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


# --- Standing


def test_a_change_of_one_asks_for_one(stage: Stage) -> None:
    speaker, viewer = stage.arrived("speaker"), stage.arrived("viewer")
    Participant.objects.update(host_role="moderator")
    announce(StandingChanged(stage.entry.pk, participants=(str(stage.viewer.pk),)))
    viewer.hears("standing", within=AT_ONCE)
    assert speaker.hears_nothing_of("standing")
    announce(StandingChanged(stage.entry.pk))
    speaker.hears("standing", within=AT_ONCE)


def test_a_withdrawn_guest_is_thrown_out_at_once_and_cannot_chat(stage: Stage) -> None:
    host, guest = stage.as_host(), stage.as_speaker()
    host.hello()
    guest.hello()
    with transaction.atomic():
        withdraw_grant(stage.speaker)
        end_passes(
            Pass.objects.filter(participant=stage.speaker), entry_id=stage.entry.pk, now=timezone.now()
        )
    assert guest.hears("farewell", within=AT_ONCE)["reason"] == "withdrawn"
    assert guest.is_closed() == 4403
    with pytest.raises(InvalidStatus):
        stage.as_speaker()
    assert host.hears_nothing_of("message")


def test_a_message_after_the_withdrawal_is_refused_even_when_nobody_was_told(stage: Stage) -> None:
    guest = stage.as_speaker()
    guest.hello()
    Participant.objects.filter(pk=stage.speaker.pk).update(granted_role="")
    assert guest.post("Am I still here?")["reason"] == "removed"
    assert guest.is_closed() == 4403
    assert ChatMessage.objects.count() == 0


def test_an_ended_pass_cannot_chat(stage: Stage) -> None:
    guest = stage.as_speaker()
    guest.hello()
    Pass.objects.update(ended_at=timezone.now())
    assert guest.post("Am I still here?")["kind"] == "refused"
    assert ChatMessage.objects.count() == 0


def test_a_new_role_is_felt_at_once(stage: Stage) -> None:
    guest = stage.as_viewer()
    guest.hello()
    with transaction.atomic():
        change_granted_role(stage.viewer, Role.SPEAKER)
    guest.hears("standing", within=AT_ONCE)
    assert guest.post("Now as a speaker")["role"] == "speaker"


def test_a_platform_that_is_switched_off_ends_every_page_at_once(stage: Stage) -> None:
    pages = [stage.arrived(who) for who in ("host", "learner", "moderator", "viewer")]
    platform = stage.course.tenant.platform
    switch = partial(switch_registration, platform, is_on=False, by="an operator")
    recorded(platform, switch, by="an operator", now=timezone.now())
    for page in pages:
        page.hears("farewell", within=AT_ONCE)
        assert page.is_closed() == 4403


def test_a_disabled_platform_ends_every_page_at_its_next_word(stage: Stage) -> None:
    host = stage.as_host()
    host.hello()
    Platform.objects.update(state=Platform.State.DISABLED)
    assert host.post("Hello?")["kind"] == "refused"
    assert host.is_closed() == 4403


# --- Presence


def names(page: Page) -> set[str]:
    return {each["name"] for each in page.hears("people")["shown"]}


def test_people_come_and_go(stage: Stage) -> None:
    host = stage.as_host()
    host.hello()
    assert names(host) == {stage.host.name}
    guest = stage.as_speaker()
    guest.hello()
    assert names(host) == {stage.host.name, "Ana Guest"}
    guest.close()
    assert names(host) == {stage.host.name}
    assert people_in(stage.entry.pk, now=timezone.now()).total == 1


def test_a_reload_is_no_departure(stage: Stage) -> None:
    host, guest = stage.as_host(), stage.as_speaker()
    host.hello()
    guest.hello()
    while "Ana Guest" not in names(host):
        pass
    guest.close()
    stage.as_speaker().hello()
    assert host.hears_nothing_of("people", within=5)
    stage.speaker.refresh_from_db()
    assert stage.speaker.left_at is None


def test_nobody_is_forgotten_while_here(stage: Stage) -> None:
    learner = stage.as_learner()
    me = learner.hello()["me"]
    stage.as_host().hello()
    participant = Participant.objects.get(pk=me)
    assert (participant.person_id, participant.granted_role) == (stage.learner_tab[0].person_id, "")


# --- Many, and slow ones


def metric(server: str, name: str) -> float:
    with urlopen(f"http://{server}/metrics", timeout=5) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
    raise AssertionError(f"no {name} in the metrics")


def test_a_reader_that_does_not_keep_up_is_dropped_and_nobody_else_feels_it(stage: Stage) -> None:
    slow, host = stage.as_viewer(), stage.as_host()
    slow.hello()
    host.hello()
    before = metric(stage.server, "foyer_sockets_dropped_total")
    said = 0
    while metric(stage.server, "foyer_sockets_dropped_total") == before:
        assert said < 2000
        for _ in range(20):
            said += 1
            announce(posted(stage.entry, said, "x" * 50_000))
        while host.hears("message")["sequence"] != said:
            pass
    assert metric(stage.server, "foyer_sockets") == 1
    host.say("ping")
    host.hears("pong")
    assert slow.is_closed() == 4408  # it may read why, and comes back by itself
    assert stage.arrived("viewer").post("Here again.")["kind"] == "ack"


def posted(entry: Entry, sequence: int, text: str) -> ChatPosted:
    return ChatPosted(
        entry_id=entry.pk,
        sequence=sequence,
        author_id="",
        author="",
        role="viewer",
        is_guest=False,
        text=text,
        sent_at="",
        client_key="",
    )


def test_messages_keep_their_order_for_everybody(stage: Stage) -> None:
    pages = [stage.as_viewer() for _ in range(20)]
    for page in pages:
        page.hello()
    for number in range(1, 31):
        announce(posted(stage.entry, number, str(number)))
    for page in pages:
        assert [page.hears("message")["sequence"] for _ in range(30)] == list(range(1, 31))
    assert metric(stage.server, "foyer_sockets") == 20
