"""A mailbox that is watched by a scanner, and what a guest's browser tells others about the link."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Request, expect

from invites.links import token_for
from practice_lms.mailbox import RunningMailbox
from tests.factories.invites import make_invite
from tests.factories.rooms import make_entry
from tests.journeys.acting import Invitee, enter
from tests.journeys.running import RunningFoyer
from tests.journeys.watching import Audience

AMARA = Invitee("amara.okafor@tromso.example", "Amara", "Okafor")


@pytest.fixture
def link(foyer: RunningFoyer) -> str:
    """An invite to a room whose doors are open."""
    return f"{foyer.url}/join/{token_for(make_invite(make_entry(), email=AMARA.email))}"


@pytest.fixture
def early_link(foyer: RunningFoyer) -> str:
    """One to a room whose doors open soon."""
    now = timezone.now()
    entry = make_entry(starts_at=now + timedelta(seconds=12), ends_at=now + timedelta(hours=1))
    invite = make_invite(entry, email=AMARA.email, role="viewer")  # a speaker would not wait by now
    return f"{foyer.url}/join/{token_for(invite)}"


def submit_every_form(page: Page, link: str) -> int:
    """What a scanner does: scripts run, and each form is sent as it stands."""
    page.goto(link)
    count = page.locator("form").count()
    for number in range(count):
        page.goto(link)
        with page.expect_navigation():
            page.evaluate("number => document.forms[number].submit()", number)
    return count


@pytest.fixture
def expired_link(foyer: RunningFoyer) -> str:
    """One that is good no longer: there is a form that asks for another."""
    past = timezone.now() - timedelta(hours=1)
    invite = make_invite(make_entry(), email=AMARA.email, expires_at=past)
    return f"{foyer.url}/join/{token_for(invite)}"


def test_a_scanner_uses_nothing_up(
    link: str, expired_link: str, audience: Audience, mailbox: RunningMailbox
) -> None:
    scanner, guest = audience.sit("scanner"), audience.sit("guest")
    for query in ("", "?early", f"?email={AMARA.email}"):
        assert submit_every_form(scanner, link + query) == 1
    assert submit_every_form(scanner, f"{expired_link}/new-link?email={AMARA.email}") == 1
    guest.goto(expired_link)
    expect(guest.get_by_role("heading", name="This link has expired")).to_be_visible()  # and not: replaced
    assert mailbox.mailbox.mails() == []
    enter(guest, link, AMARA)


def test_the_door_turns_into_the_lobby_and_its_address_is_told_to_nobody(
    early_link: str, audience: Audience
) -> None:
    guest = audience.sit("guest", width=390, height=844)
    told: list[str] = []

    def listen(request: Request) -> None:
        told.extend(request.headers[name] for name in ("referer", "origin") if name in request.headers)

    guest.on("request", listen)
    guest.goto(early_link)
    expect(guest.get_by_role("timer")).to_be_visible()
    expect(guest.get_by_label("Your email address")).to_be_visible(timeout=40_000)
    guest.get_by_label("Your email address").fill(AMARA.email)
    guest.get_by_role("button", name="Come in").click()
    expect(guest.get_by_label("Write a message")).to_be_visible()
    assert not [words for words in told if "join" in words]
