"""The room when things are not ideal: sockets blocked, the server away, a reader further up."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect

from rooms.models import ChatMessage, Entry, Participant
from rooms.queries import PEOPLE_SHOWN
from tests.factories.lti import make_course, make_member, make_tab, make_tenant
from tests.factories.rooms import make_guest, make_participant, make_pass, make_placed_entry
from tests.journeys.acting import hears, say
from tests.journeys.running import RunningFoyer

POLLED: Final = 20_000  # milliseconds; a page without a socket asks every ten to fifteen seconds
BACK: Final = 30_000  # a server that was away is looked for at growing intervals
LONG_CHAT: Final = 130
INVISIBLE: Final = "\u200b"  # a message in which there is nothing to read is refused
ADDRESS: Final = "https://ice.example/cores"


@dataclass
class Room:
    """A running room; each visit is a browser context of its own."""

    foyer: RunningFoyer
    cookies: dict[str, tuple[str, str, str]]  # who -> cookie, its value, the address
    browser: Browser | None = None

    def visit(self, who: str, *, is_blocked: bool = False) -> Page:
        assert self.browser is not None
        name, value, path = self.cookies[who]
        context = self.browser.new_context(viewport={"width": 390, "height": 844})
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
        page = context.new_page()
        if is_blocked:
            page.route_web_socket("**/socket/", _refuse)
        page.goto(f"{self.foyer.url}{path}")
        return page


def _refuse(socket: WebSocketRoute) -> None:
    socket.close()


def _fill_chat(entry: Entry, author: Participant) -> None:
    ChatMessage.objects.bulk_create(
        ChatMessage(
            entry=entry,
            sequence=number,
            author=author,
            author_role="speaker",
            client_key=str(number),
            text=f"Message {number}",
            sent_at=timezone.now() - timedelta(hours=1),  # nobody writes as much at once
        )
        for number in range(1, LONG_CHAT + 1)
    )
    Entry.objects.filter(pk=entry.pk).update(chat_sequence=LONG_CHAT)


def _fill_room() -> None:
    """More people than the list shows; the last to come is Zoé."""
    try:
        entry = Entry.objects.get()
        names = [*(f"Guest{number}" for number in range(PEOPLE_SHOWN)), "Zoé"]
        guests = [make_guest(entry.tenant, f"{name}@example.org", first_name=name) for name in names]
        here = [Participant(entry=entry, guest=each, seen_at=timezone.now()) for each in guests]
        Participant.objects.bulk_create(here)
    finally:
        connection.close()


@pytest.fixture
def seated(transactional_db: None, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Room]:
    course = make_course(make_tenant())
    values: dict[str, object] = getattr(request, "param", {})
    if "in_hours" in values:
        values = {"starts_at": timezone.now() + timedelta(hours=1)}
    entry, placement = make_placed_entry(course, title="Reading the ice", **values)
    participant = make_participant(
        entry,
        guest=make_guest(course.tenant),
        role="speaker",
        granted_until=timezone.now() + timedelta(days=1),
    )
    _fill_chat(entry, participant)
    tab, secret = make_tab(make_member(course), placement)
    _held, pass_secret = make_pass(participant)
    cookies = {
        "host": ("foyer-tab", secret, f"/~{tab.handle}/media/{entry.pk}/"),
        "guest": ("foyer-pass", pass_secret, f"/media/{entry.pk}/"),
    }
    with RunningFoyer(smtp_port=9, folder=tmp_path, has_worker=False) as foyer:
        yield Room(foyer, cookies)


@pytest.fixture
def room(seated: Room, browser: Browser) -> Room:
    seated.browser = browser  # last: the database is not to be touched while Playwright's loop runs
    return seated


def sequences(page: Page) -> list[int]:
    """The numbers of the messages on the page, in their order."""
    rows = page.locator("[data-chat-log] [data-sequence]")
    return [int(row.get_attribute("data-sequence") or 0) for row in rows.all()]


def test_where_sockets_are_blocked_the_chat_still_works(room: Room) -> None:
    host, guest = room.visit("host"), room.visit("guest", is_blocked=True)
    expect(guest.get_by_text("Live updates are blocked in this network.")).to_be_visible(timeout=POLLED)
    say(guest, "By post, then.")
    hears(host, "By post, then.", author="Ana Guest")
    say(host, "It arrived.")
    expect(guest.get_by_role("log").get_by_text("It arrived.")).to_be_visible(timeout=POLLED)
    shown = sequences(guest)
    assert shown == list(range(shown[0], LONG_CHAT + 3))


@pytest.mark.parametrize("seated", [{"in_hours": 1}], indirect=True)
def test_where_sockets_are_blocked_the_doors_still_open_by_themselves(room: Room) -> None:
    guest, host = room.visit("guest", is_blocked=True), room.visit("host")
    expect(guest.get_by_role("timer")).to_be_visible()
    host.get_by_role("button", name="Open the doors now").click()
    expect(guest.get_by_label("Write a message")).to_be_visible(timeout=POLLED)


def test_a_server_that_was_away_loses_and_doubles_nothing(room: Room) -> None:
    host, guest = room.visit("host"), room.visit("guest")
    say(guest, "Before")
    hears(host, "Before", author="Ana Guest")
    room.foyer.stop()
    expect(guest.get_by_text("Connection lost. Trying again…")).to_be_visible()
    say(guest, "Written in the dark")
    expect(guest.get_by_text("Sending…")).to_be_visible()
    say(host, "In the dark, too")
    room.foyer.start()
    for page in (guest, host):
        log = page.get_by_role("log")
        expect(log.get_by_text("Written in the dark")).to_be_visible(timeout=BACK)
        expect(log.get_by_text("In the dark, too")).to_be_visible(timeout=BACK)
        expect(page.get_by_text("Sending…")).to_have_count(0)
        assert sequences(page)[-3:] == [LONG_CHAT + 1, LONG_CHAT + 2, LONG_CHAT + 3]
    expect(row_of(guest, "Written in the dark").get_by_text("Sent", exact=True)).to_be_visible()
    expect(row_of(host, "Written in the dark").get_by_text("Sent", exact=True)).to_have_count(0)
    say(guest, INVISIBLE)
    expect(row_of(guest, "Not sent").get_by_role("button", name="Try again")).to_be_visible()


def row_of(page: Page, text: str) -> Locator:
    """The message with this text."""
    return page.get_by_role("log").get_by_role("listitem").filter(has_text=text)


def test_somebody_who_reads_further_up_is_not_pulled_down(room: Room) -> None:
    host, guest = room.visit("host"), room.visit("guest")
    guest.get_by_text("Message 31", exact=True).scroll_into_view_if_needed()
    guest.get_by_role("button", name="Show earlier messages").click()
    expect(guest.get_by_text("Message 1", exact=True)).to_be_attached()
    assert sequences(guest) == list(range(1, LONG_CHAT + 1))
    say(host, "Down here")
    guest.get_by_role("button", name="New messages").click()
    expect(guest.get_by_role("log").get_by_text("Down here")).to_be_in_viewport()
    expect(guest.get_by_role("button", name="New messages")).to_be_hidden()


def test_whoever_looks_at_the_people_sees_that_somebody_wrote(room: Room) -> None:
    host, guest = room.visit("host"), room.visit("guest")
    guest.get_by_role("tab", name="People").click()
    say(host, "Hello?")
    expect(guest.get_by_role("tab", name="Chat 1")).to_be_visible()
    guest.get_by_role("tab", name="Chat").click()
    expect(guest.get_by_role("tab", name="Chat", exact=True)).to_be_visible()
    what_is_hidden_is_hidden_in_quotes_too(host, guest)
    whoever_the_list_does_not_show_is_found_and_muted(host)


def whoever_the_list_does_not_show_is_found_and_muted(host: Page) -> None:
    """By name, among all who are here, with the same menu."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(_fill_room).result()
    host.reload()
    host.get_by_role("tab", name="People").click()
    row = host.get_by_role("listitem").filter(has_text="Zoé")
    expect(host.get_by_text("and 3 more")).to_be_visible()
    expect(row).to_have_count(0)
    host.get_by_label("Search for a name").fill("zoe")
    row.get_by_role("button", name="For this person").click()
    row.get_by_role("button", name="Mute").click()
    expect(row.get_by_text("Muted")).to_be_visible()
    host.get_by_label("Search for a name").fill("")
    expect(row).to_have_count(0)


