"""Launches in frames whose browser blocks third-party cookies: all but partitioned ones, or all of them."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Page, Request, expect

from lti_tool.models import Tab
from practice_lms.behaviour import FrameManners, ResizeForm, StorageNames
from practice_lms.people import GUEST_LECTURE, INSTRUCTOR, SEMINAR_ROOM
from practice_lms.server import RunningLms
from tests.journeys.acting import (
    Invitee,
    choose,
    close_dialog,
    create_room,
    enter,
    hears,
    invite,
    open_in_page,
    say,
    tool_frame,
)
from tests.journeys.running import PARTED, UNPARTED, RunningFoyer
from tests.journeys.watching import STORAGE_IN_FRAMES, Audience

GUEST = Invitee("ada@visitors.example", "Ada", "Guest")


@pytest.fixture
def application() -> str:
    """Unless a test says otherwise, no cookie of Foyer survives in a frame."""
    return UNPARTED


@pytest.fixture
def switches() -> tuple[str, ...]:
    return (STORAGE_IN_FRAMES,)


def kept_bearer(page: Page) -> str:
    """What Foyer's frame keeps in its tab's storage; empty where nothing."""
    kept: dict[str, str] = tool_frame(page).evaluate("({ ...sessionStorage })")
    return "".join(value for key, value in kept.items() if key.startswith("foyer-bearer:"))


def end_all_tabs() -> None:
    Tab.objects.update(ended_at=timezone.now())
    connection.close()


def cookies_of(page: Page, foyer: RunningFoyer) -> list[str]:
    return [cookie.get("name", "") for cookie in page.context.cookies(f"{foyer.url}/")]


@pytest.mark.parametrize("application", [PARTED])
def test_a_partitioned_cookie_is_enough(audience: Audience, foyer: RunningFoyer, lms: RunningLms) -> None:
    page = audience.sit("instructor")
    frame = open_in_page(page, lms, INSTRUCTOR, GUEST_LECTURE)
    create_room(frame, "By cookie")
    say(frame, "All is well.")
    hears(frame, "All is well.", author="You")
    assert kept_bearer(page) == ""


MANNERS = {
    "draft names": FrameManners(StorageNames.DRAFT),
    "final names": FrameManners(StorageNames.FINAL),
    "both, in a frame of their own": FrameManners(StorageNames.BOTH, "post_message_forwarding"),
}


@pytest.mark.parametrize("manners", MANNERS.values(), ids=MANNERS.keys())
def test_the_platforms_storage_does_for_all_cookies(
    audience: Audience, foyer: RunningFoyer, lms: RunningLms, manners: FrameManners
) -> None:
    lms.platform.frame = manners
    page = audience.sit("instructor")
    asked: list[Request] = []
    page.context.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - Playwright wants a function
    frame = open_in_page(page, lms, INSTRUCTOR, GUEST_LECTURE)
    create_room(frame, "Without cookies")
    link = invite(frame, GUEST, role="Speaker")
    close_dialog(frame)
    say(frame, "Can you hear me?")
    hears(frame, "Can you hear me?", author="You")

    guest = audience.sit("guest")
    enter(guest, link, GUEST)
    say(guest, "Loud and clear.")
    hears(frame, "Loud and clear.", author=GUEST.name)

    tool_frame(page).evaluate("location.reload()")
    hears(frame, "Loud and clear.", author=GUEST.name)
    say(frame, "Still here.")
    hears(guest, "Still here.", author=INSTRUCTOR.name)

    bearer = kept_bearer(page)
    assert bearer
    assert cookies_of(page, foyer) == []
    seen = [text for each in asked for text in (each.url, each.headers.get("referer", ""))]
    assert [text for text in seen if bearer in text] == []


@pytest.mark.parametrize("storage", [StorageNames.REFUSING, StorageNames.SILENT, StorageNames.ABSENT])
def test_with_neither_a_new_tab_is_the_way(
    audience: Audience, foyer: RunningFoyer, lms: RunningLms, storage: StorageNames
) -> None:
    lms.platform.frame = FrameManners(storage)
    page = audience.sit("instructor")
    frame = open_in_page(page, lms, INSTRUCTOR, GUEST_LECTURE)
    expect(frame.get_by_text("no_browser_binding")).to_be_visible()
    with page.expect_popup() as opened:
        frame.get_by_role("button", name="Open in a new tab").click()
    tab = opened.value
    create_room(tab, "In a tab of its own")
    say(tab, "Cookies are kept here.")
    hears(tab, "Cookies are kept here.", author="You")


def test_pages_forms_and_files_of_a_tab_without_cookies(
    audience: Audience, foyer: RunningFoyer, lms: RunningLms
) -> None:
    page = audience.sit("instructor")
    frame = open_in_page(page, lms, INSTRUCTOR, GUEST_LECTURE)
    frame.get_by_label("Title").fill("")
    # By keyboard: the frame is still growing, and a click aimed at a moment ago could miss.
    frame.get_by_role("button", name="Create", exact=True).press("Enter")
    expect(frame.locator(".error-summary")).to_be_focused()  # the answer to a form stands in its place
    create_room(frame, "A room without cookies")
    frame.get_by_role("button", name="Close the doors").click()  # a form without a dialog
    expect(frame.get_by_text("Only hosts are inside.")).to_be_visible()
    choose(frame, "Change what this link shows")  # a link to another page
    expect(frame.get_by_role("heading", name="Change what this link shows", level=1)).to_be_visible()
    tool_frame(page).evaluate("history.back()")
    expect(frame.get_by_role("heading", name="A room without cookies", level=1)).to_be_visible()
    choose(frame, "Edit details")  # a dialog, whose end fetches a part of the page
    dialog = frame.get_by_role("dialog")
    dialog.get_by_label("Title").fill("Another name")
    dialog.get_by_role("button", name="Save").click()
    expect(frame.get_by_role("heading", name="Another name", level=1)).to_be_visible()


def test_a_reload_after_the_tab_has_ended_is_friendly(
    audience: Audience, foyer: RunningFoyer, lms: RunningLms
) -> None:
    page = audience.sit("instructor")
    frame = open_in_page(page, lms, INSTRUCTOR, GUEST_LECTURE)
    create_room(frame, "Soon over")
    page.wait_for_load_state("networkidle")  # the menu's parts are there: nothing is asked any more
    with ThreadPoolExecutor(1) as elsewhere:  # Playwright's loop runs here: Django refuses to wait in it
        elsewhere.submit(end_all_tabs).result()
    tool_frame(page).evaluate("location.reload()")
    expect(frame.get_by_role("heading", name="Open this again from your course")).to_be_visible()
    assert kept_bearer(page) == ""


@pytest.mark.parametrize("application", [PARTED, UNPARTED])
def test_a_frame_hands_itself_over_to_a_new_tab(
    audience: Audience, foyer: RunningFoyer, lms: RunningLms
) -> None:
    page = audience.sit("instructor")
    frame = open_in_page(page, lms, INSTRUCTOR, GUEST_LECTURE)
    create_room(frame, "Here and there")
    with page.expect_popup() as opened:
        frame.get_by_role("button", name="Open in a new tab").click()
    tab = opened.value
    expect(tab.get_by_role("heading", name="Here and there", level=1)).to_be_visible()
    expect(tab.get_by_role("button", name="Open in a new tab")).to_have_count(0)
    say(tab, "From the tab.")
    hears(frame, "From the tab.", author="You")
    say(frame, "From the frame.")
    hears(tab, "From the frame.", author="You")
    tab.reload()
    hears(tab, "From the frame.", author="You")
    there, here = (urlsplit(url).path.split("/media/") for url in (tab.url, tool_frame(page).url))
    assert there[0] != here[0]
    assert there[1] == here[1]


@pytest.mark.parametrize("application", [PARTED, UNPARTED])
def test_two_frames_on_one_page_never_mix(audience: Audience, foyer: RunningFoyer, lms: RunningLms) -> None:
    page = audience.sit("instructor")
    first = open_in_page(page, lms, INSTRUCTOR, GUEST_LECTURE)
    page.evaluate(
        """address => {
            const frame = document.createElement("iframe");
            Object.assign(frame, { id: "second", src: address, width: "100%", height: 600 });
            document.querySelector("iframe[data-tool-frame]").after(frame);
        }""",
        f"{lms.origin}/d2l/le/lti/{SEMINAR_ROOM.number}/launch?signalStorage=true",
    )
    second = page.frame_locator("#second")
    create_room(first, "The first room")
    create_room(second, "The second room")
    say(first, "To the first.")
    say(second, "To the second.")
    hears(first, "To the first.", author="You")
    hears(second, "To the second.", author="You")
    for frame in page.frames[1:]:
        frame.evaluate("location.reload()")
    for scene, title, text in (
        (first, "The first room", "To the first."),
        (second, "The second room", "To the second."),
    ):
        expect(scene.get_by_role("heading", name=title, level=1)).to_be_visible()
        hears(scene, text, author="You")
        expect(scene.get_by_role("log").get_by_role("listitem")).to_have_count(1)


@pytest.mark.parametrize("application", [PARTED])
@pytest.mark.parametrize("resize", ResizeForm)
def test_the_frame_grows_to_what_the_page_needs(
    audience: Audience, foyer: RunningFoyer, lms: RunningLms, resize: ResizeForm
) -> None:
    lms.platform.frame = FrameManners(resize=resize)
    page = audience.sit("instructor")
    frame = open_in_page(page, lms, INSTRUCTOR, GUEST_LECTURE)
    expect(frame.get_by_role("heading", name="Set up this link")).to_be_visible()
    outside = page.locator("iframe[data-tool-frame]")
    expect(outside).not_to_have_attribute("height", "600")
    page.wait_for_timeout(1000)  # and then it rests
    height = int(outside.get_attribute("height") or 0)
    assert 600 < height < 3000
    assert height == tool_frame(page).evaluate("document.documentElement.scrollHeight")
    create_room(frame, "As high as its frame")  # this page fits itself into whatever there is
    expect(outside).to_have_attribute("height", "600")
    page.wait_for_timeout(1000)
    assert outside.get_attribute("height") == "600"


@pytest.mark.parametrize("application", [PARTED])
def test_copying_works_in_a_frame_that_may_not_use_the_clipboard(
    audience: Audience, foyer: RunningFoyer, lms: RunningLms
) -> None:
    page = audience.sit("instructor")
    frame = open_in_page(page, lms, INSTRUCTOR, GUEST_LECTURE)
    create_room(frame, "Copies")
    link = invite(frame, GUEST)
    assert not tool_frame(page).evaluate("document.featurePolicy.allowsFeature('clipboard-write')")
    dialog = frame.get_by_role("dialog")
    dialog.get_by_role("button", name="Copy").click()
    expect(dialog.get_by_text("Copied").first).to_be_visible()
    field = frame.get_by_label("Their personal link")
    selected = field.evaluate("each => each.value.slice(each.selectionStart, each.selectionEnd)")
    assert selected in {"", link}
