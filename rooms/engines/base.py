"""What a video engine is to us: something that opens a door for one participant in one role."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Seat:
    """For whom a door is wanted. `role` is a value of `rooms.policy.roles.Role`."""

    entry_id: UUID
    participant_id: UUID
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Door:
    """The way onto the stage: an address for this participant alone, good for minutes."""

    url: str


class Engine(Protocol):
    """A video engine. Adapters live beside this file, one a vendor, and are named in `registry`."""

    @property
    def is_set_up(self) -> bool:
        """Whether there is audio and video at all."""

    def open_door(self, seat: Seat) -> Door | None:
        """The way onto the stage; None where there is none."""
