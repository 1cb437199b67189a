"""Retention: what is no longer needed is made anonymous or deleted, a little at a time, again and again.

A guest is forgotten `GuestRetentionDays` after the end of the last entry that they were invited to. An entry
without a schedule ends for them with their link, or when they were last seen. The numbers stay.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from threading import Event
from typing import Final

from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import transaction
from django.db.models import Case, Exists, F, Max, OuterRef, QuerySet, When
from django.db.models.functions import Coalesce, Greatest

from invites.models import BulkLine, Invite, MailboxCode, OutboxMail
from invites.queries import settings_for
from invites.services.audit import Action, write_audit
from invites.services.bulk import forget_old_runs
from invites.services.privacy import erase_invites
from invites.services.quotas import forget_old_uses
from lti_tool.models import Tenant
from lti_tool.services.forgetting import forget_old_launches
from rooms.models import Entry, Guest, Participant
from rooms.policy.doors import GRACE_AFTER_END
from rooms.services.guests import anonymise_guest

log = logging.getLogger(__name__)

CODES_KEPT: Final = timedelta(days=1)
EVERY: Final = timedelta(days=1)
AT_ONCE: Final = 200  # addresses in one transaction
ACTOR: Final = "purge"


@dataclass(frozen=True, slots=True)
class Purged:
    """How much was made anonymous or deleted, or would be."""

    guests: int = 0
    invites: int = 0
    codes: int = 0
    runs: int = 0
    quota_uses: int = 0
    tabs: int = 0
    refusals: int = 0
    claims: int = 0
    sessions: int = 0

    @property
    def is_nothing(self) -> bool:
        """Whether all was done before."""
        return not any(getattr(self, each.name) for each in fields(self))


def purge(now: datetime, *, stopping: Event | None = None) -> Purged:
    """Do all of it. Done twice, the second one finds nothing. Ends early when `stopping` is set."""
    guests = invites = 0
    for tenant in Tenant.objects.order_by("pk"):
        some_guests, some_invites = _forget_guests(tenant, now=now, stopping=stopping)
        guests, invites = guests + some_guests, invites + some_invites
    launches = forget_old_launches(now=now)
    purged = Purged(
        guests=guests,
        invites=invites,
        codes=_forget_codes(now),
        runs=forget_old_runs(now),
        quota_uses=forget_old_uses(now),
        tabs=launches.tabs,
        refusals=launches.refusals,
        claims=launches.claims,
        sessions=_old_sessions(now).delete()[0],
    )
    if not purged.is_nothing:
        log.info(
            "purged %s", " ".join(f"{each.name}={getattr(purged, each.name)}" for each in fields(purged))
        )
    return purged


def foresee_purge(now: datetime) -> Purged:
    """How much `purge` would do of what it makes anonymous or deletes by age; nothing is changed."""
    launches = forget_old_launches(now=now, is_dry_run=True)
    guests = invites = 0
    for tenant in Tenant.objects.order_by("pk"):
        due = _due_addresses(tenant, now=now)
        mine = Guest.objects.filter(tenant=tenant, erased_at=None)
        guests += mine.filter(normalised_email__in=due).count() + _due_guests(tenant, now=now).count()
        invites += Invite.objects.filter(tenant=tenant, normalised_email__in=due).count()
    return Purged(
        guests=guests,
        invites=invites,
        codes=_old_codes(now).count(),
        tabs=launches.tabs,
        refusals=launches.refusals,
        claims=launches.claims,
        sessions=_old_sessions(now).count(),
    )


def purge_daily(now: datetime, *, stopping: Event | None = None) -> Purged | None:
    """`purge`, once a day whoever asks; None where it has been done. After a restart it may be done again."""
    if not cache.add("purged", now.isoformat(), EVERY.total_seconds()):
        return None
    return purge(now, stopping=stopping)


# --- Guests ---------------------------------------------------------------------------------------------


def _ends_at() -> Case:
    """When an invite is over for good, link and session; an open one ends in the future."""
    return Case(
        When(entry__deleted_at__isnull=False, then=F("entry__deleted_at")),
        When(
            entry__doors=Entry.Doors.ENDED,
            then=Coalesce("entry__doors_changed_at", "expires_at"),
        ),
        When(entry__ends_at__isnull=False, then=F("entry__ends_at")),
        When(withdrawn_at__isnull=False, then=F("withdrawn_at")),
        default=F("expires_at"),
    )


def _cutoff(tenant: Tenant, *, now: datetime) -> datetime:
    return now - timedelta(days=settings_for(tenant).guest_retention_days) - GRACE_AFTER_END


def _due_addresses(tenant: Tenant, *, now: datetime) -> QuerySet[Invite, str]:
    """Addresses all of whose invites ended that long ago; nobody among them was seen since."""
    return (
        Invite.objects.filter(tenant=tenant)
        .exclude(email="")
        .values("normalised_email")
        .annotate(
            last_at=Max(Greatest(_ends_at(), Coalesce("participant__seen_at", "made_at"), "made_at")),
        )
        .filter(last_at__lt=_cutoff(tenant, now=now))
        .order_by("normalised_email")
        .values_list("normalised_email", flat=True)
    )


def _due_guests(tenant: Tenant, *, now: datetime) -> QuerySet[Guest]:
    """Guests of whom no invite is left (its entry is gone), and who were not seen since."""
    cutoff = _cutoff(tenant, now=now)
    invited = Invite.objects.filter(tenant=tenant, normalised_email=OuterRef("normalised_email"))
    lately = Participant.objects.filter(guest=OuterRef("pk"))
    return (
        Guest.objects.filter(tenant=tenant, erased_at=None, created_at__lt=cutoff)
        .exclude(Exists(invited))
        .exclude(Exists(lately.filter(seen_at__gte=cutoff)))
        .exclude(Exists(lately.filter(granted_until__gte=cutoff)))
        .exclude(Exists(lately.filter(entry__ends_at__gte=cutoff, entry__deleted_at=None)))
    )


def _forget_guests(tenant: Tenant, *, now: datetime, stopping: Event | None) -> tuple[int, int]:
    guests = invites = 0
    for some_guests, some_invites in _forget_some(tenant, now=now):
        guests, invites = guests + some_guests, invites + some_invites
        if stopping is not None and stopping.is_set():
            break
    return guests, invites


def _forget_some(tenant: Tenant, *, now: datetime) -> Iterator[tuple[int, int]]:
    while True:
        with transaction.atomic():
            emails = list(_due_addresses(tenant, now=now)[:AT_ONCE])
            due = list(Guest.objects.filter(tenant=tenant, erased_at=None, normalised_email__in=emails))
            if not emails:
                due = list(_due_guests(tenant, now=now)[:AT_ONCE])
            if not (emails or due):
                return
            for guest in due:
                anonymise_guest(guest, now=now)
            ended = Invite.objects.filter(tenant=tenant, normalised_email__in=emails)
            lines = BulkLine.objects.filter(run__tenant=tenant, email__in=emails)
            lines.update(email="", first_name="", last_name="", detail="")
            invites = erase_invites(ended, now=now, withdraws=False) if emails else 0
            changes: dict[str, tuple[object, object]] = {
                "guests": (None, len(due)),
                "invites": (None, invites),
            }
            write_audit(tenant, by=ACTOR, action=Action.PURGED, changes=changes, now=now)
        yield len(due), invites


# --- The rest -------------------------------------------------------------------------------------------


def _old_codes(now: datetime) -> QuerySet[MailboxCode]:
    return MailboxCode.objects.filter(expires_at__lt=now - CODES_KEPT)


def _forget_codes(now: datetime) -> int:
    """Delete codes that have long expired; that they were mailed stays."""
    forgotten = 0
    while some := list(_old_codes(now).values_list("pk", flat=True)[:AT_ONCE]):
        with transaction.atomic():
            OutboxMail.objects.filter(code__in=some).update(code=None)
            MailboxCode.objects.filter(pk__in=some).delete()
        forgotten += len(some)
    return forgotten


def _old_sessions(now: datetime) -> QuerySet[Session]:
    """Sessions of operators."""
    return Session.objects.filter(expire_date__lt=now)
