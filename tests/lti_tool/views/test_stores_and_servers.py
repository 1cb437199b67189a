"""Launches while something outside is down: a platform's key server that says nothing, and Redis."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from practice_lms.people import GUEST_LECTURE, INSTRUCTOR
from practice_lms.server import RunningLms
from tests.factories.launches import register
from tests.servers import RunningRedis, RunningTool, own_redis, run_tool

__all__ = ["own_redis"]

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 6


@pytest.fixture(params=[0, 2], ids=["asgi", "two workers"])
def tool(request: pytest.FixtureRequest, own_redis: RunningRedis) -> Iterator[RunningTool]:
    with run_tool(workers=request.param, REDIS_URL=own_redis.url) as running:
        yield running


@pytest.fixture
def silent() -> Iterator[RunningLms]:
    """A platform whose key server takes connections and says nothing."""
    with RunningLms() as lms:
        lms.behaviour.keys.delay = 60
        yield lms


@pytest.fixture
def healthy() -> Iterator[RunningLms]:
    with RunningLms() as lms:
        yield lms


def log_in(tool: RunningTool, lms: RunningLms, client: httpx.Client) -> httpx.Response:
    begun = lms.initiate(INSTRUCTOR, GUEST_LECTURE, embedded=False)
    return client.post(begun.action, data=begun.fields)


def launch(tool: RunningTool, lms: RunningLms) -> tuple[int, float]:
    """A whole launch, over real HTTP: the status of its answer, and how long Foyer took."""
    with httpx.Client(timeout=30) as client:
        started = time.monotonic()
        reply = log_in(tool, lms, client)
        assert reply.status_code == 303, reply.text
        query = parse_qs(urlsplit(reply.headers["Location"]).query)
        token = lms.sign(lms.claims(INSTRUCTOR, GUEST_LECTURE, nonce=query["nonce"][0]))
        # The cookie is Secure, which a browser takes from loopback http, and this client does not.
        cookie = "; ".join(line.partition(";")[0] for line in reply.headers.get_list("Set-Cookie"))
        answer = client.post(
            f"{tool.url}/lti/launch/",
            data={"id_token": token, "state": query["state"][0]},
            headers={"Cookie": cookie},
        )
        return answer.status_code, time.monotonic() - started


@pytest.mark.timeout(120)
def test_a_silent_key_server_slows_no_launch_of_another_platform(
    tool: RunningTool, silent: RunningLms, healthy: RunningLms
) -> None:
    for lms in (silent, healthy):
        lms.connect_tool(tool.url)
        register(lms, name=lms.origin)
    assert launch(tool, healthy)[0] == 303
    with ThreadPoolExecutor(AT_ONCE) as crowd:
        waiting = [crowd.submit(launch, tool, silent) for _number in range(AT_ONCE)]
        time.sleep(0.3)
        others = [launch(tool, healthy) for _number in range(5)]
        assert not all(one.done() for one in waiting), "the silent server was still being waited for"
        refused = [one.result() for one in waiting]
    assert [status for status, _took in others] == [303] * 5
    # One request may wait for the silent server for five seconds; the others give up after one.
    assert max(took for _status, took in others) < 3
    assert sorted(took for _status, took in others)[2] < 1
    assert [status for status, _took in refused] == [503] * AT_ONCE
    assert silent.behaviour.keys.calls == 1


@pytest.mark.timeout(120)
def test_without_redis_a_login_and_a_launch_read_a_calm_page(
    tool: RunningTool, healthy: RunningLms, own_redis: RunningRedis
) -> None:
    healthy.connect_tool(tool.url)
    register(healthy)
    assert launch(tool, healthy)[0] == 303
    own_redis.stop()
    with httpx.Client(timeout=30) as client:
        replies = [
            log_in(tool, healthy, client),
            client.post(f"{tool.url}/lti/launch/", data={"id_token": "a.b.c", "state": "x" * 43}),
        ]
    for reply in replies:
        assert reply.status_code == 503
        assert "We will be back in a moment" in reply.text
    own_redis.start()
    assert launch(tool, healthy)[0] == 303
