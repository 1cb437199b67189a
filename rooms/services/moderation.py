"""What becomes of chat messages: liked, deleted, pinned, hidden, cleared; and how fast one may write."""

from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from common.errors import ConflictError, RefusedError
from rooms.models import ChatMessage, Entry, Like
from rooms.policy.collaboration import Act
from rooms.queries.chat import end_of, message_for, pin_of
from rooms.services.changes import tell_change, tell_tally
from rooms.services.standing import demand_act

if TYPE_CHECKING:
    from rooms.access import Viewer

TOPIC: Final = "chat"
MOST_PINS: Final = 5
SLOWEST: Final = 300  # seconds


@transaction.atomic
def like_message(entry: Entry, sequence: int, *, by: "Viewer", is_liked: bool, now: datetime) -> None:
    """Like a message, or no longer. Once per participant, whatever the number of their tabs.

    Raises:
        RefusedError: the viewer may not take part here.
        MissingError: there is no such message.
    """
    participant = demand_act(Act.TAKE_PART, entry, by=by, now=now)
    message = message_for(entry.pk, sequence)
    if is_liked:
        try:
            with transaction.atomic():
                Like.objects.create(message=message, participant=participant)
        except IntegrityError:  # a double click
            return
    elif not Like.objects.filter(message=message, participant=participant).delete()[0]:
        return
    step = 1 if is_liked else -1
    ChatMessage.objects.filter(pk=message.pk).update(likes=F("likes") + step)
    tell_tally(entry.pk, TOPIC, str(sequence))


@transaction.atomic
def delete_message(entry: Entry, sequence: int, *, by: "Viewer", now: datetime) -> None:
    """Take one's own message back: its text is gone, for reports too.

    Raises:
        RefusedError: it is somebody else's.
        MissingError: there is no such message.
    """
    participant = demand_act(Act.TAKE_PART, entry, by=by, now=now)
    message = message_for(entry.pk, sequence)
    if message.author_id != participant.pk:
        raise RefusedError(_("Only its author can delete a message."), code="not_yours")
    if ChatMessage.objects.filter(pk=message.pk, deleted_at=None).update(
        deleted_at=now, text="", pinned_at=None
    ):
        tell_change(entry.pk, TOPIC, {"deleted": sequence})


@transaction.atomic
def pin_message(entry: Entry, sequence: int, *, by: "Viewer", is_pinned: bool, now: datetime) -> None:
    """Keep a message above the chat, or no longer.

    Raises:
        RefusedError: the viewer does not moderate here.
        MissingError: there is no such message.
        ConflictError: it is hidden or deleted, or there are `MOST_PINS` already.
    """
    demand_act(Act.MODERATE, entry, by=by, now=now)
    message = message_for(entry.pk, sequence)
    rows = ChatMessage.objects.filter(pk=message.pk)
    if not is_pinned:
        if rows.filter(pinned_at__isnull=False).update(pinned_at=None):
            tell_change(entry.pk, TOPIC, {"unpinned": sequence})
        return
    if end_of(message):
        raise ConflictError(_("This message is gone, so it cannot be pinned."), code="gone")
    pinned = ChatMessage.objects.filter(
        entry=entry, channel=ChatMessage.Channel.CHAT, pinned_at__isnull=False
    )
    if message.pinned_at is None and pinned.count() >= MOST_PINS:
        raise ConflictError(
            _("There are %(most)s pinned messages already.") % {"most": MOST_PINS},
            next_step=_("Unpin one of them first."),
            code="too_many",
        )
    if rows.filter(pinned_at=None).update(pinned_at=now):
        tell_change(entry.pk, TOPIC, {"pinned": pin_of(message)})


@transaction.atomic
def hide_message(entry: Entry, sequence: int, *, by: "Viewer", is_hidden: bool, now: datetime) -> None:
    """Take a message out of everybody's sight, or show it again; reports keep it.

    Raises:
        RefusedError: the viewer does not moderate here.
        MissingError: there is no such message.
    """
    moderator = demand_act(Act.MODERATE, entry, by=by, now=now)
    message = message_for(entry.pk, sequence)
    rows = ChatMessage.objects.filter(pk=message.pk)
    if is_hidden:
        if rows.filter(hidden_at=None).update(hidden_at=now, hidden_by=moderator, pinned_at=None):
            tell_change(entry.pk, TOPIC, {"hidden": sequence})
    elif rows.filter(hidden_at__isnull=False).update(hidden_at=None, hidden_by=None):
        message.hidden_at = None
        shown = "" if end_of(message) else message.text
        tell_change(entry.pk, TOPIC, {"shown": {"sequence": sequence, "text": shown}})


@transaction.atomic
def clear_chat(entry: Entry, *, by: "Viewer", now: datetime) -> None:
    """Take everything said so far out of everybody's sight; reports keep it.

    Raises:
        RefusedError: the viewer does not moderate here.
    """
    demand_act(Act.MODERATE, entry, by=by, now=now)
    Entry.objects.filter(pk=entry.pk).update(chat_cleared_sequence=F("chat_sequence"))
    upto = Entry.objects.values_list("chat_cleared_sequence", flat=True).get(pk=entry.pk)
    ChatMessage.objects.filter(entry=entry, channel=ChatMessage.Channel.CHAT, sequence__lte=upto).update(
        pinned_at=None
    )
    tell_change(entry.pk, TOPIC, {"cleared": upto})


@transaction.atomic
def set_slow_mode(entry: Entry, seconds: int, *, by: "Viewer", now: datetime) -> None:
    """How many seconds whoever does not moderate waits between two messages; 0 is off.

    Raises:
        RefusedError: the viewer does not moderate here.
    """
    demand_act(Act.MODERATE, entry, by=by, now=now)
    if Entry.objects.filter(pk=entry.pk).exclude(slow_mode_seconds=seconds).update(slow_mode_seconds=seconds):
        tell_change(entry.pk, TOPIC, {"slow": seconds})
