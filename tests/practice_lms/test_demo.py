"""How the demo starts and ends: with the true Foyer, and with the smallest of programs in its place."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from practice_lms import demo
from practice_lms.people import INSTRUCTOR
from practice_lms.registration import registration_for

if TYPE_CHECKING:
    from collections.abc import Iterator

MANAGE = """
import os, sys
print("doing", sys.argv[1])
sys.exit("no such table" if sys.argv[1] == os.environ.get("FAILING") else 0)
"""
APPLICATION = """
import os, pathlib

pathlib.Path(os.environ["KEYS_DIR"], "pid").write_text(str(os.getpid()))

async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    ready = os.environ.get("NEVER_READY") is None
    await send({"type": "http.response.start", "status": 200 if ready else 503, "headers": []})
    await send({"type": "http.response.body", "body": os.environ["PUBLIC_URL"].encode()})
"""
SOCKETS = """
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol as ReadyFrames
"""
RUN = """
import sys
from pathlib import Path
from practice_lms import demo
from practice_lms.people import INSTRUCTOR
from practice_lms.registration import registration_for

sys.exit(demo.main(root=Path.cwd()))
"""


class Running:
    """A demo in a process of its own, and what it says."""

    def __init__(self, root: Path, *, state: Path, environment: dict[str, str]) -> None:
        self.state = state
        self.tool_url = f"http://127.0.0.1:{environment['DEMO_TOOL_PORT']}"
        self.lms_url = f"http://127.0.0.1:{environment['DEMO_LMS_PORT']}"
        self._said = state.with_name("said")
        with self._said.open("wb") as output:
            self.process = subprocess.Popen(  # noqa: S603 -- this Python, and a program from this file
                [sys.executable, "-c", RUN],
                cwd=root,
                env=os.environ | environment | {"DEMO_DIR": str(state)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        return self._said.read_text()

    def wait_for(self, text: str) -> None:
        until = time.monotonic() + 50
        while text not in self.said:
            assert time.monotonic() < until, self.said
            assert self.process.poll() is None, self.said
            time.sleep(0.05)

    def tool_process(self) -> int:
        return int((self.state / "keys" / "pid").read_text())

    def tool_is_gone(self) -> bool:
        until = time.monotonic() + 15
        while time.monotonic() < until:
            try:
                httpx.get(self.tool_url)
            except httpx.ConnectError:
                return True
            time.sleep(0.1)
        return False


def free_ports() -> dict[str, str]:
    names = ("DEMO_LMS_PORT", "DEMO_TOOL_PORT", "DEMO_MAIL_PORT", "DEMO_SMTP_PORT")
    with ExitStack() as taken:
        sockets = [taken.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in names]
        return {name: str(one.getsockname()[1]) for name, one in zip(names, sockets, strict=True)}


@contextmanager
def demo_in(root: Path, *, state: Path, **environment: str) -> Iterator[Running]:
    one = Running(root, state=state, environment=free_ports() | environment)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGTERM)
        one.process.wait(20)


@contextmanager
def running(root: Path, **environment: str) -> Iterator[Running]:
    """With a stand-in for Foyer, which starts and ends at once."""
    (root / "config").mkdir()
    (root / "config" / "asgi.py").write_text(APPLICATION)
    (root / "config" / "sockets.py").write_text(SOCKETS)
    (root / "manage.py").write_text(MANAGE)
    (root / "practice_lms").symlink_to(Path(demo.__file__).parent)
    with demo_in(root, state=root / "state", **environment) as one:
        yield one


def test_the_true_foyer_is_ready_for_a_launch(tmp_path: Path) -> None:
    with demo_in(demo.ROOT, state=tmp_path / "state") as one:
        one.wait_for("Ctrl-C ends everything")
        assert httpx.get(f"{one.tool_url}/readyz").status_code == 200
        assert httpx.get(f"{one.tool_url}/lti/jwks.json").json()["keys"]
        registration = registration_for(one.lms_url.replace("127.0.0.1", "localhost"))
        login = {
            "iss": registration.issuer,
            "client_id": registration.client_id,
            "lti_deployment_id": registration.deployment_ids[0],
            "login_hint": INSTRUCTOR.sub,
            "lti_message_hint": "hint~",
            "target_link_uri": f"{one.tool_url}/lti/launch/",
        }
        reply = httpx.post(f"{one.tool_url}/lti/login/", data=login)
        assert reply.is_redirect
        assert reply.headers["Location"].startswith(registration.auth_url)
        one.process.send_signal(signal.SIGINT)
        assert one.process.wait(20) == 0
        assert one.tool_is_gone()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_runs_until_it_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path) as one:
        one.wait_for("Ctrl-C ends everything")
        assert httpx.get(one.tool_url).text == one.tool_url
        assert "Introduction to Marine Biology" in httpx.get(one.lms_url).text
        one.process.send_signal(number)
        assert one.process.wait(15) == 0
        assert one.said.endswith("Everything has ended.\n")
        assert one.tool_is_gone()


def test_a_part_that_dies_takes_the_others_along(tmp_path: Path) -> None:
    with running(tmp_path) as one:
        one.wait_for("Ctrl-C ends everything")
        os.kill(one.tool_process(), signal.SIGKILL)
        assert one.process.wait(15) == 1
        assert "Foyer has died" in one.said
        with pytest.raises(httpx.ConnectError):
            httpx.get(one.lms_url)


def test_nothing_outlives_it_however_it_ends(tmp_path: Path) -> None:
    with running(tmp_path) as one:
        one.wait_for("Ctrl-C ends everything")
        one.process.kill()
        assert one.tool_is_gone()


def test_it_can_be_ended_while_it_starts(tmp_path: Path) -> None:
    with running(tmp_path, NEVER_READY="1") as one:
        one.wait_for("The LMS is registered")
        one.process.send_signal(signal.SIGINT)
        assert one.process.wait(15) == 0
        assert one.tool_is_gone()


def test_a_step_that_fails_is_named_with_what_it_said(tmp_path: Path) -> None:
    with running(tmp_path, FAILING="migrate") as one:
        assert one.process.wait(15) == 1
        assert "`manage.py migrate` failed" in one.said
        assert "no such table" in one.said


def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(tmp_path, DEMO_SMTP_PORT=str(port)) as one:
            assert one.process.wait(15) == 1
            assert f"Port {port} is no use for the mail server" in one.said
            assert "DEMO_SMTP_PORT=" in one.said


def test_secrets_are_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    with running(tmp_path) as one:
        one.wait_for("Ctrl-C ends everything")
        password = tmp_path / "state" / "operator-password"
        assert password.stat().st_mode & 0o777 == 0o600
        assert f"“{password.read_text()}”" in one.said


@pytest.mark.parametrize("value", ["http", "0", "70000", "-1"])
def test_a_port_is_a_number(value: str) -> None:
    with pytest.raises(demo.DemoError, match="DEMO_TOOL_PORT"):
        demo.Ports.chosen({"DEMO_TOOL_PORT": value})


def test_ports_are_told_apart() -> None:
    with pytest.raises(demo.DemoError, match="different"):
        demo.Ports.chosen({"DEMO_TOOL_PORT": "8000"})
    assert [port.number for port in demo.Ports.chosen({}).all] == [8000, 8001, 8002, 8025]
