"""The tab `groups`, and the search for people and courses beside it."""

import re
from html import unescape
from http import HTTPStatus

import pytest
from django.contrib.auth.models import User
from django.test import Client

from invites.models import Group, ModuleSettings
from lti_tool.models import Tenant
from lti_tool.roles import Right
from tests.factories.console import GOOD, INVITE_TO_MEDIA, field_error, launched_tab, text_of
from tests.factories.invites import make_settings
from tests.factories.lti import make_course, make_deployment, make_member, make_person, make_tenant

pytestmark = pytest.mark.django_db

TAB = "/admin/config/tab/groups"
NEW = "/admin/config/groups/new"
PEOPLE, COURSES = "/admin/config/people", "/admin/config/courses"


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant(name="Northfield University")


@pytest.fixture
def admin_url(client: Client, tenant: Tenant) -> str:
    """The prefix of an administrator's tab; the client holds its cookie."""
    return f"/~{launched_tab(client, tenant).handle}"


def page_of(group: Group) -> str:
    return f"/admin/config/groups/{group.pk}"


def test_a_group_is_made_from_lines_of_people_and_courses(
    client: Client, admin_url: str, tenant: Tenant
) -> None:
    assert "No groups yet" in text_of(client.get(f"{admin_url}{TAB}"))
    ana = make_person(tenant, name="Ana Example", email="ana@campus.example")
    ben = make_person(tenant, name="Ben Example")
    course = make_course(tenant, title="Staff office", label="STAFF-1", context_id="4711")
    member = make_member(course, right=Right.CO_EDITOR).person
    values = {
        "name": "  Event   office ",
        "people": f"ana@campus.example\n\n{ben.pk}",
        "courses": "staff-1",
    }
    answer = client.post(f"{admin_url}{NEW}", values)
    group = Group.objects.get()
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert answer["Location"] == f"{admin_url}{page_of(group)}?saved"
    assert (group.tenant, group.name) == (tenant, "Event office")
    assert set(group.people.all()) == {ana, ben}
    assert list(group.courses.all()) == [course]

    page = client.get(answer["Location"])
    assert "3 people are in this group now" in text_of(page)
    assert member.shown_name in text_of(page)
    assert "staff of Staff office" in text_of(page)
    form = page.context["form"]
    assert form["courses"].value() == "Staff office <4711>"
    again = {name: form[name].value() for name in form.fields}
    assert client.post(f"{admin_url}{page_of(group)}", again).status_code == HTTPStatus.SEE_OTHER
    assert set(group.people.all()) == {ana, ben}
    assert "3 people" in text_of(client.get(f"{admin_url}{TAB}"))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "   ", "Give the group a name"),
        ("name", "n" * 101, "100 characters"),
        ("name", "press", "Another group is called so"),
        ("people", "Ana\nnobody@campus.example", "Line 2, “nobody@campus.example”: nobody here"),
        ("courses", "No such course", "Line 1, “No such course”: no course here"),
        ("courses", "Twice", "2 courses fit"),
    ],
)
def test_a_bad_value_is_refused_beside_its_field_and_nothing_is_lost(
    client: Client, admin_url: str, tenant: Tenant, field: str, value: str, words: str
) -> None:
    client.post(f"{admin_url}{NEW}", {"name": "Press", "people": "", "courses": ""})
    make_person(tenant, name="Ana")
    for _number in range(2):
        make_course(tenant, title="Twice")
    typed = {"name": "Events", "people": "Ana", "courses": "", field: value}
    answer = client.post(f"{admin_url}{NEW}", typed)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert words in field_error(answer, field)
    form = answer.context["form"]
    assert {name: form[name].value() for name in form.fields} == typed
    assert Group.objects.count() == 1


def test_two_courses_with_one_title_are_told_apart(client: Client, admin_url: str, tenant: Tenant) -> None:
    one, _other = (make_course(tenant, title="Twice", context_id=f"c{number}") for number in range(2))
    client.post(f"{admin_url}{NEW}", {"name": "Events", "people": "", "courses": "Twice <c0>"})
    assert list(Group.objects.get().courses.all()) == [one]
    # An id that two deployments of a platform both use is no name for either.
    same = make_course(tenant, title="Same", context_id="c0", deployment=make_deployment(tenant))
    assert found_in(client, f"{admin_url}{COURSES}", "same") == [f"Same <course-{same.pk}>"]
    values = {"name": "Press", "people": "", "courses": f"Same <course-{same.pk}>"}
    client.post(f"{admin_url}{NEW}", values)
    assert list(Group.objects.get(name="Press").courses.all()) == [same]


