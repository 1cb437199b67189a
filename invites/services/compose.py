"""What a mail of the outbox says at the moment when it is sent, and what its mailbox then knows."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from django.utils import translation
from django.utils.translation import gettext as _

from invites.letters import Invitation, Letter, Texts, write_letter, write_shipped
from invites.links import link_for, mailbox_code
from invites.mail import CalendarPart, Envelope, message_id, sender_of
from invites.models import Invite, MailboxCode, ModuleSettings, OutboxMail
from invites.queries import text_for
from rooms.calendar import Meeting, Method, meeting_file
from rooms.models import Binding
from rooms.services.entries import note_mailed_guests

Kind = OutboxMail.Kind

TELLING: Final = frozenset({Kind.INVITATION, Kind.NEW_LINK, Kind.CHANGED})
"""Mails that say when the session is, and carry its calendar file."""

ENDED: Final = "ended"
"""Stands in `Invite.mailed_details` once the mailbox was told that there is nothing to come to."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail that is ready to be sent."""

    letter: Letter
    envelope: Envelope
    calendar: CalendarPart | None


def details_of(invite: Invite) -> str:
    """A hash of everything that a mail tells and that may change: another one means that there is news."""
    entry = invite.entry
    told = (entry.title, entry.starts_at, entry.ends_at, invite.generation)
    return sha256(repr([str(part) for part in told]).encode()).hexdigest()


def compose(mail: OutboxMail, rules: ModuleSettings, *, now: datetime) -> Composed:
    """Write the mail, from what holds now."""
    invite = mail.invite
    sender_name, sender = sender_of(rules.sender_name, rules.sender_address)
    inviter = None if mail.kind == Kind.CODE else invite.made_by
    envelope = Envelope(
        to=invite.email,
        to_name=invite.shown_name,
        reply_to=inviter.email if inviter else "",
        reply_to_name=inviter.shown_name if inviter else "",
        message_id=message_id(mail.pk),
        sender=sender,
        sender_name=sender_name,
    )
    with translation.override(mail.language):
        calendar = _calendar(mail, envelope, now=now)
    return Composed(_letter(mail, rules, calendar), envelope, calendar)


def note_mailed(mail: OutboxMail) -> None:
    """Before a mail leaves, write down what its mailbox is about to know: after a crash it may know it."""
    invite = mail.invite
    if mail.kind not in TELLING | {Kind.WITHDRAWN}:
        return
    details, sequence = _told_by(mail)
    values: dict[str, object] = {"mailed_details": details, "calendar_sequence": sequence}
    if _method(mail) == Method.REQUEST:
        values["has_calendar_event"] = True
    Invite.objects.filter(pk=invite.pk).update(**values)
    if mail.kind in TELLING:
        note_mailed_guests(invite.entry)


def note_sent(mail: OutboxMail) -> None:
    """After it has left: an event that was cancelled is not in the calendar any more."""
    if _method(mail) == Method.CANCEL:
        Invite.objects.filter(pk=mail.invite_id).update(has_calendar_event=False)


def _told_by(mail: OutboxMail) -> tuple[str, int]:
    """What the mailbox knows afterwards, and the number of this version of the event.

    The number grows with every version that differs from the one before; the same mail tried again keeps it.
    """
    invite = mail.invite
    details = details_of(invite) if mail.kind in TELLING else ENDED
    is_first = not invite.mailed_details and not invite.calendar_sequence
    is_same = invite.mailed_details == details
    return details, invite.calendar_sequence + (0 if is_first or is_same else 1)


def _method(mail: OutboxMail) -> Method | None:
    """What the calendar is asked to do."""
    if mail.kind in TELLING and mail.invite.entry.starts_at is not None:
        return Method.REQUEST
    may_be_there = mail.invite.has_calendar_event
    return Method.CANCEL if may_be_there and mail.kind in TELLING | {Kind.WITHDRAWN} else None


def _calendar(mail: OutboxMail, envelope: Envelope, *, now: datetime) -> CalendarPart | None:
    method = _method(mail)
    if method is None:
        return None
    invite = mail.invite
    _details, sequence = _told_by(mail)
    meeting = Meeting(
        key=invite.pk,
        sequence=sequence,
        method=method,
        organizer=envelope.sender,
        organizer_name=envelope.sender_name,
        attendee=invite.email,
        attendee_name=invite.shown_name,
    )
    link = "" if method == Method.CANCEL else link_for(invite)
    way_in = _("Your personal link: %(link)s") % {"link": link} if link else ""
    written = meeting_file(invite.entry, meeting, address=link, way_in=way_in, now=now)
    return CalendarPart(written.decode(), method.value)


def _letter(mail: OutboxMail, rules: ModuleSettings, calendar: CalendarPart | None) -> Letter:
    invitation = _invitation(mail.invite)
    if mail.kind == Kind.INVITATION:
        return write_letter(invitation, language=mail.language, texts=_texts(rules, language=mail.language))
    more: dict[str, object] = {"has_calendar": calendar is not None}
    if mail.code is not None:
        more["code"] = mailbox_code(mail.code.pk)
        more["is_for_moving"] = mail.code.purpose == MailboxCode.Purpose.MOVE
    elif mail.kind == Kind.CHANGED:
        more["has_calendar"] = calendar is not None and calendar.method == Method.REQUEST
    elif mail.kind == Kind.WITHDRAWN:
        more["is_cancelled"] = mail.invite.withdrawn_at is None
    return write_shipped(str(mail.kind), invitation, language=mail.language, **more)


def _texts(settings: ModuleSettings, *, language: str) -> Texts | None:
    own = text_for(settings, language=language)
    if own is None:
        return None
    return Texts(subject=own.subject, text=own.text, html=own.html, language=own.language)


def _invitation(invite: Invite) -> Invitation:
    entry, inviter = invite.entry, invite.made_by
    placed = Binding.objects.filter(entry=entry, placement__course__isnull=False)
    course = placed.select_related("placement__course").order_by("pk").first()
    return Invitation(
        url=link_for(invite),
        email=invite.email,
        first_name=invite.first_name,
        last_name=invite.last_name,
        inviter=inviter.shown_name if inviter else "",
        role=invite.role,
        title=entry.title,
        course=course.placement.course.title if course and course.placement.course else "",
        starts_at=entry.starts_at,
        ends_at=entry.ends_at,
        time_zone=entry.time_zone,
        expires_at=invite.expires_at,
        devices=invite.max_devices,
        can_reply=bool(inviter and inviter.email),
    )
