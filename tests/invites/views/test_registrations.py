"""The console's tab `registrations`: who sees which, what is checked, what can be switched."""

import json
import re
from http import HTTPStatus
from typing import Protocol

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from lti_tool.claims import LaunchRefusedError, ReasonCode
from lti_tool.identity import TAB_COOKIE
from lti_tool.models import Deployment, Platform, RegistrationInvitation, Tenant
from lti_tool.services.reports import note_launch, note_refusal
from practice_lms.server import RunningLms
from tests.factories.launches import Browser, Stage, register, tab_behind
from tests.factories.lti import (
    make_course,
    make_deployment,
    make_member,
    make_platform,
    make_tab,
    make_tenant,
)

pytestmark = pytest.mark.django_db

TAB = "/admin/config/tab/registrations"
HOME = "/admin/config/registrations"
ACTIONS = ("test", "switch", "policy", "frames", "forget")
HTMX = {"HX-Request": "true"}


class Answer(Protocol):
    content: bytes


def text(response: Answer) -> str:
    return response.content.decode()


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant(name="Northfield University")


@pytest.fixture
def platform(tenant: Tenant) -> Platform:
    return tenant.platform


@pytest.fixture
def admin(client: Client, tenant: Tenant) -> str:
    """The prefix of an administrator's tab; the client holds its cookie."""
    return launched(client, tenant, is_admin=True)


@pytest.fixture
def operator(client: Client) -> User:
    user = User.objects.create_user("op", is_staff=True)
    client.force_login(user)
    return user


def launched(client: Client, tenant: Tenant, *, is_admin: bool) -> str:
    tab, secret = make_tab(make_member(make_course(tenant)), is_console_admin=is_admin)
    client.cookies[TAB_COOKIE] = secret
    return f"/~{tab.handle}"


def values_of(platform: Platform, **changed: str) -> dict[str, str]:
    """What the form of a registration sends."""
    return {
        "client_id": platform.client_id,
        "jwks_url": platform.jwks_url,
        "token_url": platform.token_url,
        "auth_url": platform.auth_url,
        "audience": platform.token_audience,
        "issuer": platform.issuer,
        "name": platform.name,
        **changed,
    }


def values_at(lms: RunningLms, **changed: str) -> dict[str, str]:
    facts = lms.registration
    return {
        "client_id": facts.client_id,
        "jwks_url": facts.jwks_url,
        "token_url": facts.token_url,
        "auth_url": facts.auth_url,
        "audience": facts.audience,
        "issuer": facts.issuer,
        "name": "Practice LMS",
        "deployment_ids": "",
        "tenancy": "",
        **changed,
    }


# --- who gets in ----------------------------------------------------------------------------------


def test_an_administrator_sees_the_own_registration(client: Client, admin: str, platform: Platform) -> None:
    page = text(client.get(f"{admin}{TAB}"))
    assert platform.issuer in page
    assert f"{admin}{HOME}/{platform.pk}" in page
    assert client.get(f"{admin}{HOME}/{platform.pk}").status_code == HTTPStatus.OK


def test_nothing_of_another_tenants_is_seen_or_changed(client: Client, admin: str) -> None:
    other = make_tenant(name="Southfield College").platform
    deployment = make_deployment(other.tenants.get(), state=Deployment.State.PENDING)
    before = Platform.objects.filter(pk=other.pk).values().get()
    assert other.issuer not in text(client.get(f"{admin}{TAB}"))
    assert client.get(f"{admin}{HOME}/{other.pk}").status_code == HTTPStatus.NOT_FOUND
    for path in (
        f"{HOME}/{other.pk}",
        *(f"{HOME}/{other.pk}/{action}" for action in ACTIONS),
        f"{HOME}/{other.pk}/deployments/{deployment.pk}",
    ):
        answer = client.post(f"{admin}{path}", {**values_of(other, name="Taken over"), "state": "on"})
        assert answer.status_code == HTTPStatus.NOT_FOUND
    assert Platform.objects.filter(pk=other.pk).values().get() == before
    deployment.refresh_from_db()
    assert deployment.state == Deployment.State.PENDING


