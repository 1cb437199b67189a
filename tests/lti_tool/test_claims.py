"""Claims, row by row, without a server."""

import base64
import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lti_tool.claims import (
    DEEP_LINKING,
    LTI,
    NAMES_AND_ROLES,
    Expected,
    Launch,
    LaunchRefusedError,
    ReasonCode,
    clean,
    frame_origins_of,
    judge_nonce,
    judge_security,
    read_launch,
    read_login,
    read_message,
    read_payload,
    read_token,
)
from practice_lms.tokens import Claims, alter

NOW = 1_800_000_000
OURS = "https://foyer.example"
TARGET = f"{OURS}/lti/launch/"
EXPECTED = Expected(
    issuer="https://lms.example", client_id="client-1", target_link_uri=TARGET, public_url=OURS
)
HONEST: Claims = {
    "iss": "https://lms.example",
    "aud": "client-1",
    "exp": NOW + 1800,
    "iat": NOW,
    "nbf": NOW,
    "nonce": "nonce-1",
    "sub": "person-1",
    f"{LTI}message_type": "LtiResourceLinkRequest",
    f"{LTI}version": "1.3.0",
    f"{LTI}deployment_id": "deployment-1",
    f"{LTI}target_link_uri": TARGET,
    f"{LTI}roles": ["Instructor"],
    f"{LTI}resource_link": {"id": "link-1", "title": "A link", "description": None},
}


def read(claims: Claims) -> Launch:
    """All pure rows, in their order."""
    judge_security(claims, EXPECTED, now=NOW)
    judge_nonce(claims, nonce="nonce-1")
    return read_launch(claims, read_message(claims), EXPECTED)


def code_of(refused: Callable[[], object]) -> ReasonCode:
    with pytest.raises(LaunchRefusedError) as caught:
        refused()
    return caught.value.reason


def test_an_honest_launch_is_read() -> None:
    launch = read(HONEST)
    assert (launch.sub, launch.deployment_id) == ("person-1", "deployment-1")
    assert launch.resource_link is not None
    assert launch.resource_link.title == "A link"
    assert launch.context is None
    assert (launch.name, launch.email, launch.roster_url) == ("", "", "")


