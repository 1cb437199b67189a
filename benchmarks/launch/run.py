"""CPU per launch, beside a PyLTI1p3 app in its README's shape. `README.md` here says how to run and read it.

A launch is: login initiation, the redirect parsed, a freshly signed token posted with that state, nonce and
cookie, redirects followed, the page read. The servers, PostgreSQL and Redis share one core; this program has
another.
"""

import argparse
import http.client
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.parse import parse_qs, urlencode, urlsplit

import psycopg
import redis

from benchmarks.launch.platform_side import CLIENT_ID, DEPLOYMENT, ISSUER, PlatformSide, new_person

ROOT = Path(__file__).resolve().parent.parent.parent
SERVER_CORE, OUR_CORE = 0, 1
PUBLIC_HOST = "foyer.example.edu"
TICK = os.sysconf("SC_CLK_TCK")


# --- Whose CPU --------------------------------------------------------------------------------------------


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a family has used, its dead children included."""
    ticks = 0
    for one in family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15] if one == pid else fields[11:13]))
    return ticks / TICK


def pin(pid: int, core: int) -> None:
    """Keep a family on one core."""
    for one in family(pid):
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                os.sched_setaffinity(int(task.name), {core})
        except OSError:
            continue  # it has ended


# --- The servers ------------------------------------------------------------------------------------------


@dataclass
class Target:
    """A tool under test."""

    name: str
    command: list[str]
    login: str
    launch: str
    host: str
    marker: str
    environment: dict[str, str]
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def pid(self) -> int:
        """The first process of the server."""
        assert self.process  # noqa: S101 - it was started
        return self.process.pid


def targets(database: dict[str, str], redis_url: str, names: list[str]) -> list[Target]:
    """All tools, not started."""
    foyer = {
        "SECRET_KEY": "benchmark",
        "PUBLIC_URL": f"https://{PUBLIC_HOST}",
        "EMAIL_URL": "dummy://",
        "KEYS_DIR": f"{database['DIRECTORY']}/keys",
        "DATABASE_URL": f"postgresql://foyer@127.0.0.1:{database['PORT']}/foyer",
        "REDIS_URL": redis_url,
        "TRUSTED_PROXIES": "127.0.0.1",
        "ALLOW_LOOPBACK_PLATFORMS": "1",
        "LOG_LEVEL": "WARNING",
    }
    reference = {
        "REFERENCE_DATABASE": "reference",
        "DATABASE_PORT": database["PORT"],
        "REDIS_URL": redis_url,
        "DJANGO_SETTINGS_MODULE": "",
    }
    python = [sys.executable, "-m"]
    sync = ["--workers", "2", "--log-level", "warning", "--bind", "127.0.0.1:{port}"]
    asgi = ["config.asgi:application", "--host", "127.0.0.1", "--port", "{port}", "--no-access-log"]
    quiet = ["--log-level", "warning", "--no-proxy-headers", "--ws-per-message-deflate", "false"]
    granian = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", "{port}", "--no-access-log"]

    def ours(name: str, *command: str) -> Target:
        return Target(
            name,
            [*python, *command],
            login="/lti/login/",
            launch="/lti/launch/",
            host=PUBLIC_HOST,
            marker="data-version",
            environment=foyer,
        )

    every = [
        Target(
            "reference",
            [*python, "gunicorn", "benchmarks.launch.reference:application", *sync],
            login="/login/",
            launch="/launch/",
            host="127.0.0.1",
            marker="Welcome",
            environment=reference,
        ),
        ours(
            "foyer",
            *("granian", "config.wsgi:application", *granian),
            *("--workers", "1", "--blocking-threads", "4", "--log-level", "warning"),
        ),
        ours("foyer-gunicorn", "gunicorn", "config.wsgi:application", *sync),
        ours("foyer-uvicorn", "uvicorn", *asgi, *quiet),
    ]
    for target in every:
        kind = reference if target.name == "reference" else foyer
        target.environment = {**os.environ, **kind}
    return [target for target in every if target.name in {"reference", *names}]


@contextmanager
def running(target: Target) -> Iterator[None]:
    """Serve a tool on the servers' core until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        target.port = probe.getsockname()[1]
    command = [part.format(port=target.port) for part in target.command]
    target.process = subprocess.Popen(
        command, cwd=ROOT, env=target.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    os.sched_setaffinity(target.process.pid, {SERVER_CORE})
    try:
        deadline = time.monotonic() + 60
        while True:
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", target.port)) == 0:
                    break
            if time.monotonic() > deadline or target.process.poll() is not None:
                raise SystemExit(f"{target.name} did not start")
            time.sleep(0.1)
        time.sleep(1)
        pin(target.process.pid, SERVER_CORE)
        yield
    finally:
        target.process.terminate()
        try:
            target.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            target.process.kill()
            target.process.wait()


# --- Launches ---------------------------------------------------------------------------------------------


class FlowError(RuntimeError):
    """A launch did not end at its page."""


@dataclass
class Generator:
    """One thread's browsers: it launches one person after the other."""

    target: Target
    platform: PlatformSide
    times: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    connection: http.client.HTTPConnection | None = None

    def launch(self, sub: str) -> None:
        """One launch up to its page."""
        target = self.target
        link = f"https://{target.host}{target.launch}"
        began = time.perf_counter()
        form = {
            "iss": ISSUER,
            "client_id": CLIENT_ID,
            "login_hint": sub,
            "lti_message_hint": "link-1",
            "lti_deployment_id": DEPLOYMENT,
            "target_link_uri": link,
        }
        jar: dict[str, str] = {}
        _status, location, _body = self.ask("POST", target.login, jar, form)
        query = parse_qs(urlsplit(location).query)
        token = self.platform.token(sub=sub, nonce=query["nonce"][0], target=link)
        answer = {"state": query["state"][0], "id_token": token}
        status, location, body = self.ask("POST", target.launch, jar, answer)
        while location:
            status, location, body = self.ask("GET", urlsplit(location).path, jar)
        if status != 200 or target.marker.encode() not in body:  # noqa: PLR2004
            raise FlowError(f"status {status}: {body[:300]!r}")
        self.times.append(time.perf_counter() - began)

    def ask(
        self, method: str, path: str, jar: dict[str, str], form: dict[str, str] | None = None
    ) -> tuple[int, str, bytes]:
        """One request; cookies are kept."""
        headers = {
            "Host": self.target.host,
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": "203.0.113.7",
            "Cookie": "; ".join(f"{name}={value}" for name, value in jar.items()),
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) benchmark",
            "Accept-Language": "en-US,en;q=0.9",
        }
        body = urlencode(form) if form else None
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.target.port, timeout=30)
        try:
            self.connection.request(method, path, body, headers)
            reply = self.connection.getresponse()
            text = reply.read()
        except (http.client.HTTPException, OSError):
            self.connection.close()
            self.connection = None
            raise
        if reply.will_close:
            self.connection.close()
            self.connection = None
        for line in reply.headers.get_all("Set-Cookie", []):
            name, _is, value = line.partition(";")[0].partition("=")
            jar[name] = value
        return reply.status, reply.headers.get("Location", ""), text


