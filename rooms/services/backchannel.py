"""Saying something to the team alone: hosts, moderators, speakers."""

from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.db import IntegrityError, transaction
from django.db.models import F

from common.decisions import Refused
from common.throttle import Limit
from rooms.events import Audience
from rooms.models import ChatMessage, Entry
from rooms.policy.collaboration import Act
from rooms.policy.moderation import clean_text, judge_text
from rooms.queries.backchannel import word_of
from rooms.queries.chat import message_sent
from rooms.services.changes import tell_change
from rooms.services.chat import refusal
from rooms.services.standing import demand_act

if TYPE_CHECKING:
    from rooms.access import Viewer

TOPIC: Final = "backchannel"
_PACE: Final = Limit("backchannel", tries=20, seconds=10)


def tell_team(entry: Entry, *, by: "Viewer", text: str, client_key: str = "", now: datetime) -> ChatMessage:
    """Take a message for the team. The same `client_key` again answers with the first message.

    Raises:
        RefusedError: the viewer is not in the team, or not inside.
        InvalidError: there is nothing to read in it, or too much.
        ThrottledError: too many in a short time.
    """
    author = demand_act(Act.BACKCHANNEL, entry, by=by, now=now)
    if (before := message_sent(author.pk, client_key)) is not None:
        return before
    said = clean_text(text)
    verdict = judge_text(said)
    if isinstance(verdict, Refused):
        raise refusal(verdict)
    _PACE.count(str(author.pk))
    try:
        with transaction.atomic():
            Entry.objects.filter(pk=entry.pk).update(backchannel_sequence=F("backchannel_sequence") + 1)
            message = ChatMessage.objects.create(
                entry=entry,
                channel=ChatMessage.Channel.BACKCHANNEL,
                sequence=Entry.objects.values_list("backchannel_sequence", flat=True).get(pk=entry.pk),
                author=author,
                author_role=by.role,
                client_key=client_key,
                text=said,
                sent_at=now,
            )
            tell_change(entry.pk, TOPIC, {"said": word_of(message)}, audience=Audience.TEAM)
    except IntegrityError:  # the same page sent it twice at once; the other one arrived
        arrived = message_sent(author.pk, client_key)
        if arrived is None:
            raise
        return arrived
    return message
