"""What happens to an invite after it was made: another role, withdrawal, and what is noted of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from common.errors import ConflictError, InvalidError, MissingError
from invites.models import Invite, InviteEvent
from invites.policy import invitable_roles
from invites.queries import settings_for
from invites.services.outbox import language_of, queue_withdrawn_mail
from rooms.access import Viewer
from rooms.models import Participant, Pass
from rooms.policy.rights import Power
from rooms.policy.roles import Role
from rooms.services.admission import change_granted_roles, end_passes, withdraw_grants

Kind = InviteEvent.Kind


def change_role(
    invite: Invite, role: Role, *, by: Viewer, now: datetime, only_from: Role | None = None
) -> None:
    """Give the invitee another role, up or down; whoever is inside feels it at once.

    Args:
        only_from: the role that the inviter believes it to be; None for any.

    Raises:
        MissingError: the invite is not the viewer's to change.
        InvalidError: the role is not for this kind of entry.
        ConflictError: the role is not `only_from` any more.
    """
    changed = change_roles([invite], role, by=by, now=now, only_from=only_from)
    if not changed and only_from is not None and invite.role != role:
        raise ConflictError(
            _("The role was changed again meanwhile."), next_step=_("Look at the list and choose anew.")
        )


@transaction.atomic
def change_roles(
    invites: Sequence[Invite], role: Role, *, by: Viewer, now: datetime, only_from: Role | None = None
) -> list[Invite]:
    """Give several invitees of one entry the same role, and say whose role is another one now.

    Raises:
        MissingError: one of the invites is not the viewer's to change.
        InvalidError: the role is not for this kind of entry.
    """
    for invite in invites:
        demand_invite(invite, by=by)
        if role not in invitable_roles(invite.entry.kind):
            raise InvalidError(_("Only viewers can be invited to a video or a document."), code="role")
    changed = [invite for invite in invites if _set_role_from(invite, role, only_from, by=by, now=now)]
    if only_from is None:
        # A host may have given somebody another one inside: the inviter's word is the later one.
        change_granted_roles(_participants_of(invites), role, entry_id=by.entry_id)
    return changed


def set_role(invite: Invite, role: Role, *, by: Viewer, now: datetime) -> None:
    """Write the role to the invite and to whoever was admitted by it."""
    _set_role_from(invite, role, None, by=by, now=now)
    # A host may have given them another one inside: the inviter's word is the later one.
    change_granted_roles(_participants_of([invite]), role, entry_id=invite.entry_id)


def _set_role_from(invite: Invite, role: Role, only_from: Role | None, *, by: Viewer, now: datetime) -> bool:
    before = invite.role
    mine = Invite.objects.filter(pk=invite.pk).exclude(role=role.value)
    if only_from is not None:
        mine = mine.filter(role=only_from.value)
    if not mine.update(role=role.value):
        return False
    invite.role = role.value
    if only_from is not None:
        change_granted_roles(_participants_of([invite]), role, entry_id=invite.entry_id)
    note_event([invite], Kind.ROLE_CHANGED, by=by, now=now, detail=f"{before} {role.value}")
    return True


@transaction.atomic
def withdraw_invite(invite: Invite, *, by: Viewer, now: datetime, is_told: bool = False) -> None:
    """Take the invitation back: its link is void, its passes end, whoever is inside is shown out at once.

    Args:
        is_told: whether the invitee learns of it by mail.

    Raises:
        MissingError: the invite is not the viewer's to withdraw.
    """
    withdraw_invites([invite], by=by, now=now, is_told=is_told)


@transaction.atomic
def withdraw_invites(
    invites: Sequence[Invite], *, by: Viewer, now: datetime, is_told: bool = False
) -> list[Invite]:
    """Take several invitations to one entry back, and say which were not withdrawn before.

    Raises:
        MissingError: one of the invites is not the viewer's to withdraw.
    """
    for invite in invites:
        demand_invite(invite, by=by)
    withdrawn = [invite for invite in invites if _withdraw_row(invite, now=now)]
    if not invites:
        return withdrawn
    # Those that were withdrawn before as well: whoever came in meanwhile, by whatever way, does not stay.
    end_passes(Pass.objects.filter(redemption__invite__in=invites), entry_id=by.entry_id, now=now)
    withdraw_grants(_participants_of(invites), entry_id=by.entry_id)
    note_event(withdrawn, Kind.WITHDRAWN, by=by, now=now)
    if is_told and settings_for(invites[0].entry.tenant).sends_mail:
        for invite in withdrawn:
            queue_withdrawn_mail(invite, language=language_of(invite), now=now)
    return withdrawn


def _withdraw_row(invite: Invite, *, now: datetime) -> bool:
    is_mine = Invite.objects.filter(pk=invite.pk, withdrawn_at__isnull=True).update(withdrawn_at=now) == 1
    invite.withdrawn_at = invite.withdrawn_at or now
    return is_mine


def set_language(invite: Invite, language: str, *, by: Viewer) -> None:
    """Write to the invitee in this language from now on; empty: as it comes.

    Raises:
        MissingError: the invite is not the viewer's.
    """
    demand_invite(invite, by=by)
    Invite.objects.filter(pk=invite.pk).update(language=language)
    invite.language = language


def demand_invite(invite: Invite, *, by: Viewer) -> None:
    """Go on only if the invite is the viewer's own, or theirs to manage.

    Raises:
        MissingError: it is not.
    """
    is_own = invite.made_by_id is not None and invite.made_by_id == by.person_id
    has_power = by.may(Power.MANAGE_ALL_INVITES) or (is_own and by.may(Power.INVITE))
    if invite.entry_id != by.entry_id or invite.tenant_id != by.tenant_id or not has_power:
        raise MissingError


def note_event(
    invites: Iterable[Invite], kind: Kind, *, by: Viewer | None, now: datetime, detail: str = ""
) -> None:
    """Write a line into the history of each of the invites.

    Args:
        by: None where a guest, or nobody, did it.
        detail: values of ours, never a name or an address.
    """
    person_id = by.person_id if by else None
    InviteEvent.objects.bulk_create(
        InviteEvent(invite=invite, kind=kind, at=now, by_id=person_id, detail=detail) for invite in invites
    )


def _participants_of(invites: Sequence[Invite]) -> QuerySet[Participant]:
    """Whom the invites let in: mostly one each; two where a guest came back signed in from the LMS."""
    let_in = Q(invites__in=invites) | Q(passes__redemption__invite__in=invites)
    return Participant.objects.filter(pk__in=Participant.objects.filter(let_in).values("pk"))
