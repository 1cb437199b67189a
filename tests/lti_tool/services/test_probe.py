"""Testing a registration against a running LMS, well and unwell: what is wrong is found, and by its name."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.utils import timezone
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lti_tool.models import Course, Platform
from lti_tool.outgoing import CONNECT_SECONDS
from lti_tool.services.probe import PAGE_LIMITS, Finding, Step, Tried, next_step, try_keys, try_step
from practice_lms.people import INSTRUCTOR
from practice_lms.registration import FIRST_DEPLOYMENT
from practice_lms.server import RunningKeySet, RunningLms, Served, bound_socket
from practice_lms.tokens import Release
from tests.factories.launches import Browser, Stage, tab_behind

pytestmark = pytest.mark.django_db


class Answering(Served):
    """A server that always says the same."""

    def __init__(self, body: bytes, *, status: int = 200, media_type: str = "application/json") -> None:
        super().__init__()
        self.answer = (body, status, media_type)

    def application(self) -> Starlette:
        async def say(_request: Request) -> Response:
            body, status, media_type = self.answer
            return Response(body, status_code=status, media_type=media_type)

        return Starlette(routes=[Route("/", say, methods=["GET", "POST"])])


@contextmanager
def token_server(body: object, status: int) -> Iterator[str]:
    with Answering(body if isinstance(body, bytes) else json.dumps(body).encode(), status=status) as running:
        yield f"{running.origin}/"


@pytest.fixture
def launched(stage: Stage, browser: Browser, published_keys: RunningKeySet) -> Platform:
    """A registration that works, with one launch behind it."""
    tab_behind(browser, stage.launch(browser))
    return Platform.objects.get(pk=stage.platform.pk)


def tried(platform: Platform, step: Step) -> Tried:
    return try_step(platform, step, now=timezone.now())


def found(platform: Platform, step: Step) -> tuple[Finding, ...]:
    return tried(platform, step).findings


def test_a_registration_that_works(launched: Platform) -> None:
    results = {step: tried(launched, step) for step in Step}
    assert [result.is_good for result in results.values()] == [True, True, True]
    assert results[Step.KEYS].count >= 1
    assert results[Step.ROSTER].count > 1
    assert [next_step(step) for step in Step] == [Step.TOKEN, Step.ROSTER, None]


def test_a_test_stores_nothing(launched: Platform) -> None:
    people = launched.tenants.get().people.count()
    tried(launched, Step.ROSTER)
    assert launched.tenants.get().people.count() == people


# --- Keys -----------------------------------------------------------------------------------------


def test_what_a_key_server_may_do(lms: RunningLms) -> None:
    url, endpoint = lms.registration.jwks_url, lms.behaviour.keys
    endpoint.redirect_to = "https://elsewhere.example/keys?session=secret"
    redirected = try_keys(url)
    assert (redirected.findings, redirected.target) == ((Finding.REDIRECTED,), "https://elsewhere.example")
    endpoint.reset()
    endpoint.status = 404
    assert try_keys(url).findings == (Finding.NOT_FOUND,)
    endpoint.status = 500
    assert (try_keys(url).findings, try_keys(url).status) == ((Finding.BAD_STATUS,), 500)
    endpoint.reset()
    endpoint.body = b"<html>Please sign in</html>"
    assert try_keys(url).findings == (Finding.UNREADABLE,)
    endpoint.body = b'{"keys": [{"kty": "EC", "kid": "1"}, 7]}'
    assert try_keys(url).findings == (Finding.NO_USABLE_KEY,)
    endpoint.body = b'{"keys": {}}'
    assert try_keys(url).findings == (Finding.NO_USABLE_KEY,)
    endpoint.reset()
    endpoint.size = 2 * 1024 * 1024
    assert try_keys(url).findings == (Finding.TOO_LONG,)


def test_a_slow_key_server_is_waited_for_in_vain_and_not_for_long(lms: RunningLms) -> None:
    lms.behaviour.keys.delay = 4
    started = timezone.now()
    assert try_keys(lms.registration.jwks_url).findings == (Finding.TOO_SLOW,)
    assert (timezone.now() - started).total_seconds() < 3 + CONNECT_SECONDS


def test_a_dead_key_server() -> None:
    with bound_socket(0) as nobody:
        port = nobody.getsockname()[1]
    assert try_keys(f"http://127.0.0.1:{port}/").findings == (Finding.UNREACHABLE,)


@pytest.mark.parametrize(
    ("url", "finding"),
    [
        ("https://no-such-host.example/keys", Finding.UNKNOWN_NAME),
        ("http://lms.example/keys", Finding.FORBIDDEN),
        ("https://10.0.0.7/keys", Finding.FORBIDDEN),
        ("https://169.254.169.254/latest", Finding.FORBIDDEN),
        ("file:///etc/passwd", Finding.FORBIDDEN),
        ("nonsense", Finding.FORBIDDEN),
    ],
)
def test_addresses_that_are_not_asked(url: str, finding: Finding) -> None:
    assert try_keys(url).findings == (finding,)


def test_a_server_that_speaks_no_tls(lms: RunningLms) -> None:
    url = lms.registration.jwks_url.replace("http://", "https://")
    assert try_keys(url).findings == (Finding.NO_TLS,)


# --- Token ----------------------------------------------------------------------------------------


def test_a_wrong_audience(launched: Platform) -> None:
    launched.token_audience = "https://elsewhere.example/token"
    result = tried(launched, Step.TOKEN)
    assert result.findings == (Finding.BAD_AUDIENCE,)
    assert "Audience doesn't match" in result.words
    assert found(launched, Step.ROSTER) == (Finding.NO_TOKEN,)


def test_keys_of_ours_that_the_lms_cannot_fetch(launched: Platform, published_keys: RunningKeySet) -> None:
    published_keys.stop()
    assert found(launched, Step.TOKEN) == (Finding.OUR_KEYS,)


def test_a_wrong_client(launched: Platform) -> None:
    launched.client_id = "somebody-else"
    assert found(launched, Step.TOKEN) == (Finding.BAD_CLIENT,)


@pytest.mark.parametrize(
    ("body", "status", "finding"),
    [
        ({"error": "invalid_scope"}, 400, Finding.SCOPE_REFUSED),
        ({"error": "unauthorized_client", "error_description": "No."}, 403, Finding.SCOPE_REFUSED),
        ({"access_token": "t", "expires_in": 60, "scope": "other"}, 200, Finding.SCOPE_REFUSED),
        ({"error": "invalid_client"}, 401, Finding.BAD_CLIENT),
        (b'{"error":"invalid_client","error_description":"Bad "aud" claim"}', 400, Finding.BAD_AUDIENCE),
        ({"error": "invalid_request", "error_description": "Wrong audience"}, 400, Finding.BAD_AUDIENCE),
        ({"error": "invalid_client", "error_description": "kid not found"}, 400, Finding.OUR_KEYS),
        (b"<html>Not found</html>", 404, Finding.NOT_FOUND),
        (b"<html>Oops</html>", 502, Finding.BAD_STATUS),
        (b"<html>Sign in</html>", 200, Finding.UNREADABLE),
        ({"access_token": 7}, 200, Finding.UNREADABLE),
        ([], 200, Finding.UNREADABLE),
    ],
)
def test_what_a_token_endpoint_may_say(stage: Stage, body: object, status: int, finding: Finding) -> None:
    with token_server(body, status) as url:
        stage.platform.token_url = url
        assert found(stage.platform, Step.TOKEN) == (finding,)


def test_a_token_endpoint_that_redirects(launched: Platform, lms: RunningLms) -> None:
    lms.behaviour.token.redirect_to = "/elsewhere"
    result = tried(launched, Step.TOKEN)
    assert (result.findings, result.target) == ((Finding.REDIRECTED,), lms.origin)


def test_a_token_endpoint_that_is_not_there(launched: Platform) -> None:
    launched.token_url = "https://no-such-host.example/token"
    assert found(launched, Step.TOKEN) == (Finding.UNKNOWN_NAME,)


# --- Roster ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "finding"),
    [
        (401, Finding.TOKEN_REFUSED),
        (403, Finding.ROSTER_REFUSED),
        (404, Finding.COURSE_GONE),
        (410, Finding.COURSE_GONE),
        (500, Finding.BAD_STATUS),
    ],
)
def test_a_roster_that_does_not_come(
    launched: Platform, lms: RunningLms, status: int, finding: Finding
) -> None:
    lms.behaviour.roster.status = status
    result = tried(launched, Step.ROSTER)
    assert (result.findings, result.status) == ((finding,), status)
    assert not result.is_good
    assert result.was_tried


def test_a_roster_that_is_none(launched: Platform, lms: RunningLms) -> None:
    lms.behaviour.roster.redirect_to = "https://elsewhere.example/"
    assert found(launched, Step.ROSTER) == (Finding.REDIRECTED,)
    lms.behaviour.roster.reset()
    for body in (b"<html>", b"[]", b'{"members": {}}'):
        lms.behaviour.roster.body = body
        assert found(launched, Step.ROSTER) == (Finding.UNREADABLE,)
    lms.behaviour.roster.body = b'{"members": []}'
    assert found(launched, Step.ROSTER) == (Finding.EMPTY_ROSTER,)


def test_a_roster_that_says_less_than_it_could(launched: Platform, lms: RunningLms) -> None:
    lms.platform.seen[FIRST_DEPLOYMENT] = {INSTRUCTOR}
    lms.platform.release[FIRST_DEPLOYMENT] = Release(name=False, email=False, whole_classlist=False)
    result = tried(launched, Step.ROSTER)
    assert set(result.findings) == {Finding.ONE_PERSON, Finding.NO_NAMES, Finding.NO_ADDRESSES}
    assert result.is_good, "it works; this is advice"


def test_before_any_launch_there_is_nothing_to_read(stage: Stage, browser: Browser) -> None:
    result = tried(stage.platform, Step.ROSTER)
    assert result.findings == (Finding.NOBODY_LAUNCHED,)
    assert not result.was_tried
    stage.launch(browser, without=("https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice",))
    assert found(Platform.objects.get(), Step.ROSTER) == (Finding.NO_SERVICE,)


def test_the_course_that_launched_last_is_asked(launched: Platform, lms: RunningLms) -> None:
    other = Course.objects.get()
    Course.objects.create(
        tenant=other.tenant,
        deployment=other.deployment,
        context_id="never-launched",
        roster_url="https://no-such-host.example/",
    )
    assert found(launched, Step.ROSTER) == (Finding.FINE,)


def test_a_slow_roster_has_its_limit(launched: Platform, lms: RunningLms) -> None:
    assert PAGE_LIMITS.seconds <= 10
    lms.behaviour.roster.delay = 4
    assert found(launched, Step.ROSTER) == (Finding.TOO_SLOW,)
