"""The guest's way, by HTTP: each state of a link, the lobby, what never uses it up (design §7, §10)."""

import logging
import re
from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

import pytest
from django.db import connection
from django.http import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.middleware import PathScrubber
from invites.links import LinkClaim, make_token, token_for
from invites.models import Invite, Redemption
from lti_tool.identity import HERE_COOKIE, here_value
from lti_tool.models import Person
from rooms.models import Binding, Entry, Guest, Participant, Pass
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_course, make_member, make_person, make_placement, make_tab, make_tenant
from tests.factories.rooms import make_entry

pytestmark = pytest.mark.django_db

INVITED = "ana@example.org"
SETTLED = re.compile(r"^(UPDATE|INSERT|DELETE)", re.IGNORECASE)


@pytest.fixture
def phone() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def laptop() -> Client:
    return Client(enforce_csrf_checks=True)


def door(invite: Invite) -> str:
    return f"/join/{token_for(invite)}"


def text(response: HttpResponseBase) -> str:
    return b"".join(response).decode()


def key_in(response: HttpResponseBase) -> str:
    found = re.search(r'name="key" value="([0-9a-f]+)"', text(response))
    assert found is not None
    return found[1]


def knock(client: Client, invite: Invite, email: str = INVITED, **more: str) -> HttpResponseBase:
    key = key_in(client.get(door(invite), {"early": ""}))
    return client.post(door(invite), {"key": key, "email": email, **more})


def signed_in(client: Client, person: Person, entry: Entry | None = None) -> None:
    """A launch that sits in the first-party jar of this browser."""
    course = make_course(person.tenant)
    placement = make_placement(course)
    if entry is not None:
        Binding.objects.create(placement=placement, entry=entry)
    tab, secret = make_tab(make_member(course, person=person), placement)
    client.cookies[HERE_COOKIE] = here_value(tab.handle, secret)


def state() -> list[object]:
    """All that a visit could change."""
    return [
        list(Invite.objects.order_by("pk").values()),
        Redemption.objects.count(),
        Pass.objects.count(),
        Guest.objects.count(),
        Participant.objects.count(),
    ]


# --- In -----------------------------------------------------------------------------------------------


def test_the_right_address_leads_to_the_media_page_and_the_token_stays_behind(phone: Client) -> None:
    invite = make_invite()
    response = knock(phone, invite, " Ana@Example.ORG ")
    assert response.status_code == HTTPStatus.SEE_OTHER
    assert response["Location"] == f"/media/{invite.entry_id}/"
    for name, path in {"foyer-pass": f"/media/{invite.entry_id}/", "foyer-device": "/join/"}.items():
        cookie = response.cookies[name]
        assert (cookie["path"], cookie["secure"], cookie["httponly"]) == (path, True, True)
        assert (cookie["samesite"], cookie["partitioned"]) == ("None", True)
        assert cookie["max-age"] > 365 * 24 * 3600
    page = phone.get(response["Location"])
    assert page.status_code == HTTPStatus.OK
    assert token_for(invite) not in text(page)


def test_a_device_that_passed_is_let_in_by_looking(phone: Client, laptop: Client) -> None:
    invite = make_invite()
    knock(phone, invite)
    before = state()
    again = phone.get(door(invite))
    assert (again.status_code, again["Location"]) == (HTTPStatus.SEE_OTHER, f"/media/{invite.entry_id}/")
    assert phone.get(again["Location"]).status_code == HTTPStatus.OK
    other = laptop.get(door(invite))
    assert other.status_code == HTTPStatus.FORBIDDEN
    assert "already in use on another device" in text(other)
    assert state() == before


def test_a_device_that_lost_its_pass_cookie_gets_it_back(phone: Client) -> None:
    invite = make_invite()
    knock(phone, invite)
    del phone.cookies["foyer-pass"]
    assert phone.get(f"/media/{invite.entry_id}/").status_code == HTTPStatus.NOT_FOUND
    phone.get(door(invite))
    assert phone.get(f"/media/{invite.entry_id}/").status_code == HTTPStatus.OK


def test_the_old_device_is_out_when_a_new_link_is_used(phone: Client, laptop: Client) -> None:
    invite = make_invite()
    knock(phone, invite)
    old = door(invite)
    Invite.objects.update(generation=2, devices_used=0)
    invite.refresh_from_db()
    assert phone.get(old).status_code == HTTPStatus.SEE_OTHER
    knock(laptop, invite)
    assert phone.get(f"/media/{invite.entry_id}/").status_code == HTTPStatus.GONE
    assert "This link was replaced" in text(phone.get(old))


