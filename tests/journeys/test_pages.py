"""Every main page, at 320, 390 and 1280 px, light and dark: nothing runs out of it, and axe finds nothing."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from practice_lms.people import ADMINISTRATOR, INSTRUCTOR, LEARNER, OFFICE_HOURS, SEMINAR_ROOM
from practice_lms.server import RunningLms
from tests.journeys.acting import (
    Invitee,
    choose,
    close_dialog,
    create_room,
    fill_invitation,
    hears,
    in_seconds,
    invite,
    open_in_page,
    open_in_tab,
    open_menu,
    say,
)
from tests.journeys.inspecting import inspect
from tests.journeys.watching import Audience

AMARA = Invitee("amara.okafor@tromso.example", "Amara", "Okafor")
TITLE = "Guest lecture: Reading the ice, with a title that is as long as titles of lectures are"

pytestmark = pytest.mark.timeout(240)


class Findings:
    """What is wrong with the pages of a story."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def look(self, page: Page, name: str) -> None:
        self.all += inspect(page, name)


@pytest.fixture
def findings() -> Iterator[Findings]:
    found = Findings()
    yield found
    assert found.all == [], "\n\n".join(found.all)


def test_the_instructors_pages(audience: Audience, lms: RunningLms, findings: Findings) -> None:
    page = open_in_tab(audience.sit("instructor"), lms, INSTRUCTOR, SEMINAR_ROOM)
    expect(page.get_by_role("heading", name="Set up this link")).to_be_visible()
    findings.look(page, "create a room")
    create_room(page, TITLE, starts_at=in_seconds(3600))
    findings.look(page, "the host before the doors open")
    open_menu(page)
    findings.look(page, "the menu")
    page.keyboard.press("Escape")

    choose(page, "Invite users")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Email address")).to_be_visible()
    findings.look(page, "the dialog")
    fill_invitation(dialog, Invitee("nobody", "", ""), role="Viewer")
    expect(dialog.get_by_label("Email address")).to_have_attribute("aria-invalid", "true")
    findings.look(page, "the dialog with mistakes")
    fill_invitation(dialog, AMARA, role="Moderator", is_mailed=True)
    expect(dialog.get_by_label("Their personal link")).to_be_visible()
    findings.look(page, "the confirmation")
    close_dialog(page)

    for item in ("Edit details", "Audio and video", "Collaborators", "Delete", "End the session"):
        choose(page, item)
        expect(page.get_by_role("dialog").get_by_role("heading").first).to_be_visible()
        findings.look(page, item)
        page.keyboard.press("Escape")
    for item in ("Invitations", "Change what this link shows"):
        room = page.url
        choose(page, item)
        page.wait_for_url(lambda url, room=room: url != room)  # type: ignore[misc]
        findings.look(page, item)
        page.goto(room)


