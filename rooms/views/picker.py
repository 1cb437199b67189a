"""A course's content picker: rooms to put into the course, or the wish for a new one (Deep Linking 2.0).

Nothing is made here: the platform may drop what was chosen. The link carries a signed hint, and whoever may
set it up acts on it when it is first opened. The forms carry a ticket of the tab, so that the picker works
in a frame whose browser keeps none of our cookies.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, cast

from django.conf import settings
from django.core.paginator import Paginator
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import get_script_prefix, reverse, set_script_prefix
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from common.access import mark
from common.errors import AppError, MissingError, RefusedError
from common.middleware import error_page
from lti_tool.identity import TabRequest, allow_framing, ask_to_come_back, for_tab, living_tab
from lti_tool.models import ContentRequest, Tab
from lti_tool.origins import origin_of
from lti_tool.roles import ApplicationRole, Right
from lti_tool.services.deep_linking import MAX_ITEMS, Answer, ContentItem, answer_content_request
from lti_tool.services.launch import HINT_PARAMETER
from rooms.forms import ChoiceForm, SearchForm, WishForm
from rooms.links import EntryHint, Hint, WishHint, seal
from rooms.models import Entry
from rooms.policy.rights import may_make_entry
from rooms.queries import content_request_of, placeable_entries, placeable_entry, usual_time_zone

TICKET_LIFE: Final = 3600  # seconds in which to choose
PER_PAGE: Final = 6
_TEXT: Final = 500  # of a description, in the course

P = ParamSpec("P")


class PickerRequest(TabRequest):
    """A request from a tab that a content picker opened (see `for_picker`)."""

    content: ContentRequest


def for_picker(
    view: Callable[Concatenate[PickerRequest, P], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Let only a tab call the view that a content picker opened, told by the ticket in its form.

    The ticket also does what a CSRF token would: nobody else's page knows it.
    """

    @csrf_exempt
    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        tab = _tab_of_ticket(request.POST.get("ticket", ""))
        if tab is None:
            return cast("HttpResponse", ask_to_come_back(request))
        known = cast("PickerRequest", request)
        try:
            known.tab, known.content = tab, content_request_of(tab)
            response = view(known, *args, **kwargs)
        except AppError as error:
            # Here and not in the middleware: only here it is known who may frame the page that says so.
            request.tab = None  # type: ignore[attr-defined]
            response = error_page(request, error)
        response.headers["Cache-Control"] = "private, no-store"
        return cast("HttpResponse", allow_framing(response, tab.frame_origins))

    return mark(guarded, "picker")


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="rooms.picker")


def _tab_of_ticket(ticket: str) -> Tab | None:
    try:
        return living_tab(_signer().unsign(ticket, max_age=TICKET_LIFE))
    except BadSignature:
        return None


# --- Pages --------------------------------------------------------------------------------------------


@for_tab
@require_safe
def picker(request: TabRequest) -> HttpResponse:
    """Where a content picker lands."""
    content = content_request_of(request.tab)
    return _page(request, content, WishForm(now=timezone.now(), **_usual(request.tab, content)))


@for_picker
def browse(request: PickerRequest) -> HttpResponse:
    """The same page with a search, or another page of the list."""
    form = WishForm(now=timezone.now(), **_usual(request.tab, request.content))
    return _page(request, request.content, form)


@for_picker
def choose(request: PickerRequest) -> HttpResponse:
    """Give the course links to rooms that exist."""
    form = ChoiceForm(request.POST)
    if not form.is_valid():
        blank = WishForm(now=timezone.now(), **_usual(request.tab, request.content))
        return _page(request, request.content, blank, nothing_chosen=True, status=422)
    chosen = form.cleaned_data["entry"][: MAX_ITEMS if request.content.accepts_multiple else 1]
    entries = [placeable_entry(request.tab, entry_id) for entry_id in chosen]
    return _answer(request, [_item_of(entry) for entry in entries])


