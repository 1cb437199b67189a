"""Run a command beside a PostgreSQL and a Redis of its own: `services.py pytest -n 2`.

Both listen on free loopback ports, keep everything in a temporary directory, and end with the command,
however it ends. The command finds them through DATABASE_URL and REDIS_URL, as in production.
PostgreSQL keeps nothing through a crash, which is faster, unless SERVICES_DURABLE is set.
The command's role owns its database, may make others, and is no superuser: as in production.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

READY_WITHIN = 30.0  # seconds
PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def find(program: str) -> str:
    """PostgreSQL's server programs stand outside PATH on Debian and its kin."""
    beside = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
    found = shutil.which(program) or (str(beside[-1]) if beside else None)
    if found is None:
        sys.exit(f"{program} was not found. `make tools` installs what tests need.")
    return found


def unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root; as anybody else we stay who we are."""
    return "nobody" if os.geteuid() == 0 else None


def end_with_parent() -> None:
    """Ask Linux to end this child should its parent be killed outright."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


@contextmanager
def server(*command: str, port: int, log: Path) -> Iterator[None]:
    """Run a server until the block ends; it is ready when its port answers."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=unprivileged_user(),
            start_new_session=True,  # Ctrl-C reaches the command first, and the servers through us
            preexec_fn=end_with_parent,  # noqa: PLW1509 - one thread only, and nothing else survives SIGKILL
        )
    try:
        deadline = time.monotonic() + READY_WITHIN
        while process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            sys.exit(f"{command[0]} did not start:\n{log.read_text(errors='replace')}")
        yield
    finally:
        process.send_signal(signal.SIGINT)  # a fast and clean end, for both servers
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """Give a directory that belongs to whom the servers run as."""
    with tempfile.TemporaryDirectory(prefix="foyer-services-") as name:
        user = unprivileged_user()
        if user is not None:
            entry = pwd.getpwnam(user)
            os.chown(name, entry.pw_uid, entry.pw_gid)
        yield Path(name)


@contextmanager
def postgres(directory: Path) -> Iterator[str]:
    data = directory / "postgres"
    subprocess.run(
        [find("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=directory,
        user=unprivileged_user(),
    )
    subprocess.run(  # before anything listens, and one statement a line
        [find("postgres"), "--single", "-D", data, "postgres"],
        input=b"CREATE ROLE foyer LOGIN CREATEDB\nCREATE DATABASE work OWNER foyer\n",
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=directory,
        user=unprivileged_user(),
    )
    port = free_port()
    hasty = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
    fast = () if os.environ.get("SERVICES_DURABLE") else hasty
    quiet = (
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "unix_socket_directories=",
        "-c",
        "max_connections=300",
    )
    command = (find("postgres"), "-D", str(data), "-p", str(port), *fast, *quiet)
    with server(*command, port=port, log=directory / "postgres.log"):
        yield f"postgresql://foyer@127.0.0.1:{port}/work"


@contextmanager
def redis(directory: Path) -> Iterator[str]:
    port = free_port()
    nothing_kept = ("--save", "", "--appendonly", "no", "--dir", str(directory))
    command = (find("redis-server"), "--bind", "127.0.0.1", "--port", str(port), *nothing_kept)
    with server(*command, port=port, log=directory / "redis.log"):
        yield f"redis://127.0.0.1:{port}/0"


def leave(number: int, _frame: FrameType | None) -> None:
    """Turn a signal into an exit, so that every `finally` above runs."""
    sys.exit(128 + number)


def main(command: list[str]) -> int:
    if not command:
        sys.exit(f"usage: {sys.argv[0]} COMMAND [ARGUMENT ...]")
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, leave)
    with ExitStack() as running:
        directory = running.enter_context(temporary_directory())
        urls = {
            "DATABASE_URL": running.enter_context(postgres(directory)),
            "REDIS_URL": running.enter_context(redis(directory)),
        }
        process = subprocess.Popen(command, env={**os.environ, **urls})
        try:
            while True:
                try:
                    return process.wait()
                except KeyboardInterrupt:  # the command has it too, and ends in its own time
                    continue
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
