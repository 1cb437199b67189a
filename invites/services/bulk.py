"""Many invitations at once: a list is checked, mended, and then worked off in the background.

Each line is invited by the same service as a single one, and asked every question again then. Some lines
share a transaction with what is noted about them, so a crash loses nothing and doubles nothing: the next
worker goes on where the last one stopped.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Event
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _

from common.decisions import Refused
from common.errors import AppError, ConflictError, MissingError
from common.throttle import Limit
from invites.domains import normalise_email
from invites.explain import refusal_to_invite
from invites.languages import known_language
from invites.models import BulkLine, BulkRun, Invite, OutboxMail
from invites.policy import Why, WhyNot, judge_inviting
from invites.queries import inviting_facts, settings_for
from invites.queries.bulk import (
    doubles_among,
    doubles_of,
    judge_lines,
    line_for,
    places_left,
    why_closed,
)
from invites.services.issue import Wish, give_new_link, issue_invite, mail_link, refresh_stale_roster
from invites.services.lifecycle import set_language
from invites.spreadsheets import Row, read_language, read_role
from invites.verdicts import FRESH, RENEWABLE, Judged, Verdict
from lti_tool.models import Course, Platform
from rooms.access import Viewer, viewer_in_absence
from rooms.models import Entry
from rooms.policy.roles import Role

log = logging.getLogger(__name__)

RUNS: Final = Limit("invite-many", 60, 3600)
BATCH: Final = 25  # lines in one transaction: it holds SQLite's only write lock
PORTION: Final = 500
KEPT_UNUSED: Final = timedelta(days=2)
KEPT_DONE: Final = timedelta(days=7)

State = BulkRun.State

runs_wait = Event()
"""Set when this process has committed a run: a worker in it need not wait for its next round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A line as somebody has mended it."""

    email: str
    first_name: str
    last_name: str
    role: str
    language: str


# --- Before ---------------------------------------------------------------------------------------------


def start_run(
    entry: Entry,
    rows: Sequence[Row],
    *,
    by: Viewer,
    course: Course | None,
    default_role: Role,
    language: str,
    now: datetime,
) -> BulkRun:
    """Keep the rows of a list, each with what would become of it. Nobody is invited yet.

    Args:
        course: whence the inviter came; its roster is asked anew, once, before new addresses are refused.
        default_role: of rows that name none.

    Raises:
        RefusedError: the viewer may not invite.
        ThrottledError: too many lists in an hour.
    """
    _demand_inviting(entry, by=by)
    if by.person_id is None:
        raise MissingError
    RUNS.count(str(by.person_id))
    run = BulkRun(
        tenant_id=entry.tenant_id,
        entry=entry,
        made_by_id=by.person_id,
        course=course,
        made_at=now,
        state=State.CHECKED,
        language=language[:10],
    )
    lines = [_line(run, row, default_role=default_role) for row in rows]
    _judge(run, lines, by=by, now=now)
    if any(line.verdict == Verdict.RESTRICTED.value for line in lines) and course is not None:
        refresh_stale_roster(course, now=now)
        _judge(run, lines, by=by, now=now)
    with transaction.atomic():
        run.save(force_insert=True)
        BulkLine.objects.bulk_create(lines, batch_size=PORTION)
    return run


def check_again(run: BulkRun, *, by: Viewer, now: datetime) -> None:
    """Judge the lines anew that are not worked off; after a run, those that did not become invites.

    Raises:
        RefusedError: the viewer may not invite (any more).
        ConflictError: the run is being worked off.
    """
    _demand_inviting(run.entry, by=by)
    refresh_stale_roster(run.course, now=now)
    with transaction.atomic():
        mine = BulkRun.objects.filter(pk=run.pk, state__in=[State.CHECKED, State.DONE])
        if not mine.update(state=State.CHECKED, finished_at=None):
            raise _is_busy()
        run.lines.filter(invite__isnull=True).update(is_done=False)
        lines = list(run.lines.filter(is_done=False))
        _save(_judge(run, lines, doubles=doubles_of(run), by=by, now=now))
    run.refresh_from_db(fields=["state", "finished_at"])


def mend_line(run: BulkRun, number: int, typed: Typed, *, by: Viewer, now: datetime) -> bool:
    """Put something else into a line, and judge it again; whether the verdict of other lines changed too.

    Raises:
        MissingError: there is no such line.
        RefusedError: the viewer may not invite (any more).
        ConflictError: the run is being worked off, or is done.
    """
    _demand_inviting(run.entry, by=by)
    with transaction.atomic():
        _hold(run)
        line = line_for(run, number)
        line.email, line.first_name, line.last_name = typed.email, typed.first_name, typed.last_name
        line.role, line.language = typed.role, known_language(read_language(typed.language))
        line.save(update_fields=["email", "first_name", "last_name", "role", "language"])
        judged = _judge_changed(run, also=[number], by=by, now=now)
    return judged > 1


def drop_line(run: BulkRun, number: int, *, by: Viewer, now: datetime) -> None:
    """Leave a line out.

    Raises:
        MissingError: there is no such line.
        RefusedError: the viewer may not invite (any more).
        ConflictError: the run is being worked off, or is done.
    """
    _demand_inviting(run.entry, by=by)
    with transaction.atomic():
        _hold(run)
        line_for(run, number).delete()
        _judge_changed(run, also=[], by=by, now=now)


def commit_run(run: BulkRun, *, by: Viewer, is_mailed: bool, renews: bool, now: datetime) -> None:
    """Let the good lines be worked off. Asked twice, this happens once.

    Args:
        is_mailed: whoever has not been mailed their link gets it by mail, where the tenant sends any.
        renews: used-up and expired links are replaced.

    Raises:
        RefusedError: the viewer may not invite (any more).
    """
    _demand_inviting(run.entry, by=by)
    with transaction.atomic():
        is_first = BulkRun.objects.filter(pk=run.pk, state=State.CHECKED).update(
            state=State.COMMITTING, is_mailed=is_mailed, renews=renews, claimed_at=now
        )
        if is_first and renews:
            run.lines.filter(verdict__in=_values(RENEWABLE), is_done=False).update(is_good=True)
        transaction.on_commit(runs_wait.set, robust=True)


def discard_run(run: BulkRun) -> None:
    """Forget a run and its lines; invites that it made stay.

    Raises:
        ConflictError: the run is being worked off.
    """
    deleted, _rows = BulkRun.objects.filter(pk=run.pk).exclude(state=State.COMMITTING).delete()
    if not deleted:
        raise _is_busy()


def forget_old_runs(now: datetime) -> int:
    """Delete runs that were left or are done since some days: their lines hold addresses. Says how many."""
    left = Q(state__in=[State.CHECKING, State.CHECKED], made_at__lt=now - KEPT_UNUSED)
    done = Q(state=State.DONE, finished_at__lt=now - KEPT_DONE)
    stuck = Q(made_at__lt=now - 2 * KEPT_DONE)
    found = list(BulkRun.objects.filter(left | done | stuck).values_list("pk", flat=True))
    BulkRun.objects.filter(pk__in=found).delete()
    return len(found)


def _demand_inviting(entry: Entry, *, by: Viewer) -> None:
    verdict = judge_inviting(inviting_facts(by, entry, settings_for(entry.tenant)))
    if isinstance(verdict, Refused):
        raise refusal_to_invite(WhyNot(verdict.reason))


def _hold(run: BulkRun) -> None:
    """Keep a run from being worked off until the end of the transaction."""
    if not BulkRun.objects.filter(pk=run.pk, state=State.CHECKED).update(claimed_at=None):
        raise _is_busy()


def _is_busy() -> ConflictError:
    return ConflictError(
        _("These invitations are being made already."), next_step=_("Go back to see how far they are.")
    )


def _line(run: BulkRun, row: Row, *, default_role: Role) -> BulkLine:
    role = read_role(row.role) if row.role else default_role
    return BulkLine(
        run=run,
        number=row.number,
        email=row.email,
        first_name=row.first_name,
        last_name=row.last_name,
        role=role.value if role else row.role[:100],
        language=known_language(read_language(row.language)),
    )


def _judge(
    run: BulkRun,
    lines: Sequence[BulkLine],
    *,
    doubles: dict[int, int] | None = None,
    by: Viewer,
    now: datetime,
) -> list[BulkLine]:
    """Put verdicts into the lines, which are all there are unless `doubles` says more; who is changed."""
    if doubles is None:
        doubles = doubles_among((line.number, line.email) for line in lines)
    places = places_left(run, beside=lines, now=now)
    judged = judge_lines(run, lines, by=by, doubles=doubles, places=places, now=now)
    changed = []
    for line in lines:
        found = judged[line.number]
        if (line.verdict, line.detail, line.is_good) != (found.verdict, found.detail, found.is_good):
            line.verdict, line.detail, line.is_good = found.verdict.value, found.detail[:400], found.is_good
            changed.append(line)
    return changed


def _judge_changed(run: BulkRun, *, also: Iterable[int], by: Viewer, now: datetime) -> int:
    """Judge those lines again which are doubles now and were none, or the other way round; how many."""
    doubles = doubles_of(run)
    were = {
        number: int(detail)
        for number, detail in run.lines.filter(verdict=Verdict.DOUBLE.value).values_list("number", "detail")
    }
    changed = {number for number in doubles.keys() | were if doubles.get(number) != were.get(number)}
    lines = list(run.lines.filter(number__in=changed | set(also)))
    _save(_judge(run, lines, doubles=doubles, by=by, now=now))
    return len(lines)


def _save(lines: Sequence[BulkLine]) -> None:
    BulkLine.objects.bulk_update(lines, ["verdict", "detail", "is_good"], batch_size=PORTION)


def _values(verdicts: Iterable[Verdict]) -> list[str]:
    return [verdict.value for verdict in verdicts]


# --- Working off ----------------------------------------------------------------------------------------


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
    with translation.override(run.language or "en"):
        for line in lines:
            _work_off_line(run, line, judged[line.number], by=by, now=now)
    return len(lines)


def _why_stopped(run: BulkRun, by: Viewer) -> str:
    """Why nobody may be invited by this run any more: a `WhyNot`, or `gone`."""
    entry = run.entry
    if entry.deleted_at is not None or entry.tenant.platform.state != Platform.State.ACTIVE:
        return "gone"
    verdict = judge_inviting(inviting_facts(by, entry, settings_for(entry.tenant)))
    return verdict.reason.value if isinstance(verdict, Refused) else ""


def _work_off_line(run: BulkRun, line: BulkLine, judged: Judged, *, by: Viewer, now: datetime) -> None:
    """Do what the verdict says, and note what became of it."""
    is_wanted = judged.is_good or (run.renews and judged.verdict in RENEWABLE)
    try:
        line.invite = _invite(run, line, judged.verdict, by=by, now=now) if is_wanted else None
    except AppError as error:
        judged = _objection(error)
        line.invite = None
    line.verdict, line.detail = judged.verdict.value, judged.detail[:400]
    line.is_good, line.is_done = line.invite is not None, True
    line.save(update_fields=["verdict", "detail", "is_good", "is_done", "invite"])


@transaction.atomic
def _invite(run: BulkRun, line: BulkLine, verdict: Verdict, *, by: Viewer, now: datetime) -> Invite:
    invite = _invite_or_change(run, line, verdict, by=by, now=now)
    if line.language and line.language != invite.language:
        set_language(invite, line.language, by=by)
    return invite


def _invite_or_change(run: BulkRun, line: BulkLine, verdict: Verdict, *, by: Viewer, now: datetime) -> Invite:
    language = line.language or run.language or "en"
    wish = Wish(
        email=line.email,
        first_name=line.first_name,
        last_name=line.last_name,
        role=Role(line.role),
        is_mailed=run.is_mailed,
    )
    if verdict in FRESH:
        return issue_invite(run.entry, wish, by=by, course=None, language=language, now=now).invite
    invite = Invite.objects.select_related("entry__tenant__platform", "made_by", "participant").get(
        entry=run.entry, normalised_email=str(normalise_email(line.email))
    )
    named = replace(
        wish,
        first_name=wish.first_name or invite.first_name,
        last_name=wish.last_name or invite.last_name,
        is_mailed=False,
    )
    if (named.role, named.first_name, named.last_name) != (invite.role, invite.first_name, invite.last_name):
        is_told = run.is_mailed and verdict == Verdict.ROLE_CHANGES
        named = replace(named, is_mailed=is_told)
        invite = issue_invite(run.entry, named, by=by, course=None, language=language, now=now).invite
    if run.renews and why_closed(invite, settings_for(run.entry.tenant), now=now) in {
        Why.USED_UP,
        Why.EXPIRED,
    }:
        return give_new_link(
            invite,
            replacing=invite.generation,
            by=by,
            is_mailed=run.is_mailed,
            language=language,
            now=now,
        )
    if run.is_mailed and not OutboxMail.objects.filter(invite=invite, generation=invite.generation).exists():
        mail_link(invite, by=by, language=language, now=now)
    return invite


def _objection(error: AppError) -> Judged:
    """Why a line was not invited, as verdicts say it."""
    words = f"{error.message} {error.next_step}".strip()
    if error.code.startswith("quota_"):
        return Judged(Verdict.OVER_QUOTA, words)
    return Judged(Verdict.FAILED, words)
