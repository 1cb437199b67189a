"""What happens to an invite after it was made: another role, withdrawal."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from common.errors import InvalidError, MissingError
from invites.models import Invite
from invites.policy import invitable_roles
from rooms.access import Viewer
from rooms.models import Participant, Pass
from rooms.policy.rights import Power
from rooms.policy.roles import Role
from rooms.services.admission import change_granted_role, end_passes, tell_standing, withdraw_grant


@transaction.atomic
def change_role(invite: Invite, role: Role, *, by: Viewer) -> None:
    """Give the invitee another role, up or down; whoever is inside feels it at once.

    Raises:
        MissingError: the invite is not the viewer's to change.
        InvalidError: the role is not for this kind of entry.
    """
    demand_invite(invite, by=by)
    if role not in invitable_roles(invite.entry.kind):
        raise InvalidError(_("Only viewers can be invited to a video or a document."), code="role")
    set_role(invite, role)


@transaction.atomic
def withdraw_invite(invite: Invite, *, by: Viewer, now: datetime) -> None:
    """Take the invitation back: its link is void, its passes end, whoever is inside is shown out at once.

    Raises:
        MissingError: the invite is not the viewer's to withdraw.
    """
    demand_invite(invite, by=by)
    Invite.objects.filter(pk=invite.pk, withdrawn_at__isnull=True).update(withdrawn_at=now)
    invite.withdrawn_at = invite.withdrawn_at or now
    end_passes(Pass.objects.filter(redemption__invite=invite), entry_id=invite.entry_id, now=now)
    for participant in _participants_of(invite):
        withdraw_grant(participant)
    tell_standing(invite.entry_id)


def demand_invite(invite: Invite, *, by: Viewer) -> None:
    """Go on only if the invite is the viewer's own, or theirs to manage.

    Raises:
        MissingError: it is not.
    """
    is_own = invite.made_by_id is not None and invite.made_by_id == by.person_id
    has_power = by.may(Power.MANAGE_ALL_INVITES) or (is_own and by.may(Power.INVITE))
    if invite.entry_id != by.entry_id or invite.tenant_id != by.tenant_id or not has_power:
        raise MissingError


def set_role(invite: Invite, role: Role) -> None:
    """Write the role to the invite and to whoever was admitted by it."""
    Invite.objects.filter(pk=invite.pk).update(role=role.value)
    invite.role = role.value
    for participant in _participants_of(invite):
        change_granted_role(participant, role)


def _participants_of(invite: Invite) -> list[Participant]:
    """Whom the invite let in: mostly one; two where a guest came back signed in from the LMS."""
    found = Participant.objects.filter(Q(invites=invite) | Q(passes__redemption__invite=invite))
    return list(found.distinct())
