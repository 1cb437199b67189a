"""Who somebody is at an entry, by launch and by pass (design §3.3, §10 numbers 4, 6 and 7)."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from common.errors import RefusedError
from lti_tool.identity import live_tab
from lti_tool.models import Course, Deployment, Membership, Placement, Platform, Tab
from lti_tool.roles import ApplicationRole, Right
from rooms.access import (
    Viewer,
    entry_of_id,
    viewer_by_pass,
    viewer_by_tab,
    viewer_in_absence,
    viewer_of,
)
from rooms.models import Binding, Collaborator, Entry
from rooms.policy.rights import POWERS, Power
from rooms.policy.roles import Role
from tests.factories.lti import (
    make_course,
    make_member,
    make_person,
    make_placement,
    make_tab,
    make_tenant,
)
from tests.factories.rooms import (
    make_entry,
    make_guest,
    make_participant,
    make_pass,
    make_placed_entry,
)

pytestmark = pytest.mark.django_db


@dataclass
class Scene:
    """An entry that a link of a course shows."""

    course: Course
    entry: Entry
    placement: Placement

    def launch(
        self,
        right: Right = Right.OWNER,
        application_role: ApplicationRole = ApplicationRole.ADMIN,
        *,
        course: Course | None = None,
        **values: object,
    ) -> Tab:
        """Somebody launches from the course's link, or from another course's."""
        member = make_member(course or self.course, right=right, application_role=application_role)
        tab, _secret = make_tab(member, None if course else self.placement, **values)
        return tab

    def name(self, tab: Tab, right: Right) -> None:
        """Give the tab's person a right by name."""
        Collaborator.objects.create(entry=self.entry, person=tab.person, right=right.value)


@pytest.fixture
def scene() -> Scene:
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(course)
    return Scene(course, entry, placement)


def powers(viewer: Viewer | None) -> frozenset[Power]:
    assert viewer is not None
    return viewer.powers


# --- By launch ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("right", list(Right))
@pytest.mark.parametrize("application_role", list(ApplicationRole))
def test_the_course_right_counts_unless_the_launch_is_a_viewers(
    scene: Scene, right: Right, application_role: ApplicationRole
) -> None:
    viewer = viewer_by_tab(scene.entry, scene.launch(right, application_role))
    expected = frozenset() if application_role == ApplicationRole.VIEWER else POWERS[right]
    assert powers(viewer) == expected
    assert viewer is not None
    assert viewer.role == (Role.HOST if Power.HOST in expected else Role.VIEWER)


def test_another_link_of_the_course_gives_the_same(scene: Scene) -> None:
    member = make_member(scene.course)
    tab, _secret = make_tab(member, make_placement(scene.course))
    assert powers(viewer_by_tab(scene.entry, tab)) == POWERS[Right.OWNER]


def test_a_link_without_a_course_still_shows_its_own_entry(scene: Scene) -> None:
    scene.placement.course = None
    scene.placement.save()
    member = make_member(scene.course)
    tab, _secret = make_tab(member, scene.placement, course=None)
    assert powers(viewer_by_tab(scene.entry, tab)) == POWERS[Right.OWNER]


def test_another_course_gives_nothing(scene: Scene) -> None:
    elsewhere = make_course(scene.course.tenant)
    assert viewer_by_tab(scene.entry, scene.launch(course=elsewhere)) is None


def test_a_course_that_shows_the_entry_as_well_gives_its_right(scene: Scene) -> None:
    elsewhere = make_course(scene.course.tenant)
    Binding.objects.create(placement=make_placement(elsewhere), entry=scene.entry)
    tab = scene.launch(Right.CO_EDITOR, course=elsewhere)
    assert powers(viewer_by_tab(scene.entry, tab)) == POWERS[Right.CO_EDITOR]


def test_another_entry_of_nobody_is_not_shown(scene: Scene) -> None:
    assert viewer_by_tab(make_entry(scene.course.tenant), scene.launch()) is None


def test_another_tenant_sees_nothing_even_with_rows_that_cross(scene: Scene) -> None:
    foreign = make_course(make_tenant())
    link = make_placement(foreign)
    tab, _secret = make_tab(make_member(foreign), link)
    Binding.objects.create(placement=link, entry=scene.entry)
    Collaborator.objects.create(entry=scene.entry, person=tab.person, right=Right.OWNER)
    make_participant(scene.entry, person=tab.person)
    assert viewer_by_tab(scene.entry, tab) is None


