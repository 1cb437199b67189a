"""Quotas on four axes (design §5), on every database never one too many: the UPDATE that counts decides.

Invites are counted in the transaction that makes them; over a quota they are refused, with when it frees up.
Mails are counted when they are sent, so that two inviters never wait for each other's row. One over a quota
is written all the same, and waits until the quota frees: nobody has to think of it again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from math import ceil
from operator import attrgetter

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.timesince import timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.errors import ThrottledError
from invites.models import Invite, ModuleSettings, OutboxMail, QuotaUse
from invites.policy import QUOTA_WINDOWS, Exhausted, Quota, judge_quota
from rooms.access import Viewer
from rooms.models import Entry


class QuotaError(ThrottledError):
    """One invite too many: refused until `frees_at`, or until room is made where that is None."""

    def __init__(self, exhausted: Exhausted, message: str, *, next_step: str, now: datetime) -> None:
        self.quota = exhausted.quota
        self.frees_at = exhausted.frees_at
        wait = exhausted.frees_at - now if exhausted.frees_at else QUOTA_WINDOWS[Quota.TENANT_DAY]
        super().__init__(
            message,
            next_step=next_step,
            code=f"quota_{exhausted.quota.value}",
            retry_after=max(1, ceil(wait.total_seconds())),
        )


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a mail waits, and until when."""

    reason: OutboxMail.Unsent
    until: datetime


def count_invite(entry: Entry, rules: ModuleSettings, *, by: Viewer, now: datetime) -> None:
    """Count a new invite, in the transaction that makes it and before it is made.

    Raises:
        QuotaError: the inviter or the entry has no invite left.
    """
    if by.person_id is not None:
        full = _count(
            Quota.INVITER_HOUR, rules, subject=str(by.person_id), limit=rules.quota_per_inviter_hour, now=now
        )
        if full is not None:
            raise _refusal(full, rules, now=now)
    full = _count_of_entry(entry, rules, now=now)
    if full is not None:
        raise _refusal(full, rules, now=now)


def foresee_hold(email: str, rules: ModuleSettings, *, now: datetime) -> Hold | None:
    """Whether a mail to this (normalised) address would have to wait now. Nothing is counted, nor locked."""
    subjects = {
        Quota.TENANT_DAY: (str(rules.tenant_id), rules.quota_per_tenant_day),
        Quota.RECIPIENT_DAY: (_subject_of(email), rules.quota_per_recipient_day),
    }
    rows = QuotaUse.objects.filter(
        tenant_id=rules.tenant_id,
        quota__in=[quota.value for quota in subjects],
        subject__in=[subject for subject, _limit in subjects.values()],
    )
    found = {row.quota: row for row in rows}
    holds = []
    for quota, (_subject, limit) in subjects.items():
        row = found.get(quota.value)
        full = judge_quota(
            quota,
            limit=limit,
            used=row.used if row else 0,
            window_starts_at=row.window_starts_at if row else None,
            now=now,
        )
        if isinstance(full, Exhausted):
            holds.append(_hold(full, now=now))
    return max(holds, key=attrgetter("until"), default=None)


def count_mail(email: str, rules: ModuleSettings, *, now: datetime) -> Hold | None:
    """Count a mail that is about to be sent; where a quota is used up, count nothing and say so."""
    with transaction.atomic():
        full = _count(
            Quota.TENANT_DAY,
            rules,
            subject=str(rules.tenant_id),
            limit=rules.quota_per_tenant_day,
            now=now,
        )
        if full is None:
            full = _count(
                Quota.RECIPIENT_DAY,
                rules,
                subject=_subject_of(email),
                limit=rules.quota_per_recipient_day,
                now=now,
            )
            transaction.set_rollback(full is not None)
    return None if full is None else _hold(full, now=now)


def _subject_of(email: str) -> str:
    return sha256(email.encode()).hexdigest()


