"""Jitsi Meet on a host of the operator's: its iframe API, and a token of some minutes for each participant.

Jitsi looks at a token when somebody comes, and has no way to be told anything afterwards. So removing and
changing roles is done where we can: the page asks for a new token before the old one ends, is refused one
when its reader is, and comes anew with another role. `close` moves the entry to a room of another name:
who stays behind in the old one is alone there.

Whoever is not on the stage must not be seen or heard. What holds that up (docs/adr/0025):

- Jitsi's server looks at signature, issuer, room and times of the token. Its recording, streaming and calls
  follow `features`, where the modules that filter them are loaded.
- Jitsi's server keeps everybody silent who neither moderates nor was approved, once a moderator has switched
  audio and video moderation on. The pages of our moderators do so when they join, and approve whom our server
  names (`stage.known_as`). Before the first of them has come it is off. It needs the module `av_moderation`,
  and a host that makes moderators of those whose token says so, and of nobody else.
- Only pages look at the rest: `screen-sharing` in the token, the buttons and the muted start of
  `static/js/room/stage.js`. Who is not on the stage gets no address of the full meeting, but could make
  one of the token.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode, urlsplit
from uuid import UUID

import jwt
from django.conf import settings

from rooms.engines.base import Embed, Meeting, Seat, Way

ROOM: Final = "room"
LIFETIME: Final = timedelta(minutes=5)
CLOCKS_DIFFER: Final = timedelta(seconds=30)
CALLS: Final = ("inbound-call", "outbound-call", "sip-inbound-call", "sip-outbound-call")
"""By telephone: nobody would come with a role."""


class Jitsi:
    """The configured host's."""

    def __init__(self) -> None:
        self._origin: str = settings.JITSI_URL
        self._app_id: str = settings.JITSI_APP_ID
        self._secret: str = settings.JITSI_APP_SECRET

    @property
    def is_set_up(self) -> bool:
        """Whether the operator has named a host and our secret there."""
        return bool(self._origin and self._app_id and self._secret)

    @property
    def origins(self) -> tuple[str, ...]:
        """The host's."""
        return (self._origin,) if self.is_set_up else ()

    def open(self, meeting: Meeting) -> Mapping[str, str]:
        """A room comes to be when somebody enters it; we choose a name that nobody guesses."""
        return meeting.settings if meeting.settings.get(ROOM) else self.close(meeting)

    def join(self, meeting: Meeting, seat: Seat, *, now: datetime) -> Way | None:
        """A token for this participant, and this room."""
        room = meeting.settings.get(ROOM, "")
        if not room or not self.is_set_up:
            return None
        expires_at = now + LIFETIME
        token = self._sign(room, seat, now=now, expires_at=expires_at)
        return Embed(
            origin=self._origin,
            script=f"{self._origin}/external_api.js",
            room=room,
            token=token,
            expires_at=expires_at,
            address=f"{self._origin}/{quote(room)}?{urlencode({'jwt': token})}" if seat.is_on_stage else "",
        )

    def change_role(self, _meeting: Meeting, _seat: Seat) -> None:
        """Their page leaves, and comes back with a token that says so."""

    def remove(self, _meeting: Meeting, _participant_id: UUID) -> None:
        """Their page leaves, and gets no token any more."""

    def close(self, meeting: Meeting) -> Mapping[str, str]:
        """The next meeting has another name: no token for this one is good there."""
        return {**meeting.settings, ROOM: secrets.token_hex(20)}

    def _sign(self, room: str, seat: Seat, *, now: datetime, expires_at: datetime) -> str:
        """As Jitsi's token authentication reads it."""
        user = {
            "id": str(seat.participant_id),
            "name": seat.name,
            "moderator": seat.is_moderator,
            "affiliation": "owner" if seat.is_moderator else "member",
        }
        claims = {
            "aud": "jitsi",
            "iss": self._app_id,
            "sub": urlsplit(self._origin).hostname or "",
            "room": room,
            "iat": now,
            "nbf": now - CLOCKS_DIFFER,
            "exp": expires_at,
            "context": {
                "user": user,
                "features": {
                    "screen-sharing": seat.is_on_stage,
                    "file-upload": seat.is_on_stage,
                    "recording": seat.is_moderator,
                    "livestreaming": seat.is_moderator,
                    "transcription": seat.is_moderator,
                    **dict.fromkeys(CALLS, False),
                },
            },
        }
        return jwt.encode(claims, self._secret, algorithm="HS256")
