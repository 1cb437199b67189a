"""The console: who gets in, what is refused beside its field, and what is asked before it is saved."""

import re
from datetime import timedelta
from http import HTTPStatus
from typing import Protocol

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from invites.models import EmailTemplate, ModuleSettings
from invites.queries import settings_for
from lti_tool.identity import TAB_COOKIE
from lti_tool.models import Tab, Tenant
from rooms.models import Entry
from tests.factories.invites import make_invite, make_settings, make_template
from tests.factories.lti import make_course, make_member, make_person, make_tab, make_tenant
from tests.factories.rooms import make_entry, make_guest

pytestmark = pytest.mark.django_db

CONSOLE = "/admin/config/tab/invitetomedia"
THEMING = "/admin/config/tab/theming"
GOOD = {
    "enable": "Yes",
    "LinkDuration": "60",
    "LinkReusability": "2",
    "AllowedUsers": "admin",
    "AllowedPeople": "",
    "inviteEmailTemplate": "shipped",
    "RestrictNewUserDomains": "",
    "ValidUntilSessionEnds": "No",
    "AdminContact": "help@university.edu",
}


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant(name="Northfield University")


@pytest.fixture
def entry(tenant: Tenant) -> Entry:
    return make_entry(tenant, title="Guest lecture")


def tab_of(client: Client, tenant: Tenant, *, is_admin: bool = True) -> Tab:
    """A launched tab in this browser."""
    tab, secret = make_tab(make_member(make_course(tenant)), is_console_admin=is_admin)
    client.cookies[TAB_COOKIE] = secret
    return tab


@pytest.fixture
def admin_url(client: Client, tenant: Tenant) -> str:
    """The prefix of an administrator's tab; the client holds its cookie."""
    return f"/~{tab_of(client, tenant).handle}"


@pytest.fixture
def operator(client: Client) -> User:
    user = User.objects.create_user("op", is_staff=True)
    client.force_login(user)
    return user


def stored(tenant: Tenant) -> ModuleSettings:
    return ModuleSettings.objects.get(tenant=tenant)


class Answer(Protocol):
    """An answer of the test client."""

    content: bytes


def text(response: Answer) -> str:
    return response.content.decode()


def field_error(response: Answer, name: str) -> str:
    """What stands beside a field, without the markup."""
    found = re.search(rf'id="id_{name}_error">(.*?)</div>', text(response), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split()) if found else ""


# --- who gets in ----------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["invitetomedia", "emailtemplates", "theming"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_an_administrators_tab_reaches_its_own_tenant(
    client: Client, admin_url: str, module: str, slash: str
) -> None:
    response = client.get(f"{admin_url}/admin/config/tab/{module}{slash}")
    assert response.status_code == HTTPStatus.OK
    assert "Northfield University" in text(response)


def test_an_administrators_tab_reaches_no_other_tenant(
    client: Client, admin_url: str, tenant: Tenant
) -> None:
    other = make_tenant(name="Southfield College")
    for answer in (
        client.get(f"{admin_url}{CONSOLE}?tenant={other.pk}"),
        client.post(f"{admin_url}{CONSOLE}?tenant={other.pk}", GOOD),
        client.get(f"{admin_url}{CONSOLE}?tenant=nonsense"),
        client.get(f"{admin_url}/admin/config/preview/invitation?tenant={other.pk}"),
    ):
        assert answer.status_code == HTTPStatus.NOT_FOUND
    assert not ModuleSettings.objects.exists()
    client.post(f"{admin_url}{CONSOLE}", {**GOOD, "tenant": str(other.pk)})
    assert [rules.tenant for rules in ModuleSettings.objects.all()] == [tenant]


@pytest.mark.parametrize("path", [CONSOLE, THEMING, "/admin/config/preview/invitation"])
def test_a_tab_without_the_right_is_refused_kindly(client: Client, tenant: Tenant, path: str) -> None:
    prefix = f"/~{tab_of(client, tenant, is_admin=False).handle}"
    for response in (client.get(f"{prefix}{path}"), client.post(f"{prefix}{path}", GOOD)):
        assert response.status_code in {HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED}
    assert "The console is for administrators." in text(client.get(f"{prefix}{path}"))
    assert not ModuleSettings.objects.exists()


def test_the_right_of_one_tab_is_nothing_to_another(client: Client, tenant: Tenant, operator: User) -> None:
    """Not even an operator's login opens the console in a tab that was launched by somebody else."""
    prefix = f"/~{tab_of(client, tenant, is_admin=False).handle}"
    assert client.get(f"{prefix}{CONSOLE}").status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("path", [CONSOLE, THEMING, "/admin/config/preview/invitation"])
