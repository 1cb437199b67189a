"""The two documents of dynamic registration, without any platform."""

import json

import pytest

from lti_tool.configuration import (
    PLATFORM_CONFIGURATION,
    ROSTER_SCOPE,
    TOOL_CONFIGURATION,
    OfferedMessage,
    PlatformConfiguration,
    RegistrationTroubleError,
    ToolFacts,
    Trouble,
    Wishes,
    domain_of,
    offer_of,
    read_answer,
    read_configuration,
    registration_request,
    shown_answer,
    speaks_for_itself,
)
from lti_tool.vendors import Vendor

MINIMAL = {
    "issuer": "https://lms.example",
    "authorization_endpoint": "https://lms.example/auth",
    "token_endpoint": "https://lms.example/token",
    "jwks_uri": "https://lms.example/jwks",
    "registration_endpoint": "https://lms.example/register?t=a%2fb",
}
FACTS = ToolFacts(
    public_url="https://foyer.example:8443",
    login_url="https://foyer.example:8443/lti/login/",
    launch_url="https://foyer.example:8443/lti/launch/",
    jwks_url="https://foyer.example:8443/lti/jwks.json",
    logo_url="https://foyer.example:8443/logo.png",
    description="Rooms.",
)
EVERYTHING = Wishes("Foyer", has_picker=True, wants_names=True, wants_email=True, wants_roster=True)


def document(**values: object) -> bytes:
    return json.dumps({**MINIMAL, **values}).encode()


def test_the_least_that_a_platform_may_say() -> None:
    read = read_configuration(document())
    assert read == PlatformConfiguration(
        issuer="https://lms.example",
        auth_url="https://lms.example/auth",
        token_url="https://lms.example/token",
        jwks_url="https://lms.example/jwks",
        registration_url="https://lms.example/register?t=a%2fb",
    )
    asked = registration_request(read, EVERYTHING, FACTS)
    part = asked[TOOL_CONFIGURATION]
    assert isinstance(part, dict)
    assert (asked["scope"], part["claims"], part["messages"]) == ("", [], [])


def test_what_a_platform_says_of_itself() -> None:
    read = read_configuration(
        document(
            authorization_server="https://auth.example/audience",
            scopes_supported=[ROSTER_SCOPE, 7, "", ROSTER_SCOPE],
            claims_supported=["sub", "email"],
            **{
                PLATFORM_CONFIGURATION: {
                    "product_family_code": "canvas\u202e",
                    "version": 5,
                    "messages_supported": [
                        {"type": "LtiResourceLinkRequest", "placements": ["course_navigation", None]},
                        {"type": 3},
                        "LtiDeepLinkingRequest",
                    ],
                    "variables": ["Context.id.history"],
                }
            },
        )
    )
    assert read.audience == "https://auth.example/audience"
    assert (read.product, read.version, read.vendor) == ("canvas", "", Vendor.CANVAS)
    assert (read.scopes, read.claims) == ((ROSTER_SCOPE,), ("sub", "email"))
    assert read.messages == (OfferedMessage("LtiResourceLinkRequest", ("course_navigation",)),)
    assert PlatformConfiguration.of_record(json.loads(json.dumps(read.to_record()))) == read
    offer = offer_of(read)
    assert (offer.has_names, offer.has_email, offer.has_roster, offer.has_picker) == (
        False,
        True,
        True,
        False,
    )
    assert offer.usual_launch_placements == ("course_navigation",)


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"issuer": ""}, Trouble.INCOMPLETE),
        ({"issuer": "https://" + "x" * 500}, Trouble.INCOMPLETE),
        ({"jwks_uri": ["https://lms.example/jwks"]}, Trouble.INCOMPLETE),
        ({"registration_endpoint": None}, Trouble.INCOMPLETE),
        ({"id_token_signing_alg_values_supported": ["ES256"]}, Trouble.UNSUPPORTED),
        ({"token_endpoint_auth_signing_alg_values_supported": ["none"]}, Trouble.UNSUPPORTED),
        ({"token_endpoint_auth_methods_supported": ["client_secret_basic"]}, Trouble.UNSUPPORTED),
    ],
)
def test_documents_that_are_no_use(changes: dict[str, object], trouble: Trouble) -> None:
    with pytest.raises(RegistrationTroubleError) as refused:
        read_configuration(document(**changes))
    assert refused.value.trouble is trouble