REFUSED = [
    # row 8
    ({"iss": "https://lms.example/"}, "bad_iss"),
    ({"iss": "https://LMS.example"}, "bad_iss"),
    ({"iss": None}, "bad_iss"),
    ({"iss": ["https://lms.example"]}, "bad_iss"),
    # row 9
    ({"aud": "client-2"}, "bad_aud"),
    ({"aud": []}, "bad_aud"),
    ({"aud": None}, "bad_aud"),
    ({"aud": {"client-1": 1}}, "bad_aud"),
    ({"aud": ["client-1", "client-2"]}, "bad_aud"),
    ({"aud": ["client-1", "client-2"], "azp": "client-1"}, "bad_aud"),
    ({"aud": ["client-1", "client-1"]}, "bad_aud"),
    # row 10
    ({"azp": "client-2"}, "bad_azp"),
    ({"azp": ""}, "bad_azp"),
    ({"azp": None}, "bad_azp"),
    ({"azp": ["client-1"]}, "bad_azp"),
    # row 11
    ({"exp": None}, "expired"),
    ({"exp": str(NOW + 60)}, "expired"),
    ({"exp": True}, "expired"),
    ({"exp": NOW - 61}, "expired"),
    ({"exp": NOW - 60}, "expired"),
    ({"exp": float("nan")}, "expired"),
    # row 12
    ({"iat": None}, "bad_iat"),
    ({"iat": str(NOW)}, "bad_iat"),
    ({"iat": NOW + 600}, "bad_iat"),
    ({"iat": NOW - 2 * 3600}, "bad_iat"),
    ({"iat": float("nan")}, "bad_iat"),
    ({"nbf": NOW + 600}, "bad_iat"),
    ({"nbf": "now"}, "bad_iat"),
    # row 13, second half
    ({"nonce": None}, "bad_nonce"),
    ({"nonce": ["nonce-1"]}, "bad_nonce"),
    ({"nonce": "nonce-2"}, "bad_nonce"),
    # rows 14, 15
    ({"lti:version": None}, "bad_version"),
    ({"lti:version": "11.3"}, "bad_version"),
    ({"lti:version": 1.3}, "bad_version"),
    ({"lti:version": ["1.3.0"]}, "bad_version"),
    ({"lti:message_type": None}, "bad_message_type"),
    ({"lti:message_type": "LtiSubmissionReviewRequest"}, "bad_message_type"),
    ({"lti:message_type": ["LtiResourceLinkRequest"]}, "bad_message_type"),
    # row 16
    ({"lti:deployment_id": None}, "no_deployment"),
    ({"lti:deployment_id": ""}, "no_deployment"),
    ({"lti:deployment_id": 7}, "no_deployment"),
    ({"lti:deployment_id": "d" * 256}, "no_deployment"),
    ({"lti:deployment_id": "a\x00b"}, "no_deployment"),
    # row 17
    ({"lti:target_link_uri": None}, "bad_target"),
    ({"lti:target_link_uri": [TARGET]}, "bad_target"),
    ({"lti:target_link_uri": "https://evil.example/lti/launch/"}, "bad_target"),
    ({"lti:target_link_uri": f"{OURS}/other/"}, "bad_target"),
    ({"lti:target_link_uri": f"{OURS}.evil.example/lti/launch/"}, "bad_target"),
    # row 18
    ({"lti:roles": None}, "no_roles"),
    ({"lti:roles": "Instructor"}, "no_roles"),
    ({"lti:roles": {"Instructor": True}}, "no_roles"),
    # row 19
    ({"lti:resource_link": None}, "no_resource_link"),
    ({"lti:resource_link": "link-1"}, "no_resource_link"),
    ({"lti:resource_link": {}}, "no_resource_link"),
    ({"lti:resource_link": {"id": ""}}, "no_resource_link"),
    ({"lti:resource_link": {"id": 1}}, "no_resource_link"),
    ({"lti:resource_link": {"id": "l" * 300}}, "no_resource_link"),
    # row 20
    ({"sub": None}, "no_user"),
    ({"sub": ""}, "no_user"),
    ({"sub": 17}, "no_user"),
    ({"sub": "s" * 300}, "no_user"),
    ({"sub": "\ud800"}, "no_user"),
    # row 22: present, so of the right type
    ({"lti:context": "course-1"}, "bad_payload"),
    ({"lti:context": []}, "bad_payload"),
    ({"lti:context": {"id": 4}}, "bad_payload"),
    ({"lti:context": {"id": "c" * 300}}, "bad_payload"),
    ({"lti:context": {"id": "c", "title": 4}}, "bad_payload"),
    ({"lti:lis": "x"}, "bad_payload"),
    ({"lti:launch_presentation": [1]}, "bad_payload"),
    ({"lti:launch_presentation": {"locale": 4}}, "bad_payload"),
    ({"lti:launch_presentation": {"return_url": {}}}, "bad_payload"),
    ({"lti:custom": "x=y"}, "bad_payload"),
    ({"lti:tool_platform": True}, "bad_payload"),
    ({"lti:tool_platform": {"guid": 4}}, "bad_payload"),
    ({"lti:resource_link": {"id": "l", "title": ["x"]}}, "bad_payload"),
    ({NAMES_AND_ROLES: "https://lms.example/roster"}, "bad_payload"),
    ({NAMES_AND_ROLES: {"context_memberships_url": 5}}, "bad_payload"),
    ({"name": {"first": "Ana"}}, "bad_payload"),
    ({"email": ["ana@example.org"]}, "bad_payload"),
]


@pytest.mark.parametrize(("put", "code"), REFUSED, ids=lambda value: str(value)[:60])
def test_a_faulty_claim_is_refused(put: Claims, code: str) -> None:
    assert code_of(lambda: read(alter(HONEST, put=put))) == code


@pytest.mark.parametrize(
    ("claim", "code"),
    [
        ("iss", "bad_iss"),
        ("aud", "bad_aud"),
        ("exp", "expired"),
        ("iat", "bad_iat"),
        ("nonce", "bad_nonce"),
        ("sub", "no_user"),
        ("lti:version", "bad_version"),
        ("lti:message_type", "bad_message_type"),
        ("lti:deployment_id", "no_deployment"),
        ("lti:target_link_uri", "bad_target"),
        ("lti:roles", "no_roles"),
        ("lti:resource_link", "no_resource_link"),
    ],
)
def test_a_missing_claim_is_refused(claim: str, code: str) -> None:
    assert code_of(lambda: read(alter(HONEST, without=[claim]))) == code


