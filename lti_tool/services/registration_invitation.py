"""Invitations to register: an unguessable address, for one registration, while it lasts."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from common.errors import RefusedError
from lti_tool.claims import clean
from lti_tool.identity import hash_secret
from lti_tool.models import RegistrationInvitation

INVITATION_LIFE: Final = timedelta(days=14)
MAX_NOTE: Final = 200
_OPERATOR: Final = "operator:"  # how an actor begins who is an operator


@dataclass(frozen=True, slots=True)
class MadeInvitation:
    """A new invitation. Its address is shown now and never again: we keep a hash."""

    invitation: RegistrationInvitation
    address: str = field(repr=False)


def make_registration_invitation(
    *,
    by: str,
    now: datetime,
    note: str = "",
    life: timedelta = INVITATION_LIFE,
    confirms_itself: bool = False,
    allows_other_host: bool = False,
) -> MadeInvitation:
    """Make an address for an LMS administrator.

    Args:
        by: the actor, `operator:…` or somebody with a tenant's console.
        note: for whom it is.
        confirms_itself: the registration launches at once instead of waiting for an operator.
        allows_other_host: its configuration may lie on another host than its issuer.

    Raises:
        RefusedError: only an operator may decide either of the last two.
    """
    if confirms_itself or allows_other_host:
        _demand_operator(by)
    secret = secrets.token_urlsafe(32)
    invitation = RegistrationInvitation.objects.create(
        secret_hash=hash_secret(secret),
        note=clean(note, cap=MAX_NOTE),
        made_by=by,
        made_at=now,
        expires_at=now + life,
        confirms_itself=confirms_itself,
        allows_other_host=allows_other_host,
    )
    path = reverse("lti_tool:register-start", args=[secret])
    # The address is handed on: it must not carry the tab of whoever makes it.
    return MadeInvitation(invitation, settings.PUBLIC_URL + path[path.index("/lti/") :])


def _demand_operator(by: str) -> None:
    if not by.startswith(_OPERATOR):
        raise RefusedError(_("Only an operator may decide that."), code="operators_only")


def vouch_for_other_host(invitation: RegistrationInvitation, *, by: str, now: datetime) -> bool:
    """Let the configuration lie on another host than its issuer; also while its page is open.

    Raises:
        RefusedError: only an operator may.
    """
    _demand_operator(by)
    unused = RegistrationInvitation.objects.filter(pk=invitation.pk, used_at__isnull=True, expires_at__gt=now)
    return bool(unused.update(allows_other_host=True))


def withdraw_registration_invitation(invitation: RegistrationInvitation, *, now: datetime) -> bool:
    """End an invitation that nobody has used; tells whether there was anything to end."""
    unused = RegistrationInvitation.objects.filter(pk=invitation.pk, used_at__isnull=True, expires_at__gt=now)
    return bool(unused.update(expires_at=now))
