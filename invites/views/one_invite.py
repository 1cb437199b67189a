"""One invite: its link, what has happened to it, and what can be done with it."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from invites.forms import RoleForm
from invites.history import told
from invites.list_forms import LanguageForm
from invites.models import Invite
from invites.policy import judge_inviting
from invites.queries import inviting_facts, settings_for
from invites.queries.history import history_of
from invites.queries.invites import invite_for
from invites.services.issue import give_new_link, mail_link
from invites.services.lifecycle import change_role, set_language, withdraw_invite
from invites.services.restore import restore_invites
from invites.views.inviting import demand_inviting, demand_right, row_of, to_invite
from rooms.access import ViewerRequest, for_viewer
from rooms.policy.doors import Stance, door_state, schedule_of, stance_of
from rooms.policy.roles import INVITABLE, Role


@for_viewer
@require_safe
def made(request: ViewerRequest, invite_id: UUID) -> HttpResponse:
    """One invite: its link with a copy button while that is open, and what happens next."""
    demand_right(request)
    found = invite_for(request.viewer, invite_id)
    rules = settings_for(request.entry.tenant)
    doors = door_state(schedule_of(request.entry), now=timezone.now())
    context = {
        "entry": request.entry,
        "row": row_of(found, rules),
        "sends_mail": rules.sends_mail,
        "did": request.GET.get("did", ""),
        "was": role_named(request.GET.get("was", "")),
        "is_waiting": stance_of(doors, role=Role(found.role)) == Stance.WAITING,
        "may_invite": bool(judge_inviting(inviting_facts(request.viewer, request.entry, rules))),
        "is_known": found.participant is not None and found.participant.person_id is not None,
        "languages": settings.LANGUAGES,
    }
    return render(request, "invites/made.html", context)


@for_viewer
@require_safe
def history(request: ViewerRequest, invite_id: UUID) -> HttpResponse:
    """What has happened to an invite, from the beginning: who did what, which mails went out, who came in."""
    demand_right(request)
    found = invite_for(request.viewer, invite_id)
    context = {
        "entry": request.entry,
        "invite": found,
        "lines": [told(moment) for moment in history_of(found)],
    }
    return render(request, "invites/history.html", context)


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def new_link(request: ViewerRequest, invite_id: UUID) -> HttpResponse:
    """Give a new link, after a question."""
    inviting = demand_inviting(request)
    found = invite_for(request.viewer, invite_id)
    if request.method != "POST":
        context = {
            "entry": request.entry,
            "row": row_of(found, inviting.rules),
            "rules": inviting.rules,
        }
        return render(request, "invites/new_link.html", context)
    seen = request.POST.get("replacing", "")
    renewed = give_new_link(
        found,
        replacing=int(seen) if seen.isdecimal() else found.generation,
        by=request.viewer,
        is_mailed="is_mailed" in request.POST,
        language=language_for(found),
        now=timezone.now(),
    )
    return to_invite(request, renewed, "link")


@for_viewer
@require_POST
def send(request: ViewerRequest, invite_id: UUID) -> HttpResponse:
    """Mail the link, for the first time or again; in the language that is chosen beside the button."""
    demand_right(request)
    found = invite_for(request.viewer, invite_id)
    form = LanguageForm(request.POST)
    if "language" in request.POST and form.is_valid():
        set_language(found, form.cleaned_data["language"], by=request.viewer)
    is_sent = mail_link(found, by=request.viewer, language=language_for(found), now=timezone.now())
    return to_invite(request, found, "sent" if is_sent else "")


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def role(request: ViewerRequest, invite_id: UUID) -> HttpResponse:
    """Change the invitation type; it is felt at once, and can be undone."""
    demand_right(request)
    found = invite_for(request.viewer, invite_id)
    is_sent = request.method == "POST"
    form = RoleForm(request.POST if is_sent else None, kind=request.entry.kind, initial={"role": found.role})
    if not (is_sent and form.is_valid()):
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
        context = {"entry": request.entry, "invite": found, "form": form}
        return render(request, "invites/role.html", context, status=status)
    before, undone = found.role, role_named(request.POST.get("was", ""))
    change_role(found, form.wished_role, by=request.viewer, now=timezone.now(), only_from=undone)
    if undone is not None or before == found.role:
        return to_invite(request, found, "role")
    return to_invite(request, found, "role", was=before)


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: ViewerRequest, invite_id: UUID) -> HttpResponse:
    """Withdraw, after a question; it can be undone."""
    demand_right(request)
    found = invite_for(request.viewer, invite_id)
    if request.method != "POST":
        context = {
            "entry": request.entry,
            "invite": found,
            "sends_mail": settings_for(request.entry.tenant).sends_mail,
        }
        return render(request, "invites/withdraw.html", context)
    withdraw_invite(found, by=request.viewer, now=timezone.now(), is_told="is_told" in request.POST)
    return to_invite(request, found, "withdrawn")


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def restore(request: ViewerRequest, invite_id: UUID) -> HttpResponse:
    """Take a withdrawal back: the same link, as if nothing had been."""
    demand_inviting(request)
    found = invite_for(request.viewer, invite_id)
    if request.method != "POST":
        return render(request, "invites/restore.html", {"entry": request.entry, "invite": found})
    meant = withdrawal_in(request) or found.withdrawn_at
    restored: list[Invite] = []
    if meant is not None:
        restored = restore_invites(
            request.entry, [found], withdrawn_at=meant, by=request.viewer, now=timezone.now()
        )
    return to_invite(request, found, "restored" if restored else "")


def withdrawal_in(request: ViewerRequest) -> datetime | None:
    """The moment of the withdrawal that is to be undone, as our own page has written it."""
    try:
        at = parse_datetime(request.POST.get("withdrawn_at", ""))
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def role_named(text: str) -> Role | None:
    """The role of that name that can be given; None for any other word."""
    return next((role for role in INVITABLE if role.value == text), None)


def language_for(invite: Invite) -> str:
    """In which language the invitee is written to: what somebody chose for them, else the inviter's own."""
    return invite.language or get_language() or "en"
