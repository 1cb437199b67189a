"""Reactions: seen by everybody for a moment, counted, kept nowhere."""

from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _

from common.errors import InvalidError
from common.throttle import Limit
from rooms.models import Entry
from rooms.policy.collaboration import Act
from rooms.services.changes import tell_in_passing
from rooms.services.standing import demand_act

if TYPE_CHECKING:
    from rooms.access import Viewer

REACTIONS: Final = ("applause", "heart", "laugh", "surprise", "thumb")
TOPIC: Final = "reactions"
_PACE: Final = Limit("reaction", tries=10, seconds=10)


def react(entry: Entry, reaction: str, *, by: "Viewer", now: datetime) -> None:
    """Show a reaction to everybody.

    Raises:
        RefusedError: the viewer may not take part here, or is muted.
        InvalidError: there is no such reaction.
        ThrottledError: too many in a short time.
    """
    participant = demand_act(Act.TAKE_PART, entry, by=by, now=now, speaks=True)
    if reaction not in REACTIONS:
        raise InvalidError(_("There is no such reaction."), code="bad_reaction")
    _PACE.count(str(participant.pk))
    tell_in_passing(entry.pk, TOPIC, {reaction: 1})
