"""At two minutes to ten: the guest sat at a laptop, and now has only a phone."""

import re

import pytest
from playwright.sync_api import expect

from invites.links import token_for
from practice_lms.mailbox import RunningMailbox
from tests.factories.invites import make_invite, make_settings
from tests.factories.rooms import make_entry
from tests.journeys.acting import Invitee, await_value
from tests.journeys.inspecting import inspect
from tests.journeys.running import RunningFoyer
from tests.journeys.watching import Audience

AMARA = Invitee("amara.okafor@tromso.example", "Amara", "Okafor")


@pytest.fixture
def link(foyer: RunningFoyer) -> str:
    """A speaker's, where speakers prove their mailbox."""
    entry = make_entry()
    make_settings(entry.tenant, verify_mailbox="hosting")
    return f"{foyer.url}/join/{token_for(make_invite(entry, email=AMARA.email, role='speaker'))}"


def test_a_guest_proves_the_mailbox_and_moves_to_a_phone(
    link: str, audience: Audience, mailbox: RunningMailbox
) -> None:
    wrong: list[str] = []

    laptop = audience.sit("laptop")
    laptop.goto(link)
    laptop.get_by_label("Your email address").fill(AMARA.email)
    laptop.get_by_role("button", name="Come in").click()
    expect(laptop.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    first = code_mailed(mailbox, before=set())
    wrong += inspect(laptop, "the page for the code")
    laptop.goto(link)  # back from the mailbox, by the link in the first mail
    laptop.get_by_label("The code from the mail").fill(f"{first[:3]} {first[3:]}")
    laptop.get_by_role("button", name="Come in").click()
    expect(laptop.get_by_label("Write a message")).to_be_visible()

    phone = audience.sit("phone", width=390, height=844)
    phone.goto(link)
    wrong += inspect(phone, "a used-up link")
    phone.get_by_role("link", name="Move to this device").click()
    wrong += inspect(phone, "the page for moving")
    phone.get_by_label("Your email address").fill(AMARA.email)
    phone.get_by_role("button", name="Send me a code").click()
    phone.get_by_label("The code from the mail").fill("000 000")
    phone.get_by_role("button", name="Move here").click()
    expect(phone.get_by_label("The code from the mail")).to_have_attribute("aria-invalid", "true")
    wrong += inspect(phone, "a wrong code")
    phone.get_by_label("The code from the mail").fill(code_mailed(mailbox, before={first}))
    phone.get_by_role("button", name="Move here").click()
    expect(phone.get_by_label("Write a message")).to_be_visible()

    expect(laptop.get_by_text("was moved to another device")).to_be_visible()
    assert wrong == [], "\n\n".join(wrong)


def code_mailed(mailbox: RunningMailbox, *, before: set[str]) -> str:
    """The six digits in the guest's newest mail, as soon as it is there."""

    def look() -> str | None:
        texts = [mail.text for mail in mailbox.mailbox.mails(to=AMARA.email)]
        codes = {code for text in texts for code in re.findall(r"^\s*(\d{6})\s*$", text, re.MULTILINE)}
        return next(iter(codes - before), None)

    return await_value(look, "no code was mailed")
