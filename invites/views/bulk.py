"""Many invitations at once: a list goes in, is checked and mended, and then invited in the background."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Final
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.decisions import Refused
from common.errors import MissingError
from common.htmx import render_part, wants_part
from invites.bulk_forms import LineForm, ListForm
from invites.bulk_words import NAMES, OUTCOMES, explain_line, name_of, tone_of
from invites.explain import refusal_to_invite
from invites.forms import ROLE_NAMES
from invites.models import BulkLine, BulkRun, ModuleSettings
from invites.policy import WhyNot, invitable_roles, judge_inviting
from invites.queries import inviting_facts, settings_for
from invites.queries.bulk import (
    Tally,
    line_for,
    links_of,
    progress_of,
    run_for,
    runs_with_counts,
    tally_of,
)
from invites.services.bulk import (
    check_again,
    commit_run,
    discard_run,
    drop_line,
    mend_line,
    start_run,
)
from invites.spreadsheets import header_for, read_role, write_sheet
from invites.verdicts import BAD, RENEWABLE, Verdict
from lti_tool.identity import tab_of
from rooms.access import ViewerRequest, for_viewer
from rooms.policy.roles import Role

_PAGE: Final = 50
_STALLED_AFTER: Final = timedelta(seconds=30)
_ALL, _BAD, _MADE = "all", "bad", "made"
_TEMPLATE: Final = "invites/bulk_run.html"


@dataclass(frozen=True, slots=True)
class Shown:
    """A line as a page shows it."""

    line: BulkLine
    name: str
    tone: str
    explanation: str
    role: str

    @property
    def is_mendable(self) -> bool:
        """Whether something can be put right here."""
        return not self.line.is_done and Verdict(self.line.verdict) in BAD


@dataclass(frozen=True, slots=True)
class Filter:
    """One choice of which lines to see, and how many those are."""

    value: str
    name: str
    lines: int


def _shown(line: BulkLine) -> Shown:
    role = read_role(line.role)
    return Shown(
        line=line,
        name=name_of(line),
        tone=tone_of(Verdict(line.verdict)) if not line.is_done or line.invite_id is None else "entered",
        explanation=explain_line(line),
        role=str(ROLE_NAMES.get(role, line.role)) if role else line.role,
    )


def _demand_inviting(request: ViewerRequest) -> ModuleSettings:
    """Go on only if the viewer may invite here.

    Raises:
        MissingError: for a guest.
        RefusedError: for anybody else who may not; the code is the reason.
    """
    if request.viewer.person_id is None or request.viewer.pass_id is not None:
        raise MissingError
    rules = settings_for(request.entry.tenant)
    verdict = judge_inviting(inviting_facts(request.viewer, request.entry, rules))
    if isinstance(verdict, Refused):
        raise refusal_to_invite(WhyNot(verdict.reason))
    return rules


def _to_run(request: ViewerRequest, run: BulkRun) -> HttpResponse:
    response = HttpResponseRedirect(reverse("invites:many-run", args=[request.entry.pk, run.pk]))
    response.status_code = HTTPStatus.SEE_OTHER
    return response


def _file(rows: Iterable[Iterable[object]], name: str) -> HttpResponse:
    response = HttpResponse(
        write_sheet(rows, language=get_language() or "en"), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response["Cache-Control"] = "no-store"
    return response


# --- The list ---------------------------------------------------------------------------------------------


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def many(request: ViewerRequest) -> HttpResponse:
    """Paste a list or upload a file."""
    _demand_inviting(request)
    kind = request.entry.kind
    if request.method != "POST":
        form = ListForm(kind=kind, initial={"role": invitable_roles(kind)[0].value})
        return _show_form(request, form)
    form = ListForm(request.POST, request.FILES, kind=kind)
    if not form.is_valid():
        return _show_form(request, form)
    tab = tab_of(request)
    run = start_run(
        request.entry,
        form.rows,
        by=request.viewer,
        course=tab.course if tab else None,
        default_role=form.wished_role,
        language=get_language() or "en",
        now=timezone.now(),
    )
    return _to_run(request, run)


def _show_form(request: ViewerRequest, form: ListForm) -> HttpResponse:
    context = {
        "entry": request.entry,
        "form": form,
        "runs": runs_with_counts(request.viewer)[:10],
        "columns": header_for(get_language() or "en"),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "invites/bulk.html", context, status=status)


@for_viewer
@require_safe
def many_template(request: ViewerRequest) -> HttpResponse:
    """An empty list to fill in: the names of the columns."""
    _demand_inviting(request)
    return _file([header_for(get_language() or "en")], "invitations")


# --- The run ----------------------------------------------------------------------------------------------


@for_viewer
@require_safe
def many_run(request: ViewerRequest, run_id: UUID) -> HttpResponse:
    """A list that was read: what would become of it, how far it is, or what became of it."""
    return _show_run(request, run_for(request.viewer, run_id))


def _show_run(request: ViewerRequest, run: BulkRun, *, status: int = HTTPStatus.OK) -> HttpResponse:
    rules = settings_for(request.entry.tenant)
    tally = tally_of(run)
    shown = request.GET.get("show", "") or (
        _BAD if tally.bad and run.state == BulkRun.State.CHECKED else _ALL
    )
    context: dict[str, object] = {"entry": request.entry, "run": run, "tally": tally}
    if run.state == BulkRun.State.COMMITTING:
        last = run.claimed_at or run.made_at
        context |= {
            "progress": progress_of(run),
            "is_stalled": timezone.now() - last > _STALLED_AFTER,
        }
    else:
        page = Paginator(_lines(run, shown), _PAGE).get_page(request.GET.get("page"))
        context |= {
            "page": page,
            "rows": [_shown(line) for line in page],
            "filters": _filters(run, tally),
            "show": shown,
            "sends_mail": rules.sends_mail,
            "may_invite": bool(judge_inviting(inviting_facts(request.viewer, request.entry, rules))),
            "is_polled": wants_part(request),
        }
    response = render_part(request, _TEMPLATE, "run", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _lines(run: BulkRun, shown: str) -> QuerySet[BulkLine]:
    lines = run.lines.order_by("number")
    if shown == _BAD:
        return lines.filter(verdict__in=[verdict.value for verdict in BAD], invite__isnull=True)
    if shown == _MADE:
        return lines.filter(invite__isnull=False)
    return lines.filter(verdict=shown) if shown in set(Verdict) else lines


def _filters(run: BulkRun, tally: Tally) -> list[Filter]:
    """Which lines may be looked at by themselves."""
    names = NAMES | OUTCOMES if run.state == BulkRun.State.DONE else NAMES
    several = [
        Filter(_ALL, gettext("All lines"), tally.in_all),
        *([Filter(_BAD, gettext("To mend"), tally.bad)] if tally.bad else []),
    ]
    single = [
        Filter(verdict.value, str(names[verdict]), lines) for verdict, lines in tally.by_verdict.items()
    ]
    return [*several, *single]


@for_viewer
@require_POST
def many_commit(request: ViewerRequest, run_id: UUID) -> HttpResponse:
    """Invite those whose lines are good."""
    run = run_for(request.viewer, run_id)
    commit_run(
        run,
        by=request.viewer,
        is_mailed="is_mailed" in request.POST,
        renews="renews" in request.POST,
        now=timezone.now(),
    )
    return _to_run(request, run)


@for_viewer
@require_POST
def many_again(request: ViewerRequest, run_id: UUID) -> HttpResponse:
    """Check once more what did not become an invite."""
    run = run_for(request.viewer, run_id)
    check_again(run, by=request.viewer, now=timezone.now())
    return _to_run(request, run)


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def many_discard(request: ViewerRequest, run_id: UUID) -> HttpResponse:
    """Forget the list, after a question."""
    run = run_for(request.viewer, run_id)
    if request.method != "POST":
        return render(request, "invites/bulk_discard.html", {"entry": request.entry, "run": run})
    discard_run(run)
    response = HttpResponseRedirect(reverse("invites:many", args=[request.entry.pk]))
    response.status_code = HTTPStatus.SEE_OTHER
    return response


# --- A line -----------------------------------------------------------------------------------------------


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def many_line(request: ViewerRequest, run_id: UUID, number: int) -> HttpResponse:
    """Mend a line: in its place in the list, or on a page of its own."""
    run = run_for(request.viewer, run_id)
    line = line_for(run, number)
    if request.method != "POST":
        return _show_line(request, run, line, LineForm(line=line, kind=run.entry.kind))
    now = timezone.now()
    if "drop" in request.POST:
        drop_line(run, number, by=request.viewer, now=now)
        return _show_run(request, run) if wants_part(request) else _to_run(request, run)
    form = LineForm(request.POST, line=line, kind=run.entry.kind)
    if not form.is_valid():
        return _show_line(request, run, line, form)
    others = mend_line(run, number, form.typed(), by=request.viewer, now=now)
    if not wants_part(request):
        return _to_run(request, run)
    if others:  # doubles elsewhere in the list: all of it is shown anew
        response = _show_run(request, run)
        response["HX-Retarget"], response["HX-Reswap"] = "#many", "outerHTML"
        return response
    return _show_mended(request, run, line_for(run, number))


def _show_line(request: ViewerRequest, run: BulkRun, line: BulkLine, form: LineForm) -> HttpResponse:
    context = {"entry": request.entry, "run": run, "row": _shown(line), "form": form}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render_part(request, "invites/bulk_line.html", "form", context, status=status)


def _show_mended(request: ViewerRequest, run: BulkRun, line: BulkLine) -> HttpResponse:
    rules = settings_for(request.entry.tenant)
    context = {
        "entry": request.entry,
        "run": run,
        "row": _shown(line),
        "tally": tally_of(run),
        "sends_mail": rules.sends_mail,
        "may_invite": True,
        "is_mended": True,
    }
    return render(request, "invites/bulk_line.html#row", context)


# --- Files ------------------------------------------------------------------------------------------------


@for_viewer
@require_safe
def many_bad_lines(request: ViewerRequest, run_id: UUID) -> HttpResponse:
    """The lines that are not, or will not be, invited: as they are, each with its reason."""
    run = run_for(request.viewer, run_id)
    unwanted = [verdict.value for verdict in BAD | RENEWABLE]
    lines = run.lines.filter(invite__isnull=True, verdict__in=unwanted).order_by("number")
    header = (*header_for(get_language() or "en"), gettext("Reason"))
    rows = (
        (line.email, line.first_name, line.last_name, line.role, line.language, _reason(line))
        for line in lines.iterator()
    )
    return _file([header, *rows], "lines-to-mend")


def _reason(line: BulkLine) -> str:
    shown = _shown(line)
    return f"{shown.name}: {shown.explanation}" if shown.explanation else shown.name


@for_viewer
@require_safe
def many_links(request: ViewerRequest, run_id: UUID) -> HttpResponse:
    """The links of those who were invited, to be handed over."""
    _demand_inviting(request)
    run = run_for(request.viewer, run_id)
    email, first, last, role, _language = header_for(get_language() or "en")
    rows = (
        (invite.email, invite.first_name, invite.last_name, ROLE_NAMES[Role(invite.role)], link)
        for _line, invite, link in links_of(run, now=timezone.now())
    )
    return _file([(email, first, last, role, gettext("Link")), *rows], "links")