def test_a_group_is_ticked_in_the_rules_and_its_deletion_says_so(
    client: Client, admin_url: str, tenant: Tenant
) -> None:
    ana = make_person(tenant, name="Ana")
    client.post(f"{admin_url}{NEW}", {"name": "Events", "people": "Ana", "courses": ""})
    group = Group.objects.get()
    delete = f"{admin_url}{page_of(group)}/delete"
    assert "No rule uses it." in text_of(client.get(delete))

    ticked = {**GOOD, "AllowedGroups": [str(group.pk)]}
    assert client.post(f"{admin_url}{INVITE_TO_MEDIA}", ticked).status_code == HTTPStatus.SEE_OTHER
    assert "decides at the moment" in text_of(client.get(delete))
    assert "Named in AllowedUsers" in text_of(client.get(f"{admin_url}{TAB}"))
    ticked["AllowedUsers"] = "named"
    client.post(f"{admin_url}{INVITE_TO_MEDIA}", ticked)
    assert "Afterwards nobody could invite." in text_of(client.get(delete))
    ticked["AllowedPeople"] = str(ana.pk)
    client.post(f"{admin_url}{INVITE_TO_MEDIA}", ticked)
    asked = text_of(client.get(delete))
    assert "cannot invite any more" in asked
    assert "nobody could invite" not in asked
    assert Group.objects.exists(), "looking deletes nothing"

    answer = client.post(delete)
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert not Group.objects.exists()
    assert client.get(delete).status_code == HTTPStatus.NOT_FOUND


def test_rules_take_groups_of_their_own_tenant_only(client: Client, admin_url: str, tenant: Tenant) -> None:
    own = Group.objects.create(tenant=tenant, name="Ours")
    foreign = Group.objects.create(tenant=make_tenant(), name="Theirs")
    page = text_of(client.get(f"{admin_url}{INVITE_TO_MEDIA}"))
    assert "Ours" in page
    assert "Theirs" not in page
    refused = client.post(f"{admin_url}{INVITE_TO_MEDIA}", {**GOOD, "AllowedGroups": [str(foreign.pk)]})
    assert "Tick again" in field_error(refused, "AllowedGroups")
    client.post(f"{admin_url}{INVITE_TO_MEDIA}", {**GOOD, "AllowedGroups": [str(own.pk)]})
    assert list(ModuleSettings.objects.get().allowed_groups.all()) == [own]


def test_only_the_named_may_be_a_group_alone(client: Client, admin_url: str, tenant: Tenant) -> None:
    own = Group.objects.create(tenant=tenant, name="Ours")
    values = {**GOOD, "AllowedUsers": "named", "AllowedGroups": [str(own.pk)]}
    assert client.post(f"{admin_url}{INVITE_TO_MEDIA}", values).status_code == HTTPStatus.SEE_OTHER


def test_groups_of_other_tenants_are_missing(client: Client, admin_url: str) -> None:
    foreign = Group.objects.create(tenant=make_tenant(), name="Theirs")
    assert "Theirs" not in text_of(client.get(f"{admin_url}{TAB}"))
    values = {"name": "Ours now", "people": "", "courses": ""}
    for answer in (
        client.get(f"{admin_url}{page_of(foreign)}"),
        client.post(f"{admin_url}{page_of(foreign)}", values),
        client.get(f"{admin_url}{page_of(foreign)}/delete"),
        client.post(f"{admin_url}{page_of(foreign)}/delete"),
    ):
        assert answer.status_code == HTTPStatus.NOT_FOUND
    assert Group.objects.get().name == "Theirs"


def test_people_and_courses_of_other_tenants_are_nobody_here(client: Client, admin_url: str) -> None:
    other = make_tenant()
    make_person(other, email="stranger@campus.example")
    make_course(other, title="Foreign course")
    values = {"name": "Events", "people": "stranger@campus.example", "courses": "Foreign course"}
    answer = client.post(f"{admin_url}{NEW}", values)
    assert "nobody here" in field_error(answer, "people")
    assert "no course here" in field_error(answer, "courses")


@pytest.mark.parametrize("path", [TAB, NEW, "/admin/config/groups/1", "/admin/config/groups/1/delete"])
def test_a_tab_without_the_right_is_refused(client: Client, tenant: Tenant, path: str) -> None:
    Group.objects.create(pk=1, tenant=tenant, name="Events")
    prefix = f"/~{launched_tab(client, tenant, is_admin=False).handle}"
    for answer in (client.get(f"{prefix}{path}"), client.post(f"{prefix}{path}", {"name": "x"})):
        assert answer.status_code == HTTPStatus.FORBIDDEN
    assert Group.objects.get().name == "Events"
    assert client.get(path).status_code == HTTPStatus.FOUND, "without any tab: the operators' login"


