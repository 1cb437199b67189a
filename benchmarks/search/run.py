"""Suggestions over a campus of 100,000 people. `README.md` here says how to run and read it."""

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any


def configure(directory: Path, *, uses_sqlite: bool) -> None:
    """Settings as in production; SQLite in a directory of its own."""
    if uses_sqlite:
        os.environ["DATABASE_URL"] = f"sqlite:///{directory / 'search.sqlite3'}"
    os.environ.setdefault("SECRET_KEY", "benchmark-only-" + "0123456789abcdefghij" * 3)
    os.environ.setdefault("PUBLIC_URL", "https://foyer.example.edu")
    os.environ.setdefault("EMAIL_URL", "smtp://127.0.0.1:25")
    os.environ.setdefault("KEYS_DIR", str(directory))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"


class Clock:
    """Milliseconds of each call, and those of them that the database's driver had."""

    def __init__(self) -> None:
        self.whole: list[float] = []
        self.driver: list[float] = []
        self.questions: list[int] = []
        self._spent, self._asked = 0.0, 0

    def __call__(self, execute: Callable[..., Any], *arguments: object) -> object:
        started = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            self._spent += time.perf_counter() - started
            self._asked += 1

    def measure(self, do: Callable[[], object]) -> object:
        """Run it once; its answer."""
        self._spent, self._asked = 0.0, 0
        started = time.perf_counter()
        answer = do()
        self.whole.append((time.perf_counter() - started) * 1000)
        self.driver.append(self._spent * 1000)
        self.questions.append(self._asked)
        return answer


def spread(values: list[float]) -> str:
    """Median, 95th percentile and greatest, in milliseconds."""
    cut = quantiles(values, n=100)
    return f"{cut[49]:7.2f} {cut[94]:7.2f} {max(values):7.2f}"


def main() -> None:
    """Seed, ask, print."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--sqlite", action="store_true", help="a SQLite file instead of DATABASE_URL")
    arguments.add_argument("--people", type=int, default=100_000)
    arguments.add_argument("--guests", type=int, default=20_000)
    arguments.add_argument("--members", type=int, default=2_000)
    arguments.add_argument("--terms", type=int, default=800)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="foyer-search-") as name:
        configure(Path(name), uses_sqlite=options.sqlite)
        import django  # noqa: PLC0415 - the settings come first

        django.setup()
        measure(options)


def measure(options: argparse.Namespace) -> None:
    """One run on one database."""
    from django.core.management import call_command  # noqa: PLC0415 - as above
    from django.db import connection  # noqa: PLC0415

    from benchmarks.search.seed import seed, terms  # noqa: PLC0415
    from invites.models import ModuleSettings  # noqa: PLC0415
    from invites.queries import suggestions_for  # noqa: PLC0415
    from lti_tool.models import Person  # noqa: PLC0415
    from rooms.access import Viewer  # noqa: PLC0415
    from rooms.policy.rights import Power  # noqa: PLC0415
    from rooms.policy.roles import Role  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    started = time.perf_counter()
    entry, course, inviter, everybody = seed(
        people=options.people, guests=options.guests, members=options.members, seed_number=1
    )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")  # as autovacuum does in the minutes after such a day
    print(f"{connection.vendor}: seeded in {time.perf_counter() - started:.0f} s")
    viewer = Viewer(
        entry_id=entry.pk,
        tenant_id=entry.tenant_id,
        role=Role.HOST,
        name="Inviter",
        person_id=inviter.pk,
        powers=frozenset(Power),
    )
    asked = terms(everybody, number=options.terms, seed_number=2)
    random.Random(3).shuffle(asked)  # noqa: S311 - the same order at each run
    for setting in ("tenant", "course"):
        rules = ModuleSettings(tenant=entry.tenant, suggestions=setting)
        by_kind: dict[str, Clock] = {}
        reference, everything, shown = Clock(), Clock(), 0
        for round_number in range(2):  # the first one warms up
            by_kind, reference, everything, shown = {}, Clock(), Clock(), 0
            for kind, typed in asked:
                clock = by_kind.setdefault(kind, Clock())
                with connection.execute_wrapper(clock):
                    shown += bool(clock.measure(partial(suggestions_for, viewer, course, typed, rules=rules)))
                everything.whole.append(clock.whole[-1])
                everything.driver.append(clock.driver[-1])
                everything.questions.append(clock.questions[-1])
                key = random.Random(round_number).choice(everybody).pk  # noqa: S311
                with connection.execute_wrapper(reference):
                    reference.measure(partial(Person.objects.get, pk=key))
        print(f"\nsuggestions={setting}: {len(asked)} searches, {shown} found somebody")
        print(f"{'':24}{'whole: p50     p95     max':>28}{'driver: p50     p95     max':>30}  questions")
        rows = [("read by primary key", reference), *sorted(by_kind.items()), ("all searches", everything)]
        for label, clock in rows:
            mean = sum(clock.questions) / len(clock.questions)
            print(f"{label:24}     {spread(clock.whole)}       {spread(clock.driver)}  {mean:9.1f}")
        times = quantiles(everything.whole, n=100)[94] / quantiles(reference.whole, n=100)[94]
        print(f"p95 of a search is {times:.1f} times the p95 of a read by primary key")


if __name__ == "__main__":
    main()
