"""Changes of registrations and role mappings stand in the log of the tenants that they concern."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

from common.errors import InvalidError
from invites.models import AuditEvent
from invites.services.platforms import change_mapping, recorded, take_console
from lti_tool.models import Platform
from lti_tool.roles import ApplicationRole, Right, Worth, context_uri
from lti_tool.services.console_keys import make_console_claim, redeem_console_claim
from lti_tool.services.registration import change_frame_origins, switch_deployment, switch_registration
from lti_tool.services.rolemapping import RoleMapping, default_mapping
from tests.factories.lti import make_deployment, make_platform, make_tenant

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BY = "operator:1"


def test_a_changed_mapping_names_the_roles_that_changed() -> None:
    tenant = make_tenant()
    change_mapping(tenant, default_mapping(), by=BY, now=NOW)
    assert not AuditEvent.objects.exists(), "the defaults, spelled out, are no change"
    mentor = Worth(context_uri("Mentor"), Right.CO_EDITOR, ApplicationRole.ADMIN)
    others = tuple(rule for rule in default_mapping().rules if rule.role != mentor.role)
    mapping = replace(default_mapping(), rules=(*others, mentor), learner_wins=False)
    change_mapping(tenant, mapping, by=BY, now=NOW)
    event = AuditEvent.objects.get()
    assert (event.tenant, event.action, event.actor) == (tenant, "rolemapping.changed", BY)
    assert event.changes["learner_wins"] == [True, False]
    assert event.changes[f"role:{mentor.role}"][1] == ["co_editor", ApplicationRole.ADMIN.value]
    assert set(event.changes) == {"learner_wins", f"role:{mentor.role}"}
    change_mapping(tenant, RoleMapping(mapping.rules, learner_wins=True), by=BY, now=NOW)
    assert AuditEvent.objects.count() == 2


def test_a_switched_registration_stands_in_its_tenants_log() -> None:
    tenant, other = make_tenant(), make_tenant()
    switch = partial(switch_registration, tenant.platform, is_on=False, by=BY)
    recorded(tenant.platform, switch, by=BY, now=NOW)
    event = AuditEvent.objects.get()
    assert (event.tenant, event.subject) == (tenant, f"registration:{tenant.platform_id}")
    assert event.changes == {"state": ["active", "disabled"]}
    recorded(tenant.platform, switch, by=BY, now=NOW)
    assert AuditEvent.objects.count() == 1, "off already"
    assert not AuditEvent.objects.filter(tenant=other).exists()


def test_where_each_deployment_is_a_tenant_nobody_reads_of_anothers() -> None:
    platform = make_platform(tenancy=Platform.Tenancy.DEPLOYMENT)
    one, two = make_tenant(platform=platform), make_tenant(platform=platform)
    deployment = make_deployment(one)
    make_deployment(two)
    recorded(platform, partial(switch_deployment, deployment, is_on=False, by=BY), by=BY, now=NOW)
    assert [event.tenant for event in AuditEvent.objects.all()] == [one]
    assert AuditEvent.objects.get().changes == {f"deployment:{deployment.pk}": ["active", "disabled"]}
    origins = ["https://campus.example"]
    recorded(platform, partial(change_frame_origins, platform, origins, by=BY), by=BY, now=NOW)
    told = AuditEvent.objects.filter(changes__has_key="frame_origins")
    assert {event.tenant for event in told} == {one, two}


def test_a_refused_change_leaves_no_line() -> None:
    tenant = make_tenant()
    with pytest.raises(InvalidError):
        recorded(
            tenant.platform,
            partial(change_frame_origins, tenant.platform, ["nonsense"], by=BY),
            by=BY,
            now=NOW,
        )
    assert not AuditEvent.objects.exists()


def test_taking_the_console_from_a_browser_is_told_once() -> None:
    tenant = make_tenant()
    make_console_claim(tenant.platform, secret="s" * 40, now=NOW)
    key = redeem_console_claim("s" * 40, browser="Firefox", now=NOW).key
    for _time in range(2):
        take_console(key, by=BY, now=NOW)
    event = AuditEvent.objects.get()
    assert (event.action, event.subject) == ("registrations.console_key_ended", f"console-key:{key.pk}")
