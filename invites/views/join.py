"""The guest's way: from a link to the room.

Looking never changes anything, whoever looks: only a form that this device was given, with something typed,
does. The forms carry a key of their own (`invites.links.form_key`) instead of Django's CSRF token, because
these pages send no referrer and browsers then hide the origin of a form.
"""

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from common.access import public
from common.errors import AppError, InvalidError, MissingError, RefusedError, ThrottledError
from common.middleware import error_page, set_embedded_cookie
from invites.links import LinkClaim, form_key, link_for, read_link
from invites.models import Invite
from invites.policy import FINAL, Refuse, Why, judge_link
from invites.queries import invite_behind, redemption_of, settings_for, speakers_of, terms_of
from invites.services.redeem import (
    Device,
    LinkClosedError,
    Redeemed,
    is_invited_person,
    knock,
    redeem_invite,
)
from lti_tool.identity import tab_here, tab_of
from lti_tool.models import Tab
from rooms.access import PASS_COOKIE, viewer_by_pass, viewer_by_tab
from rooms.calendar import MEDIA_TYPE, calendar_file
from rooms.policy.doors import DoorState, door_state, schedule_of

DEVICE_COOKIE: Final = "foyer-device"
KEPT_FOR: Final = 400 * 24 * 3600  # seconds: as long as browsers keep any cookie; what it opens ends earlier
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_PROOF = "the link in the address is the proof"

_STATUS: Final = {
    Why.NOT_GENUINE: HTTPStatus.NOT_FOUND,
    Why.GONE: HTTPStatus.GONE,
    Why.MODULE_OFF: HTTPStatus.FORBIDDEN,
    Why.WITHDRAWN: HTTPStatus.GONE,
    Why.REMOVED: HTTPStatus.FORBIDDEN,
    Why.RESTRICTED: HTTPStatus.FORBIDDEN,
    Why.REPLACED: HTTPStatus.GONE,
    Why.SESSION_ENDED: HTTPStatus.GONE,
    Why.EXPIRED: HTTPStatus.GONE,
    Why.USED_UP: HTTPStatus.FORBIDDEN,
}


@dataclass(frozen=True, slots=True)
class Visit:
    """A device at the door with a genuine link."""

    token: str
    claim: LinkClaim
    device: Device
    now: datetime


def sealed(view: Callable[[HttpRequest, str], HttpResponse]) -> Callable[[HttpRequest, str], HttpResponse]:
    """Let nothing of a link's address out: no referrer, no cache, no frame, no tab around it."""

    @wraps(view)
    def guarded(request: HttpRequest, token: str) -> HttpResponse:
        try:
            if tab_of(request) is not None:
                raise MissingError
            response = view(request, token)
        except AppError as error:
            response = error_page(request, error)
        add_never_cache_headers(response)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return guarded


@public(_PROOF)
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@sealed
def join(request: HttpRequest, token: str) -> HttpResponse:
    """The door: what this link is worth to this device, the countdown, the lobby."""
    claim = read_link(token)
    if claim is None:
        return _closed(request, Why.NOT_GENUINE)
    visit = Visit(token, claim, _device_of(request), timezone.now())
    try:
        return _post(request, visit) if request.method == "POST" else _look(request, visit)
    except LinkClosedError as error:
        return _closed(request, error.why, invite_behind(claim))


@public(_PROOF)
@require_safe
@sealed
def calendar(_request: HttpRequest, token: str) -> HttpResponse:
    """The session for the guest's own calendar; their own link is the way in."""
    claim = read_link(token)
    invite = invite_behind(claim) if claim is not None else None
    now = timezone.now()
    if claim is None or invite is None or _why_not(invite, claim, now=now) is not None:
        raise MissingError
    link = link_for(invite)
    way_in = _("Your personal link: %(link)s") % {"link": link}
    written = calendar_file(invite.entry, address=link, way_in=way_in, now=now)
    if written is None:
        raise MissingError
    response = HttpResponse(written, content_type=MEDIA_TYPE)
    response["Content-Disposition"] = 'attachment; filename="session.ics"'
    return response


def _look(request: HttpRequest, visit: Visit) -> HttpResponse:
    invite = invite_behind(visit.claim)
    if invite is None:
        raise LinkClosedError(Why.GONE)
    why = _why_not(invite, visit.claim, now=visit.now)
    if why not in FINAL:
        redeemed = _passed_before(invite, visit)
        if redeemed is not None:
            return _let_in(redeemed, invite, visit)
    if why is not None:
        raise LinkClosedError(why)
    is_early = door_state(schedule_of(invite.entry), now=visit.now) == DoorState.BEFORE
    if is_early and "early" not in request.GET:
        return _countdown(request, invite, visit)
    return _lobby(request, invite, visit)


def _post(request: HttpRequest, visit: Visit) -> HttpResponse:
    given = request.POST.get("key", "")
    expected = form_key(visit.device.secret, visit.token)
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise RefusedError(
            _("This form was not opened on this device, or your browser keeps no cookies."),
            next_step=_("Open the link from your invitation again and let this site keep a cookie."),
            code="form_key",
        )
    invite = invite_behind(visit.claim)
    if invite is None:
        raise LinkClosedError(Why.GONE)
    try:
        redeemed = _redeem(request, visit)
    except (InvalidError, ThrottledError) as error:
        return _lobby(request, invite, visit, error=error)
    except LinkClosedError:
        raise
    except RefusedError as error:
        if error.code not in {Why.REMOVED, Why.RESTRICTED}:
            raise
        return _closed(request, Why(error.code), invite, error=error)
    return _let_in(redeemed, invite, visit)


