"""A host uploads a video, then a document; guests watch the one and read the other, and a webcast."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from rooms.models import Media
from tests.factories.lti import make_course, make_member, make_person, make_tab, make_tenant
from tests.factories.rooms import make_guest, make_participant, make_pass, make_placed_entry
from tests.journeys.inspecting import QUICKLY, inspect
from tests.journeys.running import RunningFoyer

FILES: Final = Path(__file__).resolve().parent.parent / "files"
PLAYER: Final = "https://player.vimeo.com/video/"
CAPTIONS: Final = b"WEBVTT\n\n00:00.000 --> 00:03.000\nThe ice.\n"


@dataclass
class Gallery:
    """Three entries, a video, a document and a webcast, with a host and a guest at each."""

    foyer: RunningFoyer
    cookies: dict[tuple[str, str], tuple[str, str, str]]
    browser: Browser | None = None
    wrong: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # by our own policy, or failed in a script

    def visit(self, kind: str, who: str) -> Page:
        assert self.browser is not None
        name, value, path = self.cookies[kind, who]
        context = self.browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_cookies(
            [
                {
                    "name": name,
                    "value": value,
                    "domain": "127.0.0.1",
                    "path": path,
                    "secure": True,
                    "sameSite": "None",
                }
            ]
        )
        context.route(
            f"{PLAYER}**", lambda route: route.fulfill(body="<p>On air</p>", content_type="text/html")
        )
        page = context.new_page()
        page.on("console", lambda said: self.refused.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.refused.append(str(error)))
        page.goto(f"{self.foyer.url}{path}")
        return page


@pytest.fixture
def gallery(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gallery]:
    monkeypatch.setenv("MEDIA_ROOT", str(tmp_path / "uploads"))
    course = make_course(make_tenant())
    host, guest = make_member(course, person=make_person(course.tenant)), make_guest(course.tenant)
    cookies = {}
    for kind in ("video", "document", "live"):
        is_live = kind == "live"
        entry, placement = make_placed_entry(course, title="Reading the ice", kind=kind, has_chat=is_live)
        if is_live:
            Media.objects.create(entry=entry, address=f"{PLAYER}1")
        until = timezone.now() + timedelta(days=1)
        _held, secret = make_pass(make_participant(entry, guest=guest, granted_until=until))
        tab, tab_secret = make_tab(host, placement)
        cookies[kind, "host"] = ("foyer-tab", tab_secret, f"/~{tab.handle}/media/{entry.pk}/")
        cookies[kind, "guest"] = ("foyer-pass", secret, f"/media/{entry.pk}/")
    with RunningFoyer(smtp_port=9, folder=tmp_path, has_worker=False) as foyer:
        yield Gallery(foyer, cookies)


@pytest.fixture
def hall(gallery: Gallery, browser: Browser) -> Gallery:
    gallery.browser = browser  # last: the database is not to be touched while Playwright's loop runs
    return gallery


def comes_true(page: Page, expression: str) -> None:
    """Ask again and again: the policy of our pages lets nobody wait inside of them."""
    for _try in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"never came true: {expression}")


# How far an upload is, each time that its bar or its words change: the page is another soon.
NOTED: Final = """() => {
    const progress = document.querySelector("[data-upload-progress]");
    const [bar, words] = [progress.querySelector("progress"), progress.querySelector("[data-upload-text]")];
    new MutationObserver(() => console.log(`${bar.value}: ${words.textContent}`))
        .observe(progress, { subtree: true, childList: true, attributes: true });
}"""


def watch(hall: Gallery) -> None:
    host, guest = hall.visit("video", "host"), hall.visit("video", "guest")
    expect(guest.get_by_text("It appears here by itself")).to_be_visible()
    hall.wrong += inspect(guest, "a stage with nothing on it")
    host.get_by_role("link", name="Add the video").click()
    field_ = host.get_by_label("Video file")
    field_.set_input_files(FILES / "two-pages.pdf")
    host.get_by_label("Address").fill("https://player.vimeo.com/video/1")
    host.get_by_role("button", name="Add", exact=True).click()
    expect(host.get_by_text("This is no MP4 or WebM video")).to_be_visible()
    expect(host.get_by_label("Address")).to_have_value("https://player.vimeo.com/video/1")
    hall.wrong += inspect(host, "what is shown, refused")
    field_.set_input_files(FILES / "three-seconds.webm")
    host.evaluate(NOTED)
    with host.expect_console_message(
        lambda said: said.text == "100: All is there. One moment, it is being checked…"
    ):
        host.get_by_role("button", name="Add", exact=True).click()
    expect(host.get_by_text("Everybody inside sees it already")).to_be_visible()
    # Without a reload the guest watches, with the keys of a player.
    video = guest.locator("video")
    expect(video).to_be_visible()
    video.focus()
    guest.keyboard.press("k")
    comes_true(guest, "() => document.querySelector('video').currentTime > 0.3")
    guest.keyboard.press("m")
    assert video.evaluate("each => each.muted")

    host.get_by_role("group").get_by_label("More for this room").click()
    host.get_by_role("link", name="What is shown").click()
    host.get_by_label("Language").select_option("en")
    upload = {"name": "ice.vtt", "mimeType": "text/vtt", "buffer": CAPTIONS}
    host.get_by_label("Captions file").set_input_files(upload)  # type: ignore[arg-type]
    host.get_by_role("button", name="Add captions").click()
    expect(host.get_by_role("button", name="Remove the captions: English")).to_be_visible()
    hall.wrong += inspect(host, "what is shown")
    expect(guest.locator("track[srclang=en]")).to_have_count(1)
    guest.locator("video").focus()
    guest.keyboard.press("c")
    comes_true(guest, "() => document.querySelector('video').textTracks[0].cues?.length === 1")
    hall.wrong += inspect(guest, "a video")


def read(hall: Gallery) -> None:
    host, guest = hall.visit("document", "host"), hall.visit("document", "guest")
    host.get_by_role("link", name="Add the document").click()
    host.get_by_label("PDF file").set_input_files(FILES / "two-pages.pdf")
    host.get_by_role("button", name="Add", exact=True).click()
    pages = guest.get_by_role("region", name="Document")
    expect(pages.locator(".paper__text").first).to_contain_text("Reading the ice")
    expect(pages.locator("canvas").first).to_be_visible()
    number = guest.get_by_label("Page", exact=True)
    guest.set_viewport_size({"width": 1280, "height": 560})
    pages.focus()
    guest.keyboard.press("ArrowRight")
    expect(number).to_have_value("2")
    expect(pages.locator(".paper__text").nth(1)).to_contain_text("The second page")
    guest.keyboard.press("+")
    expect(guest.get_by_label("Size", exact=True)).to_have_text("125 %")
    guest.keyboard.press("0")
    guest.set_viewport_size({"width": 1280, "height": 800})
    hall.wrong += inspect(guest, "a document")


def look_on(hall: Gallery) -> None:
    guest, host = hall.visit("live", "guest"), hall.visit("live", "host")
    player = guest.frame_locator("[data-stage-frame]").frame_locator("iframe")
    expect(player.get_by_text("On air")).to_be_visible()
    hall.wrong += inspect(guest, "a webcast", QUICKLY)
    host.get_by_role("group").get_by_label("More for this room").click()
    host.get_by_role("link", name="Reports").click()
    expect(host.get_by_role("heading", name="Reports")).to_be_visible()
    hall.wrong += inspect(host, "the reports", QUICKLY)


def test_a_video_is_watched_and_a_document_read(hall: Gallery) -> None:
    watch(hall)
    read(hall)
    look_on(hall)
    assert hall.wrong == [], "\n\n".join(hall.wrong)
    # The refused file is answered with 422, which browsers call an error; nothing else is one.
    assert [said for said in hall.refused if "422" not in said] == []
