"""The app's name for Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InvitesConfig(AppConfig):
    """See the package's modules."""

    name = "invites"
    verbose_name = _("Invitations")

    def ready(self) -> None:
        """Let Prometheus ask how full the outbox is, and SQLite fold text."""
        from invites import metrics  # noqa: PLC0415 - it needs the models, which are loaded by now
        from invites.queries import folding  # noqa: PLC0415 - the same

        metrics.register()
        folding.register()