def test_nobody_is_asked_to_log_in(client: Client, tenant: Tenant, path: str) -> None:
    response = client.get(path)
    assert response.status_code == HTTPStatus.FOUND
    assert response["Location"] == f"/operator/login/?next={path}"


def test_a_login_that_is_no_operators_is_refused(client: Client, tenant: Tenant) -> None:
    client.force_login(User.objects.create_user("somebody"))
    assert client.get(CONSOLE).status_code == HTTPStatus.FORBIDDEN


def test_an_operator_chooses_among_tenants(client: Client, operator: User, tenant: Tenant) -> None:
    assert "Northfield University" in text(client.get(CONSOLE)), "the only tenant needs no choice"
    other = make_tenant(name="Southfield College")
    choice = text(client.get(CONSOLE))
    assert f"{CONSOLE}?tenant={tenant.pk}" in choice
    assert f"{CONSOLE}?tenant={other.pk}" in choice
    page = text(client.get(f"{CONSOLE}?tenant={other.pk}"))
    assert "Southfield College" in page
    assert f"/admin/config/tab/theming?tenant={other.pk}" in page, "the way to the next tab keeps the choice"

    client.post(f"{CONSOLE}?tenant={other.pk}", GOOD)
    assert [rules.tenant for rules in ModuleSettings.objects.all()] == [other]
    for wrong in ("nonsense", "00000000-0000-0000-0000-000000000000", ""):
        assert client.get(f"{CONSOLE}?tenant={wrong}").status_code == HTTPStatus.NOT_FOUND


def test_a_post_without_a_choice_changes_nothing(client: Client, operator: User, tenant: Tenant) -> None:
    make_tenant()
    client.post(CONSOLE, GOOD)
    assert not ModuleSettings.objects.exists()


def test_an_unknown_tab_is_missing(client: Client, admin_url: str) -> None:
    assert client.get(f"{admin_url}/admin/config/tab/nonsense").status_code == HTTPStatus.NOT_FOUND


# --- the fields -----------------------------------------------------------------------------------


def test_the_defaults_are_shown_and_looking_writes_nothing(client: Client, admin_url: str) -> None:
    response = client.get(f"{admin_url}{CONSOLE}")
    form = response.context["form"]
    assert {name: form[name].value() for name in form.fields} == {
        "enable": "Yes",
        "LinkDuration": 1440,
        "LinkReusability": 1,
        "AllowedUsers": "private_only",
        "AllowedPeople": "",
        "inviteEmailTemplate": "shipped",
        "RestrictNewUserDomains": "",
        "ValidUntilSessionEnds": "Yes",
        "AdminContact": "",
    }
    for label in (
        *("enable", "LinkDuration", "LinkReusability", "AllowedUsers"),
        *("inviteEmailTemplate", "RestrictNewUserDomains"),
    ):
        assert re.search(rf"<(label|legend)[^>]*>{label}</", text(response))
    assert not ModuleSettings.objects.exists()
    assert not EmailTemplate.objects.exists()


