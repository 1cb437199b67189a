"""A tenant's rules, and what they say to somebody."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.db.models import F, QuerySet

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
AT_ONCE: Final = 500  # SQLite takes only so many values in one question


def settings_for(tenant: Tenant) -> ModuleSettings:
    """The tenant's rules; where none were ever saved, the defaults as an unsaved value (nothing is written).

    Ask `sends_mail` whether mail can be sent, `is_named_in` whether somebody is named: both know that value.
    """
    stored = (
        ModuleSettings.objects.select_related("tenant", "invite_email_template").filter(tenant=tenant).first()
    )
    return _default_rules(tenant) if stored is None else stored


def rules_read_with(tenant: Tenant) -> ModuleSettings:
    """The same for a tenant whose `module_settings` came with it in one read."""
    try:
        return tenant.module_settings
    except ModuleSettings.DoesNotExist:
        return _default_rules(tenant)


def _default_rules(tenant: Tenant) -> ModuleSettings:
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
    return judge_newcomers(settings, [email])[email]


def judge_newcomers(
    settings: ModuleSettings, emails: Iterable[NormalisedEmail]
) -> dict[NormalisedEmail, Decision]:
    """The same question about many addresses, in as many reads for five hundred as for one."""
    rules = domain_rules_of(settings)
    by_domain: dict[str, Decision] = {}
    verdicts: dict[NormalisedEmail, Decision] = {}
    for email in emails:
        if email.domain not in by_domain:
            by_domain[email.domain] = judge_domain(email.domain, rules)
        verdicts[email] = by_domain[email.domain]
    refused = [email for email, verdict in verdicts.items() if not verdict]
    known = known_among(settings.tenant_id, map(str, refused))
    return verdicts | {email: Allowed() for email in refused if str(email) in known}


def known_among(tenant_id: UUID, emails: Iterable[str]) -> set[str]:
    """Those of the (normalised) addresses that belong to a person or a guest of the tenant."""
    known: set[str] = set()
    ordered = sorted(set(emails))
    for start in range(0, len(ordered), AT_ONCE):
        some = ordered[start : start + AT_ONCE]
        people = Person.objects.filter(tenant_id=tenant_id, normalised_email__in=some)
        guests = Guest.objects.filter(tenant_id=tenant_id, normalised_email__in=some)
        known.update(people.values_list("normalised_email", flat=True))
        known.update(guests.values_list("normalised_email", flat=True))
    return known


def person_with(tenant_id: UUID, email: str) -> Person | None:
    """The person of the tenant with this (normalised) address; of several the one who came last."""
    return people_with(tenant_id=tenant_id, normalised_email=email).first()


def people_with(**address: object) -> QuerySet[Person]:
    """The people of a tenant with an address, the one who came last first."""
    people = Person.objects.filter(is_test_user=False, **address)
    return people.order_by("is_disabled", F("launched_at").desc(nulls_last=True), "pk")
