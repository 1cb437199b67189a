"""Opening and closing the doors, and ending the session."""

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils.translation import gettext as _

from common.decisions import Refused
from common.errors import ConflictError, RefusedError
from rooms.broadcast import announce
from rooms.events import DoorsChanged
from rooms.models import Entry
from rooms.policy.doors import DoorMove, NoMove, doors_after, judge_move, schedule_of
from rooms.services.stage import close_stage

if TYPE_CHECKING:
    from rooms.access import Viewer


def open_doors(entry: Entry, *, by: "Viewer", now: datetime) -> None:
    """Let everybody in, before the start too; a session that a host ended goes on.

    Raises:
        RefusedError: the viewer is no host, or the schedule is over.
        ConflictError: another host was faster.
    """
    _move(DoorMove.OPEN, entry, by=by, now=now)


def close_doors(entry: Entry, *, by: "Viewer", now: datetime) -> None:
    """Send everybody but the hosts out of the door; before the start they are back at the countdown.

    Raises:
        RefusedError: the viewer is no host, or the session has ended.
        ConflictError: another host was faster.
    """
    _move(DoorMove.CLOSE, entry, by=by, now=now)


def end_session(entry: Entry, *, by: "Viewer", now: datetime) -> None:
    """End it for everybody; passes end with it.

    Raises:
        RefusedError: the viewer is no host, or the schedule ended it before.
        ConflictError: another host was faster.
    """
    _move(DoorMove.END, entry, by=by, now=now)


@transaction.atomic
def _move(move: DoorMove, entry: Entry, *, by: "Viewer", now: datetime) -> None:
    schedule = schedule_of(entry)
    is_host = by.is_host and by.entry_id == entry.pk
    decision = judge_move(move, schedule, is_host=is_host, now=now)
    if isinstance(decision, Refused):
        raise _refusal(NoMove(decision.reason))
    doors = doors_after(move, schedule, now=now)
    if doors == schedule.doors:
        return
    unchanged = Entry.objects.filter(pk=entry.pk, deleted_at__isnull=True, doors=schedule.doors)
    if not unchanged.update(doors=doors, doors_changed_at=now):
        raise ConflictError(
            _("Another host moved the doors a moment ago."), next_step=_("Look at how they are now.")
        )
    entry.doors, entry.doors_changed_at = doors, now
    transaction.on_commit(partial(announce, DoorsChanged(entry.pk)), robust=True)
    if move != DoorMove.OPEN:
        close_stage(entry.pk)


def _refusal(why: NoMove) -> RefusedError:
    texts: Final = {
        NoMove.NOT_A_HOST: (
            _("Only a host of this session can open or close its doors."),
            _("Ask the person who owns it."),
        ),
        NoMove.SCHEDULE_IS_OVER: (
            _("The scheduled end of this session is more than an hour ago."),
            _("Give it a new end under ⋯ → Edit, then open the doors."),
        ),
        NoMove.SESSION_HAS_ENDED: (
            _("This session has ended, so there are no doors to close."),
            _("Open it again first."),
        ),
    }
    message, next_step = texts[why]
    return RefusedError(message, next_step=next_step, code=why)