def test_good_values_are_saved_and_shown_again(client: Client, admin_url: str, tenant: Tenant) -> None:
    person = make_person(tenant, name="Pat Person", email="pat@campus.example")
    values = {
        **GOOD,
        "AllowedUsers": "named",
        "AllowedPeople": "PAT@campus.example",
        "RestrictNewUserDomains": "University.EDU.\n\n!Bücher.example\n",
    }
    response = client.post(f"{admin_url}{CONSOLE}", values)
    assert response.status_code == HTTPStatus.SEE_OTHER
    assert response["Location"] == f"{admin_url}{CONSOLE}?saved"
    rules = stored(tenant)
    assert (rules.enable, rules.link_duration, rules.link_reusability) == (True, 60, 2)
    assert (rules.allowed_users, list(rules.allowed_people.all())) == ("named", [person])
    assert rules.restrict_new_user_domains == ["university.edu", "!xn--bcher-kva.example"]
    assert (rules.valid_until_session_ends, rules.admin_contact) == (False, "help@university.edu")
    assert settings_for(tenant).sends_mail

    page = client.get(response["Location"])
    assert "Saved." in text(page)
    form = page.context["form"]
    assert form["AllowedPeople"].value() == "Pat Person <pat@campus.example>"
    assert form["RestrictNewUserDomains"].value() == "university.edu\n!bücher.example"

    again = {name: form[name].value() for name in form.fields}
    assert client.post(f"{admin_url}{CONSOLE}", again).status_code == HTTPStatus.SEE_OTHER
    assert list(stored(tenant).allowed_people.all()) == [person]
    assert EmailTemplate.objects.count() == 1, "the shipped template is one row, however often it is chosen"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("enable", "", "required"),
        ("enable", "Perhaps", "not one of the available choices"),
        ("LinkDuration", "", "Write a number of minutes"),
        ("LinkDuration", "0", "at least 1 minute"),
        ("LinkDuration", "525601", "525600 minutes"),
        ("LinkDuration", "a day", "Write a whole number"),
        ("LinkDuration", "1.5", "Write a whole number"),
        ("LinkReusability", "", "Write a number of devices"),
        ("LinkReusability", "0", "Write 1 or more devices"),
        ("LinkReusability", "-2", "Write 1 or more devices"),
        ("LinkReusability", "many", "Write a whole number"),
        ("LinkReusability", "100001", "Write -1"),
        ("AllowedUsers", "everybody", "not one of the available choices"),
        ("AllowedUsers", "", "required"),
        ("AllowedPeople", "Pat\nnobody@campus.example", "Line 2, “nobody@campus.example”: nobody here"),
        ("inviteEmailTemplate", "99999", "not one of the available choices"),
        ("RestrictNewUserDomains", "college.edu\nedu", "Line 2, “edu”: this is an ending that many"),
        ("RestrictNewUserDomains", "*.college.edu", "leave the * out"),
        ("RestrictNewUserDomains", "a.edu, b.edu", "write one domain in a line"),
        ("RestrictNewUserDomains", "ana@a.edu", "write the domain alone"),
        ("RestrictNewUserDomains", "a b", "one domain in a line"),
        ("RestrictNewUserDomains", "a..edu", "this is no domain"),
        ("RestrictNewUserDomains", "a.edu\nA.edu", "it stands in line 1 already"),
        ("RestrictNewUserDomains", "a.edu\n!a.edu", "it says the opposite of line 1"),
        ("RestrictNewUserDomains", "a.edu\n" * 501, "At most 500 lines"),
        ("ValidUntilSessionEnds", "maybe", "not one of the available choices"),
        ("AdminContact", "the desk", "Write an email address"),
        ("AdminContact", "javascript:alert(1)", "Write an email address"),
        ("AdminContact", "ftp://help.university.edu", "Write an email address"),
    ],
)
def test_a_bad_value_is_refused_beside_its_field_and_nothing_else_is_lost(
    client: Client, admin_url: str, tenant: Tenant, field: str, value: str, words: str
) -> None:
    make_person(tenant, name="Pat", email="")
    typed = {**GOOD, "RestrictNewUserDomains": "university.edu", field: value}
    response = client.post(f"{admin_url}{CONSOLE}", typed)
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert words in field_error(response, field).replace("This field is required.", "required")
    form = response.context["form"]
    assert set(form.errors) == {field}
    assert {name: form[name].value() for name in form.fields} == typed
    assert 'aria-invalid="true"' in text(response) or field in {"enable", "ValidUntilSessionEnds"}
    assert not ModuleSettings.objects.exists()


def test_a_real_minus_sign_is_one(client: Client, admin_url: str, tenant: Tenant) -> None:
    client.post(f"{admin_url}{CONSOLE}", {**GOOD, "LinkReusability": "\u22121"})
    assert stored(tenant).link_reusability == -1


def test_people_are_found_by_address_id_or_name_in_their_own_tenant_only(
    client: Client, admin_url: str, tenant: Tenant
) -> None:
    by_mail = make_person(tenant, email="one@campus.example")
    by_id, by_sub = make_person(tenant), make_person(tenant, sub="lms-77")
    by_name = make_person(tenant, name="Zoë Whole Name", email="")
    by_parts = make_person(tenant, name="", given_name="Ada Maria", family_name="Parts")
    lines = [
        "One@Campus.example",
        str(by_id.pk),
        "lms-77",
        "zoë whole name",
        "  Ada Maria   Parts ",
        f"Somebody <{by_mail.pk}>",
    ]
    client.post(f"{admin_url}{CONSOLE}", {**GOOD, "AllowedUsers": "named", "AllowedPeople": "\n".join(lines)})
    found = set(stored(tenant).allowed_people.all())
    assert found == {by_mail, by_id, by_sub, by_name, by_parts}

    stranger = make_person(make_tenant(), email="stranger@campus.example", sub="lms-88", name="Strange R")
    for line in ("stranger@campus.example", "lms-88", str(stranger.pk), "Strange R"):
        response = client.post(f"{admin_url}{CONSOLE}", {**GOOD, "AllowedPeople": line})
        assert f"“{line}”: nobody here" in field_error(response, "AllowedPeople")