def test_two_deployments_of_one_registration_as_two_tenants_see_nothing_of_each_other(scene: Scene) -> None:
    sibling = make_tenant(platform=scene.course.tenant.platform)
    assert viewer_by_tab(scene.entry, scene.launch(course=make_course(sibling))) is None


# --- By name ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("right", [right for right in Right if right != Right.NONE])
def test_a_right_by_name_counts_from_another_course(scene: Scene, right: Right) -> None:
    tab = scene.launch(Right.NONE, ApplicationRole.PRIVATE_ONLY, course=make_course(scene.course.tenant))
    scene.name(tab, right)
    assert powers(viewer_by_tab(scene.entry, tab)) == POWERS[right]


def test_rights_by_course_and_by_name_add_up(scene: Scene) -> None:
    tab = scene.launch(Right.CO_EDITOR, ApplicationRole.PRIVATE_ONLY)
    scene.name(tab, Right.CO_PUBLISHER)
    expected = POWERS[Right.CO_EDITOR] | POWERS[Right.CO_PUBLISHER]
    assert powers(viewer_by_tab(scene.entry, tab)) == expected


@pytest.mark.parametrize("right", [right for right in Right if right != Right.NONE])
def test_a_right_by_name_is_nothing_to_somebody_who_is_a_viewer_everywhere(
    scene: Scene, right: Right
) -> None:
    tab = scene.launch(Right.NONE, ApplicationRole.VIEWER)
    scene.name(tab, right)
    viewer = viewer_by_tab(scene.entry, tab)
    assert powers(viewer) == frozenset()
    assert viewer is not None
    assert viewer.role == Role.VIEWER


def test_a_right_by_name_counts_with_the_highest_standing_of_all_courses(scene: Scene) -> None:
    tab = scene.launch(Right.NONE, ApplicationRole.VIEWER)
    scene.name(tab, Right.CO_OWNER)
    make_member(
        make_course(scene.course.tenant),
        person=tab.person,
        right=Right.OWNER,
        application_role=ApplicationRole.ADMIN,
    )
    viewer = viewer_by_tab(scene.entry, tab)
    assert powers(viewer) == POWERS[Right.CO_OWNER]
    assert viewer is not None
    assert viewer.application_role == ApplicationRole.ADMIN


def test_a_high_standing_elsewhere_is_nothing_without_a_right_by_name(scene: Scene) -> None:
    tab = scene.launch(Right.OWNER, ApplicationRole.VIEWER)
    make_member(make_course(scene.course.tenant), person=tab.person)
    viewer = viewer_by_tab(scene.entry, tab)
    assert powers(viewer) == frozenset()
    assert viewer is not None
    assert viewer.application_role == ApplicationRole.VIEWER


@pytest.mark.parametrize("status", [Membership.Status.INACTIVE, Membership.Status.DELETED])
def test_a_membership_that_ended_lends_no_standing(scene: Scene, status: Membership.Status) -> None:
    tab = scene.launch(Right.NONE, ApplicationRole.VIEWER)
    scene.name(tab, Right.CO_OWNER)
    member = make_member(make_course(scene.course.tenant), person=tab.person)
    member.status = status
    member.save()
    assert powers(viewer_by_tab(scene.entry, tab)) == frozenset()


def test_a_membership_in_a_disabled_deployment_lends_no_standing(scene: Scene) -> None:
    tenant = scene.course.tenant
    disabled = Deployment.objects.create(
        platform=tenant.platform, tenant=tenant, deployment_id="off", state=Deployment.State.DISABLED
    )
    tab = scene.launch(Right.NONE, ApplicationRole.VIEWER)
    scene.name(tab, Right.CO_OWNER)
    make_member(make_course(tenant, deployment=disabled), person=tab.person)
    assert powers(viewer_by_tab(scene.entry, tab)) == frozenset()


# --- By a granted role ----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["viewer", "moderator", "speaker"])
def test_a_granted_role_holds_for_a_person_from_another_course_without_any_power(
    scene: Scene, role: str
) -> None:
    tab = scene.launch(course=make_course(scene.course.tenant))
    make_participant(scene.entry, person=tab.person, role=role)
    viewer = viewer_by_tab(scene.entry, tab)
    assert viewer is not None
    assert (viewer.role, viewer.powers) == (Role(role), frozenset())


