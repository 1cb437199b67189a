"""Which engines there are, by name (settings.STAGE_ENGINES)."""

from typing import Final

from django.conf import settings
from django.utils.module_loading import import_string

from rooms.engines.base import Engine

NULL: Final = "null"
MEETING: Final = "meeting"
JITSI: Final = "jitsi"


def is_engine(name: str) -> bool:
    """Whether this installation has an engine of this name."""
    return name in settings.STAGE_ENGINES


def engine_named(name: str = NULL) -> Engine:
    """The engine of this name.

    Raises:
        KeyError: there is none.
    """
    engine: Engine = import_string(settings.STAGE_ENGINES[name])()
    return engine
