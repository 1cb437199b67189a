"""Login initiation."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings

from lti_tool.models import Platform
from lti_tool.services.launch import LOGINS
from lti_tool.services.registration import Registration, register_platform
from practice_lms.people import GUEST_LECTURE, INSTRUCTOR
from practice_lms.registration import SECOND_DEPLOYMENT
from tests.factories.launches import LOGIN, Browser, Stage


def parameters(stage: Stage, **put: str) -> dict[str, str]:
    return {**stage.lms.initiate(INSTRUCTOR, GUEST_LECTURE, embedded=False).fields, **put}


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_authentication_request_says_what_it_must(stage: Stage, browser: Browser, method: str) -> None:
    asked = parameters(stage)
    reply = browser.get(LOGIN, **asked) if method == "get" else browser.post(LOGIN, asked)
    assert reply.status == 303
    assert reply.location.startswith(f"{stage.platform.auth_url}?")
    query = parse_qs(urlsplit(reply.location).query)
    state, nonce = query.pop("state")[0], query.pop("nonce")[0]
    assert query == {
        "scope": ["openid"],
        "response_type": ["id_token"],
        "response_mode": ["form_post"],
        "prompt": ["none"],
        "client_id": [stage.platform.client_id],
        "redirect_uri": [f"{settings.PUBLIC_URL}/lti/launch/"],
        "login_hint": [asked["login_hint"]],
        "lti_message_hint": [asked["lti_message_hint"]],
    }
    assert state.isalnum()
    assert nonce.isalnum()
    assert state != nonce
    assert min(len(state), len(nonce)) >= 32


def test_the_binding_cookie_works_in_a_frame(stage: Stage, browser: Browser) -> None:
    reply = browser.post(LOGIN, parameters(stage))
    [(name, morsel)] = reply.cookies.items()
    assert name.startswith("foyer-login-")
    assert morsel["path"] == "/lti/launch/"
    assert morsel["max-age"] == "600"
    assert all(morsel[flag] for flag in ("secure", "httponly", "partitioned"))
    assert morsel["samesite"] == "None"
    assert parse_qs(urlsplit(reply.location).query)["state"][0] not in (name, morsel.value)


def test_a_query_of_the_authentication_address_is_kept(stage: Stage, browser: Browser) -> None:
    Platform.objects.update(auth_url=f"{stage.lms.origin}/auth?tenant=7#top")
    query = urlsplit(browser.post(LOGIN, parameters(stage)).location).query
    assert query.startswith("tenant=7&scope=openid&")
    assert "#" not in query
    assert "?" not in query


@pytest.mark.parametrize("missing", ["iss", "login_hint", "target_link_uri"])
def test_a_missing_parameter(stage: Stage, browser: Browser, missing: str) -> None:
    asked = parameters(stage)
    del asked[missing]
    reply = browser.post(LOGIN, asked)
    assert (reply.status, reply.code) == (400, "bad_request")
    assert missing in reply.text


def test_an_unknown_platform_is_told_how_to_become_known(stage: Stage, browser: Browser) -> None:
    for put in ({"iss": "https://nobody.example"}, {"client_id": "nobody"}, {"iss": stage.lms.origin + "/"}):
        reply = browser.post(LOGIN, parameters(stage, **put))
        assert (reply.status, reply.code) == (403, "unknown_platform")
        assert "Location" not in reply.headers
        assert "<form" not in reply.text
        assert "frame-ancestors *" in reply.headers["Content-Security-Policy"]
        assert not reply.cookies


@pytest.mark.parametrize("state", ["disabled", "waiting"])
def test_a_platform_that_is_not_active(stage: Stage, browser: Browser, state: str) -> None:
    Platform.objects.update(state=state)
    reply = browser.post(LOGIN, parameters(stage))
    assert (reply.status, reply.code) == (403, "platform_disabled")


def test_a_target_elsewhere_is_never_redirected_to(stage: Stage, browser: Browser) -> None:
    reply = browser.post(LOGIN, parameters(stage, target_link_uri="https://evil.example/"))
    assert (reply.status, reply.code) == (403, "bad_target")


def test_values_of_others_are_escaped(stage: Stage, browser: Browser) -> None:
    reply = browser.post(LOGIN, parameters(stage, iss="<script>alert(1)</script>"))
    assert "<script>alert" not in reply.text


def test_a_login_without_a_client_id(stage: Stage, browser: Browser) -> None:
    """One registration under the issuer: that one. Two: the deployment tells, else nobody does."""
    asked = parameters(stage)
    del asked["client_id"]
    assert browser.post(LOGIN, asked).status == 303
    facts = stage.lms.registration
    second = register_platform(
        Registration(
            issuer=facts.issuer,
            client_id="second-client",
            auth_url=facts.auth_url,
            token_url=facts.token_url,
            jwks_url=facts.jwks_url,
            deployment_ids=("deployment-of-the-second",),
        )
    ).platform
    reply = browser.post(LOGIN, {**asked, "lti_deployment_id": "deployment-of-the-second"})
    assert f"client_id={second.client_id}" in reply.location
    reply = browser.post(LOGIN, {**asked, "lti_deployment_id": SECOND_DEPLOYMENT})
    assert f"client_id={stage.platform.client_id}" in reply.location
    assert browser.post(LOGIN, {**asked, "lti_deployment_id": "unknown"}).code == "unknown_platform"
    del asked["lti_deployment_id"]
    assert browser.post(LOGIN, asked).code == "unknown_platform"


def test_one_address_cannot_fill_the_memory(stage: Stage, browser: Browser) -> None:
    asked = parameters(stage)
    for _login in range(2999):
        LOGINS.count("127.0.0.1")
    assert browser.post(LOGIN, asked).status == 303, "a campus launches from one address"
    reply = browser.post(LOGIN, asked)
    assert (reply.status, reply.headers["Retry-After"]) == (429, "60")


def test_nothing_durable_is_written(
    stage: Stage, browser: Browser, django_assert_num_queries: object
) -> None:
    asked = parameters(stage)
    with django_assert_num_queries(1):  # type: ignore[operator]  # reading the registration
        browser.post(LOGIN, asked)
