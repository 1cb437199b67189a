"""Frames on the wire: as a WebSocket library reads them, and by ASGI without a task for each."""

import asyncio
from collections.abc import Awaitable, Coroutine, MutableMapping
from typing import Any

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

from rooms.wire import CLOSE_TOO_SLOW, DROPPED_WITHIN, MOST_UNSENT, Burst, PortableWire, ready_frame


def read(data: bytes) -> list[str]:
    client = Protocol(Side.CLIENT, state=State.OPEN, max_size=None)
    client.receive_data(data)
    frames = [each for each in client.events_received() if isinstance(each, Frame)]
    assert {each.opcode for each in frames} <= {Opcode.TEXT}
    return [bytes(each.data).decode() for each in frames]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_frame_of_any_size_is_read_as_it_was_meant(size: int) -> None:
    assert read(ready_frame("x" * size)) == ["x" * size]


def test_frames_that_leave_together_stay_apart_and_in_order() -> None:
    texts = ["one", "zwei „“ ☃", "x" * 300]
    assert read(Burst(texts).ready) == texts


def test_half_a_character_breaks_nothing() -> None:
    assert read(ready_frame("\ud83d")) == ["?"]


class Server:
    """An ASGI server's `send`; it takes nothing while it is full."""

    def __init__(self) -> None:
        self.taken: list[str | int] = []
        self.tasks = 0
        self.room = asyncio.Event()
        self.room.set()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        await self.room.wait()
        self.taken.append(message["code"] if message["type"] == "websocket.close" else message["text"])

    def run(self, work: Coroutine[Any, Any, None]) -> Awaitable[None]:
        self.tasks += 1
        return asyncio.get_running_loop().create_task(work)


@pytest.mark.asyncio
async def test_a_server_that_takes_it_at_once_needs_no_task() -> None:
    server = Server()
    wire = PortableWire(server.send, run=server.run)
    assert wire.write(Burst(["a", "b"]))
    assert (server.taken, server.tasks) == (["a", "b"], 0)


@pytest.mark.asyncio
async def test_a_full_server_gets_the_rest_in_order_when_it_has_room() -> None:
    server = Server()
    wire = PortableWire(server.send, run=server.run)
    server.room.clear()
    for text in "abc":
        assert wire.write(Burst([text]))
    await asyncio.sleep(0)
    assert (server.taken, server.tasks) == ([], 1)
    server.room.set()
    await wire.drained()
    assert server.taken == ["a", "b", "c"]
    assert wire.write(Burst(["d"]))
    assert (server.taken, server.tasks) == (["a", "b", "c", "d"], 1)


@pytest.mark.asyncio
async def test_what_waits_for_a_slow_reader_has_a_limit() -> None:
    server, wire = too_slow()
    server.room.set()
    await wire.drained()
    assert wire.write(Burst(["more"]))
    assert server.taken == [CLOSE_TOO_SLOW], "why, and nothing else"


@pytest.mark.asyncio
async def test_a_reader_who_takes_nothing_is_not_waited_for() -> None:
    server, wire = too_slow()
    async with asyncio.timeout(DROPPED_WITHIN + 1):
        await wire.drained()
    server.room.set()
    await asyncio.sleep(0)
    assert server.taken == []


def too_slow() -> tuple[Server, PortableWire]:
    """Somebody who was sent more than may wait for them, and is dropped."""
    server = Server()
    wire = PortableWire(server.send, run=server.run)
    server.room.clear()
    written = 0
    while wire.write(Burst(["x" * 50_000])):
        written += 50_000
        assert written < 2 * MOST_UNSENT
    wire.drop()
    return server, wire
