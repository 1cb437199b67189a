"""Codes by HTTP: the lobby that asks for one, and moving to another device (design §7)."""

import re
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.http import HttpResponseBase
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from invites.links import mailbox_code, token_for
from invites.models import Invite, MailboxCode, ModuleSettings, OutboxMail
from lti_tool.identity import HERE_COOKIE, here_value
from rooms.models import Entry, Guest, Participant, Pass
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_course, make_member, make_person, make_placement, make_tab
from tests.factories.rooms import make_entry

pytestmark = pytest.mark.django_db

INVITED = "ana@example.org"


@pytest.fixture
def phone() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def laptop() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def invite() -> Invite:
    """Of a tenant that wants every mailbox proven."""
    made = make_invite(made_by=None)
    make_settings(made.tenant, verify_mailbox="everybody")
    return made


def door(invite: Invite, page: str = "") -> str:
    return f"/join/{token_for(invite)}{page}"


def text(response: HttpResponseBase) -> str:
    return b"".join(response).decode()


def send(client: Client, invite: Invite, page: str = "", **typed: str) -> HttpResponseBase:
    """Open a page of the link and send a form of it."""
    found = re.search(r'name="key" value="([0-9a-f]+)"', text(client.get(door(invite, page) + "?early")))
    assert found is not None
    return client.post(door(invite, page), {"key": found[1], **typed})


def digits() -> str:
    return mailbox_code(MailboxCode.objects.latest("made_at").pk)


def asked(client: Client, invite: Invite) -> None:
    response = send(client, invite, email=INVITED)
    assert (response.status_code, response["Location"]) == (HTTPStatus.SEE_OTHER, door(invite, "/code"))


def person_signed_in(client: Client, invite: Invite, email: str) -> None:
    course = make_course(invite.tenant)
    member = make_member(course, person=make_person(invite.tenant, email=email, name="Ana Silva"))
    tab, secret = make_tab(member, make_placement(course))
    client.cookies[HERE_COOKIE] = here_value(tab.handle, secret)


# --- The lobby that wants a code --------------------------------------------------------------------------


def test_the_right_address_and_the_code_lead_in(phone: Client, invite: Invite) -> None:
    asked(phone, invite)
    page = text(phone.get(door(invite, "/code")))
    for wanted in (
        'inputmode="numeric"',
        'autocomplete="one-time-code"',
        "Look into your mailbox",
        "Come in",
    ):
        assert wanted in page
    assert INVITED not in page
    assert digits() not in page
    code = digits()
    response = send(phone, invite, "/code", code=f" {code[:3]} {code[3:]}")
    assert (response.status_code, response["Location"]) == (
        HTTPStatus.SEE_OTHER,
        f"/media/{invite.entry_id}/",
    )
    assert phone.get(response["Location"]).status_code == HTTPStatus.OK
    assert phone.get(door(invite)).status_code == HTTPStatus.SEE_OTHER  # and it is never asked again


def test_nobody_is_asked_unless_the_address_is_right(phone: Client, invite: Invite) -> None:
    response = send(phone, invite, email="bo@example.net")
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert not MailboxCode.objects.exists()
    assert phone.get(door(invite, "/code"))["Location"] == door(invite)


def test_a_rule_that_is_switched_on_between_page_and_form_counts(phone: Client, invite: Invite) -> None:
    ModuleSettings.objects.update(verify_mailbox="nobody")
    page = phone.get(door(invite))
    key = re.search(r'name="key" value="([0-9a-f]+)"', text(page))
    assert key is not None
    ModuleSettings.objects.update(verify_mailbox="everybody")
    response = phone.post(door(invite), {"key": key[1], "email": INVITED})
    assert response["Location"] == door(invite, "/code")
    assert not Pass.objects.exists()


def test_a_wrong_code_is_told_beside_the_field_and_how_many_tries_are_left(
    phone: Client, invite: Invite
) -> None:
    asked(phone, invite)
    wrong = f"{(int(digits()) + 1) % 1_000_000:06}"
    response = send(phone, invite, "/code", code=wrong)
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    page = text(response)
    assert "This is not the code." in page
    assert "You have 4 tries left." in page
    assert 'aria-invalid="true"' in page


