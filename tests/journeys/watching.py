"""A browser whose every page is watched: whom it talks to, and what it complains about."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    Response,
    WebError,
    WebSocket,
)

# A browser that blocks third-party cookies, as most do today: Playwright's contexts of Chromium do so by
# themselves (`test_browser.py` makes sure). No name but this machine's is ever looked up.
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)
# As people have it: with the storage of frames. What Playwright switches off takes it from them,
# and a list of ours replaces that one: so it is the same but for ThirdPartyStoragePartitioning. With
# a shorter one the browser stands still now and then.
_SWITCHED_OFF: Final = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "PreconnectToSearch",
    "Translate",
)
STORAGE_IN_FRAMES: Final = f"--disable-features={','.join(_SWITCHED_OFF)}"
PATIENCE: Final = 15_000  # milliseconds; for a busy machine
_NETWORK: Final = "Failed to load resource: the server responded with a status of "  # see _watch_response
_MAY_BE_REFUSED: Final = frozenset({"document", "fetch", "xhr"})


def launch(playwright: Playwright, chromium: str, *switches: str) -> Browser:
    """Start the system's Chromium."""
    return playwright.chromium.launch(executable_path=chromium, args=[*ARGUMENTS, *switches])


@dataclass
class Audience:
    """Everybody who sits at a browser in one story; each has a context, and so a cookie jar, of their own.

    `complaints` is empty after a story that went well. A refusal that belongs to the story (403 for a page)
    is none; a missing style sheet, a server's failure, a word to a stranger, an error in the console are.
    """

    browser: Browser
    origins: frozenset[str]
    complaints: list[str] = field(default_factory=list)
    seats: dict[str, BrowserContext] = field(default_factory=dict)

    def sit(
        self,
        name: str,
        *,
        width: int = 1280,
        height: int = 800,
        scheme: str = "light",
        has_javascript: bool = True,
        time_zone: str = "Europe/Berlin",
        locale: str = "en-GB",
    ) -> Page:
        """Give somebody a browser, and its first page."""
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=has_javascript,
            timezone_id=time_zone,
            locale=locale,
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE)
        context.on("page", self._watch_sockets)
        context.on("request", self._watch_request)
        context.on("response", self._watch_response)
        context.on("console", self._watch_console)
        context.on("weberror", self._watch_error)
        self.seats[name] = context
        return context.new_page()

    def keep(self, folder: Path) -> list[Path]:
        """Write what everybody sees now: a picture and the page's HTML with its frames'."""
        kept: list[Path] = []
        for name, context in self.seats.items():
            for number, page in enumerate(context.pages, start=1):
                file = folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}-{number}"
                page.screenshot(path=file.with_suffix(".png"), full_page=True, timeout=5_000)
                frames = [f"<!-- {frame.url} -->\n{frame.content()}" for frame in page.frames]
                file.with_suffix(".html").write_text("\n\n".join(frames))
                kept += [file.with_suffix(".png"), file.with_suffix(".html")]
        return kept

    def _watch_sockets(self, page: Page) -> None:
        page.on("websocket", self._watch_socket)

    def _watch_socket(self, socket: WebSocket) -> None:
        self._watch_origin(socket.url.replace("ws", "http", 1))

    def _watch_request(self, request: Request) -> None:
        self._watch_origin(request.url)

    def _watch_origin(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and f"{parts.scheme}://{parts.netloc}" not in self.origins:
            self.complaints.append(f"a request to a stranger: {url}")

    def _watch_response(self, response: Response) -> None:
        status, kind = response.status, response.request.resource_type
        if status >= 500 or (status >= 400 and kind not in _MAY_BE_REFUSED):
            self.complaints.append(f"{status} for {response.request.method} {response.url}")

    def _watch_console(self, said: ConsoleMessage) -> None:
        if said.type in {"error", "warning"} and not said.text.startswith(_NETWORK):
            self.complaints.append(f"the console says: {said.text} ({said.location.get('url', '')})")

    def _watch_error(self, error: WebError) -> None:
        self.complaints.append(f"a script failed: {error.error}")
