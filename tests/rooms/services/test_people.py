"""What is done about one person is asked of that person's pages alone: a room may have thousands."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from common.errors import RefusedError, ThrottledError
from rooms.access import Viewer, viewer_by_pass, viewer_by_tab
from rooms.events import StandingChanged
from rooms.models import Entry, Participant, Pass
from rooms.policy.roles import Role
from rooms.queries import PEOPLE_FOUND, PEOPLE_SHOWN, people_in
from rooms.services.people import find_people, give_role, mute_participant, remove_participant
from rooms.services.presence import with_participant
from tests.factories.lti import make_course, make_member, make_person, make_tab, make_tenant
from tests.factories.rooms import make_entry, make_guest, make_participant, make_pass, make_placed_entry

pytestmark = pytest.mark.django_db

NOW = timezone.now()
Act = Callable[[Entry, Participant, Viewer], None]

ACTS: dict[str, Act] = {
    "mute": lambda entry, guest, by: mute_participant(entry, guest.pk, by=by, is_muted=True, now=NOW),
    "promote": lambda entry, guest, by: give_role(entry, guest.pk, Role.SPEAKER, by=by, now=NOW),
    "remove": lambda entry, guest, by: remove_participant(entry, guest.pk, by=by, now=NOW),
}


@pytest.mark.parametrize("act", ACTS)
def test_one_is_asked_for_one(
    act: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(course)
    host = viewer_by_tab(entry, make_tab(make_member(course), placement)[0])
    assert host is not None
    until = NOW + timedelta(days=1)
    guest = make_participant(entry, guest=make_guest(course.tenant), granted_until=until)
    make_pass(guest)
    with django_capture_on_commit_callbacks() as callbacks:
        ACTS[act](entry, guest, with_participant(entry, by=host))
    events = [event for each in callbacks for event in getattr(each, "args", ())]
    standings = [event for event in events if isinstance(event, StandingChanged)]
    assert {event.participants for event in standings} == {(str(guest.pk),)}
    assert Pass.objects.filter(ended_at=None).exists() == (act != "remove")


# --- Somebody by name


@pytest.fixture
def host() -> tuple[Entry, Viewer]:
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(course)
    person = make_person(course.tenant, name="Zoe Host", email="zoe@campus.example")
    viewer = viewer_by_tab(entry, make_tab(make_member(course, person=person), placement)[0])
    assert viewer is not None
    return entry, with_participant(entry, by=viewer)


def come(
    entry: Entry, first: str, last: str = "", *, email: str = "", role: str = "viewer", **values: object
) -> Participant:
    """A guest who is here."""
    guest = make_guest(entry.tenant, email or f"{first}.{last}@x.example", first_name=first, last_name=last)
    participant = make_participant(entry, guest=guest, role=role, seen_at=NOW)
    for name, value in values.items():
        setattr(participant, name, value)
    participant.save()
    return participant


def names(entry: Entry, by: Viewer, typed: str) -> list[str]:
    return [each.name for each in find_people(entry, typed, by=by, now=NOW).shown]


def test_whoever_the_list_does_not_show_is_found(host: tuple[Entry, Viewer]) -> None:
    entry, by = host
    for number in range(PEOPLE_SHOWN):
        come(entry, f"Guest{number}")
    last = come(entry, "Jürgen", "Müller")
    assert str(last.pk) not in {each.id for each in people_in(entry.pk, now=NOW).shown}
    for typed in ("mueller", "MÜLL", "jurgen mul", "Müller, Jürgen"):
        (found,) = find_people(entry, typed, by=by, now=NOW).shown
        assert (found.id, found.name, found.role) == (str(last.pk), "Jürgen Müller", "viewer")
    many = find_people(entry, "guest", by=by, now=NOW)
    assert (len(many.shown), many.total) == (PEOPLE_FOUND, PEOPLE_SHOWN)


def test_only_those_are_found_who_are_here(host: tuple[Entry, Viewer]) -> None:
    entry, by = host
    come(entry, "Ana", "Gone", left_at=NOW)
    come(entry, "Ana", "Removed", removed_at=NOW)
    come(entry, "Ana", "Earlier", seen_at=NOW - timedelta(minutes=5))
    come(make_entry(entry.tenant), "Ana", "Elsewhere")
    come(entry, "Ana", "Present")
    assert names(entry, by, "ana") == ["Ana Present"]


def test_names_are_found_with_and_without_an_address_and_addresses_never(host: tuple[Entry, Viewer]) -> None:
    entry, by = host
    bare = make_person(entry.tenant, name="Søren Bare", given_name="Søren", family_name="Bare", email="")
    unnamed = make_person(entry.tenant, name="", given_name="", family_name="", email="quokka@y.example")
    for person in (bare, unnamed):
        make_participant(entry, person=person, role="", seen_at=NOW)
    come(entry, "", "", email="wombat@x.example")
    come(entry, "Asoren", "Inside", email="numbat@x.example")
    assert names(entry, by, "soren") == ["Søren Bare", "Asoren Inside"]
    assert names(entry, by, "so\0ren") == ["Asoren Inside", "Søren Bare"]  # two words, as far as they count
    assert names(entry, by, unnamed.shown_name) == [unnamed.shown_name]
    assert names(entry, by, "gues") == ["Guest"]
    for typed in ("quokka", "wombat", "numbat", "x.example", "%", "", "a", "_" * 40_000):
        assert names(entry, by, typed) == []


def test_a_search_is_the_teams(host: tuple[Entry, Viewer]) -> None:
    entry, _by = host
    tomorrow = NOW + timedelta(days=1)
    for role, may in (("speaker", True), ("moderator", True), ("viewer", False)):
        somebody = come(entry, role.title(), role=role, granted_until=tomorrow)
        viewer = viewer_by_pass(entry, make_pass(somebody)[1])
        assert viewer is not None
        if may:
            assert names(entry, viewer, role) == [role.title()]
        else:
            with pytest.raises(RefusedError) as refused:
                find_people(entry, role, by=viewer, now=NOW)
            assert refused.value.code == "not_your_role"


def test_searches_have_a_pace(host: tuple[Entry, Viewer]) -> None:
    entry, by = host
    for _time in range(20):
        names(entry, by, "zoe")
    with pytest.raises(ThrottledError):
        names(entry, by, "zoe")
