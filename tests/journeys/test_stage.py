"""Audio and video in the room: set up while people are inside, joined, and taken away with role and doors."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from playwright.sync_api import Page, expect

from practice_lms.people import INSTRUCTOR, SEMINAR_ROOM
from practice_lms.server import RunningLms
from tests.journeys.acting import (
    Invitee,
    close_dialog,
    create_room,
    enter,
    invite,
    open_in_page,
    open_menu,
    say,
)
from tests.journeys.watching import Audience

AMARA = Invitee("amara.okafor@tromso.example", "Amara", "Okafor")
SECRET: Final = "a secret of the Jitsi host, long enough"

# What a Jitsi host serves as its iframe API, as far as the room uses it.
SCRIPT: Final = """
window.JitsiMeetExternalAPI = class {
  constructor(domain, options) {
    this.frame = document.createElement("iframe");
    this.frame.allow = "camera; microphone; display-capture; fullscreen";
    this.frame.src = `http://${domain}/${options.roomName}?jwt=${options.jwt}`;
    this.frame.style.width = options.width;
    this.frame.style.height = options.height;
    options.parentNode.append(this.frame);
  }
  addListener(event, listener) {
    if (event === "videoConferenceJoined") setTimeout(() => listener({ id: "me" }));
  }
  executeCommand(...command) { (window.jitsiWasTold ??= []).push(command.join(" ")); }
  dispose() { this.frame.remove(); }
};
"""


class _Meeting(BaseHTTPRequestHandler):
    """Looks at tokens as a Jitsi host does, and says who has come."""

    def do_GET(self) -> None:
        """The script, a meeting, or a refusal."""
        parts = urlsplit(self.path)
        if parts.path == "/external_api.js":
            self._answer(SCRIPT, "text/javascript")
            return
        try:
            token = parse_qs(parts.query).get("jwt", [""])[0]
            claims = jwt.decode(token, SECRET, ["HS256"], audience="jitsi", issuer="foyer")
        except jwt.InvalidTokenError:
            self._answer("<p>Who are you?</p>", "text/html", status=403)
            return
        user = claims["context"]["user"]
        part = "moderates" if user["moderator"] else "watches"
        is_here = claims["room"] == parts.path.removeprefix("/")
        self._answer(f"<p>{user['name']} {part if is_here else 'is lost'}</p>", "text/html")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
        """Say nothing."""

    def _answer(self, text: str, media_type: str, *, status: int = 200) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{media_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@dataclass(frozen=True)
class RunningJitsi:
    """Something that a room takes for a Jitsi host."""

    origin: str


@pytest.fixture
def jitsi(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningJitsi]:
    """Asked for before `audience`, so that Foyer starts with it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Meeting) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        origin = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv("JITSI_URL", origin)
        monkeypatch.setenv("JITSI_APP_ID", "foyer")
        monkeypatch.setenv("JITSI_APP_SECRET", SECRET)
        yield RunningJitsi(origin)
        server.shutdown()


def in_meeting(page: Page, words: str) -> None:
    expect(page.frame_locator(".stage__frame iframe").get_by_text(words)).to_be_visible()


def test_audio_and_video_follow_role_and_doors(
    jitsi: RunningJitsi, audience: Audience, lms: RunningLms
) -> None:
    audience.origins |= {jitsi.origin}
    host = open_in_page(audience.sit("instructor"), lms, INSTRUCTOR, SEMINAR_ROOM)
    create_room(host, "Reading the ice")
    expect(host.get_by_text("Audio and video are not set up.")).to_be_visible()
    link = invite(host, AMARA)
    close_dialog(host)
    guest = audience.sit("guest")
    enter(guest, link, AMARA)
    expect(guest.get_by_text("The stage is quiet for now.")).to_be_visible()

    # Set up while the guest is inside: the stage changes; joining loads their page anew once.
    host.get_by_role("link", name="Set up audio and video").click()
    host.get_by_text("Jitsi Meet", exact=True).click()
    host.get_by_role("button", name="Save").click()
    expect(host.get_by_role("button", name="Join audio and video")).to_be_visible()
    expect(guest.get_by_text("your camera and microphone stay off")).to_be_visible()
    guest.get_by_role("button", name="Join audio and video").click()
    in_meeting(guest, f"{AMARA.name} watches")
    host.get_by_role("button", name="Join audio and video").click()
    expect(host.frame_locator(".stage__frame iframe").get_by_text("moderates")).to_be_visible()

    # The meeting goes on while the room around it is renewed.
    inside = guest.locator(".stage__frame iframe").element_handle().content_frame()
    assert inside is not None
    inside.evaluate("window.isTheSameMeeting = true")
    open_menu(host).get_by_text("Edit details").click()
    host.get_by_label("Title").fill("Reading the rocks")
    host.get_by_role("button", name="Save").click()
    expect(guest.get_by_role("heading", name="Reading the rocks", level=1)).to_be_visible()
    assert inside.evaluate("window.isTheSameMeeting") is True
    say(guest, "I see you.")

    # Another role is another token, at once; and who moderates has the host keep viewers silent.
    assert guest.evaluate("window.jitsiWasTold") is None
    host.get_by_role("tab", name="People").click()
    host.get_by_role("listitem").filter(has_text="Amara").get_by_role(
        "button", name="For this person"
    ).click()
    host.get_by_role("button", name="Make moderator").click()
    in_meeting(guest, f"{AMARA.name} moderates")
    switched_on = ["toggleModeration true audio", "toggleModeration true video"]
    assert guest.evaluate("window.jitsiWasTold") == switched_on

    # With the doors closed there is no meeting, and the next one is another.
    room = urlsplit(guest.locator(".stage__frame iframe").get_attribute("src") or "").path
    host.get_by_role("button", name="Close the doors").click()
    expect(guest.locator(".stage__frame iframe")).to_have_count(0)
    host.get_by_role("button", name="Open the doors now").click()
    guest.get_by_role("button", name="Join audio and video").click()
    in_meeting(guest, f"{AMARA.name} moderates")
    assert urlsplit(guest.locator(".stage__frame iframe").get_attribute("src") or "").path != room
    assert "eyJ" not in json.dumps([each.url for each in guest.context.pages])
