"""The guest's way: from a link to the room."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from common.access import public
from common.errors import InvalidError, MissingError, ThrottledError
from invites.links import link_for
from invites.models import MailboxCode
from invites.policy import Why
from invites.queries import speakers_of
from invites.queries.codes import living_codes
from invites.services.codes import Sent, send_code
from invites.services.redeem import CodeNeededError, LinkClosedError, Redeemed, knock, redeem_invite
from invites.views.visit import (
    PROOF,
    Visit,
    at_the_door,
    demand_key,
    demand_person,
    door_page,
    go_to,
    is_early,
    let_in,
    let_in_again,
    typed_in,
    why_closed_to,
)
from rooms.calendar import MEDIA_TYPE, calendar_file
from rooms.policy.doors import speakers_at
from rooms.policy.roles import Role


@public(PROOF)
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@at_the_door
def join(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The door: what this link is worth to this device, the countdown, the lobby."""
    return _knock(request, visit) if request.method == "POST" else _look(request, visit)


@public(PROOF)
@require_safe
@at_the_door
def calendar(_request: HttpRequest, visit: Visit) -> HttpResponse:
    """The session for the guest's own calendar; their own link is the way in."""
    if why_closed_to(visit) is not None:
        raise MissingError
    link = link_for(visit.invite)
    way_in = _("Your personal link: %(link)s") % {"link": link}
    invite = visit.invite
    written = calendar_file(
        invite.entry,
        address=link,
        way_in=way_in,
        now=visit.now,
        key=invite.pk,
        sequence=invite.calendar_sequence,
    )
    if written is None:
        raise MissingError
    response = HttpResponse(written, content_type=MEDIA_TYPE)
    response["Content-Disposition"] = 'attachment; filename="session.ics"'
    return response


def _look(request: HttpRequest, visit: Visit) -> HttpResponse:
    why = why_closed_to(visit)
    if (answer := let_in_again(visit, why)) is not None:
        return answer
    wants_lobby = "early" in request.GET
    is_asked = why in {None, Why.USED_UP} and not wants_lobby
    if is_asked and living_codes(visit.claim, visit.device.hash, now=visit.now).exists():
        return go_to("invites:code", visit)  # back from the mailbox, perhaps by the link in the first mail
    if why is not None:
        raise LinkClosedError(why)
    if is_early(visit) and not wants_lobby:
        return door_page(
            request,
            visit,
            "countdown",
            speakers=speakers_of(visit.invite.entry),
            speakers_at=_speaker_comes_at(visit),
        )
    return door_page(request, visit, "lobby", typed="")


def _speaker_comes_at(visit: Visit) -> datetime | None:
    """When the page of an invited speaker turns into the lobby; None for everybody else."""
    starts_at = visit.invite.entry.starts_at
    is_speaker = visit.invite.role == Role.SPEAKER
    return speakers_at(starts_at) if is_speaker and starts_at is not None else None


def _knock(request: HttpRequest, visit: Visit) -> HttpResponse:
    demand_key(request, visit)
    try:
        return let_in(_redeem(request, visit), visit)
    except CodeNeededError:
        return _ask_for_code(request, visit)
    except (InvalidError, ThrottledError) as error:
        return door_page(request, visit, "lobby", error=error, typed=typed_in(request, "email"))


def _redeem(request: HttpRequest, visit: Visit) -> Redeemed:
    if request.POST.get("as") == "person":
        person = demand_person(request).person
        return redeem_invite(visit.claim, device=visit.device, person=person, now=visit.now, door=visit.door)
    return knock(
        visit.claim,
        typed_in(request, "email"),
        device=visit.device,
        address=request.META.get("REMOTE_ADDR", ""),
        now=visit.now,
        door=visit.door,
    )


def _ask_for_code(request: HttpRequest, visit: Visit) -> HttpResponse:
    try:
        sent = send_code(
            visit.claim,
            MailboxCode.Purpose.VERIFY,
            device=visit.device,
            language=visit.invite.language or get_language() or "",
            now=visit.now,
        )
    except ThrottledError as error:
        if living_codes(visit.claim, visit.device.hash, now=visit.now).exists():
            return go_to("invites:code", visit)
        return door_page(request, visit, "lobby", error=error, typed=typed_in(request, "email"))
    return go_to("invites:code", visit) if sent == Sent.MAILED else door_page(request, visit, "no_mail")
