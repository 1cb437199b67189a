"""uvicorn's protocol with our additions, on a real server and a bare socket."""

import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import pytest
import uvicorn

PING, PONG = b"\x89\x00", b"\x8a\x80\x00\x00\x00\x00"
INTERVAL = 0.2  # seconds


async def _listen(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    assert scope["type"] == "websocket"
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


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
