"""Sending letters: the one way out of the house."""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import Message
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.utils import formataddr, parseaddr
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from invites.domains import AddressError, AddressProblem, normalise_email
from invites.letters import Letter, Picture, one_line, supported_language


@dataclass(frozen=True, slots=True)
class Envelope:
    """Where a letter goes, and from whom.

    Args:
        message_id: the same at each try, so that a mailbox can tell a second copy.
        sender: whom the mail is from, by name and address (`sender_of`); empty for the installation's.
    """

    to: str
    to_name: str
    reply_to: str
    reply_to_name: str
    message_id: str
    sender: str = ""
    sender_name: str = ""


@dataclass(frozen=True, slots=True)
class CalendarPart:
    """A calendar file that goes with a letter, and its method, which mail programs read from the outside."""

    text: str
    method: str


def can_send_mail() -> bool:
    """Whether EMAIL_URL names a way for mail to leave this house."""
    return not settings.EMAIL_BACKEND.endswith("dummy.EmailBackend")


def sender_of(name: str, address: str) -> tuple[str, str]:
    """Whom mails are from: a tenant's own name and address, each else the installation's."""
    own_name, own_address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return one_line(name) or own_name, address or own_address


class SendProblem(StrEnum):
    """Why a mail did not go out, by whose fault."""

    MAIL_REFUSED = "mail_refused"
    BAD_ADDRESS = "bad_address"
    REFUSES_US = "refuses_us"
    NO_ANSWER = "no_answer"


class SendError(Exception):
    """A mail did not go out.

    Args:
        words: what the server said; empty where it said nothing.
        is_final: whether trying again is of no use.

    Attributes:
        may_have_arrived: nobody knows whether the server took it before it fell silent.
    """

    may_have_arrived = False

    def __init__(self, problem: SendProblem, words: str = "", *, is_final: bool = False) -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.words = words
        self.is_final = is_final


def message_id(key: object) -> str:
    """The Message-ID of an outbox row."""
    return f"<invitation.{key}@{urlsplit(settings.PUBLIC_URL).hostname}>"


class Postman:
    """Hands letters to the mail server, over one connection while that works. Use it with `with`."""

    def __init__(self) -> None:
        self._connection: BaseEmailBackend | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._hang_up()

    def send(
        self, letter: Letter, envelope: Envelope, *, language: str, calendar: CalendarPart | None = None
    ) -> None:
        """Send one letter.

        Raises:
            SendError: it did not go out, or nobody knows whether it did.
        """
        with _our_errors():
            message = _message(letter, envelope, language=language, calendar=calendar)
            message.connection = self._open()
        try:
            with _our_errors():
                message.send()
        except SendError as error:
            self._hang_up()
            error.may_have_arrived = error.problem is SendProblem.NO_ANSWER
            raise

    def _open(self) -> BaseEmailBackend:
        if self._connection is None:
            connection = get_connection()
            connection.open()
            self._connection = connection
        return self._connection

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _MailWithPictures(EmailMultiAlternatives):
    """A mail whose HTML shows pictures that come along: the two are related, as RFC 2387 calls it."""

    pictures: tuple[Picture, ...] = ()

    def message(self, **options: Any) -> Any:  # noqa: ANN401 - its type is another one with each Django
        """The mail as it is sent."""
        message = super().message(**options)
        parts = [message, *message.walk()] if self.pictures else []
        for alternatives in parts:
            if alternatives.get_content_type() == "multipart/alternative":
                alternatives.set_payload([self._with_pictures(part) for part in _parts_of(alternatives)])
                break
        return message

    def _with_pictures(self, part: Message) -> Message:
        if part.get_content_type() != "text/html":
            return part
        related = MIMEMultipart("related", type="text/html")
        related.attach(part)
        for picture in self.pictures:
            image = MIMEImage(picture.png, "png")
            image.add_header("Content-ID", f"<{picture.cid}>")
            image.add_header("Content-Disposition", "inline", filename="qr.png")
            related.attach(image)
        return related


def _parts_of(message: Message) -> list[Message]:
    payload = message.get_payload()
    return [part for part in payload if isinstance(part, Message)] if isinstance(payload, list) else []


def _message(
    letter: Letter, envelope: Envelope, *, language: str, calendar: CalendarPart | None
) -> EmailMultiAlternatives:
    # Only the header names the tenant: what cannot be delivered comes back to the installation's mailbox.
    headers = {
        "From": formataddr(sender_of(envelope.sender_name, envelope.sender)),
        "Message-ID": envelope.message_id,
        "Content-Language": letter.language or supported_language(language),
        "Auto-Submitted": "auto-generated",  # no out-of-office reply, please (RFC 3834)
    }
    message = _MailWithPictures(
        subject=letter.subject,
        body=letter.text,
        to=[_address(envelope.to_name, envelope.to)],
        reply_to=[_address(envelope.reply_to_name, envelope.reply_to)] if envelope.reply_to else None,
        headers=headers,
    )
    message.pictures = letter.pictures
    if letter.html:
        message.attach_alternative(letter.html, "text/html")
    if calendar is not None:
        # Twice, as the large calendars do: Gmail and Outlook read the first, others open the second.
        message.attach_alternative(calendar.text, f"text/calendar; method={calendar.method}")
        message.attach("invite.ics", calendar.text.encode(), "application/ics")
    return message


def _address(name: str, address: str) -> str:
    """`Name <address>`, the domain in its ASCII form."""
    domain = normalise_email(address).domain
    local = address.strip().rpartition("@")[0]
    if not local.isascii():
        raise AddressError(AddressProblem.BAD_LOCAL_PART)
    return str(Address(one_line(name), username=local, domain=domain))


@contextmanager
def _our_errors() -> Iterator[None]:
    """Turn what `smtplib` and sockets raise into `SendError`."""
    try:
        yield
    except AddressError as error:
        raise SendError(SendProblem.BAD_ADDRESS, is_final=True) from error
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        raise _refusal(code, said) from error
    except smtplib.SMTPDataError as error:
        raise _refusal(error.smtp_code, error.smtp_error) from error
    except (smtplib.SMTPConnectError, smtplib.SMTPServerDisconnected) as error:
        raise SendError(SendProblem.NO_ANSWER) from error
    except smtplib.SMTPResponseException as error:  # greeting, login, sender: about us, not about this mail
        words = _said(error.smtp_code, error.smtp_error)
        raise SendError(SendProblem.REFUSES_US, words) from error
    except smtplib.SMTPException as error:
        raise SendError(SendProblem.REFUSES_US) from error
    except OSError as error:
        raise SendError(SendProblem.NO_ANSWER) from error


def _refusal(code: int, said: bytes | str) -> SendError:
    is_permanent = code >= 500  # noqa: PLR2004 - RFC 5321 §4.2.1: 5yz is a permanent negative reply
    return SendError(SendProblem.MAIL_REFUSED, _said(code, said), is_final=is_permanent)


def _said(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {one_line(text)}"[:500]
