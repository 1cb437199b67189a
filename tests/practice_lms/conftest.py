"""An LMS for each test, and a tool that is nothing but keys: what a platform needs to see of one."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx
import pytest

from practice_lms.keys import SigningKey
from practice_lms.server import RunningKeySet, RunningLms
from practice_lms.services import ASSERTION_TYPE, ROSTER_SCOPE, ROSTER_TYPE
from practice_lms.tokens import alter, sign

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def _running_lms() -> Iterator[RunningLms]:
    with RunningLms() as running:
        yield running


@pytest.fixture
def lms(_running_lms: RunningLms) -> RunningLms:
    """The same address for all tests, and nothing left of what the last one changed."""
    _running_lms.reset()
    _running_lms.connect_tool("https://tool.example")
    return _running_lms


@dataclass
class ToolKeys:
    """The tool's side of the services: a published key, and requests that are signed with it."""

    lms: RunningLms
    key: SigningKey
    published: RunningKeySet

    def assertion(
        self,
        *,
        put: dict[str, object] | None = None,
        without: tuple[str, ...] = (),
        headers: dict[str, object] | None = None,
        key: SigningKey | None = None,
    ) -> str:
        client_id = self.lms.registration.client_id
        claims: dict[str, object] = {
            "iss": client_id,
            "sub": client_id,
            "aud": self.lms.registration.audience,
            "iat": int(time.time()),
            "exp": int(time.time()) + 300,
            "jti": str(uuid.uuid4()),
        }
        return sign(alter(claims, put=put, without=without), key or self.key, headers=headers)

    def ask_token(self, assertion: str, *, scope: str = ROSTER_SCOPE, **changes: str) -> httpx.Response:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            "scope": scope,
        }
        return httpx.post(self.lms.registration.token_url, data=form | changes)

    def bearer(self) -> str:
        return str(self.ask_token(self.assertion()).json()["access_token"])

    def ask_roster(self, url: str, *, bearer: str, accept: str = ROSTER_TYPE) -> httpx.Response:
        return httpx.get(url, headers={"Authorization": f"Bearer {bearer}", "Accept": accept})


@pytest.fixture
def tool(lms: RunningLms) -> Iterator[ToolKeys]:
    key = SigningKey.make()
    with RunningKeySet({"keys": [key.jwk()]}) as published:
        lms.connect_tool(replace(lms.tool, jwks_url=published.url))
        yield ToolKeys(lms, key, published)