def test_a_deployment_of_another_registration_is_not_switched_through_the_own(
    client: Client, admin: str, platform: Platform
) -> None:
    foreign = make_deployment(make_tenant(), state=Deployment.State.PENDING)
    path = f"{admin}{HOME}/{platform.pk}/deployments/{foreign.pk}"
    assert client.post(path, {"state": "on"}).status_code == HTTPStatus.NOT_FOUND
    foreign.refresh_from_db()
    assert foreign.state == Deployment.State.PENDING


def test_people_without_the_right_are_refused(client: Client, tenant: Tenant, platform: Platform) -> None:
    prefix = launched(client, tenant, is_admin=False)
    for path in (TAB, f"{HOME}/{platform.pk}", f"{HOME}/new"):
        assert client.get(f"{prefix}{path}").status_code == HTTPStatus.FORBIDDEN
    for path in (f"{HOME}/check?field=issuer", f"{HOME}/invite", f"{HOME}/{platform.pk}/switch"):
        assert client.post(f"{prefix}{path}").status_code == HTTPStatus.FORBIDDEN
    platform.refresh_from_db()
    assert platform.state == Platform.State.ACTIVE
    assert not RegistrationInvitation.objects.exists()


def test_nobody_is_asked_to_log_in(client: Client, platform: Platform) -> None:
    for path in (TAB, f"{HOME}/{platform.pk}", f"{HOME}/new"):
        assert client.get(path).status_code == HTTPStatus.FOUND
    assert client.post(f"{HOME}/{platform.pk}/switch", {"state": "off"}).status_code == HTTPStatus.FOUND
    client.force_login(User.objects.create_user("somebody"))
    assert client.get(TAB).status_code == HTTPStatus.FORBIDDEN


def test_an_operator_needs_no_tenant(client: Client, operator: User) -> None:
    assert f'href="{TAB}"' in text(client.get("/admin/config/tab/theming")), "the way there"
    assert "No LMS is registered yet" in text(client.get(TAB))
    one, two = make_platform(name="One LMS"), make_tenant().platform
    page = text(client.get(f"{TAB}/"))
    assert f"{HOME}/{one.pk}" in page
    assert f"{HOME}/{two.pk}" in page
    assert client.get(f"{HOME}/{two.pk}").status_code == HTTPStatus.OK


def test_an_operators_choice_of_a_tenant_is_kept(client: Client, operator: User, tenant: Tenant) -> None:
    page = text(client.get(f"{TAB}?tenant={tenant.pk}"))
    assert f"{HOME}/{tenant.platform_id}?tenant={tenant.pk}" in page
    assert f"/admin/config/tab/theming?tenant={tenant.pk}" in page
    assert client.get(f"{TAB}?tenant=nonsense").status_code == HTTPStatus.NOT_FOUND


