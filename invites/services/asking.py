"""A guest asks for a new link: it goes to the invited mailbox, whoever asks, and the hosts see it.

What the guest reads does not depend on the address that they typed: a link in the wrong hands is no means to
find out whose it is. See docs/adr/0017 for what is renewed without a host, and what is not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db import transaction

from common.decisions import Refused
from invites.domains import normalise_email
from invites.links import LinkClaim
from invites.models import Invite, InviteEvent, ModuleSettings
from invites.policy import RENEWABLE, Refuse, Why, judge_inviting, judge_link
from invites.queries import invite_behind, inviting_facts, judge_newcomer, settings_for, terms_of
from invites.services.guessing import count_wrong_try, demand_tries, demand_typed, is_invited_address
from invites.services.issue import new_terms
from invites.services.lifecycle import note_event
from invites.services.outbox import can_send_system_mail, queue_new_link_mail
from invites.services.redeem import (
    LinkClosedError,
    why_closed,
)
from rooms.access import viewer_in_absence
from rooms.policy.roles import Role
from rooms.services.admission import admit_participant

LINKS_PER_WINDOW: Final = 3
WINDOW: Final = timedelta(minutes=15)

Kind = InviteEvent.Kind


class Answer(StrEnum):
    """What happens if the invited address was typed."""

    MAILED = "mailed"
    """A link is on its way to it: the newest where that is open still, else a new one."""
    HOSTS_TOLD = "hosts_told"
    """The hosts read in their list that a link is wanted, and decide."""
    NO_MAIL = "no_mail"
    """The same, because no mail can be sent."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What can be done for the invite's guest now."""

    answer: Answer
    is_newest_open: bool


def ask_new_link(claim: LinkClaim, typed: str, *, address: str, language: str, now: datetime) -> Answer:
    """Ask for a new link by typing the invited address; the answer says what happens if it is the right one.

    Args:
        address: the network address that asks.

    Raises:
        InvalidError: nothing was typed.
        ThrottledError: too many wrong ones, for this link or from this network address.
        LinkClosedError: no new link can help (withdrawn, over, switched off …).
    """
    demand_typed(typed)
    invite = invite_behind(claim)
    if invite is None:
        raise LinkClosedError(Why.GONE)
    prospect = prospect_of(invite, claim, now=now)
    demand_tries(invite.pk, address)
    if is_invited_address(invite, typed):
        _answer(claim, language=language, now=now)
    else:
        count_wrong_try(invite.pk, address)
    return prospect.answer


def prospect_of(invite: Invite, claim: LinkClaim, *, now: datetime) -> Prospect:
    """What a request would lead to. It says nothing about the invitee that the closed link does not say.

    Raises:
        LinkClosedError: no new link can help.
    """
    rules = settings_for(invite.tenant)
    terms = terms_of(invite, rules)
    own = judge_link(terms, generation=claim.generation, devices=invite.devices_used, now=now)
    newest = judge_link(terms, generation=invite.generation, devices=invite.devices_used, now=now)
    for verdict in (own, newest):
        if isinstance(verdict, Refuse) and verdict.why not in RENEWABLE:
            raise LinkClosedError(verdict.why)
    is_newest_open = not isinstance(newest, Refuse)
    if not can_send_system_mail():
        return Prospect(Answer.NO_MAIL, is_newest_open)
    if is_newest_open or _may_be_renewed(invite, rules):
        return Prospect(Answer.MAILED, is_newest_open)
    return Prospect(Answer.HOSTS_TOLD, is_newest_open)


@transaction.atomic
def _answer(claim: LinkClaim, *, language: str, now: datetime) -> None:
    """Do what can be done, at most three times in a quarter of an hour; a fourth request changes nothing."""
    held = Invite.objects.filter(pk=claim.invite_id, withdrawn_at__isnull=True)
    if not held.update(new_link_asked_at=now):  # from here to the commit the row is ours
        raise LinkClosedError(why_closed(claim, now=now))
    invite = invite_behind(claim)
    if invite is None:
        raise LinkClosedError(Why.GONE)
    asked = InviteEvent.objects.filter(invite=invite, kind=Kind.NEW_LINK_ASKED, at__gt=now - WINDOW)
    if asked.count() >= LINKS_PER_WINDOW:
        return
    note_event([invite], Kind.NEW_LINK_ASKED, by=None, now=now)
    prospect = prospect_of(invite, claim, now=now)
    if prospect.answer != Answer.MAILED:
        return
    if not prospect.is_newest_open:
        _renew(invite, now=now)
    queue_new_link_mail(invite, language=language, now=now)


def _renew(invite: Invite, *, now: datetime) -> None:
    """Give the invite a new generation of its link; its row is held by whoever calls."""
    invite.generation += 1
    terms = new_terms(invite.entry, settings_for(invite.tenant), now=now)
    Invite.objects.filter(pk=invite.pk).update(generation=invite.generation, devices_used=0, **terms)
    invite.refresh_from_db(fields=["generation", "devices_used", "expires_at", "max_devices"])
    note_event([invite], Kind.NEW_LINK, by=None, now=now, detail=str(invite.generation))
    here = invite.participant
    if here is not None and here.person is not None:  # whom the LMS knows has the role at their next launch
        admit_participant(invite.entry, person=here.person, role=Role(invite.role), until=invite.expires_at)


def _may_be_renewed(invite: Invite, rules: ModuleSettings) -> bool:
    """Whether the inviter could give a new link now, were they here; else it is for the hosts to decide."""
    inviter = invite.made_by
    if inviter is None:
        return False
    facts = inviting_facts(viewer_in_absence(invite.entry, inviter), invite.entry, rules)
    if isinstance(judge_inviting(facts), Refused):
        return False
    return bool(judge_newcomer(rules, normalise_email(invite.normalised_email)))
