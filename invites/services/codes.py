"""Codes to the invited mailbox: for the lobby, where the rule wants one, and for moving to another device.

A code is bound to one device at one generation of a link. Its tries are counted before they are compared, by
the `UPDATE` itself: however many guesses come at once, no code is compared with more than five of them.
"""

import hmac
import re
import unicodedata
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.errors import InvalidError, ThrottledError
from invites.links import CODE_DIGITS, LinkClaim, mailbox_code
from invites.models import Invite, InviteEvent, MailboxCode
from invites.queries import invite_behind, redemption_of
from invites.queries.codes import living_codes
from invites.services.lifecycle import note_event
from invites.services.moving import demand_move, move_here
from invites.services.outbox import can_send_system_mail, queue_code_mail
from invites.services.redeem import (
    CodeSpentError,
    Device,
    LinkClosedError,
    Redeemed,
    count_wrong_try,
    demand_address,
    demand_tries,
    demand_typed,
    redeem_invite,
    why_closed,
)

CODE_LASTS: Final = timedelta(minutes=10)
TRIES_PER_CODE: Final = 5
CODES_PER_WINDOW: Final = 3
WINDOW: Final = timedelta(minutes=15)
# Whoever presses twice, or goes back and presses again, need not get two mails.
PAUSE: Final = timedelta(seconds=30)
_NO_DIGITS: Final = re.compile(r"[\s.\-–—_]+")

Purpose = MailboxCode.Purpose


class Sent(StrEnum):
    """What became of the wish for a code."""

    MAILED = "mailed"
    NO_MAIL = "no_mail"
    """No mail can be sent: the hosts read in their list that somebody waits."""


def ask_to_move(
    claim: LinkClaim, typed: str, *, device: Device, address: str, language: str, now: datetime
) -> Sent:
    """Send a code that moves the pass to this device, once the invited address was typed.

    Raises:
        InvalidError: nothing, or not the invited address, was typed.
        ThrottledError: too many wrong ones, or too many codes.
        LinkClosedError: the link is closed, and not because of its other devices.
    """
    demand_typed(typed)
    invite = demand_move(claim, now=now)
    demand_address(invite, typed, address=address, now=now)
    return send_code(claim, Purpose.MOVE, device=device, language=language, now=now)


def send_code(claim: LinkClaim, purpose: Purpose, *, device: Device, language: str, now: datetime) -> Sent:
    """Mail a code for this device; whoever calls has seen that the invited address was typed on it.

    Raises:
        ThrottledError: three were sent in the last quarter of an hour.
        LinkClosedError: the invite was withdrawn, or its link replaced.
    """
    if not can_send_system_mail():
        _tell_hosts(claim, now=now)
        return Sent.NO_MAIL
    _make_code(claim, purpose, device=device, language=language, now=now)
    return Sent.MAILED


def send_code_again(claim: LinkClaim, *, device: Device, language: str, now: datetime) -> Sent:
    """Another code for the same purpose; the codes before it stay good for their time.

    Raises:
        InvalidError: this device has asked for none of late.
        ThrottledError: three were sent in the last quarter of an hour.
        LinkClosedError: the invite was withdrawn, or its link replaced.
    """
    asked = _codes_of(claim, device).filter(made_at__gt=now - WINDOW).order_by("-made_at").first()
    if asked is None:
        raise _nothing_asked()
    return send_code(claim, Purpose(asked.purpose), device=device, language=language, now=now)


def enter_code(claim: LinkClaim, typed: str, *, device: Device, address: str, now: datetime) -> Redeemed:
    """Pass the lobby, or move the pass here, by the digits from the mail.

    Raises:
        InvalidError: these are not the digits, or there is no code (any more) that they could be.
        ThrottledError: too many wrong ones.
        LinkClosedError: the link lets this device not in (any more).
        RefusedError: the address may not become a guest (code `restricted`).
    """
    digits = read_code(typed)
    demand_tries(claim.invite_id, address)
    living = list(living_codes(claim, device.hash, now=now))
    if not living:
        return _in_already(claim, device=device, otherwise=_nothing_asked(), now=now)
    tried = [code for code in living if _count_try(code, now=now)]
    # Every code is compared: how long it takes says nothing about which one fits.
    fits = [code for code in tried if hmac.compare_digest(mailbox_code(code.pk), digits)]
    if not tried:
        return _in_already(claim, device=device, otherwise=_wrong(tried), now=now)
    if not fits:
        count_wrong_try(claim.invite_id, address)
        raise _wrong(tried)
    try:
        if fits[0].purpose == Purpose.MOVE:
            return move_here(claim, device=device, proof=fits[0].pk, now=now)
        return redeem_invite(claim, device=device, proof=fits[0].pk, now=now)
    except CodeSpentError:
        return _in_already(claim, device=device, otherwise=_nothing_asked(), now=now)