def test_the_page_can_be_left_for_the_mailbox_and_found_again_by_the_link(
    phone: Client, invite: Invite
) -> None:
    asked(phone, invite)
    assert phone.get(door(invite))["Location"] == door(invite, "/code")
    assert "Your email address" in text(phone.get(door(invite) + "?early"))  # the other way out of it
    MailboxCode.objects.update(expires_at=timezone.now(), made_at=timezone.now() - timedelta(minutes=11))
    assert "Your email address" in text(phone.get(door(invite)))
    assert "There is no code that is still good." in text(send(phone, invite, "/code", code=digits()))


def test_another_code_is_sent_when_asked_for(phone: Client, invite: Invite) -> None:
    asked(phone, invite)
    MailboxCode.objects.update(made_at=timezone.now() - timedelta(minutes=1))
    assert send(phone, invite, "/code", again="1").status_code == HTTPStatus.SEE_OTHER
    assert OutboxMail.objects.filter(kind="code").count() == 2
    _grow_older(minutes=2)
    send(phone, invite, "/code", again="1")
    _grow_older(minutes=3)
    response = send(phone, invite, "/code", again="1")
    assert response.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert "Three codes were sent to this mailbox" in text(response)
    assert OutboxMail.objects.filter(kind="code").count() == 3


def _grow_older(*, minutes: int) -> None:
    """Let the newest code have been asked for so long ago."""
    ago = timezone.now() - timedelta(minutes=minutes)
    MailboxCode.objects.filter(made_at__gt=timezone.now() - timedelta(minutes=1)).update(made_at=ago)


def test_a_code_of_one_device_is_nothing_on_another(phone: Client, laptop: Client, invite: Invite) -> None:
    asked(phone, invite)
    assert laptop.get(door(invite, "/code"))["Location"] == door(invite)
    response = laptop.post(door(invite, "/code"), {"key": "0" * 64, "code": digits()})
    assert response.status_code == HTTPStatus.FORBIDDEN
    assert not Pass.objects.exists()


def test_before_the_doors_the_place_is_kept_by_a_code_too(phone: Client, invite: Invite) -> None:
    now = timezone.now()
    Entry.objects.update(starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2))
    asked(phone, invite)
    assert "Keep my place" in text(phone.get(door(invite, "/code")))
    response = send(phone, invite, "/code", code=digits())
    assert "data-countdown" in text(phone.get(response["Location"]))


def test_a_person_with_the_address_needs_no_code(phone: Client, invite: Invite) -> None:
    person_signed_in(phone, invite, INVITED)
    response = send(phone, invite, **{"as": "person"})
    assert response["Location"] == f"/media/{invite.entry_id}/"
    assert not MailboxCode.objects.exists()


