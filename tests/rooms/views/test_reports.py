"""What a session leaves behind: for hosts alone, safe in a spreadsheet."""

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from rooms.models import ChatMessage, Choice, Entry, Interaction, Participant, Question, Visit, Vote
from rooms.policy.doors import DoorState, door_state, schedule_of
from rooms.views.reports import REPORTS
from tests.factories.lti import make_course, make_member, make_tab, make_tenant
from tests.factories.rooms import make_guest, make_participant, make_pass, make_placed_entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(client: Client) -> tuple[Client, str, ChatMessage]:
    """A host's browser, the address of the session, and a message there that a moderator has hidden."""
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(course)
    tab, secret = make_tab(make_member(course), placement)
    client.cookies["foyer-tab"] = secret
    guest = make_participant(entry, guest=make_guest(course.tenant), role="speaker")
    now = timezone.now()
    for minutes in (60, 20):
        came = now - timedelta(minutes=minutes)
        Visit.objects.create(
            participant=guest, role="speaker", joined_at=came, left_at=came + timedelta(minutes=10)
        )
    Question.objects.create(entry=entry, asker=guest, text="Why?", asked_at=now, answer="Because.")
    message = ChatMessage.objects.create(
        entry=entry, sequence=1, author=guest, author_role="speaker", text="=1+1", sent_at=now, hidden_at=now
    )
    return client, f"/~{tab.handle}/media/{entry.pk}/reports/", message


def rows_of(client: Client, address: str) -> list[list[str]]:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith("attachment;")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_attendance_adds_the_visits_up(scene: tuple[Client, str, ChatMessage]) -> None:
    client, address, _message = scene
    line = rows_of(client, f"{address}attendance.csv")[1]
    assert (line[0], line[1], line[2], line[5]) == ("Ana Guest", "Speaker", "guest", "20")


@pytest.mark.parametrize(("seen", "left", "minutes"), [(40, "", "25"), (0, "still here", "25")])
def test_who_was_last_seen_long_ago_is_not_still_here(
    scene: tuple[Client, str, ChatMessage], seen: int, left: str, minutes: str
) -> None:
    client, address, message = scene
    now = timezone.now()
    seen_at = now - timedelta(
        minutes=seen
    )  # of the last visit nobody has noted the end: its server was killed
    Participant.objects.filter(pk=message.author_id).update(seen_at=seen_at)
    Visit.objects.filter(left_at__gt=now - timedelta(minutes=15)).update(
        joined_at=seen_at - timedelta(minutes=15), left_at=None
    )
    line = rows_of(client, f"{address}attendance.csv")[1]
    assert (line[4], line[5]) == (left or f"{seen_at:%Y-%m-%d %H:%M:%S}", minutes)


def test_the_transcript_keeps_what_was_hidden_and_is_no_formula(
    scene: tuple[Client, str, ChatMessage],
) -> None:
    client, address, _message = scene
    line = rows_of(client, f"{address}chat.csv")[1]
    assert (line[2], line[4], line[7]) == ("Ana Guest", "'=1+1", "hidden")


def test_what_its_author_deleted_is_gone_from_the_transcript_too(
    scene: tuple[Client, str, ChatMessage],
) -> None:
    client, address, message = scene
    ChatMessage.objects.filter(pk=message.pk).update(text="", deleted_at=timezone.now())
    assert rows_of(client, f"{address}chat.csv")[1][4:8:3] == ["", "deleted"]


def test_questions_and_the_teams_own_channel(scene: tuple[Client, str, ChatMessage]) -> None:
    client, address, message = scene
    assert rows_of(client, f"{address}questions.csv")[1][1:4] == ["Ana Guest", "Why?", "Open"]
    ChatMessage.objects.filter(pk=message.pk).update(channel="backchannel", text="Ready?")
    assert rows_of(client, f"{address}team.csv")[1][4] == "Ready?"
    assert len(rows_of(client, f"{address}chat.csv")) == 1


