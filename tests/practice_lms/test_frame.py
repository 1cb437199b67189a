"""The page around the tool, in a real browser, with a tool on another site that talks to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import sync_playwright
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from practice_lms.behaviour import FrameManners, ResizeForm, StorageNames
from practice_lms.people import INSTRUCTOR, SEMINAR_ROOM
from practice_lms.server import RunningLms, Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Frame, Page
    from starlette.requests import Request

ASK = """
message => new Promise((resolve) => {
  addEventListener("message", (event) => resolve({ ...event.data, from: event.origin }), { once: true });
  setTimeout(() => resolve(null), 500);
  parent.postMessage(message, "*");
})
"""


class TalkingTool(Served):
    """A tool that asks back at once, and shows what it was told."""

    lms: RunningLms

    def application(self) -> Starlette:
        async def login(request: Request) -> Response:
            form = {name: str(value) for name, value in (await request.form()).items()}
            asked = {
                "scope": "openid",
                "response_type": "id_token",
                "response_mode": "form_post",
                "prompt": "none",
                "client_id": form["client_id"],
                "redirect_uri": self.lms.tool.launch_url,
                "login_hint": form["login_hint"],
                "lti_message_hint": form["lti_message_hint"],
                "nonce": "n",
                "state": "s",
            }
            return RedirectResponse(f"{self.lms.registration.auth_url}?{urlencode(asked)}", status_code=302)

        async def launch(request: Request) -> Response:
            form = await request.form()
            return HTMLResponse(f"<p id=told>{json.dumps(sorted(form))}</p>")

        return Starlette(
            routes=[
                Route("/lti/login/", login, methods=["POST"]),
                Route("/lti/launch/", launch, methods=["POST"]),
            ]
        )


@pytest.fixture(scope="module")
def lms() -> Iterator[RunningLms]:
    with TalkingTool() as tool, RunningLms(host="localhost", tool_url=tool.origin) as running:
        tool.lms = running
        yield running


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Third-party cookies are blocked, as in most of the browsers that meet a tool in a frame.
        arguments = ["--no-sandbox", "--test-third-party-cookie-phaseout"]
        running = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture(autouse=True)
def _usual_manners(lms: RunningLms) -> Iterator[None]:
    yield
    lms.platform.frame = FrameManners()


def open_in_page(page: Page, lms: RunningLms, *, tool: int = 1) -> Frame:
    page.goto(lms.origin)
    page.get_by_role("radio", name=SEMINAR_ROOM.title).check()
    page.get_by_role("button", name=f"Open as {INSTRUCTOR.name}, in the page").click()
    page.frame_locator("iframe[data-tool-frame]").locator("#told").wait_for()
    return page.frames[tool]


def ask(frame: Frame, message: object) -> dict[str, Any] | None:
    answer: dict[str, Any] | None = frame.evaluate(ASK, message)
    return answer


def test_a_launch_arrives_in_the_frame(page: Page, lms: RunningLms) -> None:
    frame = open_in_page(page, lms)
    assert json.loads(frame.inner_text("#told")) == ["id_token", "state"]


def test_a_launch_arrives_in_a_new_tab(page: Page, lms: RunningLms) -> None:
    page.goto(lms.origin)
    with page.expect_popup() as opened:
        page.get_by_role("button", name=f"Open as {INSTRUCTOR.name}, in a new tab").click()
    assert json.loads(opened.value.inner_text("#told")) == ["id_token", "state"]


def test_storage_keeps_what_a_tool_puts_until_it_is_taken_out(page: Page, lms: RunningLms) -> None:
    frame = open_in_page(page, lms)
    put = {"subject": "org.imsglobal.lti.put_data", "message_id": "1", "key": "k", "value": "v"}
    get = {"subject": "org.imsglobal.lti.get_data", "message_id": "2", "key": "k"}
    assert ask(frame, put) == put | {"subject": f"{put['subject']}.response", "from": lms.origin}
    assert ask(frame, get) == get | {
        "subject": f"{get['subject']}.response",
        "value": "v",
        "from": lms.origin,
    }
    del put["value"]
    ask(frame, put)
    answer = ask(frame, get)
    assert answer is not None
    assert answer["error"]["code"] == "key_not_found"


def test_capabilities_are_told_under_the_draft_names(page: Page, lms: RunningLms) -> None:
    answer = ask(open_in_page(page, lms), {"subject": "org.imsglobal.lti.capabilities", "message_id": "1"})
    assert answer is not None
    assert [one["subject"].rpartition(".")[2] for one in answer["supported_messages"]] == [
        "capabilities",
        "put_data",
        "get_data",
    ]


@pytest.mark.parametrize(
    ("storage", "answered"),
    [
        (StorageNames.DRAFT, ["org.imsglobal.lti"]),
        (StorageNames.FINAL, ["lti"]),
        (StorageNames.BOTH, ["lti", "org.imsglobal.lti"]),
        (StorageNames.SILENT, []),
    ],
)
def test_the_names_that_are_answered_can_be_chosen(
    page: Page, lms: RunningLms, storage: StorageNames, answered: list[str]
) -> None:
    lms.platform.frame = FrameManners(storage)
    frame = open_in_page(page, lms)
    found = []
    for prefix in ("lti", "org.imsglobal.lti"):
        answer = ask(frame, {"subject": f"{prefix}.capabilities", "message_id": "1"})
        found += [prefix] if answer and answer["subject"] == f"{prefix}.capabilities.response" else []
    assert found == answered


def test_a_refusing_page_answers_with_errors(page: Page, lms: RunningLms) -> None:
    lms.platform.frame = FrameManners(StorageNames.REFUSING)
    answer = ask(
        open_in_page(page, lms), {"subject": "lti.put_data", "message_id": "1", "key": "k", "value": "v"}
    )
    assert answer is not None
    assert answer["error"]["code"] == "unsupported_subject"


def test_another_frame_can_keep_the_storage(page: Page, lms: RunningLms) -> None:
    lms.platform.frame = FrameManners(StorageNames.FINAL, "post_message_forwarding")
    frame = open_in_page(page, lms, tool=2)
    told = ask(frame, {"subject": "lti.capabilities", "message_id": "1"})
    assert told is not None
    assert {one.get("frame") for one in told["supported_messages"][1:]} == {"post_message_forwarding"}
    put = {"subject": "lti.put_data", "message_id": "2", "key": "k", "value": "v"}
    refused = ask(frame, put)
    assert refused is not None
    assert refused["error"]["code"] == "wrong_target"
    answer = frame.evaluate(
        ASK.replace("parent.postMessage", "parent.frames.post_message_forwarding.postMessage"), put
    )
    assert answer == put | {"subject": "lti.put_data.response", "from": lms.origin}


@pytest.mark.parametrize("form", [ResizeForm.OBJECT, ResizeForm.BOTH])
def test_an_object_can_resize_the_frame(page: Page, lms: RunningLms, form: ResizeForm) -> None:
    lms.platform.frame = FrameManners(resize=form)
    ask(open_in_page(page, lms), {"subject": "lti.frameResize", "height": 900})
    assert page.get_attribute("iframe", "height") == "900"


def test_the_later_names_are_not_answered(page: Page, lms: RunningLms) -> None:
    assert ask(open_in_page(page, lms), {"subject": "lti.capabilities", "message_id": "1"}) is None


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"subject": "org.imsglobal.lti.put_data", "message_id": "1", "value": "v"}, "bad_request"),
        ({"subject": "org.imsglobal.lti.get_data", "message_id": "1"}, "bad_request"),
        ({"subject": "org.imsglobal.lti.get_data", "key": "k"}, "bad_request"),
        ({"subject": "org.imsglobal.lti.close", "message_id": "1"}, "unsupported_subject"),
    ],
)
def test_what_cannot_be_done_is_an_error(
    page: Page, lms: RunningLms, message: dict[str, str], code: str
) -> None:
    answer = ask(open_in_page(page, lms), message)
    assert answer is not None
    assert answer["error"]["code"] == code


def test_the_storage_is_small(page: Page, lms: RunningLms) -> None:
    frame = open_in_page(page, lms)
    put = {"subject": "org.imsglobal.lti.put_data", "message_id": "1", "key": "k", "value": "v" * 4096}
    first = ask(frame, put)
    assert first is not None
    assert "error" not in first
    answer = ask(frame, put | {"key": "another"})
    assert answer is not None
    assert answer["error"]["code"] == "storage_exhaustion"


def test_only_a_json_string_resizes_the_frame(page: Page, lms: RunningLms) -> None:
    frame = open_in_page(page, lms)
    message = {"subject": "lti.frameResize", "height": 900}
    ask(frame, message)
    assert page.get_attribute("iframe", "height") == "600"
    ask(frame, json.dumps(message | {"height": 10_001}))
    assert page.get_attribute("iframe", "height") == "600"
    ask(frame, json.dumps(message))
    assert page.get_attribute("iframe", "height") == "900"


def test_an_administrator_changes_how_the_page_behaves(page: Page, lms: RunningLms) -> None:
    page.goto(f"{lms.origin}/admin/security/")
    page.get_by_label("Storage by postMessage").select_option("final")
    page.get_by_label("A frame of its own keeps it, as in Canvas").check()
    page.get_by_label("A wish for more height is understood as").select_option("object")
    page.get_by_role("button", name="Save").last.click()
    page.get_by_text("Saved.").wait_for()
    assert lms.platform.frame == FrameManners(
        StorageNames.FINAL, "post_message_forwarding", ResizeForm.OBJECT
    )
    page.get_by_role("checkbox", name="A frame of its own keeps it", checked=True).wait_for()
