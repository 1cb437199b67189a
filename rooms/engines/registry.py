"""Which engines there are, by name."""

from collections.abc import Callable
from typing import Final

from rooms.engines.base import Engine
from rooms.engines.jitsi import Jitsi
from rooms.engines.meeting import MeetingAddress
from rooms.engines.null import NullEngine

NULL: Final = "null"
MEETING: Final = "meeting"
JITSI: Final = "jitsi"

ENGINES: Final[dict[str, Callable[[], Engine]]] = {
    NULL: NullEngine,
    MEETING: MeetingAddress,
    JITSI: Jitsi,
}


def engine_named(name: str = NULL) -> Engine:
    """The engine of this name.

    Raises:
        KeyError: there is none.
    """
    return ENGINES[name]()
