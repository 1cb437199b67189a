from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest

from practice_lms.keys import SigningKey
from practice_lms.people import GUEST_LECTURE, INSTRUCTOR, LEARNER, MARINE_BIOLOGY, SEMINAR_ROOM
from practice_lms.registration import FIRST_DEPLOYMENT, ROSTER_PATH, SECOND_DEPLOYMENT
from practice_lms.services import ROSTER_SCOPE, ROSTER_TYPE
from practice_lms.tokens import Release

if TYPE_CHECKING:
    from practice_lms.server import RunningLms
    from tests.practice_lms.conftest import ToolKeys


def roster_url(lms: RunningLms, *, deployment_id: str = FIRST_DEPLOYMENT, org_unit: int = 6784) -> str:
    return lms.origin + ROSTER_PATH.format(deployment_id=deployment_id, org_unit=org_unit)


class TestKeys:
    def test_the_set_is_never_to_be_cached(self, lms: RunningLms) -> None:
        reply = httpx.get(lms.registration.jwks_url)
        assert reply.headers["Cache-Control"] == "no-cache, no-store"
        assert [key["kid"] for key in reply.json()["keys"]] == [lms.keys.signing.kid]

    def test_rotation_withdraws_the_old_key_unless_it_is_kept(self, lms: RunningLms) -> None:
        first = lms.keys.signing.kid
        second = lms.keys.rotate(keep_old=True).kid
        assert {key["kid"] for key in httpx.get(lms.registration.jwks_url).json()["keys"]} == {first, second}
        third = lms.keys.rotate().kid
        assert {key["kid"] for key in httpx.get(lms.registration.jwks_url).json()["keys"]} == {first, third}

    def test_a_shared_instance_has_a_large_set(self, lms: RunningLms) -> None:
        lms.keys.crowd(300)
        reply = httpx.get(lms.registration.jwks_url)
        assert len(reply.content) > 64 * 1024
        assert reply.json()["keys"][-1]["kid"] == lms.keys.signing.kid

    def test_broken_entries_can_be_published(self, lms: RunningLms) -> None:
        lms.keys.publish("not a key", {"kty": "EC"})
        assert httpx.get(lms.registration.jwks_url).json()["keys"][1:] == ["not a key", {"kty": "EC"}]

    def test_the_key_server_can_fail_in_each_way(self, lms: RunningLms) -> None:
        server = lms.behaviour.keys
        server.status = 503
        assert httpx.get(lms.registration.jwks_url).status_code == 503
        server.reset()
        server.redirect_to = "https://elsewhere.example/keys"
        assert httpx.get(lms.registration.jwks_url).headers["Location"] == "https://elsewhere.example/keys"
        server.reset()
        server.size = 1_100_000
        assert len(httpx.get(lms.registration.jwks_url).content) == 1_100_000
        server.reset()
        server.body = b"<html>"
        assert httpx.get(lms.registration.jwks_url).text == "<html>"
        server.reset()
        server.delay = 5
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(lms.registration.jwks_url, timeout=0.1)
        server.reset()
        server.drip = 0.005
        began = time.monotonic()
        assert httpx.get(lms.registration.jwks_url).json()["keys"]
        assert time.monotonic() - began >= 0.1

    def test_fetches_are_counted(self, lms: RunningLms) -> None:
        for _ in range(3):
            httpx.get(lms.registration.jwks_url)
        assert lms.behaviour.keys.calls == 3
        lms.reset()
        assert lms.behaviour.keys.calls == 0


