"""From the lobby's form to the pass, beside the same statements by pgbench: see `README.md`.

The server and a durable PostgreSQL share one core; this program, or pgbench, has another.
"""

import argparse
import itertools
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.parse import urlencode, urlsplit

import psycopg

from benchmarks.launch.run import (
    OUR_CORE,
    PUBLIC_HOST,
    ROOT,
    SERVER_CORE,
    Target,
    cpu_of,
    parent_of_backend,
    pin,
    running,
)
from benchmarks.redeem.seed import email_of, id_of
from invites.links import LinkClaim, form_key, make_token

KEY = b"benchmark-link-key"


@dataclass
class Case:
    """Who knocks where. `link` maps the number of a knock, and of the client, to a link."""

    name: str
    clients: int
    word: str
    link: Callable[[int, int], int]
    script: str
    links: int = 1
    rates: dict[str, list[float]] = field(default_factory=lambda: {"foyer": [], "pgbench": []})
    cpu: dict[str, list[float]] = field(default_factory=lambda: {"foyer": [], "pgbench": []})
    times: list[float] = field(default_factory=list)
    numbers: "Iterator[int]" = field(default_factory=itertools.count)


def cases(clients: int) -> list[Case]:
    """All of them."""
    return [
        Case("a link for one device, each its own", 1, "single", lambda knock, _client: knock, "single"),
        Case("a link for 1,000 devices", 1, "thousand", lambda knock, _client: knock // 1000, "shared"),
        Case("a link for any number", 1, "unlimited", lambda _knock, _client: 0, "shared"),
        Case(
            f"{clients} at once, one link for any number",
            clients,
            "unlimited",
            lambda _knock, _client: 1,
            "shared",
        ),
        Case(
            f"{clients} at once, {clients} such links",
            clients,
            "unlimited",
            lambda _knock, client: 2 + client,
            "shared",
            links=clients,
        ),
    ]


# --- Foyer ----------------------------------------------------------------------------------------------


class KnockError(RuntimeError):
    """A device was not let in."""


class Browser:
    """Fresh devices, one after the other, through a proxy that keeps its connection."""

    def __init__(self, port: int) -> None:
        self.line = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def knock(self, word: str, link: int) -> float:
        """Post the lobby's form as a device that has looked at it; how long the pass took, in seconds."""
        token = make_token(LinkClaim(id_of(word, link), 1), key=KEY)
        device = f"{random.getrandbits(256):x}".rjust(43, "0")[:43]
        body = urlencode({"key": form_key(device, token), "email": email_of(word, link)})
        head = (
            f"POST /join/{token} HTTP/1.1\r\nHost: {PUBLIC_HOST}\r\nX-Forwarded-Proto: https\r\n"
            "X-Forwarded-For: 203.0.113.7\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) benchmark\r\n"
            "Accept: text/html\r\nAccept-Language: en-US,en;q=0.9\r\nOrigin: null\r\n"
            f"Cookie: foyer-device={device}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        message = (head + body).encode()
        began = time.perf_counter()
        self.line.sendall(message)
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = self.line.recv(65536)
            if not more:
                raise KnockError("the server hung up")
            answer += more
        took = time.perf_counter() - began
        if not answer.startswith(b"HTTP/1.1 303") or b"foyer-pass=" not in answer:
            raise KnockError(answer[:400])
        return took


def knock_for(case: Case, port: int, seconds: float) -> float:
    """Let the case's clients knock for a while; passes a second."""
    until, lock = time.monotonic() + seconds, threading.Lock()
    times: list[float] = []
    errors: list[Exception] = []

    def work(client: int) -> None:
        try:
            browser, mine = Browser(port), []
            while time.monotonic() < until:
                with lock:
                    number = next(case.numbers)
                mine.append(browser.knock(case.word, case.link(number, client)))
            times.extend(mine)
        except (OSError, KnockError) as error:
            errors.append(error)

    began = time.monotonic()
    threads = [threading.Thread(target=work, args=(client,)) for client in range(case.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise SystemExit(f"{case.name}: {errors[0]}")
    case.times += times
    return len(times) / (time.monotonic() - began)


# --- pgbench --------------------------------------------------------------------------------------------


@dataclass
class Pgbench:
    """The same statements, prepared, from the core that otherwise knocks."""

    program: str
    url: str
    folder: Path
    done: int = 0

    def run(self, case: Case, seconds: float) -> float:
        """Transactions a second."""
        command = [
            *(self.program, "-n", "-M", "prepared", "-T", str(max(1, round(seconds)))),
            *("-c", str(case.clients), "-f", str(self.folder / f"{case.script}.sql")),
            *("-D", f"i={self.done}", "-D", f"links={case.links}", self.url),
        ]
        said = subprocess.run(command, check=True, capture_output=True, text=True)
        failed = re.search(r"number of failed transactions: (\d+)", said.stdout)
        if failed and int(failed[1]):
            raise SystemExit(said.stdout + said.stderr)
        self.done += _number(r"transactions actually processed: (\d+)", said.stdout)
        return float(_found(r"tps = ([\d.]+)", said.stdout))


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(text)
    return found[1]


def _number(pattern: str, text: str) -> int:
    return int(_found(pattern, text))


def find_pgbench() -> str:
    """It stands beside the server, outside PATH on Debian and its kin."""
    beside = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    found = shutil.which("pgbench") or (str(beside[-1]) if beside else "")
    return found or sys.exit("no pgbench")


# --- The run ----------------------------------------------------------------------------------------------


def foyer(folder: Path, url: str) -> Target:
    """As in `deploy/`, on one core."""
    environment = {
        "SECRET_KEY": "benchmark",
        "LINK_KEYS": KEY.decode(),
        "PUBLIC_URL": f"https://{PUBLIC_HOST}",
        "EMAIL_URL": "dummy://",
        "KEYS_DIR": str(folder / "keys"),
        "DATABASE_URL": url,
        "REDIS_URL": os.environ["REDIS_URL"],
        "TRUSTED_PROXIES": "127.0.0.1",
        "LOG_LEVEL": "ERROR",
        "PYTHONPATH": str(ROOT),
    }
    granian = ["granian", "config.wsgi:application", "--interface", "wsgi", "--host", "127.0.0.1"]
    threads = ["--workers", "2", "--blocking-threads", "4", "--no-access-log", "--log-level", "warning"]
    return Target(
        name="foyer",
        command=[sys.executable, "-m", *granian, "--port", "{port}", *threads],
        login="",
        launch="",
        host=PUBLIC_HOST,
        marker="",
        environment={**os.environ, **environment},
    )


def main() -> None:
    """Run all rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--clients", type=int, default=16, help="of the cases with many")
    options = parser.parse_args()
    os.sched_setaffinity(0, {OUR_CORE})
    admin = os.environ["DATABASE_URL"]
    demand_durable(admin)
    with psycopg.connect(admin, autocommit=True) as database:
        database.execute("DROP DATABASE IF EXISTS redeem")
        database.execute("CREATE DATABASE redeem")
    url = urlsplit(admin)._replace(path="/redeem").geturl()
    pin(parent_of_backend(admin), SERVER_CORE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        target = foyer(folder, url)
        seed = [sys.executable, "-m", "benchmarks.redeem.seed", name]
        subprocess.run(seed, check=True, cwd=ROOT, env=target.environment)
        pgbench = Pgbench(find_pgbench(), url, folder)
        every = cases(options.clients)
        with running(target):
            for case in every:  # everything is loaded and prepared
                measure(case, target, pgbench, 1.0)
                case.rates, case.cpu = {"foyer": [], "pgbench": []}, {"foyer": [], "pgbench": []}
                case.times = []
            for _round in range(options.rounds):
                tidy(url)
                for case in random.sample(every, len(every)):
                    measure(case, target, pgbench, options.seconds)
    report(every)


def measure(case: Case, target: Target, pgbench: Pgbench, seconds: float) -> None:
    """One slice of each, in either order."""
    runs: dict[str, Callable[[], float]] = {
        "foyer": lambda: knock_for(case, target.port, seconds),
        "pgbench": lambda: pgbench.run(case, seconds),
    }
    families = [target.pid, parent_of_backend(pgbench.url)]
    for name in random.sample(list(runs), len(runs)):
        before, began = sum(map(cpu_of, families)), time.monotonic()
        rate = runs[name]()
        used = sum(map(cpu_of, families)) - before
        case.rates[name].append(rate)
        case.cpu[name].append(1000 * used / (rate * (time.monotonic() - began)))


def tidy(url: str) -> None:
    """What autovacuum does in its own time: plans made for empty tables would be kept otherwise."""
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("VACUUM ANALYZE")


def demand_durable(url: str) -> None:
    """Go on only with a database that keeps what it has confirmed."""
    with psycopg.connect(url) as database:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            row = database.execute(f"SHOW {setting}").fetchone()
            if row is None or row[0] != "on":
                raise SystemExit(f"{setting} is off: start it with SERVICES_DURABLE=1")


def report(every: list[Case]) -> None:
    """Medians over the rounds; the ratio is the median of each round's."""
    print(
        "| case | foyer/s (min…max) | p50, p95 ms | pgbench/s (min…max) | ratio (min…max) "
        "| CPU ms: foyer, pgbench, ratio |"
    )
    print("|---|---|---|---|---|---|")
    for case in every:
        ours, theirs = case.rates["foyer"], case.rates["pgbench"]
        ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
        times = sorted(case.times)
        p50, p95 = (times[int(len(times) * part)] * 1000 for part in (0.5, 0.95))
        print(
            f"| {case.name} | {median(ours):.0f} ({min(ours):.0f}…{max(ours):.0f}) | {p50:.2f}, {p95:.2f} "
            f"| {median(theirs):.0f} ({min(theirs):.0f}…{max(theirs):.0f}) "
            f"| {median(ratios):.2f} ({min(ratios):.2f}…{max(ratios):.2f}) "
            f"| {(used := median(case.cpu['foyer'])):.2f}, {(least := median(case.cpu['pgbench'])):.2f}, "
            f"{least / used:.2f} |"
        )


if __name__ == "__main__":
    main()
