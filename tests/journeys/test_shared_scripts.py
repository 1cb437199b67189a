"""The modules that every page loads, in a real browser, under our content security policy."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest
from django.template import engines
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

ROOT: Final = Path(__file__).resolve().parent.parent.parent

PAGES: Final = {
    "/media": """
        <h1>Media</h1>
        <details class="menu" data-menu><summary class="button">More</summary><div class="menu__list">
          <a class="menu__item" href="/invite" data-dialog>Invite users</a>
          <a class="menu__item" href="/plain">Plain page</a>
        </div></details>
        <a id="nowhere" href="/plain" data-dialog>Without dialog content</a>
        <a id="refused" href="/refused" data-dialog>Refused</a>""",
    "/invite": """
        <section data-dialog-content aria-labelledby="title"><h1 id="title">Invite users</h1>
          <form method="post" action="/invite">
            <input name="email" id="id_email" aria-label="Email" data-suggest-url="/suggestions"
                   data-suggest-fill="first:#id_first last:#id_last" data-suggest-choice="choice"
                   data-suggest-label="People" data-suggest-none="Nobody found">
            <input name="first" id="id_first" aria-label="First">
            <input name="last" id="id_last" aria-label="Last">
            <button>Generate</button><a href="/media" data-dialog-close>Cancel</a>
          </form></section>""",
    "/done": """
        <section data-dialog-content data-dialog-changed aria-labelledby="title"><h1 id="title">Invited</h1>
          <div class="copy"><input id="link" readonly value="https://foyer.example/join/abc">
            <button type="button" data-copy="#link" data-copied="Copied" data-copy-failed="Press Ctrl+C">
              <span data-copy-label>Copy</span></button><p data-copy-status role="status"></p></div>
          <a href="/invite" data-dialog>Another</a><a href="/media" data-dialog-close>Done</a></section>""",
    "/wrong": """
        <section data-dialog-content aria-labelledby="title"><h1 id="title">Invite users</h1>
          <form method="post" action="/invite"><input name="email" aria-label="Email" aria-invalid="true"
                value="wrong"><button>Generate</button></form></section>""",
    "/plain": "<h1>Plain page</h1>",
    "/refused": """
        <section data-dialog-content aria-labelledby="no"><h1 id="no">Not open to you</h1></section>""",
    "/countdown": """
        <div class="countdown" data-countdown data-starts-at="2026-11-21T13:00:02Z"
             data-server-now="2026-11-21T13:00:00Z" data-text-start="The doors are opening.">
          <p class="countdown__part"><b data-days>0</b></p><b data-hours>0</b><b data-minutes>0</b>
          <b data-seconds>9</b><span role="status" data-countdown-status></span></div>
        <time datetime="2026-11-21T13:00:00Z" data-local="time">13:00 UTC</time>""",
    "/long-countdown": """
        <div class="countdown" data-countdown data-starts-at="2026-11-21T13:00:00Z"
             data-server-now="2026-11-21T12:48:00Z" data-text-10="Ten." data-text-5="Five." data-text-1="One."
             data-text-start="Now.">
          <p class="countdown__part"><b data-days>0</b></p><b data-hours>0</b><b data-minutes>0</b>
          <b data-seconds>9</b><span role="status" data-countdown-status></span></div>""",
    "/tabs": """
        <div data-tabs>
          <div class="tabs"><a class="tab" href="#chat">Chat</a><a class="tab" href="#people">People</a></div>
          <section id="chat">Chatter</section><section id="people">Everybody</section></div>""",
    **{
        f"/stage-of-a-{who}": f"""
        <div id="room" data-media="inside"><div data-stage-engine="jitsi" {marks}>
          <div data-stage-before>
            <form method="post" action="/done" data-stage-join><button>Join</button></form>
            <p role="status" data-stage-status></p><p role="alert" data-stage-error></p></div>
          <div data-stage-frame hidden></div></div></div>"""
        for who, marks in (
            ("moderator", "data-on-stage data-moderates"),
            ("speaker", "data-on-stage"),
            ("viewer", ""),
        )
    },
}

SUGGESTIONS: Final = """<ul data-status="2 suggestions">
    <li role="option" data-email="ana@example.org" data-first="Ana" data-last="Silva">Ana</li>
    <li role="option" data-email="a•••@e•••.org" data-choice="anders" data-first="Anders"
        data-last="Lund">Anders</li></ul>"""


class Pages(SimpleHTTPRequestHandler):
    """Our pages around the bodies above, and the static files as they are."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path in PAGES:
            self._page(path, 403 if path == "/refused" else 200)
        else:
            super().do_GET()

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/suggestions":
            self._answer(SUGGESTIONS if sent.startswith("q=an&") else '<ul data-status="0 suggestions"></ul>')
        elif "email=wrong" in sent:
            self._page("/wrong", 422)
        else:
            self.send_response(303)
            self.send_header("Location", "/done")
            self.end_headers()

    def _page(self, path: str, status: int) -> None:
        source = "{% extends 'base.html' %}{% block content %}" + PAGES[path] + "{% endblock content %}"
        self._answer(engines["django"].from_string(source).render({}), status)

    def _answer(self, text: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(text.encode())

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", "default-src 'self'")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quiet."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Pages, directory=str(ROOT)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def context(chromium: str, address: str) -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser.new_context(base_url=address, timezone_id="Asia/Tokyo", locale="en-GB")
        browser.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)
    yield page
    page.close()
    assert complaints == []