@dataclass
class Slice:
    """One target for a few seconds."""

    launches: int
    seconds: float
    app: float
    stores: float
    p50: float
    errors: list[str]

    @property
    def cpu(self) -> float:
        """Milliseconds of CPU for each launch: the tool, PostgreSQL and Redis."""
        return self.app + self.stores


def drive(
    target: Target,
    platform: PlatformSide,
    stores: list[int],
    *,
    people: list[str],
    seconds: float,
    at_once: int,
) -> Slice:
    """Launch for some seconds; an empty list of people means a new one each time."""
    generators = [Generator(target, platform) for _ in range(at_once)]
    until = time.monotonic() + seconds
    before = cpu_of(target.pid), sum(map(cpu_of, stores))
    began = time.monotonic()

    def work(number: int) -> None:
        mine = people[number::at_once]
        turn = 0
        while time.monotonic() < until:
            sub = mine[turn % len(mine)] if mine else new_person()
            turn += 1
            try:
                generators[number].launch(sub)
            except (FlowError, OSError, KeyError, http.client.HTTPException) as error:
                generators[number].errors.append(repr(error))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    times = sorted(time for generator in generators for time in generator.times)
    done = max(len(times), 1)
    app, stored = cpu_of(target.pid) - before[0], sum(map(cpu_of, stores)) - before[1]
    errors = [error for generator in generators for error in generator.errors]
    middle = median(times) * 1000 if times else 0.0
    return Slice(len(times), took, app / done * 1000, stored / done * 1000, middle, errors)


# --- The run ----------------------------------------------------------------------------------------------


def parent_of(pid: int) -> int:
    """Its parent's process id."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def main() -> None:
    """Run all rounds and print the table."""
    options = read_options()
    os.sched_setaffinity(0, {OUR_CORE})
    redis_url = os.environ["REDIS_URL"]
    cache = redis.Redis.from_url(redis_url)
    make_databases()
    server: dict[str, str] = cache.info("server")
    stores = [parent_of_backend(os.environ["DATABASE_URL"]), int(server["process_id"])]
    for pid in stores:
        pin(pid, SERVER_CORE)
    platform = PlatformSide()
    port = str(urlsplit(os.environ["DATABASE_URL"]).port)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        chosen = targets({"PORT": port, "DIRECTORY": folder}, redis_url, options.targets.split(","))
        seed(chosen, platform.serve_keys(), page=options.page)
        for target in chosen:
            stack.enter_context(running(target))
        bench = Bench(chosen, platform, stores, seconds=options.seconds, at_once=options.at_once)
        people = [new_person() for _ in range(options.people)]
        bench.warm_up(people)
        analyse()
        cases = options.cases.split(",")
        for _round in range(options.rounds):
            for case in random.sample(cases, len(cases)):
                bench.measure(case, people, cache)
    report(bench.results, chosen, cases)


def read_options() -> argparse.Namespace:
    """What the caller wants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--people", type=int, default=400, help="who launch again and again")
    parser.add_argument("--page", choices=["countdown", "room"], default="countdown")
    parser.add_argument("--cases", default="same,first,same-slow,first-slow")
    parser.add_argument("--targets", default="foyer", help="beside the reference; see targets()")
    return parser.parse_args()