def test_the_first_row_that_fails_decides() -> None:
    """Each step mends the row that failed: the codes come in the order of the list."""
    claims: Claims = {}
    seen = []
    for name in (
        *("iss", "aud", "exp", "iat", "nonce", f"{LTI}version", f"{LTI}message_type"),
        *(f"{LTI}deployment_id", f"{LTI}target_link_uri", f"{LTI}roles", f"{LTI}resource_link", "sub"),
    ):
        seen.append(code_of(lambda: read(claims)))
        claims[name] = HONEST[name]
    assert read(claims).sub == "person-1"
    assert seen == [
        *("bad_iss", "bad_aud", "expired", "bad_iat", "bad_nonce", "bad_version", "bad_message_type"),
        *("no_deployment", "bad_target", "no_roles", "no_resource_link", "no_user"),
    ]


@pytest.mark.parametrize(
    "put",
    [
        {"aud": ["client-1"]},
        {"azp": "client-1"},
        {"exp": NOW - 59},
        {"exp": NOW + 10 * 365 * 86400},
        {"exp": NOW + 1800.5, "iat": NOW - 0.5, "nbf": NOW - 0.5},
        {"exp": 10**400},
        {"iat": NOW + 30, "nbf": NOW + 30},
        {"iat": NOW - 3500},
        {"lti:context": None},
        {"lti:context": {}},
        {"lti:context": {"id": None}},
        {"lti:context": {"id": "", "title": "No id"}},
        {"lti:lis": None, "lti:custom": None, "lti:tool_platform": None, "lti:launch_presentation": {}},
        {"lti:roles": [""]},
        {"lti:roles": []},
        {"lti:roles": [None, 5, "", {"a": 1}, "Learner"]},
        {"name": None, "given_name": "", "email": ""},
        {"lti:resource_link": {"id": "l", "title": None}},
        {"lti:custom": {"a": None, "b": 4, "c": {"d": 1}, "e": "$Unknown.variable", "f": "x"}},
        {NAMES_AND_ROLES: None},
        {"https://vendor.example/claim": [1, {"x": None}]},
    ],
    ids=lambda put: str(put)[:60],
)
def test_what_is_unusual_but_allowed_passes(put: Claims) -> None:
    assert read(alter(HONEST, put=put)).sub == "person-1"


def test_only_resolved_texts_of_custom_parameters_are_kept() -> None:
    custom = {"a": None, "b": 4, "e": "$Unknown.variable", "empty": "", "Room.id": "x"}
    assert dict(read(alter(HONEST, put={"lti:custom": custom})).custom) == {"Room.id": "x"}


def test_texts_are_capped_and_hold_nothing_that_only_steers() -> None:
    name = "Ana\u0000 \u202eGarcía\n\tLópez\ud800" + "x" * 900
    launch = read(alter(HONEST, put={"name": name}))
    assert launch.name.startswith("Ana García Lópezx")
    assert len(launch.name) == 255


def test_html_stays_text() -> None:
    title = '<script>alert("x")</script>'
    launch = read(alter(HONEST, put={"lti:context": {"id": "1", "title": title}}))
    assert launch.context is not None
    assert launch.context.title == title


@pytest.mark.parametrize(
    ("service", "url"),
    [
        ({"context_memberships_url": "https://lms.example/r?x=1", "service_versions": ["2.0"]}, True),
        ({"context_memberships_url": "https://lms.example/r?x=1"}, True),
        ({"context_memberships_url": "https://lms.example/r?x=1", "service_versions": ["1.0"]}, False),
        ({"context_memberships_url": "http://lms.example/r"}, False),
        ({"context_memberships_url": "https://user:pw@lms.example/r"}, False),
        ({"context_memberships_url": "javascript:alert(1)"}, False),
        ({"context_memberships_url": "https://lms.example/" + "r" * 3000}, False),
        ({"context_memberships_url": None}, False),
    ],
)
def test_a_roster_address_is_kept_when_it_can_be_used(service: object, *, url: bool) -> None:
    assert bool(read(alter(HONEST, put={NAMES_AND_ROLES: service})).roster_url) is url


# --- Deep linking -----------------------------------------------------------------------------------


def deep_link(settings: object) -> Claims:
    claims = alter(HONEST, put={"lti:message_type": "LtiDeepLinkingRequest"}, without=["lti:resource_link"])
    return {**claims, DEEP_LINKING: settings}


