"""A tenant's rules, and what they say to somebody."""

from typing import Final
from uuid import UUID

from django.db.models import F

from common.decisions import Allowed, Decision
from invites.domains import (
    DomainRule,
    NormalisedEmail,
    judge_domain,
    stored_rules,
)
from invites.models import EmailTemplate, ModuleSettings
from invites.policy import InvitingFacts
from invites.queries.groups import is_named_in
from lti_tool.models import Person, Tenant
from rooms.access import Viewer
from rooms.models import Entry, Guest
from rooms.policy.rights import Power

SHIPPED_TEMPLATE_NAME: Final = "Invitation"


def settings_for(tenant: Tenant) -> ModuleSettings:
    """The tenant's rules; where none were ever saved, the defaults as an unsaved value (nothing is written).

    Ask `sends_mail` whether mail can be sent, `is_named_in` whether somebody is named: both know that value.
    """
    stored = (
        ModuleSettings.objects.select_related("tenant", "invite_email_template").filter(tenant=tenant).first()
    )
    if stored is not None:
        return stored
    shipped = EmailTemplate(tenant=tenant, name=SHIPPED_TEMPLATE_NAME)
    return ModuleSettings(tenant=tenant, invite_email_template=shipped)


def domain_rules_of(settings: ModuleSettings) -> tuple[DomainRule, ...]:
    """RestrictNewUserDomains, ready for `judge_domain`."""
    return stored_rules(settings.restrict_new_user_domains)


def inviting_facts(viewer: Viewer, entry: Entry, settings: ModuleSettings) -> InvitingFacts:
    """What decides whether the viewer may invite to the entry."""
    is_asked_by_name = settings.allowed_users == ModuleSettings.AllowedUsers.NAMED
    return InvitingFacts(
        is_module_enabled=settings.enable,
        shows_on_media_page=settings.shows_on_media_page,
        kind=str(entry.kind),
        has_chat=entry.has_chat,
        has_inviting_right=viewer.may(Power.INVITE),
        application_role=viewer.application_role,
        allowed_users=str(settings.allowed_users),
        is_named=(
            is_asked_by_name and viewer.person_id is not None and is_named_in(settings, viewer.person_id)
        ),
    )


def judge_newcomer(settings: ModuleSettings, email: NormalisedEmail) -> Decision:
    """RestrictNewUserDomains, the one question of form, list, file, re-invite and lobby.

    Only an address that matches no person and no guest of the tenant is new.
    """
    verdict = judge_domain(email.domain, domain_rules_of(settings))
    if verdict or _is_known(settings.tenant_id, str(email)):
        return Allowed()
    return verdict


def _is_known(tenant_id: UUID, email: str) -> bool:
    return (
        Person.objects.filter(tenant_id=tenant_id, normalised_email=email).exists()
        or Guest.objects.filter(tenant_id=tenant_id, normalised_email=email).exists()
    )


def person_with(tenant_id: UUID, email: str) -> Person | None:
    """The person of the tenant with this (normalised) address; of several the one who came last."""
    return (
        Person.objects.filter(tenant_id=tenant_id, normalised_email=email, is_test_user=False)
        .order_by("is_disabled", F("launched_at").desc(nulls_last=True), "pk")
        .first()
    )
