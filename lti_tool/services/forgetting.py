"""What we need not know any longer: launches that are over, people whose data is to go."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from django.db import transaction
from django.db.models import QuerySet

from lti_tool.models import ConsoleClaim, LaunchRefusal, Membership, Person, Tab

TABS_KEPT: Final = timedelta(days=7)  # a page that is still open is told kindly that its launch is over
REFUSALS_KEPT: Final = timedelta(days=90)
CLAIMS_KEPT: Final = timedelta(days=30)
_AT_ONCE: Final = 500

_Row = TypeVar("_Row", Tab, LaunchRefusal, ConsoleClaim)


@dataclass(frozen=True, slots=True)
class OldLaunches:
    """How much was, or would be, deleted."""

    tabs: int
    refusals: int
    claims: int


def forget_old_launches(*, now: datetime, is_dry_run: bool = False) -> OldLaunches:
    """Delete tabs that have ended, refusals that nobody looks at any more, claim links that nobody used."""
    tabs = Tab.objects.filter(expires_at__lt=now - TABS_KEPT)
    refusals = LaunchRefusal.objects.filter(at__lt=now - REFUSALS_KEPT)
    claims = ConsoleClaim.objects.filter(expires_at__lt=now - CLAIMS_KEPT, key=None)
    if is_dry_run:
        return OldLaunches(tabs.count(), refusals.count(), claims.count())
    return OldLaunches(_delete(tabs), _delete(refusals), _delete(claims))


def _delete(rows: QuerySet[_Row]) -> int:
    """Delete in small portions, so that nobody waits for the end of it; how many."""
    deleted = 0
    while some := [row.pk for row in rows[:_AT_ONCE]]:
        rows.filter(pk__in=some).delete()
        deleted += len(some)
    return deleted


@transaction.atomic
def anonymise_person(person: Person, *, now: datetime) -> None:
    """Take away what tells who a person is, their places in courses and their launched tabs.

    The row stays for what it did. Its `sub` goes too: whoever launches again is a new person to us.
    """
    Tab.objects.filter(person=person, ended_at=None).update(ended_at=now)
    Membership.objects.filter(person=person).delete()
    person.sub = f"erased-{person.pk}"
    person.name = person.given_name = person.family_name = person.chosen_name = ""
    person.email = person.normalised_email = person.locale = ""
    person.is_disabled = True
    person.save()
