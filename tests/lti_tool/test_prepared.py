from datetime import timedelta

import pytest
from django.db import DatabaseError, DataError, IntegrityError, close_old_connections, connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from lti_tool.models import Course, Membership, Person, Tab, Tenant
from lti_tool.prepared import (
    PreparedJoin,
    PreparedRead,
    Slot,
    driver_value,
    insert_if_absent,
    insert_rows,
    one_of,
)
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


# --- Written by hand, and new rows ------------------------------------------------------------------

IN_TENANT = PreparedJoin(
    """
        SELECT {tenant}, {person}, {tab}, (SELECT COUNT(*) FROM lti_tool_person WHERE tenant_id = tenant.id)
        FROM lti_tool_tenant tenant
        JOIN lti_tool_person person ON person.tenant_id = tenant.id AND person.sub = %(sub)s
        LEFT JOIN lti_tool_tab tab ON tab.person_id = person.id
        WHERE tenant.id = %(tenant)s
    """,
    tenant=Tenant,
    person=(Person, ["id", "name"]),
    tab=Tab,
)


def test_a_join_gives_models_and_whatever_else_was_asked() -> None:
    member = make_member(make_course(make_tenant()))
    person = member.person
    values = {"tenant": driver_value(person.tenant_id, Tenant.id), "sub": person.sub}
    found = IN_TENANT.first(**values)
    assert found is not None
    rows, (people,) = found
    assert (rows["tenant"], rows["person"], rows["tab"], people) == (person.tenant, person, None, 1)
    with CaptureQueriesContext(connection) as asked:
        assert rows["person"].name == person.name
        assert rows["person"].email == person.email, "what was not read is read when it is wanted"
    assert len(asked) == 1
    tab, _secret = make_tab(member)
    again = IN_TENANT.first(**values)
    assert again is not None
    assert again[0]["tab"] == tab
    assert again[0]["tab"].frame_origins == tab.frame_origins
    assert again[0]["tab"].launched_at == tab.launched_at
    assert IN_TENANT.first(**{**values, "sub": "nobody"}) is None


def test_new_rows_stand_as_if_saved() -> None:
    course = make_course(make_tenant())
    person = Person(tenant=course.tenant, sub="new", name="New")
    member = Membership(course=course, person=person, roles=["Learner"])
    insert_rows([person, member])
    stored = Membership.objects.select_related("person").get()
    assert (stored.person, stored.person.name, stored.roles) == (person, "New", ["Learner"])
    assert not person._state.adding


def test_a_row_that_is_there_is_left_as_it_is() -> None:
    tenant = make_tenant()
    assert insert_if_absent(Person(tenant=tenant, sub="one", name="First"))
    assert not insert_if_absent(Person(tenant=tenant, sub="one", name="Second"))
    assert Person.objects.get(sub="one").name == "First"


def test_a_row_that_is_refused_brings_nothing_else_along() -> None:
    tenant = make_tenant()
    Person.objects.create(tenant=tenant, sub="one")
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows([Person(tenant=tenant, sub="two"), Person(tenant=tenant, sub="one")])
    assert Person.objects.count() == 1


def test_thousands_are_one_parameter() -> None:
    courses = [make_course(make_tenant()) for _ in range(3)]
    wanted = [each.tenant_id for each in courses[:2]]
    with CaptureQueriesContext(connection) as asked:
        found = Tenant.objects.filter(pk__in=one_of(wanted * 1000, Tenant.id)).values_list("pk", flat=True)
        assert set(found) == set(wanted)
    assert len(asked) == 1
    contexts = one_of([each.context_id for each in courses[1:]], Course.context_id)
    assert set(Course.objects.filter(context_id__in=contexts)) == set(courses[1:])
    assert not Tenant.objects.filter(pk__in=one_of([], Tenant.id)).exists()


# --- Without a cursor (PostgreSQL) ------------------------------------------------------------------


@pytest.mark.parametrize("sub", ["plain", "it's %s, %(sub)s or $1", "Zoë 中", "", "x" * 255])
def test_a_read_without_a_cursor_finds_what_one_with_a_cursor_does(sub: str) -> None:
    course = make_course(make_tenant())
    person = Person.objects.create(tenant=course.tenant, sub=sub, name=sub[:20])
    make_tab(make_member(course, person=person), frame_origins=["https://a.example"])
    values = {"tenant": driver_value(person.tenant_id, Tenant.id), "sub": sub}
    for _time in range(2):
        without = IN_TENANT.first(**values), BY_KEY.first(tenant=person.tenant_id, sub=sub)
        with CaptureQueriesContext(connection) as asked:
            within = IN_TENANT.first(**values), BY_KEY.first(tenant=person.tenant_id, sub=sub)
        assert len(asked) == 2
        assert without[0] is not None
        assert within[0] is not None
        assert without[0][1] == within[0][1] == (1,)
        for name, row in within[0][0].items():
            assert plain(without[0][0][name]) == plain(row)
        assert plain(without[1]) == plain(within[1])


def plain(row: object) -> dict[str, object]:
    return {name: value for name, value in vars(row).items() if name != "_state"}


def test_what_cannot_be_a_text_is_refused_whole() -> None:
    """PostgreSQL knows no zero character. Cut off there, a text might be somebody else's."""
    person = Person.objects.create(tenant=make_tenant(), sub="ana")
    if connection.vendor == "postgresql":
        with pytest.raises(DataError), transaction.atomic():
            BY_KEY.first(tenant=person.tenant_id, sub="ana\0")
    else:
        assert BY_KEY.first(tenant=person.tenant_id, sub="ana\0") is None
    assert BY_KEY.first(tenant=person.tenant_id, sub="ana") == person


def test_after_an_error_others_may_ask() -> None:
    person = Person.objects.create(tenant=make_tenant(), sub="ana")
    broken = PreparedJoin("SELECT {person}, 1 / 0 FROM nowhere WHERE sub = %(sub)s", person=Person)
    with pytest.raises(DatabaseError), transaction.atomic():
        broken.first(sub="ana")
    assert BY_KEY.first(tenant=person.tenant_id, sub="ana") == person


def test_a_transaction_sees_what_it_has_written_and_nobody_else_does() -> None:
    tenant = make_tenant()
    with transaction.atomic():
        Person.objects.create(tenant=tenant, sub="ana")
        assert BY_KEY.first(tenant=tenant.pk, sub="ana")
        transaction.set_rollback(True)
    assert BY_KEY.first(tenant=tenant.pk, sub="ana") is None


@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_is_an_error_once() -> None:
    person = Person.objects.create(tenant=make_tenant(), sub="ana")
    assert BY_KEY.first(tenant=person.tenant_id, sub="ana") == person
    if connection.vendor == "postgresql":
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        with pytest.raises(DatabaseError):
            BY_KEY.first(tenant=person.tenant_id, sub="ana")
    close_old_connections()  # as each request begins
    assert BY_KEY.first(tenant=person.tenant_id, sub="ana") == person
