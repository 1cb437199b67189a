"""Servers for the benchmark, and what they use."""

import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def pinned(core: int) -> Callable[[], None]:
    """For a child: stay on this core."""
    return lambda: os.sched_setaffinity(0, {core})


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Until it answers."""
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not start")


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / TICK


def pss_of(pid: int) -> int:
    """The memory that is its own, in KiB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def _user() -> str | None:
    """PostgreSQL refuses to run as root."""
    return "nobody" if os.geteuid() == 0 else None


def _program(name: str) -> str:
    beside = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(beside[-1]) if beside else name


@contextmanager
def _server(
    command: list[str], port: int, *, core: int | None, log: Path, user: str | None = None
) -> Iterator[int]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            user=user,
            cwd=log.parent,
            preexec_fn=pinned(core) if core is not None else None,  # noqa: PLW1509 - one thread only
        )
    try:
        wait_for_port(port, process)
        yield process.pid
    finally:
        process.send_signal(signal.SIGINT)  # PostgreSQL: without waiting for those who are connected
        process.wait(20)


@contextmanager
def redis_server(directory: Path, *, core: int | None) -> Iterator[tuple[str, int]]:
    """A Redis; gives its address and process."""
    port = free_port()
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with _server(command, port, core=core, log=directory / "redis.log") as pid:
        yield f"redis://127.0.0.1:{port}/0", pid


@contextmanager
def postgres(directory: Path, *, core: int | None) -> Iterator[str]:
    """A PostgreSQL that keeps what it has confirmed: every setting of durability as it comes."""
    data = directory / "postgres"
    data.mkdir()
    user = _user()
    if user:
        owner = pwd.getpwnam(user)
        os.chown(data, owner.pw_uid, owner.pw_gid)
    begin = [
        _program("initdb"),
        "-D",
        str(data),
        "-U",
        "foyer",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
    ]
    subprocess.run(begin, check=True, stdout=subprocess.DEVNULL, cwd=data, user=user)
    port = free_port()
    options = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=100"]
    command = [_program("postgres"), "-D", str(data), "-p", str(port)]
    command += [part for option in options for part in ("-c", option)]
    with _server(command, port, core=core, log=directory / "postgres.log", user=user):
        yield f"postgresql://foyer@127.0.0.1:{port}/postgres"
