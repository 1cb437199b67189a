"""What the stage shows, served to whoever is inside: files with byte ranges, and the frame of a player.

A launched tab is known by its cookie and a guest by their pass, as everywhere. But a browser that refuses our
cookies sends nothing along with what a player fetches. A tab that shows its bearer gets a ticket for that
instead: a signed part of the address, for this entry and this tab, good for minutes and as long as the page
renews it.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final
from urllib.parse import quote
from uuid import UUID

from asgiref.sync import sync_to_async
from csp.constants import HEADER, NONE, SELF
from django.core.files.storage import default_storage
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections, connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from common.access import public
from common.errors import MissingError, RefusedError
from lti_tool.identity import address_under, living_tab, tab_of
from rooms.access import Viewer, ViewerRequest, entry_of_id, for_viewer, sight_of, viewer_by_tab
from rooms.models import Captions, Entry, Media
from rooms.policy.doors import Stance
from rooms.policy.media import ENDINGS, AddressForm, MediaType, form_of, origin_of
from rooms.policy.ranges import Part, Unsatisfiable, holds_still, part_asked_for
from rooms.queries.media import file_of, media_of
from rooms.tickets import LIFE, ticket_for, ticket_holder

PIECE: Final = 256 * 1024
# A file opened by itself can do nothing: no script, no form, no other origin's page around it.
_POLICY: Final = "default-src 'none'; sandbox; frame-ancestors 'none'"


@for_viewer
@require_safe
def file(request: ViewerRequest, file_id: UUID) -> HttpResponseBase:
    """A video, a document or captions."""
    return _file(request, request.entry, request.viewer, file_id)


@public("a ticket in the address names the tab; whether that may see the entry is asked as always")
@require_safe
def file_by_ticket(request: HttpRequest, entry_id: UUID, ticket: str, file_id: UUID) -> HttpResponseBase:
    """The same for a tab without cookies."""
    entry, viewer, _origins = _holder(entry_id, ticket)
    return _file(request, entry, viewer, file_id)


@for_viewer
@require_safe
def stage(request: ViewerRequest) -> HttpResponseBase:
    """The frame around what is shown from elsewhere."""
    return _stage(request, request.entry, request.viewer, origins=[])


@public("a ticket in the address names the tab; whether that may see the entry is asked as always")
@require_safe
def stage_by_ticket(request: HttpRequest, entry_id: UUID, ticket: str) -> HttpResponseBase:
    """The same for a tab without cookies."""
    entry, viewer, origins = _holder(entry_id, ticket)
    return _stage(request, entry, viewer, origins=origins)


@for_viewer
@require_safe
def ticket(request: ViewerRequest) -> HttpResponse:
    """A ticket for this tab, or some more minutes for the one that it has.

    Raises:
        RefusedError: a pass needs none.
    """
    tab = tab_of(request)
    if tab is None:
        raise RefusedError(code="no_tab")
    _demand_inside(request.entry, request.viewer)
    given = ticket_for(request.entry.pk, tab.handle)
    # Outside of the tab's own addresses: there its cookie would be asked for.
    base = address_under("/", "rooms:stage-by-ticket", [request.entry.pk, given]).removesuffix("stage/")
    answer = {"base": base, "seconds": LIFE}
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})


def _holder(entry_id: UUID, given: str) -> tuple[Entry, Viewer, list[str]]:
    """Whom a ticket speaks for.

    Raises:
        MissingError: it is not genuine or has run out, or the entry is not for its tab.
    """
    handle = ticket_holder(entry_id, given)
    tab = living_tab(handle) if handle else None
    entry = entry_of_id(entry_id) if tab else None
    viewer = viewer_by_tab(entry, tab) if entry and tab else None
    if tab is None or entry is None or viewer is None:
        raise MissingError
    return entry, viewer, list(tab.frame_origins)


def _demand_inside(entry: Entry, viewer: Viewer) -> None:
    if sight_of(entry, viewer, now=timezone.now()).stance != Stance.INSIDE:
        raise RefusedError(code="not_inside")


# --- Files ----------------------------------------------------------------------------------------------


def _file(request: HttpRequest, entry: Entry, viewer: Viewer, file_id: UUID) -> HttpResponseBase:
    _demand_inside(entry, viewer)
    found = file_of(entry, file_id)
    if found is None:
        raise MissingError
    size = _size_of(found)
    name = str(found.file.name)
    tag = f'"{name.rpartition("/")[2]}"'  # a file is never changed: another one has another name
    answer = _answer(request, name, size=size, tag=tag)
    headers = {
        "Content-Type": found.media_type if isinstance(found, Media) else "text/vtt; charset=utf-8",
        "Content-Disposition": _disposition(found),
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        HEADER: _POLICY,
    }
    for header, value in headers.items():
        answer.headers[header] = value
    # What follows takes as long as a film, and needs the database no more: others wait for this connection.
    if not connection.in_atomic_block:
        close_old_connections()
    return answer


def _answer(request: HttpRequest, name: str, *, size: int, tag: str) -> HttpResponseBase:
    if request.headers.get("If-None-Match", "").strip() in {tag, f"W/{tag}", "*"}:
        return HttpResponse(status=304)
    asked = None
    if holds_still(request.headers.get("If-Range", ""), tag=tag):
        asked = part_asked_for(request.headers.get("Range", ""), size=size)
    if isinstance(asked, Unsatisfiable):
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    part = asked or Part(0, size - 1)
    headers = {"Content-Length": str(part.length)}
    if asked is not None:
        headers["Content-Range"] = f"bytes {part.first}-{part.last}/{size}"
    status = 200 if asked is None else 206
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers)
    pieces = _pieces(name, part)
    content = _from_threads(pieces) if isinstance(request, ASGIRequest) else pieces
    return StreamingHttpResponse(content, status=status, headers=headers)


def _size_of(found: Media | Captions) -> int:
    if isinstance(found, Media):
        return found.size
    try:
        return found.file.size
    except FileNotFoundError as error:
        raise MissingError from error


def _disposition(found: Media | Captions) -> str:
    """To be shown, under the name that it came with; an ASCII one beside it for old programs."""
    if isinstance(found, Captions):
        return f'inline; filename="captions-{found.language}.vtt"'
    ending = ENDINGS[MediaType(found.media_type)]
    stem = "".join(sign for sign in found.name if sign.isprintable() and sign not in '\\/:*?"<>|')
    stem = stem.removesuffix(ending).strip(". ")[:100]
    return (
        f"inline; filename=\"{found.entry.kind}{ending}\"; filename*=UTF-8''{quote(stem or 'file')}{ending}"
    )


def _pieces(name: str, part: Part) -> Iterator[bytes]:
    """Some bytes of a file, never more than a piece in memory.

    Raises:
        MissingError: the file was deleted meanwhile.
    """
    read_part: Callable[[str, int, int], Iterator[bytes]] | None = getattr(default_storage, "read_part", None)
    if read_part is not None:
        return read_part(name, part.first, part.length)
    if not default_storage.exists(name):
        raise MissingError
    return _read(name, part)


def _read(name: str, part: Part) -> Iterator[bytes]:
    """Open it only now: an answer that is never sent would leave it open."""
    with default_storage.open(name) as opened:
        opened.seek(part.first)
        left = part.length
        while left > 0:
            piece = opened.read(min(PIECE, left))
            if not piece:
                return
            left -= len(piece)
            yield piece


def _next_of(pieces: Iterator[bytes]) -> bytes:
    return next(pieces, b"")


async def _from_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The same under ASGI: Django would read a whole file into memory first."""
    try:
        while piece := await sync_to_async(_next_of, thread_sensitive=False)(pieces):
            yield piece
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()


# --- From elsewhere -------------------------------------------------------------------------------------


def _stage(request: HttpRequest, entry: Entry, viewer: Viewer, *, origins: list[str]) -> HttpResponseBase:
    """A page of ours around it, which may reach this one origin; no other page of ours may.

    Raises:
        MissingError: nothing from elsewhere is shown.
    """
    _demand_inside(entry, viewer)
    media = media_of(entry)
    if media is None or not media.address:
        raise MissingError
    form = form_of(media.address)
    origin = origin_of(media.address)
    response = render(request, "rooms/stage/frame.html", {"entry": entry, "media": media, "form": form.value})
    policy = {"frame-src": [NONE], "media-src": [NONE], "frame-ancestors": [SELF, *origins]}
    if form == AddressForm.PAGE:
        policy["frame-src"] = [origin]
    else:
        ours = [SELF] if media.captions.all() else []  # captions are fetched as media
        policy |= {"media-src": [origin, "blob:", *ours], "connect-src": [SELF, origin]}
    response._csp_replace = policy  # type: ignore[attr-defined]  # noqa: SLF001 - read by django-csp
    response.headers["Cache-Control"] = "private, no-store"
    return response
