"""uvicorn's WebSocket protocol, which also takes ready-made frames: `--ws config.sockets:ReadyFrames`.

`rooms.wire` uses the extension where it is offered and does without it anywhere else (docs/adr/0022).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

READY_FRAMES: Final = (
    "foyer.ready_frames"  # as rooms.wire has it; this file is loaded before Django is set up
)
PING: Final = b"\x89\x00"  # as it is on the wire, without a payload: the same bytes for everybody
DROPPED_WITHIN: Final = 5.0  # seconds in which a slow reader may still read why


class ReadyFrames(WebSocketsSansIOProtocol):
    """One connection."""

    _take_way: Callable[[Callable[[bytes], object] | None], None] | None = None

    def handle_connect(self, event: Request) -> None:
        """Offer it, unless compression was agreed on: then frames are made for each socket."""
        super().handle_connect(event)
        if self.response.status_code == 101 and not self.conn.extensions:  # noqa: PLR2004 - Switching Protocols
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[READY_FRAMES] = self

    def send_keepalive_ping(self) -> None:
        """Ask whether the reader is still there; thousands who wait cost hardly anything else."""
        self.ping_timer = None
        if self.close_sent or self.transport.is_closing():
            return
        self.pending_ping_payload = b""
        self.ping_sent_at = self.loop.time()
        self.transport.write(PING)
        if self.ping_timeout is None:
            self.schedule_ping()
        else:
            self.pong_timer = self.loop.call_later(self.ping_timeout, self.keepalive_timeout)

    def write_frames(self, frames: bytes) -> int:
        """Send whole frames; gives how many bytes wait for the reader now."""
        transport = self.transport
        if self.close_sent or self.disconnected or transport.is_closing():
            return 0
        transport.write(frames)
        return transport.get_write_buffer_size()

    def lend_way(self, take: Callable[[Callable[[bytes], object] | None], None]) -> None:
        """Hand over what writes bytes straight out, or None, and again whenever that changes.

        None is for when too much waits for the reader, and for good once this side has said its last.
        """
        self._take_way = take
        self._lend()

    def _lend(self) -> None:
        if self._take_way is None:
            return
        is_over = self.close_sent or self.disconnected or self.transport.is_closing()
        self._take_way(self.transport.write if self.writable.is_set() and not is_over else None)

    def pause_writing(self) -> None:
        """Too much waits for the reader."""
        super().pause_writing()
        self._lend()

    def resume_writing(self) -> None:
        """The reader has caught up."""
        super().resume_writing()
        self._lend()

    async def send(self, message: "ASGISendEvent") -> None:
        """As ASGI has it."""
        await super().send(message)
        if message["type"] == "websocket.close":
            self._lend()

    def handle_close(self, event: Frame) -> None:
        """The reader says goodbye."""
        super().handle_close(event)
        self._lend()

    def handle_parser_exception(self) -> None:
        """What the reader said was no frame."""
        super().handle_parser_exception()
        self._lend()

    def keepalive_timeout(self) -> None:
        """The reader does not answer."""
        super().keepalive_timeout()
        self._lend()

    def shutdown(self) -> None:
        """The server stops."""
        super().shutdown()
        self._lend()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        super().connection_lost(exc)
        self._lend()
        self._take_way = None

    def drop(self, code: int) -> None:
        """Say why, and end the connection whether or not that is read."""
        if self.close_sent or self.transport.is_closing():
            return
        self.stop_keepalive()
        self.conn.send_close(code)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._lend()
        self.transport.close()
        self.loop.call_later(DROPPED_WITHIN, self.transport.abort)

    def forget_handshake(self) -> None:
        """Let go of what only the beginning needed: it would stay as long as the socket does."""
        self.scope["headers"].clear()  # type: ignore[attr-defined]  # a list; every copy of the scope shares it
        self.request = self.response = None  # type: ignore[assignment]  # nothing reads them after the answer
