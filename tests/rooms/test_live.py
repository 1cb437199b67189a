"""The sockets of one entry in one process: who comes in while something changes, and who leaves meanwhile."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event
from time import monotonic
from typing import Any

import pytest
import pytest_asyncio
from django.utils import timezone
from pytest_django import Settings

from rooms.access import Credentials, Farewell
from rooms.arrivals import Arrival, arrive
from rooms.broadcast import announce, hub
from rooms.events import ChatPosted, DoorsChanged, StandingChanged
from rooms.live import GRACE, LiveRoom, expecting
from rooms.models import Entry, Participant, Pass
from rooms.seats import Seat
from rooms.services.announcements import announce_text
from rooms.threads import in_database
from rooms.wire import Burst, Way
from tests.factories.lti import make_course, make_member, make_tab, make_tenant
from tests.factories.rooms import make_guest, make_participant, make_pass, make_placed_entry
from tests.servers import RunningRedis, own_redis

__all__ = ["own_redis"]

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 1.0  # seconds; design §8


@dataclass
class Ear:
    """The other end of a socket: it keeps what was told, in order."""

    heard: list[dict[str, Any]] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    during_write: Callable[[], None] | None = None
    way: Way | None = None

    def write(self, burst: Burst) -> bool:
        self.heard += map(json.loads, burst.texts)
        self.writes.append("".join(burst.texts))
        if self.during_write is not None:
            self.during_write()
        return True

    def drop(self) -> None:
        """It is never too slow."""

    async def drained(self) -> None:
        """It takes everything at once."""

    async def hears(self, **wanted: object) -> dict[str, Any]:
        async with asyncio.timeout(AT_ONCE):
            while True:
                for frame in self.heard:
                    if wanted.items() <= frame.items():
                        return frame
                await asyncio.sleep(0.01)


@dataclass
class Scene:
    """A room with a host and guests, and their credentials."""

    entry: Entry
    host: Credentials
    viewer: Participant
    viewer_pass: Credentials
    speaker_pass: Credentials

    def change(self, **values: object) -> None:
        Entry.objects.filter(pk=self.entry.pk).update(**values)
        self.entry.refresh_from_db()


@pytest.fixture
def scene(transactional_db: None) -> Scene:
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(course)
    tab, secret = make_tab(make_member(course), placement)
    until = timezone.now() + timedelta(hours=2)
    viewer, speaker = (
        make_participant(
            entry, guest=make_guest(course.tenant, f"{role}@x.example"), role=role, granted_until=until
        )
        for role in ("viewer", "speaker")
    )
    return Scene(
        entry,
        Credentials(entry.pk, tab_handle=tab.handle, tab_secret=secret),
        viewer,
        Credentials(entry.pk, pass_secret=make_pass(viewer)[1]),
        Credentials(entry.pk, pass_secret=make_pass(speaker)[1]),
    )


@pytest_asyncio.fixture
async def listening(scene: Scene) -> AsyncIterator[None]:
    await hub.start()
    yield
    room = hub.listener_of(scene.entry.pk)
    if isinstance(room, LiveRoom):
        for seat in list(room.seats):
            room.leave_seat(seat)
    await hub.stop()


async def found_by(credentials: Credentials, room: LiveRoom) -> Arrival:
    found = await in_database(arrive, credentials, since=0, now=timezone.now(), read=room.shared.read)
    assert not isinstance(found, Farewell)
    return found


def seat_of(credentials: Credentials) -> tuple[Seat, Ear]:
    async def closed() -> None:
        """Nothing to close."""

    ear = Ear()
    return Seat(credentials, wire=ear, close=closed, drop=lambda: None), ear


async def arrived(credentials: Credentials) -> tuple[LiveRoom, Seat, Ear]:
    seat, ear = seat_of(credentials)
    async with expecting(credentials.entry_id) as room:
        turn = room.turn
        room.take_seat(seat, await found_by(credentials, room), turn=turn)
    return room, seat, ear


# --- Something changes while somebody comes


@pytest.mark.usefixtures("listening")
async def test_doors_that_open_while_somebody_comes_let_them_in(scene: Scene) -> None:
    await in_database(scene.change, starts_at=timezone.now() + timedelta(hours=1))
    seat, ear = seat_of(scene.viewer_pass)
    async with expecting(scene.entry.pk) as room:
        turn, arrival = room.turn, await found_by(scene.viewer_pass, room)
        await in_database(scene.change, doors="open")
        room.hear(DoorsChanged(scene.entry.pk))
        await asyncio.sleep(0.1)
        room.take_seat(seat, arrival, turn=turn)
    await ear.hears(kind="standing", stance="inside")


@pytest.mark.usefixtures("listening")
async def test_a_role_that_changes_while_somebody_comes_is_felt(scene: Scene) -> None:
    seat, ear = seat_of(scene.speaker_pass)
    _room, _seat, _other = await arrived(scene.speaker_pass)  # another tab, which knows the new role already
    async with expecting(scene.entry.pk) as room:
        turn, arrival = room.turn, await found_by(scene.speaker_pass, room)
        await in_database(Participant.objects.update, host_role="viewer")
        room.hear(StandingChanged(scene.entry.pk))
        await asyncio.sleep(0.2)
        room.take_seat(seat, arrival, turn=turn)
    await ear.hears(kind="standing")
    assert seat.viewer is not None
    assert seat.viewer.role == "viewer"


@pytest.mark.usefixtures("listening")
async def test_what_was_told_while_somebody_came_is_asked_for(scene: Scene) -> None:
    _room, host, _ear = await arrived(scene.host)
    seat, ear = seat_of(scene.viewer_pass)
    async with expecting(scene.entry.pk) as room:
        turn, arrival = room.turn, await found_by(scene.viewer_pass, room)
        assert host.viewer is not None
        await in_database(
            announce_text, scene.entry, by=host.viewer, text="Welcome to all.", now=timezone.now()
        )
        await asyncio.sleep(0.1)
        room.take_seat(seat, arrival, turn=turn)
    assert arrival.state is not None
    assert (await ear.hears(kind="tick"))["revision"] == arrival.state["revision"] + 1


@pytest.mark.usefixtures("listening")
async def test_a_room_stays_for_whoever_is_on_the_way_in(scene: Scene) -> None:
    room, seat, _ear = await arrived(scene.host)
    guest, ear = seat_of(scene.viewer_pass)
    async with expecting(scene.entry.pk) as same:
        assert same is room
        turn, arrival = room.turn, await found_by(scene.viewer_pass, room)
        room.leave_seat(seat)  # the last one there
        await asyncio.sleep(GRACE + 1)
        room.take_seat(guest, arrival, turn=turn)
    assert hub.listener_of(scene.entry.pk) is room
    hub.deliver_soon(said(scene.entry))
    await ear.hears(kind="message")


@pytest.mark.usefixtures("listening")
async def test_a_room_where_nobody_sat_down_is_forgotten(scene: Scene) -> None:
    async with expecting(scene.entry.pk) as room:
        assert hub.listener_of(scene.entry.pk) is room
    await asyncio.sleep(AT_ONCE)
    assert hub.listener_of(scene.entry.pk) is None


async def test_a_room_made_while_redis_is_being_reached_hears_it_too(
    scene: Scene, own_redis: RunningRedis, settings: Settings
) -> None:
    settings.REDIS_URL = own_redis.url
    await hub.start()
    await asyncio.sleep(0)  # the connection is under way
    room, seat, ear = await arrived(scene.viewer_pass)
    try:
        await asyncio.sleep(0.3)
        await in_database(announce, said(scene.entry))
        await ear.hears(kind="message")
    finally:
        room.leave_seat(seat)
        await hub.stop()


# --- Many at once


@pytest.mark.usefixtures("listening")
async def test_what_comes_within_ten_milliseconds_after_the_first_leaves_in_one_write(scene: Scene) -> None:
    room, _seat, host = await arrived(scene.host)
    _room, _seat, viewer = await arrived(scene.viewer_pass)
    is_told = asyncio.Event()
    viewer.during_write = is_told.set
    room.hear(said(scene.entry))
    await asyncio.wait_for(is_told.wait(), AT_ONCE)
    began = monotonic()
    for number in range(2, 62):
        room.hear(said(scene.entry, number))
        await asyncio.sleep(0)  # whatever is ready to be sent is sent
    took = monotonic() - began
    await viewer.hears(kind="message", sequence=61)
    for ear in (host, viewer):
        messages = [each["sequence"] for each in ear.heard if each["kind"] == "message"]
        assert messages == list(range(1, 62))
        told = sum('"message"' in each for each in ear.writes)
        assert told <= 2 + took / 0.01, "two writes, unless the messages were held up"


@pytest.mark.usefixtures("listening")
async def test_the_more_are_told_the_more_they_spread_their_reloads(scene: Scene) -> None:
    _room, _seat, host = await arrived(scene.host)
    viewers = [(await arrived(scene.viewer_pass))[2] for _ in range(4)]
    room, _seat, speaker = await arrived(scene.speaker_pass)
    await in_database(scene.change, doors="closed", doors_changed_at=timezone.now())
    room.hear(DoorsChanged(scene.entry.pk))
    for ear in (*viewers, speaker):
        assert (await ear.hears(kind="standing", stance="closed"))["spread"] == 12
    assert (await host.hears(kind="standing"))["spread"] == 0


# --- The alarm


@pytest.mark.usefixtures("listening")
async def test_who_read_an_old_start_does_not_move_the_alarm(scene: Scene) -> None:
    later = timezone.now() + timedelta(hours=1)
    await in_database(scene.change, starts_at=later)
    async with expecting(scene.entry.pk) as room:
        turn, old = room.turn, await found_by(scene.speaker_pass, room)
        await in_database(scene.change, starts_at=timezone.now() + timedelta(seconds=1))
        _room, _seat, ear = await arrived(scene.viewer_pass)
        late, _late_ear = seat_of(scene.speaker_pass)
        room.take_seat(late, old, turn=turn)
    await asyncio.sleep(AT_ONCE)
    await ear.hears(kind="standing", stance="inside")


class SlowCredentials(Credentials):
    """Whoever asks for these has read the entry, and is kept waiting for the rest."""

    __slots__ = ("go_on", "is_asked")
    go_on: Event
    is_asked: Event

    @property
    def tab_handle(self) -> str:
        self.is_asked.set()
        self.go_on.wait(5)
        return ""


@pytest.mark.usefixtures("listening")
async def test_an_answer_that_was_overtaken_moves_nobody_and_no_alarm(scene: Scene) -> None:
    await in_database(scene.change, starts_at=timezone.now() + timedelta(hours=1))
    room, _seat, ear = await arrived(scene.viewer_pass)
    slow, _slow_ear = await sat_slowly(scene)
    room.hear(StandingChanged(scene.entry.pk))  # reads the entry as it is, and waits
    await in_database(slow.is_asked.wait, 5)
    await in_database(scene.change, starts_at=timezone.now() + timedelta(seconds=1))
    room.hear(DoorsChanged(scene.entry.pk))
    await ear.hears(kind="standing", stance="waiting")
    slow.go_on.set()
    await asyncio.sleep(AT_ONCE)
    await ear.hears(kind="standing", stance="inside")
    assert [each["stance"] for each in ear.heard if each["kind"] == "standing"] == ["waiting", "inside"]


async def sat_slowly(scene: Scene) -> tuple[SlowCredentials, Ear]:
    _room, seat, ear = await arrived(scene.speaker_pass)
    slow = object.__new__(SlowCredentials)
    for name, value in {
        "entry_id": scene.entry.pk,
        "tab_secret": "",
        "pass_secret": scene.speaker_pass.pass_secret,
        "go_on": Event(),
        "is_asked": Event(),
    }.items():
        object.__setattr__(slow, name, value)
    seat.credentials = slow
    return slow, ear


# --- Who leaves, and who becomes somebody else


@pytest.mark.usefixtures("listening")
async def test_who_is_shown_out_hears_nothing_of_what_is_being_told(scene: Scene) -> None:
    room, seat, ear = await arrived(scene.viewer_pass)
    for _ in range(300):  # more than one slice
        await arrived(scene.viewer_pass)
    seats = [each for each in room.seats if each is not seat]
    first, last = seats[0], seats[-1]
    first_ear, last_ear = first.wire, last.wire
    assert isinstance(first_ear, Ear)
    assert isinstance(last_ear, Ear)
    first_ear.during_write = lambda: room.show_out(last, Farewell.REMOVED)
    hub.deliver_soon(said(scene.entry))
    await first_ear.hears(kind="message")
    await asyncio.sleep(0.1)
    assert last_ear.heard[-1]["kind"] == "farewell"
    assert seat.is_inside
    assert "message" in [each["kind"] for each in ear.heard]


def said(entry: Entry, number: int = 1) -> ChatPosted:
    return ChatPosted(entry.pk, number, "", "", "viewer", is_guest=False, text="x", sent_at="", client_key="")


@pytest.mark.usefixtures("listening")
async def test_a_guest_who_is_joined_with_their_person_is_found_by_the_new_row(scene: Scene) -> None:
    room, seat, ear = await arrived(scene.viewer_pass)
    other = await in_database(Participant.objects.get, granted_role="speaker")
    await in_database(Pass.objects.filter(participant=scene.viewer).update, participant=other)
    room.hear(StandingChanged(scene.entry.pk))
    await ear.hears(kind="standing")
    assert seat.participant_id == other.pk
    ear.heard.clear()
    await in_database(Participant.objects.filter(pk=other.pk).update, host_role="moderator")
    room.hear(StandingChanged(scene.entry.pk, participants=(str(other.pk),)))
    await ear.hears(kind="standing")


@pytest.mark.usefixtures("listening")
async def test_an_event_that_cannot_be_told_keeps_no_other_from_being_told(scene: Scene) -> None:
    _room, _seat, ear = await arrived(scene.viewer_pass)
    hub.deliver_soon(StandingChanged(scene.entry.pk, participants=("a newer version's idea",)))
    hub.deliver_soon(said(scene.entry))
    await ear.hears(kind="message")
