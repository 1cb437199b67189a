"""A real mail server on a free port of this machine. It does as a test tells it."""

from asyncio import Server, to_thread
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

OK = "250 OK"
Effect = Callable[[], None]


@dataclass
class Mailserver:
    """What came in, and how to behave.

    Args:
        answers: what RCPT TO of an address is answered with; 250 for all others.
        answer_to_data: what the end of a mail is answered with.
        on: called at "mail" (MAIL FROM) and "data" (the mail is kept, the answer not yet given).
    """

    mails: list[EmailMessage] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    answer_to_data: str = OK
    on: dict[str, Effect] = field(default_factory=dict)
    port: int = 0

    @property
    def recipients(self) -> list[str]:
        """Whom mails were accepted for, in their order."""
        return [str(mail["X-RcptTo"]) for mail in self.mails]

    async def handle_MAIL(  # noqa: N802 - as the library calls it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await to_thread(self.on.get("mail", lambda: None))
        envelope.mail_from = address
        return OK

    async def handle_RCPT(  # noqa: N802 - as the library calls it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
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
            self.mails.append(mail)
        await to_thread(self.on.get("data", lambda: None))
        return self.answer_to_data


class _Controller(Controller):
    """On a port that the system chooses (the library's own would knock at port 0)."""

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
