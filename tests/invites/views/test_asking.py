"""Asking for a new link, by HTTP; and what a scanner does to the forms of the door (design §7, §10)."""

import re
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.http import HttpResponseBase
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from invites.links import link_for, token_for
from invites.models import Invite, InviteEvent, MailboxCode, OutboxMail, Redemption
from lti_tool.identity import HERE_COOKIE, here_value
from lti_tool.models import Person
from rooms.models import Guest, Participant, Pass
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_course, make_member, make_person, make_placement, make_tab, make_tenant
from tests.factories.rooms import make_placed_entry

pytestmark = pytest.mark.django_db

INVITED = "ana@example.org"


@pytest.fixture
def phone() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def invite() -> Invite:
    """It has expired; its inviter is the course's instructor."""
    course = make_course(make_tenant())
    entry, _placement = make_placed_entry(course)
    person = make_person(course.tenant, name="Ingrid Solberg")
    make_member(course, person=person)
    return make_invite(entry, made_by=person, expires_at=timezone.now() - timedelta(hours=1))


def door(invite: Invite, page: str = "") -> str:
    return f"/join/{token_for(invite)}{page}"


def text(response: HttpResponseBase) -> str:
    return b"".join(response).decode()


def key_in(response: HttpResponseBase) -> str:
    found = re.search(r'name="key" value="([0-9a-f]+)"', text(response))
    assert found is not None
    return found[1]


def ask(client: Client, invite: Invite, email: str = INVITED) -> HttpResponseBase:
    address = door(invite, "/new-link")
    return client.post(address, {"key": key_in(client.get(address)), "email": email})


# --- Asking -----------------------------------------------------------------------------------------------


def test_an_expired_link_leads_to_a_new_one_in_the_invited_mailbox(phone: Client, invite: Invite) -> None:
    closed = text(phone.get(door(invite)))
    assert f'href="{door(invite, "/new-link")}"' in closed
    assert "Ingrid Solberg sees that you have asked" in closed
    response = ask(phone, invite)
    assert response.status_code == HTTPStatus.OK
    assert "a link is on its way there" in text(response)
    assert OutboxMail.objects.get().kind == "new_link"
    old = door(invite)
    invite.refresh_from_db()
    assert link_for(invite) not in text(response)
    assert token_for(invite) not in text(response)
    assert "This link was replaced" in text(phone.get(old))
    assert "data-lobby" in text(phone.get(door(invite)))


def test_the_answer_is_the_same_for_every_address(phone: Client, invite: Invite) -> None:
    right, wrong = text(ask(phone, invite)), text(ask(Client(), invite, "bo@example.net"))
    assert right.replace(INVITED, "…") == wrong.replace("bo@example.net", "…")
    assert OutboxMail.objects.count() == 1


def test_a_replaced_link_gets_the_newest_one_mailed(phone: Client, invite: Invite) -> None:
    Invite.objects.update(generation=2, expires_at=timezone.now() + timedelta(hours=1))
    assert "Send me the newer link" in text(phone.get(door(invite)))
    assert "a link is on its way there" in text(ask(phone, invite))
    assert OutboxMail.objects.get().generation == 2


def test_where_the_hosts_have_to_decide_the_page_says_so(phone: Client, invite: Invite) -> None:
    Invite.objects.update(made_by=None)
    assert "Ask the hosts" in text(phone.get(door(invite, "/new-link")))
    page = text(ask(phone, invite))
    assert "The hosts can see your request" in page
    assert not OutboxMail.objects.exists()
    invite.refresh_from_db()
    assert (invite.generation, invite.new_link_asked_at is not None) == (1, True)


