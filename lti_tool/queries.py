"""Scoped reads."""

from lti_tool.models import Tenant
from lti_tool.roles import ApplicationRole, Right, Worth, default_rules


def rules_of(tenant: Tenant) -> tuple[Worth, ...]:
    """The tenant's role mapping; the default one where it has none of its own."""
    rows = tenant.role_rules.all()
    stored = tuple(Worth(row.role, Right(row.right), ApplicationRole(row.application_role)) for row in rows)
    return stored or default_rules()
