"""The outbox: a mail is written down with what it tells of, and sent later (`invites.services.delivery`).

Links and codes are made when a mail is sent and are never stored. Invitations, and what follows from them,
are counted in the tenant's quotas when they are sent; what guests ask for themselves is not.
"""

from datetime import datetime
from threading import Event
from typing import Final

from django.db import transaction

from invites.languages import known_language
from invites.letters import supported_language
from invites.mail import can_send_mail
from invites.models import Invite, MailboxCode, OutboxMail
from invites.queries import settings_for
from invites.services.quotas import foresee_hold

Kind = OutboxMail.Kind

COUNTED: Final = frozenset({Kind.INVITATION, Kind.CHANGED, Kind.WITHDRAWN})
"""What people of the institution send. A mail over a quota waits until it frees."""

URGENT: Final = frozenset({Kind.CODE, Kind.NEW_LINK})
"""Somebody sits before the lobby and waits: these never stand behind a thousand invitations."""

NOT_URGENT: Final = frozenset(Kind) - URGENT

mail_waits = Event()
"""Set when this process has queued a mail: a worker in it need not wait for its next round."""

urgent_mail_waits = Event()
"""The same for urgent ones, which have a worker of their own."""


def can_send_system_mail() -> bool:
    """Whether codes and fresh links can be mailed: they need a mail server, but no template."""
    return can_send_mail()


def queue_invitation_mail(invite: Invite, *, language: str, now: datetime) -> OutboxMail:
    """Write down that the invite's newest link is to be mailed, in the transaction that makes the link."""
    return _queue(invite, Kind.INVITATION, language=language, now=now)


def queue_new_link_mail(invite: Invite, *, language: str, now: datetime) -> OutboxMail:
    """The same for a link that the guest has asked for: it goes to the invited mailbox alone."""
    return _queue(invite, Kind.NEW_LINK, language=language, now=now)


def queue_code_mail(code: MailboxCode, *, language: str, now: datetime) -> OutboxMail:
    """Mail a code to the invited mailbox. How many there may be is asked before the code is made."""
    return _queue(code.invite, Kind.CODE, language=language, now=now, code=code)


def queue_withdrawn_mail(invite: Invite, *, language: str, now: datetime) -> OutboxMail:
    """Tell the invitee that the invitation was withdrawn, or that its session does not take place."""
    return _queue(invite, Kind.WITHDRAWN, language=language, now=now)


def language_of(invite: Invite) -> str:
    """The invitee's own, else the one in which they were written to last."""
    if invite.language:
        return invite.language
    last = invite.mails.order_by("-created_at").values_list("language", flat=True).first()
    return last or supported_language("")


def _queue(
    invite: Invite, kind: OutboxMail.Kind, *, language: str, now: datetime, code: MailboxCode | None = None
) -> OutboxMail:
    hold = None
    if kind in COUNTED:
        hold = foresee_hold(invite.normalised_email, settings_for(invite.tenant), now=now)
    mail = OutboxMail.objects.create(
        tenant_id=invite.tenant_id,
        invite=invite,
        generation=invite.generation,
        kind=kind,
        code=code,
        language=known_language(language) or supported_language(language),
        due_at=hold.until if hold else now,
        error=hold.reason.value if hold else "",
    )
    transaction.on_commit(urgent_mail_waits.set if kind in URGENT else mail_waits.set, robust=True)
    return mail