def open_invite(page: Page) -> None:
    page.goto("/media")
    page.locator("summary").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("dialog h1")).to_have_text("Invite users")


def send_invite(page: Page, email: str) -> None:
    page.locator("dialog #id_email").fill(email)
    page.keyboard.press("Tab")  # away from the field: suggestions do not lie over the button
    page.get_by_role("button", name="Generate").click()


def test_menu_walks_by_arrow_keys_and_escape_gives_the_focus_back(page: Page) -> None:
    page.goto("/media")
    page.locator("summary").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Invite users")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("link", name="Plain page")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("summary")).to_be_focused()
    expect(page.locator("details[open]")).to_have_count(0)


def test_escape_closes_the_suggestions_first_and_the_dialog_next(page: Page) -> None:
    open_invite(page)
    page.keyboard.type("an")
    expect(page.locator("dialog .combo [role=status]")).to_have_text("2 suggestions")
    page.keyboard.press("Escape")
    expect(page.locator("dialog .combo__list")).to_be_hidden()
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("summary")).to_be_focused()


def test_a_chosen_suggestion_fills_the_names(page: Page) -> None:
    open_invite(page)
    page.keyboard.type("an")
    expect(page.get_by_role("option")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#id_email")).to_have_value("a•••@e•••.org")
    expect(page.locator("#id_first")).to_have_value("Anders")
    expect(page.locator("#id_last")).to_have_value("Lund")
    choice = page.locator("form input[name=choice]")
    expect(choice).to_have_value("anders")
    page.keyboard.press("Backspace")  # typing again means somebody else
    expect(choice).to_have_count(0)


def test_the_arrows_go_round_and_what_is_marked_is_told_to_screen_readers(page: Page) -> None:
    open_invite(page)
    field = page.get_by_role("combobox", name="Email")
    expect(field).to_have_attribute("aria-expanded", "false")
    page.keyboard.type("an")
    options = page.get_by_role("listbox", name="People").get_by_role("option")
    expect(options).to_have_count(2)
    expect(field).to_have_attribute("aria-expanded", "true")
    for key, marked in [("ArrowUp", 1), ("ArrowDown", 0), ("End", 1), ("Home", 0)]:
        page.keyboard.press(key)
        told = str(options.nth(marked).get_attribute("id"))
        expect(field).to_have_attribute("aria-activedescendant", told)
        expect(options.nth(marked)).to_have_attribute("aria-selected", "true")
    page.keyboard.type("x")
    expect(page.locator("dialog .combo [role=status]")).to_have_text("Nobody found")
    expect(field).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option")).to_have_count(0)


def test_a_wrong_form_comes_back_in_the_dialog_with_the_focus_on_the_error(page: Page) -> None:
    open_invite(page)
    send_invite(page, "wrong")
    expect(page.locator("dialog [aria-invalid=true]")).to_be_focused()
    expect(page).to_have_url("/media")


def test_a_right_form_shows_its_confirmation_and_closing_it_renews_the_page(page: Page) -> None:
    open_invite(page)
    send_invite(page, "ana@example.org")
    expect(page.locator("dialog h1")).to_have_text("Invited")
    page.evaluate("window.isOld = true")
    page.get_by_role("link", name="Done").click()
    expect(page.locator("dialog")).to_have_count(0)
    page.wait_for_function("!window.isOld")


def test_a_link_inside_the_dialog_stays_in_it(page: Page) -> None:
    open_invite(page)
    send_invite(page, "ana@example.org")
    page.get_by_role("link", name="Another").click()
    expect(page.locator("dialog h1")).to_have_text("Invite users")
    expect(page.locator("dialog")).to_have_count(1)


def test_a_page_without_dialog_content_is_simply_visited(page: Page) -> None:
    page.goto("/media")
    page.locator("#nowhere").click()
    expect(page).to_have_url("/plain")


def test_a_refusal_is_read_in_the_dialog(page: Page) -> None:
    page.goto("/media")
    page.locator("#refused").click()
    expect(page.locator("dialog h1")).to_have_text("Not open to you")


def test_the_link_is_copied(page: Page) -> None:
    page.goto("/done")
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("[data-copy-status]")).to_have_text("Copied")


