"""An engine of an installation's own, as far as rooms can tell: it notes what it is told."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from rooms.engines.base import EngineError, Link, Meeting, Seat, Way

NAME = "recording"
PATH = "tests.rooms.engines.recording.Recording"


class Recording:
    """Its calls, in order; `is_down` makes each of them fail."""

    calls: ClassVar[list[tuple[object, ...]]] = []
    is_down: ClassVar[bool] = False

    is_set_up = True
    origins: tuple[str, ...] = ()

    def open(self, meeting: Meeting) -> Mapping[str, str]:
        return {"number": "1", **meeting.settings}

    def join(self, meeting: Meeting, seat: Seat, *, now: datetime) -> Way | None:
        del now
        return Link(f"https://recording.example/{meeting.settings['number']}/{seat.participant_id}")

    def change_role(self, meeting: Meeting, seat: Seat) -> None:
        self._note("change_role", meeting.entry_id, seat.participant_id, seat.is_on_stage, seat.is_moderator)

    def remove(self, meeting: Meeting, participant_id: UUID) -> None:
        self._note("remove", meeting.entry_id, participant_id)

    def close(self, meeting: Meeting) -> Mapping[str, str]:
        self._note("close", meeting.entry_id)
        return {"number": str(int(meeting.settings["number"]) + 1)}

    def _note(self, *call: object) -> None:
        self.calls.append(call)
        if self.is_down:
            raise EngineError
