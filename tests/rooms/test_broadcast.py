"""Two processes of one installation and Redis between: what one hears, the other hears too (design §8)."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings
from websockets.exceptions import InvalidStatus

from lti_tool.models import Tab
from rooms.access import viewer_by_tab
from rooms.models import Entry, Participant, Pass, Visit
from rooms.services.admission import withdraw_grant
from rooms.services.doors import open_doors
from tests.factories.lti import make_course, make_member, make_tab, make_tenant
from tests.factories.rooms import make_guest, make_participant, make_pass, make_placed_entry
from tests.rooms.talking import Page
from tests.servers import RunningRedis, RunningTool, own_redis, run_tool

__all__ = ["own_redis"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(150)]

AT_ONCE = 1.0  # seconds; design §8


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


def test_a_process_that_is_killed_takes_nothing_along(installation: Installation) -> None:
    host, guest = installation.host(), installation.guest()
    host.hello()
    guest.hello()
    host.post("Before", client_key="k1")
    guest.hears("message")

    host.say("post", text="Was it taken?", client_key="k2")
    installation.first_tool.process.kill()
    assert host.is_closed() == 1006
    installation.first = installation.second  # whoever stands in front sends them to the other one
    again = installation.host()
    hello = again.hello(since=1)
    assert again.post("Was it taken?", client_key="k2")["sequence"] == 2  # once, whether or not it was
    assert {each["text"] for each in hello["messages"]} <= {"Was it taken?"}

    installation.redis.stop()
    assert again.post("While Redis is away", client_key="k3")["kind"] == "ack"
    installation.redis.start()

    guest.say("history", after=0)
    said = [(each["sequence"], each["text"]) for each in guest.hears("history", within=10)["messages"]]
    assert said == [(1, "Before"), (2, "Was it taken?"), (3, "While Redis is away")]
    present = Visit.objects.filter(left_at=None, participant__entry=installation.entry)
    deadline = time.monotonic() + 5
    while present.count() != 2 and time.monotonic() < deadline:  # written a moment after they come
        time.sleep(0.05)
    assert present.count() == 2  # of the host and the guest, one each


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