def test_where_no_mail_can_be_sent_the_page_says_so(
    phone: Client, invite: Invite, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    assert "No mail can be sent from here at the moment." in text(ask(phone, invite))


def test_nothing_typed_is_told_beside_the_field(phone: Client, invite: Invite) -> None:
    response = ask(phone, invite, "")
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Enter the email address" in text(response)
    assert not InviteEvent.objects.exists()


def test_too_many_guesses_are_told(phone: Client, invite: Invite) -> None:
    for number in range(10):
        ask(phone, invite, f"guess{number}@example.org")
    response = ask(phone, invite)
    assert response.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert response["Retry-After"] == "900"
    assert not OutboxMail.objects.exists()


def test_what_was_typed_is_shown_as_text(phone: Client, invite: Invite) -> None:
    page = text(ask(phone, invite, '<script>alert("x")</script>'))
    assert "<script>alert" not in page


# --- A mail scanner ---------------------------------------------------------------------------------------


def state() -> list[object]:
    """All that a visit could change."""
    tables = (Redemption, Pass, Guest, Participant, MailboxCode, OutboxMail, InviteEvent)
    return [list(Invite.objects.order_by("pk").values()), *(table.objects.count() for table in tables)]


PAGES = ("", "?early", "/code", "/move", "/new-link", f"?email={INVITED}", f"/new-link?email={INVITED}")


def forms_in(page: str) -> list[tuple[str, dict[str, str]]]:
    """The forms as they stand: where they go, and every field and button with its value."""
    found = []
    for body in re.findall(r"<form[^>]*action=\"([^\"]+)\"[^>]*>(.*?)</form>", page, re.DOTALL):
        fields = re.findall(r"<(?:input|button)\b[^>]*>", body[1])
        values = {
            name[1]: (value[1] if (value := re.search(r'value="([^"]*)"', field)) else "")
            for field in fields
            if (name := re.search(r'\bname="([^"]+)"', field))
        }
        found.append((body[0], values))
    return found


@pytest.mark.parametrize("case", ["open", "verified", "expired", "used_up", "replaced"])
def test_a_scanner_that_sends_every_form_it_finds_changes_nothing(
    phone: Client, invite: Invite, case: str
) -> None:
    link = door(invite)
    later = timezone.now() + timedelta(days=1)
    if case == "verified":
        make_settings(invite.tenant, verify_mailbox="everybody")
    if case == "replaced":
        Invite.objects.update(generation=2)
    if case == "used_up":
        Invite.objects.update(expires_at=later, devices_used=1)
    if case in {"open", "verified"}:
        Invite.objects.update(expires_at=later)
    before, sent = state(), 0
    for page in PAGES:
        answer = phone.get(link + page, follow=True)
        for action, fields in forms_in(text(answer)):
            for query in ("", f"?email={INVITED}&code=123456&again=1"):
                phone.post(action + query, fields)
                phone.post(action + query, {**fields, "code": "000000", "again": "1"})
                sent += 1
            for other in ("", "/code", "/move", "/new-link"):  # the same key, where no form shows it yet
                phone.post(link + other, {**fields, "code": "000000"})
                phone.post(link + other, {**fields, "again": "1"})
        phone.post(link + page.partition("?")[0], {"email": INVITED, "again": "1"})  # no key of ours
    assert sent > 0
    assert state() == before


# --- Who else is here ---------------------------------------------------------------------------------------


def sign_in(client: Client, person: Person, invite: Invite) -> None:
    course = make_course(invite.tenant)
    tab, secret = make_tab(make_member(course, person=person), make_placement(course))
    client.cookies[HERE_COOKIE] = here_value(tab.handle, secret)


@pytest.mark.parametrize("values", [{"expires_at": timezone.now() + timedelta(days=1)}, {}])
def test_somebody_signed_in_without_a_way_of_their_own_reads_so(
    phone: Client, invite: Invite, values: dict[str, object]
) -> None:
    Invite.objects.update(**values)
    sign_in(phone, make_person(invite.tenant, email="bo@example.org", name="Bo Berg"), invite)
    page = text(phone.get(door(invite)))
    assert "You are signed in as Bo Berg" in page
    assert "Bo Berg has no way of their own into this session" in page


@pytest.mark.parametrize("values", [{"expires_at": timezone.now() + timedelta(days=1)}, {}])
def test_somebody_signed_in_with_a_way_of_their_own_may_choose_it_even_when_the_link_is_closed(
    phone: Client, invite: Invite, values: dict[str, object]
) -> None:
    Invite.objects.update(**values)
    person = make_person(invite.tenant, email="bo@example.org", name="Bo Berg")
    Participant.objects.create(entry=invite.entry, person=person, granted_role="viewer")
    sign_in(phone, person, invite)
    page = text(phone.get(door(invite)))
    assert "Go in as Bo Berg" in page
    assert re.search(rf'href="/~[^/]+/media/{invite.entry_id}/"', page)


OUTLOOK = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Outlook-iOS/4"
)


def test_in_an_apps_browser_ones_own_is_offered_with_the_link_and_nothing_is_used_up(
    phone: Client, invite: Invite
) -> None:
    before = state()
    for page in ("", "/new-link"):
        shown = text(phone.get(door(invite, page), headers={"user-agent": OUTLOOK}))
        assert "This is the browser inside Outlook." in shown
        assert re.search(r"<details[^>]*data-browser-hint>", shown)
        assert f'value="{link_for(invite)}"' in shown
    assert re.search(r"<details[^>]*data-browser-hint hidden>", text(phone.get(door(invite))))
    assert state() == before
