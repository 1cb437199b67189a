"""A host moves the doors."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from rooms.access import ViewerRequest, for_viewer
from rooms.policy.rights import Power
from rooms.services.doors import close_doors, end_session, open_doors
from rooms.views.answers import see_other


@for_viewer
@require_POST
def doors_open(request: ViewerRequest) -> HttpResponse:
    """Everybody in."""
    open_doors(request.entry, by=request.viewer, now=timezone.now())
    return see_other(request.entry.get_absolute_url())


@for_viewer
@require_POST
def doors_close(request: ViewerRequest) -> HttpResponse:
    """Everybody but the hosts out."""
    close_doors(request.entry, by=request.viewer, now=timezone.now())
    return see_other(request.entry.get_absolute_url())


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def session_end(request: ViewerRequest) -> HttpResponse:
    """Ask first: guests' passes end with the session."""
    request.viewer.must(Power.HOST)
    if request.method == "POST":
        end_session(request.entry, by=request.viewer, now=timezone.now())
        return see_other(request.entry.get_absolute_url())
    return render(request, "rooms/session_end.html", {"entry": request.entry})
