"""Statements that PostgreSQL has prepared, asked without a cursor.

Django's cursor and psycopg's are made for every statement there is; for one row they take longer than
PostgreSQL. What every launch asks goes past them: the values are turned as psycopg turns them, one call of
libpq runs the statement, and psycopg reads the rows. Only `lti_tool.prepared` asks in this way (ADR 24).
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from psycopg import Connection, errors, pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import TransactionStatus

Row = tuple[Any, ...]
Values = Sequence[Any] | Mapping[str, Any]


class Asker:
    """One connection, and the statements that it has prepared."""

    def __init__(self, raw: "Connection[Row]") -> None:
        self._pgconn = raw.pgconn
        self._turn = Transformer.from_context(raw)
        self._encoding = raw.info.encoding
        self._names: dict[tuple[str, tuple[int, ...]], bytes] = {}

    def can_ask(self, *, by_itself: bool) -> bool:
        """Whether a statement would run where psycopg would run it: that begins a transaction late.

        Args:
            by_itself: outside of a transaction (autocommit).
        """
        wanted = TransactionStatus.IDLE if by_itself else TransactionStatus.INTRANS
        return self._pgconn.transaction_status == wanted

    def rows(self, sql: str, values: Values) -> list[Row]:
        """What a statement finds for these values; errors are psycopg's."""
        answer = self._run(sql, values)
        self._turn.set_pgresult(answer)
        return self._turn.load_rows(0, answer.ntuples, tuple)

    def change(self, sql: str, values: Values) -> int:
        """How many rows a statement has changed."""
        return self._run(sql, values).command_tuples or 0

    def _run(self, sql: str, values: Values) -> pq.abc.PGresult:
        numbered, names = _numbered(sql)
        given = [values[name] for name in names] if isinstance(values, Mapping) else values
        turn = self._turn
        written: Any = turn.dump_sequence(given, [PyFormat.TEXT] * len(given))
        types = tuple(turn.types or ())
        name = self._names.get((sql, types)) or self._prepare(sql, numbered, types)
        answer = self._pgconn.exec_prepared(name, written)
        if answer.status not in {pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK}:
            raise self._error(answer)
        return answer

    def _prepare(self, sql: str, numbered: bytes, types: tuple[int, ...]) -> bytes:
        name = f"foyer_{len(self._names)}".encode()
        answer = self._pgconn.prepare(name, numbered, types)
        if answer.status != pq.ExecStatus.COMMAND_OK:
            raise self._error(answer)
        self._names[sql, types] = name
        return name

    def _error(self, answer: pq.abc.PGresult) -> psycopg.Error:
        if self._pgconn.status == pq.ConnStatus.BAD:
            return psycopg.OperationalError("the connection is lost")
        return errors.error_from_result(answer, self._encoding)


_askers: WeakKeyDictionary["Connection[Row]", Asker] = WeakKeyDictionary()


def asker_at(raw: "Connection[Row]") -> Asker:
    """The one of this connection."""
    asker = _askers.get(raw)
    if asker is None:
        asker = _askers[raw] = Asker(raw)
    return asker


_VALUE: Final = re.compile(r"%(?:s|\((\w+)\)s|%)")


@cache
def _numbered(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """A statement with its values numbered, as PostgreSQL wants them, and their names, if they have any."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        if found[1] is None or found[1] not in names:
            names.append(found[1] or "")
            return f"${len(names)}"
        return f"${names.index(found[1]) + 1}"

    numbered = _VALUE.sub(number, sql)
    return numbered.encode(), tuple(names)
