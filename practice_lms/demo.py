"""`make demo`: Foyer, the practice LMS and a mailbox on this machine, until Ctrl-C.

What it keeps is in `.demo/` in the checkout, or where DEMO_DIR says; without that folder the next demo
starts anew. Ports can be chosen: DEMO_LMS_PORT, DEMO_TOOL_PORT, DEMO_MAIL_PORT, DEMO_SMTP_PORT.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Self
from urllib.parse import quote

import httpx

from practice_lms.mailbox import RunningMailbox
from practice_lms.people import INSTRUCTOR, LEARNER, SEMINAR_ROOM
from practice_lms.registration import FIRST_DEPLOYMENT
from practice_lms.server import RunningLms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

ROOT: Final = Path(__file__).resolve().parent.parent

OPERATOR: Final = "operator"
_OPERATOR_SCRIPT: Final = """
import os
from django.contrib.auth import get_user_model
people, name, password = get_user_model().objects, os.environ["DEMO_OPERATOR"], os.environ["DEMO_PASSWORD"]
operator, _ = people.get_or_create(username=name, defaults={"email": f"{name}@campus.example"})
operator.is_staff = operator.is_superuser = True
if not operator.check_password(password):
    operator.set_password(password)
operator.save()
"""

# Settings of somebody's other Foyer must not reach into this one.
_NOT_INHERITED: Final = frozenset(
    {
        "DJANGO_SETTINGS_MODULE",
        "LINK_KEYS",
        "METRICS_TOKEN",
        "OUTGOING_ALLOW",
        "OUTGOING_PROXY",
        "REDIS_URL",
        "STATIC_ROOT",
        "TRUSTED_PROXIES",
    }
)
_READY_WITHIN: Final = 90.0
_STEP_WITHIN: Final = 120.0
_ENDED_WITHIN: Final = 10.0
_GLANCE: Final = 0.1


class DemoError(Exception):
    """The demo cannot go on; the text says why and what to do."""


class Ended(Exception):  # noqa: N818 -- not an error: somebody pressed Ctrl-C
    """Somebody asked for the end before everything was up."""


def say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Port:
    """A port, what it is for, and the variable that chooses another."""

    purpose: str
    variable: str
    number: int

    def claim(self) -> None:
        """Refuse with advice where somebody else listens, under either address of this machine."""
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            try:
                with socket.socket(family) as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind((address, self.number))
            except OSError as error:
                if family is socket.AF_INET6 and error.errno != errno.EADDRINUSE:
                    continue  # a machine without IPv6
                raise DemoError(
                    f"Port {self.number} is no use for {self.purpose}: {os.strerror(error.errno or 0)}.\n"
                    f"Choose another one:\n    {self.variable}={self.number + 100} make demo"
                ) from error


@dataclass(frozen=True, slots=True)
class Ports:
    lms: Port
    tool: Port
    mail: Port
    smtp: Port

    @classmethod
    def chosen(cls, environment: Mapping[str, str]) -> Self:
        def port(purpose: str, variable: str, usual: int) -> Port:
            wanted = environment.get(variable, "").strip() or str(usual)
            if not wanted.isdecimal() or not 0 < int(wanted) < 2**16:
                raise DemoError(f"{variable} must be a port number, not “{wanted}”.")
            return Port(purpose, variable, int(wanted))

        ports = cls(
            lms=port("the practice LMS", "DEMO_LMS_PORT", 8000),
            tool=port("Foyer", "DEMO_TOOL_PORT", 8001),
            mail=port("the mailbox page", "DEMO_MAIL_PORT", 8002),
            smtp=port("the mail server", "DEMO_SMTP_PORT", 8025),
        )
        if len({one.number for one in ports.all}) < len(ports.all):
            raise DemoError(
                "Four different ports are needed: " + ", ".join(one.variable for one in ports.all)
            )
        return ports

    @property
    def all(self) -> tuple[Port, ...]:
        return (self.lms, self.tool, self.mail, self.smtp)


class Demo:
    """Everything that runs, and how it ends: together."""

    def __init__(self, *, ports: Ports, state: Path, root: Path) -> None:
        self._ports = ports
        self._root = root
        self._state = state
        self._ending = threading.Event()
        self._log = state / "foyer.log"
        self._tool: subprocess.Popen[bytes] | None = None
        self.tool_url = f"http://127.0.0.1:{ports.tool.number}"

    def run(self) -> None:
        """Until somebody asks for the end; DemoError when it cannot start, or when a part of it died."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._end)
        for port in self._ports.all:
            port.claim()
        self._state.joinpath("keys").mkdir(parents=True, exist_ok=True)
        self._state.joinpath(".gitignore").write_text("*\n")
        lms = RunningLms(tool_url=self.tool_url, host="localhost", port=self._ports.lms.number)
        with lms, RunningMailbox(port=self._ports.mail.number, smtp_port=self._ports.smtp.number) as mailbox:
            say(f"  The practice LMS runs        {lms.origin}")
            say(f"  The mailbox runs             {mailbox.origin}, mail on port {mailbox.smtp_port}")
            try:
                self._prepare(lms)
                self._start_tool()
                self._wait_until_ready()
                self._explain(lms, mailbox)
                self._watch(lms, mailbox)
            except Ended:
                say()
            finally:
                self._stop_tool()
        say("Everything has ended.")

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._ending.set()

    def _pause(self) -> None:
        if self._ending.wait(_GLANCE):
            raise Ended

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        return inherited | {
            "SECRET_KEY": self._kept("secret-key", 48),
            "PUBLIC_URL": self.tool_url,
            "EMAIL_URL": f"smtp://127.0.0.1:{self._ports.smtp.number}",
            "DEFAULT_FROM_EMAIL": "Foyer <foyer@campus.example>",
            "DATABASE_URL": f"sqlite:///{quote(str(self._state / 'foyer.sqlite3'))}",
            "KEYS_DIR": str(self._state / "keys"),
            "ALLOW_LOOPBACK_PLATFORMS": "on",
            "NO_PROXY": "localhost,127.0.0.1",
            "no_proxy": "localhost,127.0.0.1",
            "PYTHONUNBUFFERED": "1",
            "DEMO_OPERATOR": OPERATOR,
            "DEMO_PASSWORD": self._kept("operator-password", 9),
        }

    def _kept(self, name: str, size: int) -> str:
        """A secret of this demo, made once and readable by its owner alone."""
        file = self._state / name
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(size))
        return file.read_text()

    def _prepare(self, lms: RunningLms) -> None:
        self._manage("The database is prepared", "migrate", "--no-input")
        self._manage("An operator may sign in", "shell", "--command", _OPERATOR_SCRIPT)
        options = lms.registration.options(deployment_ids=(FIRST_DEPLOYMENT,))
        self._manage(
            "The LMS is registered", "register_platform", "--update", "--name=Practice LMS", *options
        )

    def _manage(self, done: str, command: str, *arguments: str) -> None:
        """One command of Foyer's; what it has to say is shown only if it fails."""
        with (self._state / f"{command}.log").open("w+b") as output:
            process = self._spawn(["manage.py", command, *arguments], output=output)
            until = time.monotonic() + _STEP_WITHIN
            try:
                while process.poll() is None and time.monotonic() < until:
                    self._pause()
            finally:
                _stop(process)
        if process.returncode:
            raise DemoError(f"`manage.py {command}` failed:\n{_tail(self._state / f'{command}.log')}")
        say(f"  {done:<28} manage.py {command}")

    def _start_tool(self) -> None:
        uvicorn = ["uvicorn", "config.asgi:application", "--host=127.0.0.1", "--no-access-log"]
        # Open sockets of rooms would hold it up for as long as somebody looks at them.
        uvicorn += [f"--port={self._ports.tool.number}", "--timeout-graceful-shutdown=3"]
        uvicorn += ["--ws=config.sockets:ReadyFrames", "--ws-per-message-deflate=false"]
        with self._log.open("wb") as output:
            arguments = ["-m", "practice_lms.leash", *uvicorn]
            self._tool = self._spawn(arguments, output=output)

    def _spawn(self, arguments: list[str], *, output: BinaryIO) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C reaches this process alone, which then ends the others in order. The
        # pipe is the leash: however this process ends, the child reads the end of it.
        return subprocess.Popen(  # noqa: S603 -- this Python, and arguments from this file
            [sys.executable, *arguments],
            cwd=self._root,
            env=self._environment(),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + _READY_WITHIN
        while not _answers(f"{self.tool_url}/readyz"):
            self._check_tool()
            if time.monotonic() > until:
                raise DemoError(f"Foyer is not ready after {_READY_WITHIN:.0f} seconds:\n{_tail(self._log)}")
            self._pause()
        say(f"  Foyer runs                   {self.tool_url}, its log is {_shown(self._log)}")

    def _watch(self, lms: RunningLms, mailbox: RunningMailbox) -> None:
        while True:
            self._check_tool()
            for name, part in (("The practice LMS", lms), ("The mailbox", mailbox)):
                if not part.is_alive:
                    raise DemoError(f"{name} has died.")
            self._pause()

    def _check_tool(self) -> None:
        code = None if self._tool is None else self._tool.poll()
        if code is not None:
            raise DemoError(f"Foyer has died (exit code {code}):\n{_tail(self._log)}")

    def _stop_tool(self) -> None:
        if self._tool is not None:
            _stop(self._tool)

    def _explain(self, lms: RunningLms, mailbox: RunningMailbox) -> None:
        password = self._kept("operator-password", 9)
        say(
            textwrap.dedent(f"""
            Ready. Open the course page:

                {lms.origin}/

              1. Beside {INSTRUCTOR.name} (instructor) choose “Open in the page”. Foyer opens in
                 “{SEMINAR_ROOM.title}”; make a room there that starts in a minute or two.
              2. In the room's menu ⋯ choose “Invite users”, and invite anybody at all by mail.
              3. The mail arrives in the mailbox: {mailbox.origin}/
                 Open its link in a private window: that is the guest, with lobby and countdown.
              4. Open the same link of the course as {LEARNER.name}: a learner cannot invite.
              5. “Add from Foyer” is the course's content picker, “Copy this course” makes next term's, and
                 “Security settings” withhold names, addresses and courses.
              6. “Tools” registers Foyer once more, by itself: the operator makes the address for it at
                 {self.tool_url}/admin/config/tab/registrations

            Operators sign in at {self.tool_url}/operator/ as “{OPERATOR}” with “{password}”.
            What the demo keeps is in {_shown(self._state)}; delete that folder to start anew.
            Ctrl-C ends everything.
            """)
        )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Gently, then firmly, with everything that it may have started itself."""
    if process.stdin is not None:
        process.stdin.close()
    if process.poll() is None:
        _signal_group(process, signal.SIGTERM)
    try:
        process.wait(_ENDED_WITHIN)
    except subprocess.TimeoutExpired:
        _signal_group(process, signal.SIGKILL)
        process.wait()
    _signal_group(process, signal.SIGKILL)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-25:]
    return textwrap.indent("\n".join(lines) or "(it said nothing)", "    ")


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def main(root: Path = ROOT) -> int:
    say("Foyer's demo: the tool, a practice LMS and a mailbox, all on this machine.\n")
    try:
        state = Path(os.environ.get("DEMO_DIR") or root / ".demo").resolve()
        Demo(ports=Ports.chosen(os.environ), state=state, root=root).run()
    except DemoError as error:
        say(f"\n{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
