from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import jwt
import pytest

from practice_lms.people import (
    ADMINISTRATOR,
    ASSISTANT,
    GUEST_LECTURE,
    INSTRUCTOR,
    LEARNER,
    LEARNERS,
    SEMINAR_ROOM,
    SITE_VISIT,
    Person,
)
from practice_lms.registration import FIRST_DEPLOYMENT, SECOND_DEPLOYMENT
from practice_lms.tokens import LTI, NAMES_AND_ROLES, VENDOR, Release

if TYPE_CHECKING:
    from practice_lms.server import LoginInitiation, RunningLms

ROLE = "http://purl.imsglobal.org/vocab/lis/v2/"


def request_of(login: LoginInitiation) -> dict[str, str]:
    return login.request(nonce="a nonce", state="a state & more")


def launched(lms: RunningLms, login: LoginInitiation) -> dict[str, object]:
    """The claims of a whole launch, with the signature checked against the published key."""
    answer = login.answer(login.address(request_of(login)))
    assert answer.action == lms.tool.launch_url
    assert answer.state == "a state & more"
    keys = jwt.PyJWKSet.from_dict(login.browser.get(lms.registration.jwks_url).json())
    key = keys[jwt.get_unverified_header(answer.id_token)["kid"]]
    claims: dict[str, object] = jwt.decode(
        answer.id_token, key, algorithms=["RS256"], audience=lms.registration.client_id, issuer=lms.origin
    )
    return claims


def test_initiation_sends_what_brightspace_sends(lms: RunningLms) -> None:
    login = lms.initiate(INSTRUCTOR, SEMINAR_ROOM)
    assert login.action == "https://tool.example/lti/login/"
    hint = login.fields.pop("lti_message_hint")
    assert hint.endswith("~")
    assert login.fields == {
        "iss": lms.origin,
        "login_hint": INSTRUCTOR.sub,
        "target_link_uri": "https://tool.example/lti/launch/",
        "client_id": lms.registration.client_id,
        "lti_deployment_id": FIRST_DEPLOYMENT,
        "lti_storage_target": "_parent",
    }


def test_a_new_tab_offers_no_storage(lms: RunningLms) -> None:
    assert "lti_storage_target" not in lms.initiate(INSTRUCTOR, SEMINAR_ROOM, embedded=False).fields


def test_a_launch_carries_the_claims_of_brightspace(lms: RunningLms) -> None:
    claims = launched(lms, lms.initiate(INSTRUCTOR, SEMINAR_ROOM))
    issued_at = claims["iat"]
    assert isinstance(issued_at, int)
    assert (claims["nbf"], claims["exp"]) == (issued_at, issued_at + 1800)
    assert claims["nonce"] == "a nonce"
    assert claims["sub"] == INSTRUCTOR.sub
    assert claims["email"] == "marisol.ibarra@campus.example"
    assert claims[f"{LTI}roles"] == [f"{ROLE}membership#Instructor", f"{ROLE}institution/person#Faculty"]
    assert claims[f"{LTI}context"] == {
        "id": "6784",
        "label": "BIO-210-26A",
        "title": "Introduction to Marine Biology",
        "type": [f"{ROLE}course#CourseOffering"],
    }
    assert claims[f"{LTI}launch_presentation"] == {"locale": "en-us"}
    assert claims[NAMES_AND_ROLES] == {
        "context_memberships_url": f"{lms.origin}/d2l/api/lti/nrps/2.0/deployment/{FIRST_DEPLOYMENT}"
        "/orgunit/6784/memberships",
        "service_versions": ["2.0"],
    }
    assert set(launch_vendor(claims)) >= {"tenant_id", "user_id", "username", "org_defined_id"}
    assert "azp" not in claims
    assert f"{LTI}custom" not in claims


def launch_vendor(claims: dict[str, object]) -> dict[str, object]:
    vendor = claims[VENDOR]
    assert isinstance(vendor, dict)
    return vendor


@pytest.mark.parametrize(
    ("person", "roles"),
    [
        (LEARNER, ["membership#Learner", "institution/person#Student"]),
        (
            ASSISTANT,
            [
                "membership/Instructor#TeachingAssistant",
                "membership#Instructor",
                "institution/person#Student",
                "institution/person#Staff",
            ],
        ),
        (ADMINISTRATOR, ["institution/person#Administrator"]),
    ],
    ids=["learner", "assistant", "administrator"],
)
def test_roles_are_those_of_the_person_in_this_course(
    lms: RunningLms, person: Person, roles: list[str]
) -> None:
    claims = launched(lms, lms.initiate(person, GUEST_LECTURE))
    assert claims[f"{LTI}roles"] == [ROLE + role for role in roles]


