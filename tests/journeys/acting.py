"""What people do in the stories, by the words that they read on the screen."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Frame, FrameLocator, Locator, Page, expect
from playwright.sync_api import TimeoutError as TooSlowError

from practice_lms.mailbox import Mail, RunningMailbox
from practice_lms.people import LEARNERS, Link, Person
from practice_lms.server import RunningLms
from tests.journeys.watching import PATIENCE

expect.set_options(timeout=PATIENCE)

Scene = Page | FrameLocator  # where somebody looks: a page of their own, or Foyer's frame in the LMS's
ZONE: Final = "Europe/Lisbon"
T = TypeVar("T")


@dataclass(frozen=True)
class Invitee:
    """Somebody who is invited."""

    email: str
    first_name: str
    last_name: str

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


def open_in_page(page: Page, lms: RunningLms, person: Person, link: Link) -> FrameLocator:
    """Open a link of a course in the LMS's own page, where Foyer is a frame."""
    _go_to_course(page, lms, person, link)
    page.get_by_role("button", name=f"Open as {person.name}, in the page").click()
    return page.frame_locator("iframe[data-tool-frame]")


def open_in_tab(page: Page, lms: RunningLms, person: Person, link: Link) -> Page:
    """Open a link of a course in a tab of its own."""
    _go_to_course(page, lms, person, link)
    with page.expect_popup() as opened:
        page.get_by_role("button", name=f"Open as {person.name}, in a new tab").click()
    return opened.value


def _go_to_course(page: Page, lms: RunningLms, person: Person, link: Link) -> None:
    page.goto(f"{lms.origin}/course/{link.org_unit}/")
    page.get_by_role("radio", name=link.title).check()
    if person in LEARNERS:
        page.get_by_role("heading", name="Learners").click()


def tool_frame(page: Page) -> Frame:
    """Foyer's frame in a page of the LMS, with its address."""
    frame = page.locator("iframe[data-tool-frame]").element_handle().content_frame()
    assert frame is not None
    return frame


def create_room(
    scene: Scene, title: str, *, starts_at: datetime | None = None, ends_at: datetime | None = None
) -> None:
    """Fill the form of an empty link and send it."""
    scene.get_by_label("Title").fill(title)
    zone = ZoneInfo(ZONE)
    scene.get_by_label("Time zone").select_option(ZONE)
    for name, at in (("Starts", starts_at), ("Ends", ends_at)):
        if at is not None:
            group, wall = scene.get_by_role("group", name=name), at.astimezone(zone)
            group.get_by_label("Date").fill(f"{wall:%Y-%m-%d}")
            group.get_by_label("Time", exact=True).fill(f"{wall:%H:%M:%S}")
    scene.get_by_role("button", name="Create", exact=True).click()
    expect(scene.get_by_role("heading", name=title, level=1)).to_be_visible()


def in_seconds(seconds: float) -> datetime:
    """An instant soon, to the second, as clocks on a form show it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)


def wait_for_scripts(scene: Scene) -> None:
    """A hand may be faster than the scripts of a slow machine; pages work then, too, but as without them."""
    await_value(lambda: _is_complete(scene) or None, "the page does not become complete")


def _is_complete(scene: Scene) -> bool:
    try:
        return bool(scene.locator("html").evaluate("() => document.readyState === 'complete'"))
    except PlaywrightError as error:
        if "context was destroyed" in error.message:  # a launch passes through pages
            return False
        raise


def open_menu(scene: Scene) -> Locator:
    """The ⋯ menu of the room."""
    wait_for_scripts(scene)
    menu = scene.locator("details[open] .menu__list")
    if not menu.is_visible():
        scene.get_by_label("More for this room").click()
    return menu


def choose(scene: Scene, item: str) -> None:
    """Choose something in the ⋯ menu; should the page renew itself under the open menu, open it once more."""
    try:
        open_menu(scene).get_by_text(item, exact=True).click(timeout=PATIENCE / 3)
    except TooSlowError:
        open_menu(scene).get_by_text(item, exact=True).click()


def invite(scene: Scene, invitee: Invitee, *, role: str = "Viewer", is_mailed: bool = False) -> str:
    """Invite somebody by the dialog, and read the link in the confirmation; the dialog stays open."""
    choose(scene, "Invite users")
    dialog = scene.get_by_role("dialog")
    fill_invitation(dialog, invitee, role=role, is_mailed=is_mailed)
    expect(dialog.get_by_role("heading", level=1)).to_contain_text(invitee.name)
    return dialog.get_by_label("Their personal link").input_value()


def fill_invitation(form: Locator | Page, invitee: Invitee, *, role: str, is_mailed: bool = False) -> None:
    """Fill the fields of an invitation, and generate the link."""
    form.get_by_label("Email address").fill(invitee.email)
    form.get_by_label("First name").fill(invitee.first_name)
    form.get_by_label("Last name").fill(invitee.last_name)
    form.get_by_role("radio", name=role).check()
    box = form.get_by_role("checkbox", name="Send link via email")
    if box.is_checked() != is_mailed:
        box.click()
    form.get_by_role("button", name="Generate invite link").click()


def close_dialog(scene: Scene) -> None:
    """Close the confirmation."""
    dialog = scene.get_by_role("dialog")
    dialog.get_by_text("Done", exact=True).click()
    expect(dialog).to_have_count(0)


def mail_to(mailbox: RunningMailbox, address: str) -> Mail:
    """The mail that somebody got, as soon as it is there."""
    return await_value(lambda: next(iter(mailbox.mailbox.mails(to=address)), None), f"no mail to {address}")


def link_in(mail: Mail) -> str:
    """The invite link in a mail."""
    return next(link for link in mail.links if "/join/" in link)


def enter_early(page: Page, link: str, invitee: Invitee) -> None:
    """A guest passes the lobby before the doors open."""
    page.goto(link)
    page.get_by_role("link", name="I will join on this device").click()
    page.get_by_label("Your email address").fill(invitee.email)
    page.get_by_role("button", name="Keep my place").click()


def enter(page: Page, link: str, invitee: Invitee) -> None:
    """A guest passes the lobby into the open room."""
    page.goto(link)
    page.get_by_label("Your email address").fill(invitee.email)
    page.get_by_role("button", name="Come in").click()
    expect(page.get_by_label("Write a message")).to_be_visible()


def say(scene: Scene, text: str) -> None:
    """Write into the chat."""
    scene.get_by_label("Write a message").fill(text)
    scene.get_by_role("button", name="Send", exact=True).click()


def hears(scene: Scene, text: str, *, author: str) -> None:
    """Somebody reads a message in the chat, and whose it is."""
    message = scene.get_by_role("log").get_by_role("listitem").filter(has_text=text)
    expect(message).to_contain_text(author)
    expect(message).to_have_count(1)


def await_value(look: Callable[[], T | None], otherwise: str) -> T:
    """Look again and again until there is something."""
    until = time.monotonic() + PATIENCE / 1000
    while (found := look()) is None:
        assert time.monotonic() < until, otherwise
        time.sleep(0.05)
    return found
