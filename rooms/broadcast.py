"""Carries events to the sockets: one hub per process, one Redis subscription per entry and process.

`announce` may be called from any thread of any process, also of one without sockets (a worker, a command).
Without Redis there is one process, and its loop is told directly. What an event means for the sockets of an
entry is not decided here: the hub hands it to the entry's `Listener` (`rooms.live`).
"""

import asyncio
import contextlib
import json
import logging
import random
from collections.abc import Coroutine
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import UUID

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from rooms.events import Event, from_wire, to_wire
from rooms.threads import close_kept

if TYPE_CHECKING:
    from redis.asyncio.client import PubSub

log = logging.getLogger(__name__)

ASK_AGAIN_EVERY: Final = 15.0  # seconds; design §8
CONNECT_WITHIN: Final = 2.0
SHORTEST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
_EVERYWHERE: Final = "foyer:hub"
"""Heard by every process, whatever its rooms: everybody is asked again who they are."""
_ALIVE: Final = "foyer:alive"
"""Every process says something here now and then: whoever hears nothing at all has a dead connection."""
_SILENCES: Final = 2.5  # of what is said regularly, until a connection is given up


class Listener(Protocol):
    """The sockets of one entry in this process."""

    def hear(self, event: Event) -> None:
        """Take an event. Called on the hub's loop; returns at once."""

    def ask_again(self) -> None:
        """Ask the database about every socket: something may have been missed. Returns at once."""


class Hub:
    """The listeners of this process, by entry, on the loop that serves the sockets."""

    def __init__(self, *, ask_again_every: float = ASK_AGAIN_EVERY) -> None:
        self._ask_again_every = ask_again_every
        self._listeners: dict[UUID, Listener] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._pubsub: PubSub | None = None
        self._confirmations: dict[str, asyncio.Event] = {}

    async def start(self) -> None:
        """Begin to listen (called once when the server starts)."""
        self._loop = asyncio.get_running_loop()
        self.run(self._ask_again_regularly())
        if settings.REDIS_URL:
            self.run(self._listen())

    async def stop(self) -> None:
        """Stop listening, and drop what still runs on the side."""
        self._loop = None
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._listeners.clear()
        await asyncio.to_thread(close_kept)

    def run(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run something on the side, until it ends or the server does; its failure is a log line."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("work beside the sockets failed", exc_info=error)

    def listener_of(self, entry_id: UUID) -> Listener | None:
        """Who hears what happens at the entry, in this process."""
        return self._listeners.get(entry_id)

    def add(self, entry_id: UUID, listener: Listener) -> "asyncio.Task[None]":
        """Let this listener hear what happens at the entry; the task ends when the subscription stands."""
        self._listeners[entry_id] = listener
        return self.run(self._subscribe(entry_id))

    async def _subscribe(self, entry_id: UUID) -> None:
        if self._pubsub is None:
            return
        channel = channel_of(entry_id)
        confirmed = self._confirmations.setdefault(channel, asyncio.Event())
        with contextlib.suppress(redis.RedisError, OSError, TimeoutError):
            await self._pubsub.subscribe(channel)
            await asyncio.wait_for(confirmed.wait(), CONNECT_WITHIN)

    async def remove(self, entry_id: UUID, listener: Listener) -> None:
        """Forget the listener: no socket is left."""
        if self._listeners.get(entry_id) is not listener:
            return
        del self._listeners[entry_id]
        self._confirmations.pop(channel_of(entry_id), None)
        if self._pubsub is not None:
            with contextlib.suppress(redis.RedisError, OSError):
                await self._pubsub.unsubscribe(channel_of(entry_id))

    def deliver_soon(self, event: Event) -> None:
        """Hand an event to this process' own sockets, from any thread."""
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the server is stopping
                loop.call_soon_threadsafe(self._deliver, event)

    def ask_all_soon(self) -> None:
        """Ask again about every socket of this process, from any thread."""
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the server is stopping
                loop.call_soon_threadsafe(self._ask_all_again)

    def _deliver(self, event: Event) -> None:
        listener = self._listeners.get(event.entry_id)
        if listener is not None:
            try:
                listener.hear(event)
            except Exception:  # the next event is for others
                log.exception("an event could not be told kind=%s", type(event).__name__)

    async def _ask_again_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._ask_again_every)
            self._ask_all_again()
            if settings.REDIS_URL:
                asyncio.get_running_loop().run_in_executor(None, _publish, _ALIVE, "")

    def _ask_all_again(self) -> None:
        for listener in list(self._listeners.values()):
            listener.ask_again()

    async def _listen(self) -> None:
        """Stay subscribed; after a break everybody is asked again: what was said meanwhile is lost."""
        pause = SHORTEST_PAUSE
        while True:
            try:
                async with _async_client() as client, client.pubsub() as pubsub:
                    await pubsub.subscribe(_EVERYWHERE, _ALIVE)
                    self._pubsub = pubsub  # whoever comes from now on subscribes for themselves
                    if self._listeners:
                        await pubsub.subscribe(*map(channel_of, self._listeners))
                    self._ask_all_again()
                    pause = SHORTEST_PAUSE
                    await self._take_all(pubsub)
            except (redis.RedisError, OSError) as error:
                log.warning("Redis does not answer (%s); trying again", type(error).__name__)
            finally:
                self._pubsub = None
                self._confirmations.clear()
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - spreads processes, hides nothing
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _take_all(self, pubsub: "PubSub") -> None:
        """Take what comes.

        Raises:
            ConnectionError: nothing has come for so long that the connection must be dead, whatever TCP says.
        """
        loop = asyncio.get_running_loop()
        heard_at = loop.time()
        while True:
            message = await pubsub.get_message(timeout=self._ask_again_every)
            if message is not None:
                heard_at = loop.time()
                self._take(message)
            elif loop.time() > heard_at + _SILENCES * self._ask_again_every:
                raise redis.ConnectionError

    def _take(self, message: dict[str, Any]) -> None:
        channel = _text(message["channel"])
        if message["type"] == "subscribe" and channel in self._confirmations:
            self._confirmations[channel].set()
        if message["type"] != "message":
            return
        if channel == _EVERYWHERE:
            self._ask_all_again()
        elif channel != _ALIVE:
            try:
                event = from_wire(json.loads(message["data"]))
            except (KeyError, TypeError, ValueError):
                log.warning("an event that this version does not know was passed over")
                return
            self._deliver(event)


