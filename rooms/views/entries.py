"""Editing, moving and deleting an entry."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from common.errors import ConflictError, MissingError, RefusedError
from lti_tool.identity import tab_of
from lti_tool.models import Placement, Tab
from rooms.access import ViewerRequest, for_viewer, viewer_by_tab
from rooms.forms import EntryForm, PlaceForm
from rooms.policy.rights import Power
from rooms.queries import entry_shown_at, guests_of, placeable_entry, placements_of
from rooms.services.entries import delete_entry, edit_entry, rebind, unbind
from rooms.views.answers import see_other
from rooms.views.setup import listing


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: ViewerRequest) -> HttpResponse:
    """Title, description and schedule."""
    request.viewer.must(Power.EDIT)
    now = timezone.now()
    if request.method == "POST":
        form = EntryForm(request.POST, now=now, entry=request.entry)
        if form.is_valid():
            entry = edit_entry(
                request.entry,
                form.details,
                by=request.viewer,
                now=now,
                tells_invited=form.cleaned_data.get("tells_invited", False),
            )
            return see_other(entry.get_absolute_url(), notice="saved")
        return render(request, "rooms/entry_edit.html", {"entry": request.entry, "form": form}, status=422)
    form = EntryForm(now=now, entry=request.entry)
    return render(request, "rooms/entry_edit.html", {"entry": request.entry, "form": form})


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: ViewerRequest) -> HttpResponse:
    """Ask first, naming what ends with it."""
    request.viewer.must(Power.DELETE)
    if request.method == "POST":
        delete_entry(
            request.entry,
            by=request.viewer,
            now=timezone.now(),
            tells_invited="tells_invited" in request.POST,
        )
        return see_other(reverse("rooms:landing"), notice="deleted")
    context = {
        "entry": request.entry,
        "bindings": list(placements_of(request.entry)),
        "guests": guests_of(request.entry),
    }
    return render(request, "rooms/entry_delete.html", context)


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def place(request: ViewerRequest) -> HttpResponse:
    """Change what the link shows that this tab was launched from."""
    request.viewer.must(Power.PLACE_ELSEWHERE)
    tab, placement = _own_link(request)
    if request.method == "POST":
        form = PlaceForm(request.POST)
        if not form.is_valid():
            raise MissingError
        return _change_link(request, tab, placement, form.cleaned_data["entry"])
    context = {
        "entry": request.entry,
        "placement": placement,
        **listing(request, tab, besides=request.entry),
    }
    return render(request, "rooms/place.html", context)


def _own_link(request: ViewerRequest) -> tuple[Tab, Placement]:
    tab = tab_of(request)
    if tab is None or tab.placement is None:
        raise RefusedError(code="no_link")
    if entry_shown_at(tab.placement) != request.entry:
        raise ConflictError
    return tab, tab.placement


def _change_link(
    request: ViewerRequest, tab: Tab, placement: Placement, entry_id: UUID | None
) -> HttpResponse:
    if entry_id is None:
        unbind(request.entry, at=placement, by=request.viewer, tab=tab)
        return see_other(reverse("rooms:landing"), notice="emptied")
    entry = placeable_entry(tab, entry_id)
    viewer = viewer_by_tab(entry, tab)
    if viewer is None:
        raise MissingError
    rebind(
        entry,
        instead_of=request.entry,
        at=placement,
        by=viewer,
        current=request.viewer,
        tab=tab,
        now=timezone.now(),
    )
    return see_other(entry.get_absolute_url(), notice="placed")
