"""A page's side of the socket, as tests speak it."""

import json
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from django.conf import settings
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from rooms.models import Entry

PATIENCE = 5.0  # seconds; what must come at once is measured by the tests themselves


class Page:
    """Somebody's page at an entry."""

    def __init__(
        self,
        server: str,
        entry: Entry,
        *,
        tab: tuple[Any, str] | None = None,
        pass_secret: str = "",
        origin: str | None = None,
    ) -> None:
        prefix = f"/~{tab[0].handle}" if tab else ""
        cookie = f"foyer-tab={tab[1]}" if tab else f"foyer-pass={pass_secret}"
        self._open = ExitStack()
        connecting = connect(
            f"ws://{server}{prefix}/media/{entry.pk}/socket/",
            additional_headers={"Cookie": cookie},
            origin=settings.PUBLIC_URL if origin is None else origin or None,  # type: ignore[arg-type]
            compression=None,
            proxy=None,
            max_queue=4,
            close_timeout=1,
        )
        self.connection: ClientConnection = self._open.enter_context(connecting)
        self.heard: list[dict[str, Any]] = []

    def say(self, kind: str, **values: object) -> None:
        self.connection.send(json.dumps({"kind": kind, **values}))

    def hello(self, since: int = 0) -> dict[str, Any]:
        """Arrive; gives what the server says first."""
        self.say("hello", since=since)
        return self.hears("hello")

    def post(self, text: str, client_key: str = "key") -> dict[str, Any]:
        """Send a message; gives the answer to it, taken or refused."""
        self.say("post", text=text, client_key=client_key)
        return self.hears("ack", "refused")

    def do(self, verb: str, client_key: str = "", **values: object) -> dict[str, Any]:
        """Have something done; gives the answer, done or refused."""
        key = client_key or f"act-{time.monotonic_ns()}"
        self.say("do", client_key=key, verb=verb, values=values)
        while True:
            answer = self.hears("done", "refused")
            if answer["client_key"] == key:
                return answer

    def hears_change(self, topic: str, within: float = PATIENCE) -> dict[str, Any]:
        """The next change of this topic."""
        deadline = time.monotonic() + within
        while True:
            frame = self.hears("changed", within=max(deadline - time.monotonic(), 0))
            if frame["topic"] == topic:
                return frame

    def hears(self, *kinds: str, within: float = PATIENCE) -> dict[str, Any]:
        """The next frame of one of these kinds; the others are kept in `heard`."""
        deadline = time.monotonic() + within
        while True:
            frame: dict[str, Any] = json.loads(
                self.connection.recv(timeout=max(deadline - time.monotonic(), 0))
            )
            self.heard.append(frame)
            if frame["kind"] in kinds:
                return frame

    def hears_nothing_of(self, *kinds: str, within: float = 0.5) -> bool:
        """Whether no such frame comes for a while."""
        try:
            self.hears(*kinds, within=within)
        except TimeoutError:
            return True
        return False

    def is_closed(self, within: float = PATIENCE) -> int:
        """Wait for the end; gives its code."""
        deadline = time.monotonic() + within
        try:
            while True:
                self.connection.recv(timeout=max(deadline - time.monotonic(), 0))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

    def close(self) -> None:
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
