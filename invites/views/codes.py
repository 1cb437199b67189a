"""Typing a code from the invited mailbox: to pass the lobby, or to move the pass to this device."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from common.access import public
from common.errors import InvalidError, ThrottledError
from invites.models import MailboxCode
from invites.policy import Why
from invites.queries.codes import place_to_move, recent_code
from invites.services.codes import Sent, ask_to_move, enter_code, send_code_again
from invites.services.moving import move_here
from invites.services.redeem import LinkClosedError
from invites.views.visit import (
    PROOF,
    Visit,
    at_the_door,
    demand_key,
    demand_person,
    door_page,
    go_to,
    let_in,
    let_in_again,
    typed_in,
    why_closed_to,
)


@public(PROOF)
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@at_the_door
def code(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The page for the six digits. It can be left for the mailbox and opened again."""
    if request.method != "POST":
        return _look(visit) or _code_page(request, visit)
    demand_key(request, visit)
    try:
        if request.POST.get("again"):
            sent = send_code_again(visit.claim, device=visit.device, language=_language(visit), now=visit.now)
            return _sent(request, visit, sent)
        redeemed = enter_code(
            visit.claim,
            typed_in(request, "code"),
            device=visit.device,
            address=request.META.get("REMOTE_ADDR", ""),
            now=visit.now,
        )
    except (InvalidError, ThrottledError) as error:
        return _code_page(request, visit, error=error)
    return let_in(redeemed, visit)


@public(PROOF)
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@at_the_door
def move(request: HttpRequest, visit: Visit) -> HttpResponse:
    """A used-up link on another device: a code to the invited mailbox moves the pass here."""
    if request.method != "POST":
        return _look(visit) or _move_page(request, visit)
    demand_key(request, visit)
    try:
        if request.POST.get("as") == "person":
            person = demand_person(request).person
            moved = move_here(visit.claim, device=visit.device, person=person, now=visit.now)
            return let_in(moved, visit)
        sent = ask_to_move(
            visit.claim,
            typed_in(request, "email"),
            device=visit.device,
            address=request.META.get("REMOTE_ADDR", ""),
            language=_language(visit),
            now=visit.now,
        )
    except (InvalidError, ThrottledError) as error:
        return _move_page(request, visit, error=error)
    return _sent(request, visit, sent)


def _look(visit: Visit) -> HttpResponse | None:
    """Whoever is in already goes in; a link that nothing can be typed for says why. None: go on."""
    why = why_closed_to(visit)
    answer = let_in_again(visit, why)
    if answer is None and why is not None and why != Why.USED_UP:
        raise LinkClosedError(why)
    return answer


def _sent(request: HttpRequest, visit: Visit, sent: Sent) -> HttpResponse:
    return go_to("invites:code", visit) if sent == Sent.MAILED else door_page(request, visit, "no_mail")


def _code_page(
    request: HttpRequest, visit: Visit, *, error: InvalidError | ThrottledError | None = None
) -> HttpResponse:
    asked = recent_code(visit.claim, visit.device.hash, now=visit.now)
    if asked is None and error is None:
        return go_to("invites:join", visit)  # nothing was asked for on this device
    is_move = asked is not None and asked.purpose == MailboxCode.Purpose.MOVE
    return door_page(
        request,
        visit,
        "code",
        error=error,
        asked=asked,
        is_move=is_move,
        place=place_to_move(visit.claim) if is_move else None,
    )


def _move_page(
    request: HttpRequest, visit: Visit, *, error: InvalidError | ThrottledError | None = None
) -> HttpResponse:
    if why_closed_to(visit) is None:
        return go_to("invites:join", visit)  # there is a place left: nobody has to go
    typed = typed_in(request, "email") if error else ""
    return door_page(request, visit, "move", error=error, typed=typed, place=place_to_move(visit.claim))


def _language(visit: Visit) -> str:
    return visit.invite.language or get_language() or ""
