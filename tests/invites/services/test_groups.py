"""Groups: made, changed and deleted, with their line in the log; the staff of a course is asked live."""

from datetime import UTC, datetime

import pytest

from common.errors import MissingError
from invites.models import AuditEvent, Group
from invites.queries import groups_with, is_named_in, members_of, settings_for, sizes_of
from invites.services.groups import GroupContent, GroupNameTakenError, change_group, delete_group, make_group
from lti_tool.models import Course, Membership, Person, Tenant
from lti_tool.roles import Right
from tests.factories.invites import make_settings
from tests.factories.lti import make_course, make_member, make_person, make_tenant

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BY = "operator:1"


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant()


def made(
    tenant: Tenant, name: str = "Events", *, people: tuple[Person, ...] = (), courses: tuple[Course, ...] = ()
) -> Group:
    content = GroupContent(
        name, tuple(person.pk for person in people), tuple(course.pk for course in courses)
    )
    return make_group(tenant, content, by=BY, now=NOW)


def names(tenant: Tenant, *groups: Group) -> None:
    """AllowedUsers names these groups."""
    make_settings(tenant, allowed_users="named").allowed_groups.set(groups)


def may(person: Person) -> bool:
    return is_named_in(settings_for(person.tenant), person.pk)


def test_people_of_a_named_group_are_named(tenant: Tenant) -> None:
    ana, ben = make_person(tenant), make_person(tenant)
    names(tenant, made(tenant, people=(ana,)))
    assert may(ana)
    assert not may(ben)


def test_a_group_that_is_not_ticked_names_nobody(tenant: Tenant) -> None:
    ana = make_person(tenant)
    made(tenant, people=(ana,))
    make_settings(tenant, allowed_users="named")
    assert not may(ana)


def test_the_staff_of_a_course_comes_and_goes_with_the_course(tenant: Tenant) -> None:
    course = make_course(tenant)
    teacher = make_member(course, right=Right.OWNER).person
    assistant = make_member(course, right=Right.CO_EDITOR).person
    learner = make_member(course, right=Right.NONE).person
    names(tenant, made(tenant, courses=(course,)))
    assert (may(teacher), may(assistant), may(learner)) == (True, True, False)

    Membership.objects.filter(person=assistant).update(right=Right.NONE.value)
    Membership.objects.filter(person=learner).update(right=Right.CO_EDITOR.value)
    assert (may(teacher), may(assistant), may(learner)) == (True, False, True)


@pytest.mark.parametrize(
    ("status", "counts"),
    [("active", True), ("absent", True), ("inactive", False), ("deleted", False)],
)
def test_who_is_said_to_be_gone_is_no_staff_and_who_is_left_out_of_a_roster_still_is(
    tenant: Tenant, status: str, counts: bool
) -> None:
    membership = make_member(make_course(tenant))
    names(tenant, made(tenant, courses=(membership.course,)))
    Membership.objects.filter(pk=membership.pk).update(status=status)
    assert may(membership.person) is counts


def test_rights_in_another_course_are_none_in_this_one(tenant: Tenant) -> None:
    teacher = make_member(make_course(tenant)).person
    names(tenant, made(tenant, courses=(make_course(tenant),)))
    assert not may(teacher)


def test_nothing_of_another_tenant_counts(tenant: Tenant) -> None:
    """Not even where a row says so that no service of ours writes."""
    other = make_tenant()
    stranger, foreign = make_person(other), make_course(other)
    visitor = make_member(foreign).person
    group = made(tenant, people=(stranger,), courses=(foreign,))
    assert (list(group.people.all()), list(group.courses.all())) == ([], [])

    group.people.add(stranger)
    group.courses.add(foreign)
    names(tenant, group)
    assert not is_named_in(settings_for(tenant), stranger.pk)
    assert not is_named_in(settings_for(tenant), visitor.pk)
    names(other, group)
    assert not may(stranger)
    assert not groups_with(other.pk, stranger.pk).exists()


def test_members_say_why_they_are_in(tenant: Tenant) -> None:
    course = make_course(tenant, title="Biology")
    ana = make_person(tenant, family_name="A")
    both = make_member(course, person=make_person(tenant, family_name="B")).person
    staff = make_member(course, person=make_person(tenant, family_name="C")).person
    group = made(tenant, people=(ana, both), courses=(course,))
    assert [(one.person, one.is_named, one.courses) for one in members_of(group)] == [
        (ana, True, ()),
        (both, True, (course,)),
        (staff, False, (course,)),
    ]
    assert sizes_of([group, made(tenant, "Empty")]) == {group.pk: 3, group.pk + 1: 0}


def test_groups_cost_the_same_for_few_and_many(tenant: Tenant, django_assert_num_queries: object) -> None:
    rows = [
        made(tenant, f"Group {number}", courses=(make_member(make_course(tenant)).course,))
        for number in range(4)
    ]
    for some in (rows[:1], rows):
        with django_assert_num_queries(3):  # type: ignore[operator]  # a fixture without a type of its own
            assert set(sizes_of(some).values()) == {1}


def test_two_groups_of_a_tenant_have_two_names(tenant: Tenant) -> None:
    group, other = made(tenant, "Events"), made(tenant, "Press")
    with pytest.raises(GroupNameTakenError):
        made(tenant, "events")
    with pytest.raises(GroupNameTakenError):
        change_group(other, GroupContent("Events"), by=BY, now=NOW)
    change_group(group, GroupContent("EVENTS"), by=BY, now=NOW)
    assert Group.objects.get(pk=group.pk).name == "EVENTS"
    assert made(make_tenant(), "Events").pk


def test_a_deleted_group_leaves_the_rules(tenant: Tenant) -> None:
    ana = make_person(tenant)
    group = made(tenant, people=(ana,))
    names(tenant, group)
    delete_group(tenant, group.pk, by=BY, now=NOW)
    assert not may(ana)
    with pytest.raises(MissingError):
        delete_group(tenant, group.pk, by=BY, now=NOW)
    with pytest.raises(MissingError):
        change_group(group, GroupContent("Again"), by=BY, now=NOW)


def test_a_group_of_another_tenant_is_missing(tenant: Tenant) -> None:
    with pytest.raises(MissingError):
        delete_group(make_tenant(), made(tenant).pk, by=BY, now=NOW)
    assert Group.objects.count() == 1


def test_each_change_stands_in_the_log_without_a_name(tenant: Tenant) -> None:
    ana, course = make_person(tenant, name="Ana Example"), make_course(tenant, title="Secret course")
    group = made(tenant, "Ana’s team", people=(ana,))
    same = GroupContent("Ana’s team", (ana.pk,))
    change_group(group, same, by=BY, now=NOW)  # nothing is different: no line
    change_group(group, GroupContent("Press", (), (course.pk,)), by=BY, now=NOW)
    delete_group(tenant, group.pk, by=BY, now=NOW)
    gone, changed, new = AuditEvent.objects.order_by("-pk")
    assert [event.action for event in (new, changed, gone)] == [
        "groups.made",
        "groups.changed",
        "groups.deleted",
    ]
    assert {event.subject for event in (new, changed, gone)} == {f"group:{group.pk}"}
    assert new.changes["people"] == [None, [str(ana.pk)]]
    assert changed.changes["people"] == [[str(ana.pk)], None]
    assert changed.changes["courses"] == [None, [course.pk]]
    assert gone.changes["courses"] == [[course.pk], None]
    kept = str([event.changes for event in (new, changed, gone)])
    assert not any(word in kept for word in ("Ana", "Press", "Secret"))
