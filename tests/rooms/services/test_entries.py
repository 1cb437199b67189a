"""Entries made, edited, deleted and placed."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from common.errors import AppError, ConflictError, GoneError, MissingError, RefusedError
from lti_tool.models import Course, Placement, Tab
from lti_tool.roles import ApplicationRole, Right
from rooms.access import Viewer, entry_of_id, viewer_by_tab
from rooms.events import DoorsChanged, EntryDeleted, Event, StandingChanged
from rooms.models import Binding, Collaborator, Entry, EntryChange
from rooms.policy.rights import Power
from rooms.services.entries import (
    Details,
    bind_entry,
    create_entry,
    delete_entry,
    edit_entry,
    rebind,
    unbind,
)
from tests.factories.lti import make_course, make_member, make_placement, make_tab, make_tenant
from tests.factories.rooms import make_entry, make_placed_entry

pytestmark = pytest.mark.django_db

DETAILS = Details(title="Guest lecture", time_zone="Europe/Oslo")


@pytest.fixture
def course() -> Course:
    return make_course(make_tenant())


def launch(
    course: Course,
    placement: Placement | None = None,
    right: Right = Right.OWNER,
    application_role: ApplicationRole = ApplicationRole.ADMIN,
) -> Tab:
    member = make_member(course, right=right, application_role=application_role)
    tab, _secret = make_tab(member, placement or make_placement(course))
    return tab


def link_of(tab: Tab) -> Placement:
    assert tab.placement is not None
    return tab.placement


def at(entry: Entry, tab: Tab) -> Viewer:
    viewer = viewer_by_tab(entry, tab)
    assert viewer is not None
    return viewer


def named(entry: Entry, tab: Tab, right: Right) -> Viewer:
    Collaborator.objects.create(entry=entry, person=tab.person, right=right.value)
    return at(entry, tab)


def events(callbacks: list[Callable[[], object]]) -> list[Event]:
    """What is announced after the commit."""
    return [callback.args[0] for callback in callbacks if isinstance(callback, partial)]


Capture = DjangoCaptureOnCommitCallbacks


# --- Making ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("right", [Right.OWNER, Right.CO_OWNER, Right.CO_EDITOR, Right.CO_PUBLISHER])
def test_whoever_has_a_right_makes_a_room_and_owns_it(course: Course, right: Right) -> None:
    tab = launch(course, right=right, application_role=ApplicationRole.PRIVATE_ONLY)
    entry = create_entry(DETAILS, at=link_of(tab), by=tab)
    assert (entry.tenant_id, entry.kind, entry.title) == (tab.tenant_id, "room", "Guest lecture")
    assert (entry.time_zone, entry.has_chat) == ("Europe/Oslo", True)
    assert list(entry.collaborators.values_list("person", "right")) == [(tab.person_id, "owner")]
    assert entry.bindings.get().placement == tab.placement
    assert at(entry, tab).may(Power.DELETE)


@pytest.mark.parametrize(
    ("right", "application_role"),
    [(Right.NONE, ApplicationRole.ADMIN), (Right.OWNER, ApplicationRole.VIEWER)],
)
def test_nobody_else_makes_one(course: Course, right: Right, application_role: ApplicationRole) -> None:
    tab = launch(course, right=right, application_role=application_role)
    with pytest.raises(RefusedError):
        create_entry(DETAILS, at=link_of(tab), by=tab)
    assert not Entry.objects.exists()


def test_a_room_is_made_only_at_the_link_of_the_launch(course: Course) -> None:
    tab = launch(course)
    for elsewhere in (make_placement(course), make_placement(make_course(make_tenant()))):
        with pytest.raises(MissingError):
            create_entry(DETAILS, at=elsewhere, by=tab)
    assert not Entry.objects.exists()


def test_a_taken_link_takes_no_second_room_and_nothing_is_left_behind(course: Course) -> None:
    entry, placement = make_placed_entry(course)
    tab = launch(course, placement)
    with pytest.raises(ConflictError):
        create_entry(DETAILS, at=placement, by=tab)
    assert list(Entry.objects.all()) == [entry]
    assert not Collaborator.objects.exists()


def test_a_deleted_room_leaves_its_link_free(course: Course) -> None:
    old, placement = make_placed_entry(course, deleted_at=timezone.now())
    tab = launch(course, placement)
    entry = create_entry(DETAILS, at=placement, by=tab)
    assert Binding.objects.get().entry == entry != old


@pytest.mark.django_db(transaction=True)
def test_two_instructors_who_set_up_one_link_at_once_get_one_room() -> None:
    course = make_course(make_tenant())
    placement = make_placement(course)
    tabs = [launch(course, placement) for _each in range(4)]
    other, _elsewhere = make_placed_entry(course)
    started = Barrier(len(tabs))
    outcomes: list[str] = []

    def set_up(number: int) -> None:
        try:
            tab = Tab.objects.select_related("placement").get(pk=tabs[number].pk)
            started.wait(timeout=20)
            if number % 2:
                create_entry(DETAILS, at=link_of(tab), by=tab)
            else:
                bind_entry(other, at=link_of(tab), by=at(other, tab), tab=tab)
            outcomes.append("won")
        except AppError as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [Thread(target=set_up, args=(number,)) for number in range(len(tabs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(outcomes) == ["link_taken", "link_taken", "link_taken", "won"]
    winner = placement.binding.entry
    assert {row.pk for row in Entry.objects.all()} == {other.pk, winner.pk}, "losers leave nothing behind"


# --- Editing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "may"),
    [
        (Right.OWNER, True),
        (Right.CO_OWNER, True),
        (Right.CO_EDITOR, True),
        (Right.CO_PUBLISHER, False),
        (Right.NONE, False),
    ],
)
def test_editing_needs_the_power(
    course: Course, right: Right, may: bool, django_capture_on_commit_callbacks: Capture
) -> None:
    entry, placement = make_placed_entry(course)
    viewer = at(entry, launch(course, placement, right))
    now = timezone.now()
    details = Details(title="Renamed", starts_at=now + timedelta(hours=1), has_chat=False)
    with django_capture_on_commit_callbacks() as callbacks:
        if may:
            edited = edit_entry(entry, details, by=viewer, now=now)
            assert (edited.title, edited.has_chat) == ("Renamed", False)
        else:
            with pytest.raises(RefusedError):
                edit_entry(entry, details, by=viewer, now=now)
    assert events(callbacks) == ([DoorsChanged(entry.pk)] if may else [])
    entry.refresh_from_db()
    assert (entry.title == "Renamed") is may


@pytest.mark.parametrize("doors", list(Entry.Doors))
def test_a_new_start_in_the_future_takes_back_what_a_host_said_about_the_doors(
    course: Course, doors: Entry.Doors
) -> None:
    now = timezone.now()
    entry, placement = make_placed_entry(course, doors=doors, doors_changed_at=now - timedelta(days=1))
    viewer = at(entry, launch(course, placement))
    edit_entry(entry, Details(title="Moved", starts_at=now + timedelta(days=7)), by=viewer, now=now)
    assert entry.doors == Entry.Doors.SCHEDULE


@pytest.mark.parametrize("doors", list(Entry.Doors))
def test_without_a_new_start_the_doors_stay_as_they_are(course: Course, doors: Entry.Doors) -> None:
    now = timezone.now()
    start = now + timedelta(hours=1)
    entry, placement = make_placed_entry(course, doors=doors, doors_changed_at=now, starts_at=start)
    viewer = at(entry, launch(course, placement))
    for details in (
        Details(title="A", starts_at=start),
        Details(title="B", starts_at=now),
        Details(title="C"),
    ):
        edit_entry(entry, details, by=viewer, now=now)
        assert entry.doors == doors


def test_a_new_title_or_time_is_left_for_those_who_invite(course: Course) -> None:
    entry, _link = make_placed_entry(course)
    host = at(entry, launch(course, _link))
    now = timezone.now()
    edit_entry(entry, Details(title=entry.title, description="New"), by=host, now=now, tells_invited=True)
    assert not EntryChange.objects.exists(), "a description is nobody's business"

    edit_entry(entry, Details(title="New"), by=host, now=now)
    change = EntryChange.objects.get()
    assert (change.entry, change.changed_at, change.is_to_be_told) == (entry, now, False)

    later = now + timedelta(seconds=5)
    edit_entry(entry, Details(title="Newer"), by=host, now=later, tells_invited=True)
    edit_entry(entry, Details(title="Newest"), by=host, now=later)
    change = EntryChange.objects.get()
    assert (change.changed_at, change.is_to_be_told) == (later, True), "a promise to tell stands"


@pytest.mark.parametrize("tells", [True, False])
def test_a_deletion_is_left_for_those_who_invite(course: Course, *, tells: bool) -> None:
    entry, link = make_placed_entry(course)
    delete_entry(entry, by=at(entry, launch(course, link)), now=timezone.now(), tells_invited=tells)
    assert EntryChange.objects.get(entry=entry).is_to_be_told is tells


def test_a_deleted_room_is_not_edited(course: Course) -> None:
    entry, placement = make_placed_entry(course)
    viewer = at(entry, launch(course, placement))
    Entry.objects.update(deleted_at=timezone.now())
    with pytest.raises(GoneError):
        edit_entry(entry, DETAILS, by=viewer, now=timezone.now())


# --- Deleting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("right", [Right.OWNER, Right.CO_OWNER])
def test_deleting_takes_the_room_away_and_sets_its_links_free(
    course: Course, right: Right, django_capture_on_commit_callbacks: Capture
) -> None:
    entry, placement = make_placed_entry(course)
    Binding.objects.create(placement=make_placement(course), entry=entry)
    viewer = at(entry, launch(course, placement, right))
    with django_capture_on_commit_callbacks() as callbacks:
        delete_entry(entry, by=viewer, now=timezone.now())
    assert events(callbacks) == [EntryDeleted(entry.pk)]
    assert entry_of_id(entry.pk) is None
    assert Entry.objects.filter(pk=entry.pk).exists(), "operators can still look"
    assert not Binding.objects.exists()
    with pytest.raises(GoneError):
        delete_entry(entry, by=viewer, now=timezone.now())


@pytest.mark.parametrize("right", [Right.CO_EDITOR, Right.CO_PUBLISHER, Right.NONE])
def test_nobody_else_deletes(course: Course, right: Right) -> None:
    entry, placement = make_placed_entry(course)
    viewer = at(entry, launch(course, placement, right))
    with pytest.raises(RefusedError):
        delete_entry(entry, by=viewer, now=timezone.now())
    assert entry_of_id(entry.pk) == entry


# --- Placing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on_entry", "here", "may"),
    [
        (Right.OWNER, Right.OWNER, True),
        (Right.CO_OWNER, Right.CO_EDITOR, True),
        (Right.CO_PUBLISHER, Right.CO_PUBLISHER, True),
        (Right.CO_PUBLISHER, Right.OWNER, True),
        (Right.CO_EDITOR, Right.OWNER, False),
        (Right.OWNER, Right.NONE, False),
    ],
)
def test_placing_needs_power_over_the_entry_and_a_right_in_the_course(
    course: Course, on_entry: Right, here: Right, may: bool, django_capture_on_commit_callbacks: Capture
) -> None:
    entry = make_entry(course.tenant)
    tab = launch(course, right=here)
    viewer = named(entry, tab, on_entry)
    with django_capture_on_commit_callbacks() as callbacks:
        if may:
            bind_entry(entry, at=link_of(tab), by=viewer, tab=tab)
        else:
            with pytest.raises(RefusedError):
                bind_entry(entry, at=link_of(tab), by=viewer, tab=tab)
    assert Binding.objects.filter(entry=entry, placement=tab.placement).exists() is may
    assert events(callbacks) == ([StandingChanged(entry.pk)] if may else [])


def test_the_viewer_of_one_entry_does_not_place_another(course: Course) -> None:
    mine, theirs = make_entry(course.tenant), make_entry(course.tenant)
    tab = launch(course)
    viewer = named(mine, tab, Right.OWNER)
    with pytest.raises(MissingError):
        bind_entry(theirs, at=link_of(tab), by=viewer, tab=tab)


def test_an_entry_of_another_tenant_is_not_placed(course: Course) -> None:
    foreign = make_course(make_tenant())
    entry, placement = make_placed_entry(foreign)
    viewer = at(entry, launch(foreign, placement))
    tab = launch(course)
    with pytest.raises(MissingError):
        bind_entry(entry, at=link_of(tab), by=viewer, tab=tab)


def test_a_deleted_entry_is_not_placed(course: Course) -> None:
    entry = make_entry(course.tenant)
    tab = launch(course)
    viewer = named(entry, tab, Right.OWNER)
    Entry.objects.filter(pk=entry.pk).update(deleted_at=timezone.now())
    with pytest.raises(MissingError):
        bind_entry(entry, at=link_of(tab), by=viewer, tab=tab)


def test_another_room_takes_over_the_link(
    course: Course, django_capture_on_commit_callbacks: Capture
) -> None:
    old, placement = make_placed_entry(course)
    new, _elsewhere = make_placed_entry(course)
    tab = launch(course, placement)
    with django_capture_on_commit_callbacks() as callbacks:
        rebind(
            new,
            instead_of=old,
            at=placement,
            by=at(new, tab),
            current=at(old, tab),
            tab=tab,
            now=timezone.now(),
        )
    placement.refresh_from_db()
    assert placement.binding.entry == new
    assert events(callbacks) == [StandingChanged(old.pk), StandingChanged(new.pk)]


def test_taking_a_room_off_its_link_needs_power_over_it(course: Course) -> None:
    """A TA owns a room of their own: they may place that, but not take the course's room away for it."""
    old, placement = make_placed_entry(course)
    new = make_entry(course.tenant)
    tab = launch(course, placement, Right.CO_EDITOR, ApplicationRole.PRIVATE_ONLY)
    mine = named(new, tab, Right.OWNER)
    with pytest.raises(RefusedError):
        rebind(new, instead_of=old, at=placement, by=mine, current=at(old, tab), tab=tab, now=timezone.now())
    with pytest.raises(RefusedError):
        unbind(old, at=placement, by=at(old, tab), tab=tab)
    assert Binding.objects.get().entry == old


def test_whoever_decided_about_an_older_state_of_the_link_is_told(course: Course) -> None:
    old, placement = make_placed_entry(course)
    new, _elsewhere = make_placed_entry(course)
    tab = launch(course, placement)
    viewers = {"by": at(new, tab), "current": at(old, tab)}
    third, _third_link = make_placed_entry(course)
    Binding.objects.filter(placement=placement).update(entry=third)
    with pytest.raises(ConflictError):
        rebind(new, instead_of=old, at=placement, tab=tab, now=timezone.now(), **viewers)
    with pytest.raises(ConflictError):
        unbind(old, at=placement, by=viewers["current"], tab=tab)
    placement.refresh_from_db()
    assert placement.binding.entry == third


def test_an_emptied_link_is_free_and_the_room_stays_its_owners(course: Course) -> None:
    placement = make_placement(course)
    tab = launch(course, placement)
    entry = create_entry(DETAILS, at=placement, by=tab)
    unbind(entry, at=placement, by=at(entry, tab), tab=tab)
    assert not Binding.objects.exists()
    assert at(entry, tab).person_id == tab.person_id
    colleague = launch(course, placement)
    assert viewer_by_tab(entry, colleague) is None
