"""A tenant's rules are saved tab by tab, and each change stands in the log, with ids and nothing personal."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from invites.domains import parse_rules
from invites.models import AuditEvent, Group, ModuleSettings
from invites.queries import settings_for
from invites.services.settings import InvitingRules, Quotas, change_inviting_rules, change_theming
from lti_tool.models import Tenant
from tests.factories.invites import make_template
from tests.factories.lti import make_person, make_tenant

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BY = "operator:1"
DEFAULTS = InvitingRules(
    enable=True,
    link_duration=1440,
    link_reusability=1,
    allowed_users="private_only",
    allowed_people=(),
    allowed_groups=(),
    sends_mail=True,
    template_id=None,
    restrict_new_user_domains=(),
    valid_until_session_ends=True,
    verify_mailbox="nobody",
    suggestions="course",
    admin_contact="",
    sender_name="",
    sender_address="",
    quotas=Quotas(200, 2000, 10, 20_000),
    guest_retention_days=180,
)


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant()


def change(tenant: Tenant, **values: object) -> dict[str, list[object]]:
    """Save the defaults with these values; answers what the newest line of the log says."""
    change_inviting_rules(tenant, replace(DEFAULTS, **values), by=BY, now=NOW)  # type: ignore[arg-type]
    event = AuditEvent.objects.order_by("-pk").first()
    return event.changes if event else {}


def test_saving_the_defaults_is_no_change(tenant: Tenant) -> None:
    assert change(tenant) == {}
    assert settings_for(tenant).pk


def test_the_log_says_from_what_to_what(tenant: Tenant) -> None:
    person, group = make_person(tenant), Group.objects.create(tenant=tenant, name="Events")
    template = make_template(tenant, "Ours")
    changed = change(
        tenant,
        enable=False,
        link_duration=60,
        allowed_users="named",
        allowed_people=(person.pk,),
        allowed_groups=(group.pk,),
        template_id=template.pk,
        restrict_new_user_domains=parse_rules(["university.edu"]),
        quotas=Quotas(20, 2000, 10, 20_000),
    )
    shipped = changed.pop("inviteEmailTemplate")
    assert shipped[1] == template.pk
    assert shipped[0] != template.pk
    assert changed == {
        "enable": [True, False],
        "LinkDuration": [1440, 60],
        "AllowedUsers": ["private_only", "named"],
        "AllowedPeople": [[], [str(person.pk)]],
        "AllowedGroups": [[], [group.pk]],
        "RestrictNewUserDomains": [[], ["university.edu"]],
        "QuotaPerInviterHour": [200, 20],
    }
    event = AuditEvent.objects.get()
    assert (event.tenant, event.actor, event.action, event.at) == (tenant, BY, "invitetomedia.changed", NOW)
    assert change(tenant, enable=False, link_duration=60)["AllowedPeople"] == [[str(person.pk)], []]


def test_addresses_are_not_in_the_log_but_that_they_changed_is(tenant: Tenant) -> None:
    first = change(
        tenant, admin_contact="help@university.edu", sender_name="Pat", sender_address="pat@university.edu"
    )
    assert set(first) == {"AdminContact", "SenderName", "SenderAddress"}
    second = change(
        tenant, admin_contact="desk@university.edu", sender_name="Pat", sender_address="pat@university.edu"
    )
    assert set(second) == {"AdminContact"}
    kept = str(list(AuditEvent.objects.values_list("changes", flat=True)))
    assert not any(word in kept for word in ("university", "Pat", "pat@"))


def test_people_groups_and_templates_of_other_tenants_are_left_out(tenant: Tenant) -> None:
    other = make_tenant()
    settings = change_inviting_rules(
        tenant,
        replace(
            DEFAULTS,
            allowed_people=(make_person(other).pk,),
            allowed_groups=(Group.objects.create(tenant=other, name="Theirs").pk,),
            template_id=make_template(other, "Theirs").pk,
        ),
        by=BY,
        now=NOW,
    )
    assert not settings.allowed_people.exists()
    assert not settings.allowed_groups.exists()
    assert settings.invite_email_template is None


def test_theming_has_a_line_of_its_own(tenant: Tenant) -> None:
    change_theming(tenant, shows_on_media_page=True, by=BY, now=NOW)
    assert not AuditEvent.objects.exists()
    change_theming(tenant, shows_on_media_page=False, by=BY, now=NOW)
    event = AuditEvent.objects.get()
    assert (event.action, event.changes) == ("theming.changed", {"mediapage": [True, False]})
    assert not ModuleSettings.objects.get().shows_on_media_page
