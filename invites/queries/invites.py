"""Invites: behind a link, and in a list."""

from uuid import UUID

from common.errors import MissingError
from invites.links import LinkClaim
from invites.models import Invite, ModuleSettings, Redemption
from invites.policy import Terms
from invites.queries.invite_list import visible_invites, with_life
from lti_tool.models import Platform
from rooms.access import Viewer
from rooms.models import Entry
from rooms.policy.doors import schedule_of, session_ends_at
from rooms.policy.roles import Role


def invite_behind(claim: LinkClaim) -> Invite | None:
    """The invite that a genuine link speaks of, whoever asks: the link is the proof."""
    return (
        Invite.objects.select_related(
            "entry__tenant__platform", "tenant", "made_by", "participant__person", "participant__guest"
        )
        .filter(pk=claim.invite_id)
        .first()
    )


def terms_of(invite: Invite, settings: ModuleSettings) -> Terms:
    """What an invite allows, and what holds for its entry now."""
    entry = invite.entry
    is_in_use = entry.tenant.platform.state == Platform.State.ACTIVE
    return Terms(
        generation=invite.generation,
        expires_at=invite.expires_at,
        max_devices=invite.max_devices,
        is_withdrawn=invite.withdrawn_at is not None,
        is_removed=invite.participant is not None and invite.participant.removed_at is not None,
        is_module_enabled=settings.enable,
        is_entry_gone=entry.deleted_at is not None or not is_in_use,
        session_ends_at=session_ends_at(schedule_of(entry)),
    )


def redemption_of(claim: LinkClaim, device_hash: str) -> Redemption | None:
    """What this device has redeemed with this generation of the link."""
    return (
        Redemption.objects.select_related("issued_pass")
        .filter(invite_id=claim.invite_id, generation=claim.generation, device_hash=device_hash)
        .first()
    )


def speakers_of(entry: Entry) -> list[str]:
    """The names of those who are invited to speak, as their inviters wrote them."""
    speakers = Invite.objects.filter(entry=entry, role=Role.SPEAKER, withdrawn_at__isnull=True)
    return [invite.shown_name for invite in speakers.order_by("made_at", "pk")]


def invite_for(viewer: Viewer, invite_id: UUID) -> Invite:
    """One of them.

    Raises:
        MissingError: there is no such invite, or it is not the viewer's to see.
    """
    found = with_life(visible_invites(viewer)).filter(pk=invite_id).first()
    if found is None:
        raise MissingError
    return found
