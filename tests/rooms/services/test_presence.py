"""Who is here, on the real database."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from rooms.access import Viewer, viewer_by_pass, viewer_by_tab
from rooms.arrivals import SHOWN_OF_A_CROWD, people_for
from rooms.models import Entry, Participant, Visit
from rooms.policy.roles import Role
from rooms.queries import PEOPLE_SHOWN, PRESENT_WITHIN, people_in, speakers_of
from rooms.services.presence import Presence, enter_room, note_departures, note_presence, see_participants
from tests.factories.lti import make_course, make_member, make_person, make_tab, make_tenant
from tests.factories.rooms import make_entry, make_guest, make_participant, make_pass, make_placed_entry

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


def crowd_of(entry: Entry, count: int) -> list[Participant]:
    """Viewers who are here, in the order in which they came."""
    return Participant.objects.bulk_create(
        Participant(
            entry=entry,
            guest=make_guest(entry.tenant, f"c{n}@example.org", first_name=f"C{n:03}", last_name=""),
            seen_at=NOW,
        )
        for n in range(count)
    )


def test_raised_hands_come_right_after_those_who_run_the_session(host: tuple[Entry, Viewer]) -> None:
    entry, viewer = host
    crowd = crowd_of(entry, PEOPLE_SHOWN + 3)
    enter_room(entry, by=viewer, now=NOW)
    late, later = crowd[-2:]
    for minutes, who in enumerate((later, late)):
        Participant.objects.filter(pk=who.pk).update(hand_raised_at=NOW + timedelta(minutes=minutes))
    people = people_in(entry.pk, now=NOW)
    assert (len(people.shown), people.total) == (PEOPLE_SHOWN, PEOPLE_SHOWN + 4)
    names = ["Zoe Host", f"C{PEOPLE_SHOWN + 1}", f"C{PEOPLE_SHOWN + 2}", "C000", "C001"]
    assert [each.name for each in people.shown[:5]] == names
    told = people_for(people, Role.VIEWER).shown
    assert len(told) == SHOWN_OF_A_CROWD
    assert [each.name for each in told[:5]] == names


def test_of_too_many_hands_the_longest_raised_are_shown(host: tuple[Entry, Viewer]) -> None:
    entry, _viewer = host
    crowd = crowd_of(entry, PEOPLE_SHOWN + 1)
    Participant.objects.update(hand_raised_at=NOW)
    Participant.objects.filter(pk=crowd[-1].pk).update(hand_raised_at=NOW - timedelta(minutes=1))
    assert crowd[-1].shown_name in {each.name for each in people_in(entry.pk, now=NOW).shown}


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


# --- Visits


def visits(participant: Participant) -> list[tuple[timedelta, timedelta | None]]:
    """From when to when, counted from now."""
    rows = Visit.objects.filter(participant=participant).order_by("joined_at")
    return [(row.joined_at - NOW, row.left_at - NOW if row.left_at else None) for row in rows]


def roles(participant: Participant) -> list[str]:
    """What they were at each visit."""
    rows = Visit.objects.filter(participant=participant).order_by("joined_at")
    return list(rows.values_list("role", flat=True))


def at(minutes: int) -> timedelta:
    return timedelta(minutes=minutes)


def note(entry: Entry, presence: Presence, *, after: timedelta = timedelta(0)) -> set[object]:
    return set(note_presence(presence, entry_id=entry.pk, now=NOW + after))


def inside(*participants: Participant) -> Presence:
    roles = {each.pk: "viewer" for each in participants}
    return Presence(here=dict(roles), entered=dict(roles))


def test_a_visit_lasts_from_the_doors_to_the_last_page(host: tuple[Entry, Viewer]) -> None:
    entry, _viewer = host
    ana, luis = guests(entry, 2)
    assert note(entry, inside(ana, luis)) == set()
    assert note(entry, inside(ana), after=timedelta(seconds=5)) == {ana.pk}  # a second page, the same visit
    note(entry, Presence(gone={ana.pk}), after=timedelta(seconds=30))
    assert visits(ana) == [(timedelta(0), timedelta(seconds=30))]
    assert visits(luis) == [(timedelta(0), None)]
    note(entry, inside(ana), after=at(1))
    assert visits(ana) == [(timedelta(0), timedelta(seconds=30)), (at(1), None)]


def test_who_only_waits_visits_nothing_and_closed_doors_end_a_visit(host: tuple[Entry, Viewer]) -> None:
    entry, _viewer = host
    ana, luis = guests(entry, 2)
    note(entry, Presence(here={luis.pk: "viewer"}))
    note(entry, inside(ana))
    note(entry, Presence(here={ana.pk: "viewer"}, put_out={ana.pk}), after=timedelta(seconds=20))
    assert visits(luis) == []
    assert visits(ana) == [(timedelta(0), timedelta(seconds=20))]


def test_a_visit_whose_server_ended_lasted_until_they_were_seen_last(host: tuple[Entry, Viewer]) -> None:
    entry, _viewer = host
    (ana,) = guests(entry, 1)
    note(entry, inside(ana))
    note(entry, Presence(here={ana.pk: "viewer"}), after=timedelta(seconds=15))
    assert note(entry, inside(ana), after=at(10)) == {ana.pk}
    assert visits(ana) == [(timedelta(0), timedelta(seconds=15)), (at(10), None)]


def test_a_crowd_is_noted_in_a_few_statements(
    host: tuple[Entry, Viewer], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    entry, _viewer = host
    crowd = guests(entry, 120)
    with django_assert_max_num_queries(7):
        note(entry, inside(*crowd))
    assert Visit.objects.filter(left_at=None).count() == 120
    with django_assert_max_num_queries(3):
        note(entry, Presence(here={each.pk: "viewer" for each in crowd}), after=timedelta(seconds=15))
    assert people_in(entry.pk, now=NOW + timedelta(seconds=50)).total == 120


def test_where_sockets_are_blocked_the_page_counts_as_a_visit(host: tuple[Entry, Viewer]) -> None:
    entry, viewer = host
    enter_room(entry, by=viewer, now=NOW)
    enter_room(entry, by=viewer, now=NOW + timedelta(seconds=12))
    assert visits(Participant.objects.get()) == [(timedelta(0), None)]


def test_whoever_becomes_something_else_inside_goes_on_with_the_same_visit(
    host: tuple[Entry, Viewer],
) -> None:
    entry, _viewer = host
    ana, luis = guests(entry, 2)
    note(entry, inside(ana, luis))
    note(entry, Presence(here={ana.pk: "speaker"}, entered={ana.pk: "speaker"}), after=timedelta(seconds=9))
    assert [roles(ana), roles(luis)] == [["speaker"], ["viewer"]]
    assert visits(ana) == [(timedelta(0), None)]
    note(entry, Presence(gone={ana.pk}), after=timedelta(seconds=20))
    note(entry, inside(ana), after=at(1))
    assert roles(ana) == ["speaker", "viewer"]  # what is over stays as it was


def test_where_sockets_are_blocked_the_page_tells_of_the_new_role(host: tuple[Entry, Viewer]) -> None:
    entry, _viewer = host
    (ana,) = guests(entry, 1)
    _held, secret = make_pass(ana)
    for turn, role in enumerate(("viewer", "moderator", "moderator")):
        Participant.objects.filter(pk=ana.pk).update(granted_role=role, granted_until=NOW + at(60))
        found = viewer_by_pass(entry, secret)
        assert found is not None
        enter_room(entry, by=found, now=NOW + timedelta(seconds=20 * turn))
        assert (roles(ana), visits(ana)) == ([role], [(timedelta(0), None)])


def test_nothing_noted_is_lost_when_it_has_to_wait() -> None:
    one, other = uuid4(), uuid4()
    first = Presence(here={one: "viewer"}, entered={one: "viewer"}, put_out={other})
    later = Presence(here={other: "viewer"}, entered={other: "speaker"}, put_out={one}, gone={one})
    both = first.followed_by(later)
    assert both == Presence(here={other: "viewer"}, entered={other: "speaker"}, put_out={one}, gone={one})
    back = both.followed_by(Presence(here={one: "viewer"}))
    assert (back.here, back.gone) == ({other: "viewer", one: "viewer"}, set())


def test_a_page_loaded_after_the_server_had_ended_begins_another_visit(host: tuple[Entry, Viewer]) -> None:
    entry, _viewer = host
    (ana,) = guests(entry, 1)
    _held, secret = make_pass(ana)
    Participant.objects.filter(pk=ana.pk).update(granted_until=NOW + timedelta(days=9))
    for after in (timedelta(0), timedelta(seconds=20), timedelta(days=3)):
        found = viewer_by_pass(entry, secret)
        assert found is not None
        enter_room(entry, by=found, now=NOW + after)
    assert visits(ana) == [(timedelta(0), timedelta(seconds=20)), (timedelta(days=3), None)]


def test_who_has_left_one_process_and_sits_in_another_is_still_inside(host: tuple[Entry, Viewer]) -> None:
    entry, _viewer = host
    (ana,) = guests(entry, 1)
    note(entry, inside(ana))
    note(entry, Presence(gone={ana.pk}), after=timedelta(seconds=10))
    still = Presence(here={ana.pk: "viewer"}, inside={ana.pk: "viewer"})
    note(entry, still, after=timedelta(seconds=20))
    note(entry, still, after=timedelta(seconds=35))
    assert visits(ana) == [(timedelta(0), timedelta(seconds=10)), (timedelta(seconds=20), None)]


@pytest.mark.django_db(transaction=True)
def test_somebody_who_is_erased_meanwhile_keeps_nobody_from_being_noted(transactional_db: None) -> None:
    entry = make_entry(make_tenant())
    ana, luis = guests(entry, 2)
    noted = inside(ana, luis)
    Participant.objects.filter(pk=luis.pk).delete()
    note(entry, noted)
    assert visits(ana) == [(timedelta(0), None)]
    assert Visit.objects.count() == 1
