"""What all pages at the door share: a device with a link, what it is told, how it is let in.

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

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _

from common.errors import AppError, InvalidError, MissingError, RefusedError, ThrottledError
from common.middleware import error_page, set_embedded_cookie
from invites.browsers import app_around, is_inside_app
from invites.links import LinkClaim, form_key, read_link
from invites.models import Invite
from invites.policy import FINAL, RENEWABLE, Refuse, Why, judge_link
from invites.queries import Door, door_of
from invites.services.redeem import Device, LinkClosedError, Redeemed, is_invited_person
from lti_tool.identity import tab_here, tab_of
from lti_tool.language import supported
from lti_tool.models import Tab
from rooms.access import PASS_COOKIE, viewer_by_pass, viewer_by_tab
from rooms.policy.doors import Stance, door_state, schedule_of, stance_of
from rooms.policy.roles import Role

DEVICE_COOKIE: Final = "foyer-device"
KEPT_FOR: Final = 400 * 24 * 3600  # seconds: as long as browsers keep any cookie; what it opens ends earlier
PROOF: Final = "the link in the address is the proof"
LONGEST_TYPED: Final = 400
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}")

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
    """A device at the door with a genuine link to an invite."""

    token: str
    door: Door
    device: Device
    now: datetime

    @property
    def claim(self) -> LinkClaim:
        """What the link says."""
        return self.door.claim

    @property
    def invite(self) -> Invite:
        """The invite, as it was when the visit began."""
        return self.door.invite


def at_the_door(
    view: Callable[[HttpRequest, Visit], HttpResponse],
) -> Callable[[HttpRequest, str], HttpResponse]:
    """Call the view with the visit that a link makes; where it lets nobody in, say why instead.

    Nothing of a link's address gets out: no referrer, no cache, no frame, no tab around it.
    """

    @wraps(view)
    def guarded(request: HttpRequest, token: str) -> HttpResponse:
        try:
            if tab_of(request) is not None:
                raise MissingError
            response = _receive(request, token, view)
        except AppError as error:
            response = error_page(request, error)
        add_never_cache_headers(response)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return guarded


def _receive(
    request: HttpRequest, token: str, view: Callable[[HttpRequest, Visit], HttpResponse]
) -> HttpResponse:
    claim = read_link(token)
    if claim is None:
        return _closed(request, Why.NOT_GENUINE)
    device = _device_of(request)
    door = door_of(claim, device.hash)
    if door is None:
        return _closed(request, Why.GONE)
    _speak(request, door.invite)
    visit = Visit(token, door, device, timezone.now())
    try:
        return view(request, visit)
    except LinkClosedError as error:
        return _closed(request, error.why, visit)
    except RefusedError as error:
        if error.code not in {Why.REMOVED, Why.RESTRICTED}:
            raise
        return _closed(request, Why(error.code), visit, error=error)


def _speak(request: HttpRequest, invite: Invite) -> None:
    """The invitee's own language, where the inviter said it and this browser has not chosen another one."""
    language = supported(invite.language)
    if language and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
        translation.activate(language)


# --- What this link is worth to this device -------------------------------------------------------------


def why_closed_to(visit: Visit) -> Why | None:
    """Why the link lets no new device in; None where it does."""
    verdict = judge_link(
        visit.door.terms, generation=visit.claim.generation, devices=visit.invite.devices_used, now=visit.now
    )
    return verdict.why if isinstance(verdict, Refuse) else None


def let_in_again(visit: Visit, why: Why | None) -> HttpResponse | None:
    """In, for a device with a living pass by this very link; None for all others.

    Args:
        why: what closes the link to others; some of it closes it to everybody.
    """
    redeemed = _passed_before(visit) if why not in FINAL else None
    return let_in(redeemed, visit) if redeemed is not None else None


def _passed_before(visit: Visit) -> Redeemed | None:
    before = visit.door.before
    if before is None:
        return None
    secret = visit.device.pass_secret(before.pk)
    if viewer_by_pass(visit.invite.entry, secret) is None:
        return None
    return Redeemed(visit.invite.entry_id, secret)


def is_early(visit: Visit) -> bool:
    """Whether the doors are not open yet to whoever comes by this invite."""
    doors = door_state(schedule_of(visit.invite.entry), now=visit.now)
    return stance_of(doors, role=Role(visit.invite.role)) == Stance.WAITING


def person_here(request: HttpRequest, visit: Visit) -> Tab | None:
    """The launched tab of this browser's first-party jar, if it belongs to the invite's tenant."""
    tab = tab_here(request)
    return tab if tab is not None and tab.tenant_id == visit.invite.tenant_id else None


