"""The app's name for Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RoomsConfig(AppConfig):
    """See the package's modules."""

    name = "rooms"
    verbose_name = _("Rooms")
