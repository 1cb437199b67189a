"""Taking away what tells who somebody is; joining a guest with the person that they are.

Invites and messages stay as numbers and words of a former guest; names and addresses go for good, wherever
they stand: with the guest, the invites, mails that quote them, lines that were pasted.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Concat

from invites.models import BulkLine, Group, Invite, MailboxCode, ModuleSettings, OutboxMail
from invites.services.audit import Action, write_audit
from lti_tool.models import Person, Tenant
from lti_tool.services.forgetting import anonymise_person
from rooms.models import Collaborator, Guest, Participant
from rooms.services.guests import anonymise_guest, join_participations, show_out

UNSENT = [
    OutboxMail.State.WAITING,
    OutboxMail.State.SENDING,
    OutboxMail.State.FAILED,
]


@transaction.atomic
def erase_guest(guest: Guest, *, by: str, now: datetime) -> None:
    """Erase a guest now: links are void, passes end, whoever is inside is shown out, the data goes."""
    invites = Invite.objects.filter(
        Q(normalised_email=guest.normalised_email) | Q(participant__guest=guest), tenant_id=guest.tenant_id
    )
    show_out(Participant.objects.filter(guest=guest), now=now)
    erase_invites(invites, now=now, withdraws=True)
    _erase_lines(guest.tenant_id, [guest.normalised_email, guest.email])
    anonymise_guest(guest, now=now)
    write_audit(
        guest.tenant, by=by, action=Action.PERSON_ERASED, subject=f"guest:{guest.pk}", changes={}, now=now
    )


@transaction.atomic
def erase_address(tenant: Tenant, email: str, *, by: str, now: datetime) -> None:
    """Erase somebody of whom there are only invites, by their (normalised) address."""
    invites = Invite.objects.filter(tenant=tenant, normalised_email=email)
    subject = invites.order_by("pk").values_list("pk", flat=True).first()
    show_out(Participant.objects.filter(invites__in=invites).distinct(), now=now)
    erase_invites(invites, now=now, withdraws=True)
    _erase_lines(tenant.pk, [email])
    write_audit(tenant, by=by, action=Action.PERSON_ERASED, subject=f"invite:{subject}", changes={}, now=now)


@transaction.atomic
def erase_person(person: Person, *, by: str, now: datetime) -> None:
    """Anonymise what is held here of an LMS person. At their next launch they come as somebody new."""
    own = Q(participant__person=person)
    if person.normalised_email:
        own |= Q(normalised_email=person.normalised_email)
    invites = Invite.objects.filter(own, tenant_id=person.tenant_id)
    show_out(Participant.objects.filter(person=person), now=now)
    erase_invites(invites, now=now, withdraws=True)
    _erase_lines(person.tenant_id, [person.normalised_email, person.email])
    Collaborator.objects.filter(person=person).exclude(right=Collaborator.Right.OWNER).delete()
    for rules in ModuleSettings.objects.filter(allowed_people=person):
        rules.allowed_people.remove(person)
    for group in Group.objects.filter(people=person):
        group.people.remove(person)
    anonymise_person(person, now=now)
    write_audit(
        person.tenant, by=by, action=Action.PERSON_ERASED, subject=f"person:{person.pk}", changes={}, now=now
    )


@transaction.atomic
def note_export(tenant: Tenant, subject: str, *, by: str, now: datetime) -> None:
    """Write down that somebody's data was handed out."""
    write_audit(tenant, by=by, action=Action.PERSON_EXPORTED, subject=subject, changes={}, now=now)


@transaction.atomic
def join_guest(guest: Guest, person: Person, *, by: str, now: datetime) -> None:
    """An administrator says that a guest is this person: what the guest did and was given is the person's.

    The guest's own row goes; nothing is joined by address alone (design §7).
    """
    join_participations(guest, person)
    subject = f"guest:{guest.pk}"
    guest.delete()
    joined: dict[str, tuple[object, object]] = {"joined": (subject, f"person:{person.pk}")}
    write_audit(person.tenant, by=by, action="privacy.joined", subject=subject, changes=joined, now=now)


def erase_invites(invites: QuerySet[Invite], *, now: datetime, withdraws: bool) -> int:
    """Take names and addresses out of invites and of what hangs on them; how many invites that were.

    Args:
        withdraws: make links that are open void.
    """
    ids = list(invites.values_list("pk", flat=True))
    mails = OutboxMail.objects.filter(invite__in=ids)
    mails.filter(state__in=UNSENT).update(
        state=OutboxMail.State.GIVEN_UP, error=OutboxMail.Unsent.ERASED, claimed_at=None
    )
    mails.exclude(error="").exclude(error__in=OutboxMail.Unsent.values).update(error=OutboxMail.Unsent.ERASED)
    mails.exclude(code=None).update(code=None)
    MailboxCode.objects.filter(invite__in=ids).delete()
    BulkLine.objects.filter(invite__in=ids).update(email="", first_name="", last_name="", detail="")
    # Unique for each entry as before, and nothing that an address could be.
    marker = Concat(Value("erased-"), Cast("pk", CharField()))
    Invite.objects.filter(pk__in=ids).update(
        normalised_email=marker,
        email="",
        first_name="",
        last_name="",
        language="",
        mailed_details="",
        follows_session=False,
        has_calendar_event=False,
        withdrawn_at=Coalesce("withdrawn_at", now) if withdraws else F("withdrawn_at"),
    )
    return len(ids)


def _erase_lines(tenant_id: UUID, addresses: Collection[str]) -> None:
    """Lines that somebody pasted, and that became no invite."""
    for address in {address for address in addresses if address}:
        lines = BulkLine.objects.filter(run__tenant_id=tenant_id, email__iexact=address)
        lines.update(email="", first_name="", last_name="", detail="")
