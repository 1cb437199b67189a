"""No engine: the room is complete without audio and video, and says so to its hosts."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from rooms.engines.base import Meeting, Seat, Way


class NullEngine:
    """Opens nothing."""

    is_set_up = False
    origins: tuple[str, ...] = ()

    def open(self, meeting: Meeting) -> Mapping[str, str]:
        """There is nothing to make ready."""
        return meeting.settings

    def join(self, _meeting: Meeting, _seat: Seat, *, now: datetime) -> Way | None:
        """There is no way."""
        del now
        return None

    def change_role(self, _meeting: Meeting, _seat: Seat) -> None:
        """Nobody is there."""

    def remove(self, _meeting: Meeting, _participant_id: UUID) -> None:
        """Nobody is there."""

    def close(self, meeting: Meeting) -> Mapping[str, str]:
        """Nobody is there."""
        return meeting.settings
