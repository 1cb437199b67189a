"""An administrator writes a template by keyboard, mends what is wrong, looks at it; and guests get it."""

import re

import pytest
from playwright.sync_api import expect

from practice_lms.mailbox import RunningMailbox
from practice_lms.people import ADMINISTRATOR, INSTRUCTOR, SEMINAR_ROOM
from practice_lms.server import RunningLms
from tests.journeys.acting import Invitee, create_room, invite, mail_to, open_in_page, open_in_tab
from tests.journeys.inspecting import inspect
from tests.journeys.watching import Audience

AMARA = Invitee("amara.okafor@tromso.example", "Amara", "Okafor")

pytestmark = pytest.mark.timeout(240)


def test_a_template_from_the_first_word_to_a_guests_mailbox(
    audience: Audience, lms: RunningLms, mailbox: RunningMailbox
) -> None:
    found: list[str] = []
    console = open_in_tab(audience.sit("administrator"), lms, ADMINISTRATOR, SEMINAR_ROOM)
    console.get_by_role("link", name="Console").click()
    console.get_by_role("link", name="Email templates", exact=True).click()
    found += inspect(console, "templates")
    console.get_by_role("link", name="New template").press("Enter")
    console.get_by_label("Name", exact=True).fill("Polar lectures")
    found += inspect(console, "a new template")
    console.get_by_label("Name", exact=True).press("Enter")
    expect(console.get_by_text("Saved.", exact=True)).to_be_visible()

    # A wrong word is told at its place, and a key leads there.
    subject, text = console.get_by_label("Subject", exact=True), console.get_by_label("Text", exact=True)
    subject.fill("The ice waits: {TITLE}")
    text.fill("Dear {FIRSTNAME},\n\nread the ice with us: {TITEL}\n\n{URL}")
    console.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(console.get_by_text("Line 3, column 23: There is no token {TITEL}.").first).to_be_visible()
    found += inspect(console, "a flawed text")
    console.get_by_role("button", name="Show it").press("Enter")
    assert text.evaluate("field => field.value.slice(field.selectionStart, field.selectionEnd)") == "{TITEL}"
    console.get_by_role("button", name="{TITLE}", exact=True).press("Enter")
    expect(text).to_have_value("Dear {FIRSTNAME},\n\nread the ice with us: {TITLE}\n\n{URL}")

    # What no mail can carry is asked about; the preview shows the rest, and loses nothing.
    html = console.get_by_label("HTML", exact=True)
    html.fill("<h1>{TITLE}</h1><p><a href='{URL}'>Come in</a></p>{QRCODE}<script>alert(1)</script>")
    console.get_by_role("button", name="Preview").press("Enter")
    expect(console.locator("#result")).to_contain_text("Mails cannot carry all of this HTML.")
    expect(console.get_by_role("heading", name="Preview")).to_be_focused()
    mail = console.frame_locator("iframe[title='The mail on a computer']")
    expect(mail.get_by_role("heading", name="Guest lecture")).to_be_visible()
    code = mail.get_by_alt_text("Your personal link as a QR code")
    expect(code).to_be_visible()
    assert code.evaluate("picture => picture.naturalWidth") > 100
    found += inspect(console, "a preview")
    console.get_by_role("button", name="Send me a test").press("Enter")
    expect(console.get_by_text("The mail server took the test mail.")).to_be_visible()
    assert mail_to(mailbox, ADMINISTRATOR.email).subject == "Test: The ice waits: Guest lecture"
    console.get_by_role("button", name="Save", exact=True).press("Enter")
    console.get_by_role("button", name="Save without them").press("Enter")
    expect(console.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(html).to_have_value(re.compile(r"\{QRCODE\}\s*$"))
    console.get_by_role("button", name="Use this template").press("Enter")
    expect(console.get_by_text("In use", exact=True)).to_be_visible()

    teacher = open_in_page(audience.sit("instructor"), lms, INSTRUCTOR, SEMINAR_ROOM)
    create_room(teacher, "Sea ice")
    invite(teacher, AMARA, role="Speaker", is_mailed=True)
    assert mail_to(mailbox, AMARA.email).subject == "The ice waits: Sea ice"
    assert found == [], "\n\n".join(found)
