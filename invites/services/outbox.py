"""The outbox: a mail is written down with its invite, and sent later, by whoever works off what is due.

What must hold through any crash: no mail is lost, and one that may have gone out twice is marked. A worker
first claims a row (one conditional UPDATE), then talks to the mail server outside of any transaction, then
writes down how it went. A row that stays claimed for longer than any talk can last was left behind by a
worker that died: it is taken again.
"""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from threading import Event
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from prometheus_client import Counter

from invites.letters import Invitation, Texts, supported_language, write_letter
from invites.links import link_for
from invites.mail import Envelope, Postman, SendError, SendProblem, message_id
from invites.models import Invite, ModuleSettings, OutboxMail, TemplateText
from invites.policy import Refuse, Why, judge_link
from invites.queries import settings_for, terms_of
from rooms.models import Binding

log = logging.getLogger(__name__)

# How long after each failed try the next one follows; after the last the mail is given up, a day later.
PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (0.5, 2, 5, 15, 60, 180, 360, 720))
MAX_TRIES: Final = len(PAUSES) + 1
# Longer than any talk with a mail server: each of its steps may take EMAIL_TIMEOUT (20 s).
CLAIM_LASTS: Final = timedelta(minutes=5)
BATCH: Final = 50

State = OutboxMail.State
Unsent = OutboxMail.Unsent

mail_waits = Event()
"""Set when this process has queued a mail: a worker in it need not wait for its next round."""

MAILS = Counter("foyer_mails", "Tries to send a mail, by how they ended", ["outcome"])
for _outcome in ("sent", "failed", "given_up", "taken_again"):
    MAILS.labels(_outcome)


def queue_invitation_mail(invite: Invite, *, language: str, now: datetime) -> OutboxMail:
    """Write down that the invite's newest link is to be mailed, in the transaction that makes the link."""
    mail = OutboxMail.objects.create(
        tenant_id=invite.tenant_id,
        invite=invite,
        generation=invite.generation,
        language=supported_language(language),
        due_at=now,
    )
    transaction.on_commit(mail_waits.set, robust=True)
    return mail


def send_due_mails(now: datetime, *, stopping: Event | None = None) -> int:
    """Send what is due, and say how many went out. Any number of workers may do this at the same time.

    Ends early when `stopping` is set, or when the mail server does not answer: then the next call goes on.
    """
    clock = _clock_from(now)
    sent = 0
    with Postman() as postman:
        for mail_id in _due_ids(now):
            if stopping is not None and stopping.is_set():
                break
            mail = _claim(mail_id, now=clock())
            if mail is None:
                continue
            try:
                sent += _send_claimed(mail, postman=postman, now=clock())
            except SendError as error:
                _write_failure(mail, error, now=clock())
                if error.problem in {SendProblem.NO_ANSWER, SendProblem.REFUSES_US}:
                    break
    return sent


def _clock_from(now: datetime) -> Callable[[], datetime]:
    """Time goes on while a batch is sent: a claim made late in it must not look old."""
    started = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - started)


def _due(now: datetime) -> Q:
    return Q(state__in=[State.WAITING, State.FAILED], due_at__lte=now)


def _left_behind(now: datetime) -> Q:
    return Q(state=State.SENDING, claimed_at__lte=now - CLAIM_LASTS)


def _due_ids(now: datetime) -> Iterator[UUID]:
    """The oldest first, read in small portions: other workers take from the same heap."""
    seen: set[UUID] = set()
    while True:
        due = OutboxMail.objects.filter(_due(now) | _left_behind(now))
        found = list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:BATCH])
        fresh = [mail_id for mail_id in found if mail_id not in seen]
        if not fresh:
            return
        seen.update(fresh)
        yield from fresh


def _claim(mail_id: UUID, *, now: datetime) -> OutboxMail | None:
    """Take a mail for this worker; None when another one was faster."""
    mine = OutboxMail.objects.filter(pk=mail_id)
    claim = {"state": State.SENDING, "claimed_at": now, "attempts": F("attempts") + 1}
    if not mine.filter(_due(now)).update(**claim):
        if not mine.filter(_left_behind(now)).update(**claim, may_be_second=True):
            return None
        MAILS.labels("taken_again").inc()
        log.warning("a mail was left behind by a worker: sent again, perhaps a second time mail=%s", mail_id)
    return mine.select_related(
        "tenant", "invite__entry__tenant__platform", "invite__made_by", "invite__participant"
    ).get()


