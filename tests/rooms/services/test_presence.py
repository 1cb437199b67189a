"""Who is here, on the real database."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from rooms.access import Viewer, viewer_by_tab
from rooms.models import Entry, Participant
from rooms.queries import PRESENT_WITHIN, people_in, speakers_of
from rooms.services.presence import enter_room, note_departures, see_participants
from tests.factories.lti import make_course, make_member, make_person, make_tab, make_tenant
from tests.factories.rooms import make_entry, make_guest, make_participant, make_placed_entry

pytestmark = pytest.mark.django_db

NOW = timezone.now()


@pytest.fixture
def host() -> tuple[Entry, Viewer]:
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(course)
    person = make_person(course.tenant, name="Zoe Host", given_name="Zoe", family_name="Host")
    tab, _secret = make_tab(make_member(course, person=person), placement)
    viewer = viewer_by_tab(entry, tab)
    assert viewer is not None
    return entry, viewer


def guests(entry: Entry, count: int) -> list[Participant]:
    return [
        make_participant(
            entry, guest=make_guest(entry.tenant, f"g{n}@example.org", first_name=f"G{n}", last_name="")
        )
        for n in range(count)
    ]


def test_somebody_of_the_course_gets_one_row_however_often_they_come(host: tuple[Entry, Viewer]) -> None:
    entry, viewer = host
    first = enter_room(entry, by=viewer, now=NOW)
    again = enter_room(entry, by=viewer, now=NOW + timedelta(minutes=5))
    assert first.participant_id == again.participant_id
    row = Participant.objects.get()
    assert (row.person_id, row.granted_role, row.shown_role) == (viewer.person_id, "", "host")
    assert row.seen_at == NOW + timedelta(minutes=5)


def test_present_is_who_was_seen_lately_and_has_not_left(host: tuple[Entry, Viewer]) -> None:
    entry, viewer = host
    enter_room(entry, by=viewer, now=NOW)
    here, gone, long_ago = guests(entry, 3)
    see_participants({here.pk: "speaker", gone.pk: "viewer"}, entry_id=entry.pk, now=NOW)
    see_participants({long_ago.pk: "viewer"}, entry_id=entry.pk, now=NOW - PRESENT_WITHIN)
    note_departures([gone.pk], entry_id=entry.pk, now=NOW)
    people = people_in(entry.pk, now=NOW)
    assert [(each.name, each.role, each.is_guest) for each in people.shown] == [
        ("Zoe Host", "host", False),
        ("G0", "speaker", True),
    ]
    assert people.total == 2


def test_who_left_comes_back(host: tuple[Entry, Viewer]) -> None:
    entry, _viewer = host
    (guest,) = guests(entry, 1)
    see_participants({guest.pk: "viewer"}, entry_id=entry.pk, now=NOW)
    note_departures([guest.pk], entry_id=entry.pk, now=NOW)
    see_participants({guest.pk: "viewer"}, entry_id=entry.pk, now=NOW)
    assert people_in(entry.pk, now=NOW).total == 1


def test_nobody_is_present_at_another_entry(host: tuple[Entry, Viewer]) -> None:
    entry, viewer = host
    (stranger,) = guests(make_entry(entry.tenant), 1)
    see_participants({stranger.pk: "viewer"}, entry_id=entry.pk, now=NOW)
    assert people_in(entry.pk, now=NOW).total == 0
    assert people_in(stranger.entry_id, now=NOW).total == 0
    enter_room(entry, by=viewer, now=NOW)
    assert people_in(entry.pk, now=NOW).total == 1


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_of_people_takes_one_question(
    host: tuple[Entry, Viewer], count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    entry, _viewer = host
    here = guests(entry, count)
    see_participants({each.pk: "viewer" for each in here}, entry_id=entry.pk, now=NOW)
    with django_assert_num_queries(1):
        assert people_in(entry.pk, now=NOW).total == count


def test_those_who_wait_read_whose_session_it_is(host: tuple[Entry, Viewer]) -> None:
    entry, _viewer = host
    owner = make_person(entry.tenant, name="Ola Owner")
    entry.collaborators.create(person=owner, right="owner")
    make_participant(entry, guest=make_guest(entry.tenant, "a@example.org"), role="speaker")
    make_participant(entry, guest=make_guest(entry.tenant, "b@example.org"), role="moderator")
    make_participant(entry, guest=make_guest(entry.tenant, "c@example.org"), role="speaker", removed_at=NOW)
    assert [(each.name, each.role) for each in speakers_of(entry)] == [
        ("Ola Owner", "host"),
        ("Ana Guest", "speaker"),
    ]
