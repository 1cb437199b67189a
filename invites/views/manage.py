"""Inviting: the menu beside the media page, the dialog, and why somebody cannot."""

from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_safe

from common.errors import ConflictError, InvalidError, MissingError, RefusedError
from invites.explain import explain_why_not
from invites.forms import InviteForm
from invites.policy import invitable_roles, inviting_checks
from invites.services.issue import issue_invite
from invites.services.quotas import QuotaError
from invites.views.inviting import Inviting, demand_inviting, inviting_of, may_know_why, to_invite
from lti_tool.identity import tab_of
from rooms.access import ViewerRequest, for_viewer
from rooms.policy.rights import Power


@for_viewer
@require_safe
def menu(request: ViewerRequest) -> HttpResponse:
    """What the ⋯ menu of the media page offers about inviting; nothing to guests and learners."""
    if request.viewer.person_id is None or request.viewer.pass_id is not None or not may_know_why(request):
        return HttpResponse("")
    inviting = inviting_of(request)
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
    inviting = inviting_of(request)
    if not may_know_why(request):
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
    inviting = inviting_of(request)
    if not inviting.verdict and may_know_why(request):
        return _show_why(request, inviting, status=HTTPStatus.FORBIDDEN)
    inviting = demand_inviting(request)
    kind, sends_mail = request.entry.kind, inviting.rules.sends_mail
    if request.method != "POST":
        first_role = invitable_roles(kind)[0]
        form = InviteForm(
            kind=kind, sends_mail=sends_mail, initial={"role": first_role.value, "is_mailed": True}
        )
        return _show_form(request, form, inviting)
    form = InviteForm(request.POST, kind=kind, sends_mail=sends_mail, viewer=request.viewer)
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
    except (RefusedError, ConflictError, InvalidError, QuotaError) as error:
        is_about_address = error.code in {"restricted", "already_invited", "email"}
        form.add_error("email" if is_about_address else None, f"{error.message} {error.next_step}".strip())
        return _show_form(request, form, inviting)
    return to_invite(request, issued.invite, "new" if issued.is_new else "again")


def _show_form(request: ViewerRequest, form: InviteForm, inviting: Inviting) -> HttpResponse:
    context = {
        "entry": request.entry,
        "form": form,
        "contact": inviting.rules.admin_contact if form.errors else "",
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "invites/invite.html", context, status=status)
