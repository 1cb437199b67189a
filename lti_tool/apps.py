"""The app's name for Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LtiToolConfig(AppConfig):
    """See the package's modules."""

    name = "lti_tool"
    verbose_name = _("LTI")