@for_picker
def wish(request: PickerRequest) -> HttpResponse:
    """Give the course a link to a room that is made when the link is first opened."""
    if not _may_make(request.tab):
        raise RefusedError(code="no_right")
    form = WishForm(request.POST, now=timezone.now())
    if not form.is_valid():
        return _page(request, request.content, form, status=422)
    details = form.details
    hint = WishHint(
        tenant_id=request.tab.tenant_id,
        title=details.title,
        description=details.description,
        starts_at=details.starts_at,
        ends_at=details.ends_at,
        time_zone=details.time_zone,
        has_chat=details.has_chat,
    )
    return _answer(request, [_item(details.title, details.description, hint)])


@for_picker
def cancel(request: PickerRequest) -> HttpResponse:
    """Go back to the course with nothing."""
    return _answer(request, [])


# --- What they are made of ----------------------------------------------------------------------------


def _may_make(tab: Tab) -> bool:
    return may_make_entry(Right(tab.right), ApplicationRole(tab.application_role))


def _usual(tab: Tab, content: ContentRequest) -> dict[str, Any]:
    return {"title": content.title[:200], "time_zone": usual_time_zone(tab)}


def _page(
    request: TabRequest,
    content: ContentRequest,
    form: WishForm,
    *,
    nothing_chosen: bool = False,
    status: int = 200,
) -> HttpResponse:
    tab = request.tab
    asked = request.POST if request.method == "POST" else request.GET
    search = SearchForm.read(asked)
    found = placeable_entries(tab, search=search) if content.accepts_links else Entry.objects.none()
    page = Paginator(found, PER_PAGE).get_page(asked.get("page"))
    context = {
        "tab": tab,
        "content": content,
        "form": form,
        "page": page,
        "search": search,
        "may_make": content.accepts_links and _may_make(tab),
        "nothing_chosen": nothing_chosen,
        "ticket": _signer().sign(tab.pk),
        "places": {name: _outside_tab(f"rooms:picker-{name}") for name in _PLACES},
    }
    return render(request, "rooms/picker/picker.html", context, status=status)


_PLACES: Final = ("browse", "choose", "wish", "cancel")


def _outside_tab(name: str) -> str:
    """An address without the tab's prefix: there the ticket alone says who asks."""
    before = get_script_prefix()
    set_script_prefix("/")
    try:
        return reverse(name)
    finally:
        set_script_prefix(before)


def _item_of(entry: Entry) -> ContentItem:
    return _item(entry.title, entry.description, EntryHint(entry.tenant_id, entry.pk))


def _item(title: str, description: str, hint: Hint) -> ContentItem:
    text = " ".join(description.split())[:_TEXT]
    return ContentItem(title, text, {HINT_PARAMETER: seal(hint, keys=settings.LINK_KEYS)})


def _answer(request: PickerRequest, items: list[ContentItem]) -> HttpResponse:
    """A form that carries the signed answer to the platform, by itself or by its button."""
    if items and not request.content.accepts_links:
        raise MissingError
    error = ""
    if not request.content.accepts_links:
        error = _("Foyer can only add links to its rooms, and this place in the course takes none.")
    said = ngettext("“%(title)s” was added.", "%(count)d rooms were added.", len(items) or 1) % {
        "title": items[0].title if items else "",
        "count": len(items),
    }
    answer = answer_content_request(
        request.content, items, now=timezone.now(), message=said if items else "", error=error
    )
    context = {"tab": request.tab, "answer": answer, "items": items}
    response = render(request, "rooms/picker/answer.html", context)
    return _let_post_to(response, answer)


def _let_post_to(response: HttpResponse, answer: Answer) -> HttpResponse:
    """Let the page's form go to the platform, and to nobody else (read by django-csp)."""
    origin = origin_of(answer.return_url)
    said = getattr(response, "_csp_replace", {})
    response._csp_replace = {**said, "form-action": [origin or "'none'"]}  # type: ignore[attr-defined]  # noqa: SLF001
    return response
