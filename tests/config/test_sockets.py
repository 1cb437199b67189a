"""uvicorn's protocol with our additions, on a real server and a bare socket."""

import re
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import uvicorn

ROOT = Path(__file__).resolve().parents[2]
PING, PONG = b"\x89\x00", b"\x8a\x80\x00\x00\x00\x00"
INTERVAL = 0.2  # seconds
FRAME = b"\x82\x7e\xff\xff" + 65_535 * b"x"  # binary, unmasked
SAID = {b"fill": b"\x81\x84\0\0\0\0fill", b"over": b"\x81\x84\0\0\0\0over"}
GOODBYE = b"\x88\x82\0\0\0\0\x03\xe8"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

lent: list[Callable[[bytes], object] | None] = []
"""The straight way out, as it was lent, closed and lent again."""


async def _listen(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "websocket"
    await receive()
    await send({"type": "websocket.accept"})
    lent.clear()
    scope["extensions"]["foyer.ready_frames"].lend_way(lent.append)
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["text"] == "over":
            await send({"type": "websocket.close", "code": 4403})
        while message["text"] == "fill" and (way := lent[-1]) is not None:
            way(FRAME)


@pytest.fixture
def wire() -> Iterator[socket.socket]:
    """A connection whose handshake is done."""
    with connected(_listen) as (connection, _answer):
        yield connection


@contextmanager
def connected(app: App, *headers: str, compresses: bool = True) -> Iterator[tuple[socket.socket, bytes]]:
    """The same with more headers, at a server that compresses for whoever asks for it; and its answer."""
    config = uvicorn.Config(
        app,
        port=0,
        lifespan="off",
        log_level="critical",
        ws="config.sockets:ReadyFrames",  # a class by its name, as on the command line
        ws_ping_interval=INTERVAL,
        ws_ping_timeout=2 * INTERVAL,
        ws_per_message_deflate=compresses,
    )
    server = uvicorn.Server(config)
    listening = config.bind_socket()
    listening.listen()
    running = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    running.start()
    try:
        with socket.create_connection(listening.getsockname()) as connection:
            connection.settimeout(5)
            connection.sendall(
                b"GET / HTTP/1.1\r\nHost: foyer\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                + "".join(f"{each}\r\n" for each in headers).encode()
                + b"\r\n"
            )
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += connection.recv(1)
            assert b" 101 " in answer
            yield connection, answer
    finally:
        server.should_exit = True
        running.join(10)


def test_whoever_answers_is_asked_again(wire: socket.socket) -> None:
    for _ in range(4):
        assert wire.recv(2) == PING
        wire.sendall(PONG)


def test_whoever_does_not_answer_is_let_go(wire: socket.socket) -> None:
    assert wire.recv(2) == PING
    heard = wire.recv(100)
    assert (heard[0], int.from_bytes(heard[2:4], "big")) == (0x88, 1011)
    assert wire.recv(100) == b""


# --- The straight way out


def until_way_is(*expected: str) -> None:
    ends = time.monotonic() + 5
    while ["open" if way else "closed" for way in lent] != list(expected):
        assert time.monotonic() < ends, lent
        time.sleep(0.01)


def test_the_straight_way_is_closed_while_bytes_wait_for_the_reader(wire: socket.socket) -> None:
    until_way_is("open")
    wire.sendall(SAID[b"fill"])
    until_way_is("open", "closed")
    heard = b""
    while heard.count(FRAME[:4]) < 2 or len(lent) < 3:
        heard += wire.recv(1_000_000)
    assert heard.replace(PING, b"").startswith(FRAME + FRAME[:4])
    until_way_is("open", "closed", "open")


@pytest.mark.parametrize("last", [SAID[b"over"], GOODBYE, b"\xff\xff"], ids=["ours", "theirs", "no frame"])
def test_nothing_goes_straight_out_after_the_last_word(wire: socket.socket, last: bytes) -> None:
    until_way_is("open")
    wire.sendall(last)
    ends = time.monotonic() + 5
    while lent[-1] is not None:
        assert time.monotonic() < ends
        time.sleep(0.01)
    wire.close()
    time.sleep(INTERVAL)
    assert lent[-1] is None


def test_nothing_goes_straight_out_to_whoever_does_not_answer(wire: socket.socket) -> None:
    until_way_is("open")
    assert wire.recv(2) == PING
    assert wire.recv(100)[:1] == b"\x88"
    assert lent[-1] is None


def test_nothing_goes_straight_out_to_whoever_is_gone(wire: socket.socket) -> None:
    until_way_is("open")
    wire.close()
    until_way_is("open", "closed")


# --- Compression

DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"
offers: list[bool] = []


async def _note_offer(scope: Scope, receive: Receive, send: Send) -> None:
    offers.append("foyer.ready_frames" in scope["extensions"])
    await receive()
    await send({"type": "websocket.accept"})
    await receive()


@pytest.mark.parametrize(
    ("headers", "compresses", "is_compressed"),
    [([DEFLATE], True, True), ([DEFLATE], False, False), ([], True, False)],
    ids=["agreed on", "refused", "not asked for"],
)
def test_frames_are_taken_ready_made_unless_compression_was_agreed_on(
    headers: list[str], compresses: bool, is_compressed: bool
) -> None:
    offers.clear()
    with connected(_note_offer, *headers, compresses=compresses) as (_connection, answer):
        assert (b"permessage-deflate" in answer) == is_compressed
        assert offers == [not is_compressed]


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("deploy/README.md", r"^\S*/uvicorn (?:.*\\\n)*.*$"),
        ("practice_lms/demo.py", r"^ +uvicorn \+?= .*(?:\n.*)*?\n +with "),
    ],
)
def test_what_is_shipped_takes_ready_frames_and_compresses_nothing(file: str, command: str) -> None:
    found = re.search(command, (ROOT / file).read_text(), re.MULTILINE)
    assert found is not None
    words = re.split(r"[\s=\"',\[\]\\]+", found.group())
    options = dict(pairwise(words))
    assert options["--ws"] == "config.sockets:ReadyFrames"
    assert options["--ws-per-message-deflate"] == "false"
