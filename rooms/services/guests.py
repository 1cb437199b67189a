"""Guests and what they did: made anonymous, or joined with the person that they are."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import ForeignObjectRel, QuerySet

from lti_tool.models import Person
from rooms.models import ChatMessage, Guest, Participant, Pass, Question, Visit
from rooms.services.admission import end_passes, tell_standing, withdraw_grant


def anonymise_guest(guest: Guest, *, now: datetime) -> None:
    """Take away name and address for good, and all passes. What the guest said stays, by a former guest."""
    Pass.objects.filter(participant__guest=guest, ended_at=None).update(ended_at=now)
    guest.email = guest.first_name = guest.last_name = ""
    guest.normalised_email = f"erased-{guest.pk}"
    guest.erased_at = now
    guest.save()


def show_out(participants: QuerySet[Participant], *, now: datetime) -> None:
    """End all passes and grants of these participants; open pages feel it at once."""
    for participant in participants:
        passes = Pass.objects.filter(participant=participant)
        end_passes(passes, entry_id=participant.entry_id, now=now, of=participant.pk)
        withdraw_grant(participant)
        tell_standing(participant.entry_id)


@transaction.atomic
def join_participations(guest: Guest, person: Person) -> list[UUID]:
    """Make everything that the guest did the person's own; in which entries that was."""
    entries = []
    for participant in Participant.objects.filter(guest=guest).select_related("entry"):
        own = Participant.objects.filter(entry_id=participant.entry_id, person=person).first()
        if own is None:
            Participant.objects.filter(pk=participant.pk).update(person=person, guest=None)
        else:
            _merge(participant, into=own)
        entries.append(participant.entry_id)
        tell_standing(participant.entry_id)
    return entries


def _merge(participant: Participant, *, into: Participant) -> None:
    """Hand over what hangs on a participant, and delete it. A grant counts where the other one has none."""
    if participant.granted_role and not into.granted_role:
        Participant.objects.filter(pk=into.pk).update(
            granted_role=participant.granted_role, granted_until=participant.granted_until
        )
    # Keys of pages are unique for each author, and say nothing once the page is gone.
    ChatMessage.objects.filter(author=participant).update(client_key="")
    Question.objects.filter(asker=participant).update(client_key="")
    Visit.objects.filter(participant=participant, left_at=None).update(left_at=participant.seen_at)
    for relation in Participant._meta.related_objects:  # noqa: SLF001 - the documented way to ask
        _hand_over(relation, participant, into)
    participant.delete()


def _hand_over(relation: ForeignObjectRel, participant: Participant, into: Participant) -> None:
    name = relation.field.name
    for row in relation.related_model._default_manager.filter(**{name: participant}):  # noqa: SLF001 - as above
        try:
            with transaction.atomic():
                type(row)._default_manager.filter(pk=row.pk).update(**{name: into})  # noqa: SLF001 - as above
        except IntegrityError:  # both have voted: the person's own vote counts
            row.delete()