# --- Each state has its page ----------------------------------------------------------------------------


def closed(client: Client, invite: Invite, status: HTTPStatus, title: str) -> str:
    response = client.get(door(invite))
    assert response.status_code == status
    page = text(response)
    assert f'<h1 id="door-title">{title}' in page
    assert "<form" not in page
    assert INVITED not in page
    return page


@pytest.mark.parametrize(
    ("values", "status", "title"),
    [
        ({"withdrawn_at": timezone.now()}, HTTPStatus.GONE, "This invitation was withdrawn"),
        ({"expires_at": timezone.now()}, HTTPStatus.GONE, "This link has expired"),
        ({"devices_used": 1}, HTTPStatus.FORBIDDEN, "This link is already in use on another device"),
    ],
)
def test_a_closed_link_says_why_and_whom_to_ask(
    phone: Client, values: dict[str, object], status: HTTPStatus, title: str
) -> None:
    entry = make_entry()
    inviter = make_person(entry.tenant, name="Dr. Ingrid Solberg", email="ingrid@campus.example")
    invite = make_invite(entry, made_by=inviter)
    Invite.objects.update(**values)
    page = closed(phone, invite, status, title)
    assert "Dr. Ingrid Solberg" in page
    assert "ingrid@campus.example" not in page


def test_a_replaced_link_says_so(phone: Client) -> None:
    invite = make_invite()
    Invite.objects.update(generation=2)
    closed(phone, invite, HTTPStatus.GONE, "This link was replaced")


def test_a_switched_off_module_says_so_and_names_the_administrator(phone: Client) -> None:
    invite = make_invite()
    make_settings(invite.tenant, enable=False, admin_contact="help@campus.example")
    page = closed(phone, invite, HTTPStatus.FORBIDDEN, "Guests are not let in at the moment")
    assert "help@campus.example" in page


def test_an_ended_session_and_a_deleted_one_say_so(phone: Client) -> None:
    invite = make_invite()
    Entry.objects.update(doors="ended", doors_changed_at=timezone.now())
    closed(phone, invite, HTTPStatus.GONE, "This session is over")
    Entry.objects.update(deleted_at=timezone.now())
    closed(phone, invite, HTTPStatus.GONE, "This session was deleted")


def test_a_guest_shown_out_by_a_host_reads_so(phone: Client) -> None:
    invite = make_invite()
    knock(phone, invite)
    Participant.objects.update(removed_at=timezone.now())
    closed(phone, invite, HTTPStatus.FORBIDDEN, "A host has shown you out")


def test_a_restricted_address_is_sent_to_its_course(phone: Client) -> None:
    invite = make_invite()
    make_settings(invite.tenant, restrict_new_user_domains=["example.org"])
    response = knock(phone, invite)
    assert response.status_code == HTTPStatus.FORBIDDEN
    assert "People at example.org sign in through your LMS." in text(response)
    assert not Guest.objects.exists()


@pytest.mark.parametrize("forged", ["x", "A" * 48, "%00", make_token(LinkClaim(UUID(int=7), 1), key=b"no")])
def test_a_forged_link_gets_a_page_without_a_look_into_the_database(phone: Client, forged: str) -> None:
    for method in (phone.get, phone.head, phone.post):
        with CaptureQueriesContext(connection) as queries:
            response = method(f"/join/{forged}")
        assert response.status_code == HTTPStatus.NOT_FOUND
        assert len(queries) == 0
    assert "This link does not work" in text(phone.get(f"/join/{forged}"))


def test_a_genuine_link_to_nothing_is_gone(phone: Client) -> None:
    invite = make_invite()
    Invite.objects.all().delete()
    assert "This session was deleted" in text(phone.get(door(invite)))


# --- Before the doors -----------------------------------------------------------------------------------


@pytest.fixture
def early() -> Invite:
    now = timezone.now()
    entry = make_entry(
        title="Reading the ice",
        description="Forty years of cores.",
        starts_at=now + timedelta(hours=2),
        ends_at=now + timedelta(hours=3),
        time_zone="Europe/Oslo",
    )
    make_invite(entry, email="okafor@example.org", first_name="Amara", last_name="Okafor", role="speaker")
    return make_invite(entry, role="viewer", expires_at=now + timedelta(hours=4))


def test_before_the_doors_there_is_a_countdown_and_no_lobby(phone: Client, early: Invite) -> None:
    page = text(phone.get(door(early)))
    for expected in ["Reading the ice", "Forty years of cores.", "Amara Okafor", "data-countdown", "Oslo"]:
        assert expected in page
    assert "<form" not in page
    assert INVITED not in page


