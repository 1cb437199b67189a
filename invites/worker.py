"""Background work: mails, what follows when a session changes, rosters.

Each chore has a thread of its own, so that a slow learning platform never keeps a mail waiting.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Thread
from typing import Final

from django.db import close_old_connections, connections
from django.utils import timezone

from invites.services.bulk import runs_wait, work_off_bulk_runs
from invites.services.delivery import send_due_mails
from invites.services.notices import work_off_changes
from invites.services.outbox import NOT_URGENT, URGENT, mail_waits, urgent_mail_waits
from invites.services.quotas import forget_old_uses
from lti_tool.services.roster import refresh_wanted_rosters

log = logging.getLogger(__name__)

ROUND: Final = 2.0  # seconds
PATIENCE: Final = 10.0  # seconds that a stop waits for a chore that is talking to somebody


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do again and again: every two seconds, and at once when `wanted` is set.

    `do` is told the time, and an event after which it should come to an end.
    """

    name: str
    do: Callable[[datetime, Event], object]
    wanted: Event


def all_chores() -> tuple[Chore, ...]:
    """Everything that is done in the background: add a line, and it has a thread of its own."""
    return (
        # With --once, what writes mails comes before what sends them.
        Chore("changes", _work_off_changes, Event()),
        Chore("invitations", _work_off_bulk_runs, runs_wait),
        Chore("urgent mails", _send_urgent_mails, urgent_mail_waits),
        Chore("mails", _send_mails, mail_waits),
        Chore("rosters", _refresh_rosters, Event()),
    )


def _send_urgent_mails(now: datetime, stopping: Event) -> None:
    send_due_mails(now, kinds=URGENT, stopping=stopping)


def _send_mails(now: datetime, stopping: Event) -> None:
    send_due_mails(now, kinds=NOT_URGENT, stopping=stopping)
    forget_old_uses(now)


def _work_off_changes(now: datetime, stopping: Event) -> None:
    work_off_changes(now, stopping=stopping)


def _work_off_bulk_runs(now: datetime, stopping: Event) -> None:
    work_off_bulk_runs(now, stopping=stopping)


def _refresh_rosters(now: datetime, _stopping: Event) -> None:
    refresh_wanted_rosters(now=now)


def do_once(chore: Chore, *, stopping: Event) -> bool:
    """Do a chore; whether it went well. A failure is a log line, and the next round tries again."""
    close_old_connections()
    try:
        chore.do(timezone.now(), stopping)
    except Exception:
        log.exception("background work failed chore=%s", chore.name)
        return False
    finally:
        close_old_connections()
    return True


class BackgroundWorker:
    """The worker as threads: of the server process, where no Redis is set, or of `manage.py worker`."""

    def __init__(self) -> None:
        self._stopping = Event()
        self._threads: list[Thread] = []
        self._chores = all_chores()

    def start(self) -> None:
        """Start the threads."""
        self._stopping.clear()
        self._threads = [
            # Daemons: whatever hangs does not keep the process alive; a mail cut off is taken again.
            Thread(target=self._loop, args=[chore], name=f"worker-{chore.name}", daemon=True)
            for chore in self._chores
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask the threads to end, and wait for them."""
        self._stopping.set()
        for chore in self._chores:
            chore.wanted.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        self._threads = []

    def _loop(self, chore: Chore) -> None:
        try:
            while not self._stopping.is_set():
                chore.wanted.clear()
                do_once(chore, stopping=self._stopping)
                chore.wanted.wait(ROUND)
        finally:
            connections.close_all()
