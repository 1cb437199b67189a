"""The tab `audit`: who changed what, in words; page by page, of one tab, as a file."""

import csv
import io
import re
from datetime import timedelta
from html import unescape
from http import HTTPStatus

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from invites.models import AuditEvent, Group
from invites.services.audit import Action, Changes, write_audit
from lti_tool.models import Tab, Tenant
from tests.factories.console import GOOD, INVITE_TO_MEDIA, launched_tab, text_of
from tests.factories.lti import make_course, make_person, make_tenant

pytestmark = pytest.mark.django_db

TAB = "/admin/config/tab/audit"
FILE = "/admin/config/audit.csv"


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant(name="Northfield University")


@pytest.fixture
def tab(client: Client, tenant: Tenant) -> Tab:
    """An administrator's tab; the client holds its cookie."""
    return launched_tab(client, tenant)


def words_of(html: str) -> str:
    """What the table says, without the markup."""
    table = re.search(r"<tbody>(.*)</tbody>", html, flags=re.DOTALL)
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", table[1]).split())) if table else ""


def shown(client: Client, tab: Tab, query: str = "") -> str:
    return words_of(text_of(client.get(f"/~{tab.handle}{TAB}{query}")))


def rows_of(client: Client, tab: Tab, query: str = "") -> list[list[str]]:
    answer = client.get(f"/~{tab.handle}{FILE}{query}")
    assert answer.status_code == HTTPStatus.OK
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_a_change_in_the_console_is_told_in_words(client: Client, tab: Tab, tenant: Tenant) -> None:
    assert "Nothing was changed so far" in text_of(client.get(f"/~{tab.handle}{TAB}"))
    person = make_person(tenant, name="Ana Example")
    group = Group.objects.create(tenant=tenant, name="Event office")
    values = {
        **GOOD,
        "AllowedUsers": "named",
        "AllowedPeople": str(person.pk),
        "AllowedGroups": [str(group.pk)],
        "RestrictNewUserDomains": "bücher.example",
        "LinkReusability": "-1",
    }
    assert client.post(f"/~{tab.handle}{INVITE_TO_MEDIA}", values).status_code == HTTPStatus.SEE_OTHER
    said = shown(client, tab)
    assert tab.person.shown_name in said
    assert "Rules of inviting changed" in said
    assert "LinkDuration 1 day → to 1 hour" in said
    assert "LinkReusability 1 → to no limit" in said
    assert "AllowedUsers Private only role → to Specific users / groups" in said
    assert "Specific users added: Ana Example" in said
    assert "Specific groups added: Event office" in said
    assert "RestrictNewUserDomains added: bücher.example" in said
    assert "AdminContact changed" in said
    assert "help@university.edu" not in said
    assert "events@university.edu" not in said


def test_names_are_todays_and_gone_people_have_none(client: Client, tab: Tab, tenant: Tenant) -> None:
    person = make_person(tenant, name="Before")
    write_audit(
        tenant,
        by=f"person:{person.pk}",
        action=Action.GROUP_CHANGED,
        subject="group:99",
        changes={"people": ([], [str(person.pk)])},
        now=timezone.now(),
    )
    person.name = "Afterwards"
    person.save()
    assert "Afterwards" in shown(client, tab)
    assert "by now gone" in shown(client, tab), "the group"
    person.delete()
    assert "Somebody who is not known any more" in shown(client, tab)
    assert "Afterwards" not in shown(client, tab)


def test_ids_of_another_tenant_have_no_names_here(client: Client, tab: Tab, tenant: Tenant) -> None:
    other = make_tenant()
    stranger, course = make_person(other, name="Stranger"), make_course(other, title="Secret course")
    changes: Changes = {"people": ([], [stranger.pk]), "courses": ([], [course.pk])}
    by = f"person:{stranger.pk}"
    write_audit(tenant, by=by, action=Action.GROUP_CHANGED, changes=changes, now=timezone.now())
    said = shown(client, tab)
    assert "Stranger" not in said
    assert "Secret course" not in said


def test_a_tenant_reads_its_own_log_only(client: Client, tab: Tab) -> None:
    other = make_tenant()
    write_audit(other, by="operator:1", action=Action.THEMING_CHANGED, now=timezone.now())
    assert shown(client, tab) == ""
    assert len(rows_of(client, tab)) == 1
    for path in (TAB, FILE):
        assert client.get(f"/~{tab.handle}{path}?tenant={other.pk}").status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("path", [TAB, FILE])
