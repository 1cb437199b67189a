"""A meeting elsewhere, by its address: Zoom, Teams, BigBlueButton… It opens beside the room.

We hand out the address and nothing else: who is in that meeting, and whether it ends, is up to the vendor.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from common.decisions import Allowed, Decision, Refused
from rooms.engines.base import Link, Meeting, Seat, Way

ADDRESS: Final = "address"
TEAM_ADDRESS: Final = "team_address"
LONGEST: Final = 1000


class NoMeeting(StrEnum):
    """Why an address is not taken."""

    NOT_AN_ADDRESS = "not_an_address"
    NOT_HTTPS = "not_https"
    HAS_PASSWORD = "has_password"  # noqa: S105 - a reason


def judge_meeting_address(address: str) -> Decision:
    """Whether an address can be a meeting's."""
    try:
        parts = urlsplit(address)
        _ = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:
        return Refused(NoMeeting.NOT_AN_ADDRESS)
    if (
        not parts.scheme
        or not host.strip(".")
        or any(sign.isspace() or not sign.isprintable() for sign in address)
    ):
        return Refused(NoMeeting.NOT_AN_ADDRESS)
    if len(address) > LONGEST or "\\" in address:
        return Refused(NoMeeting.NOT_AN_ADDRESS)
    if parts.scheme != "https":
        return Refused(NoMeeting.NOT_HTTPS)
    return Refused(NoMeeting.HAS_PASSWORD) if "@" in parts.netloc else Allowed()


def host_of(meeting: Meeting) -> str:
    """Where the meeting is: enough to know it again, not enough to get in."""
    return urlsplit(meeting.settings.get(ADDRESS, "")).hostname or ""


class MeetingAddress:
    """Gives participants one address, and those on the stage another where there are two."""

    is_set_up = True
    origins: tuple[str, ...] = ()

    def open(self, meeting: Meeting) -> Mapping[str, str]:
        """Whoever made the address has made the meeting."""
        return meeting.settings

    def join(self, meeting: Meeting, seat: Seat, *, now: datetime) -> Way | None:
        """The address for this role; what is no good address by our rule is none."""
        del now
        address = meeting.settings.get(ADDRESS, "")
        if seat.is_on_stage:
            address = meeting.settings.get(TEAM_ADDRESS, "") or address
        return Link(address) if judge_meeting_address(address) else None

    def change_role(self, _meeting: Meeting, _seat: Seat) -> None:
        """The page gives the other address from now on; in the meeting nothing can be done."""

    def remove(self, _meeting: Meeting, _participant_id: UUID) -> None:
        """The page gives them no address any more; in the meeting nothing can be done."""

    def close(self, meeting: Meeting) -> Mapping[str, str]:
        """No page gives the address any more; the meeting itself goes on as its vendor has it."""
        return meeting.settings
