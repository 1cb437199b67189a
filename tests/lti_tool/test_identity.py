"""Whose tab it is, and when a tab ends."""

from collections.abc import Callable, MutableMapping
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from lti_tool.identity import SplitPath, TabScope, live_tab, split_path
from lti_tool.models import Deployment, Membership, Platform, Tab
from tests.factories.launches import Browser, Stage, tab_behind
from tests.factories.lti import make_course, make_member, make_tab, make_tenant


@pytest.fixture
def held(db: None) -> tuple[Tab, str]:
    return make_tab(make_member(make_course(make_tenant())))


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("/", SplitPath("", "/")),
        ("/media/1/", SplitPath("", "/media/1/")),
        ("/~abc/", SplitPath("abc", "/")),
        ("/~abc/media/1/", SplitPath("abc", "/media/1/")),
        ("/~abc", SplitPath("abc", "")),
        ("/~", SplitPath("", "")),
        ("/~/media/1/", SplitPath("", "/media/1/")),
        ("/media/~abc/", SplitPath("", "/media/~abc/")),
        ("/~a\0bc/media/1/", SplitPath("", "/~a\0bc/media/1/")),
    ],
)
def test_a_path_names_its_tab(path: str, split: SplitPath) -> None:
    assert split_path(path) == split


def test_the_secret_proves_the_tab(held: tuple[Tab, str]) -> None:
    tab, secret = held
    other, other_secret = make_tab(make_member(make_course(make_tenant())))
    assert live_tab(tab.handle, secret) == tab
    assert live_tab(tab.handle, "") is None
    assert live_tab(tab.handle, other_secret) is None
    assert live_tab(other.handle, secret) is None
    assert live_tab("unknown", secret) is None
    assert live_tab("\0", secret) is None, "PostgreSQL cannot even be asked for it"
    assert live_tab(tab.handle, tab.secret_hash) is None, "what the database holds opens nothing"


def end(row: Model, **values: object) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


@pytest.mark.parametrize(
    "ending",
    [
        lambda tab: end(tab, ended_at=timezone.now()),
        lambda tab: end(
            tab,
            launched_at=timezone.now() - timedelta(hours=9),
            expires_at=timezone.now() - timedelta(hours=1),
        ),
        lambda tab: end(tab.person, is_disabled=True),
        lambda tab: end(tab.deployment, state=Deployment.State.DISABLED),
        lambda tab: end(tab.deployment, state=Deployment.State.PENDING),
        lambda tab: end(tab.deployment.platform, state=Platform.State.DISABLED),
    ],
    ids=["ended", "too old", "person", "deployment", "deployment pending", "platform"],
)
def test_a_tab_ends_at_once(held: tuple[Tab, str], ending: Callable[[Tab], None]) -> None:
    tab, secret = held
    assert live_tab(tab.handle, secret) is not None
    ending(tab)
    assert live_tab(tab.handle, secret) is None


@pytest.mark.parametrize(
    ("status", "minutes_after_launch", "is_alive"),
    [
        ("inactive", 1, False),
        ("deleted", 1, False),
        ("absent", 1, True),
        ("active", 1, True),
        ("inactive", -1, True),
    ],
)
def test_what_a_roster_says_counts_when_it_is_newer_than_the_launch(
    held: tuple[Tab, str], status: str, minutes_after_launch: int, *, is_alive: bool
) -> None:
    tab, secret = held
    listed_at = tab.launched_at + timedelta(minutes=minutes_after_launch)
    Membership.objects.update(status=status, listed_at=listed_at)
    assert (live_tab(tab.handle, secret) is not None) is is_alive


def test_an_address_without_its_cookie_asks_to_come_back(stage: Stage, browser: Browser) -> None:
    tab = tab_behind(browser, stage.launch(browser))
    platform = stage.lms.origin
    for path, framed_by in (
        (f"/~{tab.handle}/", platform),
        (f"/~{tab.handle}/anything/", platform),
        ("/~unknown/", "*"),
    ):
        reply = Browser().get(path)
        assert reply.status == 403
        assert "from your course" in reply.text
        assert f"frame-ancestors {framed_by};" in reply.headers["Content-Security-Policy"] + ";"


def test_pages_of_a_tab_are_framed_by_its_platform_alone_and_never_cached(
    stage: Stage, browser: Browser
) -> None:
    reply = browser.get(stage.launch(browser).location)
    assert f"frame-ancestors {stage.lms.origin};" in reply.headers["Content-Security-Policy"] + ";"
    assert "no-store" in reply.headers["Cache-Control"]
    assert "X-Frame-Options" not in reply.headers


def test_the_prefix_of_one_tab_does_not_leak_into_the_next_answer(stage: Stage, browser: Browser) -> None:
    """Answers out of one thread: over HTTP each would have its own."""
    tab = tab_behind(browser, stage.launch(browser))
    client = Client(SERVER_NAME="127.0.0.1")
    client.cookies.load(browser.cookies_for(f"/~{tab.handle}/"))
    assert tab.handle in client.get(f"/~{tab.handle}/setup/").content.decode()
    reply = client.get("/lti/launch/")
    assert tab.handle not in reply.content.decode()


@pytest.mark.django_db(transaction=True)
async def test_a_socket_knows_its_tab() -> None:
    tab, secret = await sync_to_async(
        lambda: make_tab(make_member(make_course(make_tenant()))), thread_sensitive=True
    )()
    seen: list[MutableMapping[str, Any]] = []

    async def application(scope: MutableMapping[str, Any], _receive: object, _send: object) -> None:
        seen.append(scope)

    async def connect(cookie: str) -> MutableMapping[str, Any]:
        scope = {
            "type": "websocket",
            "path": f"/~{tab.handle}/media/1/socket/",
            "headers": [(b"cookie", cookie.encode())],
        }
        await TabScope(application)(scope, None, None)  # type: ignore[arg-type]
        return seen[-1]

    known = await connect(f"foyer-tab={secret}; other=1")
    assert (known["tab"], known["path"], known["tab_handle"]) == (tab, "/media/1/socket/", tab.handle)
    assert (await connect("foyer-tab=wrong"))["tab"] is None
    assert (await connect("broken; \x01=;"))["tab"] is None


def test_no_operators_page_stands_in_a_tab(stage: Stage, browser: Browser) -> None:
    """There the LMS might frame it, around the very cookie that lets an operator in."""
    tab = tab_behind(browser, stage.launch(browser))
    for path in ("operator/", "operator/login/", "operator/lti_tool/platform/"):
        assert browser.get(f"/~{tab.handle}/{path}").status == 404
        assert browser.get(f"/{path}").status in {200, 302}
