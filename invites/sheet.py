"""Invites as a file for a spreadsheet."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from typing import Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _

from invites.forms import ROLE_NAMES
from invites.list_forms import SHOWN_NAMES
from invites.models import Invite, ModuleSettings, OutboxMail
from invites.policy import Life, Refuse, Why, judge_link, stage_of
from invites.queries import terms_of
from invites.standing import state_of
from rooms.policy.roles import Role

FILE_NAME: Final = "invitations.csv"
_LINES_AT_ONCE: Final = 200
# What makes a cell a formula to some spreadsheet: the usual signs, and their wide forms.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - real signs
_BYTE_ORDER_MARK: Final = "\ufeff"  # by which spreadsheets know UTF-8


def invite_sheet(
    request: HttpRequest, invites: Iterable[Invite], rules: ModuleSettings, *, now: datetime
) -> StreamingHttpResponse:
    """The invites as CSV, sent while they are read; no link stands in it."""
    lines = _lines(invites, rules, now=now)
    streamed = _in_threads(lines) if isinstance(request, ASGIRequest) else lines
    response = StreamingHttpResponse(streamed, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
    response["Cache-Control"] = "no-store"
    return response


def neutral(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


async def _in_threads(lines: Iterator[str]) -> AsyncIterator[str]:
    """The same, where the server is asynchronous and the database is not."""
    pull = sync_to_async(lambda: next(lines, None))
    while (line := await pull()) is not None:
        yield line


def _lines(invites: Iterable[Invite], rules: ModuleSettings, *, now: datetime) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write(_BYTE_ORDER_MARK)
    writer.writerow(_head())
    for number, invite in enumerate(invites, start=1):
        writer.writerow([neutral(cell) for cell in _cells(invite, rules, now=now)])
        if number % _LINES_AT_ONCE == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _head() -> list[str]:
    return [
        _("Email address"),
        _("First name"),
        _("Last name"),
        _("Role"),
        _("State"),
        _("Link"),
        _("Mail"),
        _("Made"),
        _("Made by"),
        _("Mailed"),
        _("Lobby reached"),
        _("Entered"),
        _("Last seen"),
        _("Devices"),
        _("Devices allowed"),
        _("Good until"),
        _("New link asked for"),
        _("Withdrawn"),
        _("Language"),
    ]


def _cells(invite: Invite, rules: ModuleSettings, *, now: datetime) -> list[str]:
    verdict = judge_link(
        terms_of(invite, rules), generation=invite.generation, devices=invite.devices_used, now=now
    )
    closed = verdict.why if isinstance(verdict, Refuse) else None
    mail_state: str = getattr(invite, "mail_state", None) or ""
    life = Life(
        mail_states=(mail_state,) if mail_state else (),
        has_reached_lobby=invite.lobby_reached_at is not None,
        has_entered=invite.entered_at is not None,
    )
    mail = OutboxMail(state=mail_state, error=getattr(invite, "mail_error", None) or "")
    return [
        invite.email,
        invite.first_name,
        invite.last_name,
        str(ROLE_NAMES[Role(invite.role)]),
        str(SHOWN_NAMES[state_of(stage_of(life), closed)]),
        _closed_in_words(closed),
        (mail.shown_error or str(mail.get_state_display())) if mail_state else "",
        _instant(invite.made_at),
        invite.made_by.shown_name if invite.made_by else "",
        _instant(getattr(invite, "mailed_at", None)),
        _instant(invite.lobby_reached_at),
        _instant(invite.entered_at),
        _instant(getattr(invite, "last_seen_at", None)),
        str(invite.devices_used),
        "" if invite.max_devices is None else str(invite.max_devices),
        _instant(invite.expires_at),
        _instant(invite.new_link_asked_at),
        _instant(invite.withdrawn_at),
        invite.language,
    ]


def _closed_in_words(why: Why | None) -> str:
    words = {
        Why.WITHDRAWN: _("Withdrawn"),
        Why.REMOVED: _("Removed by a host"),
        Why.SESSION_ENDED: _("Session over"),
        Why.EXPIRED: _("Link expired"),
        Why.USED_UP: _("Link used up"),
        Why.MODULE_OFF: _("Inviting is off"),
    }
    return _("Open") if why is None else words.get(why, _("Closed"))


def _instant(at: datetime | None) -> str:
    """As ISO 8601 in UTC, which every spreadsheet reads as a time."""
    return at.strftime("%Y-%m-%d %H:%M:%SZ") if at else ""