def test_a_list_of_any_length_asks_as_often(
    client: Client, operator: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _turn in range(3):
        make_tenant()
    with django_assert_num_queries(4):  # session, user, registrations, addresses for more
        client.get(TAB)


# --- where several institutions share a registration ----------------------------------------------


@pytest.fixture
def shared(platform: Platform) -> Platform:
    platform.tenancy = Platform.Tenancy.DEPLOYMENT
    platform.save()
    return platform


def test_a_shared_registration_is_looked_at_and_not_changed(
    client: Client, admin: str, shared: Platform, tenant: Tenant
) -> None:
    neighbour = make_tenant(name="Neighbour", platform=shared)
    theirs = make_deployment(neighbour, deployment_id="theirs-7")
    note_refusal(_refusal(shared, "theirs-7"), reference="", now=timezone.now())
    page = text(client.get(f"{admin}{TAB}"))
    assert shared.issuer in page
    assert tenant.deployments.get().deployment_id in page
    for foreign in ("theirs-7", "Neighbour", "Disable"):
        assert foreign not in page
    for path in (
        f"{HOME}/{shared.pk}",
        *(f"{HOME}/{shared.pk}/{action}" for action in ACTIONS),
        f"{HOME}/{shared.pk}/deployments/{theirs.pk}",
    ):
        assert client.post(f"{admin}{path}", {"state": "off"}).status_code == HTTPStatus.FORBIDDEN
    shared.refresh_from_db()
    assert shared.state == Platform.State.ACTIVE


# --- registering by hand --------------------------------------------------------------------------


def test_our_values_stand_under_the_names_of_each_lms(client: Client, operator: User) -> None:
    page = text(client.get(f"{HOME}/new"))
    for label in ("Domain", "Redirect URLs", "OpenID Connect Login URL", "Target Link URI", "Keyset URL"):
        assert re.search(rf"<label [^>]*>{label}</label>", page)
    for value in (
        "127.0.0.1:8001",
        "http://127.0.0.1:8001/lti/login/",
        "http://127.0.0.1:8001/lti/config.json",
    ):
        assert f'value="{value}"' in page
    assert "Initiate login URL" in page
    assert "Tool JWKS URL" in page


def test_their_values_are_asked_under_brightspaces_labels_and_in_its_order(
    client: Client, operator: User
) -> None:
    page = text(client.get(f"{HOME}/new"))
    labels = re.findall(r'<label class="label" for="id_[a-z_]+">([^<]+)</label>', page)
    assert labels[:6] == [
        "Client Id",
        "Brightspace Keyset URL",
        "Brightspace OAuth2 Access Token URL",
        "OpenID Connect Authentication Endpoint",
        "Brightspace OAuth2 Audience",
        "Issuer",
    ]


def test_an_operator_registers_an_lms_and_it_launches(
    client: Client, operator: User, lms: RunningLms, browser: Browser
) -> None:
    response = client.post(f"{HOME}/new", values_at(lms))
    assert response.status_code == HTTPStatus.SEE_OTHER
    platform = Platform.objects.get()
    assert response["Location"] == f"{HOME}/{platform.pk}?saved"
    assert (platform.name, platform.has_listed_deployments) == ("Practice LMS", False)
    tab_behind(browser, Stage(lms, platform).launch(browser))
    page = text(client.get(f"{HOME}/{platform.pk}"))
    assert "Instructor" in page
    again = client.post(f"{HOME}/new", values_at(lms, auth_url=f"{lms.origin}/other"))
    assert again.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "registered already" in text(again)


def test_an_administrator_registers_nobody(client: Client, admin: str, lms: RunningLms) -> None:
    for answer in (client.get(f"{admin}{HOME}/new"), client.post(f"{admin}{HOME}/new", values_at(lms))):
        assert answer.status_code == HTTPStatus.FORBIDDEN
    assert Platform.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("issuer", "https://lms.example/", "Leave out the slash"),
        ("issuer", "lms.example", "Write a whole address"),
        ("issuer", "", "required"),
        ("jwks_url", "http://lms.example/keys", "must begin with https://"),
        ("jwks_url", "https://10.1.2.3/keys", "not on the public internet"),
        ("token_url", "https://user:word@lms.example/", "Leave the name and the password out"),
        ("auth_url", "javascript:alert(1)", "Write a whole address"),
        ("client_id", "", "required"),
        ("client_id", "x" * 256, "255"),
        ("deployment_ids", "x" * 256, "too long"),
        ("tenancy", "everybody", "not one of the available choices"),
    ],
)
def test_a_bad_value_is_refused_beside_its_field_and_nothing_is_lost(
    client: Client, operator: User, lms: RunningLms, field: str, value: str, words: str
) -> None:
    typed = values_at(lms, **{field: value})
    response = client.post(f"{HOME}/new", typed)
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    form = response.context["form"]
    assert set(form.errors) == {field}
    assert words in str(form.errors[field])
    assert {name: form[name].value() for name in form.fields} == typed
    assert not Platform.objects.exists()


def test_a_dead_key_server_is_asked_about_before_saving(
    client: Client, operator: User, lms: RunningLms
) -> None:
    lms.behaviour.keys.status = 500
    response = client.post(f"{HOME}/new", values_at(lms))
    assert response.status_code == HTTPStatus.OK
    assert "status 500" in text(response)
    assert "Save all the same" in text(response)
    assert not Platform.objects.exists()
    client.post(f"{HOME}/new", values_at(lms, anyway="1"))
    assert Platform.objects.count() == 1


