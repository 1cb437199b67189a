"""The console: one address per tab, for operators and for a tenant's administrators."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode

from django.conf import settings as django_settings
from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from common.errors import MissingError
from invites.access import ConsoleRequest, for_console
from invites.mail import Invitation, Letter, supported_language, write_letter
from invites.models import ModuleSettings
from invites.queries import invites_broken_by, people_named_in, settings_for
from invites.services.settings import InvitingRules, change_inviting_rules, change_theming
from invites.settings_forms import InvitingForm, ThemingForm, initial_of, shown_minutes, theming_initial_of
from invites.views.console_page import console_page, saved
from invites.views.rolemapping import rolemapping
from lti_tool.models import Tab
from rooms.policy.roles import Role

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


def _emailtemplates(request: ConsoleRequest) -> HttpResponse:
    language = supported_language(request.GET.get("language", translation.get_language() or ""))
    page_url, preview = reverse("invites:console", args=["emailtemplates"]), reverse("invites:mail-preview")
    context = {
        "letter": _sample_letter(request.console.tab, language),
        "preview_url": f"{preview}?{_query(request, language=language)}",
        "language_links": [
            (name, f"{page_url}?{_query(request, language=code)}", code == language)
            for code, name in django_settings.LANGUAGES
        ],
    }
    return _page(request, "emailtemplates", context, settings_for(request.console.tenant))


_TABS: Final[dict[str, Callable[[ConsoleRequest], HttpResponse]]] = {
    "invitetomedia": _invitetomedia,
    "emailtemplates": _emailtemplates,
    "theming": _theming,
    "rolemapping": rolemapping,
}


@require_safe
@for_console
def mail_preview(request: ConsoleRequest) -> HttpResponse:
    """The shipped mail's HTML, for a sandboxed frame of ours."""
    language = supported_language(request.GET.get("language", ""))
    response = HttpResponse(_sample_letter(request.console.tab, language).html)
    # Mails carry their style inside them; nothing else is let through, and no script in any case. All frames
    # around it count: our own page, and the learning platform around that.
    tab = request.console.tab
    around = " ".join(["'self'", *(tab.frame_origins if tab else [])])
    response["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors {around}; sandbox"
    )
    return response


def _sample_letter(tab: Tab | None, language: str) -> Letter:
    """The shipped mail, as a guest whom this administrator invites would read it."""
    start = timezone.now().replace(hour=13, minute=0, second=0, microsecond=0) + timedelta(days=7)
    with translation.override(language):
        sample = Invitation(
            url=f"{django_settings.PUBLIC_URL}/join/their-own-link",
            email="ana@example.org",
            first_name="Ana",
            last_name="Example",
            inviter=tab.person.shown_name if tab else _("Your name"),
            role=Role.SPEAKER,
            title=_("Guest lecture"),
            course=tab.course.title if tab and tab.course else _("Your course"),
            starts_at=start,
            ends_at=start + timedelta(minutes=90),
            time_zone="UTC",
            expires_at=start + timedelta(days=1),
            devices=1,
            can_reply=bool(tab is None or tab.person.email),
        )
        return write_letter(sample, language=language)


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


def _query(request: ConsoleRequest, **values: str) -> str:
    """The query that keeps an operator at the tenant, with these values."""
    tenant = {} if request.console.tab else {"tenant": str(request.console.tenant.pk)}
    return urlencode({**tenant, **values})


def _question(rules: InvitingRules, count: int) -> str:
    """What a confirmation answers: these rules, breaking this many invites. Any other is asked about anew."""
    restricted = [str(rule) for rule in rules.restrict_new_user_domains]
    return sha256(repr((rules.enable, restricted, count)).encode()).hexdigest()[:16]