def test_a_name_or_address_of_two_people_is_asked_about_and_their_ids_are_shown(
    client: Client, admin_url: str, tenant: Tenant
) -> None:
    one, _two = (make_person(tenant, name="Sam Same", email="same@campus.example") for _ in range(2))
    for line in ("Sam Same", "same@campus.example"):
        response = client.post(f"{admin_url}{CONSOLE}", {**GOOD, "AllowedPeople": line})
        assert f"“{line}”: 2 people fit" in field_error(response, "AllowedPeople")
    client.post(f"{admin_url}{CONSOLE}", {**GOOD, "AllowedPeople": str(one.pk)})
    form = client.get(f"{admin_url}{CONSOLE}").context["form"]
    assert form["AllowedPeople"].value() == f"Sam Same <{one.pk}>"


def test_only_named_people_needs_a_name(client: Client, admin_url: str) -> None:
    response = client.post(f"{admin_url}{CONSOLE}", {**GOOD, "AllowedUsers": "named"})
    assert "Name at least one person" in field_error(response, "AllowedPeople")


def test_templates_of_other_tenants_cannot_be_chosen(client: Client, admin_url: str, tenant: Tenant) -> None:
    own = make_template(tenant, "Ours")
    foreign = make_template(make_tenant(), "Theirs")
    page = text(client.get(f"{admin_url}{CONSOLE}"))
    assert "Ours" in page
    assert "Theirs" not in page
    response = client.post(f"{admin_url}{CONSOLE}", {**GOOD, "inviteEmailTemplate": str(foreign.pk)})
    assert field_error(response, "inviteEmailTemplate")
    client.post(f"{admin_url}{CONSOLE}", {**GOOD, "inviteEmailTemplate": str(own.pk)})
    assert stored(tenant).invite_email_template == own
    client.post(f"{admin_url}{CONSOLE}", {**GOOD, "inviteEmailTemplate": ""})
    assert not settings_for(tenant).sends_mail


# --- rules that would break open invites ----------------------------------------------------------


def confirmation_in(response: Answer) -> str:
    found = re.search(r'name="confirmed" value="([0-9a-f]+)"', text(response))
    return found[1] if found else ""


def test_a_rule_that_breaks_open_invites_is_confirmed_first(
    client: Client, admin_url: str, tenant: Tenant, entry: Entry
) -> None:
    past = timezone.now() - timedelta(minutes=1)
    for number in range(7):
        make_invite(entry, f"open{number}@cs.university.edu")
    make_invite(entry, "other@example.org")
    make_invite(entry, "withdrawn@university.edu", withdrawn_at=past)
    make_invite(entry, "expired@university.edu", expires_at=past)
    make_invite(entry, "used@university.edu", max_devices=1, devices_used=1)
    make_invite(make_entry(tenant, deleted_at=past), "gone@university.edu")
    make_invite(make_entry(), "elsewhere@university.edu")
    make_invite(entry, "person@university.edu")
    make_person(tenant, email="person@university.edu")
    make_invite(entry, "guest@university.edu")
    make_guest(tenant, "guest@university.edu")
    values = {**GOOD, "RestrictNewUserDomains": "university.edu"}

    asked = client.post(f"{admin_url}{CONSOLE}", values)
    assert asked.status_code == HTTPStatus.OK
    assert "7 open invites would be refused by this rule." in text(asked)
    assert "open6@cs.university.edu" in text(asked)
    assert "and 2 more" in text(asked)
    assert "university.edu</textarea>" in text(asked), "what was typed is still there"
    assert not ModuleSettings.objects.exists()

    confirmed = {**values, "confirmed": confirmation_in(asked)}
    assert client.post(f"{admin_url}{CONSOLE}", confirmed).status_code == HTTPStatus.SEE_OTHER
    assert stored(tenant).restrict_new_user_domains == ["university.edu"]
    assert client.post(f"{admin_url}{CONSOLE}", values).status_code == HTTPStatus.SEE_OTHER, (
        "what is refused already is not asked about again"
    )


