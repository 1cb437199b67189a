"""The browser of the journeys blocks third-party cookies: without that they would prove nothing."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser

COOKIE = "Path=/; Secure; HttpOnly; SameSite=None"


class Sites(ThreadingHTTPServer):
    """One server under two names: a page, and a frame that is given cookies and shows which come back."""

    daemon_threads = True


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/":
            self._answer(f'<iframe src="http://127.0.0.1:{self.connection.getsockname()[1]}/give"></iframe>')
        elif self.path == "/give":
            self.send_response(303)
            self.send_header("Set-Cookie", f"plain=1; {COOKIE}")
            self.send_header("Set-Cookie", f"parted=1; {COOKIE}; Partitioned")
            self.send_header("Location", "/show")
            self.end_headers()
        else:
            self._answer(f"<p>{self.headers.get('Cookie', '')}</p>")

    def _answer(self, body: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quiet."""


@pytest.fixture
def port() -> Iterator[int]:
    with Sites(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_frame_of_another_site_keeps_only_partitioned_cookies(browser: Browser, port: int) -> None:
    page = browser.new_context().new_page()
    page.goto(f"http://localhost:{port}/")
    assert page.frame_locator("iframe").locator("p").inner_text() == "parted=1"


def test_the_same_site_keeps_both(browser: Browser, port: int) -> None:
    page = browser.new_context().new_page()
    page.goto(f"http://127.0.0.1:{port}/")
    assert page.frame_locator("iframe").locator("p").inner_text() == "plain=1; parted=1"
