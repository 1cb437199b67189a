"""Sockets: frames in, frames out. Every frame that reads or writes something asks the database who asks."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from datetime import datetime
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.conf import settings
from django.utils import timezone

from common.errors import AppError
from lti_tool.identity import TAB_COOKIE
from rooms.access import PASS_COOKIE, Credentials, Farewell, ask
from rooms.acts import Values, perform, refused_act, speaking
from rooms.arrivals import arrive, hello_of, history, room_state
from rooms.broadcast import hub
from rooms.events import ChatPosted
from rooms.frames import (
    BadFrameError,
    Bearer,
    Do,
    Frame,
    Hello,
    History,
    Look,
    Ping,
    Post,
    State,
    message_of,
    read_frame,
    write_frame,
)
from rooms.live import GRACE, LiveRoom, expecting
from rooms.seats import Seat
from rooms.services.chat import post_message
from rooms.services.presence import with_participant
from rooms.threads import in_database
from rooms.wire import READY_FRAMES, wire_of

log = logging.getLogger(__name__)

CLOSE_REFUSED: Final = 4403
CLOSE_NONSENSE: Final = 4400
CLOSE_TOO_FAST: Final = 4429
FRAMES_PER_WINDOW: Final = 120
WINDOW: Final = 10.0  # seconds
INTRODUCED_WITHIN: Final = 10.0  # seconds; a socket without a cookie says by then who it is

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def is_own_origin(origin: str) -> bool:
    """Whether a page of ours opened the socket: browsers say whose page it was, and cannot be made to lie."""
    return bool(origin) and _origin_of(origin) == _origin_of(settings.PUBLIC_URL)


def _origin_of(address: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    return parts.scheme, parts.hostname or "", port


class RoomConsumer(AsyncConsumer):  # type: ignore[misc]  # ships no types
    """The socket of one page at one entry: `/media/<id>/socket/`."""

    # There is no layer of this name: Channels routes and frames, the hub carries (docs/adr/0007).
    channel_layer_alias = "none"

    seat: Seat
    room: LiveRoom | None = None
    _task: "asyncio.Task[Any] | None" = None
    _is_dropped = False
    _is_open = False
    _introduction: "asyncio.TimerHandle | None" = None
    _language = ""
    _frames = 0
    _window_ends = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve until the socket closes, or its reader turns out to be too slow."""
        self._task = asyncio.current_task()
        self.scope, self.base_send = scope, send
        try:
            # Channels would give each socket a second task, for a channel layer that is not there.
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        except asyncio.CancelledError:
            if not self._is_dropped:
                raise
        finally:
            self._is_open = False
            if self._introduction is not None:
                self._introduction.cancel()
            if self.room is not None:
                self.room.leave_seat(self.seat)

    async def dispatch(self, message: MutableMapping[str, Any]) -> None:
        """Call the handler. Channels would also tidy database connections here; `in_database` does that."""
        await getattr(self, message["type"].replace(".", "_"))(message)

    # --- Channels' three messages

    async def websocket_connect(self, _message: object) -> None:
        """Let in whom the database knows, from a page of ours."""
        headers = dict(self.scope["headers"])
        credentials = self._credentials()
        wire = wire_of(self.scope, self.base_send, run=hub.run)
        self.seat = Seat(credentials, wire=wire, close=self._close_refused, drop=self._drop)
        if is_own_origin(headers.get(b"origin", b"").decode("latin-1")):
            if credentials.tab_handle and not credentials.tab_secret:
                await self._await_bearer()
                return
            answer = await in_database(ask, credentials, now=timezone.now())
            if not isinstance(answer, Farewell):
                self._is_open = True
                await self._accept()
                return
        await self.send({"type": "websocket.close", "code": CLOSE_REFUSED})

    async def _await_bearer(self) -> None:
        """A tab without cookies (design §11): it is told and asked nothing before it has shown its bearer."""
        self._is_open = True
        loop = asyncio.get_running_loop()
        self._introduction = loop.call_later(INTRODUCED_WITHIN, lambda: hub.run(self._close_refused()))
        await self._accept()

    async def _accept(self) -> None:
        await self.send({"type": "websocket.accept"})
        ready = (self.scope.get("extensions") or {}).get(READY_FRAMES)
        self.scope = {}  # whoever waits for an hour needs none of it
        if ready is not None:
            ready.forget_handshake()

    async def _introduce(self, frame: Frame) -> None:
        """Its first frame: from then on its credentials are asked of the database as anybody's."""
        if self._introduction is not None:
            self._introduction.cancel()
            self._introduction = None
        if isinstance(frame, Bearer):
            self.seat.credentials = replace(self.seat.credentials, tab_secret=frame.secret)
            answer = await in_database(ask, self.seat.credentials, now=timezone.now())
            if not isinstance(answer, Farewell):
                return
        await self._close(CLOSE_REFUSED)

    async def websocket_receive(self, message: MutableMapping[str, Any]) -> None:
        """Answer one frame."""
        if not self._is_open:
            return
        if not self._is_in_pace():
            await self._close(CLOSE_TOO_FAST)
            return
        try:
            frame = read_frame(message.get("text") or "")
        except BadFrameError:
            await self._close(CLOSE_NONSENSE)
            return
        if self._introduction is not None:
            await self._introduce(frame)
        else:
            await self._answer(frame, now=timezone.now())

    async def websocket_disconnect(self, _message: object) -> None:
        """The page is gone."""
        raise StopConsumer

    # --- Frames

    async def _answer(self, frame: Frame, *, now: datetime) -> None:
        match frame:
            case Ping():
                self._tell("pong", now=now.isoformat())
            case Bearer():
                pass  # a second word about who it is changes nothing
            case Hello():
                self._language = frame.language
                await self._hello(frame.since, now=now)
            case Post():
                await self._post(frame, now=now)
            case Do():
                await self._do(frame, now=now)
            case State():
                await self._state(now=now)
            case History():
                await self._history(frame, now=now)
            case Look():
                if self.room is not None:
                    self.room.look_at(self.seat)

    async def _hello(self, since: int, *, now: datetime) -> None:
        async with expecting(self.seat.credentials.entry_id) as room:
            turn = room.turn
            arrival = await in_database(
                arrive, self.seat.credentials, since=since, now=now, read=room.shared.read
            )
            if isinstance(arrival, Farewell):
                await self._farewell(arrival)
                return
            self.room = room
            self._tell("hello", **hello_of(arrival, present=len(room.seats), now=now))
            room.take_seat(self.seat, arrival, turn=turn)
        if room.last_sequence > arrival.sight.entry.chat_sequence:  # said between the look and the seat
            await self._history(History(after=arrival.sight.entry.chat_sequence, before=None), now=now)

    async def _history(self, frame: History, *, now: datetime) -> None:
        found = await in_database(_read_history, self.seat.credentials, frame, now)
        if isinstance(found, Farewell):
            await self._farewell(found)
            return
        kind = "earlier" if frame.before is not None else "history"
        self._tell(kind, messages=[message_of(each) for each in found])

    async def _post(self, frame: Post, *, now: datetime) -> None:
        try:
            posted = await in_database(_say, self.seat.credentials, frame, self._language, now)
        except AppError as error:
            self._tell("refused", **refused_act(frame.client_key, error))
            return
        except Exception:  # whatever is away (database, cache): the page keeps the message, and tries again
            log.exception("a message could not be taken")
            self._tell("refused", client_key=frame.client_key, reason="unavailable", retry_after=None)
            return
        if isinstance(posted, Farewell):
            self._tell("refused", client_key=frame.client_key, reason="removed", retry_after=None)
            await self._farewell(posted)
            return
        self._tell("ack", **message_of(posted))

    async def _do(self, frame: Do, *, now: datetime) -> None:
        try:
            done = await in_database(_do, self.seat.credentials, frame, self._language, now)
        except AppError as error:
            self._tell("refused", **refused_act(frame.client_key, error))
            return
        except Exception:  # whatever is away (database, cache): the page keeps the wish, and tries again
            log.exception("an act could not be done verb=%s", frame.verb)
            self._tell("refused", client_key=frame.client_key, reason="unavailable", retry_after=None)
            return
        if isinstance(done, Farewell):
            self._tell("refused", client_key=frame.client_key, reason="removed", retry_after=None)
            await self._farewell(done)
            return
        self._tell("done", client_key=frame.client_key, result=done)

    async def _state(self, *, now: datetime) -> None:
        found = await in_database(_read_state, self.seat.credentials, now)
        if isinstance(found, Farewell):
            await self._farewell(found)
        else:
            self._tell("state", state=found)

    async def _farewell(self, why: Farewell) -> None:
        if self.room is not None:
            self.room.show_out(self.seat, why)
        else:
            self._tell("farewell", reason=why)
            await self.seat.close_when_told(within=GRACE)

    # --- Underneath

    def _credentials(self) -> Credentials:
        cookies: dict[str, str] = self.scope["cookies"]
        handle: str = self.scope["tab_handle"]
        return Credentials(
            entry_id=self.scope["url_route"]["kwargs"]["entry_id"],
            tab_handle=handle,
            tab_secret=cookies.get(TAB_COOKIE, "") if handle else "",
            pass_secret="" if handle else cookies.get(PASS_COOKIE, ""),
        )

    def _tell(self, kind: str, **values: object) -> None:
        self.seat.tell(write_frame(kind, **values))

    def _is_in_pace(self) -> bool:
        if monotonic() >= self._window_ends:
            self._frames, self._window_ends = 0, monotonic() + WINDOW
        self._frames += 1
        return self._frames <= FRAMES_PER_WINDOW

    async def _close_refused(self) -> None:
        await self._close(CLOSE_REFUSED)

    async def _close(self, code: int) -> None:
        if self._is_open:
            self._is_open = False
            await self.send({"type": "websocket.close", "code": code})

    def _drop(self) -> None:
        """Nothing more can be sent but the reason: then it ends, and the page comes back by itself."""
        if self._task is not None and not self._is_dropped:
            self._is_dropped = True
            self._is_open = False
            hub.run(self._end_when_told(self._task))

    async def _end_when_told(self, task: "asyncio.Task[Any]") -> None:
        try:
            await self.seat.wire.drained()
        finally:
            task.cancel()


