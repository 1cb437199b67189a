"""Rights given by name, and owners."""

from dataclasses import dataclass
from functools import partial
from threading import Barrier, Thread

import pytest
from django.db import connection
from pytest_django import DjangoCaptureOnCommitCallbacks

from common.errors import AppError, ConflictError, MissingError, RefusedError
from lti_tool.models import Course, Placement
from lti_tool.roles import ApplicationRole, Right
from rooms.access import Viewer, viewer_by_tab
from rooms.events import StandingChanged
from rooms.models import Collaborator, Entry
from rooms.policy.rights import POWERS
from rooms.services.collaborators import change_owner, give_right, take_right
from tests.factories.lti import make_course, make_member, make_person, make_tab, make_tenant
from tests.factories.rooms import make_placed_entry

pytestmark = pytest.mark.django_db

CO_EDITOR = Collaborator.Right.CO_EDITOR
CO_OWNER = Collaborator.Right.CO_OWNER
OWNER = Collaborator.Right.OWNER
Capture = DjangoCaptureOnCommitCallbacks


@dataclass
class Scene:
    """A room in a course."""

    course: Course
    entry: Entry
    placement: Placement

    def viewer(self, right: Right = Right.OWNER) -> Viewer:
        tab, _secret = make_tab(make_member(self.course, right=right), self.placement)
        viewer = viewer_by_tab(self.entry, tab)
        assert viewer is not None
        return viewer

    def rights(self) -> dict[str, str]:
        return {row.person.name: row.right for row in self.entry.collaborators.select_related("person")}


@pytest.fixture
def scene() -> Scene:
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(course)
    return Scene(course, entry, placement)


@pytest.mark.parametrize("right", [right for right in Collaborator.Right if right != OWNER])
def test_a_given_right_works_at_once_and_giving_again_changes_it(
    scene: Scene, right: Collaborator.Right, django_capture_on_commit_callbacks: Capture
) -> None:
    elsewhere = make_member(
        make_course(scene.course.tenant), right=Right.NONE, application_role=ApplicationRole.PRIVATE_ONLY
    )
    tab, _secret = make_tab(elsewhere)
    assert viewer_by_tab(scene.entry, tab) is None
    host = scene.viewer()
    with django_capture_on_commit_callbacks() as callbacks:
        given = give_right(scene.entry, elsewhere.person, right=right, by=host)
    assert [call.args for call in callbacks if isinstance(call, partial)] == [
        (StandingChanged(scene.entry.pk),)
    ]
    viewer = viewer_by_tab(scene.entry, tab)
    assert viewer is not None
    assert viewer.powers == POWERS[Right(right.value)]
    again = give_right(scene.entry, elsewhere.person, right=CO_EDITOR, by=host)
    assert (again.pk, again.right) == (given.pk, CO_EDITOR)
    assert Collaborator.objects.count() == 1


@pytest.mark.parametrize("right", [Right.CO_EDITOR, Right.CO_PUBLISHER, Right.NONE])
def test_only_owners_and_co_owners_decide(scene: Scene, right: Right) -> None:
    viewer = scene.viewer(right)
    person = make_person(scene.course.tenant)
    held = Collaborator.objects.create(entry=scene.entry, person=person, right=CO_EDITOR)
    with pytest.raises(RefusedError):
        give_right(scene.entry, make_person(scene.course.tenant), right=CO_OWNER, by=viewer)
    with pytest.raises(RefusedError):
        take_right(held, by=viewer)
    with pytest.raises(RefusedError):
        change_owner(scene.entry, person, instead_of=None, by=viewer)
    assert list(Collaborator.objects.values_list("right", flat=True)) == [CO_EDITOR]


def test_the_power_over_one_room_is_none_over_another(scene: Scene) -> None:
    viewer = scene.viewer()
    other, _link = make_placed_entry(scene.course)
    person = make_person(scene.course.tenant)
    held = Collaborator.objects.create(entry=other, person=person, right=CO_EDITOR)
    with pytest.raises(MissingError):
        give_right(other, person, right=CO_OWNER, by=viewer)
    with pytest.raises(MissingError):
        take_right(held, by=viewer)
    with pytest.raises(MissingError):
        change_owner(other, person, instead_of=None, by=viewer)