# --- checks while typing --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "changed", "words"),
    [
        ("issuer", {"issuer": "https://lms.example/"}, "Leave out the slash"),
        (
            "issuer",
            {"issuer": "https://lms.example/d2l", "auth_url": "https://lms.example/d2l/lti/authenticate"},
            "the address alone: https://lms.example",
        ),
        ("issuer", {"issuer": "https://lms.example"}, ""),
        ("auth_url", {"auth_url": "http://lms.example/"}, "must begin with https://"),
        ("token_url", {"token_url": "https://lms.example/token"}, ""),
        ("jwks_url", {"jwks_url": "https://no-such-host.example/"}, "There is no server of the name"),
        (
            "audience",
            {"token_url": "https://auth.brightspace.com/core/connect/token", "audience": ""},
            "Left empty, https://api.brightspace.com/auth/token is used",
        ),
        (
            "audience",
            {
                "token_url": "https://auth.brightspace.com/core/connect/token",
                "audience": "https://auth.brightspace.com/core/connect/token",
            },
            "usually wants https://api.brightspace.com/auth/token",
        ),
        ("audience", {"token_url": "https://lms.example/token", "audience": ""}, ""),
    ],
)
def test_fields_are_looked_at_while_typing(
    client: Client, admin: str, field: str, changed: dict[str, str], words: str
) -> None:
    answer = client.post(f"{admin}{HOME}/check?field={field}", changed, headers=HTMX)
    assert answer.status_code == HTTPStatus.OK
    shown = " ".join(re.sub(r"<[^>]+>", " ", text(answer)).split())
    assert words in shown if words else shown == ""


def test_a_key_set_is_fetched_while_typing(client: Client, admin: str, lms: RunningLms) -> None:
    values = {"jwks_url": lms.registration.jwks_url}
    assert "1 usable key." in text(client.post(f"{admin}{HOME}/check?field=jwks_url", values))
    lms.behaviour.keys.redirect_to = "https://elsewhere.example/"
    assert "leads on to another address" in text(client.post(f"{admin}{HOME}/check?field=jwks_url", values))


def test_only_fields_are_looked_at_and_not_without_end(client: Client, admin: str) -> None:
    for field in ("", "nonsense", "name", "client_id"):
        answer = client.post(f"{admin}{HOME}/check?field={field}", {})
        assert answer.status_code == HTTPStatus.NOT_FOUND
    statuses = {client.post(f"{admin}{HOME}/check?field=issuer", {}).status_code for _turn in range(121)}
    assert HTTPStatus.TOO_MANY_REQUESTS in statuses


# --- changing -------------------------------------------------------------------------------------


def test_a_renamed_host_keeps_its_people(
    client: Client, operator: User, lms: RunningLms, browser: Browser
) -> None:
    platform = register(lms, issuer="https://old.example", jwks_url="https://old.example/keys")
    people = make_member(make_course(platform.tenants.get())).person
    response = client.post(f"{HOME}/{platform.pk}", values_at(lms))
    assert response.status_code == HTTPStatus.SEE_OTHER
    platform.refresh_from_db()
    assert platform.issuer == lms.registration.issuer
    tab = tab_behind(browser, Stage(lms, platform).launch(browser))
    assert tab.tenant == people.tenant


def test_a_registration_takes_no_other_ones_name(
    client: Client, admin: str, platform: Platform, lms: RunningLms
) -> None:
    other = register(lms)
    response = client.post(f"{admin}{HOME}/{platform.pk}", values_at(lms))
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Another registration has this issuer" in text(response)
    assert Platform.objects.get(pk=platform.pk).issuer == platform.issuer
    assert Platform.objects.get(pk=other.pk).client_id == lms.registration.client_id


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"audience": "https://api.brightspace.com/auth/token"}, "audience"),
        ({"audience": "some-word"}, "audience"),
        ({"client_id": "victim", "token_url": "https://auth.example/other"}, "client_id"),
    ],
)
def test_an_administrator_cannot_make_us_speak_as_somebody_elses_client(
    client: Client, admin: str, platform: Platform, changed: dict[str, str], field: str
) -> None:
    """All registrations share our key: an assertion for one LMS must not reach another's server."""
    make_platform(client_id="victim", token_url="https://auth.example/token")
    typed = {**values_of(platform, **changed), "anyway": "1"}
    response = client.post(f"{admin}{HOME}/{platform.pk}", typed)
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert set(response.context["form"].errors) == {field}
    assert Platform.objects.filter(pk=platform.pk, client_id=platform.client_id, token_audience="").exists()
    client.force_login(User.objects.create_user("op", is_staff=True))
    asked = client.post(f"{HOME}/{platform.pk}", values_of(platform, **changed))
    assert "Save all the same" in text(asked)
    assert client.post(f"{HOME}/{platform.pk}", typed).status_code == HTTPStatus.SEE_OTHER