def _say(credentials: Credentials, frame: Post, language: str, now: datetime) -> ChatPosted | Farewell:
    sight = ask(credentials, now=now)
    if isinstance(sight, Farewell):
        return sight
    viewer = with_participant(sight.entry, by=sight.viewer)
    with speaking(language):
        return post_message(
            sight.entry,
            by=viewer,
            text=frame.text,
            client_key=frame.client_key,
            reply_to=frame.reply_to,
            now=now,
            row=sight.participant,
        )


def _do(credentials: Credentials, frame: Do, language: str, now: datetime) -> dict[str, Any] | Farewell:
    sight = ask(credentials, now=now)
    if isinstance(sight, Farewell):
        return sight
    viewer = with_participant(sight.entry, by=sight.viewer)
    values, key = Values(frame.values), frame.client_key
    with speaking(language):
        return perform(frame.verb, sight.entry, by=viewer, values=values, client_key=key, now=now)


def _read_state(credentials: Credentials, now: datetime) -> dict[str, Any] | Farewell | None:
    sight = ask(credentials, now=now)
    if isinstance(sight, Farewell):
        return sight
    return room_state(replace(sight, viewer=with_participant(sight.entry, by=sight.viewer)))


def _read_history(credentials: Credentials, frame: History, now: datetime) -> list[ChatPosted] | Farewell:
    sight = ask(credentials, now=now)
    if isinstance(sight, Farewell):
        return sight
    return history(sight, after=frame.after, before=frame.before)


class NowhereConsumer(AsyncConsumer):  # type: ignore[misc]  # ships no types
    """Any other address: refused."""

    channel_layer_alias = "none"

    async def websocket_connect(self, _message: object) -> None:
        """Refuse."""
        await self.send({"type": "websocket.close"})

    async def websocket_disconnect(self, _message: object) -> None:
        """It is gone."""
        raise StopConsumer
