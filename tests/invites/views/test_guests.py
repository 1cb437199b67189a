"""The console's tab `guests`, by HTTP: look up, hand out, erase, join."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import pytest
from django.http import HttpResponseBase
from django.test import Client

from invites.models import AuditEvent, Invite
from lti_tool.models import Tenant
from rooms.models import Entry, Guest, Participant
from tests.factories.console import launched_tab
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_person, make_tenant
from tests.factories.rooms import make_entry, make_guest, make_participant

pytestmark = pytest.mark.django_db

TAB: Final = "/admin/config/tab/guests"


@dataclass
class Admin:
    """An administrator's browser."""

    client: Client
    prefix: str

    def get(self, path: str) -> HttpResponseBase:
        return self.client.get(f"{self.prefix}{path}")

    def post(self, path: str, **data: str) -> HttpResponseBase:
        return self.client.post(f"{self.prefix}{path}", data)

    def look_up(self, address: str) -> HttpResponseBase:
        return self.post(TAB, address=address)


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant(name="Northfield University")


@pytest.fixture
def entry(tenant: Tenant) -> Entry:
    return make_entry(tenant, title="Reading the ice")


@pytest.fixture
def admin(tenant: Tenant) -> Admin:
    client = Client()
    return Admin(client, f"/~{launched_tab(client, tenant).handle}")


@pytest.fixture
def guest(entry: Entry) -> Guest:
    guest = make_guest(entry.tenant, email="ana@example.org", first_name="Ana", last_name="Silva")
    make_invite(entry, participant=make_participant(entry, guest=guest, role="speaker"))
    return guest


def text(response: HttpResponseBase) -> str:
    return b"".join(response).decode()


def test_the_tab_says_how_long_guests_are_kept(admin: Admin, tenant: Tenant) -> None:
    make_settings(tenant, guest_retention_days=33)
    page = text(admin.get(TAB))
    assert "33 days after the end of the last session" in page
    assert 'aria-current="page">Personal data<' in page


def test_an_exact_address_leads_to_what_is_held_and_stands_in_no_address(admin: Admin, guest: Guest) -> None:
    found = admin.look_up(" Ana@Example.org ")
    assert (found.status_code, found["Location"]) == (
        HTTPStatus.SEE_OTHER,
        f"{admin.prefix}/admin/config/guests/guest/{guest.pk}",
    )
    page = text(admin.client.get(found["Location"]))
    assert "Ana Silva" in page
    assert "ana@example.org" in page
    assert "Reading the ice" in page


@pytest.mark.parametrize("typed", ["ana", "nobody@example.org", "ana@example"])
def test_anything_but_a_whole_address_finds_nobody(admin: Admin, guest: Guest, typed: str) -> None:
    response = admin.look_up(typed)
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Nothing is held of this address at your institution." in text(response)
    assert f'value="{typed}"' in text(response)


def test_a_guest_and_a_person_with_one_address_are_told_apart(admin: Admin, guest: Guest) -> None:
    make_person(guest.tenant, name="Ana Maria", email="ana@example.org")
    page = text(admin.look_up("ana@example.org"))
    assert "Several have this address" in page
    assert "Known by the LMS" in page


def test_the_data_is_handed_out_as_a_file(admin: Admin, guest: Guest) -> None:
    at = f"/admin/config/guests/guest/{guest.pk}/export"
    assert admin.get(at).status_code == HTTPStatus.METHOD_NOT_ALLOWED
    response = admin.post(at)
    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert "attachment" in response["Content-Disposition"]
    assert "ana" not in response["Content-Disposition"]
    assert json.loads(text(response))["who"]["first_name"] == "Ana"
    assert AuditEvent.objects.get().action == "privacy.exported"


def test_erasing_asks_for_a_tick_first(admin: Admin, guest: Guest) -> None:
    at = f"/admin/config/guests/guest/{guest.pk}"
    asked = admin.post(at)
    assert asked.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Tick the box first" in text(asked)
    done = admin.post(at, confirmed="on")
    assert done["Location"] == f"{admin.prefix}{TAB}?done=erased"
    assert "Erased." in text(admin.client.get(done["Location"]))
    assert Invite.objects.get().withdrawn_at is not None
    assert admin.get(at).status_code == HTTPStatus.NOT_FOUND
    assert admin.look_up("ana@example.org").status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_somebody_who_never_came_is_found_by_their_invite(admin: Admin, entry: Entry) -> None:
    invite = make_invite(entry, email="late@example.org")
    found = admin.look_up("late@example.org")
    assert found["Location"].endswith(f"/admin/config/guests/invite/{invite.pk}")
    assert "Invited, has never come" in text(admin.client.get(found["Location"]))
    admin.client.post(found["Location"], {"confirmed": "on"})
    assert Invite.objects.get().email == ""


def test_a_person_of_the_lms_is_explained(admin: Admin, tenant: Tenant) -> None:
    person = make_person(tenant, email="pat@campus.example")
    page = text(admin.get(f"/admin/config/guests/person/{person.pk}"))
    assert "would come back with their next launch" in page
    assert "Anonymise now" in page
    assert "somebody whom the LMS knows" not in page


def test_a_guest_is_joined_with_a_person_after_a_look(admin: Admin, guest: Guest) -> None:
    person = make_person(guest.tenant, name="Ana Maria", email="a.silva@campus.example")
    at = f"/admin/config/guests/{guest.pk}/join"
    nobody = admin.post(at, address="ana@example.org")
    assert nobody.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "The LMS has sent nobody with this address." in text(nobody)
    looked = text(admin.post(at, address="a.silva@campus.example"))
    assert "Ana Maria" in looked
    assert Participant.objects.get().guest == guest
    joined = admin.post(at, address="a.silva@campus.example", person=str(person.pk))
    assert joined["Location"].endswith(f"/admin/config/guests/person/{person.pk}?done=joined")
    assert Participant.objects.get().person == person
    assert "Joined." in text(admin.client.get(joined["Location"]))


def test_a_person_who_was_not_found_by_the_address_is_not_joined(admin: Admin, guest: Guest) -> None:
    make_person(guest.tenant, email="a.silva@campus.example")
    other = make_person(guest.tenant)
    admin.post(
        f"/admin/config/guests/{guest.pk}/join", address="a.silva@campus.example", person=str(other.pk)
    )
    assert Participant.objects.get().guest == guest


@pytest.mark.parametrize("who", ["other administrator", "nobody", "teacher"])
def test_others_see_and_do_nothing(guest: Guest, who: str) -> None:
    client = Client()
    tenant = guest.tenant if who == "teacher" else make_tenant()
    tab = launched_tab(client, tenant, is_admin=who != "teacher") if who != "nobody" else None
    prefix = f"/~{tab.handle}" if tab else ""
    for path in (f"guest/{guest.pk}", f"guest/{guest.pk}/export", f"{guest.pk}/join"):
        for data in ({"confirmed": "on"}, {"address": "ana@example.org"}):
            response = client.post(f"{prefix}/admin/config/guests/{path}", data)
            assert response.status_code in {302, 403, 404}
    guest.refresh_from_db()
    assert guest.email == "ana@example.org"
    assert not AuditEvent.objects.exists()


def test_lookups_are_limited(admin: Admin) -> None:
    for _try in range(120):
        admin.look_up("x")
    assert admin.look_up("x").status_code == HTTPStatus.TOO_MANY_REQUESTS
