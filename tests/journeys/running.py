"""Foyer as it runs in production, in processes of its own, on the database of the test."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx

from practice_lms.server import bound_socket
from tests.factories.databases import environment_of_test_database

ROOT: Final = Path(__file__).resolve().parent.parent.parent
# What keeps cookies in frames as long as they are partitioned; and what keeps none at all.
PARTED: Final = "config.asgi:application"
UNPARTED: Final = "tests.journeys.unparted:application"

_READY_WITHIN: Final = 40.0  # seconds
_ENDED_WITHIN: Final = 10.0

# Values of this test process that a Foyer of its own must not inherit.
_NOT_INHERITED: Final = frozenset({"DJANGO_SETTINGS_MODULE", "DATABASE_URL", "PYTEST_CURRENT_TEST"})
# A line at which somebody should look: an error of ours, of the server's, or a stack trace.
_TROUBLE: Final = re.compile(r"(?:^|\s)(?:ERROR|CRITICAL)\b|^Traceback", re.MULTILINE)


def free_port() -> int:
    """A port that nobody uses now."""
    with bound_socket(0) as probe:
        port: int = probe.getsockname()[1]
    return port


class RunningFoyer:
    """The server at `url`, from `start` until `stop`; where mail is waited for and with Redis, the worker.

    Both hang on a leash (`practice_lms.leash`): should the tests be killed, they end as well.
    """

    def __init__(
        self,
        *,
        smtp_port: int,
        folder: Path,
        port: int | None = None,
        application: str = PARTED,
        has_worker: bool = True,
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "foyer.log"
        self._smtp_port = smtp_port
        self._application = application
        # Without Redis it is a thread of the server.
        self._has_worker = has_worker and bool(os.environ.get("REDIS_URL"))
        self._processes: list[subprocess.Popen[bytes]] = []

    def environment(self) -> dict[str, str]:
        """What Foyer is told; REDIS_URL, SECRET_KEY and KEYS_DIR are those of the tests."""
        inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        return (
            inherited
            | environment_of_test_database()
            | {
                "PUBLIC_URL": self.url,
                "EMAIL_URL": f"smtp://127.0.0.1:{self._smtp_port}",
                "ALLOW_LOOPBACK_PLATFORMS": "true",
                "NO_PROXY": "localhost,127.0.0.1",
                "no_proxy": "localhost,127.0.0.1",
                "PYTHONUNBUFFERED": "1",
            }
        )

    def start(self) -> None:
        """Start, and wait until it serves."""
        address = ("--host=127.0.0.1", f"--port={self.port}")
        quiet = ("--no-access-log", "--timeout-graceful-shutdown=2")
        sockets = ("--ws=config.sockets:ReadyFrames", "--ws-per-message-deflate=false")  # as shipped
        self._spawn("uvicorn", self._application, *address, *quiet, *sockets)
        if self._has_worker:
            self._spawn("manage", "worker")
        until = time.monotonic() + _READY_WITHIN
        while not self._answers():
            if any(process.poll() is not None for process in self._processes) or time.monotonic() > until:
                raise RuntimeError(f"Foyer did not start:\n{self.said}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it, gently first. Stopping twice does nothing."""
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(_ENDED_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin is not None:
                process.stdin.close()
        self._processes = []

    @property
    def said(self) -> str:
        """Its log so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    @property
    def trouble(self) -> str:
        """Its log from the first line on at which somebody should look; empty where all is well."""
        said = self.said
        found = _TROUBLE.search(said)
        return said[said.rfind("\n", 0, found.start()) + 1 :] if found else ""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _spawn(self, module: str, *arguments: str) -> None:
        with self.log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - this Python, and modules of this repository
                [sys.executable, "-m", "practice_lms.leash", module, *arguments],
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes.append(process)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False