def test_an_operator_stays_at_the_chosen_tenant(client: Client, tenant: Tenant) -> None:
    other = make_tenant(name="Southfield College")
    client.force_login(User.objects.create_user("op", is_staff=True))
    here = f"?tenant={other.pk}"
    answer = client.post(f"{NEW}{here}", {"name": "Events", "people": "", "courses": ""})
    group = Group.objects.get()
    assert group.tenant == other
    assert answer["Location"] == f"{page_of(group)}{here}&saved"
    page = text_of(client.get(f"{page_of(group)}{here}"))
    for path in (f"{page_of(group)}/delete", PEOPLE, COURSES, TAB):
        assert f"{path}{here}" in page
    assert client.get(f"{page_of(group)}?tenant={tenant.pk}").status_code == HTTPStatus.NOT_FOUND
    log = text_of(client.get(f"/admin/config/tab/audit{here}"))
    assert f'name="tenant" value="{other.pk}"' in log
    assert client.get(f"/admin/config/audit.csv{here}&tab=groups").status_code == HTTPStatus.OK


# --- search as you type ---------------------------------------------------------------------------


def found_in(client: Client, address: str, typed: str) -> list[str]:
    """The lines that choosing would add."""
    answer = client.post(address, {"q": typed})
    assert answer.status_code == HTTPStatus.OK
    return [unescape(line) for line in re.findall(r'data-email="([^"]*)"', text_of(answer))]


def test_people_are_found_by_any_part_without_accents_and_chosen_lines_mean_them(
    client: Client, admin_url: str, tenant: Tenant
) -> None:
    zoe = make_person(
        tenant, name="Zoë Müller", given_name="Zoë", family_name="Müller", email="zm@campus.example"
    )
    silent = make_person(tenant, name="Zoe Silent", family_name="Silent", email="")
    make_person(tenant, name="Zoe Preview", is_test_user=True)
    make_person(tenant, name="Zoe Disabled", is_disabled=True)
    make_person(make_tenant(), name="Zoe Elsewhere")
    assert found_in(client, f"{admin_url}{PEOPLE}", "zoe") == [
        "Zoë Müller <zm@campus.example>",
        f"Zoe Silent <{silent.pk}>",
    ]
    make_person(tenant, name="Anna Rumuller", family_name="Aa", email="ar@campus.example")
    assert found_in(client, f"{admin_url}{PEOPLE}", "mull") == [
        "Zoë Müller <zm@campus.example>",
        "Anna Rumuller <ar@campus.example>",
    ], "whose name begins so comes first"
    assert found_in(client, f"{admin_url}{PEOPLE}", "zoë muller") == ["Zoë Müller <zm@campus.example>"]
    assert found_in(client, f"{admin_url}{PEOPLE}", str(zoe.pk)) == ["Zoë Müller <zm@campus.example>"]
    assert found_in(client, f"{admin_url}{PEOPLE}", zoe.sub) == ["Zoë Müller <zm@campus.example>"]
    assert found_in(client, f"{admin_url}{PEOPLE}", "z") == []
    assert len(found_in(client, f"{admin_url}{PEOPLE}", "zo\0e")) == 2, "PostgreSQL knows no zero byte"

    lines = "\n".join(found_in(client, f"{admin_url}{PEOPLE}", "zoe"))
    client.post(f"{admin_url}{NEW}", {"name": "Zs", "people": lines, "courses": ""})
    assert set(Group.objects.get().people.all()) == {zoe, silent}


def test_courses_are_found_by_title_code_or_id(client: Client, admin_url: str, tenant: Tenant) -> None:
    make_course(tenant, title="Marine Biology", label="BIO-3", context_id="4711")
    make_course(make_tenant(), title="Marine Elsewhere")
    for typed in ("marine", "bio-3", "4711", "biology marine", "mar\0ine"):
        assert found_in(client, f"{admin_url}{COURSES}", typed) == ["Marine Biology <4711>"]
    assert found_in(client, f"{admin_url}{COURSES}", " ") == []


@pytest.mark.parametrize("path", [PEOPLE, COURSES])
def test_only_administrators_search_and_only_by_post(client: Client, tenant: Tenant, path: str) -> None:
    make_person(tenant, name="Zoe")
    learner = launched_tab(client, tenant, is_admin=False)
    assert client.post(f"/~{learner.handle}{path}", {"q": "zoe"}).status_code == HTTPStatus.FORBIDDEN
    admin = launched_tab(client, tenant)
    assert client.get(f"/~{admin.handle}{path}?q=zoe").status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_names_are_escaped(client: Client, admin_url: str, tenant: Tenant) -> None:
    make_person(tenant, name='Zed "><script>alert(1)</script>')
    make_settings(tenant)
    assert "<script>alert" not in text_of(client.post(f"{admin_url}{PEOPLE}", {"q": "zed"}))
    client.post(f"{admin_url}{NEW}", {"name": "<script>alert(2)</script>", "people": "", "courses": ""})
    for path in (TAB, page_of(Group.objects.get()), INVITE_TO_MEDIA):
        assert "<script>alert" not in text_of(client.get(f"{admin_url}{path}"))