def test_where_nothing_may_be_copied_the_link_is_selected_and_the_keys_are_named(page: Page) -> None:
    page.goto("/done")
    page.evaluate("""() => {
        Object.defineProperty(navigator, "clipboard", { value: undefined });
        document.execCommand = () => false;
    }""")
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("[data-copy-status]")).to_have_text("Press Ctrl+C")
    assert page.evaluate("getSelection().toString()") == "https://foyer.example/join/abc"


def test_the_countdown_goes_by_the_servers_clock_and_says_when_it_is_done(page: Page) -> None:
    page.goto("/countdown")
    page.evaluate(
        "window.done = new Promise((then) => addEventListener('countdown:done', () => then('done')))"
    )
    assert page.evaluate("window.done") == "done"
    expect(page.locator("[data-countdown-status]")).to_have_text("The doors are opening.")
    expect(page.locator("time")).to_have_text("22:00")
    expect(page.locator("time")).to_have_attribute("title", "13:00 UTC")


HEARD = """() => {
    window.heard = [];
    const status = document.querySelector("[data-countdown-status]");
    new MutationObserver(() => window.heard.push(status.textContent)).observe(status, { childList: true });
}"""


def test_the_countdown_speaks_at_ten_five_and_one_minutes_and_at_the_start_only(page: Page) -> None:
    page.clock.install(time=datetime(2030, 1, 1, tzinfo=UTC))  # a wrong clock, by years
    page.goto("/long-countdown")
    page.evaluate(HEARD)
    for _minute in range(13):
        page.clock.run_for(60_000)
    assert page.evaluate("window.heard") == ["Ten.", "Five.", "One.", "Now."]


def test_the_countdown_takes_the_time_that_the_server_says_later(page: Page) -> None:
    page.clock.install(time=datetime(2030, 1, 1, tzinfo=UTC))
    page.goto("/long-countdown")
    page.evaluate(
        "document.dispatchEvent(new CustomEvent('foyer:clock', { detail: { now: '2026-11-21T12:30:00Z' } }))"
    )
    page.clock.run_for(2000)
    expect(page.locator("[data-minutes]")).to_have_text("29")


def test_tabs_move_by_arrow_keys(page: Page) -> None:
    page.goto("/tabs")
    expect(page.locator("#people")).to_be_hidden()
    page.get_by_role("tab", name="Chat").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tabpanel", name="People")).to_be_visible()
    expect(page.locator("#chat")).to_be_hidden()


# What a Jitsi host serves as its iframe API. Tests say what happens in the meeting, and read what it is told.
JITSI: Final = """window.JitsiMeetExternalAPI = class {
    listeners = {};
    said = [];
    constructor(domain, options) {
        window.meeting = this;
        this.options = options;
        options.parentNode.append("In the meeting");
    }
    addListener(event, listener) { this.listeners[event] = listener; }
    executeCommand(...command) { this.said.push(command.join(" ")); }
    async isParticipantForceMuted(name, medium) { return `${name} ${medium}` !== "heard audio"; }
    tell(event, told) { this.listeners[event]?.(told); }
    dispose() {}
};"""