def test_where_no_mail_can_be_sent_the_page_says_so_and_the_hosts_know(
    phone: Client, invite: Invite, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    response = send(phone, invite, email=INVITED)
    assert response.status_code == HTTPStatus.OK
    assert "No code can be sent at the moment" in text(response)
    invite.refresh_from_db()
    assert invite.new_link_asked_at is not None


def test_an_address_that_may_not_become_a_guest_reads_so_at_once(phone: Client, invite: Invite) -> None:
    ModuleSettings.objects.update(restrict_new_user_domains=["example.org"])
    assert send(phone, invite, email=INVITED).status_code == HTTPStatus.FORBIDDEN
    assert not MailboxCode.objects.exists()


# --- Move to this device ----------------------------------------------------------------------------------


@pytest.fixture
def used_up(phone: Client) -> Invite:
    """The phone is in."""
    made = make_invite(make_entry(), max_devices=1)
    assert send(phone, made, email=INVITED).status_code == HTTPStatus.SEE_OTHER
    return made


def test_a_used_up_link_offers_to_move_here(laptop: Client, used_up: Invite) -> None:
    page = text(laptop.get(door(used_up)))
    assert f'href="{door(used_up, "/move")}"' in page
    assert "<form" not in page
    assert "is shown out at once" in text(laptop.get(door(used_up, "/move")))


def test_the_code_moves_the_place_and_the_old_device_reads_where_it_went(
    phone: Client, laptop: Client, used_up: Invite
) -> None:
    assert send(laptop, used_up, "/move", email=INVITED)["Location"] == door(used_up, "/code")
    assert "Move here" in text(laptop.get(door(used_up, "/code")))
    response = send(laptop, used_up, "/code", code=digits())
    assert laptop.get(response["Location"]).status_code == HTTPStatus.OK
    gone = phone.get(f"/media/{used_up.entry_id}/")
    assert gone.status_code == HTTPStatus.GONE
    assert "was moved to another device" in text(gone)
    assert "already in use on another device" in text(phone.get(door(used_up)))
    assert Participant.objects.count() == Guest.objects.count() == 1


def test_of_several_devices_it_says_which_one_goes(phone: Client, laptop: Client) -> None:
    made = make_invite(max_devices=2)
    for client in (phone, laptop):
        send(client, made, email=INVITED)
    seen_at = timezone.now() - timedelta(hours=3)
    Pass.objects.update(seen_at=seen_at)
    page = text(Client().get(door(made, "/move")))
    assert "From the device last used" in page
    assert f'datetime="{seen_at:%Y-%m-%dT%H:%M:%S}' in page


def test_the_device_that_is_in_goes_in_instead(phone: Client, used_up: Invite) -> None:
    for page in ("", "/move", "/code", "/new-link"):
        assert phone.get(door(used_up, page))["Location"] == f"/media/{used_up.entry_id}/"


def test_while_a_place_is_free_nobody_has_to_go(laptop: Client) -> None:
    made = make_invite()
    for page in ("/move", "/new-link", "/code"):
        assert laptop.get(door(made, page))["Location"] == door(made)


def test_a_wrong_address_moves_nothing(laptop: Client, used_up: Invite) -> None:
    response = send(laptop, used_up, "/move", email="bo@example.net")
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert 'value="bo@example.net"' in text(response)
    assert not MailboxCode.objects.exists()


def test_the_invited_person_moves_by_a_button(laptop: Client, phone: Client, used_up: Invite) -> None:
    person_signed_in(laptop, used_up, INVITED)
    assert "Move here as Ana Silva" in text(laptop.get(door(used_up, "/move")))
    response = send(laptop, used_up, "/move", **{"as": "person"})
    assert laptop.get(response["Location"]).status_code == HTTPStatus.OK
    assert phone.get(response["Location"]).status_code == HTTPStatus.GONE


def test_somebody_else_does_not(laptop: Client, phone: Client, used_up: Invite) -> None:
    person_signed_in(laptop, used_up, "bo@example.org")
    assert "Move here as" not in text(laptop.get(door(used_up, "/move")))
    assert send(laptop, used_up, "/move", **{"as": "person"}).status_code == HTTPStatus.FORBIDDEN
    assert phone.get(f"/media/{used_up.entry_id}/").status_code == HTTPStatus.OK


@pytest.mark.parametrize("page", ["/move", "/code", "/new-link"])
def test_a_withdrawn_invitation_says_so_on_every_page(laptop: Client, used_up: Invite, page: str) -> None:
    Invite.objects.update(withdrawn_at=timezone.now())
    response = laptop.get(door(used_up, page))
    assert response.status_code == HTTPStatus.GONE
    assert "This invitation was withdrawn" in text(response)


@pytest.mark.parametrize("page", ["/move", "/code", "/new-link"])
def test_a_forged_link_has_none_of_these_pages(laptop: Client, page: str) -> None:
    for answer in (laptop.get, laptop.post):
        assert answer(f"/join/{'A' * 48}{page}").status_code == HTTPStatus.NOT_FOUND