def test_somebody_early_keeps_a_place_on_this_device(phone: Client, early: Invite) -> None:
    response = knock(phone, early)
    assert response.status_code == HTTPStatus.SEE_OTHER
    assert phone.get(response["Location"]).status_code == HTTPStatus.OK


def test_at_the_start_the_same_address_is_the_lobby(phone: Client, early: Invite) -> None:
    Entry.objects.update(starts_at=timezone.now())
    assert "data-lobby" in text(phone.get(door(early)))


def test_an_invited_speaker_finds_the_lobby_fifteen_minutes_before(phone: Client, early: Invite) -> None:
    speaker = Invite.objects.get(role="speaker")
    page = text(phone.get(door(speaker)))
    assert "Speakers are let in fifteen minutes before the start." in page
    assert page.count("data-countdown ") == 2  # one of them counts to that moment, unseen
    assert "Speakers are let in" not in text(phone.get(door(early)))
    Entry.objects.update(starts_at=timezone.now() + timedelta(minutes=10))
    assert "data-lobby" in text(phone.get(door(speaker)))
    assert "data-lobby" not in text(phone.get(door(early)))


def test_the_session_fits_into_a_calendar(phone: Client, early: Invite) -> None:
    response = phone.get(f"{door(early)}/calendar.ics")
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert "SUMMARY:Reading the ice" in text(response)
    assert phone.get(f"{door(make_invite())}/calendar.ics").status_code == HTTPStatus.NOT_FOUND
    assert phone.get("/join/forged/calendar.ics").status_code == HTTPStatus.NOT_FOUND


# --- The lobby ------------------------------------------------------------------------------------------


def test_the_lobby_does_not_show_who_is_invited(phone: Client) -> None:
    page = text(phone.get(door(make_invite(first_name="Anastasia", last_name="Quill"))))
    for hidden in (INVITED, "Anastasia", "Quill", "example.org"):
        assert hidden not in page


def test_a_wrong_address_is_told_beside_the_field_and_kept(phone: Client) -> None:
    invite = make_invite()
    response = knock(phone, invite, "bo@example.net")
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    page = text(response)
    assert "The invitation was not made for this address." in page
    assert 'value="bo@example.net"' in page
    assert INVITED not in page
    invite.refresh_from_db()
    assert (invite.devices_used, invite.lobby_reached_at is not None) == (0, True)
    assert knock(phone, invite).status_code == HTTPStatus.SEE_OTHER


def test_too_many_wrong_addresses_are_told_kindly(phone: Client) -> None:
    invite = make_invite()
    for _try in range(10):
        knock(phone, invite, "bo@example.net")
    response = knock(phone, invite)
    assert response.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert response["Retry-After"] == "900"
    assert "Too many tries" in text(response)


# --- What never uses a link up (design §10, number 3) ---------------------------------------------------


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("query", ["", "?early", "?email=ana@example.org", f"?email={INVITED}&key=1"])
def test_looking_changes_nothing(phone: Client, method: str, query: str, early: Invite) -> None:
    invites = [early, make_invite()]
    before = state()
    for invite in invites:
        with CaptureQueriesContext(connection) as queries:
            getattr(phone, method)(door(invite) + query)
        assert not [query["sql"] for query in queries if SETTLED.match(query["sql"])]
    assert state() == before


def test_a_scanners_blind_form_changes_nothing(phone: Client, laptop: Client) -> None:
    invite = make_invite()
    before = state()
    key = key_in(phone.get(door(invite)))
    blind = [
        phone.post(door(invite)),  # no key
        phone.post(door(invite), {"email": INVITED}),
        phone.post(
            f"{door(invite)}?email={INVITED}", {"key": key, "email": ""}
        ),  # sends what it found, empty
        laptop.post(door(invite), {"email": INVITED, "key": key}),  # somebody else's key
        Client().post(door(invite), {"email": INVITED, "key": "é"}),
    ]
    assert [response.status_code for response in blind] == [403, 403, 422, 403, 403]
    assert state() == before


def test_a_key_of_one_link_is_no_key_to_another(phone: Client) -> None:
    first, second = make_invite(), make_invite()
    key = key_in(phone.get(door(first)))
    assert phone.post(door(second), {"key": key, "email": INVITED}).status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_other_methods_do_nothing(phone: Client, method: str) -> None:
    assert getattr(phone, method)(door(make_invite())).status_code == HTTPStatus.METHOD_NOT_ALLOWED


# --- Signed in from the LMS -------------------------------------------------------------------------------


