"""The console: one address per tab, for operators and for a tenant's administrators."""

from collections.abc import Callable
from typing import Final

from django.http import HttpResponse, HttpResponseBase
from django.views.decorators.http import require_http_methods

from common.errors import MissingError
from invites.access import ConsoleRequest, for_console
from invites.views.audit import audit
from invites.views.emailtemplates import emailtemplates
from invites.views.groups import groups
from invites.views.numbers import tenant_numbers
from invites.views.rolemapping import rolemapping
from invites.views.settings import invitetomedia, theming


@require_http_methods(["GET", "HEAD", "POST"])
@for_console
def console(request: ConsoleRequest, module: str) -> HttpResponseBase:
    """One tab of the console.

    Raises:
        MissingError: there is no such tab.
    """
    tab = _TABS.get(module)
    if tab is None:
        raise MissingError
    return tab(request)


_TABS: Final[dict[str, Callable[[ConsoleRequest], HttpResponse]]] = {
    "invitetomedia": invitetomedia,
    "emailtemplates": emailtemplates,
    "theming": theming,
    "rolemapping": rolemapping,
    "groups": groups,
    "audit": audit,
    "numbers": tenant_numbers,
}
