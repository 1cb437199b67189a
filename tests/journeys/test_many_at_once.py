"""An instructor invites two hundred people from a spreadsheet, with mistakes in it."""

import time
from typing import Final

from playwright.sync_api import FilePayload, Page, expect

from practice_lms.mailbox import RunningMailbox
from practice_lms.people import INSTRUCTOR, SEMINAR_ROOM
from practice_lms.server import RunningLms
from tests.journeys.acting import Invitee, choose, create_room, enter, link_in, mail_to, open_in_tab
from tests.journeys.inspecting import inspect
from tests.journeys.watching import Audience

PEOPLE: Final = 200
MENDED: Final = Invitee("zoe.muller@tromso.example", "Zoë", "Müller")
WITHIN: Final = 60.0  # seconds, for all the mails


def spreadsheet() -> bytes:
    """As a German Excel saves it."""
    lines = ["E-Mail;Vorname;Nachname;Rolle;Sprache"]
    lines += [f"gast{number}@tromso.example;Jörg;Groß {number};Gast;" for number in range(PEOPLE - 4)]
    lines += [
        "zoe.muller(at)tromso.example;Zoë;Müller;Referentin;en",
        "gast7@tromso.example;Jörg;Groß 7;Gast;",
        "gast500@tromso.example;Jörg;;Gast;",
        "gast501@tromso.example;Jörg;Groß;Jongleur;",
    ]
    return "\r\n".join(lines).encode("cp1252")


def choose_file(page: Page, data: bytes) -> None:
    file = FilePayload(name="Gäste.csv", mimeType="text/csv", buffer=data)
    page.get_by_label("Or choose a file").set_input_files([file])
    page.get_by_role("button", name="Check the list").click()


def mailed_people(mailbox: RunningMailbox, *, mails: int) -> int:
    """How many people have been mailed, as soon as there are so many mails."""
    until = time.monotonic() + WITHIN
    while len(mailbox.mailbox.mails()) < mails:
        assert time.monotonic() < until, f"{len(mailbox.mailbox.mails())} mails"
        time.sleep(0.1)
    return len({mail.recipients for mail in mailbox.mailbox.mails()})


def test_a_spreadsheet_of_two_hundred_with_mistakes(
    audience: Audience, lms: RunningLms, mailbox: RunningMailbox
) -> None:
    page = open_in_tab(audience.sit("instructor"), lms, INSTRUCTOR, SEMINAR_ROOM)
    create_room(page, "Reading the ice")
    choose(page, "Invite users")
    page.get_by_role("dialog").get_by_role("link", name="Invite many at once").click()
    expect(page.get_by_role("heading", name="Invite many", exact=True)).to_be_visible()
    wrong = inspect(page, "the list goes in")

    choose_file(page, b"%PDF-1.7\n%\xe2\xe3\xcf\xd3")
    expect(page.get_by_text("This cannot be read as a list.")).to_be_visible()
    wrong += inspect(page, "a file that is no list")

    # What would become of each line; what needs a look comes first.
    choose_file(page, spreadsheet())
    expect(page.get_by_text("196 people will be invited")).to_be_visible()
    expect(page.get_by_text("4 lines need a look")).to_be_visible()
    rows = page.get_by_role("row")
    expect(rows.filter(has_text="The same address stands in line 9.")).to_have_count(1)
    expect(rows.filter(has_text="Enter the last name.")).to_have_count(1)
    expect(rows.filter(has_text="“Jongleur” is none of the roles.")).to_have_count(1)
    wrong += inspect(page, "the list is checked")

    # One is mended in its place, by keyboard alone.
    tick = page.get_by_role("checkbox", name="Send link via email")
    tick.uncheck()
    page.get_by_role("link", name="Mend line 198").focus()
    page.keyboard.press("Enter")
    address = page.get_by_label("Email address")
    expect(address).to_be_focused()
    wrong += inspect(page, "a line is mended")
    address.fill(MENDED.email)
    page.keyboard.press("Enter")
    expect(page.get_by_text("197 people will be invited")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=MENDED.name)).to_contain_text("New")
    expect(page.get_by_text("3 lines need a look")).to_be_visible()
    expect(page.get_by_role("link", name="To mend 3")).to_have_attribute("aria-current", "page")
    expect(page.locator(":focus")).to_contain_text("New")
    expect(tick).not_to_be_checked()
    tick.check()

    page.get_by_role("button", name="Invite 197 people").click()
    expect(page.get_by_role("heading", name="197 people are invited")).to_be_visible(timeout=WITHIN * 1000)
    expect(page.get_by_text("3 lines were left out")).to_be_visible()
    wrong += inspect(page, "they are invited")
    assert wrong == [], "\n\n".join(wrong)

    with page.expect_download() as saved:
        page.get_by_role("link", name="Download the links").click()
    assert saved.value.suggested_filename == "links.csv"
    assert saved.value.path().read_text("utf-8-sig").count("/join/") == 197

    # The same file again: nobody is invited twice.
    page.goto(page.url.rpartition("/many/")[0] + "/many/")
    choose_file(page, spreadsheet())
    expect(page.get_by_text("196 people are invited already")).to_be_visible()
    expect(page.get_by_text("will be invited")).to_have_count(0)

    guest = audience.sit("guest")
    enter(guest, link_in(mail_to(mailbox, MENDED.email)), MENDED)
    assert mailed_people(mailbox, mails=197) == 197
