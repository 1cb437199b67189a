"""The app's name for Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InvitesConfig(AppConfig):
    """See the package's modules."""

    name = "invites"
    verbose_name = _("Invitations")
