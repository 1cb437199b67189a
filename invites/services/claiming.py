"""One place of a link, taken and bound to a device: the statements of passing the lobby, all of them.

They stand here as SQL because of what they must be together. On PostgreSQL they are one statement
(`WITH claimed AS (UPDATE … RETURNING …), …`): nothing can happen between its parts, no other round trip is
made, and the row of the invite, for which everybody at the same link queues, is held only while it runs and
is committed. SQLite has no such statements and no round trips: there they run one after the other, in a
transaction that lets nobody else write.

A link for many devices would still let one in per flush of the disk, which takes longer than all the rest.
So its row is given free before the flush: the statement commits without waiting, and a second one
waits until the disk has both (`_SYNC`). Nobody is told that they are in before that; docs/adr/0021.

The condition of the `UPDATE` decides, whatever was read before: a place is left, the link is open, and the
invite says what it said when it was read, so that what was computed from it is still right.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Model

from invites.models import Invite, Redemption
from invites.queries import Door
from rooms.models import Participant, Pass
from rooms.services.admission import tell_standing


@dataclass(frozen=True, slots=True)
class Admission:
    """As whom a device comes in.

    Args:
        participant: one that there is, or a new one.
        new_rows: what has to be made for it, in this order: a guest, a participant.
        is_regranted: whether the participant had another role, or for another time.
    """

    participant: Participant
    new_rows: tuple[Model, ...] = ()
    is_regranted: bool = False


@dataclass(frozen=True, slots=True)
class _Step:
    """A statement; `{claimed}` in it is true where a place was taken."""

    sql: str
    values: Sequence[Any]


def claim_place(
    door: Door, *, now: datetime, admission: Admission | None = None, rows: Sequence[Model] = ()
) -> bool:
    """Take a place of the link and write what goes with it; False where nothing was written.

    Then there is no place left, or the link is closed, or the invite was changed since `door` was read:
    reading again tells.

    Args:
        admission: whom to write to the invite.
        rows: further new rows: the pass and the redemption.

    Raises:
        IntegrityError: somebody else has made one of the rows in this very moment; nothing was written.
    """
    new_rows = [*(admission.new_rows if admission else ()), *rows]
    steps = [_insert(row) for row in new_rows]
    if admission is not None and admission.is_regranted:
        steps.append(_grant(door, admission.participant))
    if door.claim.generation > 1:
        steps.append(_end_older(door, now=now))
    claim = _claim(door, admission, now=now)
    if connection.vendor == "postgresql":
        # Inside another transaction nothing is given free before that ends.
        counts = _as_one_statement(
            claim, steps, is_queued_for=door.invite.max_devices != 1 and not connection.in_atomic_block
        )
    else:
        counts = _one_after_the_other(claim, steps)
    if not counts[0]:
        return False
    for row in new_rows:
        row._state.adding = False  # noqa: SLF001 - as `save` does
    if any(counts[1 + len(new_rows) :]):  # a role was changed, or a pass of an older link ended
        tell_standing(door.invite.entry_id)
    return True


# --- The parts ------------------------------------------------------------------------------------------


def _claim(door: Door, admission: Admission | None, *, now: datetime) -> _Step:
    invite = door.invite
    fields = Invite._meta.get_field  # noqa: SLF001 - public by name
    value = _value_of
    known = invite.participant_id
    comes = admission.participant.pk if admission is not None else known
    is_as_read = "participant_id IS NULL" if known is None else "participant_id = %s"
    at, participant = value(fields("expires_at"), now), fields("participant")
    sql = f"""
        UPDATE {_table(Invite)} SET
            devices_used = devices_used + 1,
            lobby_reached_at = COALESCE(lobby_reached_at, %s),
            entered_at = COALESCE(entered_at, %s),
            new_link_asked_at = NULL
            {"" if comes == known else ", participant_id = %s"}
        WHERE id = %s AND generation = %s AND withdrawn_at IS NULL AND expires_at > %s
            AND (max_devices IS NULL OR devices_used < max_devices)
            AND role = %s AND expires_at = %s AND {is_as_read}"""  # noqa: S608 - names of ours
    return _Step(
        sql,
        [
            *(at, at),
            *([] if comes == known else [value(participant, comes)]),
            *(value(fields("id"), invite.pk), door.claim.generation, at),
            *(invite.role, value(fields("expires_at"), invite.expires_at)),
            *([] if known is None else [value(participant, known)]),
        ],
    )


def _insert(row: Model) -> _Step:
    """A new row. What is NULL is left out: the database would have to be told which type of NULL it is."""
    pairs: list[tuple[str, Any]] = []
    for field in row._meta.concrete_fields:  # noqa: SLF001 - public by name
        value = field.get_db_prep_save(field.pre_save(row, add=True), connection)
        if value is not None:
            pairs.append((connection.ops.quote_name(str(field.column)), value))
    columns, marks = ", ".join(name for name, _value in pairs), ", ".join(["%s"] * len(pairs))
    sql = f"INSERT INTO {_table(type(row))} ({columns}) SELECT {marks} WHERE {{claimed}}"
    return _Step(sql, [value for _name, value in pairs])


def _grant(door: Door, participant: Participant) -> _Step:
    fields = Participant._meta.get_field  # noqa: SLF001 - public by name
    sql = f"""
        UPDATE {_table(Participant)} SET granted_role = %s, granted_until = %s
        WHERE id = %s AND removed_at IS NULL AND {{claimed}}"""  # noqa: S608 - names of ours
    until = _value_of(fields("granted_until"), door.invite.expires_at)
    return _Step(sql, [door.invite.role, until, _value_of(fields("id"), participant.pk)])


def _end_older(door: Door, *, now: datetime) -> _Step:
    """The first use of a link ends what older links of the invite have given.

    Whoever has this link was given it after the older ones were closed: no pass of theirs can still be made.
    """
    sql = f"""
        UPDATE {_table(Pass)} SET ended_at = %s
        WHERE ended_at IS NULL AND {{claimed}} AND id IN (
            SELECT issued_pass_id FROM {_table(Redemption)} WHERE invite_id = %s AND generation < %s)"""  # noqa: S608 - names of ours
    at = _value_of(Pass._meta.get_field("ended_at"), now)  # noqa: SLF001 - public by name
    invite = _value_of(Invite._meta.get_field("id"), door.invite.pk)  # noqa: SLF001 - public by name
    return _Step(sql, [at, invite, door.claim.generation])


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)  # noqa: SLF001 - public by name


def _value_of(field: Any, value: object) -> Any:  # noqa: ANN401 - a field of any type
    return field.get_db_prep_value(value, connection)


# --- How they run ---------------------------------------------------------------------------------------


_UNSYNCED: Final = " AND set_config('synchronous_commit', 'off', true) = 'off'"  # of this transaction alone
_SYNC: Final = "SELECT pg_logical_emit_message(true, 'foyer', '')"  # something to commit, after the first


def _as_one_statement(claim: _Step, steps: Iterable[_Step], *, is_queued_for: bool) -> Sequence[int]:
    """How many rows each step has written: PostgreSQL."""
    claimed = claim.sql + _UNSYNCED if is_queued_for else claim.sql
    parts, counts, values = [f"claimed AS ({claimed} RETURNING 1)"], ["claimed"], [*claim.values]
    for number, step in enumerate(steps):
        sql = step.sql.format(claimed="EXISTS (SELECT 1 FROM claimed)")
        parts.append(f"step_{number} AS ({sql} RETURNING 1)")
        counts.append(f"step_{number}")
        values += step.values
    counted = ", ".join(f"(SELECT count(*) FROM {name})" for name in counts)  # noqa: S608 - names of ours
    with _by_itself(), connection.cursor() as cursor:
        cursor.execute(f"WITH {', '.join(parts)} SELECT {counted}", values)
        row: Sequence[int] = cursor.fetchone()
        if is_queued_for and row[0]:
            cursor.execute(_SYNC)
    return row


def _one_after_the_other(claim: _Step, steps: Iterable[_Step]) -> Sequence[int]:
    """The same on SQLite, and on whatever cannot write in a `WITH`."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(claim.sql, claim.values)
        counts = [cursor.rowcount]
        if counts[0]:
            for step in steps:
                cursor.execute(step.sql.format(claimed="1 = 1"), step.values)
                counts.append(cursor.rowcount)
    return counts


def _by_itself() -> AbstractContextManager[object]:
    """A statement is a transaction of its own; inside another one its failure shall not break that."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()
