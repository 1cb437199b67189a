"""The console for whoever registered an LMS: a one-time claim link, and the browser that redeemed it."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db import transaction

from common.errors import RefusedError
from lti_tool.claims import clean
from lti_tool.identity import hash_secret
from lti_tool.models import ConsoleClaim, ConsoleKey, Platform, Tenant

CLAIM_LIFE: Final = timedelta(days=14)
KEY_LIFE: Final = timedelta(days=180)
MAX_BROWSER: Final = 200


class ClaimTrouble(StrEnum):
    """Why a claim link does not open: shown and logged."""

    UNKNOWN = "claim_unknown"
    EXPIRED = "claim_expired"
    USED = "claim_used"
    NO_TENANT = "claim_without_tenant"


class ClaimRefusedError(RefusedError):
    """A claim link that gives nothing."""

    def __init__(self, trouble: ClaimTrouble) -> None:
        super().__init__(code=trouble.value)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A browser's new key to a console, and the secret for its cookie."""

    key: ConsoleKey
    secret: str = field(repr=False)


def make_console_claim(platform: Platform, *, secret: str, now: datetime) -> ConsoleClaim:
    """A claim link to the console of this registration's tenant.

    Args:
        secret: chosen by the caller, at least 128 random bits; we keep its hash.
    """
    return ConsoleClaim.objects.create(
        secret_hash=hash_secret(secret), platform=platform, made_at=now, expires_at=now + CLAIM_LIFE
    )


def claim_behind(secret: str, *, now: datetime) -> ConsoleClaim:
    """The claim that a link stands for, while somebody may still redeem it.

    Raises:
        ClaimRefusedError: there is none, or not any more.
    """
    claim = ConsoleClaim.objects.select_related("platform").filter(secret_hash=hash_secret(secret)).first()
    if claim is None or claim.platform.state == Platform.State.DISABLED:
        raise ClaimRefusedError(ClaimTrouble.UNKNOWN)
    if claim.used_at is not None:
        raise ClaimRefusedError(ClaimTrouble.USED)
    if claim.expires_at <= now:
        raise ClaimRefusedError(ClaimTrouble.EXPIRED)
    return claim


def tenant_of_claim(claim: ConsoleClaim) -> Tenant:
    """Whose console it is: the only tenant of the registration.

    Behind a shared issuer a tenant comes with its first deployment; until then the link waits.

    Raises:
        ClaimRefusedError: there is none yet, or more than one by now.
    """
    tenants = list(claim.platform.tenants.all()[:2])
    if len(tenants) != 1:
        raise ClaimRefusedError(ClaimTrouble.NO_TENANT)
    return tenants[0]


@transaction.atomic
def redeem_console_claim(secret: str, *, browser: str, now: datetime) -> Redeemed:
    """Give the console to the browser that asks first.

    Args:
        browser: what it calls itself, for the list of keys.

    Raises:
        ClaimRefusedError: nothing is given; a link that waits for its tenant is not used up.
    """
    claim = claim_behind(secret, now=now)
    tenant = tenant_of_claim(claim)
    unused = ConsoleClaim.objects.filter(pk=claim.pk, used_at__isnull=True, expires_at__gt=now)
    if not unused.update(used_at=now):
        raise ClaimRefusedError(ClaimTrouble.USED)  # somebody was faster
    key_secret = secrets.token_urlsafe(32)
    key = ConsoleKey.objects.create(
        secret_hash=hash_secret(key_secret),
        tenant=tenant,
        claim=claim,
        browser=clean(browser, cap=MAX_BROWSER),
        made_at=now,
        expires_at=now + KEY_LIFE,
    )
    return Redeemed(key, key_secret)


def end_console_key(key: ConsoleKey, *, by: str, now: datetime) -> bool:
    """Take the console from a browser; tells whether it still had it."""
    live = ConsoleKey.objects.filter(pk=key.pk, ended_at__isnull=True)
    return bool(live.update(ended_at=now, ended_by=by))
