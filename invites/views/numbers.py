"""Numbers: what became of an entry's invites, and of a whole tenant's."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from invites.access import ConsoleRequest
from invites.charts import Chart, draw_columns, per_cent
from invites.queries.numbers import (
    Numbers,
    Span,
    Step,
    busiest_entries,
    numbers_of_entry,
    numbers_of_tenant,
)
from invites.views.console_page import console_page
from invites.views.inviting import demand_right
from rooms.access import ViewerRequest, for_viewer
from rooms.policy.rights import Power

STEP_NAMES: Final = {
    Step.MADE: _("Made"),
    Step.MAILED: _("Mailed"),
    Step.LOBBY: _("Lobby reached"),
    Step.ENTERED: _("Entered"),
}
SPAN_NAMES: Final = {
    Span.DAYS: _("Last 30 days"),
    Span.WEEKS: _("Last 52 weeks"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A step with its numbers and its picture."""

    step: str
    name: object
    total: int
    share: int
    chart: Chart


@for_viewer
@require_safe
def entry_numbers(request: ViewerRequest) -> HttpResponse:
    """An entry's numbers, for those who may see all of its invites."""
    demand_right(request)
    request.viewer.must(Power.MANAGE_ALL_INVITES)
    entry = request.entry
    zone = ZoneInfo(entry.time_zone or "UTC")
    numbers = numbers_of_entry(entry, _span(request.GET.get("span", "")), zone=zone, now=timezone.now())
    address = reverse("invites:numbers", args=[entry.pk])
    context = {"entry": entry, **shown_numbers(numbers, address), "zone": str(zone)}
    return render(request, "invites/numbers.html", context)


def tenant_numbers(request: ConsoleRequest) -> HttpResponse:
    """The console's tab: all of a tenant's entries together, and the busiest ones."""
    tenant = request.console.tenant
    zone = timezone.get_default_timezone()
    numbers = numbers_of_tenant(tenant, _span(request.GET.get("span", "")), zone=zone, now=timezone.now())
    context = {
        **shown_numbers(numbers, request.console.url("numbers")),
        "zone": str(zone),
        "busiest": [(each.title, [each.totals[step] for step in Step]) for each in busiest_entries(tenant)],
    }
    return console_page(request, request.console, "numbers", context)


def shown_numbers(numbers: Numbers, address: str) -> dict[str, object]:
    """What a page of numbers shows, and where its other span is."""
    most = max((bucket.counts[step] for bucket in numbers.buckets for step in Step), default=0)
    made = numbers.totals[Step.MADE]
    separator = "&" if "?" in address else "?"
    return {
        "steps": [
            Shown(
                step=step.value,
                name=STEP_NAMES[step],
                total=numbers.totals[step],
                share=per_cent(numbers.totals[step], made),
                chart=draw_columns(
                    [(bucket.begins, bucket.counts[step]) for bucket in numbers.buckets], most=most
                ),
            )
            for step in Step
        ],
        "lines": [
            (bucket.begins, [bucket.counts[step] for step in Step]) for bucket in reversed(numbers.buckets)
        ],
        "made": made,
        "most": most,
        "is_by_week": numbers.span == Span.WEEKS,
        "spans": [
            (name, f"{address}{separator}{urlencode({'span': span.value})}", span == numbers.span)
            for span, name in SPAN_NAMES.items()
        ],
    }


def _span(text: str) -> Span | None:
    return next((span for span in Span if span.value == text), None)
