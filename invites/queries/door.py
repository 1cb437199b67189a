"""All that says what a link is worth to a device, in one read."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import FilteredRelation, OuterRef, Q, QuerySet, Subquery

from invites.links import LinkClaim
from invites.models import Invite, ModuleSettings, Redemption
from invites.policy import Terms
from invites.queries.invites import terms_of
from invites.queries.rules import people_with, rules_read_with
from lti_tool.prepared import PreparedRead, Slot
from rooms.models import Guest


@dataclass(frozen=True, slots=True)
class Door:
    """A device with a genuine link, and what the database said when it was asked.

    Args:
        before: what this device has redeemed with this generation of the link.
        person_id: of the person with the invited address; of several the one who came last.
        guest_id: of the guest with the invited address.
    """

    claim: LinkClaim
    invite: Invite
    rules: ModuleSettings
    before: Redemption | None
    person_id: UUID | None
    guest_id: UUID | None

    @property
    def terms(self) -> Terms:
        """What the invite allows, and what holds for its entry."""
        return terms_of(self.invite, self.rules)

    @property
    def has_pass(self) -> bool:
        """Whether this device holds a pass that has not ended."""
        return self.before is not None and self.before.issued_pass.ended_at is None

    @property
    def has_place(self) -> bool:
        """Whether this device is counted among those of the link: it needs no other place."""
        return self.before is not None and self.before.issued_pass.moved_at is None


def _doors() -> QuerySet[Invite]:
    mine = Q(
        redemptions__generation=Slot("generation", Redemption.generation),
        redemptions__device_hash=Slot("device_hash", Redemption.device_hash),
    )
    address = {"tenant_id": OuterRef("tenant_id"), "normalised_email": OuterRef("normalised_email")}
    return (
        Invite.objects.annotate(  # type: ignore[misc]  # the plugin does not know that `mine` is selected
            mine=FilteredRelation("redemptions", condition=mine),
            person_found=Subquery(people_with(**address).values("pk")[:1]),
            guest_found=Subquery(Guest.objects.filter(**address).values("pk")[:1]),
        )
        .select_related(
            "entry__tenant__platform",
            "entry__tenant__module_settings",
            "participant",
            "mine__issued_pass",
        )
        .filter(pk=Slot("invite", Invite.id))
        .order_by()
    )


_DOOR: Final = PreparedRead(_doors)


def door_of(claim: LinkClaim, device_hash: str) -> Door | None:
    """What a genuine link says to this device; None where its invite is gone."""
    invite = _DOOR.first(invite=claim.invite_id, generation=claim.generation, device_hash=device_hash)
    if invite is None:
        return None
    invite.tenant = invite.entry.tenant  # the same one: an invite belongs to whom its entry belongs to
    return Door(
        claim=claim,
        invite=invite,
        rules=rules_read_with(invite.tenant),
        before=getattr(invite, "mine", None),
        person_id=getattr(invite, "person_found", None),
        guest_id=getattr(invite, "guest_found", None),
    )