def test_polls_with_all_answers_in_totals_and_no_names(scene: tuple[Client, str, ChatMessage]) -> None:
    client, address, message = scene
    entry, now = message.entry, timezone.now()
    asked = {"entry": entry, "made_at": now, "started_at": now}
    quiz = Interaction.objects.create(
        kind="quiz", question="Which core?", state="closed", closed_at=now, **asked
    )
    choices = [
        Choice.objects.create(interaction=quiz, position=at, text=text, is_right=at == 1)
        for at, text in enumerate(["Vostok", "=Dome C"])
    ]
    Vote.objects.create(interaction=quiz, participant=message.author, given_at=now).choices.add(choices[1])
    rating = Interaction.objects.create(
        kind="rating", question="How was it?", state="running", highest_rating=2, **asked
    )
    Vote.objects.create(interaction=rating, participant=message.author, rating=2, given_at=now)
    opened = Interaction.objects.create(kind="open", question="Why?", state="running", **asked)
    Vote.objects.create(interaction=opened, participant=message.author, text="Ice remembers.", given_at=now)
    Interaction.objects.create(kind="open", question="Nobody?", state="running", **asked)
    Interaction.objects.create(entry=entry, kind="poll", question="A draft", made_at=now)

    lines = rows_of(client, f"{address}polls.csv")
    assert all(len(line) == len(lines[0]) for line in lines)
    told = {(line[3], *line[4:]) for line in lines[1:]}
    assert told == {
        ("Which core?", "1", "Vostok", "0", "0", "no", ""),
        ("Which core?", "1", "'=Dome C", "1", "100", "yes", ""),
        ("How was it?", "1", "1", "0", "0", "", "2.0"),
        ("How was it?", "1", "2", "1", "100", "", "2.0"),
        ("Why?", "1", "Ice remembers.", "", "", "", ""),
        ("Nobody?", "0", "", "", "", "", ""),
    }
    assert {line[1] for line in lines[1:] if line[3] == "Why?"} == {"still open"}
    assert "Ana" not in str(lines)


def test_the_page_leads_to_every_report(scene: tuple[Client, str, ChatMessage]) -> None:
    client, address, _message = scene
    page = client.get(address).content.decode()
    assert all(f"{address}{name}.csv" in page for name in REPORTS)


@pytest.mark.parametrize("how", ["by a host", "by the schedule"])
def test_they_are_there_after_the_end_too(scene: tuple[Client, str, ChatMessage], how: str) -> None:
    client, address, message = scene
    during = {name: rows_of(client, f"{address}{name}.csv") for name in REPORTS}
    now = timezone.now()
    over = (
        {"doors": Entry.Doors.ENDED, "doors_changed_at": now - timedelta(hours=3)}
        if how == "by a host"
        else {"starts_at": now - timedelta(hours=5), "ends_at": now - timedelta(hours=3)}
    )
    Entry.objects.filter(pk=message.entry_id).update(**over)
    entry = Entry.objects.get(pk=message.entry_id)
    assert door_state(schedule_of(entry), now=now) == DoorState.ENDED
    assert client.get(address).status_code == 200
    assert {name: rows_of(client, f"{address}{name}.csv") for name in REPORTS} == during
    assert [len(during[name]) for name in ("attendance", "chat", "questions")] == [2, 2, 2]


@pytest.mark.parametrize("name", ["", *(f"{each}.csv" for each in REPORTS)])
@pytest.mark.parametrize("role", ["viewer", "speaker", "moderator"])
def test_they_are_for_hosts_alone(scene: tuple[Client, str, ChatMessage], name: str, role: str) -> None:
    _client, _address, message = scene
    guest = make_guest(message.entry.tenant, "other@x.example")
    participant = make_participant(
        message.entry, guest=guest, role=role, granted_until=timezone.now() + timedelta(hours=1)
    )
    stranger = Client()
    stranger.cookies["foyer-pass"] = make_pass(participant)[1]
    assert stranger.get(f"/media/{message.entry.pk}/reports/{name}").status_code == 403


def test_there_is_no_other_report(scene: tuple[Client, str, ChatMessage]) -> None:
    client, address, _message = scene
    assert client.get(f"{address}everything.csv").status_code == 404
