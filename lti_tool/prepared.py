"""Reads that every request asks: their SQL is built once, then run with new values.

Building the statement costs Django more than running it costs PostgreSQL. What is read, and how rows become
models, stays written as a queryset (`PreparedRead`); only its values are left open, as slots. Where one
question takes the place of several that no queryset can join, the joins are written by hand (`PreparedJoin`).
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.db.models import AutoField, Expression, Field, Model, QuerySet
from django.db.models.base import ModelState
from django.db.models.expressions import RawSQL
from django.db.models.query import get_related_populators

if TYPE_CHECKING:
    from lti_tool.asked import Asker

M = TypeVar("M", bound=Model)


def _loaded(model: type[M], names: Iterable[str], values: Iterable[object]) -> M:
    """A row as `Model.from_db` makes it; what was not read is read when somebody asks for it.

    It goes past `__init__`, which takes longer than the question did, for defaults and signals that a row
    out of the database does not need.
    """
    row = model.__new__(model)
    state = ModelState()
    state.db, state.adding = DEFAULT_DB_ALIAS, False
    row.__dict__.update(zip(names, values, strict=True), _state=state)
    return row


def _populate(populator: Any, row: Sequence[Any], near: Model) -> None:  # noqa: ANN401 - Django's own helper
    """What Django's populator of a related model does, with `_loaded`."""
    values = row[populator.cols_start : populator.cols_end]
    if populator.reorder_for_init is not None:
        values = populator.reorder_for_init(row)
    related = None
    if values[populator.pk_idx] is not None:
        related = _loaded(populator.model_cls, populator.init_list, values)
        for further in populator.related_populators:
            _populate(further, row, related)
        populator.remote_setter(related, near)
    populator.local_setter(near, related)


class Slot(Expression):
    """A value that is not known yet.

    Args:
        name: under which it will be given.
        like: the field that it is compared with; it knows how the database wants the value.
    """

    def __init__(self, name: str, like: Any) -> None:  # noqa: ANN401 - `Model.field` is a descriptor to mypy
        field: Field[Any, Any] = getattr(like, "field", like)
        super().__init__(output_field=getattr(field, "target_field", None) or field)
        self.name = name

    def as_sql(self, _compiler: Any, _connection: Any) -> tuple[str, tuple[Any, ...]]:  # noqa: ANN401 - as Django has it
        """Itself as the parameter, to be replaced when the statement runs."""
        return "%s", (self,)


@dataclass(frozen=True)
class _Plan:
    """A compiled statement."""

    sql: str
    parameters: tuple[Any, ...]
    compiler: Any
    field_names: list[str]
    fields: slice
    populators: list[Any]
    converters: dict[int, Any]

    def fill(self, values: dict[str, object]) -> list[Any]:
        """The parameters, with values in the slots."""
        return [self._value(each, values) for each in self.parameters]

    def _value(self, parameter: object, values: dict[str, object]) -> Any:  # noqa: ANN401 - a driver's value
        if not isinstance(parameter, Slot):
            return parameter
        return parameter.output_field.get_db_prep_value(values[parameter.name], connection)


