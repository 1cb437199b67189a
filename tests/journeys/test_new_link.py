"""A guest whose link has expired asks for another one, in the browser of a mail app that keeps nothing."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from invites.links import token_for
from practice_lms.mailbox import RunningMailbox
from tests.factories.invites import make_invite
from tests.factories.lti import make_course, make_member, make_tenant
from tests.factories.rooms import make_placed_entry
from tests.journeys.acting import Invitee, enter, link_in, mail_to
from tests.journeys.inspecting import inspect
from tests.journeys.running import RunningFoyer
from tests.journeys.watching import Audience

AMARA = Invitee("amara.okafor@tromso.example", "Amara", "Okafor")


@pytest.fixture
def old(foyer: RunningFoyer) -> str:
    """A link that has expired; its inviter may still invite."""
    course = make_course(make_tenant())
    entry, _placement = make_placed_entry(course)
    past = timezone.now() - timedelta(hours=1)
    invite = make_invite(entry, email=AMARA.email, made_by=make_member(course).person, expires_at=past)
    return f"{foyer.url}/join/{token_for(invite)}"


def test_a_new_link_comes_to_the_invited_mailbox(
    old: str, audience: Audience, mailbox: RunningMailbox
) -> None:
    wrong: list[str] = []

    guest = audience.sit("guest", width=390, height=844)
    guest.goto(old)
    wrong += inspect(guest, "an expired link")
    guest.get_by_role("link", name="Ask for a new link").click()
    wrong += inspect(guest, "asking for a new link")
    guest.get_by_label("Your email address").fill(AMARA.email)
    guest.get_by_role("button", name="Send me a new link").click()
    expect(guest.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    wrong += inspect(guest, "a new link is on its way")
    new = link_in(mail_to(mailbox, AMARA.email))
    assert new != old

    guest.goto(old)
    expect(guest.get_by_role("heading", name="This link was replaced")).to_be_visible()
    guest.set_extra_http_headers({"User-Agent": "Mozilla/5.0 (iPhone) Mobile/15E148 Outlook-iOS/4.24"})
    guest.goto(new)
    guest.get_by_text("This is the browser inside Outlook.").click()
    expect(guest.get_by_label("Your personal link")).to_have_value(new)
    wrong += inspect(guest, "a mail app's browser")
    enter(audience.sit("own browser", width=390, height=844), new, AMARA)
    assert wrong == [], "\n\n".join(wrong)
