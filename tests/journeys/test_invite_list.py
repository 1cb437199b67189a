"""The list of invitations, by mouse and by keyboard: found, ticked, withdrawn, undone; and its numbers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.db import connection
from django.utils import timezone
from playwright.sync_api import Page, expect

from invites.models import OutboxMail
from lti_tool.models import Tab
from practice_lms.people import ADMINISTRATOR, INSTRUCTOR, OFFICE_HOURS, SEMINAR_ROOM
from practice_lms.server import RunningLms
from rooms.models import Entry
from tests.factories.invites import make_invite
from tests.journeys.acting import choose, create_room, open_in_tab, wait_for_scripts
from tests.journeys.inspecting import inspect
from tests.journeys.watching import Audience

MANY = 60


def beside_the_browser(work: Callable[[], None]) -> None:
    """Django refuses the database in a thread in which Playwright's loop runs."""

    def run() -> None:
        work()
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result()


def invite_many() -> None:
    """Sixty people, in all states."""
    now, entry, teacher = timezone.now(), Entry.objects.get(), Tab.objects.get().person
    for number in range(MANY):
        invite = make_invite(
            entry,
            f"guest{number}@guests.example",
            first_name=("Amélie", "Bjørn", "Chloé", "Dmitri")[number % 4],
            last_name=f"Guest {number:02}",
            role=("viewer", "speaker", "moderator")[number % 3],
            made_by=teacher,
            made_at=now - timedelta(days=number // 4, minutes=number),
            entered_at=now if number % 5 == 0 else None,
            lobby_reached_at=now if number % 5 < 2 else None,
            devices_used=1 if number % 5 == 0 else 0,
            withdrawn_at=now if number % 13 == 12 else None,
            new_link_asked_at=now if number == 5 else None,
        )
        if number % 3:
            OutboxMail.objects.create(
                tenant=invite.tenant,
                invite=invite,
                generation=1,
                due_at=now + timedelta(days=1),
                state=("sent", "waiting", "given_up")[number % 7 % 3],
                sent_at=now,
                error="550 5.1.1 no such mailbox" if number % 7 % 3 == 2 else "",
            )


def test_a_host_looks_after_many(audience: Audience, lms: RunningLms) -> None:
    page = open_in_tab(audience.sit("instructor"), lms, INSTRUCTOR, SEMINAR_ROOM)
    create_room(page, "Reading the ice")
    beside_the_browser(invite_many)
    choose(page, "Invitations")
    expect(page.locator("#found-said")).to_have_text(f"{MANY} invitations")
    wrong = [
        *withdraw_some(page),
        *change_a_role_by_keyboard(page),
        *answer_who_asks(page),
        *look_at_numbers(page),
    ]
    console = open_in_tab(audience.sit("administrator"), lms, ADMINISTRATOR, OFFICE_HOURS)
    console.get_by_role("link", name="Console").click()
    console.get_by_role("link", name="Numbers", exact=True).click()
    expect(console.get_by_role("heading", name="Where most are invited")).to_be_visible()
    wrong += inspect(console, "the console's numbers")
    assert wrong == [], "\n\n".join(wrong)


def withdraw_some(page: Page) -> list[str]:
    """Search, tick, withdraw, undo; the words of the search stand in no address."""
    page.get_by_label("Search by name or address").fill("AMELIE guest2")
    for place in ("#found-said", "[data-list-said]"):
        expect(page.locator(place)).to_have_text("3 invitations with “AMELIE guest2”")
    assert "AMELIE" not in page.url
    page.reload()
    expect(page.locator("#found-said")).to_have_text("3 invitations with “AMELIE guest2”")
    expect(page.get_by_label("Search by name or address")).to_have_value("AMELIE guest2")
    wait_for_scripts(page)

    page.get_by_role("checkbox", name="Select all on this page").check()
    expect(page.get_by_text("3 selected")).to_be_visible()
    page.get_by_role("button", name="Withdraw…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Withdraw 3 invitations?")).to_be_visible()
    dialog.get_by_role("button", name="Withdraw").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("3 invitations withdrawn.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Withdrawn")).to_have_count(3)
    wrong = inspect(page, "the list, with something to undo")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("3 invitations work again.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Withdrawn")).to_have_count(0)
    return wrong


def change_a_role_by_keyboard(page: Page) -> list[str]:
    """The menu of a row, the dialog, and back to where one was; then undone, and told in the history."""
    more = page.get_by_label("More for Amélie Guest 24")
    more.focus()
    for key in ("Enter", "ArrowDown", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    expect(page.get_by_role("link", name="Change the role")).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("radio", name="Viewer")).to_be_focused()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    row = page.get_by_role("row").filter(has_text="Amélie Guest 24")
    expect(page.get_by_text("Role is now Speaker.")).to_be_visible()
    expect(row).to_contain_text("Speaker")
    expect(more).to_be_focused()
    page.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Role is now Viewer.")).to_be_visible()
    expect(row).to_contain_text("Viewer")

    more.click()
    page.get_by_role("link", name="What happened").click()
    expect(dialog.get_by_text(f"{INSTRUCTOR.name} let them in again")).to_be_visible()
    wrong = inspect(page, "what happened")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    return wrong


def answer_who_asks(page: Page) -> list[str]:
    """Somebody waits for a new link: a filter leads there, and the link is given."""
    page.goto(page.url.partition("?")[0])
    page.get_by_role("link", name="New link asked for").click()
    expect(page.locator("#found-said")).to_have_text("1 invitation")
    page.get_by_role("checkbox", name="Select Bjørn Guest 05").check()
    wrong = inspect(page, "who asks for a new link, ticked")
    page.get_by_role("link", name="Give a new link").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Give a new link").click()
    expect(dialog.get_by_label("Their personal link")).to_be_visible()
    dialog.get_by_text("Done", exact=True).click()
    expect(page.get_by_role("heading", name="Nobody here")).to_be_visible()
    return wrong


def look_at_numbers(page: Page) -> list[str]:
    """The charts, and the table that says the same."""
    page.get_by_role("link", name="Numbers").click()
    expect(page.get_by_role("heading", name="Over time")).to_be_visible()
    page.get_by_text("The same as a table").click()
    expect(page.get_by_role("region", name="Numbers over time")).to_be_visible()
    return inspect(page, "the numbers")