def test_the_guests_pages(audience: Audience, lms: RunningLms, findings: Findings) -> None:
    teacher = open_in_tab(audience.sit("instructor"), lms, INSTRUCTOR, SEMINAR_ROOM)
    create_room(teacher, TITLE, starts_at=in_seconds(3600))
    link = invite(teacher, AMARA, role="Speaker")
    close_dialog(teacher)

    page = audience.sit("guest")
    # Of the two ways from the countdown into the room, the one that asks again.
    page.route("**/ahead/", lambda route: route.fulfill(status=404))
    page.goto(link)
    findings.look(page, "the countdown at the door")
    page.get_by_role("link", name="I will join on this device").click()
    findings.look(page, "the lobby")
    page.get_by_label("Your email address").fill("wrong@tromso.example")
    page.get_by_role("button", name="Keep my place").click()
    expect(page.get_by_label("Your email address")).to_have_attribute("aria-invalid", "true")
    findings.look(page, "the lobby after a wrong address")
    page.get_by_label("Your email address").fill(AMARA.email)
    page.get_by_role("button", name="Keep my place").click()
    expect(page.get_by_role("timer")).to_be_visible()
    findings.look(page, "the countdown")

    teacher.get_by_role("button", name="Open the doors now").click()
    expect(page.get_by_label("Write a message")).to_be_visible()
    findings.look(page, "the room, empty")
    say(page, "Good morning from Tromsø. It is −11 °C here, so thank you for the light.")
    hears(teacher, "Good morning from Tromsø.", author=AMARA.name)
    say(teacher, "Averyveryverylongwordthatnobodyeversaysbutsomebodypastes" * 4)
    hears(page, "Averyveryverylong", author=INSTRUCTOR.name)
    teacher.get_by_role("button", name="Like").first.click()
    expect(page.get_by_role("button", name="Like 1")).to_be_visible()
    findings.look(page, "the room")
    findings.look(teacher, "the host's room")
    page.get_by_role("tab", name="People").click()
    findings.look(page, "the people")

    stranger = audience.sit("stranger")
    stranger.goto(link)
    findings.look(stranger, "a link that is used up")
    stranger.goto(f"{link[:-4]}AAAA")
    findings.look(stranger, "a link that is not genuine")


def test_the_others_pages(audience: Audience, lms: RunningLms, findings: Findings) -> None:
    page = open_in_tab(audience.sit("learner"), lms, LEARNER, OFFICE_HOURS)
    expect(page.get_by_role("heading", name="Not set up yet")).to_be_visible()
    findings.look(page, "not set up yet")
    page = open_in_tab(audience.sit("administrator"), lms, ADMINISTRATOR, OFFICE_HOURS)
    page.get_by_role("link", name="Console").click()
    for tab in ("Invite to media", "Email templates", "Groups", "Theming", "Audit log"):
        page.get_by_role("link", name=tab, exact=True).click()
        expect(page.get_by_role("link", name=tab, exact=True)).to_have_attribute("aria-current", "page")
        findings.look(page, f"console, {tab}")
    page.get_by_role("link", name="Groups", exact=True).click()
    page.get_by_role("link", name="New group").click()
    page.get_by_label("Name of the group").fill("Event office")
    people = page.get_by_role("combobox", name="Find by name, address or id")
    people.press_sequentially(ADMINISTRATOR.family_name[:4])
    page.get_by_role("option", name=ADMINISTRATOR.family_name).click()
    page.get_by_role("combobox", name="Find by title, code or id").fill("no such course")
    page.keyboard.press("Enter")  # what is typed becomes a line, and the form is not sent
    lines = page.get_by_label("People", exact=True)
    expect(lines).to_have_value(re.compile(f"{ADMINISTRATOR.family_name} <.+>"))
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_label("Staff of courses")).to_have_value("no such course")
    findings.look(page, "a group with a mistake")
    page.get_by_role("link", name="Invite to media", exact=True).click()
    page.get_by_label("LinkDuration").fill("0")
    page.get_by_role("button", name="Save", exact=True).last.click()
    findings.look(page, "console with a mistake")


@pytest.mark.parametrize("width", [320, 390])
def test_in_a_frame_on_a_phone_nothing_scrolls_sideways(
    audience: Audience, lms: RunningLms, width: int
) -> None:
    page = audience.sit("instructor", width=width, height=700)
    teacher = open_in_page(page, lms, INSTRUCTOR, SEMINAR_ROOM)
    beyond = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    expect(teacher.get_by_role("heading", name="Set up this link")).to_be_visible()
    assert teacher.locator("html").evaluate(beyond) == 0
    create_room(teacher, TITLE)
    assert teacher.locator("html").evaluate(beyond) == 0
    invite(teacher, AMARA)
    assert teacher.locator("html").evaluate(beyond) == 0
    close_dialog(teacher)
    say(teacher, "A word.")
    hears(teacher, "A word.", author="You")
    assert teacher.locator("html").evaluate(beyond) == 0
