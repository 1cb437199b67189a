"""A request -> the console: whose rules somebody may change.

An operator (Django login) reaches every tenant and names one in the address; an administrator's launched tab
reaches its own, whatever the address says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from common.access import mark
from common.errors import MissingError, RefusedError
from lti_tool.identity import tab_of
from lti_tool.models import Tab, Tenant

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


@dataclass(frozen=True, slots=True)
class Console:
    """One tenant's rules in somebody's hands. Exactly one of `tab` and `operator_id` is set."""

    tenant: Tenant
    tab: Tab | None = None
    operator_id: int | None = None

    @property
    def actor(self) -> str:
        """Who it is, for logs: an id, never a name."""
        return f"person:{self.tab.person_id}" if self.tab else f"operator:{self.operator_id}"

    def url(self, module: str) -> str:
        """The address of one of its pages; an operator's carries the tenant."""
        address = reverse("invites:console", args=[module])
        return address if self.tab else f"{address}?{urlencode({'tenant': self.tenant.pk})}"


class ConsoleRequest(HttpRequest):
    """A request of somebody who may change a tenant's rules (see `for_console`)."""

    console: Console


def for_console(
    view: Callable[Concatenate[ConsoleRequest, P], R],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Let only operators and a tenant's administrators call the view; sets `request.console`.

    Operators are asked to log in, and to choose among tenants where the address names none.

    Raises:
        RefusedError: the tab, or the login, has no right to any console.
        MissingError: there is no such tenant, or it is not the tab's own.
    """

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        tab = tab_of(request)
        wanted = request.GET.get("tenant")
        console: Console | None
        if tab is not None:
            console = _console_of_tab(tab, wanted=wanted)
        else:
            if not isinstance(request.user, User):
                return redirect_to_login(request.get_full_path(), reverse("admin:login"))
            console = _console_of_operator(request.user, wanted=wanted)
            if console is None:
                tenants = Tenant.objects.select_related("platform").order_by("name", "pk")
                return render(request, "invites/console/tenants.html", {"tenants": tenants})
        known = cast("ConsoleRequest", request)
        known.console = console
        return view(known, *args, **kwargs)

    return mark(guarded, "console")


def _console_of_tab(tab: Tab, *, wanted: str | None) -> Console:
    if not tab.is_console_admin:
        raise RefusedError(
            _("The console is for administrators."),
            next_step=_(
                "If you look after this tool at your institution, ask your LMS administrator to let you in."
            ),
            code="no_console",
        )
    if wanted is not None and _uuid(wanted) != tab.tenant_id:
        raise MissingError
    return Console(tenant=tab.tenant, tab=tab)


def _console_of_operator(user: User, *, wanted: str | None) -> Console | None:
    """The tenant that the address names, or the only one there is; None where one has to be chosen."""
    if not user.is_staff:
        raise RefusedError(_("This login has no access to the console."), code="no_console")
    if wanted is not None:
        tenant_id = _uuid(wanted)
        tenant = Tenant.objects.filter(pk=tenant_id).first() if tenant_id else None
        if tenant is None:
            raise MissingError
        return Console(tenant=tenant, operator_id=user.pk)
    tenants = list(Tenant.objects.all()[:2])
    return Console(tenant=tenants[0], operator_id=user.pk) if len(tenants) == 1 else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