def test_a_confirmation_holds_for_what_was_shown_only(client: Client, admin_url: str, entry: Entry) -> None:
    make_invite(entry, "one@university.edu")
    make_invite(entry, "two@college.edu")
    asked = client.post(f"{admin_url}{CONSOLE}", {**GOOD, "RestrictNewUserDomains": "university.edu"})
    confirmed = {**GOOD, "RestrictNewUserDomains": "college.edu", "confirmed": confirmation_in(asked)}
    assert "1 open invite would be refused" in text(client.post(f"{admin_url}{CONSOLE}", confirmed))
    assert not ModuleSettings.objects.exists()


def test_switching_off_says_how_many_links_stop(
    client: Client, admin_url: str, tenant: Tenant, entry: Entry
) -> None:
    for number in range(3):
        make_invite(entry, f"open{number}@example.org")
    asked = client.post(f"{admin_url}{CONSOLE}", {**GOOD, "enable": "No"})
    assert "3 open invites would stop working." in text(asked)
    client.post(f"{admin_url}{CONSOLE}", {**GOOD, "enable": "No", "confirmed": confirmation_in(asked)})
    assert not stored(tenant).enable
    assert client.post(f"{admin_url}{CONSOLE}", GOOD).status_code == HTTPStatus.SEE_OTHER
    assert stored(tenant).enable


def test_the_question_costs_the_same_for_one_and_for_many_invites(
    client: Client, admin_url: str, entry: Entry, django_assert_max_num_queries: object
) -> None:
    for number in range(40):
        make_invite(entry, f"open{number}@university.edu")
    with django_assert_max_num_queries(16):  # type: ignore[operator]  # a fixture without a type of its own
        client.post(f"{admin_url}{CONSOLE}", {**GOOD, "RestrictNewUserDomains": "university.edu"})


# --- the other tabs -------------------------------------------------------------------------------


def test_theming_decides_over_the_media_page_and_leaves_the_rest(
    client: Client, admin_url: str, tenant: Tenant
) -> None:
    make_settings(tenant, link_duration=7)
    assert client.post(f"{admin_url}{THEMING}", {"mediapage": "Perhaps"}).status_code == 422
    assert stored(tenant).shows_on_media_page
    assert client.post(f"{admin_url}{THEMING}", {"mediapage": "No"}).status_code == HTTPStatus.SEE_OTHER
    assert (stored(tenant).shows_on_media_page, stored(tenant).link_duration) == (False, 7)
    client.post(f"{admin_url}{CONSOLE}", GOOD)
    assert (stored(tenant).shows_on_media_page, stored(tenant).link_duration) == (False, 60)


def test_the_first_change_of_one_tab_keeps_the_defaults_of_the_others(
    client: Client, admin_url: str, tenant: Tenant
) -> None:
    client.post(f"{admin_url}{THEMING}", {"mediapage": "No"})
    assert settings_for(tenant).sends_mail
    assert stored(tenant).link_duration == 1440


def test_the_mail_is_shown_as_a_guest_gets_it(client: Client, admin_url: str) -> None:
    page = client.get(f"{admin_url}/admin/config/tab/emailtemplates?language=fr")
    frame = re.search(r'<iframe[^>]* src="([^"]+)" sandbox', text(page))
    assert frame
    mail = client.get(frame[1].replace("&amp;", "&"))
    assert "/join/their-own-link" in text(mail)
    assert '<html lang="fr"' in text(mail)


def test_the_shown_mail_may_do_nothing_but_look_good(client: Client, tenant: Tenant) -> None:
    tab, secret = make_tab(
        make_member(make_course(tenant)), is_console_admin=True, frame_origins=["https://lms.example"]
    )
    client.cookies[TAB_COOKIE] = secret
    mail = client.get(f"/~{tab.handle}/admin/config/preview/invitation")
    policy = dict(part.strip().partition(" ")[::2] for part in mail["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "frame-ancestors": "'self' https://lms.example",
        "sandbox": "",
    }


@pytest.mark.parametrize("model", ["invite", "outboxmail", "modulesettings", "emailtemplate"])
def test_operators_see_the_tables_and_change_nothing(client: Client, entry: Entry, model: str) -> None:
    client.force_login(User.objects.create_superuser("root"))
    make_settings(entry.tenant)
    make_invite(entry)
    assert client.get(f"/operator/invites/{model}/").status_code == HTTPStatus.OK
    assert client.get(f"/operator/invites/{model}/add/").status_code == HTTPStatus.FORBIDDEN


def test_values_are_escaped(client: Client, admin_url: str, tenant: Tenant, entry: Entry) -> None:
    evil = {**GOOD, "RestrictNewUserDomains": "</textarea><script>alert(1)</script>"}
    assert "<script>alert(1)" not in text(client.post(f"{admin_url}{CONSOLE}", evil))