def what_is_hidden_is_hidden_in_quotes_too(host: Page, guest: Page) -> None:
    """Somebody has answered it; it comes and goes with its quote, without a reload."""
    act_on(guest, "Hello?", "Reply")
    say(guest, f"Good morning! {ADDRESS}.")
    link = row_of(host, "Good morning!").get_by_role("link", name=ADDRESS, exact=True)
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow ugc")
    expect(link).to_have_attribute("target", "_blank")
    quotes = guest.get_by_role("log").get_by_text("Hello?")
    expect(quotes).to_have_count(2)
    act_on(host, "Hello?", "Hide for everybody")
    expect(quotes).to_have_count(0)
    act_on(host, "A moderator has hidden this message.", "Show again")
    expect(quotes).to_have_count(2)


def act_on(page: Page, message: str, wish: str) -> None:
    """Choose something from the menu of a message."""
    row = row_of(page, message).first
    row.get_by_role("button", name="More for this message").click()
    row.get_by_role("button", name=wish).click()


def test_a_half_written_message_outlives_closed_doors(room: Room) -> None:
    host, guest = room.visit("host"), room.visit("guest")
    guest.get_by_label("Write a message").fill("I was about to s")
    host.get_by_label("Write a message").fill("So was I")
    host.get_by_role("button", name="Close the doors").click()
    expect(guest.get_by_text("A host has closed the doors for now.")).to_be_visible()
    expect(guest.get_by_role("heading", name="Reading the ice")).to_be_focused()
    host.get_by_role("button", name="Open the doors now").click()
    expect(guest.get_by_label("Write a message")).to_have_value("I was about to s")
    expect(host.get_by_label("Write a message")).to_have_value("So was I")