def test_disabling_ends_the_own_tab_and_only_an_operator_enables(
    client: Client, admin: str, platform: Platform
) -> None:
    assert "Yours ends, too" in text(client.get(f"{admin}{TAB}"))
    client.post(f"{admin}{HOME}/{platform.pk}/switch", {"state": "off"})
    platform.refresh_from_db()
    assert platform.state == Platform.State.DISABLED
    assert client.get(f"{admin}{TAB}").status_code == HTTPStatus.FORBIDDEN
    client.force_login(User.objects.create_user("op", is_staff=True))
    client.post(f"{HOME}/{platform.pk}/switch", {"state": "on"})
    platform.refresh_from_db()
    assert platform.state == Platform.State.ACTIVE


def test_an_operator_confirms_a_registration_that_waits(client: Client, operator: User) -> None:
    waiting = make_platform(state=Platform.State.WAITING)
    assert "Confirm and enable" in text(client.get(f"{HOME}/{waiting.pk}"))
    client.post(f"{HOME}/{waiting.pk}/switch", {"state": "on"})
    waiting.refresh_from_db()
    assert waiting.state == Platform.State.ACTIVE


def test_deployments_are_approved_and_disabled(client: Client, admin: str, tenant: Tenant) -> None:
    pending = make_deployment(tenant, state=Deployment.State.PENDING)
    assert "Approve" in text(client.get(f"{admin}{TAB}"))
    path = f"{admin}{HOME}/{tenant.platform_id}/deployments/{pending.pk}"
    assert client.post(path, {"state": "on"}).status_code == HTTPStatus.SEE_OTHER
    pending.refresh_from_db()
    assert pending.state == Deployment.State.ACTIVE
    client.post(path, {"state": "off"})
    pending.refresh_from_db()
    assert pending.state == Deployment.State.DISABLED


def test_the_policy_for_new_deployments_is_chosen(client: Client, admin: str, platform: Platform) -> None:
    for choice, is_held in (("hold", True), ("accept", False)):
        client.post(f"{admin}{HOME}/{platform.pk}/policy", {"new": choice})
        platform.refresh_from_db()
        assert platform.has_listed_deployments is is_held


def test_frame_origins_are_origins(client: Client, admin: str, platform: Platform) -> None:
    path = f"{admin}{HOME}/{platform.pk}/frames"
    good = (
        "https://Courses.University.edu/\n\nhttps://lms.university.edu:8443\nhttps://courses.university.edu"
    )
    assert client.post(path, {"frame_origins": good}).status_code == HTTPStatus.SEE_OTHER
    platform.refresh_from_db()
    assert platform.frame_origins == ["https://courses.university.edu", "https://lms.university.edu:8443"]
    for bad in (
        *("*", "https://*.university.edu", "http://lms.university.edu", "https://lms.university.edu/courses"),
        *("lms.university.edu", "javascript:alert(1)", "https://a.edu 'unsafe-inline'", "https://u@a.edu"),
        *("https://10.0.0.1", "https://a.edu?x", "\n".join(f"https://h{one}.edu" for one in range(21))),
    ):
        refused = client.post(path, {"frame_origins": bad})
        assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, bad
        assert refused.context["frames"]["frame_origins"].value() == bad
    platform.refresh_from_db()
    assert len(platform.frame_origins) == 2


def test_a_frame_origin_holds_from_the_next_launch(
    client: Client, operator: User, stage: Stage, browser: Browser
) -> None:
    path = f"{HOME}/{stage.platform.pk}/frames"
    client.post(path, {"frame_origins": "https://courses.university.edu"})
    tab = tab_behind(browser, stage.launch(browser))
    assert tab.frame_origins == [stage.lms.registration.issuer, "https://courses.university.edu"]


# --- what happened --------------------------------------------------------------------------------


def _refusal(platform: Platform, detail: str) -> LaunchRefusedError:
    error = LaunchRefusedError(ReasonCode.UNKNOWN_DEPLOYMENT, detail=detail)
    error.trail.platform_id = platform.pk
    return error


