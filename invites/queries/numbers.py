"""How many invites were made, mailed, used: by the day or by the week, for an entry or for a whole tenant.

Counted are invites and their first times, never names: whoever is made anonymous still counts.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any, Final, cast
from uuid import UUID

from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import TruncDate

from invites.models import Invite, OutboxMail
from invites.queries.invite_list import LINK_MAILS
from lti_tool.models import Tenant
from rooms.models import Entry

DAYS: Final = 30
WEEKS: Final = 52
MOST_ENTRIES: Final = 20
_WEEK: Final = timedelta(days=7)


class Step(StrEnum):
    """The way of an invite, step by step.

    Mailed is an invite of which at least one mail went out: a link that was handed over counts as made.
    """

    MADE = "made"
    MAILED = "mailed"
    LOBBY = "lobby"
    ENTERED = "entered"


class Span(StrEnum):
    """What is looked at."""

    DAYS = "days"
    WEEKS = "weeks"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A day, or a week from Monday, and how many invites took each step in it for the first time."""

    begins: date
    counts: dict[Step, int]


@dataclass(frozen=True, slots=True)
class Numbers:
    """The steps altogether, since the beginning, and over a span."""

    totals: dict[Step, int]
    span: Span
    buckets: list[Bucket]

    def in_span(self, step: Step) -> int:
        """How many took the step within the span."""
        return sum(bucket.counts[step] for bucket in self.buckets)


@dataclass(frozen=True, slots=True)
class EntryNumbers:
    """The steps of one entry's invites, since the beginning."""

    entry_id: UUID
    title: str
    totals: dict[Step, int]


def numbers_of_entry(entry: Entry, span: Span | None, *, zone: tzinfo, now: datetime) -> Numbers:
    """The numbers of one entry; without a span the shorter one that shows everything, if it does."""
    return _numbers(Invite.objects.filter(entry=entry), span, zone=zone, now=now)


def numbers_of_tenant(tenant: Tenant, span: Span | None, *, zone: tzinfo, now: datetime) -> Numbers:
    """The numbers of all of a tenant's entries, deleted ones too."""
    return _numbers(Invite.objects.filter(tenant=tenant), span, zone=zone, now=now)


def busiest_entries(tenant: Tenant) -> list[EntryNumbers]:
    """The tenant's entries with the most invites."""
    invites = _with_mailed_at(Invite.objects.filter(tenant=tenant)).order_by()
    counted = invites.values("entry_id", "entry__title").annotate(all=Count("pk"), **_TOTALS)
    rows = cast("Iterable[dict[str, Any]]", counted.order_by("-all", "entry__title")[:MOST_ENTRIES])
    return [
        EntryNumbers(row["entry_id"], row["entry__title"], {step: row[step.value] for step in Step})
        for row in rows
    ]


_AT: Final = {
    Step.MADE: "made_at",
    Step.MAILED: "mailed_at",
    Step.LOBBY: "lobby_reached_at",
    Step.ENTERED: "entered_at",
}
_TOTALS: Final = {
    step.value: Count("pk", filter=Q(**{f"{column}__isnull": False})) for step, column in _AT.items()
}


def _numbers(invites: QuerySet[Invite], span: Span | None, *, zone: tzinfo, now: datetime) -> Numbers:
    invites = _with_mailed_at(invites).order_by()
    summed = invites.aggregate(**_TOTALS, first=Min("made_at"))
    today = now.astimezone(zone).date()
    if span is None:
        first = summed["first"]
        fits = first is None or first.astimezone(zone).date() > today - timedelta(days=DAYS)
        span = Span.DAYS if fits else Span.WEEKS
    begins = _beginnings(span, today=today)
    since = datetime.combine(begins[0], datetime.min.time(), tzinfo=zone)
    counted = {
        step: _by_bucket(invites, column, begins, since=since, zone=zone) for step, column in _AT.items()
    }
    buckets = [Bucket(day, {step: counted[step][day] for step in Step}) for day in begins]
    return Numbers({step: summed[step.value] for step in Step}, span, buckets)


def _beginnings(span: Span, *, today: date) -> list[date]:
    if span == Span.DAYS:
        return [today - timedelta(days=back) for back in reversed(range(DAYS))]
    monday = today - timedelta(days=today.weekday())
    return [monday - back * _WEEK for back in reversed(range(WEEKS))]


def _by_bucket(
    invites: QuerySet[Invite], column: str, begins: Iterable[date], *, since: datetime, zone: tzinfo
) -> Counter[date]:
    """How many invites have this instant in each bucket. The database counts days; weeks are their sums."""
    rows = (
        invites.filter(**{f"{column}__gte": since})
        .annotate(day=TruncDate(column, tzinfo=zone))
        .values("day")
        .annotate(found=Count("pk"))
        .values_list("day", "found")
    )
    known = set(begins)
    counts: Counter[date] = Counter()
    for day, found in rows:
        counts[day if day in known else day - timedelta(days=day.weekday())] += found
    return counts


def _with_mailed_at(invites: QuerySet[Invite]) -> QuerySet[Invite]:
    sent = OutboxMail.objects.filter(
        invite=OuterRef("pk"), kind__in=LINK_MAILS, state=OutboxMail.State.SENT, sent_at__isnull=False
    )
    return invites.annotate(mailed_at=Subquery(sent.order_by("sent_at").values("sent_at")[:1]))