def test_a_deep_linking_request_needs_no_link_but_settings() -> None:
    settings = {"deep_link_return_url": "https://lms.example/back?x=1", "accept_types": ["link"]}
    launch = read(deep_link(settings))
    assert launch.resource_link is None
    assert launch.deep_linking is not None
    assert launch.deep_linking.return_url == "https://lms.example/back?x=1"
    assert (launch.deep_linking.data, launch.deep_linking.accepts_multiple) == (None, False)


@pytest.mark.parametrize(
    ("sent", "data", "accepts_multiple"),
    [
        ({"data": "", "accept_multiple": True}, "", True),
        ({"data": " <x> ", "accept_multiple": "true"}, " <x> ", True),
        ({"data": None, "accept_multiple": "false"}, None, False),
        ({"accept_multiple": [1]}, None, False),
    ],
)
def test_what_a_content_picker_wants_is_kept_as_it_was_sent(
    sent: dict[str, object], data: str | None, accepts_multiple: bool
) -> None:
    settings = {"deep_link_return_url": "https://lms.example/back", "accept_types": ["link"], "title": 7}
    wanted = read(deep_link({**settings, **sent})).deep_linking
    assert wanted is not None
    assert (wanted.data, wanted.accepts_multiple, wanted.title) == (data, accepts_multiple, "")


def test_a_content_picker_need_not_send_roles() -> None:
    settings = {"deep_link_return_url": "https://lms.example/back", "accept_types": ["link"]}
    claims = alter(deep_link(settings), without=["lti:roles"])
    assert read(claims).roles == frozenset()
    assert code_of(lambda: read({**claims, f"{LTI}roles": "Instructor"})) == "no_roles"


@pytest.mark.parametrize(
    "settings",
    [
        None,
        [],
        {},
        {"deep_link_return_url": "https://lms.example/back"},
        {"deep_link_return_url": "https://lms.example/back", "accept_types": []},
        {"deep_link_return_url": "https://lms.example/back", "accept_types": "link"},
        {"deep_link_return_url": "http://lms.example/back", "accept_types": ["link"]},
        {"deep_link_return_url": "javascript:alert(1)", "accept_types": ["link"]},
        {"accept_types": ["link"]},
        {"deep_link_return_url": "https://lms.example/" + "x" * 8000, "accept_types": ["link"]},
        {"deep_link_return_url": "https://u:p@lms.example/back", "accept_types": ["link"]},
        {"deep_link_return_url": "http://127.0.0.1/back", "accept_types": ["link"]},
        {"deep_link_return_url": "https://lms.example/back", "accept_types": ["link"], "data": {"a": 1}},
        # Neither can be kept as it is, to be given back letter by letter.
        {"deep_link_return_url": "https://lms.example/back", "accept_types": ["link"], "data": "a\0b"},
        {"deep_link_return_url": "https://lms.example/back", "accept_types": ["link"], "data": "\ud800"},
    ],
)
def test_faulty_deep_linking_settings_are_refused(settings: object) -> None:
    assert code_of(lambda: read(deep_link(settings))) == "bad_dl_settings"


# --- The token's form -------------------------------------------------------------------------------


def token(header: object, payload: object = None) -> str:
    parts = [json.dumps(header), json.dumps(HONEST if payload is None else payload)]
    return ".".join([*(base64.urlsafe_b64encode(p.encode()).rstrip(b"=").decode() for p in parts), "c2ln"])


GOOD_HEADER = {"typ": "JWT", "alg": "RS256", "kid": "key-1"}


