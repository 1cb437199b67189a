"""Background work: sends what waits in the outbox and refreshes rosters."""


class BackgroundWorker:
    """The worker as a thread of the server process, where no Redis is set."""

    def start(self) -> None:
        """Start the thread."""

    def stop(self) -> None:
        """Ask the thread to end, and wait for it."""
