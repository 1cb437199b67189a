"""Taking a withdrawal back: the same link, the same devices, as if nothing had been."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Max, OuterRef, Q, Subquery

from common.decisions import Refused
from invites.domains import normalise_email
from invites.explain import refusal_of_domain, refusal_to_invite
from invites.models import Invite, OutboxMail, Redemption
from invites.policy import WhyNot, judge_inviting
from invites.queries import inviting_facts, judge_newcomer, settings_for
from invites.services.lifecycle import Kind, demand_invite, note_event
from invites.services.outbox import language_of, queue_invitation_mail
from rooms.access import Viewer
from rooms.models import Entry, Participant, Pass
from rooms.policy.roles import Role
from rooms.services.admission import restore_grants, revive_passes


@transaction.atomic
def restore_invites(
    entry: Entry, invites: Sequence[Invite], *, withdrawn_at: datetime, by: Viewer, now: datetime
) -> list[Invite]:
    """Undo a withdrawal where nothing else has happened to the invite since, and say where that was.

    It is inviting: whoever may not invite (any more) cannot, and a domain restricted by now stays out.
    Links keep their end and their devices; the passes that this very withdrawal ended live again.

    Args:
        withdrawn_at: the withdrawal that is meant; a later one stands.

    Raises:
        RefusedError: the viewer may not invite, or an address may not become a guest (any more).
        MissingError: one of the invites is not the viewer's.
    """
    rules = settings_for(entry.tenant)
    verdict = judge_inviting(inviting_facts(by, entry, rules))
    if isinstance(verdict, Refused):
        raise refusal_to_invite(WhyNot(verdict.reason))
    for invite in invites:
        demand_invite(invite, by=by)
        may_enter = judge_newcomer(rules, normalise_email(invite.normalised_email))
        if isinstance(may_enter, Refused):
            raise refusal_of_domain(may_enter.detail)
    restored = [invite for invite in invites if _restore(invite, withdrawn_at=withdrawn_at, now=now)]
    note_event(restored, Kind.RESTORED, by=by, now=now)
    return restored


def _restore(invite: Invite, *, withdrawn_at: datetime, now: datetime) -> bool:
    same = Invite.objects.filter(pk=invite.pk, generation=invite.generation, withdrawn_at=withdrawn_at)
    if not same.update(withdrawn_at=None):
        return False
    invite.withdrawn_at = None
    _take_word_back(invite, withdrawn_at=withdrawn_at, now=now)
    # Never the pass of an old link beside one of a new: only the newest that anybody came in by counts.
    newest = Redemption.objects.filter(invite=OuterRef("invite")).values("invite")
    by_newest = Redemption.objects.filter(
        invite=invite, generation=Subquery(newest.annotate(newest=Max("generation")).values("newest"))
    )
    ended = Pass.objects.filter(redemption__in=by_newest, ended_at=withdrawn_at)
    participants = Participant.objects.filter(
        Q(pk=invite.participant_id) | Q(pk__in=ended.values("participant"))
    )
    restore_grants(participants, role=Role(invite.role), until=invite.expires_at, entry_id=invite.entry_id)
    revive_passes(ended, entry_id=invite.entry_id)
    return True


def _take_word_back(invite: Invite, *, withdrawn_at: datetime, now: datetime) -> None:
    """Nobody is told of a withdrawal that is taken back; whoever was told already is sent the link again."""
    told = OutboxMail.objects.filter(
        invite=invite, kind=OutboxMail.Kind.WITHDRAWN, created_at__gte=withdrawn_at
    )
    told.filter(state__in=[OutboxMail.State.WAITING, OutboxMail.State.FAILED]).delete()
    if told.filter(state__in=[OutboxMail.State.SENDING, OutboxMail.State.SENT]).exists():
        queue_invitation_mail(invite, language=language_of(invite), now=now)