class TestToken:
    def test_a_good_assertion_gets_a_token(self, tool: ToolKeys) -> None:
        reply = tool.ask_token(tool.assertion())
        assert reply.status_code == 200
        assert reply.headers["Cache-Control"] == "no-cache, no-store"
        assert reply.json() | {"access_token": ""} == {
            "access_token": "",
            "expires_in": 3600,
            "token_type": "Bearer",
            "scope": ROSTER_SCOPE,
        }

    @pytest.mark.parametrize(
        ("put", "without"),
        [
            ({"iss": "another"}, ()),
            ({"sub": "another"}, ()),
            ({"aud": "https://elsewhere.example/token"}, ()),
            ({"exp": 1}, ()),
            ({"iat": 4_000_000_000, "exp": 4_000_000_300}, ()),
            ({}, ("iss",)),
            ({}, ("sub",)),
            ({}, ("aud",)),
            ({}, ("exp",)),
            ({}, ("iat",)),
            ({}, ("jti",)),
        ],
    )
    def test_a_wrong_assertion_is_an_invalid_client(
        self, tool: ToolKeys, put: dict[str, object], without: tuple[str, ...]
    ) -> None:
        reply = tool.ask_token(tool.assertion(put=put, without=without))
        assert (reply.status_code, reply.json()["error"]) == (400, "invalid_client")

    def test_the_token_address_is_not_the_audience(self, tool: ToolKeys) -> None:
        reply = tool.ask_token(tool.assertion(put={"aud": tool.lms.registration.token_url}))
        assert reply.json()["error"] == "invalid_client"
        assert httpx.post(tool.lms.registration.audience).status_code == 404

    def test_an_assertion_counts_once(self, tool: ToolKeys) -> None:
        assertion = tool.assertion()
        assert tool.ask_token(assertion).status_code == 200
        assert tool.ask_token(assertion).json()["error"] == "invalid_client"

    def test_a_key_that_is_not_published_proves_nothing(self, tool: ToolKeys) -> None:
        stranger = SigningKey.make(kid=tool.key.kid)
        assert tool.ask_token(tool.assertion(key=stranger)).json()["error"] == "invalid_client"
        assert tool.ask_token(tool.assertion(headers={"kid": None})).json() == {
            "error": "invalid_client",
            "error_description": "Error validating assertion: KeyId not found in token",
        }

    def test_a_bare_key_is_no_key_set(self, tool: ToolKeys) -> None:
        tool.published.key_set = tool.key.jwk()
        assert "KeyId not found" in tool.ask_token(tool.assertion()).json()["error_description"]

    def test_a_tool_that_does_not_answer_gets_nothing(self, tool: ToolKeys) -> None:
        tool.published.stop()
        assert tool.ask_token(tool.assertion()).json()["error"] == "invalid_client"

    def test_no_text_is_an_assertion(self, tool: ToolKeys) -> None:
        assert tool.ask_token("no.such.token").json()["error"] == "invalid_client"
        assert tool.ask_token("").json()["error"] == "invalid_client"

    def test_other_grants_and_scopes_are_not_given(self, tool: ToolKeys) -> None:
        reply = tool.ask_token(tool.assertion(), grant_type="password")
        assert reply.json()["error"] == "unsupported_grant_type"
        assert tool.ask_token(tool.assertion(), scope="").json()["error"] == "invalid_scope"
        assert tool.ask_token(tool.assertion(), scope=f"{ROSTER_SCOPE} x").json()["error"] == "invalid_scope"


