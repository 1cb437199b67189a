"""Workers as processes that can be killed, each ready at once.

One process starts Django and forks each worker from there: what a test kills is `manage.py worker --once` in
a process of its own, without the second that starting Python and Django takes.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.factories.databases import environment_of_test_database

ROOT = Path(__file__).resolve().parents[2]

NURSERY = """
import os, sys, django
from django.core.management import call_command
django.setup()
import invites.worker
print("ready", flush=True)
for _line in sys.stdin:
    child = os.fork()
    if not child:
        call_command("worker", "--once")
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass
class Worker:
    """A worker that has been started."""

    pid: int
    nursery: subprocess.Popen[str]

    def kill(self) -> None:
        """SIGKILL: it cannot do anything any more, nor tidy up."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Its exit code; a negative signal where it was killed."""
        assert self.nursery.stdout is not None
        return int(self.nursery.stdout.readline())


@dataclass
class Nursery:
    """Where workers are started."""

    process: subprocess.Popen[str]

    def start_worker(self) -> Worker:
        """`manage.py worker --once`; one at a time."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return Worker(int(self.process.stdout.readline()), self.process)


@contextmanager
def running_nursery(*, smtp_port: int) -> Iterator[Nursery]:
    """Workers on the database of the tests and a mail server."""
    environment = {
        **os.environ,
        **environment_of_test_database(),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "EMAIL_URL": f"smtp://127.0.0.1:{smtp_port}",
    }
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", NURSERY],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Nursery(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()
