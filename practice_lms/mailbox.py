"""A mailbox for the demo: takes every mail that is sent to it, delivers none, and shows them all.

It lives in memory, on this machine only, for as long as the demo runs.
"""

from __future__ import annotations

import asyncio
import html
import re
import threading
from base64 import b64encode
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiosmtpd.smtp import SMTP, Envelope, Session
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from practice_lms.server import Served, bound_socket

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator

    from starlette.requests import Request

TEMPLATES: Final = Jinja2Templates(Path(__file__).parent / "templates")

_MOST_MAILS: Final = 500
_LARGEST_MAIL: Final = 10_000_000
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)\]}'’»]")
# What a mail brings along may be seen, but not run, and it calls nobody.
_MAIL_POLICY: Final = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; "
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'"
)
_NEW_TAB: Final = '<base target="_blank">'


@dataclass(frozen=True)
class Mail:
    """One mail as it came in. Recipients are the envelope's: who really gets it, blind copies too."""

    number: int
    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    received_at: datetime

    @cached_property
    def subject(self) -> str:
        return str(self.message["Subject"] or "").strip() or "(no subject)"

    @cached_property
    def text(self) -> str:
        return self._body("plain")

    @cached_property
    def html(self) -> str:
        return self._body("html")

    @cached_property
    def html_with_pictures(self) -> str:
        """The HTML as mail programs show it: with the pictures that came along in their places."""
        shown = self.html
        for part in self.message.walk():
            name, content = str(part["Content-ID"] or "").strip("<>"), part.get_payload(decode=True)
            if name and part.get_content_maintype() == "image" and isinstance(content, bytes):
                data = f"data:{part.get_content_type()};base64,{b64encode(content).decode()}"
                shown = shown.replace(f"cid:{name}", data)
        return shown

    @cached_property
    def attachments(self) -> tuple[EmailMessage, ...]:
        return tuple(self.message.iter_attachments())

    @cached_property
    def links(self) -> tuple[str, ...]:
        """Every address in the text, then those that only the HTML has."""
        hrefs = [html.unescape(one) for one in re.findall(r"href=[\"']?([^\"'\s>]+)", self.html)]
        return tuple(dict.fromkeys([*_ADDRESS.findall(self.text), *hrefs]))

    @property
    def linked_text(self) -> Markup:
        """The text, escaped, with its addresses to click on."""
        pieces, end = [], 0
        for match in _ADDRESS.finditer(self.text):
            pieces.append(html.escape(self.text[end : match.start()]))
            address = html.escape(match.group())
            pieces.append(f'<a href="{address}" target="_blank" rel="noopener">{address}</a>')
            end = match.end()
        pieces.append(html.escape(self.text[end:]))
        return Markup("".join(pieces))  # noqa: S704 -- every piece is escaped above

    def as_json(self) -> dict[str, object]:
        return {
            "number": self.number,
            "from": self.sender,
            "to": list(self.recipients),
            "subject": self.subject,
            "headers": {name: str(value) for name, value in self.message.items()},
            "received_at": self.received_at.isoformat(),
            "text": self.text,
            "html": self.html,
            "links": list(self.links),
            "attachments": [part.get_filename() or part.get_content_type() for part in self.attachments],
        }

    def _body(self, kind: str) -> str:
        part = self.message.get_body(preferencelist=(kind,))
        if part is None:
            return ""
        try:
            return str(part.get_content())
        except (LookupError, UnicodeError):  # a charset that nobody knows
            raw = part.get_payload(decode=True)
            return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""


class Mailbox:
    """The mails, newest first; the oldest goes when there are too many."""

    def __init__(self) -> None:
        self._mails: deque[Mail] = deque(maxlen=_MOST_MAILS)
        self._count = 0
        self._lock = threading.Lock()

    def take(self, sender: str, recipients: list[str], content: bytes) -> Mail:
        message = message_from_bytes(content, policy=policy.default, _class=EmailMessage)
        with self._lock:
            self._count += 1
            mail = Mail(self._count, sender, tuple(recipients), message, datetime.now(UTC))
            self._mails.appendleft(mail)
        return mail

    def mails(self, *, to: str | None = None) -> list[Mail]:
        with self._lock:
            return [mail for mail in self._mails if to is None or to in mail.recipients]

    def mail(self, number: int) -> Mail | None:
        return next((mail for mail in self.mails() if mail.number == number), None)

    def empty(self) -> None:
        with self._lock:
            self._mails.clear()


