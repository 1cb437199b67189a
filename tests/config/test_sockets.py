"""uvicorn's protocol with our additions, on a real server and a bare socket."""

import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import pytest
import uvicorn

PING, PONG = b"\x89\x00", b"\x8a\x80\x00\x00\x00\x00"
INTERVAL = 0.2  # seconds
FRAME = b"\x82\x7e\xff\xff" + 65_535 * b"x"  # binary, unmasked
SAID = {b"fill": b"\x81\x84\0\0\0\0fill", b"over": b"\x81\x84\0\0\0\0over"}
GOODBYE = b"\x88\x82\0\0\0\0\x03\xe8"

lent: list[Callable[[bytes], object] | None] = []
"""The straight way out, as it was lent, closed and lent again."""


async def _listen(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
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
    config = uvicorn.Config(
        _listen,
        port=0,
        lifespan="off",
        log_level="critical",
        ws="config.sockets:ReadyFrames",  # a class by its name, as on the command line
        ws_ping_interval=INTERVAL,
        ws_ping_timeout=2 * INTERVAL,
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
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += connection.recv(1)
            assert b" 101 " in answer
            yield connection
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
