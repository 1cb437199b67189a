"""Registering a platform."""

from dataclasses import replace

import pytest
from django.conf import settings
from django.utils import timezone

from common.errors import InvalidError
from lti_tool.claims import LoginRequest
from lti_tool.models import Deployment, Platform, RoleRule, Tenant
from lti_tool.queries import rules_of
from lti_tool.roles import default_rules
from lti_tool.services.launch import begin_login
from lti_tool.services.registration import (
    Changes,
    ForeignClientError,
    ForeignIssuerError,
    Registration,
    RegistrationExistsError,
    add_platform,
    approve_deployment,
    change_registration,
    register_platform,
)

CAMPUS = Registration(
    issuer="https://lms.example",
    client_id="client-1",
    auth_url="https://lms.example/auth",
    token_url="https://lms.example/token",
    jwks_url="https://lms.example/jwks",
)

pytestmark = pytest.mark.django_db


def changed(**values: object) -> Registration:
    return Registration(**{**{name: getattr(CAMPUS, name) for name in CAMPUS.__slots__}, **values})


def test_a_platform_comes_with_a_tenant_and_its_rules() -> None:
    outcome = register_platform(CAMPUS)
    assert outcome.is_new
    platform = outcome.platform
    assert (platform.name, platform.state, platform.audience) == (
        "lms.example",
        "active",
        "https://lms.example/token",
    )
    assert not platform.has_listed_deployments
    assert set(rules_of(platform.tenants.get())) == set(default_rules())


def test_registering_twice_changes_nothing() -> None:
    register_platform(changed(deployment_ids=("a", "b", "a")))
    outcome = register_platform(changed(deployment_ids=("b", "a")))
    assert (outcome.is_new, outcome.changed) == (False, ())
    assert (Platform.objects.count(), Tenant.objects.count(), Deployment.objects.count()) == (1, 1, 2)
    assert RoleRule.objects.count() == len(default_rules())


def test_a_change_needs_to_be_asked_for() -> None:
    register_platform(CAMPUS)
    other = changed(jwks_url="https://lms.example/keys", deployment_ids=("a",))
    with pytest.raises(RegistrationExistsError) as caught:
        register_platform(other)
    assert caught.value.differing == ("jwks_url", "has_listed_deployments", "deployments")
    assert Platform.objects.get().jwks_url == CAMPUS.jwks_url
    outcome = register_platform(other, may_update=True)
    assert outcome.changed == caught.value.differing
    assert Platform.objects.get().jwks_url == "https://lms.example/keys"
    assert Deployment.objects.get().state == "active"


def test_what_is_not_said_again_is_left_as_it_is() -> None:
    given = {"name": "Campus", "audience": "https://x", "tenancy": "deployment", "deployment_ids": ("a",)}
    register_platform(changed(**given))
    assert register_platform(CAMPUS).changed == ()
    platform = Platform.objects.get()
    assert (platform.name, platform.audience, platform.tenancy) == ("Campus", "https://x", "deployment")
    assert platform.has_listed_deployments


def test_naming_a_pending_deployment_approves_it() -> None:
    platform = register_platform(changed(deployment_ids=("a",))).platform
    waiting = Deployment.objects.create(
        platform=platform, tenant=platform.tenants.get(), deployment_id="b", state="pending"
    )
    register_platform(changed(deployment_ids=("a", "b")), may_update=True)
    waiting.refresh_from_db()
    assert waiting.state == "active"


def test_an_operator_approves_a_deployment() -> None:
    platform = register_platform(CAMPUS).platform
    waiting = Deployment.objects.create(
        platform=platform, tenant=platform.tenants.get(), deployment_id="b", state="pending"
    )
    approve_deployment(waiting)
    waiting.refresh_from_db()
    assert waiting.state == "active"


def test_two_clients_of_one_issuer_are_two_platforms() -> None:
    first = register_platform(CAMPUS).platform
    second = register_platform(changed(client_id="client-2")).platform
    assert first.tenants.get() != second.tenants.get()


