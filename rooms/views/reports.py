"""Reports of a session, for its hosts: files for spreadsheets, during it and after."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from common.errors import MissingError
from rooms.access import ViewerRequest, for_viewer
from rooms.models import ChatMessage, Entry
from rooms.policy.rights import Power
from rooms.queries.reports import (
    Row,
    attendance_rows,
    interaction_rows,
    question_rows,
    transcript_rows,
)
from rooms.sheets import write_sheet

_CHAT, _BACKCHANNEL = ChatMessage.Channel.CHAT, ChatMessage.Channel.BACKCHANNEL

REPORTS: Final[dict[str, Callable[[Entry, datetime], Iterable[Row]]]] = {
    "attendance": lambda entry, now: attendance_rows(entry, now=now),
    "chat": lambda entry, _now: transcript_rows(entry, _CHAT),
    "questions": lambda entry, _now: question_rows(entry),
    "polls": lambda entry, _now: interaction_rows(entry),
    "team": lambda entry, _now: transcript_rows(entry, _BACKCHANNEL),
}


@for_viewer
@require_safe
def reports(request: ViewerRequest) -> HttpResponse:
    """What there is to download.

    Raises:
        RefusedError: the viewer is no host.
    """
    request.viewer.must(Power.HOST)
    return render(request, "rooms/reports.html", {"entry": request.entry})


@for_viewer
@require_safe
@never_cache
def report(request: ViewerRequest, name: str) -> HttpResponse:
    """One of them, as a file.

    Raises:
        RefusedError: the viewer is no host.
        MissingError: there is no such report.
    """
    request.viewer.must(Power.HOST)
    rows = REPORTS.get(name)
    if rows is None:
        raise MissingError
    now = timezone.now()
    sheet = write_sheet(rows(request.entry, now), language=get_language() or "en")
    response = HttpResponse(sheet, content_type="text/csv; charset=utf-8")
    title = slugify(request.entry.title)[:40] or "session"
    response["Content-Disposition"] = f'attachment; filename="{title}-{name}-{now:%Y-%m-%d}.csv"'
    return response
