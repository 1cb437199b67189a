"""The tool as people meet it: a real server process on the test database, for sockets and for browsers.

Import the fixture where it is wanted (`from tests.servers import running_tool`) and ask for a committed
database beside it (`pytest.mark.django_db(transaction=True)`): the server sees the rows that factories make
at once, and the other way round.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer
from django.db import connections
from django.test.testcases import QuietWSGIRequestHandler
from pytest_django import Settings

from rooms.broadcast import hub
from tests.factories.databases import environment_of_test_database

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN = 40.0  # seconds, on a busy machine


@dataclass(frozen=True)
class RunningTool:
    """A server process. `url` is its origin, and its PUBLIC_URL unless another was given."""

    url: str
    process: "subprocess.Popen[bytes]"

    @property
    def socket_url(self) -> str:
        """The same for sockets."""
        return "ws" + self.url.removeprefix("http")


@contextmanager
def run_tool(*, public_url: str = "", workers: int = 0, **environment: str) -> Iterator[RunningTool]:
    """Run the tool on a free loopback port until the block ends.

    Args:
        public_url: for several processes of one installation: the origin that all of them go by.
        workers: this many WSGI processes, each for one request at a time, instead of one ASGI process.
        environment: more variables, such as EMAIL_URL.
    """
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(512)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        process = subprocess.Popen(  # noqa: S603 - our own server
            _wsgi_command(listening, workers) if workers else _asgi_command(listening),
            cwd=ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.settings",
                **environment_of_test_database(),
                "PUBLIC_URL": public_url or url,
                "KEYS_DIR": str(settings.KEYS_DIR),
                "REDIS_URL": settings.REDIS_URL,
                "PYTEST_XDIST_WORKER": "",  # what it decides is in the values above already
                **environment,
            },
            pass_fds=[listening.fileno()],
            stdin=subprocess.DEVNULL,
        )
        try:
            _wait_until_ready(url, process)
            yield RunningTool(url=url, process=process)
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _asgi_command(listening: socket.socket) -> list[str]:
    command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--fd", str(listening.fileno())]
    quiet = ["--no-access-log", "--log-level", "warning"]
    sockets = ["--ws", "config.sockets:ReadyFrames", "--ws-per-message-deflate", "false"]
    return [*command, *quiet, *sockets, "--timeout-graceful-shutdown", "2"]


def _wsgi_command(listening: socket.socket, workers: int) -> list[str]:
    command = [sys.executable, "-m", "gunicorn", "config.wsgi:application", "--log-level", "warning"]
    return [*command, "--bind", f"fd://{listening.fileno()}", "--workers", str(workers)]


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode}")
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2):  # noqa: S310 - loopback
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError("the server did not become ready")


@pytest.fixture(scope="session")
def running_tool(django_db_setup: None) -> Iterator[RunningTool]:
    """One server for all tests of this process; each test brings its own rows."""
    with run_tool() as tool:
        yield tool


# --- Redis ---------------------------------------------------------------------------------------------


class RunningRedis:
    """A Redis of a test's own, which it may end and start again; always at the same address."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        assert program, "no redis-server: `make tools` installs it"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        nothing_kept = ("--save", "", "--appendonly", "no", "--dir", str(folder))
        self._command = (program, "--bind", "127.0.0.1", "--port", str(self._port), *nothing_kept)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(  # noqa: S603 - found on this machine, our arguments
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("Redis did not become ready")

    def stop(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RunningRedis]:
    """Redis for this test alone, whatever the stack of the run is."""
    redis = RunningRedis(tmp_path)
    redis.start()
    yield redis
    redis.stop()


# --- In this process -----------------------------------------------------------------------------------


async def _tool_without_worker(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """The application; of what starts with a server only the hub."""
    from config.asgi import application  # noqa: PLC0415 - sets Django up

    if scope["type"] != "lifespan":
        await application(scope, receive, send)
        return
    while (message := await receive())["type"] != "lifespan.shutdown":
        if message["type"] == "lifespan.startup":
            await hub.start()
            await send({"type": "lifespan.startup.complete"})
    await hub.stop()
    await send({"type": "lifespan.shutdown.complete"})


@pytest.fixture
def tool_inside(transactional_db: None) -> Iterator[str]:
    """The same server in a thread of the test's own process: what a test announces reaches its sockets.

    Gives host and port. Pages of the tool come from settings.PUBLIC_URL, whatever the port.
    """
    with run_inside("config.sockets:ReadyFrames") as address:
        yield address


@contextmanager
def run_inside(websockets: str) -> Iterator[str]:
    """Such a server, with this implementation of WebSocket (uvicorn's `--ws`)."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        host, port = listening.getsockname()
        server = uvicorn.Server(
            uvicorn.Config(
                _tool_without_worker,
                lifespan="on",
                log_level="warning",
                access_log=False,
                ws=websockets,
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=1,
            )
        )
        thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + READY_WITHIN
        while not server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        yield f"{host}:{port}"
        server.should_exit = True
        thread.join(timeout=10)
        assert not thread.is_alive()


def _stay_open() -> None:
    """Do nothing in place of `close`."""


class _Pages(ThreadedWSGIServer):
    """The pages behind a real port, for all tests of this process; each request has a thread of its own.

    A test inside a transaction lends its database connection: the pages see its rows, the rollback takes
    theirs, and nothing has to be emptied. A test with `transaction=True` keeps its own, and so does each
    request: then they are as concurrent as in production.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), QuietWSGIRequestHandler)
        self.set_app(WSGIHandler())
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"
        self._lent: dict[str, BaseDatabaseWrapper] = {}
        self._idle = Condition()
        self._busy = 0

    def lend(self) -> None:
        """From now on requests use the connections of this thread that are inside a transaction."""
        self._lent = {one.alias: one for one in connections.all(initialized_only=True) if one.in_atomic_block}
        for one in self._lent.values():
            one.inc_thread_sharing()
            one.close = _stay_open  # type: ignore[method-assign]  # Django does so around each request

    def take_back(self) -> None:
        """Wait until no request is under way, and give nothing to the next ones."""
        with self._idle:
            assert self._idle.wait_for(lambda: not self._busy, READY_WITHIN), "a request never ended"
        for one in self._lent.values():
            del one.close
            one.dec_thread_sharing()
        self._lent = {}

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in the base
        with self._idle:
            self._busy += 1
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        try:
            for alias, one in self._lent.items():
                connections[alias] = one
            super().process_request_thread(request, client_address)
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()


@pytest.fixture(scope="session")
def _pages() -> Iterator[_Pages]:
    server = _Pages()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(timeout=10)


@pytest.fixture
def foyer(_pages: _Pages, settings: Settings, db: None) -> Iterator[str]:
    """The tool's pages over real HTTP, at the address that is its PUBLIC_URL for this test."""
    settings.PUBLIC_URL = _pages.origin
    settings.CSRF_TRUSTED_ORIGINS = [_pages.origin]
    _pages.lend()
    yield _pages.origin
    _pages.take_back()
