"""Reads that every request asks: their SQL is built once, then run with new values.

Building the statement costs Django more than running it costs PostgreSQL. What is read, and how rows become
models, stays written as a queryset; only its values are left open, as slots.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Expression, Field, Model, QuerySet
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=Model)


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
        with connection.cursor() as cursor:
            cursor.execute(plan.sql, plan.fill(values))
            rows = cursor.fetchall()
        if plan.converters:
            rows = list(map(tuple, plan.compiler.apply_converters(rows, plan.converters)))
        return [self._model(row) for row in rows]

    def _model(self, row: Sequence[Any]) -> M:
        plan = self._plan
        model: type[M] = plan.compiler.klass_info["model"]
        found = model.from_db(connection.alias, plan.field_names, row[plan.fields])
        for populator in plan.populators:
            populator.populate(row, found)
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
            populators=get_related_populators(info, select, connection.alias),  # type: ignore[call-arg]  # of Django 6
            converters=compiler.get_converters([column[0] for column in select]),
        )