def _hold(full: Exhausted, *, now: datetime) -> Hold:
    is_tenant = full.quota == Quota.TENANT_DAY
    reason = OutboxMail.Unsent.TENANT_QUOTA if is_tenant else OutboxMail.Unsent.RECIPIENT_QUOTA
    return Hold(reason, full.frees_at or now + QUOTA_WINDOWS[full.quota])


def forget_old_uses(now: datetime) -> int:
    """Windows that have ended count for nothing: take them away."""
    old = QuotaUse.objects.filter(window_starts_at__lt=now - 2 * max(QUOTA_WINDOWS.values()))
    if not old.exists():
        return 0
    deleted, _rows = old.delete()
    return deleted


def _count(
    quota: Quota, rules: ModuleSettings, *, subject: str, limit: int, now: datetime
) -> Exhausted | None:
    """Count one; None when that was allowed."""
    span = QUOTA_WINDOWS[quota]
    if not limit:
        return Exhausted(quota, limit, now + span)
    mine = QuotaUse.objects.filter(tenant_id=rules.tenant_id, quota=quota.value, subject=subject)
    if _take(mine, span=span, limit=limit, now=now):
        return None
    row, is_new = _row(quota, rules, subject=subject, now=now)
    if is_new or _take(mine, span=span, limit=limit, now=now):
        return None
    return Exhausted(quota, limit, row.window_starts_at + span)


def _take(mine: QuerySet[QuotaUse], *, span: timedelta, limit: int, now: datetime) -> bool:
    """Take one of the running window, or begin a new one: the conditions of the UPDATEs decide."""
    running = mine.filter(window_starts_at__gt=now - span, used__lt=limit)
    return bool(
        running.update(used=F("used") + 1)
        or mine.filter(window_starts_at__lte=now - span).update(used=1, window_starts_at=now)
    )


def _row(quota: Quota, rules: ModuleSettings, *, subject: str, now: datetime) -> tuple[QuotaUse, bool]:
    return QuotaUse.objects.get_or_create(
        tenant_id=rules.tenant_id,
        quota=quota.value,
        subject=subject,
        defaults={"window_starts_at": now, "used": 1},
    )


def _count_of_entry(entry: Entry, rules: ModuleSettings, *, now: datetime) -> Exhausted | None:
    """Withdrawn invites make room, so the invites themselves are counted, behind a row that one may hold."""
    row, _is_new = _row(Quota.ENTRY, rules, subject=str(entry.pk), now=now)
    QuotaUse.objects.filter(pk=row.pk).update(window_starts_at=now)
    standing = Invite.objects.filter(entry=entry, withdrawn_at__isnull=True).count()
    limit = rules.quota_per_entry
    return None if standing < limit else Exhausted(Quota.ENTRY, limit, None)


def _refusal(full: Exhausted, rules: ModuleSettings, *, now: datetime) -> QuotaError:
    """Which limit, when it frees up, and who can raise it."""
    if full.quota == Quota.INVITER_HOUR:
        message = ngettext(
            "You have invited %(limit)d person within an hour: your institution allows no more.",
            "You have invited %(limit)d people within an hour: your institution allows no more.",
            full.limit,
        ) % {"limit": full.limit}
        wait = timeuntil(full.frees_at, now) if full.frees_at else ""
        next_step = _("You can go on in %(wait)s. Nothing that you have made is lost.") % {"wait": wait}
    else:
        message = ngettext(
            "%(limit)d person is invited here: your institution allows no more for one session.",
            "%(limit)d people are invited here: your institution allows no more for one session.",
            full.limit,
        ) % {"limit": full.limit}
        next_step = _("Withdraw invitations that nobody needs any more: that makes room at once.")
    return QuotaError(full, message, next_step=f"{next_step} {_who_can_raise_it(rules)}", now=now)


def _who_can_raise_it(rules: ModuleSettings) -> str:
    if rules.admin_contact:
        return _("Your administrator can raise the limit: %(contact)s.") % {"contact": rules.admin_contact}
    return _("Your LMS administrator can raise the limit.")