def test_a_good_header_gives_the_kid() -> None:
    header = {**GOOD_HEADER, "jku": "https://evil.example", "jwk": {}, "x5u": "https://evil.example"}
    assert read_token(token(header)).kid == "key-1"
    assert read_token(token({"alg": "RS256", "kid": "k"})).kid == "k"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "bad_jwt"),
        ("a", "bad_jwt"),
        ("a.b", "bad_jwt"),
        ("a.b.c.d", "bad_jwt"),
        ("a.b.c", "bad_jwt"),
        ("ä.b.c", "bad_jwt"),
        (token([1]), "bad_jwt"),
        (token("x"), "bad_jwt"),
        (token({"typ": "at+jwt", "alg": "RS256", "kid": "k"}), "bad_jwt"),
        (token({"typ": None, "alg": "RS256", "kid": "k"}), "bad_jwt"),
        (token({**GOOD_HEADER, "crit": ["exp"]}), "bad_jwt"),
        (token({**GOOD_HEADER, "b64": False}), "bad_jwt"),
        (token(GOOD_HEADER, "x" * 70_000), "bad_jwt"),
        (token({**GOOD_HEADER, "alg": "none"}), "bad_alg"),
        (token({**GOOD_HEADER, "alg": "HS256"}), "bad_alg"),
        (token({**GOOD_HEADER, "alg": "RS512"}), "bad_alg"),
        (token({**GOOD_HEADER, "alg": ["RS256"]}), "bad_alg"),
        (token({"kid": "k"}), "bad_alg"),
        (token({"alg": "RS256"}), "no_kid"),
        (token({"alg": "RS256", "kid": ""}), "no_kid"),
        (token({"alg": "RS256", "kid": 5}), "no_kid"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_token_of_another_form_is_refused(raw: str, code: str) -> None:
    assert code_of(lambda: read_token(raw)) == code


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"a":' + b"9" * 5000])
def test_a_payload_that_is_no_object_is_refused(body: bytes) -> None:
    assert code_of(lambda: read_payload(body)) == "bad_payload"


TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=4,
)


@given(
    st.dictionaries(
        st.sampled_from([*HONEST, f"{LTI}context", f"{LTI}custom", "name", "azp"]), JSON, max_size=3
    )
)
def test_no_payload_is_a_crash(put: Claims) -> None:
    with suppress(LaunchRefusedError):
        read({**HONEST, **put})


# --- Login parameters -------------------------------------------------------------------------------

LOGIN = {"iss": ["https://lms.example"], "login_hint": ["hint"], "target_link_uri": [TARGET]}


def test_a_login_is_read() -> None:
    given_parameters = {**LOGIN, "lti_message_hint": ["m"], "lti_deployment_id": ["d"], "unknown": ["x", "y"]}
    login = read_login(given_parameters, public_url=OURS)
    assert (login.message_hint, login.deployment_id, login.client_id) == ("m", "d", "")


@pytest.mark.parametrize(
    ("put", "code"),
    [
        *(({name: []}, "bad_request") for name in LOGIN),
        *(({name: [""]}, "bad_request") for name in LOGIN),
        *(({name: ["x", "x"]}, "bad_request") for name in (*LOGIN, "client_id", "lti_message_hint")),
        ({"iss": ["x" * 501]}, "bad_request"),
        ({"login_hint": ["x" * 4001]}, "bad_request"),
        ({"lti_message_hint": ["x" * 8001]}, "bad_request"),
        ({"client_id": ["x" * 256]}, "bad_request"),
        ({"login_hint": ["a\x00b"]}, "bad_request"),
        ({"login_hint": ["a\r\nb"]}, "bad_request"),
        ({"target_link_uri": ["https://evil.example/lti/launch/"]}, "bad_target"),
        ({"target_link_uri": ["/lti/launch/"]}, "bad_target"),
        ({"target_link_uri": ["javascript:alert(1)"]}, "bad_target"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_faulty_login_is_refused(put: dict[str, list[str]], code: str) -> None:
    assert code_of(lambda: read_login({**LOGIN, **put}, public_url=OURS)) == code


# --- Texts and origins ------------------------------------------------------------------------------


def test_frames_belong_to_the_platform_of_the_launch() -> None:
    claims = alter(
        HONEST,
        put={
            "lti:tool_platform": {"guid": "1", "url": "https://school.example/portal"},
            "lti:launch_presentation": {"return_url": "https://other.school.example/back?key=1"},
        },
    )
    assert frame_origins_of(claims, EXPECTED, ["https://extra.example/", "http://plain.example"]) == [
        "https://lms.example",
        "https://extra.example",
        "https://school.example",
        "https://other.school.example",
    ]


def test_a_plain_http_frame_is_for_loopback_alone_and_only_where_it_is_allowed() -> None:
    demo = Expected(
        issuer="http://localhost:8000",
        client_id="c",
        target_link_uri="",
        public_url="",
        allows_loopback=True,
    )
    claims: Claims = {f"{LTI}tool_platform": {"url": "http://school.example"}}
    assert frame_origins_of(claims, demo) == ["http://localhost:8000"]
    assert frame_origins_of({}, Expected("http://localhost:8000", "c", "", "")) == []


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert len(once.encode("utf-8", "strict")) <= 255 * 4