def test_the_invited_person_continues_under_their_own_name(phone: Client) -> None:
    invite = make_invite()
    signed_in(phone, make_person(invite.tenant, email=INVITED, name="Ana Silva"))
    page = phone.get(door(invite))
    assert "Continue as Ana Silva" in text(page)
    response = phone.post(door(invite), {"key": key_in(page), "as": "person"})
    assert response.status_code == HTTPStatus.SEE_OTHER
    assert Participant.objects.get().person is not None
    assert not Guest.objects.exists()


def test_somebody_else_is_offered_both_ways(phone: Client) -> None:
    invite = make_invite()
    person = make_person(invite.tenant, email="bo@example.org", name="Bo Berg")
    signed_in(phone, person, invite.entry)
    page = phone.get(door(invite))
    assert "Continue as" not in text(page)
    own_way = re.search(r'href="(/~[^/]+/media/[^"]+)"', text(page))
    assert own_way is not None
    refused = phone.post(door(invite), {"key": key_in(page), "as": "person"})
    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert knock(phone, invite).status_code == HTTPStatus.SEE_OTHER
    assert Participant.objects.get().guest is not None


def test_a_person_of_another_tenant_is_nobody_here(phone: Client) -> None:
    invite = make_invite()
    signed_in(phone, make_person(make_tenant(), email=INVITED, name="Ana Silva"))
    page = phone.get(door(invite))
    assert "Ana Silva" not in text(page)
    phone.post(door(invite), {"key": key_in(page), "as": "person"})
    assert not Redemption.objects.exists()


def test_a_visit_that_has_ended_is_told(phone: Client) -> None:
    invite = make_invite()
    key = key_in(phone.get(door(invite)))
    response = phone.post(door(invite), {"key": key, "as": "person"})
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Your visit from the LMS has ended." in text(response)


# --- What gets out ----------------------------------------------------------------------------------------


def test_every_answer_keeps_its_address_to_itself(phone: Client, early: Invite) -> None:
    open_invite = make_invite()
    withdrawn = make_invite(withdrawn_at=timezone.now())
    answers = [
        *(phone.get(door(invite)) for invite in (early, open_invite, withdrawn)),
        phone.get("/join/forged"),
        phone.get(f"{door(early)}/calendar.ics"),
        phone.post(door(open_invite)),
        knock(phone, open_invite, "bo@example.net"),
        knock(phone, open_invite),
    ]
    for answer in answers:
        assert answer["Referrer-Policy"] == "no-referrer"
        assert "no-store" in answer["Cache-Control"]
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


def test_a_link_belongs_to_no_tab(phone: Client) -> None:
    invite = make_invite()
    membership = make_member(make_course(invite.tenant))
    tab, secret = make_tab(membership)
    phone.cookies["foyer-tab"] = secret
    assert phone.get(f"/~{tab.handle}{door(invite)}").status_code == HTTPStatus.NOT_FOUND


def test_no_log_line_of_a_whole_journey_tells_who_or_by_which_link(
    phone: Client, laptop: Client, early: Invite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    phone.get(door(early))
    knock(phone, early, "wrong@example.net")
    knock(phone, early)
    phone.get(door(early))
    phone.get(f"/media/{early.entry_id}/")
    laptop.get(door(early))
    phone.get("/join/forged")
    # The handler in settings.LOGGING filters so; what the database is told is logged at DEBUG only.
    lines = [record for record in caplog.records if not record.name.startswith("django.db")]
    said = "\n".join(record.getMessage() for record in lines if PathScrubber().filter(record))
    assert "/join/…" in said
    for secret in (token_for(early), INVITED, "wrong@example.net", "Guest", "Okafor", "forged"):
        assert secret not in said


# --- Cost -------------------------------------------------------------------------------------------------


def test_a_visit_costs_few_queries(phone: Client) -> None:
    invite = make_invite()
    with CaptureQueriesContext(connection) as look:
        page = phone.get(door(invite))
    with CaptureQueriesContext(connection) as enter:
        phone.post(door(invite), {"key": key_in(page), "email": INVITED})
    assert len(look) <= 3
    # One read and, on PostgreSQL, one statement that writes; in a test a savepoint stands around it.
    assert len(enter) <= (4 if connection.vendor == "postgresql" else 8)


def test_a_second_device_writes_only_itself(phone: Client, laptop: Client) -> None:
    invite = make_invite(max_devices=2)
    knock(phone, invite)
    page = laptop.get(door(invite))
    with CaptureQueriesContext(connection) as enter:
        laptop.post(door(invite), {"key": key_in(page), "email": INVITED})
    assert not [query["sql"] for query in enter if "rooms_guest" in query["sql"] and "INSERT" in query["sql"]]
    assert Redemption.objects.count() == 2
