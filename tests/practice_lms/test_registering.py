"""Tools that register themselves with the practice LMS: what each manner lets pass."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from practice_lms.keys import SigningKey
from practice_lms.people import GUEST_LECTURE, INSTRUCTOR
from practice_lms.registering import start_address
from practice_lms.self_registration import TOOL_CONFIGURATION, Manner, Offer
from practice_lms.server import RunningKeySet, RunningLms

if TYPE_CHECKING:
    from collections.abc import Iterator

BOTH = pytest.mark.parametrize("manner", list(Manner))
TOOL = "http://127.0.0.1:9"


@dataclass
class Newcomer:
    """A tool that does everything right."""

    lms: RunningLms
    offer: Offer
    jwks_url: str

    @property
    def started(self) -> dict[str, str]:
        query = urlsplit(start_address(self.lms.platform, self.offer, f"{TOOL}/register/")).query
        return {name: values[0] for name, values in parse_qs(query).items()}

    @property
    def headers(self) -> dict[str, str]:
        token = self.started.get("registration_token")
        return {"Authorization": f"Bearer {token}"} if token else {}

    def configuration(self) -> httpx.Response:
        # As it is: httpx would write the escapes of the address anew.
        return send("GET", self.started["openid_configuration"], headers=self.headers)

    def asked(self, **changes: object) -> dict[str, object]:
        return {
            "application_type": "web",
            "grant_types": ["implicit", "client_credentials"],
            "initiate_login_uri": f"{TOOL}/login/",
            "redirect_uris": [f"{TOOL}/launch/"],
            "client_name": "A tool",
            "jwks_uri": self.jwks_url,
            "token_endpoint_auth_method": "private_key_jwt",
            "scope": "openid",
            TOOL_CONFIGURATION: {
                "domain": "127.0.0.1:9",
                "target_link_uri": f"{TOOL}/launch/",
                "claims": ["sub"],
            },
            **changes,
        }

    def register(self, **changes: object) -> httpx.Response:
        endpoint = self.configuration().json()["registration_endpoint"]
        return self.post(endpoint, **changes)

    def post(self, endpoint: str, **changes: object) -> httpx.Response:
        return send("POST", endpoint, headers=self.headers, content=json.dumps(self.asked(**changes)))


def send(method: str, url: str, *, headers: dict[str, str], content: str = "") -> httpx.Response:
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    with httpx.Client(trust_env=False) as client:
        return client.request(
            method, url, headers=headers, content=content, extensions={"target": target.encode()}
        )


@pytest.fixture
def published() -> Iterator[RunningKeySet]:
    with RunningKeySet({"keys": [SigningKey.make().jwk()]}) as running:
        yield running


@pytest.fixture
def newcomer(lms: RunningLms, published: RunningKeySet, manner: Manner) -> Newcomer:
    return Newcomer(lms, lms.platform.toolbox.offer(manner), published.url)


@BOTH
def test_a_tool_arrives_switched_off_and_launches_when_it_is_enabled(
    newcomer: Newcomer, lms: RunningLms, manner: Manner
) -> None:
    reply = newcomer.register()
    assert reply.status_code == (201 if manner is Manner.BRIGHTSPACE else 200)
    client_id = reply.json()["client_id"]
    deployment_id = reply.json()[TOOL_CONFIGURATION]["deployment_id"]
    assert lms.registration.client_id != client_id

    page = httpx.get(f"{lms.origin}/admin/tools/").text
    assert ("A tool, disabled" if manner is Manner.BRIGHTSPACE else "A tool, pending") in page
    assert httpx.post(f"{lms.origin}/admin/tools/{client_id}/enable/").status_code == 303
    assert lms.registration.client_id == client_id
    login = lms.initiate(INSTRUCTOR, GUEST_LECTURE, deployment_id=deployment_id)
    assert login.action == f"{TOOL}/login/"
    assert login.fields["client_id"] == client_id
    answered = login.answer(login.address(login.request(nonce="n", state="s")))
    assert answered.action == f"{TOOL}/launch/"

    # And back to the one that was registered by hand.
    httpx.post(f"{lms.origin}/admin/tools/by-hand/enable/")
    assert lms.registration.client_id != client_id


@pytest.mark.parametrize("manner", [Manner.BRIGHTSPACE])
def test_brightspaces_address_answers_once_and_as_it_was_given_out(newcomer: Newcomer) -> None:
    address = newcomer.started["openid_configuration"]
    for changed in (address.replace("%2f", "%2F"), address.replace("%7e", "~"), address + "&more=1"):
        assert send("GET", changed, headers={}).status_code == 401
    assert send("GET", address, headers={"Authorization": "Bearer x"}).status_code == 400
    assert newcomer.configuration().status_code == 200
    assert newcomer.configuration().status_code == 401


@pytest.mark.parametrize("manner", [Manner.MOODLE])
def test_moodle_wants_its_token(newcomer: Newcomer, lms: RunningLms) -> None:
    address = newcomer.started["openid_configuration"]
    assert httpx.get(address).status_code == 401
    assert httpx.get(address, headers={"Authorization": "Bearer other"}).status_code == 401
    assert newcomer.register().status_code == 200
    again = newcomer.register(client_name="Another")
    assert (again.status_code, again.headers["content-type"]) == (401, "text/plain; charset=utf-8")


@BOTH
def test_an_offer_registers_once(newcomer: Newcomer) -> None:
    endpoint = newcomer.configuration().json()["registration_endpoint"]
    assert newcomer.post(endpoint).status_code in {200, 201}
    assert newcomer.post(endpoint, client_name="Another").status_code == 401


@BOTH
@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uris": []},
        {"redirect_uris": ["http://tool.example/launch/"]},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"grant_types": ["implicit"]},
        {"scope": "openid https://example.org/unknown"},
        {"client_name": ""},
        {TOOL_CONFIGURATION: {"domain": "127.0.0.1", "target_link_uri": f"{TOOL}/launch/"}},
        {TOOL_CONFIGURATION: None},
    ],
)
def test_what_is_refused(newcomer: Newcomer, lms: RunningLms, changes: dict[str, object]) -> None:
    reply = newcomer.register(**changes)
    assert reply.status_code == 400
    assert "invalid_" in reply.text
    assert lms.platform.toolbox.tools == {}


@pytest.mark.parametrize("manner", [Manner.BRIGHTSPACE])
def test_a_key_set_that_cannot_be_fetched(newcomer: Newcomer) -> None:
    reply = newcomer.register(jwks_uri="http://127.0.0.1:9/none")
    assert reply.status_code == 400
    assert "keyset URL cannot be fetched" in reply.json()["error_description"]


@BOTH
def test_an_offer_ends(newcomer: Newcomer) -> None:
    newcomer.offer.until = 0
    assert newcomer.configuration().status_code == 401
