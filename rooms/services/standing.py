"""May this viewer do this, here and now? Asked of the database at every act (design §8)."""

from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _

from common.decisions import Refused
from common.errors import AppError, RefusedError
from lti_tool.prepared import PreparedRead, Slot
from rooms.models import Entry, Participant
from rooms.policy.collaboration import Act, NoAct, Standing, judge_act
from rooms.policy.doors import door_state, schedule_of, stance_of

if TYPE_CHECKING:
    from rooms.access import Viewer


def demand_act(
    act: Act,
    entry: Entry,
    *,
    by: "Viewer",
    now: datetime,
    speaks: bool = False,
    row: Participant | None = None,
) -> Participant:
    """Go on only if the viewer may do this; answers with their participant.

    Args:
        by: asked of the database just now, with a participant (`rooms.services.presence.with_participant`).
        speaks: whether others would read or hear it: whoever is muted may not.
        row: their participant, if it was read just now as well.

    Raises:
        RefusedError: they may not; the code is a `NoAct`.
    """
    if by.entry_id != entry.pk or by.participant_id is None:
        raise refusal_of(NoAct.REMOVED)
    is_read = row is not None and row.pk == by.participant_id
    participant = row if is_read else _ACTING.first(participant=by.participant_id)
    if participant is None:
        raise refusal_of(NoAct.REMOVED)
    state = door_state(schedule_of(entry), now=now)
    standing = Standing(
        role=by.role,
        stance=stance_of(state, role=by.role),
        has_chat=entry.has_chat,
        is_removed=participant.removed_at is not None and not by.is_host,
        is_muted=participant.muted_at is not None,
    )
    decision = judge_act(act, standing, speaks=speaks)
    if isinstance(decision, Refused):
        raise refusal_of(NoAct(decision.reason))
    return participant


_ACTING: Final = PreparedRead(
    lambda: Participant.objects.select_related("person", "guest").filter(
        pk=Slot("participant", Participant.id)
    )
)


def refusal_of(why: NoAct) -> AppError:
    """A refused act as an error; its code is the reason."""
    texts: Final = {
        NoAct.REMOVED: _("You are no longer in this session."),
        NoAct.CHAT_IS_OFF: _("Chat & Collaboration is switched off in this session."),
        NoAct.WAITING: _("This opens with the doors."),
        NoAct.CLOSED: _("The doors are closed."),
        NoAct.ENDED: _("This session has ended."),
        NoAct.NOT_YOUR_ROLE: _("Your role in this session does not allow this."),
        NoAct.MUTED: _("A moderator has muted you in this session. You can read, and answer polls."),
    }
    return RefusedError(texts[why], code=why)