def _redeem(request: HttpRequest, visit: Visit) -> Redeemed:
    if request.POST.get("as") == "person":
        tab = tab_here(request)
        if tab is None:
            raise InvalidError(
                _("Your visit from the LMS has ended."),
                next_step=_("Type the invited address, or open the tool from your course again."),
                code="no_visit",
            )
        return redeem_invite(visit.claim, device=visit.device, person=tab.person, now=visit.now)
    return knock(
        visit.claim,
        request.POST.get("email", "")[:400],
        device=visit.device,
        address=request.META.get("REMOTE_ADDR", ""),
        now=visit.now,
    )


def _why_not(invite: Invite, claim: LinkClaim, *, now: datetime) -> Why | None:
    terms = terms_of(invite, settings_for(invite.tenant))
    verdict = judge_link(terms, generation=claim.generation, devices=invite.devices_used, now=now)
    return verdict.why if isinstance(verdict, Refuse) else None


def _passed_before(invite: Invite, visit: Visit) -> Redeemed | None:
    """The way in of a device that has a living pass by this very link."""
    before = redemption_of(visit.claim, visit.device.hash)
    if before is None:
        return None
    secret = visit.device.pass_secret(before.pk)
    if viewer_by_pass(invite.entry, secret) is None:
        return None
    return Redeemed(invite.entry_id, secret)


def _let_in(redeemed: Redeemed, invite: Invite, visit: Visit) -> HttpResponse:
    address = invite.entry.get_absolute_url()
    response = HttpResponseRedirect(address)
    response.status_code = HTTPStatus.SEE_OTHER
    set_embedded_cookie(response, PASS_COOKIE, redeemed.pass_secret, max_age=KEPT_FOR, path=address)
    return _remember(response, visit)


def _countdown(request: HttpRequest, invite: Invite, visit: Visit) -> HttpResponse:
    context = {**_context(request, invite, visit), "speakers": speakers_of(invite.entry)}
    return _remember(render(request, "invites/join/countdown.html", context), visit)


def _lobby(
    request: HttpRequest, invite: Invite, visit: Visit, *, error: InvalidError | ThrottledError | None = None
) -> HttpResponse:
    context = {
        **_context(request, invite, visit),
        "error": error,
        "typed": request.POST.get("email", "") if error else "",
        "key": form_key(visit.device.secret, visit.token),
        "is_waiting": door_state(schedule_of(invite.entry), now=visit.now) == DoorState.BEFORE,
    }
    status = HTTPStatus.OK if error is None else HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, ThrottledError):
        status = HTTPStatus.TOO_MANY_REQUESTS
    response = render(request, "invites/join/lobby.html", context, status=status)
    if isinstance(error, ThrottledError):
        response["Retry-After"] = str(error.retry_after)
    return _remember(response, visit)


def _context(request: HttpRequest, invite: Invite, visit: Visit) -> dict[str, object]:
    tab = tab_here(request)
    here = tab if tab is not None and tab.tenant_id == invite.tenant_id else None
    is_invitee = here is not None and is_invited_person(invite, here.person)
    return {
        "invite": invite,
        "entry": invite.entry,
        "inviter": invite.made_by.shown_name if invite.made_by else "",
        "now": visit.now,
        "token": visit.token,
        "here": here.person if here else None,
        "is_invitee": is_invitee,
        "own_way": _own_way(invite, here) if here is not None and not is_invitee else "",
    }


def _own_way(invite: Invite, tab: Tab) -> str:
    """The entry's address in the tab of somebody who is signed in and may be there anyway."""
    if viewer_by_tab(invite.entry, tab) is None:
        return ""
    return f"/~{tab.handle}{invite.entry.get_absolute_url()}"


def _closed(
    request: HttpRequest, why: Why, invite: Invite | None = None, *, error: AppError | None = None
) -> HttpResponse:
    rules = settings_for(invite.tenant) if invite else None
    context = {
        "why": why,
        "invite": invite,
        "entry": invite.entry if invite else None,
        "inviter": invite.made_by.shown_name if invite and invite.made_by else "",
        "admin_contact": rules.admin_contact if rules else "",
        "error": error,
    }
    return render(request, f"invites/join/{why}.html", context, status=_STATUS[why])


def _device_of(request: HttpRequest) -> Device:
    secret = request.COOKIES.get(DEVICE_COOKIE, "")
    return Device(secret if _SECRET.fullmatch(secret) else secrets.token_urlsafe(32))


def _remember(response: HttpResponse, visit: Visit) -> HttpResponse:
    """Let the device keep its secret; for these pages alone."""
    path = reverse("invites:join", args=["-"]).removesuffix("-")
    set_embedded_cookie(response, DEVICE_COOKIE, visit.device.secret, max_age=KEPT_FOR, path=path)
    return response
