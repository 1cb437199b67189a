"""Carries events to the sockets: one hub per process, one Redis subscription per entry and process (none without Redis)."""

from rooms.events import Event


class Hub:
    """The sockets of this process, by entry."""

    async def start(self) -> None:
        """Begin to listen (called once when the server starts)."""

    async def stop(self) -> None:
        """Stop listening."""


hub = Hub()


def announce(event: Event) -> None:
    """Tell every socket at the event's entry, in every process. Call it after the commit, from any thread."""
