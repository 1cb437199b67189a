"""No engine: the room is complete without audio and video, and says so to its hosts."""

from rooms.engines.base import Door, Seat


class NullEngine:
    """Opens nothing."""

    is_set_up = False

    def open_door(self, _seat: Seat) -> Door | None:
        """There is no stage to go to."""
        return None
