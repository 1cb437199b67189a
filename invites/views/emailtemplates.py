"""The console's tab `emailtemplates`: what invitation mails say."""

from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings as django_settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from invites.access import ConsoleRequest, for_console
from invites.letters import Invitation, Letter, supported_language, write_letter
from invites.queries import settings_for
from invites.views.console_page import console_page
from lti_tool.models import Tab
from rooms.policy.roles import Role


def emailtemplates(request: ConsoleRequest) -> HttpResponse:
    """The shipped mail, with made-up names in it."""
    language = supported_language(request.GET.get("language", translation.get_language() or ""))
    page_url, preview = reverse("invites:console", args=["emailtemplates"]), reverse("invites:mail-preview")
    context = {
        "stored": settings_for(request.console.tenant),
        "letter": _sample_letter(request.console.tab, language),
        "preview_url": f"{preview}?{_query(request, language=language)}",
        "language_links": [
            (name, f"{page_url}?{_query(request, language=code)}", code == language)
            for code, name in django_settings.LANGUAGES
        ],
    }
    return console_page(request, request.console, "emailtemplates", context)


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


def _query(request: ConsoleRequest, **values: str) -> str:
    """The query that keeps an operator at the tenant, with these values."""
    tenant = {} if request.console.tab else {"tenant": str(request.console.tenant.pk)}
    return urlencode({**tenant, **values})
