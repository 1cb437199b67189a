"""Scoped reads of this app."""

from typing import Final
from uuid import UUID

from invites.domains import DomainRule, stored_rules
from invites.models import EmailTemplate, ModuleSettings
from lti_tool.models import Tenant

SHIPPED_TEMPLATE_NAME: Final = "Invitation"


def settings_for(tenant: Tenant) -> ModuleSettings:
    """The tenant's rules; where none were ever saved, the defaults as an unsaved value (nothing is written).

    Ask `sends_mail` whether mail can be sent, and `is_named_in` whether somebody is named: both know that value.
    """
    stored = (
        ModuleSettings.objects.select_related("tenant", "invite_email_template").filter(tenant=tenant).first()
    )
    if stored is not None:
        return stored
    shipped = EmailTemplate(tenant=tenant, name=SHIPPED_TEMPLATE_NAME)
    return ModuleSettings(tenant=tenant, invite_email_template=shipped)


def is_named_in(settings: ModuleSettings, person_id: UUID) -> bool:
    """Whether AllowedUsers names this person."""
    named = ModuleSettings.objects.filter(tenant_id=settings.tenant_id, allowed_people=person_id)
    return named.exists()


def domain_rules_of(settings: ModuleSettings) -> tuple[DomainRule, ...]:
    """RestrictNewUserDomains, ready for `judge_domain`."""
    return stored_rules(settings.restrict_new_user_domains)
