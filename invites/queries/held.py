"""What is held of somebody: found by their exact address, shown to an administrator, handed out as data."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from common.errors import MissingError
from invites.models import AuditEvent, Invite, OutboxMail, Redemption
from invites.queries.suggestions import exact_email
from lti_tool.models import Membership, Person, Tenant
from rooms.models import ChatMessage, Collaborator, Guest, Participant, Question, Visit, Vote

Data = dict[str, Any]


class Kind(StrEnum):
    """As what somebody is known."""

    GUEST = "guest"
    PERSON = "person"
    INVITE = "invite"  # invited, and never came: there are only invites


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody of whom data is held; `key` is the id of a guest, a person, or the first invite."""

    tenant: Tenant
    kind: Kind
    key: UUID
    name: str
    email: str
    guest: Guest | None = None
    person: Person | None = None

    @property
    def label(self) -> str:
        """An id for logs."""
        return f"{self.kind}:{self.key}"

    @property
    def normalised_email(self) -> str:
        """The address as it is compared."""
        return exact_email(self.email)


def subjects_at(tenant: Tenant, address: str) -> list[Subject]:
    """Who has this exact address: people, a guest, or somebody who was invited and never came."""
    email = exact_email(address)
    if not email:
        return []
    people = Person.objects.filter(tenant=tenant, normalised_email=email).order_by("pk")
    guests = Guest.objects.filter(tenant=tenant, normalised_email=email, erased_at=None)
    found = [*(_of_person(tenant, each) for each in people), *(_of_guest(tenant, each) for each in guests)]
    if found:
        return found
    invite = Invite.objects.filter(tenant=tenant, normalised_email=email).order_by("made_at", "pk").first()
    return [_of_invite(tenant, invite)] if invite else []


def subject_for(tenant: Tenant, kind: str, key: UUID) -> Subject:
    """One of them.

    Raises:
        MissingError: there is nobody with this id, or at another tenant, or they were erased.
    """
    found: Subject | None = None
    if kind == Kind.GUEST:
        guest = Guest.objects.filter(tenant=tenant, pk=key, erased_at=None).first()
        found = _of_guest(tenant, guest) if guest else None
    elif kind == Kind.PERSON:
        person = Person.objects.filter(tenant=tenant, pk=key).first()
        found = _of_person(tenant, person) if person else None
    elif kind == Kind.INVITE:
        invite = Invite.objects.filter(tenant=tenant, pk=key).exclude(email="").first()
        found = _of_invite(tenant, invite) if invite else None
    if found is None:
        raise MissingError
    return found


def _of_guest(tenant: Tenant, guest: Guest) -> Subject:
    return Subject(tenant, Kind.GUEST, guest.pk, guest.shown_name, guest.email, guest=guest)


def _of_person(tenant: Tenant, person: Person) -> Subject:
    return Subject(tenant, Kind.PERSON, person.pk, person.shown_name, person.email, person=person)


def _of_invite(tenant: Tenant, invite: Invite) -> Subject:
    return Subject(tenant, Kind.INVITE, invite.pk, invite.shown_name, invite.email)


def invites_of(subject: Subject) -> QuerySet[Invite]:
    """The invites to their address, and those that let them in."""
    own = Q(participant__in=participations_of(subject))
    if subject.normalised_email:
        own |= Q(normalised_email=subject.normalised_email)
    invites = Invite.objects.filter(own, tenant=subject.tenant)
    return invites.select_related("entry").order_by("made_at", "pk")


def participations_of(subject: Subject) -> QuerySet[Participant]:
    """Where they were, or may be."""
    rows = Participant.objects.filter(entry__tenant=subject.tenant).select_related("entry")
    if subject.guest is not None:
        return rows.filter(guest=subject.guest).order_by("created_at", "pk")
    if subject.person is not None:
        return rows.filter(person=subject.person).order_by("created_at", "pk")
    return rows.none()


