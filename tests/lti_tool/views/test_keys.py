"""Our key set."""

import base64
import json
from pathlib import Path

from lti_tool.own_keys import own_keys, rotate_own_keys
from tests.factories.launches import Browser


def test_the_key_set_is_what_platforms_want(own_keys_dir: Path, browser: Browser, db: None) -> None:
    reply = browser.get("/lti/jwks.json")
    assert reply.status == 200
    assert "max-age=600" in reply.headers["Cache-Control"]
    [key] = json.loads(reply.text)["keys"]
    assert set(key) == {"kty", "n", "e", "alg", "use", "kid"}
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
    modulus = base64.urlsafe_b64decode(key["n"] + "==")
    assert len(modulus) == 256
    assert modulus[0] != 0
    assert not reply.cookies


def test_a_new_key_stands_beside_the_old_one(own_keys_dir: Path, browser: Browser, db: None) -> None:
    first = own_keys()[0]
    rotate_own_keys(now=first.made_at)
    keys = json.loads(browser.get("/lti/jwks.json").text)["keys"]
    assert len({key["kid"] for key in keys}) == 2
