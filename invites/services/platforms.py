"""Changes of registrations and role mappings, with their line in the log of every tenant that they concern.

What changes is `lti_tool`'s; who changed it is told here, in the same transaction.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.db import transaction

from invites.services.audit import Action, audit_change, write_audit
from lti_tool.models import ConsoleKey, Deployment, Platform, Tenant
from lti_tool.queries import rules_of
from lti_tool.services.console_keys import end_console_key
from lti_tool.services.rolemapping import RoleMapping, change_role_mapping
from rooms.services.admission import tell_everybody

R = TypeVar("R")

_PLATFORM_FIELDS = (
    *("issuer", "client_id", "auth_url", "token_url", "jwks_url", "token_audience", "name"),
    *("state", "has_listed_deployments", "frame_origins"),
)


@transaction.atomic
def change_mapping(tenant: Tenant, mapping: RoleMapping, *, by: str, now: datetime) -> None:
    """Save the tab `rolemapping`."""
    before = _mapping_facts(tenant)
    change_role_mapping(tenant, mapping, by=by)
    after = _mapping_facts(Tenant.objects.get(pk=tenant.pk))
    audit_change(tenant, by=by, action=Action.ROLES_CHANGED, before=before, after=after, now=now)


@transaction.atomic
def recorded(platform: Platform, change: Callable[[], R], *, by: str, now: datetime) -> R:
    """Do a change of a registration, and tell each of its tenants what became different for them.

    Where each deployment is a tenant of its own, nobody reads of another's deployments.
    """
    tenants = list(Tenant.objects.filter(platform=platform))
    before = [_platform_facts(tenant) for tenant in tenants]
    result = change()
    for tenant, facts in zip(tenants, before, strict=True):
        audit_change(
            tenant,
            by=by,
            action=Action.REGISTRATION_CHANGED,
            subject=f"registration:{platform.pk}",
            before=facts,
            after=_platform_facts(tenant),
            now=now,
        )
    tell_everybody()  # a registration that is switched off ends what is open in its rooms
    return result


@transaction.atomic
def take_console(key: ConsoleKey, *, by: str, now: datetime) -> None:
    """Take the console from a browser, as `end_console_key`."""
    if end_console_key(key, by=by, now=now):
        write_audit(
            key.tenant, by=by, action=Action.CONSOLE_KEY_ENDED, subject=f"console-key:{key.pk}", now=now
        )


def _mapping_facts(tenant: Tenant) -> dict[str, object]:
    return {
        "learner_wins": tenant.learner_wins,
        "institution_admin_gets_console": tenant.institution_admin_gets_console,
        **{
            f"role:{rule.role}": [rule.right.value, int(rule.application_role.value)]
            for rule in sorted(rules_of(tenant), key=lambda rule: rule.role)
        },
    }


def _platform_facts(tenant: Tenant) -> dict[str, object]:
    platform = Platform.objects.get(pk=tenant.platform_id)
    facts: dict[str, object] = {field: getattr(platform, field) for field in _PLATFORM_FIELDS}
    deployments = Deployment.objects.filter(platform=platform)
    if platform.tenancy != Platform.Tenancy.PLATFORM:
        deployments = deployments.filter(tenant=tenant)
    states = deployments.order_by("pk").values_list("pk", "state")
    return {**facts, **{f"deployment:{pk}": state for pk, state in states}}
