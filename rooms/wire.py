"""How frames leave through one socket: ready-made, past everything, or by ASGI's `send`.

A text frame of a server is the same bytes for everybody, as long as nothing is compressed. A server that
takes ready-made bytes says so in the scope (`config.sockets`); any other is sent to as ASGI has it, without a
task for each frame unless the socket is full.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, MutableMapping, Sequence
from functools import cached_property
from types import coroutine
from typing import Any, Final, Protocol, cast

log = logging.getLogger(__name__)

READY_FRAMES: Final = "foyer.ready_frames"
"""In a scope's `extensions`: a `ReadyFrames`, where the server offers it."""

MOST_UNSENT: Final = 1_048_576  # bytes that may wait for a slow reader
CLOSE_TOO_SLOW: Final = 4408
DROPPED_WITHIN: Final = 2.0  # seconds in which a server may still take the reason
_LONGEST_SMALL: Final = 125
_LONGEST_MIDDLE: Final = 65_535


def ready_frame(text: str) -> bytes:
    """A whole, unmasked text frame (RFC 6455, section 5.2)."""
    payload = text.encode(errors="replace")
    size = len(payload)
    if size <= _LONGEST_SMALL:
        return bytes((0x81, size)) + payload
    if size <= _LONGEST_MIDDLE:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


class Burst:
    """Frames that leave together, encoded once for however many sockets."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts

    @cached_property
    def ready(self) -> bytes:
        """All of them, as they are on the wire."""
        return b"".join(map(ready_frame, self.texts))


Way = Callable[[bytes], object]
"""Takes frames as they are on the wire, with nothing to be looked at first."""


class Changes:
    """Counts what changes who can be told what, and how: who sits there, any seat's ears, any socket's way.

    Whoever keeps a list of them may use it for as long as the count stands still (`rooms.crowd`).
    """

    def __init__(self) -> None:
        self.count = 0

    def note(self) -> None:
        """Something has changed."""
        self.count += 1


changes = Changes()
"""Of this process: one loop serves all its sockets."""


class ReadyFrames(Protocol):
    """What a server offers that takes frames as they are on the wire."""

    def lend_way(self, take: Callable[[Way | None], None]) -> None:
        """Hand over the straight way out, None when it is closed, and again whenever that changes."""

    def write_frames(self, frames: bytes) -> int:
        """Send them; gives how many bytes wait for the reader now."""

    def drop(self, code: int) -> None:
        """Say why, and end the connection whether or not that is read."""

    def forget_handshake(self) -> None:
        """Let go of what only the beginning needed."""


class Wire(Protocol):
    """The way out of one socket."""

    @property
    def way(self) -> Way | None:
        """The straight one, as long as nothing has to be looked at; no reader is slow then."""

    def write(self, burst: Burst) -> bool:
        """Send frames; False when the reader does not keep up. Returns at once."""

    def drop(self) -> None:
        """Nothing more is sent but the reason."""

    async def drained(self) -> None:
        """Wait until everything written has been taken by the server; after `drop` never for long."""


class ReadyWire:
    """Straight to the server's transport."""

    __slots__ = ("_server", "_way")

    def __init__(self, server: ReadyFrames) -> None:
        self._server = server
        self._way: Way | None = None
        server.lend_way(self._take_way)

    @property
    def way(self) -> Way | None:
        """The straight one, as long as nothing has to be looked at."""
        return self._way

    def _take_way(self, way: Way | None) -> None:
        self._way = way
        changes.note()

    def write(self, burst: Burst) -> bool:
        """Send frames; False when the reader does not keep up."""
        return self._server.write_frames(burst.ready) <= MOST_UNSENT

    def drop(self) -> None:
        """End it, with the reason."""
        self._server.drop(CLOSE_TOO_SLOW)

    async def drained(self) -> None:
        """Whatever was written is before what is written next."""


Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Run = Callable[[Coroutine[Any, Any, None]], "Awaitable[None]"]


class PortableWire:
    """By ASGI: the send is begun by hand, and only one that has to wait becomes a task.

    Args:
        run: runs such a task.
    """

    __slots__ = ("_is_gone", "_last_word", "_run", "_send", "_unsent", "_waiting", "_writer")

    def __init__(self, send: Send, *, run: Run) -> None:
        self._send = send
        self._run = run
        self._waiting: deque[str] = deque()
        self._unsent = 0
        self._writer: Any = None
        self._last_word: Awaitable[None] | None = None
        self._is_gone = False

    @property
    def way(self) -> None:
        """None: a send may have to wait."""
        return

    def write(self, burst: Burst) -> bool:
        """Send frames; False when the reader does not keep up."""
        for text in burst.texts:
            if self._is_gone:
                break
            if self._writer is not None:
                self._waiting.append(text)
                self._unsent += len(text)
            else:
                self._begin(text)
        return self._unsent <= MOST_UNSENT

    def drop(self) -> None:
        """Nothing more is sent but the reason, if there is room for it soon."""
        if self._is_gone:
            return
        self._give_up()
        if self._writer is not None:
            self._writer.cancel()
            self._writer = None
        self._last_word = self._run(self._say_why())

    async def drained(self) -> None:
        """Wait until the server has taken everything; after `drop` never for long."""
        last = self._last_word or self._writer
        if last is not None:
            await last

    async def _say_why(self) -> None:
        try:
            async with asyncio.timeout(DROPPED_WITHIN):
                await self._send({"type": "websocket.close", "code": CLOSE_TOO_SLOW})
        except TimeoutError:
            log.debug("a slow reader did not read why it was dropped")
        except Exception as error:  # noqa: BLE001 - as above
            self._lost(error)

    def _begin(self, text: str) -> None:
        sending = cast("Coroutine[Any, Any, None]", self._send({"type": "websocket.send", "text": text}))
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001 - servers differ in how they say "closed"
            self._lost(error)
        else:
            self._writer = self._run(self._write_on(sending, waits_for))

    async def _write_on(self, sending: Coroutine[Any, Any, None], waits_for: object) -> None:
        try:
            await _finish(sending, waits_for)
            while self._waiting:
                text = self._waiting.popleft()
                self._unsent -= len(text)
                await self._send({"type": "websocket.send", "text": text})
        except Exception as error:  # noqa: BLE001 - as above
            self._lost(error)
        finally:
            self._writer = None

    def _lost(self, error: Exception) -> None:
        log.debug("a socket closed while it was written to: %s", type(error).__name__)
        self._give_up()

    def _give_up(self) -> None:
        self._is_gone = True
        self._waiting.clear()
        self._unsent = 0


@coroutine
def _finish(begun: Coroutine[Any, Any, None], waits_for: object) -> Generator[Any, Any, None]:
    """Await a coroutine that was begun outside of this task, and waits for something already."""
    try:
        while True:
            try:
                answer = yield waits_for
            except BaseException as error:  # noqa: BLE001 - handed on, a cancellation too
                waits_for = begun.throw(error)
            else:
                waits_for = begun.send(answer)
    except StopIteration:
        return


def wire_of(scope: MutableMapping[str, Any], send: Send, *, run: Run) -> Wire:
    """The best way out that this server has."""
    ready: ReadyFrames | None = (scope.get("extensions") or {}).get(READY_FRAMES)
    return PortableWire(send, run=run) if ready is None else ReadyWire(ready)
