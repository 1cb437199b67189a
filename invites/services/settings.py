"""Change a tenant's rules. Each tab of the console saves its own part and leaves the rest as it is."""

import logging
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from invites.domains import DomainRule
from invites.models import EmailTemplate, ModuleSettings
from invites.queries import SHIPPED_TEMPLATE_NAME
from lti_tool.models import Person, Tenant

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InvitingRules:
    """The tab `invitetomedia`, checked.

    Args:
        allowed_users: a value of `ModuleSettings.AllowedUsers`.
        template_id: one of the tenant's templates; None with `sends_mail` is the shipped one.
        sends_mail: whether anybody may send an invitation by mail.
    """

    enable: bool
    link_duration: int
    link_reusability: int
    allowed_users: str
    allowed_people: tuple[UUID, ...]
    sends_mail: bool
    template_id: int | None
    restrict_new_user_domains: tuple[DomainRule, ...]
    valid_until_session_ends: bool
    admin_contact: str


@transaction.atomic
def change_inviting_rules(tenant: Tenant, rules: InvitingRules, *, by: str) -> ModuleSettings:
    """Save the tab `invitetomedia`. People and templates of other tenants are left out.

    Args:
        by: whoever changes them, for the log: `operator:1` or `person:<id>`.
    """
    settings = _stored(tenant)
    settings.enable = rules.enable
    settings.link_duration = rules.link_duration
    settings.link_reusability = rules.link_reusability
    settings.allowed_users = rules.allowed_users
    settings.restrict_new_user_domains = [str(rule) for rule in rules.restrict_new_user_domains]
    settings.valid_until_session_ends = rules.valid_until_session_ends
    settings.admin_contact = rules.admin_contact
    settings.invite_email_template = _template(tenant, rules)
    settings.save()
    settings.allowed_people.set(Person.objects.filter(tenant=tenant, pk__in=rules.allowed_people))
    _log_change(settings, tab="invitetomedia", by=by)
    return settings


@transaction.atomic
def change_theming(tenant: Tenant, *, shows_on_media_page: bool, by: str) -> ModuleSettings:
    """Save the tab `theming`."""
    settings = _stored(tenant)
    settings.shows_on_media_page = shows_on_media_page
    settings.save()
    _log_change(settings, tab="theming", by=by)
    return settings


def _stored(tenant: Tenant) -> ModuleSettings:
    """The tenant's row, made with the defaults where there is none."""
    settings, is_new = ModuleSettings.objects.select_for_update().get_or_create(tenant=tenant)
    if is_new:
        settings.invite_email_template = _shipped(tenant)
    return settings


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
