from __future__ import annotations

import jwt
import pytest

from practice_lms.keys import SigningKey
from practice_lms.people import INSTRUCTOR, SEMINAR_ROOM
from practice_lms.tokens import LTI, Launch, Release, alter, launch_claims, sign

KEY = SigningKey.make()
LAUNCH = Launch("https://lms.example", "https://tool.example/lti/launch/", INSTRUCTOR, SEMINAR_ROOM)


def test_claims_can_be_replaced_and_left_out() -> None:
    claims = launch_claims(LAUNCH, now=1000.9)
    changed = alter(claims, put={"lti:version": "11.3", "iss": None}, without=("lti:roles", "sub"))
    assert changed[f"{LTI}version"] == "11.3"
    assert changed["iss"] is None
    assert {f"{LTI}roles", "sub"}.isdisjoint(changed)
    assert claims["sub"] == INSTRUCTOR.sub
    assert claims["iat"] == 1000


def test_an_anonymous_launch_names_neither_person_nor_context_role() -> None:
    claims = launch_claims(
        Launch(
            "https://lms.example",
            "https://tool.example/",
            INSTRUCTOR,
            SEMINAR_ROOM,
            release=Release(is_anonymous=True),
        )
    )
    assert {"name", "email", f"{LTI}lti11_legacy_user_id"}.isdisjoint(claims)
    assert claims[f"{LTI}roles"] == ["http://purl.imsglobal.org/vocab/lis/v2/institution/person#Faculty"]


def test_a_signed_token_verifies() -> None:
    token = sign({"a": 1}, KEY)
    assert jwt.get_unverified_header(token) == {"typ": "JWT", "alg": "RS256", "kid": KEY.kid}
    assert jwt.decode(token, jwt.PyJWK(KEY.jwk()), algorithms=["RS256"]) == {"a": 1}


def test_headers_can_be_replaced_and_left_out() -> None:
    token = sign({}, KEY, headers={"kid": None, "typ": "at+jwt", "jku": "https://elsewhere.example"})
    assert jwt.get_unverified_header(token) == {
        "alg": "RS256",
        "typ": "at+jwt",
        "jku": "https://elsewhere.example",
    }


def test_a_payload_need_not_be_json() -> None:
    token = sign(b"no json", KEY)
    with pytest.raises(jwt.DecodeError):
        jwt.decode(token, jwt.PyJWK(KEY.jwk()), algorithms=["RS256"])


def test_forgeries_are_what_they_claim_to_be() -> None:
    assert sign({}, KEY, algorithm="none").endswith(".")
    assert jwt.get_unverified_header(sign({}, KEY, algorithm="HS256"))["alg"] == "HS256"
    with pytest.raises(ValueError, match="ES256"):
        sign({}, KEY, algorithm="ES256")


def test_a_key_is_published_as_wished() -> None:
    weak = SigningKey.make(bits=1024, kid="weak", use="enc", alg=None)
    assert weak.jwk().keys() == {"kty", "kid", "n", "e", "use"}
    assert weak.jwk()["use"] == "enc"
