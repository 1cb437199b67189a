"""The console's tab `audit`: who changed which rule, when, from what to what."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from invites.access import ConsoleRequest, for_console
from invites.audit_words import TABS, ShownEvent, event_in_words
from invites.models import AuditEvent
from invites.queries import audit_events_of, names_in
from invites.spreadsheets import write_sheet
from invites.views.console_page import console_page

ON_A_PAGE: Final = 30
MOST_IN_A_FILE: Final = 10_000


def audit(request: ConsoleRequest) -> HttpResponse:
    """The log, page by page, of one tab or of all."""
    console, tab = request.console, _tab(request)
    page = Paginator(audit_events_of(console.tenant, tab=tab), ON_A_PAGE).get_page(request.GET.get("page"))
    here = console.url("audit")
    context = {
        "events": _in_words(request, list(page.object_list)),
        "page": page,
        "tab": tab,
        "filters": [("", _("All tabs")), *((name, str(label)) for name, label in TABS.items())],
        "hidden": {"tenant": str(console.tenant.pk)} if console.tab is None else {},
        "page_url": _with(here, tab=tab, page=""),
        "csv_url": _with(console.address("invites:audit-csv"), tab=tab),
        "is_capped": page.paginator.count > MOST_IN_A_FILE,
    }
    return console_page(request, console, "audit", context)


@require_safe
@never_cache
@for_console
def audit_csv(request: ConsoleRequest) -> HttpResponse:
    """The same as a file for a spreadsheet: one line for each field that changed."""
    console, tab = request.console, _tab(request)
    events = list(audit_events_of(console.tenant, tab=tab)[:MOST_IN_A_FILE])
    header = [
        *(_("When (UTC)"), _("Who"), _("Id"), _("Tab"), _("What"), _("Of what")),
        *(_("Field"), _("From"), _("To")),
    ]
    rows = [line for event in _in_words(request, events) for line in _lines_of(event)]
    response = HttpResponse(
        write_sheet([header, *rows], language=get_language() or "en"), content_type="text/csv; charset=utf-8"
    )
    name = f"audit-{slugify(console.tenant.name)[:40] or 'log'}-{timezone.now():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _lines_of(event: ShownEvent) -> list[list[str]]:
    start = [
        *(f"{event.at:%Y-%m-%d %H:%M:%S}", event.who, event.who_id),
        *(event.tab, event.what, event.subject),
    ]
    changes = [
        (change.label, *((_("changed"), _("changed")) if change.is_hidden else change.as_text))
        for change in event.changes
    ]
    return [[*start, *change] for change in changes or [("", "", "")]]


def _in_words(request: ConsoleRequest, events: Sequence[AuditEvent]) -> list[ShownEvent]:
    console = request.console
    names = names_in(console.tenant, events)
    return [event_in_words(event, names, names_operators=console.operator_id is not None) for event in events]


def _tab(request: ConsoleRequest) -> str:
    wanted = request.GET.get("tab", "")
    return wanted if wanted in TABS else ""


def _with(address: str, **values: str) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(values)}"
