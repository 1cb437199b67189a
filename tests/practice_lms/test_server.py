from __future__ import annotations

import socket

import httpx
import pytest

from practice_lms.people import LEARNER, SEMINAR_ROOM, crowded_campus
from practice_lms.server import LmsBrowser, RunningLms, read_form


def test_it_ends_by_itself() -> None:
    with RunningLms() as lms:
        assert httpx.get(lms.origin).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(lms.origin)
    lms.stop()


def test_a_slow_answer_does_not_hold_it_up() -> None:
    with RunningLms() as lms:
        lms.behaviour.keys.delay = 60
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(lms.registration.jwks_url, timeout=0.1)
    with pytest.raises(httpx.ConnectError):
        httpx.get(lms.origin)


def test_it_may_call_itself_localhost() -> None:
    with RunningLms(host="localhost") as lms:
        assert lms.origin == f"http://localhost:{lms.port}"
        assert lms.initiate(LEARNER, SEMINAR_ROOM).fields["iss"] == lms.origin


def test_a_taken_port_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        RunningLms(port=taken.getsockname()[1])


def test_two_platforms_have_two_issuers_and_two_keys() -> None:
    with RunningLms() as one, RunningLms() as other:
        assert one.registration.issuer != other.registration.issuer
        assert one.keys.signing.kid != other.keys.signing.kid


def test_a_campus_of_ones_own() -> None:
    campus = crowded_campus(100)
    with RunningLms(campus=campus) as lms:
        crowd = campus.courses[-1]
        login = lms.initiate(crowd.enrolments[-1].person, crowd.links[0])
        assert login.fields["login_hint"] == crowd.enrolments[-1].person.sub


def test_an_error_is_not_a_form() -> None:
    with RunningLms() as lms, pytest.raises(ValueError, match="403"):
        read_form(LmsBrowser(lms).get("/d2l/le/lti/41/launch"))


def test_the_registration_reads_as_options_of_the_command() -> None:
    with RunningLms() as lms:
        options = lms.registration.options(deployment_ids=lms.registration.deployment_ids[:1])
        assert f"--issuer={lms.origin}" in options
        assert f"--audience={lms.origin}/auth/token" in options
        assert sum(option.startswith("--deployment-id=") for option in options) == 1
        assert sum(option.startswith("--deployment-id=") for option in lms.registration.options()) == 2