def test_a_host_stays_host_beside_a_granted_role(scene: Scene) -> None:
    tab = scene.launch()
    make_participant(scene.entry, person=tab.person, role="viewer")
    viewer = viewer_by_tab(scene.entry, tab)
    assert viewer is not None
    assert viewer.role == Role.HOST


def test_a_removed_learner_is_out_and_a_removed_host_is_not(scene: Scene) -> None:
    learner = scene.launch(Right.NONE, ApplicationRole.VIEWER)
    host = scene.launch()
    for tab in (learner, host):
        make_participant(scene.entry, person=tab.person, role="", removed_at=timezone.now())
    assert viewer_by_tab(scene.entry, learner) is None
    assert powers(viewer_by_tab(scene.entry, host)) == POWERS[Right.OWNER]
    publisher = scene.launch(Right.CO_PUBLISHER)
    assert viewer_by_tab(scene.entry, publisher) is not None
    make_participant(scene.entry, person=publisher.person, role="", removed_at=timezone.now())
    assert viewer_by_tab(scene.entry, publisher) is None, "whoever does not host can be shown out"


def test_a_granted_role_ends_with_its_time(scene: Scene) -> None:
    tab = scene.launch(course=make_course(scene.course.tenant))
    make_participant(scene.entry, person=tab.person, granted_until=timezone.now() - timedelta(seconds=1))
    assert viewer_by_tab(scene.entry, tab) is None


def test_a_granted_role_ends_with_the_session(scene: Scene) -> None:
    tab = scene.launch(course=make_course(scene.course.tenant))
    make_participant(scene.entry, person=tab.person, role="speaker")
    now = timezone.now()
    scene.entry.starts_at, scene.entry.ends_at = now - timedelta(hours=3), now - timedelta(hours=2)
    scene.entry.save()
    assert viewer_by_tab(scene.entry, tab) is None


# --- A tab that has ended -------------------------------------------------------------------------------


def _live(tab: Tab, secret: str) -> Tab | None:
    return live_tab(tab.handle, secret)


def test_a_tab_ends_with_person_deployment_platform_roster_and_time(scene: Scene) -> None:
    member = make_member(scene.course)
    tab, secret = make_tab(member, scene.placement)
    assert _live(tab, secret) == tab
    assert _live(tab, "guessed") is None
    person, deployment, platform = member.person, tab.deployment, tab.deployment.platform
    for row, name, off, on in (
        (person, "is_disabled", True, False),
        (deployment, "state", Deployment.State.DISABLED, Deployment.State.ACTIVE),
        (deployment, "state", Deployment.State.PENDING, Deployment.State.ACTIVE),
        (platform, "state", Platform.State.DISABLED, Platform.State.ACTIVE),
        (platform, "state", Platform.State.WAITING, Platform.State.ACTIVE),
        (tab, "ended_at", timezone.now(), None),
        (tab, "expires_at", timezone.now(), timezone.now() + timedelta(hours=1)),
    ):
        if name == "expires_at":
            tab.launched_at = timezone.now() - timedelta(hours=8)
        setattr(row, name, off)
        row.save()
        assert _live(tab, secret) is None, name
        setattr(row, name, on)
        row.save()
        assert _live(tab, secret) == tab, name


@pytest.mark.parametrize("status", [Membership.Status.INACTIVE, Membership.Status.DELETED])
def test_a_roster_newer_than_the_launch_ends_the_tab(scene: Scene, status: Membership.Status) -> None:
    member = make_member(scene.course)
    tab, secret = make_tab(member, scene.placement)
    member.status, member.listed_at = status, timezone.now() + timedelta(seconds=1)
    member.save()
    assert _live(tab, secret) is None
    member.listed_at = tab.launched_at - timedelta(seconds=1)
    member.save()
    assert _live(tab, secret) == tab, "a launch newer than the fetch wins"


def test_absence_from_the_roster_ends_no_tab(scene: Scene) -> None:
    member = make_member(scene.course)
    tab, secret = make_tab(member, scene.placement)
    member.status, member.listed_at = Membership.Status.ABSENT, timezone.now() + timedelta(seconds=1)
    member.save()
    assert _live(tab, secret) == tab