def _send_claimed(mail: OutboxMail, *, postman: Postman, now: datetime) -> bool:
    """Send a mail that is ours, if there is still reason to.

    Raises:
        SendError: it did not go out.
    """
    settings = settings_for(mail.tenant)
    reason = _why_unsent(mail, settings, now=now)
    if reason is not None:
        _finish(mail, state=State.GIVEN_UP, error=reason.value)
        return False
    invitation, texts = _invitation(mail.invite), _texts(settings, language=mail.language)
    try:
        letter = write_letter(invitation, language=mail.language, texts=texts)
    except Exception:
        # Whatever a template can do wrong: the other mails must not wait for it.
        log.exception("a mail could not be written mail=%s", mail.pk)
        _write_failure(mail, None, now=now)
        return False
    postman.send(letter, _envelope(mail), language=mail.language)
    _finish(mail, state=State.SENT, sent_at=now, error="")
    return True


def _why_unsent(mail: OutboxMail, settings: ModuleSettings, *, now: datetime) -> OutboxMail.Unsent | None:
    """Why there is no reason any more to send it; None where there is."""
    verdict = judge_link(terms_of(mail.invite, settings), generation=mail.generation, devices=0, now=now)
    if isinstance(verdict, Refuse):
        return _unsent(verdict.why)
    return None if settings.sends_mail else Unsent.NO_TEMPLATE


def _unsent(why: Why) -> OutboxMail.Unsent:
    match why:
        case Why.MODULE_OFF:
            return Unsent.MODULE_OFF
        case Why.REPLACED:
            return Unsent.REPLACED
        case Why.EXPIRED:
            return Unsent.EXPIRED
        case Why.GONE | Why.SESSION_ENDED:
            return Unsent.GONE
        case _:
            return Unsent.WITHDRAWN


def _texts(settings: ModuleSettings, *, language: str) -> Texts | None:
    template = settings.invite_email_template
    if template is None:
        return None
    texts = {text.language: text for text in TemplateText.objects.filter(template_id=template.pk)}
    own = texts.get(language) or texts.get(template.fallback_language)
    return None if own is None else Texts(subject=own.subject, text=own.text, html=own.html)


def _invitation(invite: Invite) -> Invitation:
    entry, inviter = invite.entry, invite.made_by
    placed = Binding.objects.filter(entry=entry, placement__course__isnull=False)
    course = placed.select_related("placement__course").order_by("pk").first()
    return Invitation(
        url=link_for(invite),
        email=invite.email,
        first_name=invite.first_name,
        last_name=invite.last_name,
        inviter=inviter.shown_name if inviter else "",
        role=invite.role,
        title=entry.title,
        course=course.placement.course.title if course and course.placement.course else "",
        starts_at=entry.starts_at,
        ends_at=entry.ends_at,
        time_zone=entry.time_zone,
        expires_at=invite.expires_at,
        devices=invite.max_devices,
        can_reply=bool(inviter and inviter.email),
    )


def _envelope(mail: OutboxMail) -> Envelope:
    invite, inviter = mail.invite, mail.invite.made_by
    return Envelope(
        to=invite.email,
        to_name=invite.shown_name,
        reply_to=inviter.email if inviter else "",
        reply_to_name=inviter.shown_name if inviter else "",
        message_id=message_id(mail.pk),
    )


def _write_failure(mail: OutboxMail, error: SendError | None, *, now: datetime) -> None:
    """Put the mail back for another try, or give it up."""
    words = (error.words or error.problem.value) if error else Unsent.CANNOT_RENDER.value
    is_last = mail.attempts >= MAX_TRIES or (error is not None and error.is_final)
    if is_last:
        _finish(mail, state=State.GIVEN_UP, error=words)
    else:
        may_be_second = mail.may_be_second or (error is not None and error.may_have_arrived)
        due_at = now + PAUSES[mail.attempts - 1]
        _finish(mail, state=State.FAILED, error=words, due_at=due_at, may_be_second=may_be_second)


def _finish(mail: OutboxMail, *, state: OutboxMail.State, **values: object) -> None:
    """Write down how it went; if another worker has taken the mail meanwhile, it is that one's to say."""
    mine = OutboxMail.objects.filter(pk=mail.pk, state=State.SENDING, claimed_at=mail.claimed_at)
    if not mine.update(state=state, claimed_at=None, **values):
        log.warning("a mail was taken by another worker while it was sent mail=%s", mail.pk)
    MAILS.labels(state.value).inc()
    log.info("mail %s mail=%s invite=%s attempt=%s", state.value, mail.pk, mail.invite_id, mail.attempts)
