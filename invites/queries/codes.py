"""Codes of a device, and whose place a device can take."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from invites.links import LinkClaim
from invites.models import MailboxCode, Redemption

_REMEMBERED: Final = timedelta(minutes=15)


def living_codes(claim: LinkClaim, device_hash: str, *, now: datetime) -> QuerySet[MailboxCode]:
    """The codes that this device could still use at this link, the newest first."""
    return MailboxCode.objects.filter(
        invite_id=claim.invite_id,
        generation=claim.generation,
        device_hash=device_hash,
        used_at__isnull=True,
        expires_at__gt=now,
    ).order_by("-made_at", "pk")


def place_to_move(claim: LinkClaim) -> Redemption | None:
    """Which device has to go when another one takes a place: the one seen longest ago.

    One that is out already goes first. It has `last_seen_at`. None where no device holds a place.
    """
    return (
        Redemption.objects.select_related("issued_pass")
        .filter(invite_id=claim.invite_id, generation=claim.generation, issued_pass__moved_at__isnull=True)
        .annotate(last_seen_at=Coalesce("issued_pass__seen_at", "redeemed_at"))
        .order_by(F("issued_pass__ended_at").asc(nulls_last=True), "last_seen_at", "pk")
        .first()
    )


def recent_code(claim: LinkClaim, device_hash: str, *, now: datetime) -> MailboxCode | None:
    """The newest code that this device asked for of late, be it over or not: its page stays for a while."""
    return (
        MailboxCode.objects.filter(
            invite_id=claim.invite_id,
            generation=claim.generation,
            device_hash=device_hash,
            made_at__gt=now - _REMEMBERED,
        )
        .order_by("-made_at", "pk")
        .first()
    )