def test_refusals_and_the_last_launch_are_shown_in_words(
    client: Client, admin: str, platform: Platform
) -> None:
    assert "No launch of this LMS has been refused." in text(client.get(f"{admin}{TAB}"))
    note_refusal(_refusal(platform, "<b>dep</b>"), reference="abcd1234", now=timezone.now())
    payload = {"name": "Ana Example", "http://lms.example/<claim>": {"who": "Ana", "seat": "$Person.seat"}}
    note_launch(platform, payload, now=timezone.now())
    page = text(client.get(f"{admin}{TAB}"))
    for expected in ("unknown_deployment", "&lt;b&gt;dep&lt;/b&gt;", "abcd1234", "has not been let in yet"):
        assert expected in page
    for expected in ("http://lms.example/&lt;claim&gt;", "$Person.seat", "not filled in by the LMS"):
        assert expected in page
    assert "Ana" not in page
    client.post(f"{admin}{HOME}/{platform.pk}/forget")
    assert "No launch of this LMS has been refused." in text(client.get(f"{admin}{TAB}"))


# --- test this registration -----------------------------------------------------------------------


def test_a_test_goes_step_by_step_with_htmx(
    client: Client, operator: User, stage: Stage, published_keys: object, browser: Browser
) -> None:
    stage.launch(browser)
    path = f"{HOME}/{stage.platform.pk}/test"
    keys = text(client.post(path, {"step": "keys"}, headers=HTMX))
    assert "1 usable key." in keys
    assert 'value="token"' in keys
    token = text(client.post(path, {"step": "token"}, headers=HTMX))
    assert "The LMS gave a token." in token
    assert 'value="roster"' in token
    roster = text(client.post(path, {"step": "roster"}, headers=HTMX))
    assert "people on the page" in roster
    assert "hx-trigger" not in roster


def test_a_test_without_scripts_tries_everything_at_once(
    client: Client, operator: User, stage: Stage, published_keys: object, browser: Browser, lms: RunningLms
) -> None:
    stage.launch(browser)
    lms.behaviour.roster.status = 403
    page = text(client.post(f"{HOME}/{stage.platform.pk}/test"))
    assert "1 usable key." in page
    assert "The LMS gave a token." in page
    assert "is needed in the deployment, too" in page
    lms.behaviour.keys.redirect_to = "https://elsewhere.example/"
    Platform.objects.update(token_audience="https://wrong.example/")
    page = text(client.post(f"{HOME}/{stage.platform.pk}/test"))
    assert "leads on to another address, at https://elsewhere.example" in page
    assert "does not accept the audience that we name: https://wrong.example/" in page
    assert "Mend the step before this one first." in page


def test_what_a_platform_says_is_shown_and_escaped(client: Client, operator: User, stage: Stage) -> None:
    stage.lms.connect_tool("http://127.0.0.1:9")  # where it finds no keys of ours
    said = {"error": "invalid_client", "error_description": "<b>Go away</b>"}
    stage.lms.behaviour.token.body = json.dumps(said).encode()
    page = text(client.post(f"{HOME}/{stage.platform.pk}/test", {"step": "token"}, headers=HTMX))
    assert "The LMS does not accept us as this client." in page
    assert "&lt;b&gt;Go away&lt;/b&gt;" in page


def test_tests_are_counted(client: Client, admin: str, platform: Platform) -> None:
    path = f"{admin}{HOME}/{platform.pk}/test"
    statuses = [client.post(path, {"step": "roster"}, headers=HTMX).status_code for _turn in range(61)]
    assert statuses[-1] == HTTPStatus.TOO_MANY_REQUESTS


# --- dynamic registration -------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["operator", "admin"])
def test_an_address_for_registration_is_shown_once(
    client: Client, request: pytest.FixtureRequest, tenant: Tenant, who: str
) -> None:
    given = request.getfixturevalue(who)
    prefix = given if isinstance(given, str) else ""
    page = text(client.post(f"{prefix}{HOME}/invite", {"note": "For the test instance"}))
    shown = re.search(r'value="(http://127\.0\.0\.1:8001/lti/register/[^"]+)"', page)
    assert shown
    assert RegistrationInvitation.objects.get().note == "For the test instance"
    assert shown[1] not in text(client.get(f"{prefix}{TAB}"))
