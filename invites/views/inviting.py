"""What the pages about invitations share: who may see them, and an invite as a page shows it."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from common.decisions import Decision, Refused
from common.errors import MissingError
from invites.explain import refusal_to_invite
from invites.links import link_for
from invites.models import Invite, ModuleSettings, OutboxMail
from invites.policy import (
    InvitingFacts,
    Life,
    Refuse,
    Stage,
    Why,
    WhyNot,
    judge_inviting,
    judge_link,
    stage_of,
)
from invites.queries import inviting_facts, settings_for, terms_of
from lti_tool.roles import ApplicationRole
from rooms.access import ViewerRequest
from rooms.policy.rights import Power

ENDED: Final = frozenset({Why.WITHDRAWN, Why.REMOVED})


@dataclass(frozen=True, slots=True)
class Inviting:
    """Whether the viewer may invite here, by which rules."""

    rules: ModuleSettings
    facts: InvitingFacts
    verdict: Decision


@dataclass(frozen=True, slots=True)
class Row:
    """An invite as a list or a confirmation shows it.

    Args:
        closed: why its link lets nobody in; None while it does.
        mail: the newest that carries the present link; never saved, only read.
        link: empty where it is closed.
    """

    invite: Invite
    stage: Stage
    closed: Why | None
    mail: OutboxMail | None
    link: str
    seen_at: datetime | None

    @property
    def is_asking(self) -> bool:
        """Whether the guest waits for a new link."""
        return self.invite.new_link_asked_at is not None and self.closed not in ENDED

    @property
    def is_withdrawn(self) -> bool:
        """Whether it was taken back, whatever else keeps its link closed."""
        return self.invite.withdrawn_at is not None


def demand_person(request: ViewerRequest) -> None:
    """Go on only for somebody launched: a pass opens the entry and nothing beside it.

    Raises:
        MissingError: for a guest.
    """
    if request.viewer.person_id is None or request.viewer.pass_id is not None:
        raise MissingError


def inviting_of(request: ViewerRequest) -> Inviting:
    """How the viewer stands to inviting.

    Raises:
        MissingError: for a guest.
    """
    demand_person(request)
    rules = settings_for(request.entry.tenant)
    facts = inviting_facts(request.viewer, request.entry, rules)
    return Inviting(rules, facts, judge_inviting(facts))


def demand_inviting(request: ViewerRequest) -> Inviting:
    """Go on only if the viewer may invite here.

    Raises:
        RefusedError: they may not, and why.
    """
    inviting = inviting_of(request)
    if isinstance(inviting.verdict, Refused):
        raise refusal_to_invite(WhyNot(inviting.verdict.reason))
    return inviting


def demand_right(request: ViewerRequest) -> None:
    """What was made can be looked after by whoever has the right, even where nobody may invite any more."""
    demand_person(request)
    request.viewer.must(Power.INVITE)


def may_know_why(request: ViewerRequest) -> bool:
    """Learners never see the inviting tools, not even their absence."""
    return request.viewer.application_role > ApplicationRole.VIEWER


def row_of(invite: Invite, rules: ModuleSettings) -> Row:
    """An invite that `invites.queries.invite_list.with_life` has read, as a page shows it."""
    verdict = judge_link(
        terms_of(invite, rules),
        generation=invite.generation,
        devices=invite.devices_used,
        now=timezone.now(),
    )
    state: str | None = getattr(invite, "mail_state", None)
    mail = None
    if state is not None:
        error: str = getattr(invite, "mail_error", "")
        due_at: datetime = getattr(invite, "mail_due_at", invite.made_at)
        mail = OutboxMail(state=state, error=error, due_at=due_at)
    life = Life(
        mail_states=(state,) if state else (),
        has_reached_lobby=invite.lobby_reached_at is not None,
        has_entered=invite.entered_at is not None,
    )
    return Row(
        invite=invite,
        stage=stage_of(life),
        closed=verdict.why if isinstance(verdict, Refuse) else None,
        mail=mail,
        link="" if isinstance(verdict, Refuse) else link_for(invite),
        seen_at=getattr(invite, "last_seen_at", None),
    )


def to_invite(request: ViewerRequest, invite: Invite, did: str, **more: str) -> HttpResponse:
    """On to the page of an invite, which says what was done (303)."""
    address = reverse("invites:made", args=[request.entry.pk, invite.pk])
    response = HttpResponseRedirect(f"{address}?{urlencode({'did': did, **more})}")
    response.status_code = HTTPStatus.SEE_OTHER
    return response
