"""Inviting, and what became of it: the pages beside the media page."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.decisions import Decision, Refused
from common.errors import ConflictError, InvalidError, MissingError, RefusedError
from common.htmx import render_part
from invites.explain import explain_why_not, refusal_to_invite
from invites.forms import InviteForm, RoleForm
from invites.links import link_for
from invites.models import Invite, ModuleSettings, OutboxMail
from invites.policy import (
    InvitingFacts,
    Life,
    Refuse,
    Stage,
    Why,
    WhyNot,
    invitable_roles,
    inviting_checks,
    judge_inviting,
    judge_link,
    stage_of,
)
from invites.queries import (
    invite_for,
    invites_for,
    inviting_facts,
    settings_for,
    terms_of,
)
from invites.services.issue import give_new_link, issue_invite, mail_link
from invites.services.lifecycle import change_role, withdraw_invite
from lti_tool.identity import tab_of
from lti_tool.roles import ApplicationRole
from rooms.access import ViewerRequest, for_viewer
from rooms.policy.doors import DoorState, door_state, schedule_of
from rooms.policy.rights import Power

_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Inviting:
    """Whether the viewer may invite here, by which rules."""

    rules: ModuleSettings
    facts: InvitingFacts
    verdict: Decision


@dataclass(frozen=True, slots=True)
class Row:
    """An invite as a list or a confirmation shows it."""

    invite: Invite
    stage: Stage
    closed: Why | None
    mail: OutboxMail | None
    link: str
    last_at: datetime


def _inviting(request: ViewerRequest) -> Inviting:
    """How the viewer stands to inviting.

    Raises:
        MissingError: for a guest: a pass opens the entry and nothing beside it.
    """
    if request.viewer.person_id is None or request.viewer.pass_id is not None:
        raise MissingError
    rules = settings_for(request.entry.tenant)
    facts = inviting_facts(request.viewer, request.entry, rules)
    return Inviting(rules, facts, judge_inviting(facts))


def _demand_inviting(request: ViewerRequest) -> Inviting:
    inviting = _inviting(request)
    if isinstance(inviting.verdict, Refused):
        raise refusal_to_invite(WhyNot(inviting.verdict.reason))
    return inviting


def _demand_right(request: ViewerRequest) -> None:
    """What was made can be looked after by whoever has the right, even where nobody may invite any more."""
    if request.viewer.person_id is None or request.viewer.pass_id is not None:
        raise MissingError
    request.viewer.must(Power.INVITE)


def _may_know_why(request: ViewerRequest) -> bool:
    """Learners never see the inviting tools, not even their absence."""
    return request.viewer.application_role > ApplicationRole.VIEWER


def _row(invite: Invite, rules: ModuleSettings) -> Row:
    verdict = judge_link(
        terms_of(invite, rules),
        generation=invite.generation,
        devices=invite.devices_used,
        now=timezone.now(),
    )
    seen_at: datetime | None = getattr(invite, "last_seen_at", None)
    mails = [mail for mail in invite.mails.all() if mail.generation == invite.generation]
    life = Life(
        mail_states=tuple(mail.state for mail in mails),
        has_reached_lobby=invite.lobby_reached_at is not None,
        has_entered=invite.entered_at is not None,
    )
    return Row(
        invite=invite,
        stage=stage_of(life),
        closed=verdict.why if isinstance(verdict, Refuse) else None,
        mail=mails[0] if mails else None,
        link="" if isinstance(verdict, Refuse) else link_for(invite),
        last_at=max(
            at
            for at in (
                invite.made_at,
                invite.lobby_reached_at,
                invite.entered_at,
                invite.withdrawn_at,
                seen_at,
                *(mail.sent_at for mail in mails),
            )
            if at is not None
        ),
    )


def _to_invite(request: ViewerRequest, invite: Invite, did: str) -> HttpResponse:
    address = reverse("invites:made", args=[request.entry.pk, invite.pk])
    response = HttpResponseRedirect(f"{address}?did={did}")
    response.status_code = HTTPStatus.SEE_OTHER
    return response


@for_viewer
@require_safe
def menu(request: ViewerRequest) -> HttpResponse:
    """What the ⋯ menu of the media page offers about inviting; nothing to guests and learners."""
    if request.viewer.person_id is None or request.viewer.pass_id is not None or not _may_know_why(request):
        return HttpResponse("")
    inviting = _inviting(request)
    context = {
        "entry": request.entry,
        "may_invite": bool(inviting.verdict),
        "has_list": request.viewer.may(Power.INVITE),
    }
    return render(request, "invites/_menu.html", context)


@for_viewer
@require_safe
def why(request: ViewerRequest) -> HttpResponse:
    """Tell why the viewer cannot invite: every question in its order, the one that failed, what to do."""
    inviting = _inviting(request)
    if not _may_know_why(request):
        raise MissingError
    return _show_why(request, inviting)


def _show_why(request: ViewerRequest, inviting: Inviting, *, status: int = HTTPStatus.OK) -> HttpResponse:
    failed = next((check.reason for check in inviting_checks(inviting.facts) if not check.is_passed), None)
    checks: list[dict[str, object]] = [
        {
            "explanation": explain_why_not(check.reason),
            "is_passed": check.is_passed,
            "is_first": check.reason == failed,
        }
        for check in inviting_checks(inviting.facts)
    ]
    context = {
        "entry": request.entry,
        "checks": checks,
        "may_invite": failed is None,
        "first": explain_why_not(failed) if failed else None,
        "admin_contact": inviting.rules.admin_contact,
    }
    return render(request, "invites/why.html", context, status=status)


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: ViewerRequest) -> HttpResponse:
    """The invitation form, as a page and as a dialog."""
    inviting = _inviting(request)
    if not inviting.verdict and _may_know_why(request):
        return _show_why(request, inviting, status=HTTPStatus.FORBIDDEN)
    inviting = _demand_inviting(request)
    kind, sends_mail = request.entry.kind, inviting.rules.sends_mail
    if request.method != "POST":
        first_role = invitable_roles(kind)[0]
        form = InviteForm(
            kind=kind, sends_mail=sends_mail, initial={"role": first_role.value, "is_mailed": True}
        )
        return _show_form(request, form, inviting)
    form = InviteForm(request.POST, kind=kind, sends_mail=sends_mail)
    if not form.is_valid():
        return _show_form(request, form, inviting)
    tab = tab_of(request)
    try:
        issued = issue_invite(
            request.entry,
            form.wish(),
            by=request.viewer,
            course=tab.course if tab else None,
            language=get_language() or "en",
            now=timezone.now(),
        )
    except (RefusedError, ConflictError, InvalidError) as error:
        is_about_address = error.code in {"restricted", "already_invited", "email"}
        form.add_error("email" if is_about_address else None, f"{error.message} {error.next_step}".strip())
        return _show_form(request, form, inviting)
    return _to_invite(request, issued.invite, "new" if issued.is_new else "again")


def _show_form(request: ViewerRequest, form: InviteForm, inviting: Inviting) -> HttpResponse:
    context = {
        "entry": request.entry,
        "form": form,
        "contact": inviting.rules.admin_contact if form.errors else "",
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "invites/invite.html", context, status=status)


@for_viewer
@require_safe
def made(request: ViewerRequest, invite_id: UUID) -> HttpResponse:
    """One invite: its link with a copy button while that is open, and what happens next."""
    _demand_right(request)
    found = invite_for(request.viewer, invite_id)
    rules = settings_for(request.entry.tenant)
    now = timezone.now()
    context = {
        "entry": request.entry,
        "row": _row(found, rules),
        "sends_mail": rules.sends_mail,
        "did": request.GET.get("did", ""),
        "is_waiting": door_state(schedule_of(request.entry), now=now) == DoorState.BEFORE,
        "may_invite": bool(judge_inviting(inviting_facts(request.viewer, request.entry, rules))),
        "is_known": found.participant is not None and found.participant.person_id is not None,
    }
    return render(request, "invites/made.html", context)


@for_viewer
@require_safe
def invite_list(request: ViewerRequest) -> HttpResponse:
    """The invites of the entry, newest first; co-publishers see their own."""
    _demand_right(request)
    rules = settings_for(request.entry.tenant)
    page = Paginator(invites_for(request.viewer), _PAGE).get_page(request.GET.get("page"))
    context = {
        "entry": request.entry,
        "page": page,
        "rows": [_row(found, rules) for found in page],
        "sees_all": request.viewer.may(Power.MANAGE_ALL_INVITES),
        "may_invite": bool(judge_inviting(inviting_facts(request.viewer, request.entry, rules))),
    }
    return render_part(request, "invites/list.html", "list", context)


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def new_link(request: ViewerRequest, invite_id: UUID) -> HttpResponse:
    """Give a new link, after a question."""
    inviting = _demand_inviting(request)
    found = invite_for(request.viewer, invite_id)
    if request.method != "POST":
        context = {
            "entry": request.entry,
            "row": _row(found, inviting.rules),
            "rules": inviting.rules,
        }
        return render(request, "invites/new_link.html", context)
    seen = request.POST.get("replacing", "")
    renewed = give_new_link(
        found,
        replacing=int(seen) if seen.isdecimal() else found.generation,
        by=request.viewer,
        is_mailed="is_mailed" in request.POST,
        language=get_language() or "en",
        now=timezone.now(),
    )
    return _to_invite(request, renewed, "link")


@for_viewer
@require_POST
def send(request: ViewerRequest, invite_id: UUID) -> HttpResponse:
    """Mail the link, for the first time or again."""
    _demand_right(request)
    found = invite_for(request.viewer, invite_id)
    is_sent = mail_link(found, by=request.viewer, language=get_language() or "en", now=timezone.now())
    return _to_invite(request, found, "sent" if is_sent else "")


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def role(request: ViewerRequest, invite_id: UUID) -> HttpResponse:
    """Change the invitation type; it is felt at once."""
    _demand_right(request)
    found = invite_for(request.viewer, invite_id)
    is_sent = request.method == "POST"
    form = RoleForm(request.POST if is_sent else None, kind=request.entry.kind, initial={"role": found.role})
    if not (is_sent and form.is_valid()):
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
        context = {"entry": request.entry, "invite": found, "form": form}
        return render(request, "invites/role.html", context, status=status)
    change_role(found, form.wished_role, by=request.viewer, now=timezone.now())
    return _to_invite(request, found, "role")


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: ViewerRequest, invite_id: UUID) -> HttpResponse:
    """Withdraw, after a question."""
    _demand_right(request)
    found = invite_for(request.viewer, invite_id)
    if request.method != "POST":
        return render(request, "invites/withdraw.html", {"entry": request.entry, "invite": found})
    withdraw_invite(found, by=request.viewer, now=timezone.now())
    return _to_invite(request, found, "withdrawn")
