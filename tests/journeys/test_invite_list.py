"""The list of invitations, by mouse and by keyboard: found, ticked, withdrawn, undone, told; and its numbers."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.db import connection
from django.utils import timezone
from playwright.sync_api import Page, expect

from invites.models import Invite, OutboxMail
from lti_tool.models import Person
from practice_lms.people import ADMINISTRATOR, INSTRUCTOR, OFFICE_HOURS, SEMINAR_ROOM
from practice_lms.server import RunningLms
from rooms.models import Entry
from tests.factories.invites import make_invite
from tests.journeys.acting import choose, create_room, open_in_tab
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
    now, entry, teacher = timezone.now(), Entry.objects.get(), Person.objects.get()
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


def shown(page: Page, name: str) -> None:
    """Keep a picture where somebody wants to look at it."""
    if folder := os.environ.get("PICTURES"):
        for width, height in ((390, 844), (1280, 800)):
            for scheme in ("light", "dark"):
                page.set_viewport_size({"width": width, "height": height})
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                page.wait_for_timeout(250)
                page.screenshot(
                    path=f"{folder}/{name}-{width}-{scheme}.png", full_page=name.startswith("full")
                )
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1280, "height": 800})


def test_a_host_looks_after_many(audience: Audience, lms: RunningLms) -> None:
    page = open_in_tab(audience.sit("instructor"), lms, INSTRUCTOR, SEMINAR_ROOM)
    create_room(page, "Reading the ice")
    beside_the_browser(invite_many)
    choose(page, "Invitations")
    expect(page.get_by_text("60 invitations")).to_be_visible()
    wrong = inspect(page, "the list")
    shown(page, "full-list")

    page.get_by_label("Search by name or address").fill("AMELIE guest2")
    expect(page.locator("#found-said")).to_have_text("3 invitations with “AMELIE guest2”")
    expect(page.locator("[data-list-said]")).to_have_text("3 invitations with “AMELIE guest2”")
    assert "AMELIE" not in page.url
    assert "search=" in page.url
    page.reload()
    expect(page.locator("#found-said")).to_have_text("3 invitations with “AMELIE guest2”")
    expect(page.get_by_label("Search by name or address")).to_have_value("AMELIE guest2")

    page.get_by_role("checkbox", name="Select all on this page").check()
    expect(page.get_by_text("3 selected")).to_be_visible()
    wrong += inspect(page, "the list with some ticked")
    shown(page, "ticked")
    page.get_by_role("button", name="Withdraw…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Withdraw 3 invitations?")).to_be_visible()
    wrong += inspect(page, "the question")
    shown(page, "question")
    dialog.get_by_role("button", name="Withdraw").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("3 invitations withdrawn.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Withdrawn")).to_have_count(3)
    wrong += inspect(page, "the list with something to undo")
    shown(page, "undo")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("3 invitations work again.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Withdrawn")).to_have_count(0)

    # By keyboard alone: the menu of a row, the dialog, and back to where one was.
    more = page.get_by_label("More for Amélie Guest 24")
    more.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    shown(page, "menu")
    page.get_by_role("link", name="Change the role").focus()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("radio", name="Viewer")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Role is now Speaker.")).to_be_visible()
    expect(more).to_be_focused()
    expect(page.get_by_role("row").filter(has_text="Amélie Guest 24")).to_contain_text("Speaker")
    page.get_by_role("button", name="Undo").last.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Role is now Viewer.")).to_be_visible()

    more.click()
    page.get_by_role("link", name="What happened").click()
    expect(dialog.get_by_text(f"{INSTRUCTOR.name} let them in again")).to_be_visible()
    wrong += inspect(page, "what happened")
    shown(page, "history")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    page.goto(page.url.partition("?")[0])
    page.get_by_role("link", name="New link asked for").click()
    expect(page.locator("#found-said")).to_have_text("1 invitation")
    wrong += inspect(page, "who asks for a new link")
    shown(page, "asked")
    page.get_by_role("link", name="Give a new link").first.click()
    dialog.get_by_role("button", name="Give a new link").click()
    expect(dialog.get_by_label("Their personal link")).to_be_visible()
    shown(page, "made")
    dialog.get_by_text("Done", exact=True).click()
    expect(page.get_by_role("heading", name="Nobody here")).to_be_visible()
    shown(page, "nobody")

    page.get_by_role("link", name="Numbers").click()
    expect(page.get_by_role("heading", name="Over time")).to_be_visible()
    page.get_by_text("The same as a table").click()
    wrong += inspect(page, "the numbers")
    shown(page, "full-numbers")

    console = open_in_tab(audience.sit("administrator"), lms, ADMINISTRATOR, OFFICE_HOURS)
    console.get_by_role("link", name="Console").click()
    console.get_by_role("link", name="Numbers", exact=True).click()
    expect(console.get_by_role("heading", name="Where most are invited")).to_be_visible()
    wrong += inspect(console, "the console's numbers")
    shown(console, "full-console")
    beside_the_browser(lambda: None if Invite.objects.count() == MANY else wrong.append("somebody is gone"))
    assert wrong == [], "\n\n".join(wrong)
