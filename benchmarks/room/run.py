"""A room of thousands, beside socket.io. `README.md` here says how to run and read it.

Foyer's socket process (or the peer's) and Redis share core 0. The crowd (`load.c`) has core 1; PostgreSQL,
where it is used, runs there too. All our guests hold passes and are asked of the database who they are; what
they say is stored.
"""

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from benchmarks.room.parts import cpu_of, free_port, pinned, postgres, pss_of, redis_server, wait_for_port

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).resolve().parent
SERVER_CORE, OUR_CORE = 0, 1
ORIGIN = "https://foyer.example.edu"
FIRST = 100  # sockets that are there before memory is looked at


@dataclass
class Crowd:
    """`load.c`, and what it answers."""

    process: "subprocess.Popen[str]"

    def ask(self, command: str) -> dict[str, Any]:
        """Have it do something; waits for the answer."""
        self.tell(command)
        return self.answer()

    def tell(self, command: str) -> None:
        """Have it begin something."""
        assert self.process.stdin  # noqa: S101 - it is a pipe
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """What came of it."""
        assert self.process.stdout  # noqa: S101 - it is a pipe
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found


@contextmanager
def crowd(program: Path, *arguments: object) -> Iterator[Crowd]:
    """Clients that stay until the block ends."""
    process = subprocess.Popen(
        [str(program), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=pinned(OUR_CORE),  # noqa: PLW1509 - this program has no threads
    )
    try:
        yield Crowd(process)
    finally:
        process.kill()
        process.wait()


@contextmanager
def running(
    command: list[str], port: int, *, core: int | None = SERVER_CORE, log: IO[bytes], **environment: str
) -> Iterator[int]:
    """A server, until the block ends."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=log,
        stderr=log,
        preexec_fn=pinned(core) if core is not None else None,  # noqa: PLW1509 - as above
    )
    try:
        wait_for_port(port, process)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Stage:
    """Foyer's side: a session with guests who hold passes."""

    def __init__(self, directory: Path, size: int) -> None:
        from django.utils import timezone  # noqa: PLC0415 - Django is set up by now

        from lti_tool.identity import hash_secret  # noqa: PLC0415
        from lti_tool.models import Platform, Tenant  # noqa: PLC0415
        from rooms.models import Entry, Guest, Participant, Pass  # noqa: PLC0415

        platform = Platform.objects.create(
            issuer=f"https://lms{secrets.token_hex(4)}.example",
            client_id=secrets.token_hex(4),
            state=Platform.State.ACTIVE,
        )
        tenant = Tenant.objects.create(platform=platform)
        self.starts_at = timezone.now() + timedelta(hours=1)
        until = timezone.now() + timedelta(hours=9)
        entry = Entry.objects.create(
            tenant=tenant, title="Guest lecture", starts_at=self.starts_at, ends_at=until
        )
        guests = [
            Guest(tenant=tenant, email=f"g{n}@example.org", normalised_email=f"g{n}@example.org",
                  first_name="Guest", last_name=f"Number{n}")
            for n in range(size)
        ]  # fmt: skip
        Guest.objects.bulk_create(guests, batch_size=500)
        people = [
            Participant(entry=entry, guest=each, granted_role="viewer", granted_until=until)
            for each in guests
        ]
        Participant.objects.bulk_create(people, batch_size=500)
        held = [secrets.token_urlsafe(32) for _ in people]
        Pass.objects.bulk_create(
            [
                Pass(participant=each, secret_hash=hash_secret(secret))
                for each, secret in zip(people, held, strict=True)
            ],
            batch_size=500,
        )
        self.entry_id = entry.pk
        self.path = f"/media/{entry.pk}/socket/"
        self.cookies = directory / f"cookies-{size}"
        self.cookies.write_text("".join(f"foyer-pass={each}\n" for each in held))
        self.first = directory / f"first-{size}"
        self.first.write_text("".join(f"foyer-pass={each}\n" for each in held[-FIRST:]))

    def open_in(self, seconds: float) -> float:
        """Have the doors open by the clock; gives when."""
        from django.utils import timezone  # noqa: PLC0415

        from rooms.broadcast import announce  # noqa: PLC0415
        from rooms.events import DoorsChanged  # noqa: PLC0415
        from rooms.models import Entry  # noqa: PLC0415

        at = timezone.now() + timedelta(seconds=seconds)
        Entry.objects.filter(pk=self.entry_id).update(starts_at=at)
        announce(DoorsChanged(self.entry_id))
        return at.timestamp()

    def attendance(self) -> int:
        """How many are noted to be inside."""
        from rooms.models import Visit  # noqa: PLC0415

        visits = Visit.objects.filter(participant__entry_id=self.entry_id, left_at__isnull=True)
        return visits.values("participant").distinct().count()


def measure(
    name: str, crowd_: Crowd, *, server: int, redis: int, size: int, windows: list[int], seconds: float
) -> dict[str, Any]:
    """Deliveries for each second of CPU, and how long one message takes."""
    found: dict[str, Any] = {"target": name, "size": size}
    for window in windows:
        before, began = (cpu_of(server), cpu_of(redis)), time.monotonic()
        driven = crowd_.ask(f"drive {window} {seconds}")
        wall = time.monotonic() - began
        used = cpu_of(server) - before[0] + cpu_of(redis) - before[1]
        total = driven["messages"] * size
        found[f"W{window}"] = {
            "per_second": round(driven["deliveries"] / driven["seconds"]),
            "per_cpu_second": round(total / used) if used else 0,
            "cpu_share": round(used / wall, 2),
            "us": round(used / total * 1e6, 2) if total else 0,
            "messages": driven["messages"],
            "refused": driven["refused"],
        }
    paced = crowd_.ask("pace 2 8")
    found["latency_ms"] = [round(paced["median"] * 1000, 1), round(paced["worst"] * 1000, 1)]
    return found


def foyer(
    options: argparse.Namespace, directory: Path, redis_url: str, redis: int, program: Path, size: int
) -> dict[str, Any]:
    """One turn of ours: waiting, the doors, the room."""
    stage = Stage(directory, size + FIRST)
    port = free_port()
    command = [
        *(sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(port)),
        *("--no-access-log", "--log-level", "warning", "--no-proxy-headers"),
        *("--ws-per-message-deflate", "false", "--ws-max-size", "65536", "--ws-ping-interval", "30"),
        *(("--ws", "config.sockets:ReadyFrames") if not options.portable else ()),
    ]
    with ExitStack() as stack:
        log = stack.enter_context((directory / "foyer.log").open("ab"))
        server = stack.enter_context(running(command, port, log=log, REDIS_URL=redis_url))
        first = stack.enter_context(crowd(program, port, "foyer", FIRST, stage.path, ORIGIN, stage.first))
        first.ask("join")
        time.sleep(2)
        before = pss_of(server)
        clients = stack.enter_context(crowd(program, port, "foyer", size, stage.path, ORIGIN, stage.cookies))
        joined = clients.ask("join")
        time.sleep(3)
        found: dict[str, Any] = {"joined": joined, "kib": round((pss_of(server) - before) / size, 1)}
        if options.idle:
            began, used = time.monotonic(), cpu_of(server)
            clients.ask(f"idle {options.idle}")
            found["idle"] = round((cpu_of(server) - used) / (time.monotonic() - began), 4)
        clients.tell('hear "welcome" 60')
        opened = stage.open_in(3)
        inside = clients.answer()
        found["let_in"] = {
            "all": inside["heard"],
            "half": round(inside["half"] - opened, 3),
            "last": round(inside["last"] - opened, 3),
        }
        clients.ask("idle 2")
        found["let_in"]["attendance"] = stage.attendance()
        if options.windows:
            name = "foyer-portable" if options.portable else "foyer"
            found |= measure(
                name,
                clients,
                server=server,
                redis=redis,
                size=size,
                windows=options.windows,
                seconds=options.seconds,
            )
        found["dropped"] = clients.ask("dropped")["dropped"]
    return found


def peer(
    options: argparse.Namespace, directory: Path, redis_url: str, redis: int, program: Path, size: int
) -> dict[str, Any]:
    """One turn of socket.io."""
    port = free_port()
    node = [shutil.which("node") or "node", str(directory / "peer" / "server.js"), str(port), redis_url]
    path = "/socket.io/?EIO=4&transport=websocket"
    with ExitStack() as stack:
        log = stack.enter_context((directory / "peer.log").open("ab"))
        server = stack.enter_context(running(node, port, log=log))
        first = stack.enter_context(crowd(program, port, "socketio", FIRST, path, ORIGIN))
        first.ask("join")
        time.sleep(1)
        before = pss_of(server)
        clients = stack.enter_context(crowd(program, port, "socketio", size, path, ORIGIN))
        found: dict[str, Any] = {"joined": clients.ask("join")}
        time.sleep(2)
        found["kib"] = round((pss_of(server) - before) / size, 1)
        if options.idle:
            began, used = time.monotonic(), cpu_of(server)
            clients.ask(f"idle {options.idle}")
            found["idle"] = round((cpu_of(server) - used) / (time.monotonic() - began), 4)
        return found | measure(
            "socket.io",
            clients,
            server=server,
            redis=redis,
            size=size,
            windows=options.windows,
            seconds=options.seconds,
        )


def rush(
    options: argparse.Namespace, directory: Path, redis_url: str, program: Path, size: int
) -> dict[str, Any]:
    """Where sockets are blocked: all reload the page at once, two processes on two cores."""
    stage = Stage(directory, size + FIRST)
    stage.open_in(-1)
    port = free_port()
    command = [
        *(
            sys.executable,
            "-m",
            "granian",
            "config.wsgi:application",
            "--interface",
            "wsgi",
            "--port",
            str(port),
        ),
        *("--workers", "2", "--blocking-threads", "4", "--no-access-log", "--log-level", "warning"),
    ]
    with ExitStack() as stack:
        log = stack.enter_context((directory / "pages.log").open("ab"))
        stack.enter_context(running(command, port, core=None, log=log, REDIS_URL=redis_url))
        asked = [str(program), str(port), stage.path.removesuffix("socket/")]
        subprocess.run(
            [*asked, str(stage.first), "0"], check=True, capture_output=True
        )  # a server is warm by then
        done = subprocess.run(
            [*asked, str(stage.cookies), str(options.spread)], check=True, capture_output=True, text=True
        )
        found: dict[str, Any] = json.loads(done.stdout)
        found["attendance"] = stage.attendance()
        return found


def main() -> None:
    """Run what was asked for; one line of JSON for each turn."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=["postgres", "sqlite"], default="postgres")
    parser.add_argument("--sizes", default="1000,5000")
    parser.add_argument("--targets", default="foyer,socket.io")
    parser.add_argument("--windows", default="1,4,32")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--idle", type=float, default=0)
    parser.add_argument("--spread", type=float, default=0)
    parser.add_argument("--portable", action="store_true")
    options = parser.parse_args()
    options.windows = [int(each) for each in options.windows.split(",") if each]
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="foyer-room-")))
        directory.chmod(0o755)
        crowd_program, reload_program = directory / "load", directory / "reload"
        for each in (crowd_program, reload_program):
            source = str(HERE / f"{each.name}.c")
            subprocess.run(["cc", "-O2", "-o", str(each), source], check=True)  # noqa: S607
        if "socket.io" in options.targets:
            shutil.copytree(HERE / "peer", directory / "peer")
            subprocess.run(["npm", "ci", "--silent"], check=True, cwd=directory / "peer")  # noqa: S607
        is_pinned = options.targets != "rush"  # a rush has both cores, for everything
        redis_core, database_core = (SERVER_CORE, OUR_CORE) if is_pinned else (None, None)
        redis_url, redis = stack.enter_context(redis_server(directory, core=redis_core))
        database = (
            stack.enter_context(postgres(directory, core=database_core))
            if options.database == "postgres"
            else f"sqlite:///{directory}/foyer.sqlite3"
        )
        os.environ |= {
            "SECRET_KEY": "benchmark",
            "PUBLIC_URL": ORIGIN,
            "EMAIL_URL": "dummy://",
            "KEYS_DIR": f"{directory}/keys",
            "DATABASE_URL": database,
            "REDIS_URL": redis_url,
            "LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, check=True)
        import django  # noqa: PLC0415 - its settings are read from what is set just above

        django.setup()
        for turn in range(options.rounds):
            for size in map(int, options.sizes.split(",")):
                for target in options.targets.split(","):
                    parts = (options, directory, redis_url)
                    if target == "rush":
                        found = rush(*parts, reload_program, size)
                    else:
                        found = (foyer if target == "foyer" else peer)(*parts, redis, crowd_program, size)
                    load = round(os.getloadavg()[0], 1)
                    print(
                        json.dumps({"turn": turn, "target": target, "size": size, "load": load, **found}),
                        flush=True,
                    )
        for log in directory.glob("*.log"):
            text = log.read_text(errors="replace")
            if "Traceback" in text or "ERROR" in text:
                print(f"--- {log.name}\n{text[-3000:]}", file=sys.stderr)


if __name__ == "__main__":
    main()
