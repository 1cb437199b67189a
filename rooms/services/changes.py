"""Telling pages that something in the room has changed, with numbers that show a gap."""

from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from rooms.broadcast import announce
from rooms.events import Audience, Changed, Tallied
from rooms.models import Entry


def tell_change(
    entry_id: UUID, topic: str, change: dict[str, Any], *, audience: Audience = Audience.EVERYBODY
) -> None:
    """After the commit, tell every page of the audience what has changed. Call it inside the transaction.

    The number is given in the same transaction: a page that misses one asks for the whole state anew.

    Args:
        change: JSON values only; what everybody in the audience may know. What is for moderators is numbered
            with what is for the team: speakers hear of it that there was something.
    """
    column = "revision" if audience == Audience.EVERYBODY else "team_revision"
    entry = Entry.objects.filter(pk=entry_id)
    entry.update(**{column: F(column) + 1})
    revision = entry.values_list(column, flat=True).get()
    event = Changed(entry_id, topic=topic, audience=audience.value, revision=revision, change=change)
    transaction.on_commit(partial(announce, event), robust=True)


def tell_in_passing(
    entry_id: UUID, topic: str, change: dict[str, Any], *, audience: Audience = Audience.EVERYBODY
) -> None:
    """The same without a number, for what nobody misses (a reaction, a total that the next one replaces)."""
    event = Changed(entry_id, topic=topic, audience=audience.value, revision=0, change=change)
    transaction.on_commit(partial(announce, event), robust=True)


def tell_participant(entry_id: UUID, participant_id: UUID, topic: str, change: dict[str, Any]) -> None:
    """After the commit, tell one participant's pages; one that was away asks at its return."""
    event = Changed(entry_id, topic=topic, audience=str(participant_id), revision=0, change=change)
    transaction.on_commit(partial(announce, event), robust=True)


def tell_tally(entry_id: UUID, topic: str, subject: str = "") -> None:
    """After the commit, have the totals read anew, soon and once, wherever pages are open (`rooms.state`)."""
    transaction.on_commit(partial(announce, Tallied(entry_id, topic=topic, subject=subject)), robust=True)
