"""The dialog and the chat by keyboard alone: no hand on a mouse after the launch."""

from playwright.sync_api import Page, expect

from practice_lms.people import INSTRUCTOR, SEMINAR_ROOM
from practice_lms.server import RunningLms
from tests.journeys.acting import create_room, hears, open_in_tab
from tests.journeys.watching import Audience

MOST_STEPS = 40
FOCUS_SHOWS_WITHIN = 5000  # milliseconds, on a busy machine


def walk_to(page: Page, name: str, *, key: str = "Tab") -> None:
    """Press a key until the focus is on what carries this name; each stop on the way can be seen."""
    for _step in range(MOST_STEPS):
        page.keyboard.press(key)
        names = page.evaluate(
            """() => {
                const one = document.activeElement;
                const labels = [...(one.labels ?? [])].map((label) => label.textContent);
                return [one.getAttribute("aria-label"), one.textContent, ...labels].join(" ");
            }"""
        )
        # A page that has just renewed itself may still be without its style sheets.
        page.wait_for_function(
            """() => {
                const style = getComputedStyle(document.activeElement);
                return style.outlineStyle + style.boxShadow !== "nonenone";
            }""",
            timeout=FOCUS_SHOWS_WITHIN,
        )
        if name in names:
            return
    raise AssertionError(f"{name} was not reached")


def test_inviting_and_chatting_by_keyboard(audience: Audience, lms: RunningLms) -> None:
    page = open_in_tab(audience.sit("instructor"), lms, INSTRUCTOR, SEMINAR_ROOM)
    create_room(page, "Office hours")
    page.reload()

    walk_to(page, "More for this room")
    page.keyboard.press("Enter")
    walk_to(page, "Invite users")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Email address")).to_be_focused()
    page.keyboard.type("amara.okafor@tromso.example")
    walk_to(page, "First name")
    page.keyboard.type("Amara")
    walk_to(page, "Last name")
    page.keyboard.type("Okafor")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(dialog.get_by_role("radio", name="Moderator")).to_be_checked()
    walk_to(page, "Generate invite link")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("heading", level=1)).to_contain_text("Amara Okafor")
    walk_to(page, "Copy")
    page.keyboard.press("Enter")
    expect(dialog.locator("[data-copy-status]")).not_to_be_empty()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator("summary:focus")).to_have_count(1)  # back where the dialog was opened

    walk_to(page, "Write a message")
    page.keyboard.press("Enter")  # the way past all messages
    expect(page.get_by_label("Write a message")).to_be_focused()
    page.keyboard.type("No mouse was needed.")
    page.keyboard.press("Enter")
    hears(page, "No mouse was needed.", author="You")
    page.keyboard.type("Two\n")
    hears(page, "Two", author="You")