# The room's own modules on a connection whose other end is here.
CONNECTED: Final = """async () => {
    const allowed = document.createElement("meta");
    allowed.name = "foyer-stage";
    allowed.content = location.origin;
    document.head.append(allowed);
    const { Topics } = await import("/static/js/room/topics.js");
    const { stage } = await import("/static/js/room/stage.js");
    const script = `${location.origin}/external_api.js`;
    const way = { kind: "embed", domain: location.host, script, room: "r", token: "t", expires_in: 300 };
    window.sent = [];
    window.answer = { kind: "done" };
    window.topics = new Topics((frame) => {
        window.sent.push([frame.verb, frame.values.name ?? ""].join(" ").trim());
        const result = frame.verb === "stage.join" ? way : {};
        const { client_key } = frame;
        Promise.resolve().then(() => window.topics.answered({ client_key, result, ...window.answer }));
        return true;
    }, [stage]);
    window.topics.enter(document.querySelector("#room"));
    window.topics.state({ revision: 0, team_revision: 0, topics: {} });
}"""


def join_stage(page: Page, who: str) -> None:
    """Into the meeting, at a clock that stands still until it is moved."""
    page.route("**/external_api.js", lambda route: route.fulfill(body=JITSI, content_type="text/javascript"))
    page.clock.install(time=datetime(2026, 11, 21, 13, tzinfo=UTC))
    page.goto(f"/stage-of-a-{who}")
    page.evaluate(CONNECTED)
    page.clock.pause_at(datetime(2026, 11, 21, 14, tzinfo=UTC))
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_text("In the meeting")).to_be_visible()
    page.evaluate("window.meeting.tell('videoConferenceJoined', { id: 'me' })")


def test_a_new_token_is_asked_for_before_the_old_one_ends_and_without_one_the_page_leaves(page: Page) -> None:
    join_stage(page, "viewer")
    for asked in (1, 2, 3):
        assert page.evaluate("window.sent") == ["stage.join"] * asked
        page.clock.run_for(239_000)  # of three hundred seconds
        assert page.evaluate("window.sent") == ["stage.join"] * asked
        page.clock.run_for(1_000)
    page.evaluate("window.answer = { kind: 'refused', reason: 'removed', text: 'You are no longer here.' }")
    page.clock.run_for(240_000)
    expect(page.get_by_role("status").get_by_text("You are no longer here.")).to_be_visible()
    expect(page.get_by_text("In the meeting")).to_have_count(0)
    page.clock.run_for(600_000)
    assert page.evaluate("window.sent.length") == 5


def test_who_moderates_has_the_host_keep_others_silent_and_lets_the_stage_speak(page: Page) -> None:
    join_stage(page, "moderator")
    switched_on = ["toggleModeration true audio", "toggleModeration true video"]
    assert page.evaluate("window.meeting.said") == switched_on
    assert page.evaluate("window.meeting.options.configOverwrite.p2p.enabled") is False
    page.evaluate("window.meeting.tell('participantRoleChanged', { id: 'me', role: 'moderator' })")
    assert page.evaluate("window.meeting.said") == switched_on * 2
    page.evaluate("""() => {
        const told = { topic: "stage", audience: "team", revision: 0 };
        window.meeting.said = [];
        window.topics.changed({ ...told, change: { known_as: "new" } });
        window.topics.changed({ ...told, change: { known_as: "heard" } });
    }""")
    approved = page.evaluate("window.meeting.said")
    assert sorted(approved) == ["approveVideo heard", "approveVideo new", "askToUnmute new"]
    assert page.evaluate("window.sent") == ["stage.join"]


@pytest.mark.parametrize(("who", "introductions"), [("speaker", 1), ("viewer", 0)])
def test_only_whoever_is_on_the_stage_asks_to_be_let_speak(page: Page, who: str, introductions: int) -> None:
    join_stage(page, who)
    said = ["stage.join"] + ["stage.known_as me"] * introductions
    page.clock.run_for(2_000)
    assert page.evaluate("window.sent") == ["stage.join"]  # nobody is kept silent
    silence = (
        "(medium) => window.meeting.tell('moderationStatusChanged', { mediaType: medium, enabled: true })"
    )
    for medium in ("audio", "video"):
        page.evaluate(silence, medium)
    page.clock.run_for(2_000)
    assert page.evaluate("window.sent") == said
    approve = (
        "(medium) => window.meeting.tell('moderationParticipantApproved', { id: 'me', mediaType: medium })"
    )
    for medium in ("audio", "video"):
        page.evaluate(approve, medium)
    page.clock.run_for(242_000)
    assert page.evaluate("window.sent") == [*said, "stage.join"]
    assert page.evaluate("window.meeting.said") == []
    buttons = page.evaluate("window.meeting.options.configOverwrite.toolbarButtons ?? null")
    assert (buttons is None) == (who == "speaker")
    assert not {"microphone", "camera", "desktop"} & set(buttons or [])