class TestRoster:
    def test_pages_follow_one_another_to_the_end(self, lms: RunningLms, tool: ToolKeys) -> None:
        url, bearer, seen = roster_url(lms), tool.bearer(), []
        pages = 0
        while url:
            reply = tool.ask_roster(url, bearer=bearer)
            assert reply.headers["Content-Type"] == ROSTER_TYPE
            assert reply.json()["context"]["id"] == "6784"
            seen += [member["user_id"] for member in reply.json()["members"]]
            url = reply.links["next"]["url"] if "next" in reply.links else ""
            pages += 1
        assert pages == 2
        assert seen == [one.person.sub for one in MARINE_BIOLOGY.enrolments]

    def test_a_member_looks_as_in_brightspace(self, lms: RunningLms, tool: ToolKeys) -> None:
        assert tool.ask_roster(roster_url(lms), bearer=tool.bearer()).json()["members"][0] == {
            "status": "Active",
            "user_id": INSTRUCTOR.sub,
            "roles": ["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"],
            "name": "Marisol Ibarra-Quintero",
            "given_name": "Marisol",
            "family_name": "Ibarra-Quintero",
            "email": "marisol.ibarra@campus.example",
            "ext_d2l_username": "mibarra",
            "lis_person_sourcedid": "F20417",
        }

    @pytest.mark.parametrize(("limit", "length"), [("5", 5), ("1000", 20), ("0", 20), ("many", 20)])
    def test_a_limit_is_kept_up_to_our_own(
        self, lms: RunningLms, tool: ToolKeys, limit: str, length: int
    ) -> None:
        reply = tool.ask_roster(f"{roster_url(lms)}?limit={limit}", bearer=tool.bearer())
        assert len(reply.json()["members"]) == length

    def test_the_limit_holds_for_the_next_page_too(self, lms: RunningLms, tool: ToolKeys) -> None:
        bearer = tool.bearer()
        first = tool.ask_roster(f"{roster_url(lms)}?limit=3", bearer=bearer)
        second = tool.ask_roster(first.links["next"]["url"], bearer=bearer)
        assert len(second.json()["members"]) == 3
        assert second.json()["members"] != first.json()["members"]

    def test_the_case_of_a_link_matters(self, lms: RunningLms, tool: ToolKeys) -> None:
        bearer = tool.bearer()
        url = tool.ask_roster(roster_url(lms), bearer=bearer).links["next"]["url"]
        assert url != url.lower()
        assert tool.ask_roster(url.lower(), bearer=bearer).status_code == 404
        assert tool.ask_roster(url, bearer=bearer).status_code == 200

    def test_a_cursor_belongs_to_its_list(self, lms: RunningLms, tool: ToolKeys) -> None:
        bearer = tool.bearer()
        url = tool.ask_roster(roster_url(lms), bearer=bearer).links["next"]["url"]
        other = roster_url(lms, org_unit=6921) + "?" + url.partition("?")[2]
        assert tool.ask_roster(other, bearer=bearer).status_code == 404

    def test_nobody_without_a_token(self, lms: RunningLms, tool: ToolKeys) -> None:
        assert httpx.get(roster_url(lms)).status_code == 401
        assert tool.ask_roster(roster_url(lms), bearer="made-up").status_code == 401
        basic = {"Authorization": f"Basic {tool.bearer()}"}
        assert httpx.get(roster_url(lms), headers=basic).status_code == 401

    def test_tokens_can_be_taken_back(self, lms: RunningLms, tool: ToolKeys) -> None:
        bearer = tool.bearer()
        lms.platform.grants.clear()
        assert tool.ask_roster(roster_url(lms), bearer=bearer).status_code == 401

    def test_the_scope_must_fit(self, lms: RunningLms, tool: ToolKeys) -> None:
        bearer = lms.grant("https://purl.imsglobal.org/spec/lti-ags/scope/score")
        assert tool.ask_roster(roster_url(lms), bearer=bearer).status_code == 403

    def test_unknown_courses_and_deployments_are_not_found(self, lms: RunningLms, tool: ToolKeys) -> None:
        bearer = tool.bearer()
        assert tool.ask_roster(roster_url(lms, org_unit=1), bearer=bearer).status_code == 404
        assert tool.ask_roster(roster_url(lms, deployment_id="x"), bearer=bearer).status_code == 404
        second = roster_url(lms, deployment_id=SECOND_DEPLOYMENT)
        assert tool.ask_roster(second, bearer=bearer).status_code == 200

    def test_the_media_type_must_be_wanted(self, lms: RunningLms, tool: ToolKeys) -> None:
        bearer = tool.bearer()
        assert tool.ask_roster(roster_url(lms), bearer=bearer, accept="application/json").status_code == 406
        assert tool.ask_roster(roster_url(lms), bearer=bearer, accept="*/*;q=0.5").status_code == 200

    def test_status_and_names_follow_what_the_lms_knows(self, lms: RunningLms, tool: ToolKeys) -> None:
        lms.platform.set_status(INSTRUCTOR, MARINE_BIOLOGY, "Inactive")
        lms.platform.release[FIRST_DEPLOYMENT] = Release(name=False, email=False, username=False)
        first = tool.ask_roster(roster_url(lms), bearer=tool.bearer()).json()["members"][0]
        assert first["status"] == "Inactive"
        assert {"name", "email", "ext_d2l_username"}.isdisjoint(first)

    def test_a_closed_classlist_names_those_who_came(self, lms: RunningLms, tool: ToolKeys) -> None:
        lms.platform.release[FIRST_DEPLOYMENT] = Release(whole_classlist=False)
        bearer = tool.bearer()
        assert tool.ask_roster(roster_url(lms), bearer=bearer).json()["members"] == []
        lms.visit(INSTRUCTOR, SEMINAR_ROOM)
        lms.visit(LEARNER, GUEST_LECTURE)
        members = tool.ask_roster(roster_url(lms), bearer=bearer).json()["members"]
        assert [one["user_id"] for one in members] == [INSTRUCTOR.sub, LEARNER.sub]

    def test_a_crowd_comes_in_pages(self, lms: RunningLms, tool: ToolKeys) -> None:
        lms.platform.page_size = 10
        reply = tool.ask_roster(f"{roster_url(lms)}?limit=50", bearer=tool.bearer())
        assert len(reply.json()["members"]) == 10
