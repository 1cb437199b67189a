"""Taking a withdrawal back: the same link, the same devices, as if nothing had been."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Max, OuterRef, Subquery

from common.decisions import Refused
from invites.domains import normalise_email
from invites.explain import refusal_of_domain, refusal_to_invite
from invites.models import Invite, OutboxMail, Redemption
from invites.policy import WhyNot, judge_inviting
from invites.queries import inviting_facts, settings_for
from invites.queries.rules import judge_newcomers
from invites.services.lifecycle import Kind, demand_invite, note_event
from invites.services.outbox import language_of, queue_invitation_mail
from rooms.access import Viewer
from rooms.models import Entry, Participant, Pass
from rooms.policy.roles import Role
from rooms.services.admission import restore_grants, revive_passes, tell_standing


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
    invites = [invite for invite in invites if invite.email]  # nobody is left behind one that was erased
    addresses = [normalise_email(invite.normalised_email) for invite in invites]
    for may_enter in judge_newcomers(rules, addresses).values():
        if isinstance(may_enter, Refused):
            raise refusal_of_domain(may_enter.detail)
    restored = [invite for invite in invites if _restore_row(invite, withdrawn_at=withdrawn_at)]
    _take_word_back(restored, withdrawn_at=withdrawn_at, now=now)
    _let_in_again(restored, withdrawn_at=withdrawn_at)
    if restored:
        tell_standing(entry.pk)
    note_event(restored, Kind.RESTORED, by=by, now=now)
    return restored


def _restore_row(invite: Invite, *, withdrawn_at: datetime) -> bool:
    same = Invite.objects.filter(pk=invite.pk, generation=invite.generation, withdrawn_at=withdrawn_at)
    if not same.update(withdrawn_at=None):
        return False
    invite.withdrawn_at = None
    return True


def _let_in_again(invites: Sequence[Invite], *, withdrawn_at: datetime) -> None:
    """Give back what the withdrawal ended: passes, and the roles of those who hold them."""
    # Never the pass of an old link beside one of a new: only the newest that anybody came in by counts.
    of_same = Redemption.objects.filter(invite=OuterRef("invite")).values("invite")
    newest = Subquery(of_same.annotate(newest=Max("generation")).values("newest"))
    ended = Pass.objects.filter(
        redemption__in=Redemption.objects.filter(invite__in=invites, generation=newest),
        ended_at=withdrawn_at,
    )
    ids = {invite.pk: {invite.participant_id} if invite.participant_id else set() for invite in invites}
    for participant_id, invite_id in ended.values_list("participant_id", "redemption__invite_id"):
        ids[invite_id].add(participant_id)
    for invite in invites:
        if ids[invite.pk]:
            participants = Participant.objects.filter(pk__in=ids[invite.pk])
            restore_grants(participants, role=Role(invite.role), until=invite.expires_at)
    for entry_id in {invite.entry_id for invite in invites}:
        revive_passes(ended, entry_id=entry_id)


def _take_word_back(invites: Sequence[Invite], *, withdrawn_at: datetime, now: datetime) -> None:
    """Nobody is told of a withdrawal that is taken back; whoever was told already is sent the link again."""
    told = OutboxMail.objects.filter(
        invite__in=invites, kind=OutboxMail.Kind.WITHDRAWN, created_at__gte=withdrawn_at
    )
    told.filter(state__in=[OutboxMail.State.WAITING, OutboxMail.State.FAILED]).delete()
    gone_out = told.filter(state__in=[OutboxMail.State.SENDING, OutboxMail.State.SENT])
    know = set(gone_out.values_list("invite_id", flat=True))
    for invite in invites:
        if invite.pk in know:
            queue_invitation_mail(invite, language=language_of(invite), now=now)
