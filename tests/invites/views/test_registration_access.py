"""Addresses that may still be used, and browsers that have a console: who sees and ends them."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from lti_tool.models import ConsoleKey, RegistrationInvitation, Tenant
from lti_tool.services.console_keys import make_console_claim
from lti_tool.services.registration_invitation import make_registration_invitation
from tests.factories.lti import make_course, make_member, make_tab, make_tenant

TAB = "/admin/config/tab/registrations"
INVITE = "/admin/config/registrations/invite"

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(db: None) -> Client:
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(get_user_model().objects.create_superuser("operator", password="x"))
    return client


def administrator_of(tenant: Tenant) -> tuple[Client, str, str]:
    """A launched administrator: a browser, the prefix of its tab, and the actor that it is."""
    member = make_member(make_course(tenant))
    tab, secret = make_tab(member, is_console_admin=True)
    client = Client(SERVER_NAME="127.0.0.1")
    client.cookies["foyer-tab"] = secret
    return client, f"/~{tab.handle}", f"person:{tab.person_id}"


def browser_with_key(tenant: Tenant) -> Client:
    """A browser that redeemed a claim link."""
    secret = f"claim-of-{tenant.pk.hex}"
    make_console_claim(tenant.platform, secret=secret, now=timezone.now())
    client = Client(SERVER_NAME="127.0.0.1", HTTP_USER_AGENT="Firefox at home")
    assert client.post(f"/lti/claim/{secret}/").status_code == 303
    return client


def test_an_operator_makes_addresses_that_vouch(operator: Client) -> None:
    ticks = {"note": "Tidewater", "confirms_itself": "on", "allows_other_host": "on"}
    page = operator.post(INVITE, ticks).content.decode()
    assert "/lti/register/" in page
    made = RegistrationInvitation.objects.get()
    assert (made.note, made.confirms_itself, made.allows_other_host) == ("Tidewater", True, True)
    assert re.fullmatch(r"operator:\d+", made.made_by)
    # From the next look on the address itself is gone, its note stays.
    listed = operator.get(TAB).content.decode()
    assert "Tidewater" in listed
    assert "/lti/register/" not in listed


def test_an_administrator_makes_addresses_that_wait() -> None:
    client, tab, _actor = administrator_of(make_tenant())
    page = client.get(f"{tab}{TAB}").content.decode()
    assert "confirms_itself" not in page
    reply = client.post(f"{tab}{INVITE}", {"note": "Test instance"})
    address = re.search(r'value="([^"]+/lti/register/[^"]+)"', reply.content.decode())
    assert address
    assert "/~" not in address[1]
    assert client.post(f"{tab}{INVITE}", {"allows_other_host": "on"}).status_code == 403
    assert list(RegistrationInvitation.objects.values_list("note", "allows_other_host")) == [
        ("Test instance", False)
    ]


def test_each_sees_and_withdraws_their_own_addresses(operator: Client) -> None:
    one, one_tab, one_actor = administrator_of(make_tenant())
    other, other_tab, _actor = administrator_of(make_tenant())
    made = make_registration_invitation(by=one_actor, now=timezone.now(), note="Of the first").invitation
    url = f"/admin/config/registrations/invitations/{made.pk}"
    assert "Of the first" in one.get(f"{one_tab}{TAB}").content.decode()
    assert "Of the first" not in other.get(f"{other_tab}{TAB}").content.decode()
    assert other.post(f"{other_tab}{url}").status_code == 404
    assert one.post(f"{one_tab}{url}", {"other_host": "on"}).status_code == 403
    assert operator.post(url, {"other_host": "on"}).status_code == 303
    made.refresh_from_db()
    assert made.allows_other_host
    assert one.post(f"{one_tab}{url}").status_code == 303
    made.refresh_from_db()
    assert made.expires_at <= timezone.now()
    assert "Of the first" not in operator.get(TAB).content.decode()


def test_browsers_with_a_console_are_listed_and_lose_it(operator: Client) -> None:
    tenant = make_tenant()
    holder = browser_with_key(tenant)
    key = ConsoleKey.objects.get()
    detail = f"/admin/config/registrations/{tenant.platform_id}"
    assert "Firefox at home" in operator.get(detail).content.decode()
    assert "this one" in holder.get(TAB).content.decode()
    stranger, tab, _actor = administrator_of(make_tenant())
    end = f"{detail}/keys/{key.pk}/end"
    assert stranger.post(f"{tab}{end}").status_code == 404
    assert operator.post(end).status_code == 303
    assert holder.get(TAB).status_code == 302
    key.refresh_from_db()
    assert key.ended_by.startswith("operator:")


def test_a_browser_may_give_its_own_console_back() -> None:
    tenant = make_tenant()
    holder = browser_with_key(tenant)
    end = f"/admin/config/registrations/{tenant.platform_id}/keys/{ConsoleKey.objects.get().pk}/end"
    reply = holder.post(f"{end}?tenant={tenant.pk}")
    assert reply.status_code == 200
    assert "The console is closed here" in reply.content.decode()
    assert holder.get(TAB).status_code == 302


def test_a_key_is_no_tab_and_no_operator() -> None:
    tenant = make_tenant()
    holder = browser_with_key(tenant)
    for address in ("/operator/", f"/media/{tenant.pk}/"):
        assert holder.get(address).status_code in {302, 403, 404}
    assert holder.get(f"{TAB}?tenant={make_tenant().pk}").status_code == 404
    ConsoleKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert holder.get(TAB).status_code == 302


def test_a_browser_with_two_keys_chooses() -> None:
    one, other = make_tenant(name="Fjord College"), make_tenant(name="Tidewater University")
    holder = browser_with_key(one)
    second = browser_with_key(other)
    holder.cookies.update(second.cookies)
    page = holder.get("/admin/config/tab/theming")
    assert b"Fjord College" in page.content
    assert b"Tidewater University" in page.content
    assert holder.get(f"/admin/config/tab/theming?tenant={other.pk}").status_code == 200