class PreparedRead(Generic[M]):
    """The rows of a queryset with slots.

    Args:
        build: makes the queryset; called once, when it is first asked.
    """

    def __init__(self, build: Callable[[], QuerySet[M]]) -> None:
        self._build = build

    def first(self, **values: object) -> M | None:
        """The row for these values; any one, if there are several."""
        return next(iter(self.all(**values)), None)

    def all(self, **values: object) -> list[M]:
        """The rows for these values."""
        plan = self._plan
        rows = _rows(plan.sql, plan.fill(values))
        if plan.converters:
            rows = list(map(tuple, plan.compiler.apply_converters(rows, plan.converters)))
        return [self._model(row) for row in rows]

    def _model(self, row: Sequence[Any]) -> M:
        plan = self._plan
        model: type[M] = plan.compiler.klass_info["model"]
        found = _loaded(model, plan.field_names, row[plan.fields])
        for populator in plan.populators:
            _populate(populator, row, found)
        for name, position in (plan.compiler.annotation_col_map or {}).items():
            setattr(found, name, row[position])
        return found

    @cached_property
    def _plan(self) -> _Plan:
        compiler: Any = self._build().query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        select, info = compiler.select, compiler.klass_info
        chosen = info["select_fields"]
        fields = slice(chosen[0], chosen[-1] + 1)
        return _Plan(
            sql=sql,
            parameters=tuple(parameters),
            compiler=compiler,
            field_names=[column[0].target.attname for column in select[fields]],
            fields=fields,
            populators=get_related_populators(info, select, DEFAULT_DB_ALIAS),  # type: ignore[call-arg]  # of Django 6
            converters=compiler.get_converters([column[0] for column in select]),
        )


def _rows(sql: str, values: Sequence[Any] | Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
    """What a statement finds."""
    if asker := _asker():
        with connection.wrap_database_errors:
            return asker.rows(sql, values)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _change(sql: str, values: Sequence[Any]) -> int:
    """How many rows a statement changes."""
    if asker := _asker():
        with connection.wrap_database_errors:
            return asker.change(sql, values)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def _asker() -> "Asker | None":
    """The short way, where there is one. Whatever looks on (tests that count, tools) looks at a cursor."""
    connection.ensure_connection()
    if connection.vendor != "postgresql" or connection.queries_logged or connection.execute_wrappers:
        return None
    from lti_tool.asked import asker_at  # noqa: PLC0415 - its driver is absent where only SQLite is used

    connection.validate_no_broken_transaction()
    asker = asker_at(connection.connection)
    return asker if asker.can_ask(by_itself=connection.get_autocommit()) else None


# --- Written by hand ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Part:
    """The columns of one model in a joined row; the first is the primary key."""

    name: str
    model: type[Model]
    field_names: list[str]
    start: int
    end: int
    converters: list[tuple[int, Callable[[Any], Any]]]

    def read(self, row: Sequence[Any]) -> Model | None:
        """The model out of a row; None where an outer join found nothing."""
        values = row[self.start : self.end]
        if values[0] is None:
            return None
        if self.converters:
            values = list(values)
            for position, convert in self.converters:
                values[position] = convert(values[position])
        return _loaded(self.model, self.field_names, values)


class PreparedJoin:
    """One row of several models, joined by a statement of our own.

    Args:
        sql: `{name}` stands for the columns of the model that is joined under this alias, `%(name)s` for a
            value. Whatever else is selected comes after all models.
        parts: the models by alias; with the fields that are read, or all.
    """

    def __init__(
        self, sql: str | Callable[[], str], **parts: type[Model] | tuple[type[Model], Sequence[str]]
    ) -> None:
        self._sql = sql
        self._wanted = parts

    def first(self, **values: Any) -> tuple[dict[str, Any], Sequence[Any]] | None:  # noqa: ANN401 - a driver's values
        """The models of the first row by their names, and what else was selected.

        Values are given as the driver wants them (`driver_value`).
        """
        sql, parts = self._plan
        row = next(iter(_rows(sql, values)), None)
        if row is None:
            return None
        return {part.name: part.read(row) for part in parts}, row[parts[-1].end :]

    @cached_property
    def _plan(self) -> tuple[str, list[_Part]]:
        parts: list[_Part] = []
        columns: dict[str, str] = {}
        quote = connection.ops.quote_name
        for name, wanted in self._wanted.items():
            model, chosen = wanted if isinstance(wanted, tuple) else (wanted, ())
            fields = [field for field in model._meta.concrete_fields if not chosen or field.name in chosen]  # noqa: SLF001 - public by name
            fields.sort(key=lambda field: not field.primary_key)
            start = parts[-1].end if parts else 0
            columns[name] = ", ".join(f"{quote(name)}.{quote(str(field.column))}" for field in fields)
            parts.append(
                _Part(
                    name=name,
                    model=model,
                    field_names=[field.attname for field in fields],
                    start=start,
                    end=start + len(fields),
                    converters=[
                        (position, _converter(field))
                        for position, field in enumerate(fields)
                        if _converters(field)
                    ],
                )
            )
        sql = self._sql if isinstance(self._sql, str) else self._sql()
        return sql.format(**columns), parts


def _column(field: Any) -> Any:  # noqa: ANN401 - a field of any type, and Django's own expression
    return field.get_col(field.model._meta.db_table)  # noqa: SLF001 - public by name


def _converters(field: Any) -> list[Callable[..., Any]]:  # noqa: ANN401 - a field of any type
    expression = _column(field)
    return [*connection.ops.get_db_converters(expression), *expression.get_db_converters(connection)]


def _converter(field: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - as above
    expression, steps = _column(field), _converters(field)

    def convert(value: Any) -> Any:  # noqa: ANN401 - as above
        for step in steps:
            value = step(value, expression, connection)
        return value

    return convert


def driver_value(value: object, like: Any) -> Any:  # noqa: ANN401 - `Model.field` is a descriptor to mypy
    """A value as the driver wants it for a field."""
    return getattr(like, "field", like).get_db_prep_value(value, connection)


def one_of(values: Iterable[object], like: Any) -> RawSQL:  # noqa: ANN401 - as above
    """The right side of `__in` as one parameter, however many values there are.

    A statement with thousands of them costs the driver more than what it asks for.

    Args:
        values: ids or hashes: nothing that would have to be quoted inside an array.
        like: the field that they are compared with.
    """
    plain = [each.hex if isinstance(each, UUID) else str(each) for each in values]
    if connection.vendor == "postgresql":
        kind = getattr(like, "field", like).db_type(connection)
        return RawSQL(f"SELECT unnest(%s::{kind}[])", ["{" + ",".join(plain) + "}"])  # noqa: S611 - the type of our field
    return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(plain)])