# --- By pass ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["viewer", "moderator", "speaker"])
def test_a_pass_gives_its_role_and_no_power(scene: Scene, role: str) -> None:
    participant = make_participant(scene.entry, guest=make_guest(scene.course.tenant), role=role)
    held, secret = make_pass(participant)
    viewer = viewer_by_pass(scene.entry, secret)
    assert viewer is not None
    assert (viewer.role, viewer.powers, viewer.pass_id) == (Role(role), frozenset(), held.pk)


def test_a_pass_of_an_instructor_carries_nothing_of_theirs(scene: Scene) -> None:
    person = make_member(scene.course).person
    _held, secret = make_pass(make_participant(scene.entry, person=person, role="viewer"))
    viewer = viewer_by_pass(scene.entry, secret)
    assert viewer is not None
    assert (viewer.role, viewer.powers, viewer.name) == (Role.VIEWER, frozenset(), person.shown_name)
    assert viewer.application_role == ApplicationRole.VIEWER


def test_a_pass_reaches_no_other_entry(scene: Scene) -> None:
    _held, secret = make_pass(make_participant(scene.entry, guest=make_guest(scene.course.tenant)))
    other, _placement = make_placed_entry(scene.course)
    assert viewer_by_pass(other, secret) is None


@pytest.mark.parametrize("secret", ["", "guessed"])
def test_a_secret_that_is_no_pass_opens_nothing(scene: Scene, secret: str) -> None:
    make_pass(make_participant(scene.entry, guest=make_guest(scene.course.tenant)))
    assert viewer_by_pass(scene.entry, secret) is None


def test_an_ended_pass_a_removed_guest_and_a_withdrawn_role_open_nothing(scene: Scene) -> None:
    now = timezone.now()
    tenant = scene.course.tenant
    _held, ended = make_pass(
        make_participant(scene.entry, guest=make_guest(tenant, "a@example.org")), ended_at=now
    )
    _held, removed = make_pass(
        make_participant(scene.entry, guest=make_guest(tenant, "b@example.org"), removed_at=now)
    )
    _held, withdrawn = make_pass(
        make_participant(scene.entry, guest=make_guest(tenant, "c@example.org"), role="")
    )
    _held, past = make_pass(
        make_participant(scene.entry, guest=make_guest(tenant, "d@example.org"), granted_until=now)
    )
    assert [viewer_by_pass(scene.entry, secret) for secret in (ended, removed, withdrawn, past)] == [None] * 4


def test_a_pass_of_a_scheduled_entry_holds_until_the_session_ends_whatever_the_link_says(
    scene: Scene,
) -> None:
    now = timezone.now()
    scene.entry.starts_at, scene.entry.ends_at = now - timedelta(hours=1), now - timedelta(minutes=5)
    scene.entry.save()
    participant = make_participant(
        scene.entry, guest=make_guest(scene.course.tenant), granted_until=now - timedelta(minutes=30)
    )
    _held, secret = make_pass(participant)
    assert viewer_by_pass(scene.entry, secret) is not None
    scene.entry.doors, scene.entry.doors_changed_at = Entry.Doors.ENDED, now
    scene.entry.save()
    assert viewer_by_pass(scene.entry, secret) is None


def test_a_pass_of_a_disabled_person_opens_nothing(scene: Scene) -> None:
    person = make_person(scene.course.tenant, is_disabled=True)
    _held, secret = make_pass(make_participant(scene.entry, person=person))
    assert viewer_by_pass(scene.entry, secret) is None


def test_a_tab_is_asked_before_a_pass(scene: Scene) -> None:
    _held, secret = make_pass(make_participant(scene.entry, guest=make_guest(scene.course.tenant)))
    stranger = scene.launch(course=make_course(scene.course.tenant))
    assert viewer_of(scene.entry, tab=stranger, pass_secret=secret) is None
    found = viewer_of(scene.entry, tab=None, pass_secret=secret)
    assert found is not None
    assert found.guest_id is not None


# --- Doors of the code ------------------------------------------------------------------------------------


