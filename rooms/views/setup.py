"""Where a launch lands, and how an empty link gets its room."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.errors import ConflictError, MissingError, RefusedError
from lti_tool.identity import TabRequest, for_tab
from lti_tool.models import ContentRequest, Placement, Tab
from lti_tool.roles import ApplicationRole, Right
from rooms.access import viewer_by_tab
from rooms.copies import suggestion_for, wish_for
from rooms.forms import PlaceForm, SearchForm
from rooms.links import WishHint
from rooms.media_forms import NewEntryForm
from rooms.models import Entry
from rooms.policy.rights import may_make_entry
from rooms.queries import entry_shown_at, owner_of, placeable_entries, placeable_entry, usual_time_zone
from rooms.services.entries import Details, bind_entry, create_entry
from rooms.views.answers import see_other

PER_PAGE = 6


@for_tab
@require_safe
def landing(request: TabRequest) -> HttpResponse:
    """Where every launch arrives: the room, or how to get one."""
    tab = request.tab
    if tab.placement is None:
        return _without_link(request)
    if tab.person.wants_name:
        return see_other(reverse("rooms:name"))
    entry = entry_shown_at(tab.placement)
    if entry:
        return see_other(entry.get_absolute_url())
    if not _may_set_up(tab):
        return render(request, "rooms/not_set_up.html", {"tab": tab})
    if suggestion_for(tab) is None and request.method == "GET":
        wish = wish_for(tab, now=timezone.now())
        if wish:
            return _fulfil(request, tab.placement, wish)
        entry = entry_shown_at(tab.placement)
        if entry:  # somebody else has opened the link, and so made its room, since we looked first
            return see_other(entry.get_absolute_url())
    return _setup_page(request, tab.placement, _blank_form(tab, tab.placement))


def _without_link(request: TabRequest) -> HttpResponse:
    """Opened by the course's content picker, or by nothing that we know."""
    if ContentRequest.objects.filter(tab=request.tab).exists():
        return see_other(reverse("rooms:picker"))
    return render(request, "rooms/not_set_up.html", {"tab": request.tab})


def _fulfil(request: TabRequest, placement: Placement, wish: WishHint) -> HttpResponse:
    """Make the room that somebody chose in the content picker, now that its link is first opened.

    The hint only says what to make. That it may be made is decided by this launch, as for any empty link.
    """
    details = Details(
        title=wish.title,
        description=wish.description,
        starts_at=wish.starts_at,
        ends_at=wish.ends_at,
        time_zone=wish.time_zone,
        has_chat=wish.has_chat,
    )
    return _make(request, placement, details)


def _make(request: TabRequest, placement: Placement, details: Details) -> HttpResponse:
    """Make the room and show it; if somebody was quicker, show theirs."""
    try:
        entry = create_entry(details, at=placement, by=request.tab)
    except ConflictError:
        return _winner(request, placement)
    return see_other(entry.get_absolute_url(), notice="made")


@for_tab
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: TabRequest) -> HttpResponse:
    """Make a room for the link that the tab was launched from."""
    placement = _empty_link(request)
    if not isinstance(placement, Placement):
        return placement
    if request.method != "POST":
        return _setup_page(request, placement, _blank_form(request.tab, placement))
    now = timezone.now()
    form = NewEntryForm(request.POST, now=now)
    if not form.is_valid():
        return _setup_page(request, placement, form, status=422)
    try:
        entry = create_entry(form.details, at=placement, by=request.tab)
    except ConflictError:
        return _winner(request, placement)
    if entry.kind != Entry.Kind.ROOM:
        return see_other(reverse("rooms:content", args=[entry.pk]), notice="made_stage")
    return see_other(entry.get_absolute_url(), notice="made")


@for_tab
@require_POST
def pick(request: TabRequest) -> HttpResponse:
    """Show a room that exists at the link that the tab was launched from."""
    placement = _empty_link(request)
    if not isinstance(placement, Placement):
        return placement
    form = PlaceForm(request.POST)
    if not form.is_valid() or form.cleaned_data["entry"] is None:
        raise MissingError
    entry = placeable_entry(request.tab, form.cleaned_data["entry"])
    viewer = viewer_by_tab(entry, request.tab)
    if viewer is None:
        raise MissingError
    try:
        bind_entry(entry, at=placement, by=viewer, tab=request.tab)
    except ConflictError:
        return _winner(request, placement)
    return see_other(entry.get_absolute_url(), notice="placed")


@for_tab
@require_POST
def again(request: TabRequest) -> HttpResponse:
    """Make a new room of the same name as the one that the copied course had: without anything in it."""
    placement = _empty_link(request)
    if not isinstance(placement, Placement):
        return placement
    suggestion = suggestion_for(request.tab)
    if suggestion is None:
        raise MissingError
    old = suggestion.entry
    details = Details(
        title=old.title,
        description=old.description,
        time_zone=old.time_zone,
        has_chat=old.has_chat,
        kind=old.kind,
    )
    return _make(request, placement, details)


def _may_set_up(tab: Tab) -> bool:
    return may_make_entry(Right(tab.right), ApplicationRole(tab.application_role))


def _empty_link(request: TabRequest) -> Placement | HttpResponse:
    """The tab's link, if it is empty and the tab may fill it; else the answer that says so."""
    tab = request.tab
    if tab.placement is None:
        raise MissingError
    if not _may_set_up(tab):
        raise RefusedError(code="no_right")
    return _winner(request, tab.placement) if entry_shown_at(tab.placement) else tab.placement


def _winner(request: TabRequest, placement: Placement) -> HttpResponse:
    """The room that the link shows by now; with a word to whoever has just sent another choice."""
    entry = entry_shown_at(placement)
    if entry is None:
        return see_other(reverse("rooms:landing"))
    owner = owner_of(entry)
    is_own = owner is not None and owner.person_id == request.tab.person_id  # a button pressed twice
    notice = "taken" if request.method == "POST" and not is_own else ""
    return see_other(entry.get_absolute_url(), notice=notice)


def _blank_form(tab: Tab, placement: Placement) -> NewEntryForm:
    return NewEntryForm(now=timezone.now(), title=placement.title[:200], time_zone=usual_time_zone(tab))


def _setup_page(
    request: TabRequest, placement: Placement, form: NewEntryForm, *, status: int = 200
) -> HttpResponse:
    context = {
        "tab": request.tab,
        "placement": placement,
        "form": form,
        "suggestion": suggestion_for(request.tab),
        **listing(request, request.tab),
    }
    return render(request, "rooms/setup.html", context, status=status)


def listing(request: HttpRequest, tab: Tab, *, besides: Entry | None = None) -> dict[str, object]:
    """One page of the rooms that the tab may show at its link, and what was searched for."""
    search = SearchForm.read(request.GET)
    found = placeable_entries(tab, search=search, besides=besides)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return {"page": page, "search": search}
