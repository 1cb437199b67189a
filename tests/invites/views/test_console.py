"""The console: who gets in, what is refused beside its field, and what is asked before it is saved."""

import re
from http import HTTPStatus

import pytest
from django.contrib.auth.models import User
from django.test import Client

from invites.models import ModuleSettings
from invites.queries import settings_for
from lti_tool.identity import TAB_COOKIE
from lti_tool.models import Tenant
from rooms.models import Entry
from tests.factories.console import GOOD, launched_tab
from tests.factories.console import INVITE_TO_MEDIA as CONSOLE
from tests.factories.console import text_of as text
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_course, make_member, make_tab, make_tenant
from tests.factories.rooms import make_entry

pytestmark = pytest.mark.django_db

THEMING = "/admin/config/tab/theming"


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant(name="Northfield University")


@pytest.fixture
def entry(tenant: Tenant) -> Entry:
    return make_entry(tenant, title="Guest lecture")


@pytest.fixture
def admin_url(client: Client, tenant: Tenant) -> str:
    """The prefix of an administrator's tab; the client holds its cookie."""
    return f"/~{launched_tab(client, tenant).handle}"


@pytest.fixture
def operator(client: Client) -> User:
    user = User.objects.create_user("op", is_staff=True)
    client.force_login(user)
    return user


def stored(tenant: Tenant) -> ModuleSettings:
    return ModuleSettings.objects.get(tenant=tenant)


# --- who gets in ----------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["invitetomedia", "emailtemplates", "groups", "theming", "audit"])
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
        client.get(f"{admin_url}/admin/config/emailtemplates/new?tenant={other.pk}"),
    ):
        assert answer.status_code == HTTPStatus.NOT_FOUND
    assert not ModuleSettings.objects.exists()
    client.post(f"{admin_url}{CONSOLE}", {**GOOD, "tenant": str(other.pk)})
    assert [rules.tenant for rules in ModuleSettings.objects.all()] == [tenant]


@pytest.mark.parametrize("path", [CONSOLE, THEMING, "/admin/config/emailtemplates/new"])
def test_a_tab_without_the_right_is_refused_kindly(client: Client, tenant: Tenant, path: str) -> None:
    prefix = f"/~{launched_tab(client, tenant, is_admin=False).handle}"
    for response in (client.get(f"{prefix}{path}"), client.post(f"{prefix}{path}", GOOD)):
        assert response.status_code in {HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED}
    assert "The console is for administrators." in text(client.get(f"{prefix}{path}"))
    assert not ModuleSettings.objects.exists()


def test_the_right_of_one_tab_is_nothing_to_another(client: Client, tenant: Tenant, operator: User) -> None:
    """Not even an operator's login opens the console in a tab that was launched by somebody else."""
    prefix = f"/~{launched_tab(client, tenant, is_admin=False).handle}"
    assert client.get(f"{prefix}{CONSOLE}").status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("path", [CONSOLE, THEMING, "/admin/config/emailtemplates/new"])
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
    page = text(client.get(f"/~{tab.handle}/admin/config/tab/emailtemplates"))
    frame = re.search(r'<iframe[^>]* src="([^"]+)" sandbox', page)
    assert frame
    mail = Client().get(frame[1])
    policy = dict(part.strip().partition(" ")[::2] for part in mail["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data: https:",
        "frame-ancestors": "'self' https://lms.example",
        "sandbox": "",
    }


@pytest.mark.parametrize(
    "model", [*("invite", "outboxmail", "modulesettings"), *("emailtemplate", "group", "auditevent")]
)
def test_operators_see_the_tables_and_change_nothing(client: Client, entry: Entry, model: str) -> None:
    client.force_login(User.objects.create_superuser("root"))
    make_settings(entry.tenant)
    make_invite(entry)
    assert client.get(f"/operator/invites/{model}/").status_code == HTTPStatus.OK
    assert client.get(f"/operator/invites/{model}/add/").status_code == HTTPStatus.FORBIDDEN


def test_values_are_escaped(client: Client, admin_url: str, tenant: Tenant, entry: Entry) -> None:
    evil = {**GOOD, "RestrictNewUserDomains": "</textarea><script>alert(1)</script>"}
    assert "<script>alert(1)" not in text(client.post(f"{admin_url}{CONSOLE}", evil))
