"""The doors that can be guessed at: lobby, codes, new links. They count wrong tries together."""

import hmac
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from common.errors import InvalidError
from common.throttle import Limit, check_together
from invites.domains import AddressError, normalise_email
from invites.models import Invite

# Design §11, "Limits".
TRIES_PER_INVITE = Limit("lobby-invite", 10, 900)
TRIES_PER_ADDRESS = Limit("lobby-address", 300, 900)


def demand_typed(typed: str) -> None:
    """Go on only if something was typed: a form that was sent as it stood is nobody's visit.

    Raises:
        InvalidError: nothing was.
    """
    if not typed.strip():
        raise InvalidError(_("Enter the email address to which the invitation was sent."), code="empty")


def demand_address(invite: Invite, typed: str, *, address: str, now: datetime) -> None:
    """Go on only if the invited address was typed; count a wrong one.

    Raises:
        InvalidError: it is another one.
        ThrottledError: too many wrong ones.
    """
    reach_lobby(invite, now=now)
    demand_right_address(invite, typed, address=address)


def reach_lobby(invite: Invite, *, now: datetime) -> None:
    """Note that a person has typed something, the first time."""
    Invite.objects.filter(pk=invite.pk, lobby_reached_at__isnull=True).update(lobby_reached_at=now)


def demand_right_address(invite: Invite, typed: str, *, address: str) -> None:
    """The same as `demand_address`, for a caller who notes the visit together with something else.

    Raises:
        InvalidError: it is another one.
        ThrottledError: too many wrong ones.
    """
    demand_tries(invite.pk, address)
    if not is_invited_address(invite, typed):
        count_wrong_try(invite.pk, address)
        raise InvalidError(
            _("The invitation was not made for this address."),
            next_step=_("Check it for typing errors, or try another address of yours. Nothing is lost."),
            code="wrong",
        )


def demand_tries(invite_id: UUID, address: str) -> None:
    """Go on only while there are tries left at the doors that can be guessed: lobby, codes, new links.

    Raises:
        ThrottledError: there are none.
    """
    check_together((TRIES_PER_INVITE, str(invite_id)), (TRIES_PER_ADDRESS, address))


def count_wrong_try(invite_id: UUID, address: str) -> None:
    """Count a wrong guess at one of those doors.

    Raises:
        ThrottledError: others have used the tries up in this very moment.
    """
    TRIES_PER_INVITE.count(str(invite_id))
    TRIES_PER_ADDRESS.count(address)


def is_invited_address(invite: Invite, typed: str) -> bool:
    """Whether this is the invited address, however it is written."""
    try:
        email = str(normalise_email(typed))
    except AddressError:
        return False
    return hmac.compare_digest(email.encode(), invite.normalised_email.encode())
