"""`manage.py worker`: the background work as a process of its own, any number of them."""

import signal
from argparse import ArgumentParser
from threading import Event
from types import FrameType

from django.core.management.base import BaseCommand, CommandError

from invites.worker import BackgroundWorker, all_chores, do_once


class Command(BaseCommand):
    """Works until it is told to stop (SIGTERM, SIGINT), and ends what it is doing first."""

    help = "Sends what waits in the outbox and refreshes rosters."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="do everything that is due now, then end (for cron)"
        )

    def handle(self, *_args: object, **options: object) -> None:
        stopping = Event()

        def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
            stopping.set()

        signal.signal(signal.SIGTERM, ask_to_stop)
        signal.signal(signal.SIGINT, ask_to_stop)
        if options["once"]:
            went_well = [do_once(chore, stopping=stopping) for chore in all_chores()]
            if not all(went_well):
                raise CommandError("something failed: the log says what")
            return
        worker = BackgroundWorker()
        worker.start()
        self.stdout.write("The worker is working. Ctrl-C or SIGTERM ends it.")
        self.stdout.flush()
        stopping.wait()
        worker.stop()
        self.stdout.write("The worker has ended.")
