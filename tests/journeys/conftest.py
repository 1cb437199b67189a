"""All that a story needs: Foyer, an LMS on another site, a mailbox, a browser that blocks third parties."""

import os
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from inspect import signature
from pathlib import Path
from signal import SIGKILL
from threading import Timer
from typing import Final

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from practice_lms.mailbox import RunningMailbox
from practice_lms.server import RunningLms
from tests.journeys.running import PARTED, RunningFoyer
from tests.journeys.watching import Audience, launch

LONGEST_STORY: Final = 90.0  # seconds, well before the test's own time is over
FAILED: Final = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember for the fixtures below whether the story went wrong."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
def mailbox() -> Iterator[RunningMailbox]:
    """A real mail server, which keeps what it takes."""
    with RunningMailbox() as running:
        yield running


@pytest.fixture
def lms() -> Iterator[RunningLms]:
    """The practice LMS on `localhost`: for a browser another site than Foyer on `127.0.0.1`."""
    with RunningLms(host="localhost") as running:
        yield running


@pytest.fixture
def application() -> str:
    """What serves: Foyer itself, unless a story gives it a browser that keeps nothing (`unparted`)."""
    return PARTED


@pytest.fixture
def has_worker(request: pytest.FixtureRequest) -> bool:
    """A story that reads mails needs somebody to send them; for the others a process less has to start."""
    return "mailbox" in signature(request.function).parameters


@pytest.fixture
def foyer(
    transactional_db: None,
    mailbox: RunningMailbox,
    lms: RunningLms,
    tmp_path: Path,
    application: str,
    has_worker: bool,
) -> Iterator[RunningFoyer]:
    """Foyer, with the LMS registered. A story in which it logged an error has gone wrong."""
    with RunningFoyer(
        smtp_port=mailbox.smtp_port, folder=tmp_path, application=application, has_worker=has_worker
    ) as running:
        call_command("register_platform", "--name=Practice LMS", *lms.registration.options(), verbosity=0)
        lms.connect_tool(running.url)
        yield running
    assert running.trouble == ""


@pytest.fixture
def switches() -> tuple[str, ...]:
    """More switches for the browser of a story."""
    return ()


@pytest.fixture
def browser(chromium: str, switches: tuple[str, ...]) -> Iterator[Browser]:
    """Started for each story anew: asynchronous tests cannot run while a synchronous Playwright does.

    Once in some hundred stories Chromium answers nothing any more, not even the wish to end. Then it is ended
    from outside, and the story fails instead of waiting for ever.
    """
    with sync_playwright() as playwright, ended_after(LONGEST_STORY, children_of(os.getpid(), "playwright")):
        browser = launch(playwright, chromium, *switches)
        yield browser
        with suppress(PlaywrightError):  # it was ended already; whoever waited for it has said so
            browser.close()


@contextmanager
def ended_after(seconds: float, drivers: list[int]) -> Iterator[None]:
    """Kill what these processes have started, should the time run out before the block ends."""

    def end() -> None:
        for driver in drivers:
            for pid in children_of(driver):
                os.kill(pid, SIGKILL)

    timer = Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def children_of(parent: int, word: str = "") -> list[int]:
    """The processes that a process has started, as far as a word stands in their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            parent_of_it = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            if parent_of_it == str(parent) and word in (entry / "cmdline").read_text():
                found.append(int(entry.name))
    return found


@pytest.fixture
def audience(
    foyer: RunningFoyer,  # first: Django's tools for the database refuse to work while Playwright's loop runs
    browser: Browser,
    lms: RunningLms,
    mailbox: RunningMailbox,
    request: pytest.FixtureRequest,
) -> Iterator[Audience]:
    """The people of the story, at their browsers. After a failure their screens are kept; it says where."""
    people = Audience(browser, origins=frozenset({foyer.url, lms.origin, mailbox.origin}))
    yield people
    if request.node.stash.get(FAILED, False) or people.complaints:
        folder = Path(tempfile.mkdtemp(prefix="foyer-journey-"))
        print(f"What everybody saw is in {folder}:", *people.keep(folder), sep="\n  ")  # noqa: T201 - for whoever mends it
        print(foyer.said)  # noqa: T201
    assert people.complaints == []
