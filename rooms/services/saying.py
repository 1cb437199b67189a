"""A message takes the next number and is stored: the statements, all of them.

They stand here as SQL because of what they must be together. On PostgreSQL they are one statement: the row
of the entry, for which all queue who speak there, is held only while it runs and is committed. SQLite has no
such statements and no round trips: there they run one after the other, in a transaction that lets nobody else
write.

The conditions of the `UPDATE` decide, whatever was read before: the chat is on, the doors are as they were
read, and the author is neither removed nor muted, and has not said too much in too short a time.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from lti_tool.prepared import driver_value
from rooms.models import ChatMessage, Entry, Participant

MOST: Final = 10  # messages of one author …
WITHIN: Final = timedelta(seconds=10)  # … in this time


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody says.

    Args:
        is_host: hosts are heard whatever the list of participants says of them.
        since: in slow mode nothing of the author's may be newer.
    """

    author_id: UUID
    role: str
    is_host: bool
    text: str
    client_key: str
    reply_to_id: int | None = None
    since: datetime | None = None


def say(entry: Entry, words: Words, *, now: datetime) -> int | None:
    """Store it; gives its number. None where a condition did not hold: nothing was written.

    Args:
        entry: as it was read.

    Raises:
        IntegrityError: the author has sent something under this key before; nothing was written.
    """
    values = {
        "entry": driver_value(entry.pk, Entry.id),
        "doors": str(entry.doors),
        "author": driver_value(words.author_id, Participant.id),
        "lately": driver_value(now - WITHIN, ChatMessage.sent_at),
        "since": driver_value(words.since or now, ChatMessage.sent_at),
        "channel": ChatMessage.Channel.CHAT.value,
        "role": str(words.role),
        "client_key": words.client_key,
        "text": words.text,
        "now": driver_value(now, ChatMessage.sent_at),
        "reply_to": words.reply_to_id,
    }
    is_one = connection.vendor == "postgresql"
    statements = _statements(
        is_host=words.is_host,
        is_slow=words.since is not None,
        is_reply=words.reply_to_id is not None,
        is_one=is_one,
    )
    with _by_itself(is_one=is_one), connection.cursor() as cursor:
        cursor.execute(statements[0], values)
        if not cursor.rowcount:
            return None
        for statement in statements[1:]:
            cursor.execute(statement, values)
        sequence: int = cursor.fetchone()[0]
    return sequence


def _by_itself(*, is_one: bool) -> AbstractContextManager[object]:
    """A statement is a transaction of its own; inside another one its failure shall not break that."""
    return nullcontext() if is_one and not connection.in_atomic_block else transaction.atomic()


@cache
def _statements(*, is_host: bool, is_slow: bool, is_reply: bool, is_one: bool) -> tuple[str, ...]:
    """The first one writes nothing where a condition does not hold; the last one gives the number."""
    is_free = "" if is_host else "AND removed_at IS NULL AND muted_at IS NULL"
    said = """
        SELECT 1 FROM rooms_chatmessage
        WHERE author_id = %(author)s AND channel = %(channel)s AND sent_at >"""
    has_waited = f"AND NOT EXISTS ({said} %(since)s)" if is_slow else ""
    number = f"""
        UPDATE rooms_entry SET chat_sequence = chat_sequence + 1
        WHERE id = %(entry)s AND has_chat AND doors = %(doors)s AND deleted_at IS NULL
            AND EXISTS (SELECT 1 FROM rooms_participant WHERE id = %(author)s {is_free})
            AND NOT EXISTS ({said} %(lately)s LIMIT 1 OFFSET {MOST - 1}) {has_waited}"""  # noqa: S608 - values are given apart
    column, value = (", reply_to_id", ", %(reply_to)s") if is_reply else ("", "")
    insert = f"""
        INSERT INTO rooms_chatmessage
            (entry_id, channel, sequence, author_id, author_role, client_key, text, sent_at, likes{column})
        SELECT id, %(channel)s, chat_sequence, %(author)s, %(role)s, %(client_key)s, %(text)s, %(now)s,
            0{value}"""
    if is_one:
        numbered = f"WITH numbered AS ({number} RETURNING id, chat_sequence)"
        return (f"{numbered} {insert} FROM numbered RETURNING sequence",)
    here = "FROM rooms_entry WHERE id = %(entry)s"
    return number, f"{insert} {here}", f"SELECT chat_sequence {here}"
