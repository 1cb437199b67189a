"""Two processes of one installation and Redis between: what one hears, the other hears too (design §8)."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone
from pytest_django import Settings
from websockets.exceptions import InvalidStatus

from invites.services.platforms import recorded
from lti_tool.models import Tab
from lti_tool.services.registration import switch_registration
from rooms.access import viewer_by_tab
from rooms.models import Entry, Participant, Pass, Visit
from rooms.services.admission import withdraw_grant
from rooms.services.doors import close_doors, open_doors
from rooms.services.entries import Details, edit_entry
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


def test_every_change_is_felt_at_once_in_every_process(installation: Installation) -> None:
    """Design §8: what happens at one process (or in a third one) reaches the pages of all."""
    entry, host, now = installation.entry, installation.host(), timezone.now()
    host.hello()
    people, pages = {}, {}
    for name in ("promoted", "removed", "withdrawn", "stays"):
        guest = make_guest(entry.tenant, f"{name}@x.example")
        until = now + timedelta(days=1)
        people[name] = make_participant(entry, guest=guest, role="viewer", granted_until=until)
        secret = make_pass(people[name])[1]
        pages[name] = installation.pages.enter_context(Page(installation.second, entry, pass_secret=secret))
        pages[name].hello()

    promoted, stays = pages["promoted"], pages["stays"]
    for role, answer in (("moderator", "done"), ("viewer", "refused")):
        host.do("people.role", id=str(people["promoted"].pk), role=role)
        promoted.hears("standing", within=AT_ONCE)
        assert promoted.do("chat.slow", seconds=0)["kind"] == answer

    host.do("people.remove", id=str(people["removed"].pk))
    assert pages["removed"].hears("farewell", within=AT_ONCE)["reason"] == "removed"
    withdraw_grant(people["withdrawn"])
    assert pages["withdrawn"].hears("farewell", within=AT_ONCE)["reason"] == "withdrawn"

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


def test_a_redis_that_ends_and_comes_back_loses_nothing(installation: Installation) -> None:
    host, guest = installation.host(), installation.guest()
    host.hello()
    guest.hello()
    host.post("Before", client_key="k1")
    guest.hears("message")

    installation.redis.stop()
    kept = host.post("While it is away", client_key="k2")
    assert (kept["kind"], kept["reason"]) == ("refused", "unavailable")  # said so, and the socket stays
    Participant.objects.update(granted_role="moderator")  # nobody can be told
    installation.redis.start()

    began = time.monotonic()
    guest.hears("standing", within=10)  # asked again as soon as Redis is back, not first after 15 seconds
    assert time.monotonic() - began < 10
    while (sent := host.post("While it is away", client_key="k2"))["kind"] != "ack":
        time.sleep(0.2)
    assert sent["sequence"] == 2
    assert guest.hears("message")["text"] == "While it is away"


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
    assert again.post("While Redis is away", client_key="k3")["kind"] == "refused"
    installation.redis.start()
    while again.post("While Redis is away", client_key="k3")["kind"] != "ack":
        time.sleep(0.2)

    guest.say("history", after=0)
    said = [(each["sequence"], each["text"]) for each in guest.hears("history", within=10)["messages"]]
    assert said == [(1, "Before"), (2, "Was it taken?"), (3, "While Redis is away")]
    present = Visit.objects.filter(left_at=None, participant__entry=installation.entry)
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
