"""Asking for a new link."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from common.access import public
from common.errors import InvalidError, ThrottledError
from invites.services.asking import ask_new_link, prospect_of
from invites.views.visit import (
    PROOF,
    Visit,
    at_the_door,
    demand_key,
    door_page,
    go_to,
    let_in_again,
    typed_in,
    why_closed_to,
)


@public(PROOF)
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@at_the_door
def ask(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Type the invited address, and a new link goes there. The answer is the same for every address."""
    if request.method != "POST":
        return _look(request, visit)
    demand_key(request, visit)
    typed = typed_in(request, "email")
    try:
        answer = ask_new_link(
            visit.claim,
            typed,
            address=request.META.get("REMOTE_ADDR", ""),
            language=visit.invite.language or get_language() or "",
            now=visit.now,
        )
    except (InvalidError, ThrottledError) as error:
        return _form(request, visit, error=error)
    return door_page(request, visit, "asked", answer=answer, typed=typed.strip())


def _look(request: HttpRequest, visit: Visit) -> HttpResponse:
    why = why_closed_to(visit)
    if (answer := let_in_again(visit, why)) is not None:
        return answer
    if why is None:
        return go_to("invites:join", visit)  # this link is good
    return _form(request, visit)


def _form(
    request: HttpRequest, visit: Visit, *, error: InvalidError | ThrottledError | None = None
) -> HttpResponse:
    typed = typed_in(request, "email") if error else ""
    prospect = prospect_of(visit.invite, visit.claim, now=visit.now)
    return door_page(request, visit, "ask", error=error, typed=typed, prospect=prospect)
