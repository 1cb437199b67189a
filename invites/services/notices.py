"""What follows for the invited when a session changes: links that go with it, and mails that tell of it.

Rooms cannot call up here: they write down that an entry has changed (`rooms.models.EntryChange`), and the
worker comes by.
"""

import logging
from datetime import datetime, timedelta
from threading import Event
from typing import Final

from django.db import transaction
from django.db.models import Prefetch

from invites.letters import supported_language
from invites.models import Invite, OutboxMail
from invites.policy import judge_link
from invites.queries import settings_for, terms_of
from invites.services.compose import ENDED, TELLING, details_of
from invites.services.outbox import mail_waits
from rooms.models import Entry, EntryChange, Participant
from rooms.policy.doors import GRACE_AFTER_END
from rooms.services.admission import prolong_grants

log = logging.getLogger(__name__)

QUIET: Final = timedelta(minutes=1)
"""How long an entry has to stay as it is before anybody is told: three edits in a row make one mail."""

State = OutboxMail.State
Kind = OutboxMail.Kind


def work_off_changes(now: datetime, *, stopping: Event | None = None) -> int:
    """Act on what has changed, and say how many mails were queued."""
    queued = 0
    changes = EntryChange.objects.select_related("entry__tenant__platform").order_by("changed_at", "pk")
    for change in changes:
        if stopping is not None and stopping.is_set():
            break
        queued += _act_on(change, now=now)
    return queued


@transaction.atomic
def _act_on(change: EntryChange, *, now: datetime) -> int:
    prolong_links(change.entry)
    if change.is_to_be_told and now - change.changed_at < QUIET:
        return 0
    # Whoever takes the row tells; an edit in this moment has made it another one.
    mine = EntryChange.objects.filter(pk=change.pk, changed_at=change.changed_at)
    taken, _rows = mine.delete()
    if not taken or not change.is_to_be_told:
        return 0
    queued = queue_changed_mails(change.entry, now=now)
    log.info("entry changed entry=%s mails=%s", change.entry_id, queued)
    return queued


def prolong_links(entry: Entry) -> int:
    """Let links that go with the session last as long as it does now; none is ever shortened.

    What was promised when a link was made stays: `Invite.follows_session` is frozen with it.
    """
    if entry.ends_at is None:
        return 0
    until = entry.ends_at + GRACE_AFTER_END
    following = Invite.objects.filter(entry=entry, follows_session=True, withdrawn_at__isnull=True)
    prolonged = following.filter(expires_at__lt=until).update(expires_at=until)
    prolong_grants(Participant.objects.filter(invites__in=following), entry_id=entry.pk, until=until)
    return prolonged


@transaction.atomic
def queue_changed_mails(entry: Entry, *, now: datetime) -> int:
    """Tell everybody whose mailbox knows something else: the session's new title and time, or its end.

    They are counted in the quotas when they are sent: two thousand at once must not hold up everybody else.
    """
    invites = (
        Invite.objects.filter(entry=entry, withdrawn_at__isnull=True)
        .exclude(mailed_details__in=["", ENDED])
        .select_related("entry__tenant__platform", "participant")
        .prefetch_related(Prefetch("mails", OutboxMail.objects.order_by("-created_at", "-pk")))
    )
    is_gone = entry.deleted_at is not None
    rules = settings_for(entry.tenant)
    news: list[OutboxMail] = []
    for invite in invites:
        mails = list(invite.mails.all())
        terms = terms_of(invite, rules)
        if is_gone:
            is_over = terms.session_ends_at is not None and now >= terms.session_ends_at
            is_due = not is_over and not _has_open(mails, {Kind.WITHDRAWN})
        else:
            is_open = judge_link(terms, generation=invite.generation, devices=0, now=now)
            is_due = bool(is_open) and invite.mailed_details != details_of(invite)
            is_due = is_due and not _has_open(mails, TELLING)
        if is_due and _was_mailed(mails):
            news.append(
                OutboxMail(
                    tenant_id=invite.tenant_id,
                    invite=invite,
                    generation=invite.generation,
                    kind=Kind.WITHDRAWN if is_gone else Kind.CHANGED,
                    language=supported_language(invite.language or mails[0].language),
                    due_at=now,
                )
            )
    OutboxMail.objects.bulk_create(news, batch_size=500)
    if news:
        transaction.on_commit(mail_waits.set, robust=True)
    return len(news)


def _has_open(mails: list[OutboxMail], kinds: frozenset[OutboxMail.Kind] | set[OutboxMail.Kind]) -> bool:
    """Whether a mail that will say what holds when it is sent stands in the outbox already."""
    return any(mail.kind in kinds and mail.state in {State.WAITING, State.FAILED} for mail in mails)


def _was_mailed(mails: list[OutboxMail]) -> bool:
    """Whether the mailbox may know of the session from us."""
    return any(
        mail.kind in TELLING and (mail.state in {State.SENDING, State.SENT} or mail.may_be_second)
        for mail in mails
    )
