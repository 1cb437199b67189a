"""The media page: countdown, closed doors, the room, or the end; its part is for `static/js/room.js`."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from common.errors import MissingError
from common.htmx import render_part
from lti_tool.identity import tab_of
from rooms.access import Sight, ViewerRequest, for_viewer, sight_of
from rooms.arrivals import (
    Arrival,
    arrival_of,
    count_for_page,
    hello_of,
    history,
    read_around_page,
    read_for_page,
)
from rooms.calendar import MEDIA_TYPE, calendar_file
from rooms.policy.collaboration import TABLE, Act, is_team
from rooms.policy.doors import DoorMove, DoorState, Stance, judge_move, schedule_of
from rooms.queries import speakers_of
from rooms.ready_pages import inside_context, ready_page
from rooms.services.presence import enter_room, with_participant
from rooms.services.stage import stage_sight
from rooms.views.stage import lend_to_stage


@for_viewer
@require_safe
def media(request: ViewerRequest) -> HttpResponse:
    """What this viewer stands before now."""
    now = timezone.now()
    context = media_context(request, now=now)
    answer = ready_page(request, context) or render_part(request, "rooms/media.html", "media", context)
    lend_to_stage(answer, context["stage"])
    return answer


def media_context(request: ViewerRequest, *, now: datetime) -> dict[str, Any]:
    """Everything that the media page shows; coming here counts as being here."""
    entry = request.entry
    viewer = enter_room(entry, by=request.viewer, now=now)
    arrival = arrival_of(sight_of(entry, viewer, now=now), since=0, read=read_for_page)
    sight = arrival.sight
    tab = tab_of(request)
    schedule = schedule_of(entry)
    doors = sight.doors
    context: dict[str, Any] = {
        "entry": entry,
        "viewer": viewer,
        "sight": sight,
        "arrival": arrival,
        "now": now,
        "course": tab.course if tab else None,
        "doors": doors,
        "is_countdown_shown": sight.stance == Stance.WAITING,
        "left": _left(entry.starts_at, now=now),
        **_around(request),
    }
    if sight.stance == Stance.INSIDE and arrival.people is not None:
        context |= inside_context(
            arrival.people, arrival.messages, arrival.state, role=viewer.role, doors=doors
        )
    else:
        can_reopen = judge_move(DoorMove.OPEN, schedule, is_host=viewer.is_host, now=now)
        context["can_reopen"] = bool(can_reopen)
        context["keeps_room_ready"] = _keeps_room_ready(sight)
    return context


def _around(request: ViewerRequest) -> dict[str, Any]:
    """What a guest's page shows as everybody's does; a tab has found most of it with the entry."""
    entry, found = request.entry, request.found
    if found is not None:
        return {"stage": stage_sight(entry, found=found), "speakers": tuple(speakers_of(entry, found=found))}
    return {
        "stage": read_around_page("stage", entry, lambda: stage_sight(entry)),
        "speakers": read_around_page("speakers", entry, lambda: tuple(speakers_of(entry))),
    }


def _keeps_room_ready(sight: Sight) -> bool:
    """Whether a page of this viewer has the room ready before the doors open: hosts are few, and see more."""
    return sight.stance in {Stance.WAITING, Stance.CLOSED} and not sight.viewer.powers


@for_viewer
@require_safe
def ahead(request: ViewerRequest) -> HttpResponse:
    """The room without anything in it, for a waiting page to keep until the doors open.

    Each page asks for it once, at a time of its own. What is in the room comes over the socket, the same for
    all; so thousands enter without asking for anything.

    Raises:
        MissingError: whoever asks does not wait.
    """
    now = timezone.now()
    entry = request.entry
    viewer = with_participant(entry, by=request.viewer)
    sight = sight_of(entry, viewer, now=now)
    if not _keeps_room_ready(sight):
        raise MissingError
    context = {
        "entry": entry,
        "viewer": viewer,
        "now": now,
        "doors": DoorState.OPEN,
        "sight": replace(sight, doors=DoorState.OPEN, stance=Stance.INSIDE),
        **_around(request),
        "can_moderate": viewer.role in TABLE[Act.MODERATE],
        "is_team": is_team(viewer.role),
    }
    return render(request, "rooms/_ahead.html", context)


def _left(starts_at: datetime | None, *, now: datetime) -> dict[str, object]:
    """What the countdown shows before its script runs."""
    seconds = max(int((starts_at - now).total_seconds()), 0) if starts_at else 0
    minutes, hours = seconds // 60, seconds // 3600
    return {
        "days": hours // 24,
        "hours": f"{hours % 24:02d}",
        "minutes": f"{minutes % 60:02d}",
        "seconds": f"{seconds % 60:02d}",
        "now": f"{now:%Y-%m-%dT%H:%M:%S.%fZ}",
    }


@for_viewer
@require_safe
def look(request: ViewerRequest) -> HttpResponse:
    """What a socket would say first, for pages that cannot have one: they ask every few seconds."""
    now = timezone.now()
    viewer = enter_room(request.entry, by=request.viewer, now=now)
    sight = sight_of(request.entry, viewer, now=now)
    before = request.GET.get("before", "")
    if before.isdecimal():
        rows = history(sight, after=None, before=int(before[:18]))
        earlier = Arrival(sight=sight, messages=rows, people=None)
        return JsonResponse(hello_of(earlier, present=0, now=now))
    since = request.GET.get("since", "0")
    arrival = arrival_of(sight, since=int(since[:18]) if since.isdecimal() else 0, read=read_for_page)
    return JsonResponse(hello_of(arrival, present=count_for_page(arrival, now=now), now=now))


@for_viewer
@require_safe
def calendar(request: ViewerRequest) -> HttpResponse:
    """The session for the viewer's own calendar.

    Raises:
        MissingError: the entry has no start.
    """
    entry = request.entry
    if tab_of(request) is None:
        address = f"{settings.PUBLIC_URL}{entry.get_absolute_url()}"
        way_in = _("Open it on the device with which you accepted the invitation: %(address)s") % {
            "address": address
        }
    else:
        address, way_in = "", _("Open it again from your course.")
    body = calendar_file(entry, address=address, way_in=way_in, now=timezone.now())
    if body is None:
        raise MissingError(_("This session has no start yet, so there is nothing for a calendar."))
    return HttpResponse(
        body,
        content_type=MEDIA_TYPE,
        headers={"Content-Disposition": 'attachment; filename="session.ics"'},
    )