def test_a_deleted_entry_and_one_of_a_disabled_platform_are_nobodys(scene: Scene) -> None:
    assert entry_of_id(scene.entry.pk) == scene.entry
    platform = scene.course.tenant.platform
    platform.state = Platform.State.DISABLED
    platform.save()
    assert entry_of_id(scene.entry.pk) is None
    platform.state = Platform.State.ACTIVE
    platform.save()
    scene.entry.deleted_at = timezone.now()
    scene.entry.save()
    assert entry_of_id(scene.entry.pk) is None


def test_a_power_that_is_missing_is_a_refusal_that_names_it(scene: Scene) -> None:
    viewer = viewer_by_tab(scene.entry, scene.launch(Right.CO_EDITOR))
    assert viewer is not None
    viewer.must(Power.EDIT)
    with pytest.raises(RefusedError) as refused:
        viewer.must(Power.DELETE)
    assert refused.value.code == "no_delete"


# --- In absence ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("right", list(Right))
@pytest.mark.parametrize("application_role", list(ApplicationRole))
def test_in_absence_somebody_is_what_their_latest_launch_said(
    scene: Scene, right: Right, application_role: ApplicationRole
) -> None:
    tab = scene.launch(right, application_role)
    assert viewer_in_absence(scene.entry, tab.person).powers == powers(viewer_by_tab(scene.entry, tab))


def test_in_absence_a_right_by_name_and_one_of_another_course_are_added_up(scene: Scene) -> None:
    tab = scene.launch(Right.NONE, course=make_course(scene.course.tenant))
    assert viewer_in_absence(scene.entry, tab.person).powers == frozenset()
    scene.name(tab, Right.CO_PUBLISHER)
    assert viewer_in_absence(scene.entry, tab.person).powers == POWERS[Right.CO_PUBLISHER]
    make_member(scene.course, person=tab.person, right=Right.CO_EDITOR)
    both = POWERS[Right.CO_PUBLISHER] | POWERS[Right.CO_EDITOR]
    assert viewer_in_absence(scene.entry, tab.person).powers == both


def test_in_absence_nobody_keeps_what_has_ended(scene: Scene) -> None:
    tab = scene.launch()
    Membership.objects.update(status=Membership.Status.INACTIVE)
    assert viewer_in_absence(scene.entry, tab.person).powers == frozenset()
    Membership.objects.update(status=Membership.Status.ABSENT)
    assert viewer_in_absence(scene.entry, tab.person).powers == POWERS[Right.OWNER]
    Deployment.objects.update(state=Deployment.State.DISABLED)
    assert viewer_in_absence(scene.entry, tab.person).powers == frozenset()
    Deployment.objects.update(state=Deployment.State.ACTIVE)
    tab.person.is_disabled = True
    assert viewer_in_absence(scene.entry, tab.person).powers == frozenset()


def test_in_absence_a_person_of_another_tenant_is_nobody(scene: Scene) -> None:
    stranger = make_member(make_course(make_tenant())).person
    Collaborator.objects.create(entry=scene.entry, person=stranger, right=Right.OWNER)
    assert viewer_in_absence(scene.entry, stranger).powers == frozenset()


MANAGING = ["edit", "delete", "place", "owner", "collaborators", "collaborators/people"]


@pytest.mark.parametrize("page", MANAGING)
@pytest.mark.parametrize("role", ["viewer", "moderator", "speaker"])
def test_a_pass_reaches_no_page_of_managing(client: Client, scene: Scene, page: str, role: str) -> None:
    _held, secret = make_pass(make_participant(scene.entry, guest=make_guest(scene.course.tenant), role=role))
    client.cookies["foyer-pass"] = secret
    address = f"/media/{scene.entry.pk}/{page}/"
    answers = {client.get(address).status_code, client.post(address).status_code}
    assert answers in ({403}, {403, 405}), "refused, by the methods that it has"
    scene.entry.refresh_from_db()
    assert scene.entry.deleted_at is None


@pytest.mark.parametrize("page", MANAGING)
def test_an_address_alone_admits_nobody(client: Client, scene: Scene, page: str) -> None:
    assert client.get(f"/media/{scene.entry.pk}/{page}/").status_code == 404


@pytest.mark.parametrize("address", ["/", "/setup/"])
def test_the_pages_of_a_launch_ask_everybody_else_to_launch(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 403
    assert "course" in answer.content.decode()