@pytest.mark.parametrize("body", [b"", b"\xff", b"null", b'"x"', b"[" * 100_000])
def test_what_is_no_document(body: bytes) -> None:
    with pytest.raises(RegistrationTroubleError) as refused:
        read_configuration(body)
    assert refused.value.trouble is Trouble.NO_DOCUMENT


@pytest.mark.parametrize(
    ("public_url", "domain"),
    [
        ("https://foyer.example", "foyer.example"),
        ("https://foyer.example:443", "foyer.example"),
        ("https://foyer.example:8443", "foyer.example:8443"),
        ("http://127.0.0.1:8001", "127.0.0.1:8001"),
    ],
)
def test_the_domain_has_its_port_when_that_is_not_the_usual_one(public_url: str, domain: str) -> None:
    assert domain_of(public_url) == domain


@pytest.mark.parametrize(
    ("configuration_url", "issuer", "is_own"),
    [
        ("https://lms.example/.well-known/openid?t=1", "https://lms.example", True),
        ("https://LMS.example:443/x", "https://lms.example/sub", True),
        ("https://lms.example.evil.example/x", "https://lms.example", False),
        ("https://lms.example:8443/x", "https://lms.example", False),
        ("https://lms.example@evil.example/x", "https://lms.example", False),
        ("nonsense", "nonsense", False),
    ],
)
def test_only_its_own_host_speaks_for_an_issuer(configuration_url: str, issuer: str, *, is_own: bool) -> None:
    assert speaks_for_itself(configuration_url, issuer) is is_own


def test_what_the_platform_answers() -> None:
    body = {"client_id": "abc", "scope": "a b", TOOL_CONFIGURATION: {"deployment_id": 42, "claims": ["sub"]}}
    answer = read_answer(201, json.dumps(body).encode())
    assert (answer.client_id, answer.deployment_id) == ("abc", "42")
    assert (answer.scopes, answer.claims) == (("a", "b"), ("sub",))
    bare = read_answer(200, b'{"client_id": 7}')
    assert (bare.client_id, bare.deployment_id, bare.scopes, bare.claims) == ("7", "", None, None)


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (400, b'{"error": "invalid_redirect_uri"}', Trouble.PLATFORM_REFUSED),
        (422, b'{"errors": [{"field": "domain"}]}', Trouble.PLATFORM_REFUSED),
        (302, b"", Trouble.PLATFORM_REFUSED),
        (200, b"{}", Trouble.NO_CLIENT_ID),
        (200, b'{"client_id": true}', Trouble.NO_CLIENT_ID),
        (200, b'{"client_id": {"a": 1}}', Trouble.NO_CLIENT_ID),
        (200, b"<html></html>", Trouble.NO_CLIENT_ID),
    ],
)
def test_answers_that_register_nothing(status: int, body: bytes, trouble: Trouble) -> None:
    with pytest.raises(RegistrationTroubleError) as refused:
        read_answer(status, body)
    assert refused.value.trouble is trouble
    assert refused.value.detail.startswith(f"HTTP {status}")


def test_an_answer_is_shown_in_its_own_words_and_not_at_any_length() -> None:
    shown = shown_answer(
        400, "nein:\u0007 der\u202e Name\r\n\r\nist vergeben".encode() + b"\xff" + b"x" * 9000
    )
    assert shown.startswith("HTTP 400\nnein: der Name\nist vergeben\ufffdxx")
    assert len(shown) < 2100
