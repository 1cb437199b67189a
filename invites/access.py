"""A request -> the console: whose rules somebody may change.

An operator (Django login) reaches every tenant and names one in the address; an administrator's launched tab
reaches its own, whatever the address says; a browser that redeemed the claim link of a registration reaches
those whose keys it holds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from common.access import mark
from common.errors import MissingError, RefusedError
from lti_tool.identity import console_keys_here, tab_of
from lti_tool.models import ConsoleKey, Deployment, Platform, Tab, Tenant

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


@dataclass(frozen=True, slots=True)
class Console:
    """One tenant's rules in somebody's hands. Exactly one of `tab`, `operator_id` and `key` is set."""

    tenant: Tenant
    tab: Tab | None = None
    operator_id: int | None = None
    key: ConsoleKey | None = None

    @property
    def actor(self) -> str:
        """Who it is, for logs: an id, never a name."""
        if self.tab:
            return f"person:{self.tab.person_id}"
        return f"console-key:{self.key.pk}" if self.key else f"operator:{self.operator_id}"

    def url(self, module: str) -> str:
        """The address of one of its tabs; an operator's carries the tenant."""
        return self.address("invites:console", module)

    def address(self, url_name: str, *args: object) -> str:
        """The address of any page of the console; an operator's carries the tenant."""
        address = reverse(url_name, args=args)
        return address if self.tab else f"{address}?{urlencode({'tenant': self.tenant.pk})}"


class ConsoleRequest(HttpRequest):
    """A request of somebody who may change a tenant's rules (see `for_console`)."""

    console: Console


def for_console(
    view: Callable[Concatenate[ConsoleRequest, P], R],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Let only operators and a tenant's administrators call the view; sets `request.console`.

    Operators are asked to log in; they, and browsers with several keys, choose among tenants where the
    address names none.

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
            keys = [] if isinstance(request.user, User) else console_keys_here(request)
            if not isinstance(request.user, User) and not keys:
                return redirect_to_login(request.get_full_path(), reverse("admin:login"))
            if isinstance(request.user, User):
                console = _console_of_operator(request.user, wanted=wanted)
            else:
                console = _console_of_keys(keys, wanted=wanted)
            if console is None:
                tenants = Tenant.objects.select_related("platform").order_by("name", "pk")
                shown = tenants.filter(console_keys__in=keys) if keys else tenants
                return render(request, "invites/console/tenants.html", {"tenants": shown, "has_keys": keys})
        known = cast("ConsoleRequest", request)
        known.console = console
        return view(known, *args, **kwargs)

    return mark(guarded, "console")


@dataclass(frozen=True, slots=True)
class Registrar:
    """Whose registrations somebody may see: an operator's all, an administrator's the one of their tenant.

    Args:
        console: the tenant whose tabs stand around the page; None for an operator who named none.
    """

    console: Console | None
    operator_id: int | None = None

    @property
    def is_operator(self) -> bool:
        """Whether this is somebody who runs the tool."""
        return self.operator_id is not None

    @property
    def actor(self) -> str:
        """Who it is, for logs: an id, never a name."""
        if self.operator_id is not None or self.console is None:
            return f"operator:{self.operator_id}"
        return self.console.actor

    def platforms(self) -> QuerySet[Platform]:
        """The registrations that may be seen."""
        if self.is_operator:
            return Platform.objects.all()
        if self.console is None:
            return Platform.objects.none()
        return Platform.objects.filter(pk=self.console.tenant.platform_id)

    def platform(self, platform_id: int) -> Platform:
        """One of them.

        Raises:
            MissingError: there is none, or it is somebody else's.
        """
        found = self.platforms().filter(pk=platform_id).first()
        if found is None:
            raise MissingError
        return found

    def deployments_of(self, platform: Platform) -> QuerySet[Deployment]:
        """Its deployments: where each is a tenant of its own, an administrator sees none but theirs."""
        rows = platform.deployments.select_related("tenant")
        if self.is_operator or self.console is None or platform.tenancy == Platform.Tenancy.PLATFORM:
            return rows
        return rows.filter(tenant=self.console.tenant)

    def may_manage(self, platform: Platform) -> bool:
        """Whether they may change it: not where other institutions launch through the same registration."""
        return self.is_operator or platform.tenancy == Platform.Tenancy.PLATFORM

    def managed(self, platform_id: int) -> Platform:
        """A registration that they may change.

        Raises:
            MissingError: there is none, or it is somebody else's.
            RefusedError: others share it.
        """
        found = self.platform(platform_id)
        if not self.may_manage(found):
            raise RefusedError(
                _("Other institutions use this registration, too."),
                next_step=_("The operator of this tool can change it."),
                code="shared_registration",
            )
        return found

    def address(self, url_name: str, *args: object) -> str:
        """The address of a page of registrations; the tenant, where one was named, stays."""
        return self.console.address(url_name, *args) if self.console else reverse(url_name, args=args)


class RegistrarRequest(HttpRequest):
    """A request of somebody who may see registrations (see `for_registrar`)."""

    registrar: Registrar


def for_registrar(
    view: Callable[Concatenate[RegistrarRequest, P], R],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """As `for_console`, but an operator needs no tenant: registrations come before there is any.

    Raises:
        RefusedError: the tab, or the login, has no right to any console.
        MissingError: there is no such tenant, or it is not the tab's own.
    """

    @for_console
    def as_administrator(request: ConsoleRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
        known = cast("RegistrarRequest", request)
        known.registrar = Registrar(request.console, operator_id=request.console.operator_id)
        return view(known, *args, **kwargs)

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        is_operator = tab_of(request) is None and isinstance(request.user, User) and request.user.is_staff
        if not is_operator:
            return as_administrator(request, *args, **kwargs)
        user, wanted = cast("User", request.user), request.GET.get("tenant")
        console = _console_of_operator(user, wanted=wanted) if wanted is not None else None
        known = cast("RegistrarRequest", request)
        known.registrar = Registrar(console, operator_id=user.pk)
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


def _console_of_keys(keys: list[ConsoleKey], *, wanted: str | None) -> Console | None:
    """The tenant that the address names, among those whose keys the browser holds."""
    if wanted is not None:
        tenant_id = _uuid(wanted)
        key = next((one for one in keys if one.tenant_id == tenant_id), None)
        if key is None:
            raise MissingError
        return Console(tenant=key.tenant, key=key)
    return Console(tenant=keys[0].tenant, key=keys[0]) if len(keys) == 1 else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
