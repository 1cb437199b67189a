"""A request or a socket -> a Viewer: who asks, about which entry, with which role and powers.

Rights are read afresh from the database each time: a change of role is felt at the next message.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from common.access import mark
from common.errors import MissingError
from lti_tool.identity import hash_secret, tab_of
from lti_tool.models import Membership, Tab
from lti_tool.roles import ApplicationRole, Right
from rooms.models import Binding, Collaborator, Entry, Participant, Pass
from rooms.policy.doors import pass_ends_at, schedule_of
from rooms.policy.rights import Power, powers_of
from rooms.policy.roles import Role

PASS_COOKIE = "foyer-pass"  # noqa: S105 – the name of the cookie

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody at an entry. Exactly one of `person_id` and `guest_id` is set."""

    entry_id: UUID
    tenant_id: UUID
    role: Role
    name: str
    person_id: UUID | None = None
    guest_id: UUID | None = None
    participant_id: UUID | None = None
    pass_id: UUID | None = None
    tab_handle: str = ""
    application_role: ApplicationRole = ApplicationRole.VIEWER
    powers: frozenset[Power] = field(default_factory=frozenset)

    def may(self, power: Power) -> bool:
        """Whether the viewer has this power over the entry."""
        return power in self.powers

    @property
    def is_host(self) -> bool:
        """Whoever holds a hosting right."""
        return Power.HOST in self.powers


class ViewerRequest(HttpRequest):
    """A request whose viewer and entry are known (see `for_viewer`)."""

    viewer: Viewer
    entry: Entry


def entry_of_id(entry_id: UUID) -> Entry | None:
    """A living entry, whoever asks: only for this module, which decides who may have it."""
    return Entry.objects.select_related("tenant").filter(pk=entry_id, deleted_at__isnull=True).first()


def viewer_by_tab(entry: Entry, tab: Tab) -> Viewer | None:
    """The viewer that a launched tab is at this entry; None when the entry is not for this person."""
    if entry.tenant_id != tab.tenant_id:
        return None
    rights: set[Right] = set()
    here = Q(placement_id=tab.placement_id) if tab.placement_id else Q(pk__in=[])
    if tab.course_id:
        here |= Q(placement__course_id=tab.course_id)
    is_in_course = Binding.objects.filter(here, entry=entry).exists()
    if is_in_course:
        rights.add(Right(tab.right))
    by_name = Collaborator.objects.filter(entry=entry, person_id=tab.person_id).first()
    application_role = ApplicationRole(tab.application_role)
    powers = powers_of(rights, application_role)
    if by_name:
        # For a right given by name the highest of the person's memberships counts (design §2).
        standing = max([application_role, *_standings(tab)])
        powers |= powers_of([Right(by_name.right)], standing)
        application_role = max(application_role, standing)
    participant = Participant.objects.filter(entry=entry, person_id=tab.person_id).first()
    is_granted = participant is not None and _is_granted(entry, participant)
    if participant is not None and participant.removed_at and not powers:
        return None
    if not (is_in_course or by_name or is_granted):
        return None
    return Viewer(
        entry_id=entry.pk,
        tenant_id=entry.tenant_id,
        person_id=tab.person_id,
        participant_id=participant.pk if participant else None,
        tab_handle=tab.handle,
        role=_role(powers, participant if is_granted else None),
        name=tab.person.shown_name,
        application_role=application_role,
        powers=powers,
    )


def _standings(tab: Tab) -> list[ApplicationRole]:
    gone = [Membership.Status.INACTIVE, Membership.Status.DELETED]
    rows = Membership.objects.filter(person_id=tab.person_id).exclude(status__in=gone)
    return [ApplicationRole(value) for value in rows.values_list("application_role", flat=True)]


def _role(powers: frozenset[Power], granted: Participant | None) -> Role:
    if Power.HOST in powers:
        return Role.HOST
    return Role(granted.granted_role) if granted else Role.VIEWER


def _is_granted(entry: Entry, participant: Participant) -> bool:
    if not participant.granted_role or participant.removed_at:
        return False
    ends_at = pass_ends_at(schedule_of(entry), link_ends_at=participant.granted_until)
    return ends_at is None or timezone.now() < ends_at


def viewer_by_pass(entry: Entry, secret: str) -> Viewer | None:
    """The viewer that a device with this pass is here; None when the pass is not for it, or has ended."""
    if not secret:
        return None
    given = hash_secret(secret)
    held = (
        Pass.objects.select_related("participant__person", "participant__guest")
        .filter(secret_hash=given, ended_at__isnull=True, participant__entry=entry)
        .first()
    )
    if (
        held is None
        or not hmac.compare_digest(held.secret_hash, given)
        or not _is_granted(entry, held.participant)
    ):
        return None
    participant = held.participant
    return Viewer(
        entry_id=entry.pk,
        tenant_id=entry.tenant_id,
        person_id=participant.person_id,
        guest_id=participant.guest_id,
        participant_id=participant.pk,
        pass_id=held.pk,
        role=Role(participant.granted_role),
        name=participant.shown_name,
    )


def viewer_of(entry: Entry, *, tab: Tab | None, pass_secret: str) -> Viewer | None:
    """Who asks: the tab where there is one, else the pass."""
    if tab is not None:
        return viewer_by_tab(entry, tab)
    return viewer_by_pass(entry, pass_secret)


def for_viewer(
    view: Callable[Concatenate[ViewerRequest, P], R],
) -> Callable[..., HttpResponseBase]:
    """Let only viewers of the entry in the address call the view; sets `request.entry` and `request.viewer`.

    Raises:
        MissingError: there is no such entry, or it is not for whoever asks.
    """

    @wraps(view)
    def guarded(request: HttpRequest, entry_id: UUID, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        entry = entry_of_id(entry_id)
        if entry is None:
            raise MissingError
        viewer = viewer_of(entry, tab=tab_of(request), pass_secret=request.COOKIES.get(PASS_COOKIE, ""))
        if viewer is None:
            raise MissingError
        known = cast("ViewerRequest", request)
        known.entry, known.viewer = entry, viewer
        return view(known, *args, **kwargs)

    return mark(guarded, "viewer")
