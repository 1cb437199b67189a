"""Text without accents and case, in the database: `Müller` is found by `muller`."""

from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models import CharField, Func
from django.db.models.sql.compiler import SQLCompiler

from lti_tool.folding import fold

_NAME: Final = "foyer_fold"
# The same letters as in `lti_tool.folding`, as far as PostgreSQL knows them without an extension.
_POSTGRESQL: Final = (
    "replace(replace(replace(translate("
    r"regexp_replace(normalize(lower(%(expressions)s), NFKD), '[\u0300-\u036f]', '', 'g'),"
    " 'øłđðħŧıŋ''’', 'olddhtin'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe')"
)


class Fold(Func):
    """A text column as `lti_tool.folding.fold` makes it."""

    arity = 1
    function = _NAME
    output_field = CharField()

    def as_postgresql(
        self,
        compiler: SQLCompiler,
        connection: BaseDatabaseWrapper,
        **context: Any,  # noqa: ANN401 - as Django has it
    ) -> tuple[str, Any]:
        """By what PostgreSQL has built in."""
        return super().as_sql(compiler, connection, template=_POSTGRESQL, **context)


def _teach_sqlite(connection: BaseDatabaseWrapper, **_signal: object) -> None:
    if connection.vendor == "sqlite":
        connection.connection.create_function(_NAME, 1, _fold, deterministic=True)


def _fold(text: str | None) -> str | None:
    return None if text is None else fold(text)


def register() -> None:
    """Let every connection to SQLite know the function, from the moment it is made."""
    connection_created.connect(_teach_sqlite, dispatch_uid=_NAME)
