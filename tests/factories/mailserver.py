"""A real mail server on a free port of this machine. It does as a test tells it."""

from asyncio import Server, Transport, to_thread
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import AnyStr, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

OK = "250 OK"

# In their order. "content": DATA was asked for; "data": the mail is kept; "answered": the client knows that.
STEPS = ("connect", "ehlo", "mail", "rcpt", "content", "data", "answered", "quit")
Effect = Callable[[], None]


@dataclass
class Mailserver:
    """What came in, and how to behave.

    Args:
        answers: what RCPT TO of an address is answered with; 250 for all others.
        answer_to_data: what the end of a mail is answered with.
        hangs_up_after_data: the mail is kept, but the line goes dead before anything is answered.
        on: called at a step of a talk, before the server answers: see `STEPS`.
    """

    mails: list[EmailMessage] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    answer_to_data: str = OK
    hangs_up_after_data: bool = False
    on: dict[str, Effect] = field(default_factory=dict)
    port: int = 0
    has_just_kept_one: bool = False

    @property
    def recipients(self) -> list[str]:
        """Whom mails were accepted for, in their order."""
        return [str(mail["X-RcptTo"]) for mail in self.mails]

    async def reach(self, step: str) -> None:
        """Come to a step, and do there as the test says."""
        await to_thread(self.on.get(step, lambda: None))

    async def handle_EHLO(  # noqa: N802 - as the library calls it
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        await self.reach("ehlo")
        return responses

    async def handle_MAIL(  # noqa: N802 - as the library calls it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await self.reach("mail")
        envelope.mail_from = address
        return OK

    async def handle_RCPT(  # noqa: N802 - as the library calls it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await self.reach("rcpt")
        answer = self.answers.get(address, OK)
        if answer == OK:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - as the library calls it
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.answer_to_data == OK:
            mail = message_from_bytes(cast("bytes", envelope.content), policy=policy.default)
            mail["X-RcptTo"] = envelope.rcpt_tos[0]
            mail["X-MailFrom"] = envelope.mail_from
            self.mails.append(mail)
            self.has_just_kept_one = True
        await self.reach("data")
        if self.hangs_up_after_data:
            assert isinstance(server.transport, Transport)
            server.transport.abort()
        return self.answer_to_data

    @property
    def senders(self) -> list[str]:
        """To whom a mail that cannot be delivered would come back."""
        return [str(mail["X-MailFrom"]) for mail in self.mails]


class _Server(SMTP):
    """Tells the mailserver of steps for which the library has no hook."""

    def eof_received(self) -> bool:
        """A client that was killed has nothing more to read: do not keep its connection."""
        super().eof_received()
        return False

    async def push(self, status: AnyStr) -> None:
        code = str(status)[:3]
        before = {"220": "connect", "354": "content", "221": "quit"}.get(code)
        mailserver = self.event_handler
        assert isinstance(mailserver, Mailserver)
        if before:
            await mailserver.reach(before)
        ends_mail, mailserver.has_just_kept_one = mailserver.has_just_kept_one, False
        await super().push(status)
        if ends_mail:
            await mailserver.reach("answered")


class _Controller(Controller):
    """On a port that the system chooses (the library's own would knock at port 0)."""

    def factory(self) -> SMTP:
        return _Server(self.handler)

    def _trigger_server(self) -> None:
        assert isinstance(self.server, Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def running_mailserver(mailserver: Mailserver) -> Iterator[Mailserver]:
    """Run it until the end of the `with`; it keeps its port when it is run again."""
    controller = _Controller(mailserver, hostname="127.0.0.1", port=mailserver.port)
    controller.start()
    mailserver.port = controller.port
    try:
        yield mailserver
    finally:
        controller.stop()


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    """The text or HTML of a mail."""
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())
