"""Many invitations at once: what was committed is worked off in the background.

Each line is invited by the same service as a single one, and asked every question again. Some lines share a
transaction with what is noted about them, so a crash loses nothing and doubles nothing: the next worker goes
on where the last one stopped.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import translation

from common.decisions import Refused
from common.errors import AppError
from invites.domains import AddressError, normalise_email
from invites.models import BulkLine, BulkRun, Invite, OutboxMail
from invites.policy import Why, judge_inviting
from invites.queries import inviting_facts, settings_for
from invites.queries.bulk import judge_lines, why_closed
from invites.services.issue import Wish, give_new_link, issue_invite, mail_link
from invites.services.lifecycle import set_language
from invites.verdicts import FRESH, RENEWABLE, Judged, Verdict
from lti_tool.models import Platform
from rooms.access import Viewer, viewer_in_absence
from rooms.policy.roles import Role

log = logging.getLogger(__name__)

BATCH: Final = 25  # lines in one transaction: it holds SQLite's only write lock

State = BulkRun.State


def work_off_bulk_runs(now: datetime, *, stopping: Event | None = None) -> int:
    """Work off what was committed, and say how many lines that were.

    Runs take turns, a batch each. Any number of workers may do this at the same time: whoever works off a
    batch holds the run's row until its end, and a worker that dies holds nothing.
    """
    started = time.monotonic()
    lines = 0
    while waiting := _waiting_ids():
        before = lines
        for run_id in waiting:
            if stopping is not None and stopping.is_set():
                return lines
            lines += _work_off_batch(run_id, now=now + timedelta(seconds=time.monotonic() - started))
        if lines == before:
            break
    return lines


def _waiting_ids() -> list[UUID]:
    waiting = BulkRun.objects.filter(state=State.COMMITTING)
    return list(waiting.order_by("made_at", "pk").values_list("pk", flat=True))


@transaction.atomic
def _work_off_batch(run_id: UUID, *, now: datetime) -> int:
    if not BulkRun.objects.filter(pk=run_id, state=State.COMMITTING).update(claimed_at=now):
        return 0
    run = BulkRun.objects.select_related("entry__tenant__platform", "made_by", "course").get(pk=run_id)
    waiting = run.lines.filter(is_good=True, is_done=False)
    lines = list(waiting.order_by("number")[:BATCH])
    by = viewer_in_absence(run.entry, run.made_by)
    reason = _why_stopped(run, by) if lines else ""
    if reason:
        waiting.update(verdict=Verdict.NOT_ALLOWED.value, detail=reason, is_good=False, is_done=True)
    if reason or not lines:
        BulkRun.objects.filter(pk=run_id).update(state=State.DONE, finished_at=now)
        log.info("many invitations done run=%s entry=%s why=%s", run_id, run.entry_id, reason or "done")
        return len(lines)
    # What stood twice in the list is no good line; and no line changes any more.
    judged = judge_lines(run, lines, by=by, doubles={}, places=None, now=now)
    known = _known_invites(run, lines)
    with translation.override(run.language or "en"):
        for line in lines:
            _work_off_line(run, line, judged[line.number], known.get(line.pk), by=by, now=now)
    return len(lines)


def _why_stopped(run: BulkRun, by: Viewer) -> str:
    """Why nobody may be invited by this run any more: a `WhyNot`, or `gone`."""
    entry = run.entry
    if entry.deleted_at is not None or entry.tenant.platform.state != Platform.State.ACTIVE:
        return "gone"
    verdict = judge_inviting(inviting_facts(by, entry, settings_for(entry.tenant)))
    return verdict.reason.value if isinstance(verdict, Refused) else ""


def _known_invites(run: BulkRun, lines: Sequence[BulkLine]) -> dict[int, Invite]:
    """The invites that the addresses of these lines have already, by line; each says whether `was_mailed`."""
    emails = {line.pk: _normalised(line.email) for line in lines}
    mailed = OutboxMail.objects.filter(invite=OuterRef("pk"), generation=OuterRef("generation"))
    invites = Invite.objects.filter(entry=run.entry, normalised_email__in=set(emails.values()) - {""})
    found = invites.select_related("entry__tenant__platform", "made_by", "participant")
    by_email = {invite.normalised_email: invite for invite in found.annotate(was_mailed=Exists(mailed))}
    return {line_id: by_email[email] for line_id, email in emails.items() if email in by_email}


def _normalised(email: str) -> str:
    try:
        return str(normalise_email(email))
    except AddressError:
        return ""


def _work_off_line(
    run: BulkRun, line: BulkLine, judged: Judged, known: Invite | None, *, by: Viewer, now: datetime
) -> None:
    """Do what the verdict says, and note what became of it."""
    try:
        if judged.verdict in FRESH:
            line.invite = _invite(run, line, _wish(run, line), by=by, now=now)
        elif known is not None and (judged.is_good or (run.renews and judged.verdict in RENEWABLE)):
            line.invite = _change(run, line, judged, known, by=by, now=now)
        else:
            line.invite = None
    except AppError as error:
        judged = _objection(error)
        line.invite = None
    line.verdict, line.detail = judged.verdict.value, judged.detail[:400]
    line.is_good, line.is_done = line.invite is not None, True
    line.save(update_fields=["verdict", "detail", "is_good", "is_done", "invite"])


def _wish(run: BulkRun, line: BulkLine) -> Wish:
    return Wish(
        email=line.email,
        first_name=line.first_name,
        last_name=line.last_name,
        role=Role(line.role),
        is_mailed=run.is_mailed,
    )


def _language(run: BulkRun, line: BulkLine) -> str:
    return line.language or run.language or "en"


def _invite(run: BulkRun, line: BulkLine, wish: Wish, *, by: Viewer, now: datetime) -> Invite:
    language = _language(run, line)
    invite = issue_invite(run.entry, wish, by=by, course=None, language=language, now=now).invite
    if line.language and line.language != invite.language:
        set_language(invite, line.language, by=by)
    return invite


def _change(
    run: BulkRun, line: BulkLine, judged: Judged, invite: Invite, *, by: Viewer, now: datetime
) -> Invite:
    """Bring an invite that is there to what the line says; mostly that is nothing, and nothing is written."""
    was_mailed = bool(getattr(invite, "was_mailed", False))
    is_change = judged.verdict == Verdict.ROLE_CHANGES
    wish = _wish(run, line)
    wish = replace(
        wish,
        first_name=wish.first_name or invite.first_name,
        last_name=wish.last_name or invite.last_name,
        is_mailed=run.is_mailed and is_change,
    )
    is_other = (wish.first_name, wish.last_name) != (invite.first_name, invite.last_name)
    is_other = is_other or is_change or line.language not in {"", invite.language}
    is_closed = judged.verdict in RENEWABLE or (is_change and _is_renewable(run, invite, now=now))
    is_renewed = run.renews and is_closed
    is_told = run.is_mailed and not (was_mailed or is_change or is_closed)
    if not (is_other or is_renewed or is_told):
        return invite
    with transaction.atomic():
        if is_other:
            invite = _invite(run, line, wish, by=by, now=now)
        if is_renewed:
            return give_new_link(
                invite,
                replacing=invite.generation,
                by=by,
                is_mailed=run.is_mailed,
                language=_language(run, line),
                now=now,
            )
        if is_told:
            mail_link(invite, by=by, language=_language(run, line), now=now)
    return invite


def _is_renewable(run: BulkRun, invite: Invite, *, now: datetime) -> bool:
    closed = why_closed(invite, settings_for(run.entry.tenant), now=now)
    return closed in {Why.USED_UP, Why.EXPIRED}


def _objection(error: AppError) -> Judged:
    """Why a line was not invited, as verdicts say it."""
    words = f"{error.message} {error.next_step}".strip()
    if error.code.startswith("quota_"):
        return Judged(Verdict.OVER_QUOTA, words)
    return Judged(Verdict.FAILED, words)
