"""What a rule would break: invites that are open, and mails that wait."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import F, Q, QuerySet

from invites.domains import (
    DomainRule,
    judge_domain,
)
from invites.models import Invite, ModuleSettings, OutboxMail
from invites.policy import judge_link
from invites.queries.invites import terms_of
from invites.queries.rules import domain_rules_of, known_among
from lti_tool.models import Tenant


def open_invites_of(tenant: Tenant, *, now: datetime) -> QuerySet[Invite]:
    """Invites whose links would let somebody in now, as far as the tenant's rules go."""
    has_place = Q(max_devices__isnull=True) | Q(devices_used__lt=F("max_devices"))
    return Invite.objects.filter(
        has_place,
        tenant=tenant,
        withdrawn_at__isnull=True,
        expires_at__gt=now,
        entry__deleted_at__isnull=True,
    )


def invites_broken_by(
    settings: ModuleSettings, *, enable: bool, rules: Iterable[DomainRule], now: datetime
) -> list[Invite]:
    """The open invites that these rules would refuse, and those in force do not."""
    if not settings.enable:
        return []
    open_invites = _open_invites(settings, now=now)
    if not enable:
        return open_invites
    before, after = domain_rules_of(settings), tuple(rules)
    refused = [
        invite
        for invite in open_invites
        if not judge_domain(_domain_of(invite), after) and judge_domain(_domain_of(invite), before)
    ]
    known = known_among(settings.tenant_id, {invite.normalised_email for invite in refused})
    return [invite for invite in refused if invite.normalised_email not in known]


def mails_stopped_in(settings: ModuleSettings, *, now: datetime) -> int:
    """How many invitations wait to be mailed, and would never be, if there were no email template."""
    if not settings.sends_mail or not settings.enable:
        return 0
    waiting = OutboxMail.objects.filter(
        tenant_id=settings.tenant_id,
        kind=OutboxMail.Kind.INVITATION,
        state__in=[OutboxMail.State.WAITING, OutboxMail.State.FAILED],
        generation=F("invite__generation"),
    )
    open_invites = open_invites_of(settings.tenant, now=now)
    return waiting.filter(invite__in=open_invites).values("invite").distinct().count()


def _open_invites(settings: ModuleSettings, *, now: datetime) -> list[Invite]:
    """The same as `open_invites_of`, the newest first, without those whose session is over."""
    rows = open_invites_of(settings.tenant, now=now).select_related("entry__tenant__platform", "participant")
    return [
        invite
        for invite in rows.order_by("-made_at", "pk")
        if judge_link(
            terms_of(invite, settings), generation=invite.generation, devices=invite.devices_used, now=now
        )
    ]


def _domain_of(invite: Invite) -> str:
    return invite.normalised_email.rpartition("@")[2]
