"""What audio and video are to us: something that opens a way for one participant in one role.

Our database says who may do what; an engine mirrors it as well as it can, and is never asked. Its methods are
called after the commit, and may be called twice. Adapters live beside this file, one a vendor, named in
settings.STAGE_ENGINES; the same cases run against each of them (tests/rooms/engines/test_contract.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from common.errors import UnavailableError


class EngineError(UnavailableError):
    """An engine does not answer, or answers nonsense; the cause is kept."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """An entry's meeting.

    Args:
        settings: what hosts told the engine, and what it noted itself (`open`); kept with the entry.
    """

    entry_id: UUID
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Seat:
    """For whom a way is wanted. What the role means here is decided before.

    Args:
        is_on_stage: whether they are seen and heard; others watch.
        is_moderator: whether they moderate in the meeting.
    """

    participant_id: UUID
    name: str
    is_on_stage: bool = False
    is_moderator: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """An address to open beside the room."""

    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Embed:
    """A meeting inside the room's page.

    Args:
        origin: where the engine lives.
        script: its script, from that origin.
        token: for this participant alone, until `expires_at`.
        address: the same meeting in a tab of its own, for a page without JavaScript; empty for whoever may
            only be in it as our page has it.
    """

    origin: str
    script: str
    room: str = field(repr=False)
    token: str = field(repr=False)
    expires_at: datetime
    address: str = field(repr=False)


Way = Link | Embed


class Engine(Protocol):
    """Audio and video of one kind."""

    @property
    def is_set_up(self) -> bool:
        """Whether there is audio and video at all."""

    @property
    def origins(self) -> tuple[str, ...]:
        """Whose scripts and frames the room's page needs, and to whom it lends camera and microphone."""

    def open(self, meeting: Meeting) -> Mapping[str, str]:
        """Make the meeting ready; gives the settings under which it is from now on.

        Raises:
            EngineError: it could not be done.
        """

    def join(self, meeting: Meeting, seat: Seat, *, now: datetime) -> Way | None:
        """The way in for this participant alone; None where there is none.

        Raises:
            EngineError: it could not be done.
        """

    def change_role(self, meeting: Meeting, seat: Seat) -> None:
        """Somebody who may be in the meeting has another role now.

        Raises:
            EngineError: it could not be done.
        """

    def remove(self, meeting: Meeting, participant_id: UUID) -> None:
        """Somebody who may be in the meeting is no longer welcome.

        Raises:
            EngineError: it could not be done.
        """

    def close(self, meeting: Meeting) -> Mapping[str, str]:
        """End the meeting for everybody; gives the settings for the next one.

        Raises:
            EngineError: it could not be done.
        """