def read_code(typed: str) -> str:
    """The six digits, however they were typed or pasted: with spaces, dashes, in full width.

    Raises:
        InvalidError: it is something else; that is no try.
    """
    digits = _NO_DIGITS.sub("", unicodedata.normalize("NFKC", typed[:100]))
    if len(digits) != CODE_DIGITS or not digits.isdecimal():
        raise InvalidError(
            _("The code has six digits."),
            next_step=_("You find it in the mail that we have just sent."),
            code="shape",
        )
    return "".join(str(unicodedata.decimal(digit)) for digit in digits)


@transaction.atomic
def _make_code(claim: LinkClaim, purpose: Purpose, *, device: Device, language: str, now: datetime) -> None:
    invite = _hold(claim, now=now)
    asked = MailboxCode.objects.filter(invite=invite, made_at__gt=now - WINDOW).order_by("made_at")
    times = list(asked.values_list("made_at", flat=True))
    is_fresh = _codes_of(claim, device).filter(
        purpose=purpose, used_at__isnull=True, tries__lt=TRIES_PER_CODE, made_at__gt=now - PAUSE
    )
    if is_fresh.exists():
        return
    if len(times) >= CODES_PER_WINDOW:
        oldest = times[-CODES_PER_WINDOW]
        raise ThrottledError(
            _("Three codes were sent to this mailbox in a short time."),
            next_step=_("Use the newest one, or wait a few minutes and ask for another."),
            code="codes",
            retry_after=max(1, int((oldest + WINDOW - now).total_seconds())),
        )
    code = MailboxCode.objects.create(
        invite=invite,
        generation=claim.generation,
        purpose=purpose,
        device_hash=device.hash,
        made_at=now,
        expires_at=now + CODE_LASTS,
    )
    queue_code_mail(code, language=language, now=now)


def _hold(claim: LinkClaim, *, now: datetime) -> Invite:
    """Hold the invite's row until the commit: what is counted under it stays true. Here SQLite waits too."""
    held = Invite.objects.filter(
        pk=claim.invite_id, generation=claim.generation, withdrawn_at__isnull=True
    ).update(lobby_reached_at=Coalesce("lobby_reached_at", now))
    invite = invite_behind(claim)
    if not held or invite is None:
        raise LinkClosedError(why_closed(claim, now=now))
    return invite


@transaction.atomic
def _tell_hosts(claim: LinkClaim, *, now: datetime) -> None:
    """The request appears in the hosts' list; pressing again within a while is the same request."""
    invite = _hold(claim, now=now)
    if invite.new_link_asked_at is None or invite.new_link_asked_at <= now - WINDOW:
        Invite.objects.filter(pk=invite.pk).update(new_link_asked_at=now)
        note_event([invite], InviteEvent.Kind.NEW_LINK_ASKED, by=None, now=now, detail="code")


def _codes_of(claim: LinkClaim, device: Device) -> QuerySet[MailboxCode]:
    return MailboxCode.objects.filter(
        invite_id=claim.invite_id, generation=claim.generation, device_hash=device.hash
    )


def _count_try(code: MailboxCode, *, now: datetime) -> bool:
    """Count a try of this code, if one is left: only then may it be compared."""
    open_still = MailboxCode.objects.filter(
        pk=code.pk, tries__lt=TRIES_PER_CODE, used_at__isnull=True, expires_at__gt=now
    )
    return open_still.update(tries=F("tries") + 1) == 1


def _in_already(claim: LinkClaim, *, device: Device, otherwise: InvalidError, now: datetime) -> Redeemed:
    """A double click: the other one has used the code, and this device is in. Else say what is wrong."""
    before = redemption_of(claim, device.hash)
    if before is None or before.issued_pass.ended_at is not None:
        raise otherwise
    return redeem_invite(claim, device=device, now=now)


def _nothing_asked() -> InvalidError:
    return InvalidError(
        _("There is no code that is still good."),
        next_step=_("A code lasts ten minutes and five tries. Type your address again for a new one."),
        code="no_code",
    )


def _wrong(tried: list[MailboxCode]) -> InvalidError:
    left = max((TRIES_PER_CODE - 1 - code.tries for code in tried), default=0)
    if left <= 0:
        return InvalidError(
            _("This is not the code, and its five tries are used up."),
            next_step=_("Ask for another code."),
            code="tries_used_up",
        )
    return InvalidError(
        _("This is not the code."),
        next_step=ngettext(
            "Look at the newest mail. You have %(left)d try left.",
            "Look at the newest mail. You have %(left)d tries left.",
            left,
        )
        % {"left": left},
        code="wrong_code",
    )
