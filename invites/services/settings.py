"""Change a tenant's rules. Each tab of the console saves its own part and leaves the rest as it is.

Every change stands in the tenant's log, in the same transaction.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from invites.domains import DomainRule
from invites.models import EmailTemplate, Group, ModuleSettings
from invites.queries import SHIPPED_TEMPLATE_NAME
from invites.services.audit import Action, audit_change, fingerprint
from lti_tool.models import Person, Tenant

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Quotas:
    """How much may be invited and mailed."""

    per_inviter_hour: int
    per_entry: int
    per_recipient_day: int
    per_tenant_day: int


@dataclass(frozen=True, slots=True)
class InvitingRules:
    """The tab `invitetomedia`, checked.

    Args:
        allowed_users: a value of `ModuleSettings.AllowedUsers`.
        template_id: one of the tenant's templates; None with `sends_mail` is the shipped one.
        sends_mail: whether anybody may send an invitation by mail.
        verify_mailbox: a value of `ModuleSettings.VerifyMailbox`.
        suggestions: a value of `ModuleSettings.Suggestions`.
        sender_name: empty is the installation's, as is `sender_address`.
    """

    enable: bool
    link_duration: int
    link_reusability: int
    allowed_users: str
    allowed_people: tuple[UUID, ...]
    allowed_groups: tuple[int, ...]
    sends_mail: bool
    template_id: int | None
    restrict_new_user_domains: tuple[DomainRule, ...]
    valid_until_session_ends: bool
    verify_mailbox: str
    suggestions: str
    admin_contact: str
    sender_name: str
    sender_address: str
    quotas: Quotas
    guest_retention_days: int


@transaction.atomic
def change_inviting_rules(tenant: Tenant, rules: InvitingRules, *, by: str, now: datetime) -> ModuleSettings:
    """Save the tab `invitetomedia`. People, groups and templates of other tenants are left out.

    Args:
        by: whoever changes them, for the log: `operator:1` or `person:<id>`.
    """
    settings = _stored(tenant)
    before = _inviting_facts(settings)
    settings.enable = rules.enable
    settings.link_duration = rules.link_duration
    settings.link_reusability = rules.link_reusability
    settings.allowed_users = rules.allowed_users
    settings.restrict_new_user_domains = [str(rule) for rule in rules.restrict_new_user_domains]
    settings.valid_until_session_ends = rules.valid_until_session_ends
    settings.verify_mailbox = rules.verify_mailbox
    settings.suggestions = rules.suggestions
    settings.admin_contact = rules.admin_contact
    settings.sender_name = rules.sender_name
    settings.sender_address = rules.sender_address
    settings.quota_per_inviter_hour = rules.quotas.per_inviter_hour
    settings.quota_per_entry = rules.quotas.per_entry
    settings.quota_per_recipient_day = rules.quotas.per_recipient_day
    settings.quota_per_tenant_day = rules.quotas.per_tenant_day
    settings.guest_retention_days = rules.guest_retention_days
    settings.invite_email_template = _template(tenant, rules)
    settings.save()
    settings.allowed_people.set(Person.objects.filter(tenant=tenant, pk__in=rules.allowed_people))
    settings.allowed_groups.set(Group.objects.filter(tenant=tenant, pk__in=rules.allowed_groups))
    after = _inviting_facts(settings)
    audit_change(tenant, by=by, action=Action.SETTINGS_CHANGED, before=before, after=after, now=now)
    _log_change(settings, tab="invitetomedia", by=by)
    return settings


@transaction.atomic
def change_theming(tenant: Tenant, *, shows_on_media_page: bool, by: str, now: datetime) -> ModuleSettings:
    """Save the tab `theming`."""
    settings = _stored(tenant)
    before = {"mediapage": settings.shows_on_media_page}
    settings.shows_on_media_page = shows_on_media_page
    settings.save()
    after = {"mediapage": settings.shows_on_media_page}
    audit_change(tenant, by=by, action=Action.THEMING_CHANGED, before=before, after=after, now=now)
    _log_change(settings, tab="theming", by=by)
    return settings


def _stored(tenant: Tenant) -> ModuleSettings:
    """The tenant's row, made with the defaults where there is none."""
    settings, is_new = ModuleSettings.objects.select_for_update().get_or_create(tenant=tenant)
    if is_new:
        settings.invite_email_template = _shipped(tenant)
    return settings


def _inviting_facts(settings: ModuleSettings) -> dict[str, object]:
    """What the log compares: fields under the names that administrators know, nothing personal in them."""
    people = settings.allowed_people.order_by("pk").values_list("pk", flat=True)
    groups = settings.allowed_groups.order_by("pk").values_list("pk", flat=True)
    return {
        "enable": settings.enable,
        "LinkDuration": settings.link_duration,
        "LinkReusability": settings.link_reusability,
        "AllowedUsers": str(settings.allowed_users),
        "AllowedPeople": [str(person_id) for person_id in people],
        "AllowedGroups": list(groups),
        "inviteEmailTemplate": settings.invite_email_template_id,
        "RestrictNewUserDomains": list(settings.restrict_new_user_domains),
        "ValidUntilSessionEnds": settings.valid_until_session_ends,
        "VerifyMailbox": str(settings.verify_mailbox),
        "Suggestions": str(settings.suggestions),
        "AdminContact": fingerprint(settings.admin_contact),
        "SenderName": fingerprint(settings.sender_name),
        "SenderAddress": fingerprint(settings.sender_address),
        "QuotaPerInviterHour": settings.quota_per_inviter_hour,
        "QuotaPerEntry": settings.quota_per_entry,
        "QuotaPerRecipientDay": settings.quota_per_recipient_day,
        "QuotaPerTenantDay": settings.quota_per_tenant_day,
        "GuestRetentionDays": settings.guest_retention_days,
    }


def _template(tenant: Tenant, rules: InvitingRules) -> EmailTemplate | None:
    if not rules.sends_mail:
        return None
    if rules.template_id is None:
        return _shipped(tenant)
    return EmailTemplate.objects.filter(tenant=tenant, pk=rules.template_id).first()


def _shipped(tenant: Tenant) -> EmailTemplate:
    """The tenant's template without texts of its own: the shipped mail speaks for it."""
    shipped = EmailTemplate.objects.filter(tenant=tenant, texts__isnull=True).order_by("pk").first()
    return shipped or EmailTemplate.objects.create(tenant=tenant, name=SHIPPED_TEMPLATE_NAME)


def _log_change(settings: ModuleSettings, *, tab: str, by: str) -> None:
    log.info("settings changed tab=%s tenant=%s by=%s", tab, settings.tenant_id, by)