@pytest.mark.parametrize(
    ("issuer", "tenancy", "expected"),
    [
        ("https://lms.example", "", "platform"),
        ("https://canvas.instructure.com", "", "deployment"),
        ("https://blackboard.com", "", "deployment"),
        ("https://canvas.instructure.com", "platform", "platform"),
        ("https://lms.example", "deployment", "deployment"),
    ],
)
def test_whose_people_they_are(issuer: str, tenancy: str, expected: str) -> None:
    platform = register_platform(changed(issuer=issuer, tenancy=tenancy, deployment_ids=("a", "b"))).platform
    assert platform.tenancy == expected
    assert platform.tenants.count() == (2 if expected == "deployment" else 1)


def test_brightspace_gets_its_audience_unless_another_is_given() -> None:
    token_url = "https://auth.brightspace.com/core/connect/token"
    platform = register_platform(changed(token_url=token_url)).platform
    assert platform.audience == "https://api.brightspace.com/auth/token"
    other = register_platform(changed(client_id="c2", token_url=token_url, audience="https://x")).platform
    assert other.audience == "https://x"


@pytest.mark.parametrize(
    "values",
    [
        {"issuer": "https://lms.example/"},
        {"issuer": "lms.example"},
        {"issuer": "http://lms.example"},
        {"auth_url": "http://lms.example/auth"},
        {"auth_url": "javascript:alert(1)"},
        {"token_url": "https://10.0.0.1/token"},
        {"jwks_url": "https://user:pw@lms.example/jwks"},
        {"client_id": ""},
        {"client_id": "x" * 256},
        {"deployment_ids": ("",)},
        {"tenancy": "nobody"},
    ],
    ids=str,
)
def test_values_that_could_never_work_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(InvalidError) as caught:
        register_platform(changed(**values))
    assert caught.value.message
    assert not Platform.objects.exists()


# --- Values that a stranger chooses ---------------------------------------------------------------


def test_a_strangers_audience_is_never_asked_with_at_the_strangers_server() -> None:
    """All registrations share our key: an assertion for one LMS must not reach another's server."""
    theirs = changed(audience="https://api.brightspace.com/auth/token")
    assert add_platform(theirs, state=Platform.State.WAITING).audience == theirs.token_url


@pytest.mark.parametrize(
    ("token_url", "audience"),
    [
        ("https://lms.example/token", "https://lms.example/audience"),
        ("https://auth.brightspace.com/core/connect/token", "https://api.brightspace.com/auth/token"),
    ],
)
def test_an_audience_of_the_same_server_is_kept(token_url: str, audience: str) -> None:
    theirs = changed(token_url=token_url, audience=audience)
    assert add_platform(theirs, state=Platform.State.WAITING).audience == audience


def test_a_stranger_is_not_registered_as_somebody_elses_client() -> None:
    brightspace = "https://auth.brightspace.com/core/connect/token"
    register_platform(changed(token_url=brightspace))
    with pytest.raises(ForeignClientError):
        add_platform(
            changed(issuer="https://stranger.example", token_url=brightspace), state=Platform.State.WAITING
        )
    other = changed(issuer="https://other.example", client_id="client-2", token_url=brightspace)
    assert add_platform(other, state=Platform.State.WAITING).pk


def test_nobody_but_an_operator_takes_an_issuer_that_somebody_else_has() -> None:
    """A login that names no client id is answered by its issuer's only registration."""
    theirs = register_platform(CAMPUS).platform
    ours = register_platform(changed(issuer="https://ours.example", client_id="client-2")).platform
    as_theirs = Changes(
        issuer=theirs.issuer,
        client_id=ours.client_id,
        auth_url="https://ours.example/auth",
        token_url="https://ours.example/token",
        jwks_url="https://ours.example/jwks",
    )
    login = LoginRequest(iss=theirs.issuer, login_hint="1", target_link_uri=settings.PUBLIC_URL)
    with pytest.raises(ForeignIssuerError):
        change_registration(ours, as_theirs, by="person:1")
    assert begin_login(login, address="", now=timezone.now()).redirect_url.startswith(theirs.auth_url)
    change_registration(ours, as_theirs, by="operator:1")
    change_registration(ours, replace(as_theirs, name="Still ours"), by="person:1")
    ours.refresh_from_db()
    assert (ours.issuer, ours.name) == (theirs.issuer, "Still ours")
