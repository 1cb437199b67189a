"""Working off the outbox: each mail is claimed, sent, and its end written down.

What must hold through any crash: no mail is lost, and one that may have gone out twice is marked. A worker
first claims a row (one conditional UPDATE), then talks to the mail server outside of any transaction, then
writes down how it went. A row that stays claimed for longer than any talk can last was left behind by a
worker that died: it is taken again.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from threading import Event
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from prometheus_client import Counter

from invites.mail import Postman, SendError, SendProblem
from invites.models import ModuleSettings, OutboxMail
from invites.policy import Refuse, Why, judge_link
from invites.queries import settings_for, terms_of
from invites.services.compose import compose, details_of, note_mailed, note_sent
from invites.services.outbox import COUNTED
from invites.services.quotas import count_mail

log = logging.getLogger(__name__)

# How long after each failed try the next one follows; after the last the mail is given up, a day later.
PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (0.5, 2, 5, 15, 60, 180, 360, 720))
MAX_TRIES: Final = len(PAUSES) + 1
# Longer than any talk with a mail server: each of its steps may take EMAIL_TIMEOUT (20 s).
CLAIM_LASTS: Final = timedelta(minutes=5)
BATCH: Final = 50

Kind = OutboxMail.Kind
State = OutboxMail.State
Unsent = OutboxMail.Unsent

MAILS = Counter("foyer_mails", "Tries to send a mail, by how they ended", ["outcome"])
for _outcome in ("sent", "failed", "given_up", "waiting", "taken_again"):
    MAILS.labels(_outcome)


def send_due_mails(
    now: datetime, *, kinds: Collection[OutboxMail.Kind] = tuple(Kind), stopping: Event | None = None
) -> int:
    """Send what is due, and say how many went out. Any number of workers may do this at the same time.

    Ends early when `stopping` is set, or when the mail server does not answer: then the next call goes on.
    """
    clock = _clock_from(now)
    sent = 0
    with Postman() as postman:
        for mail_id in _due_ids(now, kinds):
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


def _due_ids(now: datetime, kinds: Collection[OutboxMail.Kind]) -> Iterator[UUID]:
    """The oldest first, read in small portions: other workers take from the same heap."""
    seen: set[UUID] = set()
    while True:
        due = OutboxMail.objects.filter(_due(now) | _left_behind(now), kind__in=kinds)
        found = list(due.order_by("due_at", "created_at", "pk").values_list("pk", flat=True)[:BATCH])
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
        "tenant", "code", "invite__entry__tenant__platform", "invite__made_by", "invite__participant"
    ).get()


def _send_claimed(mail: OutboxMail, *, postman: Postman, now: datetime) -> bool:
    """Send a mail that is ours, if there is still reason to.

    Raises:
        SendError: it did not go out.
    """
    rules = settings_for(mail.tenant)
    reason = _why_unsent(mail, rules, now=now)
    if reason is not None:
        _finish(mail, state=State.GIVEN_UP, error=reason.value)
        return False
    if _is_held(mail, rules, now=now):
        return False
    try:
        composed = compose(mail, rules, now=now)
    except Exception:
        # Whatever a template can do wrong: the other mails must not wait for it.
        log.exception("a mail could not be written mail=%s", mail.pk)
        _write_failure(mail, None, now=now)
        return False
    note_mailed(mail)
    postman.send(composed.letter, composed.envelope, language=mail.language, calendar=composed.calendar)
    note_sent(mail)
    _finish(mail, state=State.SENT, sent_at=now, error="")
    return True


def _is_held(mail: OutboxMail, rules: ModuleSettings, *, now: datetime) -> bool:
    """Whether the mail has to wait for a quota (again). One that was counted once is never counted twice."""
    if mail.kind not in COUNTED or mail.is_counted:
        return False
    with transaction.atomic():
        hold = count_mail(mail.invite.normalised_email, rules, now=now)
        if hold is None:
            OutboxMail.objects.filter(pk=mail.pk).update(is_counted=True)
    if hold is not None:
        tries = mail.attempts - 1
        _finish(mail, state=State.WAITING, error=hold.reason.value, due_at=hold.until, attempts=tries)
    return hold is not None


def _why_unsent(mail: OutboxMail, rules: ModuleSettings, *, now: datetime) -> OutboxMail.Unsent | None:
    """Why there is no reason any more to send it; None where there is."""
    invite = mail.invite
    if mail.kind == Kind.WITHDRAWN:
        has_ended = invite.withdrawn_at is not None or invite.entry.deleted_at is not None
        return None if has_ended else Unsent.NOTHING_TO_TELL
    verdict = judge_link(terms_of(invite, rules), generation=mail.generation, devices=0, now=now)
    if isinstance(verdict, Refuse):
        return _unsent(verdict.why)
    if mail.code is not None and (mail.code.used_at or mail.code.expires_at <= now):
        return Unsent.CODE_EXPIRED
    if mail.kind == Kind.INVITATION and not rules.sends_mail:
        return Unsent.NO_TEMPLATE
    if mail.kind == Kind.CHANGED and mail.attempts == 1 and invite.mailed_details == details_of(invite):
        return Unsent.NOTHING_TO_TELL  # changed back before anybody heard of it
    return None


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
