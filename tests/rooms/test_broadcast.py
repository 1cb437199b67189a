"""Two processes of one installation and Redis between: what one hears, the other hears too (design §8)."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from threading import Thread
from typing import Any

import pytest
import redis
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from invites.services.platforms import recorded
from lti_tool.models import Tab
from lti_tool.services.registration import switch_registration
from rooms.access import viewer_by_tab
from rooms.broadcast import channel_of
from rooms.models import ChatMessage, Entry, Participant, Pass, Visit
from rooms.policy.roles import Role
from rooms.services.admission import regrant, withdraw_grant
from rooms.services.doors import close_doors, open_doors
from rooms.services.entries import Details, edit_entry
from tests.factories.lti import make_course, make_member, make_tab, make_tenant
from tests.factories.rooms import make_guest, make_participant, make_pass, make_placed_entry
from tests.rooms.talking import Page
from tests.servers import RunningRedis, RunningTool, own_redis, run_tool

__all__ = ["own_redis"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(150)]

AT_ONCE = 1.0  # seconds; design §8
SAID_BY_EACH = 8  # fewer than anybody may say in ten seconds


@dataclass
class Installation:
    """Two server processes, a host at the first, a guest at the second. The test is a third process."""

    entry: Entry
    host_tab: tuple[Tab, str]
    participant: Participant
    guest_pass: tuple[Pass, str]
    first: str
    second: str
    redis: RunningRedis
    pages: ExitStack
    first_tool: RunningTool

    def host(self) -> Page:
        return self.pages.enter_context(Page(self.first, self.entry, tab=self.host_tab))

    def guest(self) -> Page:
        return self.pages.enter_context(Page(self.second, self.entry, pass_secret=self.guest_pass[1]))


@pytest.fixture
def installation(own_redis: RunningRedis, settings: Settings) -> Iterator[Installation]:
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(course)
    participant = make_participant(
        entry,
        guest=make_guest(course.tenant),
        role="speaker",
        granted_until=timezone.now() + timedelta(days=1),
    )
    settings.REDIS_URL = own_redis.url  # what this process announces goes there as well
    with ExitStack() as running:
        tools = [
            running.enter_context(run_tool(public_url=settings.PUBLIC_URL, REDIS_URL=own_redis.url))
            for _ in range(2)
        ]
        first, second = (tool.url for tool in tools)
        pages = running.enter_context(ExitStack())
        yield Installation(
            entry=entry,
            host_tab=make_tab(make_member(course), placement),
            participant=participant,
            guest_pass=make_pass(participant),
            first=first.removeprefix("http://"),
            second=second.removeprefix("http://"),
            redis=own_redis,
            pages=pages,
            first_tool=tools[0],
        )


def test_messages_people_doors_and_withdrawals_reach_every_process(installation: Installation) -> None:
    host, guest = installation.host(), installation.guest()
    host.hello()
    guest.hello()

    while {each["role"] for each in host.hears("people")["shown"]} != {"host", "speaker"}:
        pass

    host.post("Welcome!")
    assert guest.hears("message", within=AT_ONCE)["text"] == "Welcome!"

    now = timezone.now()
    Entry.objects.update(starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2))
    installation.entry.refresh_from_db()
    viewer = viewer_by_tab(installation.entry, installation.host_tab[0])
    assert viewer is not None
    waiting = installation.guest()
    assert waiting.hello()["stance"] == "waiting"
    open_doors(installation.entry, by=viewer, now=now)
    assert waiting.hears("standing", within=AT_ONCE)["stance"] == "inside"

    withdraw_grant(installation.participant)
    assert waiting.hears("farewell", within=AT_ONCE)["reason"] == "withdrawn"
    assert guest.hears("farewell", within=AT_ONCE)["reason"] == "withdrawn"
    with pytest.raises(InvalidStatus):
        installation.guest()


def test_every_change_is_felt_at_once_in_every_process(installation: Installation) -> None:
    """Design §8: what happens at one process (or in a third one) reaches the pages of all."""
    entry, host, now = installation.entry, installation.host(), timezone.now()
    host.hello()
    people, pages = {}, {}
    for name in ("promoted", "removed", "withdrawn", "expired", "stays"):
        guest = make_guest(entry.tenant, f"{name}@x.example")
        until = now + timedelta(days=1)
        people[name] = make_participant(entry, guest=guest, role="viewer", granted_until=until)
        secret = make_pass(people[name])[1]
        pages[name] = installation.pages.enter_context(Page(installation.second, entry, pass_secret=secret))
        pages[name].hello()
    assert subscriptions(installation) == 2, "one of each process, however many pages it has"

    promoted, stays = pages["promoted"], pages["stays"]
    for role, answer in (("moderator", "done"), ("viewer", "refused")):
        host.do("people.role", id=str(people["promoted"].pk), role=role)
        promoted.hears("standing", within=AT_ONCE)
        assert promoted.do("chat.slow", seconds=0)["kind"] == answer

    host.do("people.remove", id=str(people["removed"].pk))
    assert pages["removed"].hears("farewell", within=AT_ONCE)["reason"] == "removed"
    withdraw_grant(people["withdrawn"])
    assert pages["withdrawn"].hears("farewell", within=AT_ONCE)["reason"] == "withdrawn"
    with transaction.atomic():
        regrant(people["expired"], role=Role.VIEWER, until=timezone.now())
    assert pages["expired"].hears("farewell", within=AT_ONCE)["reason"] == "pass_ended"
    assert pages["expired"].is_closed() == 4403

    viewer = viewer_by_tab(entry, installation.host_tab[0])
    assert viewer is not None
    close_doors(entry, by=viewer, now=now)
    assert stays.hears("standing", within=AT_ONCE)["stance"] == "closed"
    assert stays.post("Closed?")["reason"] == "closed"
    open_doors(entry, by=viewer, now=now)
    assert stays.hears("standing", within=AT_ONCE)["stance"] == "inside"
    edit_entry(entry, Details(title=entry.title, has_chat=False), by=viewer, now=now)
    stays.hears("standing", within=AT_ONCE)
    assert stays.post("No chat?")["reason"] == "chat_is_off"

    platform = entry.tenant.platform
    recorded(platform, partial(switch_registration, platform, is_on=False, by="me"), by="me", now=now)
    for page in (host, stays, promoted):
        page.hears("farewell", within=AT_ONCE)
        assert page.is_closed() == 4403


def subscriptions(installation: Installation) -> int:
    """How many hear, over Redis, what happens at the entry."""
    with redis.Redis.from_url(installation.redis.url) as client:
        found: Any = client.pubsub_numsub(channel_of(installation.entry.pk))
    return int(found[0][1])


def test_a_redis_that_ends_and_comes_back_loses_nothing(installation: Installation) -> None:
    host, guest = installation.host(), installation.guest()
    host.hello()
    guest.hello()
    host.post("Before", client_key="k1")
    guest.hears("message")

    installation.redis.stop()
    kept = host.post("While it is away", client_key="k2")
    assert (kept["kind"], kept["sequence"]) == ("ack", 2)  # taken; the other process hears of it later
    Participant.objects.update(granted_role="moderator")  # nobody can be told
    installation.redis.start()

    began = time.monotonic()
    guest.hears("standing", within=10)  # asked again as soon as Redis is back, not first after 15 seconds
    assert time.monotonic() - began < 10
    assert guest.hears("tick")["last"] == 2  # so a page sees what it has missed, and asks for it
    guest.say("history", after=1)
    assert [each["text"] for each in guest.hears("history")["messages"]] == ["While it is away"]
    assert host.post("While it is away", client_key="k2")["sequence"] == 2
    host.post("It is back", client_key="k3")
    assert guest.hears("message")["text"] == "It is back"


class Talker(Thread):
    """Somebody who says so many things, as the page does it: under the same key until each is taken.

    What is lost with a connection, or not taken, is sent again at whichever process answers; what was missed
    is asked for. `log` is what then stands on the page.
    """

    def __init__(
        self,
        name: str,
        addresses: Sequence[str],
        entry: Entry,
        *,
        sits_at: int,
        **who: Any,  # noqa: ANN401 - as Page takes it
    ) -> None:
        super().__init__(daemon=True)
        self.title = name
        self.log: list[tuple[int, str]] = []
        self.connections = sits_at
        self.until: int | None = None  # once it has said everything, it reads on to this number
        self._addresses = addresses
        self._entry = entry
        self._who = who
        self._unsent = [f"{name} {number}" for number in range(SAID_BY_EACH)]

    def run(self) -> None:
        deadline = time.monotonic() + 60
        while not self._is_done():
            assert time.monotonic() < deadline, (self.title, self.log)
            address = self._addresses[self.connections % len(self._addresses)]
            self.connections += 1
            with (
                suppress(ConnectionClosed, OSError, TimeoutError, InvalidStatus, InvalidMessage),
                Page(address, self._entry, **self._who) as page,
            ):
                self._talk(page)
            time.sleep(0.1)

    def _is_done(self) -> bool:
        return not self._unsent and self.until is not None and len(self.log) >= self.until

    def _talk(self, page: Page) -> None:
        for message in page.hello(since=len(self.log))["messages"]:
            self._take(message)
        while not self._is_done():
            if self._unsent:
                page.say("post", text=self._unsent[0], client_key=self._unsent[0])
            while True:
                frame = page.hears("ack", "refused", "message", "history", "tick", "pong", within=10)
                if frame["kind"] in {"ack", "message"} and not self._take(frame):
                    page.say("history", after=len(self.log))
                for message in frame["messages"] if frame["kind"] == "history" else []:
                    self._take(message)
                if frame["kind"] == "ack":
                    self._unsent.pop(0)
                if frame["kind"] in {"ack", "refused", "pong"}:
                    break
            time.sleep(0.25)
            if not self._unsent:
                page.say("history", after=len(self.log))
                page.say("ping")

    def _take(self, message: dict[str, Any]) -> bool:
        """Whether nothing is missing before it; what stands there already is passed over."""
        if message["sequence"] == len(self.log) + 1:
            self.log.append((message["sequence"], message["text"]))
        return bool(message["sequence"] <= len(self.log))


def test_nothing_is_lost_or_doubled_when_a_process_and_redis_end_and_come_back(
    installation: Installation, settings: Settings
) -> None:
    addresses = [installation.first, installation.second]
    talkers = [
        Talker("host", addresses, installation.entry, sits_at=0, tab=installation.host_tab),
        Talker("guest", addresses, installation.entry, sits_at=1, pass_secret=installation.guest_pass[1]),
    ]
    last = installation.host()
    last.hello()
    for talker in talkers:
        talker.start()
    until(lambda: ChatMessage.objects.count() >= 2)
    last.say("post", text="Was it taken?", client_key="k")
    until(lambda: ChatMessage.objects.filter(text="Was it taken?").exists())  # it was
    installation.first_tool.process.kill()
    installation.first = installation.second  # whoever stands in front sends them to the other one
    back = installation.host()
    back.hello()
    assert back.post("Was it taken?", client_key="k")["kind"] == "ack"
    with run_tool(public_url=settings.PUBLIC_URL, REDIS_URL=installation.redis.url) as again:
        addresses[0] = again.url.removeprefix("http://")
        until(lambda: ChatMessage.objects.count() >= 6)
        installation.redis.stop()
        time.sleep(1)
        installation.redis.start()
        until(lambda: ChatMessage.objects.count() >= 2 * SAID_BY_EACH + 1)
        for talker in talkers:
            talker.until = 2 * SAID_BY_EACH + 1
        for talker in talkers:
            talker.join(60)
        said = list(
            ChatMessage.objects.filter(entry=installation.entry)
            .order_by("sequence")
            .values_list("sequence", "text")
        )
        assert [sequence for sequence, _text in said] == list(range(1, 2 * SAID_BY_EACH + 2))
        texts = {f"{talker.title} {number}" for talker in talkers for number in range(SAID_BY_EACH)}
        assert {text for _sequence, text in said} == {*texts, "Was it taken?"}
        assert [talker.log for talker in talkers] == [said, said]
        assert talkers[0].connections > 1, "it sat at the process that ended"
        visits = Visit.objects.filter(participant__entry=installation.entry)
        assert visits.count() == len(talkers), "a second without a connection ends no visit"


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_no_process_was_told_of_is_found_within_fifteen_seconds(installation: Installation) -> None:
    guest = installation.guest()
    version = guest.hello()["version"]
    Participant.objects.update(granted_role="moderator")
    Entry.objects.update(chat_sequence=1)
    installation.entry.chat_messages.create(
        sequence=1,
        author=installation.participant,
        author_role="speaker",
        text="Told nobody",
        sent_at=timezone.now(),
    )
    assert guest.hears("standing", within=20)["version"] != version
    assert guest.hears("tick")["last"] == 1
    guest.say("history", after=0)
    assert [each["text"] for each in guest.hears("history")["messages"]] == ["Told nobody"]