hub = Hub()


def announce(event: Event) -> None:
    """Tell every socket at the event's entry, in every process. Call it after the commit, from any thread."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        _send(event)
    else:
        loop.run_in_executor(None, _send, event)  # never keep the loop waiting for Redis


def ask_everybody() -> None:
    """Have every process ask again about all its sockets. Call it after the commit, from a thread."""
    if not _publish(_EVERYWHERE, ""):
        hub.ask_all_soon()


def _send(event: Event) -> None:
    if not _publish(channel_of(event.entry_id), json.dumps(to_wire(event))):
        hub.deliver_soon(event)


def _publish(channel: str, data: str) -> bool:
    """Whether Redis carries it to all processes, this one included."""
    if settings.REDIS_URL:
        try:
            _client(settings.REDIS_URL).publish(channel, data)
        except (redis.RedisError, OSError) as error:
            log.warning("Redis did not take an event (%s); only this process hears it", type(error).__name__)
        else:
            return True
    return False


def channel_of(entry_id: UUID) -> str:
    """The Redis channel of an entry."""
    return f"foyer:entry:{entry_id}"


@lru_cache(maxsize=1)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_connect_timeout=CONNECT_WITHIN, socket_timeout=CONNECT_WITHIN)


def _async_client() -> redis.asyncio.Redis:
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=CONNECT_WITHIN,
        socket_keepalive=True,
        health_check_interval=5,
        retry=Retry(NoBackoff(), 0),
    )


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
