"""Numbers: each invite once for each step, at its first time; nobody else's, and no names."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pytest_django import DjangoAssertNumQueries

from invites.models import Invite, OutboxMail
from invites.queries.numbers import (
    DAYS,
    WEEKS,
    Span,
    Step,
    busiest_entries,
    numbers_of_entry,
    numbers_of_tenant,
)
from rooms.models import Entry
from tests.factories.invites import make_invite
from tests.factories.rooms import make_entry

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)  # a Wednesday


@pytest.fixture
def entry() -> Entry:
    return make_entry(title="Reading the ice")


def make(entry: Entry, number: int, **values: object) -> Invite:
    return make_invite(entry, f"guest{number}@example.org", **{"made_at": NOW, **values})


def mail(invite: Invite, *, sent_at: datetime | None, kind: str = "invitation") -> None:
    OutboxMail.objects.create(
        tenant=invite.tenant,
        invite=invite,
        generation=1,
        due_at=NOW,
        kind=kind,
        state="sent" if sent_at else "failed",
        sent_at=sent_at,
    )


def counts(entry: Entry, span: Span, step: Step) -> dict[date, int]:
    numbers = numbers_of_entry(entry, span, zone=UTC, now=NOW)
    return {bucket.begins: bucket.counts[step] for bucket in numbers.buckets if bucket.counts[step]}


def test_mailed_is_who_was_sent_at_least_one_mail_with_a_link(entry: Entry) -> None:
    twice, failed, handed_over, coded = (make(entry, number) for number in range(4))
    mail(twice, sent_at=NOW - timedelta(days=2))
    mail(twice, sent_at=NOW)
    mail(failed, sent_at=None)
    mail(coded, sent_at=NOW, kind="code")
    Invite.objects.filter(pk=handed_over.pk).update(lobby_reached_at=NOW, entered_at=NOW)
    numbers = numbers_of_entry(entry, Span.DAYS, zone=UTC, now=NOW)
    assert numbers.totals == {Step.MADE: 4, Step.MAILED: 1, Step.LOBBY: 1, Step.ENTERED: 1}
    assert counts(entry, Span.DAYS, Step.MAILED) == {date(2026, 11, 16): 1}  # at its first time


def test_days_and_weeks_are_those_of_the_zone(entry: Entry) -> None:
    make(entry, 1, made_at=datetime(2026, 11, 15, 23, 30, tzinfo=UTC))  # Sunday; Monday in Berlin
    by_zone = {}
    for name in ("UTC", "Europe/Berlin"):
        numbers = numbers_of_entry(entry, Span.DAYS, zone=ZoneInfo(name), now=NOW)
        by_zone[name] = next(bucket.begins for bucket in numbers.buckets if bucket.counts[Step.MADE])
    assert by_zone == {"UTC": date(2026, 11, 15), "Europe/Berlin": date(2026, 11, 16)}
    weeks = numbers_of_entry(entry, Span.WEEKS, zone=ZoneInfo("Europe/Berlin"), now=NOW)
    assert [bucket.begins for bucket in weeks.buckets if bucket.counts[Step.MADE]] == [date(2026, 11, 16)]
    assert counts(entry, Span.WEEKS, Step.MADE) == {date(2026, 11, 9): 1}


def test_a_span_has_all_its_days_and_ends_today(entry: Entry) -> None:
    days = numbers_of_entry(entry, Span.DAYS, zone=UTC, now=NOW).buckets
    weeks = numbers_of_entry(entry, Span.WEEKS, zone=UTC, now=NOW).buckets
    assert (len(days), days[-1].begins) == (DAYS, date(2026, 11, 18))
    assert (len(weeks), weeks[-1].begins) == (WEEKS, date(2026, 11, 16))


def test_without_a_span_it_is_the_shorter_one_that_shows_everything(entry: Entry) -> None:
    assert numbers_of_entry(entry, None, zone=UTC, now=NOW).span == Span.DAYS
    make(entry, 1, made_at=NOW - timedelta(days=40))
    numbers = numbers_of_entry(entry, None, zone=UTC, now=NOW)
    assert numbers.span == Span.WEEKS
    assert numbers.in_span(Step.MADE) == 1
    days = numbers_of_entry(entry, Span.DAYS, zone=UTC, now=NOW)
    assert (days.in_span(Step.MADE), days.totals[Step.MADE]) == (0, 1)


def test_a_tenant_counts_all_of_its_entries_and_no_others(entry: Entry) -> None:
    other = make_entry(entry.tenant, title="Other")
    make(entry, 1)
    make(other, 2)
    make(other, 3, entered_at=NOW)
    make(make_entry(), 4)
    Entry.objects.filter(pk=other.pk).update(deleted_at=NOW)
    numbers = numbers_of_tenant(entry.tenant, None, zone=UTC, now=NOW)
    assert (numbers.totals[Step.MADE], numbers.totals[Step.ENTERED]) == (3, 1)
    assert [(each.title, each.totals[Step.MADE]) for each in busiest_entries(entry.tenant)] == [
        ("Other", 2),
        ("Reading the ice", 1),
    ]


def test_numbers_stay_when_nobody_has_a_name_any_more(entry: Entry) -> None:
    invite = make(entry, 1, lobby_reached_at=NOW, entered_at=NOW)
    mail(invite, sent_at=NOW)
    before = numbers_of_tenant(entry.tenant, None, zone=UTC, now=NOW)
    Invite.objects.update(email="", normalised_email="-", first_name="", last_name="", made_by=None)
    assert numbers_of_tenant(entry.tenant, None, zone=UTC, now=NOW) == before


@pytest.mark.parametrize("count", [1, 40])
def test_they_cost_five_queries_however_many(
    entry: Entry, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        mail(make(entry, number, made_at=NOW - timedelta(days=number)), sent_at=NOW)
    with django_assert_num_queries(5):
        numbers_of_entry(entry, Span.WEEKS, zone=UTC, now=NOW)
