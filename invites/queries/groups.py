"""Groups of people: who is in them, and which rule names them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from common.errors import MissingError
from invites.models import Group, ModuleSettings
from lti_tool.models import Course, Membership, Person, Tenant
from lti_tool.roles import Right

# Being absent from a roster only hides somebody from suggestions: LMSs leave people out of it (design §11).
_GONE: Final = (Membership.Status.INACTIVE, Membership.Status.DELETED)


def staff() -> QuerySet[Membership]:
    """Memberships that make somebody staff of their course: a right there, and not said to be gone."""
    rows = Membership.objects.filter(person__is_test_user=False)
    return rows.exclude(right=Right.NONE.value).exclude(status__in=_GONE)


def groups_of(tenant: Tenant) -> QuerySet[Group]:
    """The tenant's groups."""
    return Group.objects.filter(tenant=tenant).order_by("name", "pk")


def group_for(tenant: Tenant, group_id: int) -> Group:
    """One of them.

    Raises:
        MissingError: there is none, or it is another tenant's.
    """
    found = groups_of(tenant).filter(pk=group_id).first()
    if found is None:
        raise MissingError
    return found


def groups_with(tenant_id: UUID, person_id: UUID) -> QuerySet[Group]:
    """The tenant's groups that this person of it is in: by name, or as staff of a course. Asked live."""
    own_courses = staff().filter(
        person_id=person_id, person__tenant_id=tenant_id, course__tenant_id=tenant_id
    )
    by_name = Group.people.through.objects.filter(person_id=person_id, person__tenant_id=tenant_id)
    by_course = Group.courses.through.objects.filter(course_id__in=own_courses.values("course_id"))
    return Group.objects.filter(
        Q(pk__in=by_name.values("group_id")) | Q(pk__in=by_course.values("group_id")), tenant_id=tenant_id
    )


def groups_named_in(settings: ModuleSettings) -> list[Group]:
    """The groups that AllowedUsers names."""
    return list(_named_groups(settings.tenant_id).order_by("name", "pk"))


def is_named_group(group: Group) -> bool:
    """Whether AllowedUsers names it."""
    return _named_groups(group.tenant_id).filter(pk=group.pk).exists()


def _named_groups(tenant_id: UUID) -> QuerySet[Group]:
    rules = ModuleSettings.objects.filter(tenant_id=tenant_id, allowed_groups__isnull=False)
    return Group.objects.filter(tenant_id=tenant_id, pk__in=rules.values("allowed_groups"))


def is_named_in(settings: ModuleSettings, person_id: UUID) -> bool:
    """Whether AllowedUsers names this person: alone, in a group, or as staff of a group's course."""
    tenant_id = settings.tenant_id
    alone = ModuleSettings.objects.filter(
        tenant_id=tenant_id, allowed_people=person_id, allowed_people__tenant_id=tenant_id
    )
    in_group = groups_with(tenant_id, person_id).filter(pk__in=_named_groups(tenant_id))
    return alone.exists() or in_group.exists()


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a group, and why."""

    person: Person
    is_named: bool
    courses: tuple[Course, ...]


def members_of(group: Group) -> list[Member]:
    """Everybody who is in the group now."""
    named = set(group.people.values_list("pk", flat=True))
    of_courses: dict[UUID, list[Course]] = defaultdict(list)
    staffing = staff().filter(course_id__in=group.courses.values("pk"))
    memberships = staffing.select_related("course")
    for membership in memberships.order_by("course__title", "course_id"):
        of_courses[membership.person_id].append(membership.course)
    people = Person.objects.filter(
        Q(pk__in=group.people.values("pk")) | Exists(staffing.filter(person_id=OuterRef("pk"))),
        tenant_id=group.tenant_id,
    )
    return [
        Member(person, person.pk in named, tuple(of_courses.get(person.pk, ())))
        for person in people.order_by("family_name", "name", "pk")
    ]


def sizes_of(groups: Iterable[Group]) -> dict[int, int]:
    """How many people are in each of these groups now."""
    ids = [group.pk for group in groups]
    people: dict[int, set[UUID]] = defaultdict(set)
    for group_id, person_id in Group.people.through.objects.filter(group_id__in=ids).values_list(
        "group_id", "person_id"
    ):
        people[group_id].add(person_id)
    courses = Group.courses.through.objects.filter(group_id__in=ids)
    groups_by_course: dict[int, set[int]] = defaultdict(set)
    for group_id, course_id in courses.values_list("group_id", "course_id"):
        groups_by_course[course_id].add(group_id)
    staffing = staff().filter(course_id__in=courses.values("course_id"))
    for course_id, person_id in staffing.values_list("course_id", "person_id"):
        for group_id in groups_by_course[course_id]:
            people[group_id].add(person_id)
    return {group_id: len(people[group_id]) for group_id in ids}
