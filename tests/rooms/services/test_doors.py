"""Moving the doors, on the real database."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from common.errors import ConflictError, RefusedError
from rooms.access import Viewer, viewer_by_tab
from rooms.models import Entry
from rooms.services.doors import close_doors, end_session, open_doors
from tests.factories.lti import make_course, make_member, make_tab, make_tenant
from tests.factories.rooms import make_entry, make_placed_entry

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def host_of(entry: Entry) -> Viewer:
    binding = entry.bindings.select_related("placement__course").get()
    assert binding.placement.course is not None
    tab, _secret = make_tab(make_member(binding.placement.course), binding.placement)
    viewer = viewer_by_tab(entry, tab)
    assert viewer is not None
    return viewer


@pytest.fixture
def entry() -> Entry:
    course = make_course(make_tenant())
    made, _placement = make_placed_entry(
        course, starts_at=NOW + timedelta(hours=1), ends_at=NOW + timedelta(hours=2)
    )
    return made


def doors_of(entry: Entry) -> tuple[str, datetime | None]:
    entry.refresh_from_db()
    return entry.doors, entry.doors_changed_at


def test_a_host_opens_early_and_closes_again(entry: Entry) -> None:
    host = host_of(entry)
    open_doors(entry, by=host, now=NOW)
    assert doors_of(entry) == ("open", NOW)
    later = NOW + timedelta(minutes=1)
    close_doors(entry, by=host, now=later)
    assert doors_of(entry) == ("schedule", later)


def test_moving_the_doors_to_where_they_are_changes_nothing(entry: Entry) -> None:
    host = host_of(entry)
    open_doors(entry, by=host, now=NOW)
    open_doors(entry, by=host, now=NOW + timedelta(minutes=1))
    assert doors_of(entry) == ("open", NOW)


def test_an_ended_session_can_be_opened_again(entry: Entry) -> None:
    host = host_of(entry)
    end_session(entry, by=host, now=NOW)
    assert doors_of(entry) == ("ended", NOW)
    open_doors(entry, by=host, now=NOW + timedelta(minutes=1))
    assert doors_of(entry)[0] == "open"


def test_after_the_schedule_it_needs_a_new_end_first(entry: Entry) -> None:
    with pytest.raises(RefusedError) as refused:
        open_doors(entry, by=host_of(entry), now=NOW + timedelta(hours=4))
    assert refused.value.code == "schedule_is_over"


@pytest.mark.parametrize("move", [open_doors, close_doors, end_session])
def test_nobody_but_a_host_of_this_entry_moves_its_doors(entry: Entry, move: Callable[..., None]) -> None:
    host = host_of(entry)
    nobody = replace(host, powers=frozenset())
    elsewhere = replace(host, entry_id=make_entry(entry.tenant).pk)
    for viewer in (nobody, elsewhere):
        with pytest.raises(RefusedError) as refused:
            move(entry, by=viewer, now=NOW)
        assert refused.value.code == "not_a_host"
    assert doors_of(entry)[0] == "schedule"


def test_of_two_hosts_at_once_the_second_is_told(entry: Entry) -> None:
    host = host_of(entry)
    stale = Entry.objects.get(pk=entry.pk)
    end_session(entry, by=host, now=NOW)
    with pytest.raises(ConflictError):
        open_doors(stale, by=host, now=NOW)
    assert doors_of(entry)[0] == "ended"
