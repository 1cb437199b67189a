"""Change what a tenant's roles are worth. It holds from each person's next launch (or roster) on."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from lti_tool.models import RoleRule, Tenant
from lti_tool.roles import VOCABULARY, Scope, Worth, default_rules

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RoleMapping:
    """The tab `rolemapping`, checked. A role that `rules` does not name is worth what its principal is."""

    rules: tuple[Worth, ...]
    learner_wins: bool = True
    institution_admin_gets_console: bool = True


def default_mapping() -> RoleMapping:
    """The mapping of a new tenant."""
    return RoleMapping(default_rules())


@transaction.atomic
def change_role_mapping(tenant: Tenant, mapping: RoleMapping, *, by: str) -> None:
    """Replace the whole mapping at once: a launch reads the old one or the new one, never half of each."""
    Tenant.objects.select_for_update().get(pk=tenant.pk)  # two saves at once: one after the other
    RoleRule.objects.filter(tenant=tenant).delete()
    RoleRule.objects.bulk_create(_rows(tenant, mapping.rules))
    tenant.learner_wins = mapping.learner_wins
    tenant.institution_admin_gets_console = mapping.institution_admin_gets_console
    tenant.save(update_fields=["learner_wins", "institution_admin_gets_console"])
    log.info("role mapping changed tenant=%s by=%s", tenant.pk, by)


def _rows(tenant: Tenant, rules: Sequence[Worth]) -> list[RoleRule]:
    by_role = {rule.role: rule for rule in rules if _is_context_role(rule.role)}
    return [
        RoleRule(
            tenant=tenant,
            role=rule.role,
            right=rule.right.value,
            application_role=rule.application_role.value,
        )
        for rule in by_role.values()
    ]


def _is_context_role(uri: str) -> bool:
    role = VOCABULARY.get(uri)
    return role is not None and role.scope is Scope.CONTEXT