def test_a_copied_course_carries_its_history(lms: RunningLms) -> None:
    vendor = launch_vendor(launched(lms, lms.initiate(ASSISTANT, SITE_VISIT)))
    assert vendor["Context.id.history"] == "6512"
    assert vendor["ResourceLink.id.history"] == "2fd06a9b-4e83-47c1-96d5-b10c7e38f4a2-31_6512"


def test_a_missing_address_is_an_empty_string(lms: RunningLms) -> None:
    without = next(one for one in LEARNERS if not one.email)
    assert launched(lms, lms.initiate(without, SEMINAR_ROOM))["email"] == ""


def test_a_deployment_may_withhold_what_it_knows(lms: RunningLms) -> None:
    lms.platform.release[FIRST_DEPLOYMENT] = Release(name=False, email=False, username=False, org_unit=False)
    claims = launched(lms, lms.initiate(INSTRUCTOR, SEMINAR_ROOM))
    assert {"name", "given_name", "family_name", "email", f"{LTI}context", f"{LTI}lis"}.isdisjoint(claims)
    assert "username" not in launch_vendor(claims)


def test_the_second_deployment_names_itself(lms: RunningLms) -> None:
    login = lms.initiate(INSTRUCTOR, SEMINAR_ROOM, deployment_id=SECOND_DEPLOYMENT)
    assert login.fields["lti_deployment_id"] == SECOND_DEPLOYMENT
    assert launched(lms, login)[f"{LTI}deployment_id"] == SECOND_DEPLOYMENT


def test_a_tool_may_start_over_with_the_same_hint(lms: RunningLms) -> None:
    login = lms.initiate(INSTRUCTOR, SEMINAR_ROOM)
    assert launched(lms, login)["sub"] == launched(lms, login)["sub"]


def test_authentication_may_be_asked_by_post(lms: RunningLms) -> None:
    login = lms.initiate(INSTRUCTOR, SEMINAR_ROOM)
    page = login.browser.post(lms.registration.auth_url, request_of(login))
    assert 'name="id_token"' in page.text


@pytest.mark.parametrize(
    "name",
    [
        "scope",
        "response_type",
        "response_mode",
        "prompt",
        "client_id",
        "redirect_uri",
        "login_hint",
        "lti_message_hint",
        "nonce",
        "state",
    ],
)
def test_a_missing_or_doubled_parameter_is_not_found(lms: RunningLms, name: str) -> None:
    login = lms.initiate(INSTRUCTOR, SEMINAR_ROOM)
    asked = request_of(login)
    doubled = login.address(asked) + "&" + urlencode({name: asked[name]})
    assert login.browser.get(doubled).status_code == 404
    del asked[name]
    assert login.browser.get(login.address(asked)).status_code == 404


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scope", "openid profile"),
        ("response_type", "code"),
        ("response_mode", "fragment"),
        ("prompt", "login"),
        ("client_id", "another"),
        ("redirect_uri", "https://tool.example/lti/launch"),
        ("redirect_uri", "https://tool.example/lti/launch/?room=1"),
        ("redirect_uri", "https://TOOL.example/lti/launch/"),
    ],
)
def test_a_wrong_parameter_is_refused_and_nothing_is_sent(lms: RunningLms, name: str, value: str) -> None:
    login = lms.initiate(INSTRUCTOR, SEMINAR_ROOM)
    reply = login.browser.get(login.address(request_of(login) | {name: value}))
    assert reply.status_code == 400
    assert "<form" not in reply.text


@pytest.mark.parametrize(
    ("name", "value"),
    [("lti_message_hint", "made-up~"), ("login_hint", LEARNER.sub)],
    ids=["message", "login"],
)
def test_hints_of_no_launch_are_an_error(lms: RunningLms, name: str, value: str) -> None:
    login = lms.initiate(INSTRUCTOR, SEMINAR_ROOM)
    answer = login.answer(login.address(request_of(login) | {name: value}))
    assert answer.fields["error"] == "invalid_request"
    assert answer.state == "a state & more"
    assert "id_token" not in answer.fields


def test_only_the_browser_that_is_signed_in_gets_a_token(lms: RunningLms) -> None:
    mine, theirs = lms.initiate(INSTRUCTOR, SEMINAR_ROOM), lms.initiate(LEARNER, SEMINAR_ROOM)
    answer = theirs.answer(mine.address(request_of(mine)))
    assert answer.fields["error"] == "login_required"
    assert "id_token" not in answer.fields


def test_a_new_key_signs_after_a_rotation(lms: RunningLms) -> None:
    before = lms.keys.signing.kid
    lms.keys.rotate()
    assert launched(lms, lms.initiate(INSTRUCTOR, SEMINAR_ROOM))["iss"] == lms.origin
    assert lms.keys.signing.kid != before
