"""From which hosts a tenant lets entries show media."""

from datetime import datetime

from django.db import transaction

from invites.services.audit import Action, audit_change
from lti_tool.models import Tenant
from rooms.queries.media import embed_hosts_of
from rooms.services.media import change_embed_hosts


@transaction.atomic
def change_embeds(tenant: Tenant, hosts: list[str], *, by: str, now: datetime) -> None:
    """Save the list, and log what came and what went.

    Args:
        by: whoever changes it, for the log: `operator:1` or `person:<id>`.
    """
    before = {"embedHosts": list(embed_hosts_of(tenant))}
    change_embed_hosts(tenant, hosts)
    audit_change(
        tenant, by=by, action=Action.THEMING_CHANGED, before=before, after={"embedHosts": hosts}, now=now
    )