def export_of(subject: Subject) -> Data:
    """Everything that is held of somebody, as plain data: names of fields are English and stay."""
    mine = participations_of(subject)
    invites = invites_of(subject)
    return {
        "format": "foyer-person-1",
        "known_as": subject.kind.value,
        "institution": subject.tenant.name,
        "who": _who(subject),
        "courses": _courses(subject),
        "invitations": [_invite(invite) for invite in invites],
        "devices": [
            {"invitation": _id(row.invite_id), "redeemed_at": _at(row.redeemed_at), "link": row.generation}
            for row in Redemption.objects.filter(invite__in=invites).order_by("redeemed_at")
        ],
        "mails": [
            {
                "invitation": _id(mail.invite_id),
                "kind": mail.kind,
                "state": mail.state,
                "made_at": _at(mail.created_at),
                "sent_at": _at(mail.sent_at),
                "error": mail.error,
            }
            for mail in OutboxMail.objects.filter(invite__in=invites).order_by("created_at")
        ],
        "sessions": [_participation(row) for row in mine],
        "visits": [
            {"session": _id(row.participant.entry_id), "from": _at(row.joined_at), "to": _at(row.left_at)}
            for row in Visit.objects.filter(participant__in=mine).select_related("participant")
        ],
        "messages": [
            {"session": _id(row.entry_id), "at": _at(row.sent_at), "text": row.text}
            for row in ChatMessage.objects.filter(author__in=mine).order_by("sent_at", "pk")
        ],
        "questions": [
            {"session": _id(row.entry_id), "at": _at(row.asked_at), "text": row.text, "answer": row.answer}
            for row in Question.objects.filter(asker__in=mine)
        ],
        "answers": [
            {
                "session": _id(vote.interaction.entry_id),
                "at": _at(vote.given_at),
                "choices": [choice.text for choice in vote.choices.all()],
                "rating": vote.rating,
                "text": vote.text,
            }
            for vote in Vote.objects.filter(participant__in=mine)
            .select_related("interaction")
            .prefetch_related("choices")
        ],
        "rights": _rights(subject),
        "invited_others": _invited(subject),
        "changes_of_rules": [
            {"at": _at(event.at), "action": event.action, "subject": event.subject}
            for event in _events(subject)
        ],
    }


def _who(subject: Subject) -> Data:
    if subject.guest is not None:
        guest = subject.guest
        return {
            "id": _id(guest.pk),
            "email": guest.email,
            "first_name": guest.first_name,
            "last_name": guest.last_name,
            "known_since": _at(guest.created_at),
        }
    if subject.person is not None:
        person = subject.person
        return {
            "id": _id(person.pk),
            "lms_id": person.sub,
            "email": person.email,
            "name": person.name,
            "given_name": person.given_name,
            "family_name": person.family_name,
            "chosen_name": person.chosen_name,
            "language": person.locale,
            "last_launch_at": _at(person.launched_at),
        }
    return {"email": subject.email, "name": subject.name}


def _courses(subject: Subject) -> list[Data]:
    if subject.person is None:
        return []
    rows = Membership.objects.filter(person=subject.person).select_related("course").order_by("pk")
    return [
        {
            "course": str(row.course),
            "roles": row.roles,
            "right": row.right,
            "status": row.status,
            "last_launch_at": _at(row.launched_at),
        }
        for row in rows
    ]


def _rights(subject: Subject) -> list[Data]:
    if subject.person is None:
        return []
    rows = Collaborator.objects.filter(person=subject.person).select_related("entry").order_by("pk")
    return [{"session": _id(row.entry_id), "title": row.entry.title, "right": row.right} for row in rows]


def _invited(subject: Subject) -> list[Data]:
    """That they invited, and when: whom is data of others."""
    if subject.person is None:
        return []
    rows = Invite.objects.filter(made_by=subject.person).order_by("made_at", "pk")
    return [{"session": _id(row.entry_id), "at": _at(row.made_at), "role": row.role} for row in rows]


def _events(subject: Subject) -> Iterable[AuditEvent]:
    return AuditEvent.objects.filter(tenant=subject.tenant, actor=f"person:{subject.key}")


def _invite(invite: Invite) -> Data:
    return {
        "id": _id(invite.pk),
        "session": _id(invite.entry_id),
        "title": invite.entry.title,
        "email": invite.email,
        "first_name": invite.first_name,
        "last_name": invite.last_name,
        "role": invite.role,
        "language": invite.language,
        "made_at": _at(invite.made_at),
        "expires_at": _at(invite.expires_at),
        "lobby_reached_at": _at(invite.lobby_reached_at),
        "entered_at": _at(invite.entered_at),
        "withdrawn_at": _at(invite.withdrawn_at),
        "devices": invite.devices_used,
    }


def _participation(row: Participant) -> Data:
    return {
        "session": _id(row.entry_id),
        "title": row.entry.title,
        "role": row.granted_role,
        "until": _at(row.granted_until),
        "since": _at(row.created_at),
        "last_seen_at": _at(row.seen_at),
        "removed_at": _at(row.removed_at),
    }


def _id(key: UUID | None) -> str | None:
    return str(key) if key else None


def _at(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