def make_databases() -> None:
    """An empty one for each tool."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database:
        for name in ("foyer", "reference"):
            database.execute(f"DROP DATABASE IF EXISTS {name}")
            database.execute(f"CREATE DATABASE {name}")


def analyse() -> None:
    """Tell PostgreSQL how large the tables have become, as its own housekeeping would within a minute."""
    for name in ("foyer", "reference"):
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
        with psycopg.connect(url, autocommit=True) as database:
            database.execute("ANALYZE")


def seed(chosen: list[Target], jwks_url: str, *, page: str) -> None:
    """Fill both."""
    kinds = {target.name.partition("-")[0]: target for target in chosen}
    for kind, target in kinds.items():
        command = [sys.executable, "-m", "benchmarks.launch.seed", kind, jwks_url, page]
        subprocess.run(command, check=True, cwd=ROOT, env=target.environment)


@dataclass
class Bench:
    """The targets, and what was measured so far."""

    chosen: list[Target]
    platform: PlatformSide
    stores: list[int]
    seconds: float
    at_once: int
    results: dict[tuple[str, str], list[Slice]] = field(default_factory=dict)

    def warm_up(self, people: list[str]) -> None:
        """Let everything be loaded, and these people be known."""
        for target in self.chosen:
            warm = drive(target, self.platform, self.stores, people=people, seconds=2, at_once=self.at_once)
            if warm.errors:
                raise SystemExit(f"{target.name}: {warm.errors[0]}")
        first = Generator(next(one for one in self.chosen if one.name != "reference"), self.platform)
        for sub in people:
            first.launch(sub)

    def measure(self, case: str, people: list[str], cache: "redis.Redis") -> None:
        """One slice of each target, in shuffled order."""
        self.platform.delay = 0.05 if case.endswith("slow") else 0.0
        some = people if case.startswith("same") else []
        for target in random.sample(self.chosen, len(self.chosen)):
            cache.flushdb()  # so each slice fetches the platform's keys, from both
            took = drive(
                target, self.platform, self.stores, people=some, seconds=self.seconds, at_once=self.at_once
            )
            self.results.setdefault((case, target.name), []).append(took)


def parent_of_backend(url: str) -> int:
    """PostgreSQL's first process."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row  # noqa: S101
        return parent_of(int(row[0]))


def report(results: dict[tuple[str, str], list[Slice]], chosen: list[Target], cases: list[str]) -> None:
    """Medians over the rounds. Ratios are taken within a round, and their median has a 95 % interval."""
    cpu = "CPU ms a launch, median (min…max)"
    print(f"| case | target | {cpu} | tool + stores | ratio (95 %) | launches/s | p50 ms | errors |")
    print("|---|---|---|---|---|---|---|---|")
    for case in cases:
        base = results[case, "reference"]
        for target in chosen:
            mine = results[case, target.name]
            cpus = [one.cpu for one in mine]
            app, stored = median(one.app for one in mine), median(one.stores for one in mine)
            rate = median(one.launches / one.seconds for one in mine)
            errors = sum(len(one.errors) for one in mine)
            print(
                f"| {case} | {target.name} | {median(cpus):.2f} ({min(cpus):.2f}…{max(cpus):.2f}) "
                f"| {app:.2f} + {stored:.2f} | {ratio_of(mine, base)} "
                f"| {rate:.0f} | {median(one.p50 for one in mine):.1f} | {errors} |"
            )
            if errors:
                print(next(error for one in mine for error in one.errors), file=sys.stderr)
    for case in (case for case in cases if f"{case}-slow" in cases):
        for target in chosen:
            slow = ratio_of(results[f"{case}-slow", target.name], results[case, target.name])
            print(f"A slow key server makes of {case}, {target.name}: {slow}")


def ratio_of(mine: list[Slice], base: list[Slice]) -> str:
    """The median of the ratios of each round, and where 95 % of the medians of resampled rounds lie."""
    ratios = [one.cpu / other.cpu for one, other in zip(mine, base, strict=True)]
    medians = sorted(median(random.choices(ratios, k=len(ratios))) for _ in range(2000))  # noqa: S311 - no secret
    return f"{median(ratios):.2f} ({medians[50]:.2f}…{medians[1949]:.2f})"


if __name__ == "__main__":
    main()
