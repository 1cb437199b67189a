"""The console: one address per tab, for operators and for a tenant's administrators."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final

from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from common.errors import MissingError
from invites.access import ConsoleRequest, for_console
from invites.models import ModuleSettings
from invites.queries import invites_broken_by, people_named_in, settings_for
from invites.services.settings import InvitingRules, change_inviting_rules, change_theming
from invites.settings_forms import InvitingForm, ThemingForm, initial_of, shown_minutes, theming_initial_of
from invites.views.console_page import console_page, saved
from invites.views.emailtemplates import emailtemplates
from invites.views.rolemapping import rolemapping

SHOWN_BROKEN: Final = 5  # invites named one by one before a rule is saved that would break them


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


def _invitetomedia(request: ConsoleRequest) -> HttpResponse:
    tenant = request.console.tenant
    stored = settings_for(tenant)
    initial = initial_of(stored, people_named_in(stored))
    if request.method != "POST":
        return _page(request, "invitetomedia", {"form": InvitingForm(tenant=tenant, initial=initial)}, stored)
    form = InvitingForm(request.POST, tenant=tenant, initial=initial)
    if not form.is_valid():
        return _page(request, "invitetomedia", {"form": form}, stored, status=422)
    rules = form.read()
    broken = invites_broken_by(
        stored, enable=rules.enable, rules=rules.restrict_new_user_domains, now=timezone.now()
    )
    question = _question(rules, len(broken))
    if broken and request.POST.get("confirmed") != question:
        named = {
            "question": question,
            "broken": broken[:SHOWN_BROKEN],
            "broken_count": len(broken),
            "more": len(broken) - SHOWN_BROKEN,
        }
        return _page(request, "invitetomedia", {"form": form, "rules": rules, **named}, stored)
    change_inviting_rules(tenant, rules, by=request.console.actor)
    return saved(request.console.url("invitetomedia"))


def _theming(request: ConsoleRequest) -> HttpResponse:
    stored = settings_for(request.console.tenant)
    initial = theming_initial_of(stored)
    if request.method != "POST":
        return _page(request, "theming", {"form": ThemingForm(initial=initial)}, stored)
    form = ThemingForm(request.POST, initial=initial)
    if not form.is_valid():
        return _page(request, "theming", {"form": form}, stored, status=422)
    change_theming(request.console.tenant, shows_on_media_page=form.read(), by=request.console.actor)
    return saved(request.console.url("theming"))


_TABS: Final[dict[str, Callable[[ConsoleRequest], HttpResponse]]] = {
    "invitetomedia": _invitetomedia,
    "emailtemplates": emailtemplates,
    "theming": _theming,
    "rolemapping": rolemapping,
}


def _page(
    request: ConsoleRequest,
    module: str,
    context: Mapping[str, object],
    stored: ModuleSettings,
    *,
    status: int = 200,
) -> HttpResponse:
    page = {
        "templates_url": request.console.url("emailtemplates"),
        "stored": stored,
        "stored_duration": shown_minutes(stored.link_duration),
        **context,
    }
    return console_page(request, request.console, module, page, status=status)


def _question(rules: InvitingRules, count: int) -> str:
    """What a confirmation answers: these rules, breaking this many invites. Any other is asked about anew."""
    restricted = [str(rule) for rule in rules.restrict_new_user_domains]
    return sha256(repr((rules.enable, restricted, count)).encode()).hexdigest()[:16]
