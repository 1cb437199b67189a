"""The hub beside a Redis that is there, and says nothing: a connection that died without a word."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import uuid4

import pytest_asyncio
from pytest_django import Settings

from rooms.broadcast import Hub, announce
from rooms.events import DoorsChanged, Event
from tests.servers import RunningRedis, own_redis

__all__ = ["own_redis"]

REGULARLY = 0.3  # seconds


@dataclass
class Ears:
    """Who hears what happens at an entry."""

    heard: list[Event] = field(default_factory=list)
    has_heard: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, event: Event) -> None:
        self.heard.append(event)
        self.has_heard.set()

    def ask_again(self) -> None:
        """Nothing is asked here."""


class Line:
    """A way to Redis. What is open can be made to stay open, and to carry nothing any more."""

    def __init__(self, redis_url: str) -> None:
        self._redis = urlsplit(redis_url)
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(self._redis.hostname, self._redis.port)
        self._writers += [writer, there[1]]
        for source, target in ((reader, there[1]), (there[0], writer)):
            self._tasks.add(asyncio.create_task(_carry(source, target)))

    def die(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    async def end(self) -> None:
        self.die()
        for writer in self._writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(4096):
        target.write(data)
    target.close()


@pytest_asyncio.fixture
async def line(own_redis: RunningRedis, settings: Settings) -> AsyncIterator[Line]:
    line = Line(own_redis.url)
    server = await asyncio.start_server(line.connected, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    settings.REDIS_URL = f"redis://{host}:{port}/0"
    yield line
    server.close()
    await line.end()


async def test_a_connection_that_died_without_a_word_is_made_anew(line: Line) -> None:
    hub, ears, event = Hub(ask_again_every=REGULARLY), Ears(), DoorsChanged(uuid4())
    await hub.start()
    try:
        await hub.add(event.entry_id, ears)
        await asyncio.sleep(4 * REGULARLY)
        line.die()
        await asyncio.sleep(2 + 4 * REGULARLY)  # the publisher has its own patience
        announce(event)
        await asyncio.wait_for(ears.has_heard.wait(), 5)
        assert ears.heard == [event]
    finally:
        await hub.stop()
