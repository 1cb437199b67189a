"""Which engines there are, by name."""

from collections.abc import Callable
from typing import Final

from rooms.engines.base import Engine
from rooms.engines.null import NullEngine

ENGINES: Final[dict[str, Callable[[], Engine]]] = {"null": NullEngine}


def engine_named(name: str = "null") -> Engine:
    """The engine of this name.

    Raises:
        KeyError: there is none.
    """
    return ENGINES[name]()
