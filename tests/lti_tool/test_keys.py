"""Platform keys: cached one by one, fetched as seldom as can be."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lti_tool.claims import LaunchRefusedError, ReasonCode
from lti_tool.keys import FETCH_LIMITS, platform_key
from lti_tool.models import Platform
from practice_lms.behaviour import Endpoint
from practice_lms.keys import SigningKey
from practice_lms.server import RunningLms, Served
from tests.factories.launches import Browser, Stage, register


@pytest.fixture
def platform(lms: RunningLms, db: None) -> Platform:
    return register(lms)


@pytest.fixture
def server(lms: RunningLms) -> Endpoint:
    """The key set of the LMS, with what may be wrong with it."""
    return lms.behaviour.keys


def outcome(platform: Platform, kid: str, *, later: float = 0) -> str:
    """What a lookup comes to: `found`, or the code of the refusal."""
    try:
        platform_key(platform, kid, now=time.time() + later)
    except LaunchRefusedError as refusal:
        return refusal.reason.value
    return "found"


def test_a_key_is_fetched_once_and_then_known(platform: Platform, lms: RunningLms, server: Endpoint) -> None:
    for _time in range(5):
        assert outcome(platform, lms.keys.signing.kid) == "found"
    assert server.calls == 1


def test_a_rotated_key_is_fetched_at_once(platform: Platform, lms: RunningLms, server: Endpoint) -> None:
    old = lms.keys.signing.kid
    assert outcome(platform, old) == "found"
    for _rotation in range(3):
        new = lms.keys.rotate()
        assert outcome(platform, new.kid) == "found"
    assert server.calls == 4
    assert outcome(platform, old) == "unknown_kid", "a withdrawn key ends with the next fetch"


def test_a_withdrawn_key_ends_with_its_cached_time(
    platform: Platform, lms: RunningLms, server: Endpoint
) -> None:
    old = lms.keys.signing.kid
    assert outcome(platform, old) == "found"
    lms.keys.rotate()
    assert outcome(platform, old) == "found", "the platform said no-store: a minute"
    assert outcome(platform, old, later=61) == "unknown_kid"


def test_a_storm_of_unknown_kids_costs_one_fetch(
    platform: Platform, lms: RunningLms, server: Endpoint
) -> None:
    assert outcome(platform, lms.keys.signing.kid) == "found"
    assert {outcome(platform, f"made-up-{number}") for number in range(50)} == {"unknown_kid"}
    assert server.calls == 2
    assert outcome(platform, "made-up", later=31) == "unknown_kid"
    assert server.calls == 3


def test_a_first_fetch_is_not_delayed_by_unknown_kids(
    platform: Platform, lms: RunningLms, server: Endpoint
) -> None:
    assert outcome(platform, "made-up") == "unknown_kid"
    assert outcome(platform, lms.keys.signing.kid) == "found"
    assert server.calls == 1
    assert outcome(platform, lms.keys.rotate().kid) == "found", "nor is the first rotation"


@pytest.mark.parametrize("kid", ["", "x" * 256, "a\x00b", "a\nb", "\ud800", "../../etc", "a b:c"])
def test_strange_kids_are_unknown(platform: Platform, kid: str) -> None:
    assert outcome(platform, kid) == "unknown_kid"


@pytest.mark.django_db(transaction=True)
def test_many_launches_at_once_share_a_fetch(lms: RunningLms, server: Endpoint) -> None:
    platform = register(lms)
    server.delay = 0.5
    together = threading.Barrier(8)

    def look_up(_number: int) -> str:
        together.wait()
        try:
            return outcome(platform, lms.keys.signing.kid)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as crowd:
        assert list(crowd.map(look_up, range(8))) == ["found"] * 8
    assert server.calls == 1


def fails(server: Endpoint, how: str) -> None:
    match how:
        case "status":
            server.status = 503
        case "redirect":
            server.redirect_to = "/elsewhere"
        case "too long":
            server.size = 1024 * 1024 + 1
        case "no JSON":
            server.body = b"<html>"
        case "JSON, but an error":
            server.body = b'{"error": "down"}'
        case "no list":
            server.body = b'{"keys": {"a": 1}}'
        case "a list":
            server.body = b"[]"


LONGEST_PAUSE = 4 * FETCH_LIMITS.seconds + 1  # after a failed fetch
FAILURES = ["status", "redirect", "too long", "no JSON", "JSON, but an error", "no list", "a list"]


@pytest.mark.parametrize("how", FAILURES)
def test_a_bad_answer_is_never_kept(platform: Platform, lms: RunningLms, server: Endpoint, how: str) -> None:
    fails(server, how)
    assert outcome(platform, lms.keys.signing.kid) == "keys_unavailable"
    server.reset()
    assert outcome(platform, lms.keys.signing.kid, later=LONGEST_PAUSE) == "found"


@pytest.mark.parametrize("how", FAILURES)
def test_known_keys_serve_while_the_server_is_unwell(
    platform: Platform, lms: RunningLms, server: Endpoint, how: str
) -> None:
    assert outcome(platform, lms.keys.signing.kid) == "found"
    fails(server, how)
    assert outcome(platform, lms.keys.signing.kid, later=3000) == "found"
    assert outcome(platform, "new-kid", later=3001) == "keys_unavailable"


def test_a_server_that_is_gone(platform: Platform, lms: RunningLms) -> None:
    with RunningLms() as short_lived:
        gone = register(short_lived, name="Gone")
    assert outcome(gone, short_lived.keys.signing.kid) == "keys_unavailable"
    assert outcome(platform, lms.keys.signing.kid) == "found"


@pytest.mark.parametrize("how", ["delay", "drip"])
def test_a_slow_server_costs_seconds_once(
    platform: Platform, lms: RunningLms, server: Endpoint, how: str
) -> None:
    setattr(server, how, 30 if how == "delay" else 1)
    started = time.monotonic()
    assert outcome(platform, lms.keys.signing.kid) == "keys_unavailable"
    assert time.monotonic() - started < 7
    started = time.monotonic()
    for _knock in range(5):
        assert outcome(platform, lms.keys.signing.kid) == "keys_unavailable"
    assert time.monotonic() - started < 1, "nobody else waits for a server that has just failed slowly"
    assert server.calls == 1
    server.reset()
    assert outcome(platform, lms.keys.signing.kid, later=30) == "found"


@pytest.mark.parametrize("size", [70_000, 1024 * 1024])
def test_a_large_key_set_is_fine(platform: Platform, lms: RunningLms, server: Endpoint, size: int) -> None:
    server.size = size
    assert outcome(platform, lms.keys.signing.kid) == "found"


def test_a_crowd_of_keys_is_fine(platform: Platform, lms: RunningLms) -> None:
    lms.keys.crowd(300)
    assert outcome(platform, lms.keys.signing.kid) == "found"


def test_broken_entries_spoil_nothing(platform: Platform, lms: RunningLms) -> None:
    good = lms.keys.signing.jwk()
    lms.keys.publish(
        None,
        "text",
        [],
        {},
        {**good, "kid": 5},
        {**good, "kid": "no-n", "n": None},
        {**good, "kid": "not-base64", "n": "!!!"},
        {**good, "kid": "even", "e": "AQAA"},
        {**good, "kid": "huge", "e": good["n"]},
        {**good, "kid": "enc", "use": "enc"},
        {**good, "kid": "rs512", "alg": "RS512"},
        {"kty": "oct", "kid": "oct", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "EC", "kid": "ec", "crv": "P-256", "x": "AA", "y": "AA"},
        SigningKey.make(bits=1024, kid="weak").jwk(),
        SigningKey.make(kid="unmarked", use=None, alg=None).jwk(),
    )
    assert outcome(platform, good["kid"]) == "found"  # type: ignore[arg-type]
    assert outcome(platform, "unmarked") == "found"
    for kid in ("no-n", "not-base64", "even", "huge", "enc", "rs512", "oct", "ec", "weak"):
        assert outcome(platform, kid) == "unknown_kid", kid


def test_another_key_set_address_begins_anew(platform: Platform, lms: RunningLms) -> None:
    kid = lms.keys.signing.kid
    assert outcome(platform, kid) == "found"
    with RunningLms() as other:
        platform.jwks_url = other.registration.jwks_url
        assert outcome(platform, kid) == "unknown_kid"
        assert outcome(platform, other.keys.signing.kid) == "found"


def test_two_registrations_share_no_keys(platform: Platform, lms: RunningLms) -> None:
    with RunningLms() as other:
        second = register(other, name="Other")
        assert outcome(platform, lms.keys.signing.kid) == "found"
        assert outcome(second, lms.keys.signing.kid) == "unknown_kid"


def test_a_launch_with_a_dead_key_server_is_a_503_with_a_page(stage: Stage, browser: Browser) -> None:
    stage.lms.behaviour.keys.status = 500
    reply = stage.launch(browser)
    assert (reply.status, reply.code) == (503, ReasonCode.KEYS_UNAVAILABLE)
    stage.lms.behaviour.reset()
    time.sleep(0.2)
    assert stage.launch(browser).status == 303


class KeyServer(Served):
    """A key set that says how long it may be kept."""

    def __init__(self, lms: RunningLms, cache_control: str) -> None:
        super().__init__()
        self.lms, self.cache_control, self.calls = lms, cache_control, 0

    def application(self) -> Starlette:
        async def publish(_request: Request) -> Response:
            self.calls += 1
            headers = {"Cache-Control": self.cache_control} if self.cache_control else {}
            return JSONResponse(self.lms.keys.key_set(), headers=headers)

        return Starlette(routes=[Route("/keys", publish)])


@pytest.mark.parametrize(
    ("cache_control", "kept_for"),
    [
        ("", 3600),
        ("max-age=5", 60),
        ("public, max-age=600, must-revalidate", 600),
        ('Max-Age="300"', 300),
        ("max-age=86400", 3600),
        ("max-age=99999999999999999999", 3600),
        ("no-store", 60),
        ("no-cache, no-store", 60),
    ],
)
def test_keys_are_kept_as_long_as_the_platform_says_within_bounds(
    platform: Platform, lms: RunningLms, cache_control: str, kept_for: int
) -> None:
    with KeyServer(lms, cache_control) as server:
        platform.jwks_url = f"{server.origin}/keys"
        kid = lms.keys.signing.kid
        assert outcome(platform, kid) == outcome(platform, kid, later=kept_for - 5) == "found"
        assert server.calls == 1
        assert outcome(platform, kid, later=kept_for + 5) == "found"
        assert server.calls == 2
