"""The LMS's content picker and what it refuses; copies of courses; what is released."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import jwt
import pytest

from practice_lms.keys import SigningKey
from practice_lms.people import INSTRUCTOR, LEARNER, MARINE_BIOLOGY
from practice_lms.registration import FIRST_DEPLOYMENT, SECOND_DEPLOYMENT
from practice_lms.server import LmsBrowser
from practice_lms.tokens import DL, LTI, alter, sign

if TYPE_CHECKING:
    from practice_lms.server import RunningLms
    from tests.practice_lms.conftest import ToolKeys

ITEM = {
    "type": "ltiResourceLink",
    "title": "A room",
    "text": "Live",
    "url": "https://tool.example/lti/launch/",
    "custom": {"ref": "1"},
}


def asked(lms: RunningLms) -> dict[str, object]:
    """The claims of a deep linking request."""
    login = lms.ask_for_content(INSTRUCTOR, MARINE_BIOLOGY)
    answer = login.answer(login.address(login.request(nonce="n", state="s")))
    claims: dict[str, object] = jwt.decode(answer.id_token, options={"verify_signature": False})
    return claims


def wanted(claims: dict[str, object]) -> dict[str, object]:
    settings = claims[f"{DL}deep_linking_settings"]
    assert isinstance(settings, dict)
    return settings


def answer_to(lms: RunningLms, request: dict[str, object]) -> dict[str, object]:
    """An answer in which everything is right."""
    return {
        "iss": lms.registration.client_id,
        "aud": lms.origin,
        "iat": int(time.time()),
        "exp": int(time.time()) + 300,
        "nonce": f"nonce {time.time_ns()}",
        f"{LTI}message_type": "LtiDeepLinkingResponse",
        f"{LTI}version": "1.3.0",
        f"{LTI}deployment_id": FIRST_DEPLOYMENT,
        f"{DL}content_items": [ITEM],
        f"{DL}data": wanted(request)["data"],
    }


def give_back(request: dict[str, object], token: str) -> httpx.Response:
    return httpx.post(str(wanted(request)["deep_link_return_url"]), data={"JWT": token})


def test_the_request_is_a_launch_from_the_course(lms: RunningLms) -> None:
    claims = asked(lms)
    assert claims[f"{LTI}message_type"] == "LtiDeepLinkingRequest"
    assert f"{LTI}resource_link" not in claims
    assert claims[f"{LTI}context"]
    assert wanted(claims)["accept_multiple"] is False
    assert urlsplit(str(wanted(claims)["deep_link_return_url"])).netloc == urlsplit(lms.origin).netloc


def test_an_answer_becomes_a_link_whose_launches_carry_its_custom_values(
    lms: RunningLms, tool: ToolKeys
) -> None:
    request = asked(lms)
    done = give_back(request, sign(answer_to(lms, request), tool.key))
    assert (done.status_code, "A room" in done.text) == (200, True)
    course = lms.platform.campus.course(MARINE_BIOLOGY.org_unit)
    assert course is not None
    link = course.links[-1]
    assert (link.title, link.description, link.custom) == ("A room", "Live", (("ref", "1"),))
    claims = lms.claims(LEARNER, link, nonce="n")
    assert claims[f"{LTI}custom"] == {"ref": "1"}


@pytest.mark.parametrize(
    ("put", "without"),
    [
        ({"iss": "somebody"}, ()),
        ({"aud": "https://elsewhere.example"}, ()),
        ({"exp": 1}, ()),
        ({"iat": int(time.time()) + 3000, "exp": int(time.time()) + 3300}, ()),
        ({"exp": int(time.time()) + 90_000}, ()),
        ({}, ("nonce",)),
        ({"nonce": 7}, ()),
        ({"lti:message_type": "LtiResourceLinkRequest"}, ()),
        ({"lti:version": "1.1"}, ()),
        ({"lti:deployment_id": SECOND_DEPLOYMENT}, ()),
        ({f"{DL}data": None}, ()),
        ({f"{DL}data": "other"}, ()),
        ({}, (f"{DL}data",)),
        ({f"{DL}content_items": None}, ()),
        ({f"{DL}content_items": [ITEM, ITEM]}, ()),
        ({f"{DL}content_items": [{**ITEM, "type": "unheard of"}]}, ()),
        ({f"{DL}content_items": [{**ITEM, "url": f"{ITEM['url']}?room=1"}]}, ()),
        ({f"{DL}content_items": [{**ITEM, "custom": {"ref": 1}}]}, ()),
    ],
    ids=[
        *("iss", "aud", "exp past", "iat ahead", "exp far", "no nonce", "nonce", "message type", "version"),
        *("deployment", "data null", "data", "no data", "items", "two items", "type", "url", "custom"),
    ],
)
def test_what_is_wrong_is_said_and_adds_nothing(
    lms: RunningLms, tool: ToolKeys, put: dict[str, object], without: tuple[str, ...]
) -> None:
    request = asked(lms)
    wrong = alter(answer_to(lms, request), put=put, without=without)
    refused = give_back(request, sign(wrong, tool.key))
    assert (refused.status_code, "Error processing" in refused.text) == (403, True)
    assert lms.platform.campus.course(MARINE_BIOLOGY.org_unit) == MARINE_BIOLOGY


def test_keys_and_nonces_count(lms: RunningLms, tool: ToolKeys) -> None:
    request = asked(lms)
    claims = answer_to(lms, request)
    assert give_back(request, sign(claims, SigningKey.make())).status_code == 403
    assert give_back(request, sign(claims, tool.key, headers={"kid": None})).status_code == 403
    assert give_back(request, sign(claims, tool.key, algorithm="none")).status_code == 403
    assert give_back(request, "").status_code == 403
    assert give_back(request, sign(claims, tool.key)).status_code == 200
    assert give_back(request, sign(claims, tool.key)).status_code == 403
    assert httpx.post(f"{lms.origin}/d2l/le/lti/content/nobody/return", data={}).status_code == 404


def test_learners_add_nothing(lms: RunningLms) -> None:
    browser = LmsBrowser(lms)
    fields = {"person": str(LEARNER.number), "course": str(MARINE_BIOLOGY.org_unit)}
    assert browser.post("/sign-in/add/", fields).status_code == 403
    assert browser.get(f"/course/{MARINE_BIOLOGY.org_unit}/add/").status_code == 403


def test_a_copy_has_new_ids_and_tells_the_old_ones(lms: RunningLms) -> None:
    browser = LmsBrowser(lms)
    gone = browser.post(f"/course/{MARINE_BIOLOGY.org_unit}/copy/", {})
    assert gone.status_code == 303
    copy = lms.platform.campus.courses[-1]
    assert gone.headers["Location"] == f"/course/{copy.org_unit}/"
    assert "a copy of 6784" in browser.get(f"/course/{copy.org_unit}/").text
    old, new = MARINE_BIOLOGY.links[0], copy.links[0]
    assert new.history == (old.resource_link_id,)
    assert copy.history == (MARINE_BIOLOGY.context_id,)
    assert old.resource_link_id != new.resource_link_id
    carried = replace(new, custom=(("ref", "1"),))
    again = lms.platform.campus.copy_of(replace(copy, links=(carried,)))
    assert (again.links[0].custom, again.history[0]) == (carried.custom, copy.context_id)


def test_an_administrator_switches_what_is_released(lms: RunningLms) -> None:
    browser = LmsBrowser(lms)
    assert "Security settings" in browser.get("/admin/security/").text
    saved = browser.post("/admin/security/", {"deployment": FIRST_DEPLOYMENT, "link": "1"})
    assert saved.status_code == 303
    claims = lms.claims(INSTRUCTOR, MARINE_BIOLOGY.links[0], nonce="n")
    assert not {"name", "given_name", "email", f"{LTI}context"} & set(claims)
    assert browser.post("/admin/security/", {"deployment": "another"}).status_code == 404
    browser.post("/admin/security/", {"content": "1", "accepts_multiple": "1"})
    assert wanted(asked(lms))["accept_multiple"] is True
