from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lti_tool.models import Course, Membership, Person, Tab, Tenant
from lti_tool.prepared import PreparedRead, Slot
from tests.factories.lti import make_course, make_member, make_tab, make_tenant

pytestmark = pytest.mark.django_db

IN_COURSE = PreparedRead(
    lambda: (
        Membership.objects.select_related("person", "course__tenant")
        .annotate(has_tab=Exists(Tab.objects.filter(person=OuterRef("person"))))
        .filter(course_id=Slot("course", Course.id))
        .order_by("pk")
    )
)
BY_KEY = PreparedRead(
    lambda: Person.objects.filter(tenant_id=Slot("tenant", Tenant.id), sub=Slot("sub", Person.sub))
)
TABS = PreparedRead(
    lambda: Tab.objects.filter(
        Q(course_id=Slot("course", Course.id)) | Q(pk=Slot("handle", Tab.handle)),
        expires_at__gt=Slot("now", Tab.expires_at),
    )
)


def test_rows_come_as_a_queryset_would_give_them() -> None:
    course = make_course(make_tenant())
    first, second = make_member(course), make_member(course)
    make_tab(second)
    with CaptureQueriesContext(connection) as asked:
        rows = IN_COURSE.all(course=course.pk)
        assert [row.person.name for row in rows] == [first.person.name, second.person.name]
        assert [row.course.tenant.pk for row in rows] == [course.tenant_id] * 2
        assert [row.has_tab for row in rows] == [False, True]  # type: ignore[attr-defined]
    assert len(asked) == 1
    assert rows[0].roles == first.roles
    assert not rows[0]._state.adding


def test_each_call_has_its_own_values() -> None:
    one, other = make_member(make_course(make_tenant())), make_member(make_course(make_tenant()))
    for person in (one.person, other.person, one.person):
        assert BY_KEY.first(tenant=person.tenant_id, sub=person.sub) == person
    assert BY_KEY.first(tenant=one.person.tenant_id, sub="somebody else' OR 1=1 --%s") is None


def test_nothing_equals_none_and_times_are_compared_as_times() -> None:
    tab, _secret = make_tab(make_member(make_course(make_tenant())))
    now = timezone.now()
    assert TABS.first(course=None, handle=tab.handle, now=now) == tab
    assert TABS.first(course=None, handle="", now=now) is None
    assert TABS.first(course=tab.course_id, handle="", now=now + timedelta(hours=9)) is None