def test_people_of_another_tenant_and_disabled_people_get_nothing(scene: Scene) -> None:
    viewer = scene.viewer()
    for person in (make_person(make_tenant()), make_person(scene.course.tenant, is_disabled=True)):
        with pytest.raises(MissingError):
            give_right(scene.entry, person, right=CO_EDITOR, by=viewer)
        with pytest.raises(MissingError):
            change_owner(scene.entry, person, instead_of=None, by=viewer)
    assert not Collaborator.objects.exists()


def test_the_owners_right_is_neither_given_nor_changed_nor_taken(scene: Scene) -> None:
    viewer = scene.viewer()
    ana, ben = (make_person(scene.course.tenant, name=name) for name in ("Ana", "Ben"))
    held = Collaborator.objects.create(entry=scene.entry, person=ana, right=OWNER)
    with pytest.raises(RefusedError):
        give_right(scene.entry, ben, right=OWNER, by=viewer)
    with pytest.raises(RefusedError):
        give_right(scene.entry, ana, right=CO_EDITOR, by=viewer)
    with pytest.raises(RefusedError):
        take_right(held, by=viewer)
    assert scene.rights() == {"Ana": "owner"}


def test_a_right_taken_away_is_gone_at_once(
    scene: Scene, django_capture_on_commit_callbacks: Capture
) -> None:
    elsewhere = make_member(make_course(scene.course.tenant))
    tab, _secret = make_tab(elsewhere)
    host = scene.viewer()
    held = give_right(scene.entry, elsewhere.person, right=CO_OWNER, by=host)
    with django_capture_on_commit_callbacks() as callbacks:
        take_right(held, by=host)
    assert [call.args for call in callbacks if isinstance(call, partial)] == [
        (StandingChanged(scene.entry.pk),)
    ]
    assert viewer_by_tab(scene.entry, tab) is None
    take_right(held, by=host)  # twice is once


def test_a_new_owner_and_the_old_one_a_co_owner(scene: Scene) -> None:
    viewer = scene.viewer()
    ana, ben = (make_person(scene.course.tenant, name=name) for name in ("Ana", "Ben"))
    change_owner(scene.entry, ana, instead_of=None, by=viewer)
    assert scene.rights() == {"Ana": "owner"}
    give_right(scene.entry, ben, right=CO_EDITOR, by=viewer)
    change_owner(scene.entry, ben, instead_of=ana.pk, by=viewer)
    assert scene.rights() == {"Ana": "co_owner", "Ben": "owner"}
    change_owner(scene.entry, ben, instead_of=ben.pk, by=viewer)
    assert scene.rights() == {"Ana": "co_owner", "Ben": "owner"}


def test_whoever_saw_another_owner_is_told_and_nothing_changes(scene: Scene) -> None:
    viewer = scene.viewer()
    ana, ben, cem = (make_person(scene.course.tenant, name=name) for name in ("Ana", "Ben", "Cem"))
    change_owner(scene.entry, ana, instead_of=None, by=viewer)
    change_owner(scene.entry, ben, instead_of=ana.pk, by=viewer)
    for seen in (None, ana.pk):
        with pytest.raises(ConflictError):
            change_owner(scene.entry, cem, instead_of=seen, by=viewer)
    assert scene.rights() == {"Ana": "co_owner", "Ben": "owner"}


@pytest.mark.django_db(transaction=True)
def test_two_changes_of_owner_at_once_leave_one_owner() -> None:
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(course)
    scene = Scene(course, entry, placement)
    viewer = scene.viewer()
    ana = make_person(course.tenant, name="Ana")
    change_owner(entry, ana, instead_of=None, by=viewer)
    heirs = [make_person(course.tenant, name=f"Heir {number}") for number in range(4)]
    started = Barrier(len(heirs))
    outcomes: list[str] = []

    def inherit(number: int) -> None:
        try:
            started.wait(timeout=20)
            change_owner(entry, heirs[number], instead_of=ana.pk, by=viewer)
            outcomes.append("won")
        except AppError as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [Thread(target=inherit, args=(number,)) for number in range(len(heirs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(outcomes) == ["owner_changed", "owner_changed", "owner_changed", "won"]
    assert sorted(scene.rights().values()) == ["co_owner", "owner"]