# --- New rows -----------------------------------------------------------------------------------


def insert_rows(rows: Iterable[Model]) -> None:
    """Insert new rows as `save(force_insert=True)` does, without building each statement anew: all or none.

    PostgreSQL gets them as one statement, which is a transaction of its own, so one that needs a key made by
    the database (`AutoField`) of another cannot come along with it. A model's own `save` is not called.
    """
    new = list(rows)
    statements = [_statement_for(row) for row in new]
    is_one = connection.vendor == "postgresql"
    with nullcontext() if is_one and not connection.in_atomic_block else transaction.atomic():
        if is_one:
            values = [value for _sql, some in statements for value in some]
            _change(_as_one(*(sql for sql, _values in statements)), values)
        else:
            for sql, values in statements:
                _change(sql, values)
    for row in new:
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS  # noqa: SLF001 - as `save` does


@cache
def _as_one(*inserts: str) -> str:
    """Several statements as one; none of them sees what the others do."""
    *before, last = inserts
    named = ", ".join(f"row{number} AS ({sql})" for number, sql in enumerate(before))
    return f"WITH {named} {last}" if named else last


def insert_if_absent(row: Model) -> bool:
    """Insert a new row, unless there is one like it; tells whether it is new."""
    sql, values = _statement_for(row)
    return _change(f"{sql} ON CONFLICT DO NOTHING", values) == 1


def _statement_for(row: Model) -> tuple[str, list[Any]]:
    row._prepare_related_fields_for_save(operation_name="save")  # type: ignore[attr-defined]  # noqa: SLF001 - takes over keys that related rows have got meanwhile
    sql, fields = _insert_of(type(row))
    return sql, [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]


@cache
def _insert_of(model: type[Model]) -> tuple[str, list[Any]]:
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, AutoField)]  # noqa: SLF001 - public by name
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({marks})", fields  # noqa: S608, SLF001 - names out of our models