class _Sink:
    """What the SMTP server does with a mail: it keeps it."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        body = content.encode() if isinstance(content, str) else content or b""
        self._mailbox.take(envelope.mail_from or "", list(envelope.rcpt_tos), body)
        return "250 Kept"


class RunningMailbox(Served):
    """The mailbox in a thread of this process: pages at `origin`, SMTP on `smtp_port`."""

    def __init__(self, *, port: int = 0, smtp_port: int = 0) -> None:
        super().__init__(port=port)
        self.mailbox = Mailbox()
        try:
            self._smtp_socket = bound_socket(smtp_port)
        except OSError:
            self.stop()
            raise
        self.smtp_port: int = self._smtp_socket.getsockname()[1]

    def application(self) -> Starlette:
        return application_for(self.mailbox, smtp=self._smtp_socket)


def application_for(mailbox: Mailbox, *, smtp: socket.socket) -> Starlette:
    """The pages; while they are served, mail is taken in on that socket."""

    @asynccontextmanager
    async def taking_mail(_app: Starlette) -> AsyncIterator[None]:
        def protocol() -> SMTP:
            return SMTP(
                _Sink(mailbox), enable_SMTPUTF8=True, data_size_limit=_LARGEST_MAIL, hostname="mailbox"
            )

        async with await asyncio.get_running_loop().create_server(protocol, sock=smtp):
            yield

    static = Mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    routes = [
        Route("/", _list),
        Route("/mails.json", _as_json),
        Route("/empty/", _empty, methods=["POST"]),
        Route("/mails/{number:int}/", _show),
        Route("/mails/{number:int}/html/", _show_html),
        Route("/mails/{number:int}/attachments/{index:int}/", _download),
        static,
    ]
    app = Starlette(routes=routes, lifespan=taking_mail)
    app.state.mailbox = mailbox
    return app


def _mailbox_of(request: Request) -> Mailbox:
    mailbox = request.app.state.mailbox
    if not isinstance(mailbox, Mailbox):
        raise TypeError("the application was made without a mailbox")
    return mailbox


def _mail_of(request: Request) -> Mail | None:
    return _mailbox_of(request).mail(request.path_params["number"])


async def _list(request: Request) -> Response:
    return TEMPLATES.TemplateResponse(request, "mailbox/list.html", {"mails": _mailbox_of(request).mails()})


async def _as_json(request: Request) -> Response:
    mails = _mailbox_of(request).mails(to=request.query_params.get("to"))
    return JSONResponse([mail.as_json() for mail in mails])


async def _empty(request: Request) -> Response:
    _mailbox_of(request).empty()
    return RedirectResponse("/", status_code=303)


async def _show(request: Request) -> Response:
    mail = _mail_of(request)
    if mail is None:
        return TEMPLATES.TemplateResponse(request, "mailbox/gone.html", status_code=404)
    return TEMPLATES.TemplateResponse(request, "mailbox/mail.html", {"mail": mail})


async def _show_html(request: Request) -> Response:
    """The HTML part alone, for its frame; its links open beside the mailbox, never in the frame."""
    mail = _mail_of(request)
    if mail is None or not mail.html:
        return PlainTextResponse("No such mail", status_code=404)
    # After <head> where there is one: anything before the doctype would change how the mail is laid out.
    page, found = re.subn(
        r"(?i)<head[^>]*>", lambda head: f"{head.group()}{_NEW_TAB}", mail.html_with_pictures, count=1
    )
    return Response(
        page if found else f"{_NEW_TAB}{page}",
        media_type="text/html",
        headers={
            "Content-Security-Policy": _MAIL_POLICY,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )


async def _download(request: Request) -> Response:
    mail, index = _mail_of(request), request.path_params["index"]
    if mail is None or index >= len(mail.attachments):
        return PlainTextResponse("No such attachment", status_code=404)
    part = mail.attachments[index]
    content = part.get_payload(decode=True)
    name = re.sub(r"[^\w.-]", "_", part.get_filename() or "attachment", flags=re.ASCII)
    return Response(
        content if isinstance(content, bytes) else b"",
        media_type=part.get_content_type(),
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox",
        },
    )