def test_a_tab_without_the_right_is_refused(client: Client, tenant: Tenant, path: str) -> None:
    tab = launched_tab(client, tenant, is_admin=False)
    assert client.get(f"/~{tab.handle}{path}").status_code == HTTPStatus.FORBIDDEN
    assert client.get(path).status_code == HTTPStatus.FOUND, "without any tab: the operators' login"


def test_operators_stand_by_name_for_operators_only(client: Client, tab: Tab, tenant: Tenant) -> None:
    user = User.objects.create_user("root-of-all", is_staff=True)
    write_audit(tenant, by=f"operator:{user.pk}", action=Action.THEMING_CHANGED, now=timezone.now())
    assert "An operator of this tool" in shown(client, tab)
    assert "root-of-all" not in shown(client, tab)
    client.force_login(user)
    assert "Operator root-of-all" in text_of(client.get(f"{TAB}?tenant={tenant.pk}"))


def test_one_tab_is_shown_alone_and_a_wrong_name_means_all(client: Client, tab: Tab, tenant: Tenant) -> None:
    now = timezone.now()
    write_audit(tenant, by="operator:1", action=Action.THEMING_CHANGED, now=now)
    write_audit(tenant, by="operator:1", action=Action.GROUP_DELETED, subject="group:1", now=now)
    assert "Theming changed" in shown(client, tab, "?tab=theming")
    assert "Group deleted" not in shown(client, tab, "?tab=theming")
    assert len(rows_of(client, tab, "?tab=groups")) == 2
    assert "Group deleted" in shown(client, tab, "?tab=nonsense")


def test_the_log_is_paged_newest_first_and_costs_the_same_for_few_and_many(
    client: Client, tab: Tab, tenant: Tenant, django_assert_max_num_queries: object
) -> None:
    start = timezone.now() - timedelta(days=1)
    for number in range(35):
        person = make_person(tenant, name=f"Nr-{number}")
        changes: Changes = {"people": ([], [str(person.pk)])}
        at = start + timedelta(minutes=number)
        by = f"person:{person.pk}"
        write_audit(tenant, by=by, action=Action.GROUP_CHANGED, changes=changes, now=at)
    with django_assert_max_num_queries(14):  # type: ignore[operator]  # a fixture without a type of its own
        first = shown(client, tab)
    assert "Nr-34" in first
    assert "Nr-4 " not in first
    assert "Nr-4 " in shown(client, tab, "?page=2")
    assert "Nr-0" in shown(client, tab, "?page=999")
    assert len(rows_of(client, tab)) == 36


def test_the_file_has_a_line_for_each_field_and_no_formula(client: Client, tab: Tab, tenant: Tenant) -> None:
    evil = make_person(tenant, name="=HYPERLINK(1)")
    write_audit(
        tenant,
        by=f"person:{evil.pk}",
        action=Action.SETTINGS_CHANGED,
        changes={"LinkDuration": (1440, 60), "LinkReusability": (1, -5), "Suggestions": ("course", "@x")},
        now=timezone.now(),
    )
    header, *lines = rows_of(client, tab)
    assert header[-3:] == ["Field", "From", "To"]
    assert [line[-3:] for line in lines] == [
        ["LinkDuration", "1 day", "1 hour"],
        ["LinkReusability", "1", "'-5"],
        ["Suggestions", "This course, and anybody by their exact address", "'@x"],
    ]
    assert {line[1] for line in lines} == {"'=HYPERLINK(1)"}


def test_what_no_words_are_known_for_is_shown_as_it_is(client: Client, tab: Tab, tenant: Tenant) -> None:
    changes = {"text:fr": ("", "#12345678"), "odd": (1.5, "<b>bold</b>"), "subject:fr": ("a", "b")}
    write_audit(tenant, by="worker", action="unheard.of", changes=changes, now=timezone.now())
    said = shown(client, tab)
    assert "The tool itself" in said
    assert "unheard.of" in said
    assert "Text (fr) changed" in said
    assert "Subject (fr) a → to b" in said
    assert "<b>bold</b>" in said, "escaped"


def test_looking_at_the_log_changes_nothing(client: Client, tab: Tab, tenant: Tenant) -> None:
    write_audit(tenant, by="operator:1", action=Action.THEMING_CHANGED, now=timezone.now())
    shown(client, tab)
    rows_of(client, tab)
    assert client.post(f"/~{tab.handle}{FILE}").status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert AuditEvent.objects.count() == 1
