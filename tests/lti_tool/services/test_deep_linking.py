"""What an answer to a content picker may hold. How it looks is tested in tests/rooms/views/test_picker.py."""

from datetime import UTC, datetime
from typing import Any

import jwt
import pytest

from common.errors import InvalidError
from lti_tool.models import ContentRequest
from lti_tool.services.deep_linking import DL, MAX_ITEMS, ContentItem, answer_content_request
from tests.factories.lti import make_course, make_member, make_tab, make_tenant

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def request_for(**values: object) -> ContentRequest:
    tab, _secret = make_tab(make_member(make_course(make_tenant())))
    wanted = {"return_url": "https://lms.example:8443/back?x=1", "accept_types": ["ltiResourceLink"]}
    return ContentRequest.objects.create(tab=tab, **{**wanted, **values})


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_an_answer_goes_to_one_origin_and_lives_five_minutes(db: None) -> None:
    answer = answer_content_request(request_for(), [], now=NOW)
    assert (answer.origin, answer.return_url) == (
        "https://lms.example:8443",
        "https://lms.example:8443/back?x=1",
    )
    claims = claims_of(answer.jwt)
    assert claims["iat"] == int(NOW.timestamp())
    assert claims["exp"] == int(NOW.timestamp()) + 300
    assert answer.jwt not in repr(answer)


def test_each_answer_has_a_nonce_of_its_own(db: None) -> None:
    request = request_for()
    nonces = {claims_of(answer_content_request(request, [], now=NOW).jwt)["nonce"] for _ in range(5)}
    assert len(nonces) == 5


def test_an_item_says_no_more_than_it_has(db: None) -> None:
    answer = answer_content_request(request_for(), [ContentItem("A room")], now=NOW, message="Added.")
    claims = claims_of(answer.jwt)
    (item,) = claims[f"{DL}content_items"]
    assert set(item) == {"type", "url", "title"}
    assert "?" not in item["url"]
    assert claims[f"{DL}msg"] == "Added."
    assert not {f"{DL}log", f"{DL}errormsg", f"{DL}errorlog", f"{DL}data"} & set(claims)


def test_a_refusal_is_told_to_person_and_log(db: None) -> None:
    claims = claims_of(answer_content_request(request_for(), [], now=NOW, error="No links here.").jwt)
    assert (claims[f"{DL}errormsg"], claims[f"{DL}errorlog"]) == ("No links here.", "No links here.")


@pytest.mark.parametrize(
    ("wanted", "count", "code"),
    [
        ({"accept_types": ["html"]}, 1, "content_type"),
        ({}, 2, "content_count"),
        ({"accepts_multiple": True}, MAX_ITEMS + 1, "content_count"),
    ],
)
def test_what_was_not_asked_for_is_never_signed(
    db: None, wanted: dict[str, object], count: int, code: str
) -> None:
    with pytest.raises(InvalidError) as refused:
        answer_content_request(request_for(**wanted), [ContentItem("A room")] * count, now=NOW)
    assert refused.value.code == code