def demand_person(request: HttpRequest) -> Tab:
    """The launched tab of whoever wants to come in as a person of the LMS.

    Raises:
        InvalidError: it has ended.
    """
    tab = tab_here(request)
    if tab is None:
        raise InvalidError(
            _("Your visit from the LMS has ended."),
            next_step=_("Type the invited address, or open the tool from your course again."),
            code="no_visit",
        )
    return tab


def demand_key(request: HttpRequest, visit: Visit) -> None:
    """Go on only with a form that this very device was given for this very link.

    Raises:
        RefusedError: it was not.
    """
    given = request.POST.get("key", "")
    expected = form_key(visit.device.secret, visit.token)
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise RefusedError(
            _("This form was not opened on this device, or your browser keeps no cookies."),
            next_step=_("Open the link from your invitation again and let this site keep a cookie."),
            code="form_key",
        )


def typed_in(request: HttpRequest, field: str) -> str:
    """What somebody typed, cut where nobody goes on typing."""
    return request.POST.get(field, "")[:LONGEST_TYPED]


# --- Answers --------------------------------------------------------------------------------------------


def let_in(redeemed: Redeemed, visit: Visit) -> HttpResponse:
    """On to the media page, with the pass; the link's token stays behind."""
    address = visit.invite.entry.get_absolute_url()
    response = HttpResponseRedirect(address)
    response.status_code = HTTPStatus.SEE_OTHER
    set_embedded_cookie(response, PASS_COOKIE, redeemed.pass_secret, max_age=KEPT_FOR, path=address)
    if language := supported(visit.invite.language):  # the room goes on in the language of the invitation
        name = settings.LANGUAGE_COOKIE_NAME
        set_embedded_cookie(response, name, language, max_age=KEPT_FOR, path=address)
    return _remember(response, visit)


def go_to(name: str, visit: Visit) -> HttpResponse:
    """On to another page of this link."""
    response = HttpResponseRedirect(reverse(name, args=[visit.token]))
    response.status_code = HTTPStatus.SEE_OTHER
    return _remember(response, visit)


def door_page(
    request: HttpRequest,
    visit: Visit,
    name: str,
    *,
    error: InvalidError | ThrottledError | None = None,
    **more: object,
) -> HttpResponse:
    """A page of this link, `templates/invites/join/<name>.html`; an error stands beside its field."""
    context = {
        **_context(request, visit),
        "error": error,
        "key": form_key(visit.device.secret, visit.token),
        "is_waiting": is_early(visit),
        **more,
    }
    status = HTTPStatus.OK if error is None else HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, ThrottledError):
        status = HTTPStatus.TOO_MANY_REQUESTS
    response = render(request, f"invites/join/{name}.html", context, status=status)
    if isinstance(error, ThrottledError):
        response["Retry-After"] = str(error.retry_after)
    return _remember(response, visit)


def _closed(
    request: HttpRequest, why: Why, visit: Visit | None = None, *, error: AppError | None = None
) -> HttpResponse:
    rules = visit.door.rules if visit else None
    context = {
        **(_context(request, visit) if visit else {}),
        "why": why,
        "may_ask": why in RENEWABLE,
        "admin_contact": rules.admin_contact if rules else "",
        "error": error,
    }
    return render(request, f"invites/join/{why}.html", context, status=_STATUS[why])


def _context(request: HttpRequest, visit: Visit) -> dict[str, object]:
    invite, here = visit.invite, person_here(request, visit)
    is_invitee = here is not None and is_invited_person(invite, here.person)
    agent = request.headers.get("User-Agent", "")
    return {
        "invite": invite,
        "entry": invite.entry,
        "inviter": invite.made_by.shown_name if invite.made_by else "",
        "now": visit.now,
        "token": visit.token,
        "link": f"{settings.PUBLIC_URL}/join/{visit.token}",
        "here": here.person if here else None,
        "is_invitee": is_invitee,
        "own_way": _own_way(invite, here) if here is not None and not is_invitee else "",
        "is_inside_app": is_inside_app(agent),
        "app": app_around(agent),
    }


def _own_way(invite: Invite, tab: Tab) -> str:
    """The entry's address in the tab of somebody who is signed in and may be there anyway."""
    if viewer_by_tab(invite.entry, tab) is None:
        return ""
    return f"/~{tab.handle}{invite.entry.get_absolute_url()}"


def _device_of(request: HttpRequest) -> Device:
    secret = request.COOKIES.get(DEVICE_COOKIE, "")
    return Device(secret if _SECRET.fullmatch(secret) else secrets.token_urlsafe(32))


def _remember(response: HttpResponse, visit: Visit) -> HttpResponse:
    """Let the device keep its secret; for these pages alone."""
    path = reverse("invites:join", args=["-"]).removesuffix("-")
    set_embedded_cookie(response, DEVICE_COOKIE, visit.device.secret, max_age=KEPT_FOR, path=path)
    return response
