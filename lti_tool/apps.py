"""The app's name for Django."""

from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.utils.translation import gettext_lazy as _


class LtiToolConfig(AppConfig):
    """See the package's modules."""

    name = "lti_tool"
    verbose_name = _("LTI")

    def ready(self) -> None:
        """Read PostgreSQL's times by `datetime` itself: Django's reader takes ten times as long."""
        connection_created.connect(_read_times_fast)


def _read_times_fast(*, connection: Any, **_told: object) -> None:  # noqa: ANN401 - Django's signal, any database
    if connection.vendor == "postgresql":
        from lti_tool.times import reader_in  # noqa: PLC0415 - its driver is absent where only SQLite is used

        connection.connection.adapters.register_loader("timestamptz", reader_in(connection.timezone))
