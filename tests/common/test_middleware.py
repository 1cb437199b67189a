import logging
import time
from io import StringIO

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from common import errors
from common.access import AccessMiddleware, UnmarkedViewError, public
from common.middleware import (
    EmbeddedCookieMiddleware,
    ErrorPageMiddleware,
    PathScrubber,
    TrustedProxyMiddleware,
    set_embedded_cookie,
    status_of,
)

CASES = [
    (errors.MissingError(), 404),
    (errors.RefusedError(), 403),
    (errors.ConflictError(), 409),
    (errors.GoneError(), 410),
    (errors.ThrottledError(), 429),
    (errors.UnavailableError(), 503),
    (errors.InvalidError(), 400),
    (errors.AppError(), 400),
]


@pytest.mark.parametrize(("error", "status"), CASES, ids=lambda value: type(value).__name__)
def test_each_error_has_its_status_and_a_page_that_says_what_happened(
    error: errors.AppError, status: int, rf: RequestFactory
) -> None:
    error.message = "The pier is closed."
    answer = ErrorPageMiddleware(lambda _: HttpResponse()).process_exception(rf.get("/"), error)
    assert answer is not None
    assert (answer.status_code, status_of(error)) == (status, status)
    assert "The pier is closed." in answer.content.decode()


def test_other_exceptions_are_left_to_django(rf: RequestFactory) -> None:
    middleware = ErrorPageMiddleware(lambda _: HttpResponse())
    assert middleware.process_exception(rf.get("/"), KeyError("x")) is None


def test_a_throttled_answer_says_when_to_come_back(rf: RequestFactory) -> None:
    middleware = ErrorPageMiddleware(lambda _: HttpResponse())
    answer = middleware.process_exception(rf.get("/"), errors.ThrottledError(retry_after=90))
    assert answer is not None
    assert answer["Retry-After"] == "90"


def seen_by(settings: Settings, trusted: list[str], **meta: str) -> HttpRequest:
    settings.TRUSTED_PROXIES = trusted
    seen: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse()

    request = RequestFactory().get("/")
    request.META.update(meta)
    TrustedProxyMiddleware(view)(request)
    return seen[0]


def test_a_stranger_cannot_choose_the_address_or_claim_tls(settings: Settings) -> None:
    request = seen_by(
        settings,
        ["10.0.0.0/8"],
        REMOTE_ADDR="203.0.113.9",
        HTTP_X_FORWARDED_FOR="198.51.100.1",
        HTTP_X_FORWARDED_PROTO="https",
    )
    assert request.META["REMOTE_ADDR"] == "203.0.113.9"
    assert "HTTP_X_FORWARDED_PROTO" not in request.META


def test_behind_trusted_proxies_the_client_is_the_last_address_that_is_none_of_them(
    settings: Settings,
) -> None:
    request = seen_by(
        settings,
        ["10.0.0.0/8"],
        REMOTE_ADDR="10.0.0.1",
        HTTP_X_FORWARDED_FOR="192.0.2.66, 198.51.100.1, 10.0.0.2",
        HTTP_X_FORWARDED_PROTO="https",
    )
    assert request.META["REMOTE_ADDR"] == "198.51.100.1"
    assert request.META["HTTP_X_FORWARDED_PROTO"] == "https"


def test_every_cookie_of_ours_lives_in_frames() -> None:
    def view(_: HttpRequest) -> HttpResponse:
        response = HttpResponse()
        response.set_cookie("plain", "1")
        set_embedded_cookie(response, "ours", "2", max_age=60, path="/join/")
        return response

    answer = EmbeddedCookieMiddleware(view)(RequestFactory().get("/"))
    for morsel in answer.cookies.values():
        assert "Partitioned" in morsel.OutputString()
        assert "Secure" in morsel.OutputString()
        assert "SameSite=None" in morsel.OutputString()
    assert "HttpOnly" in answer.cookies["ours"].OutputString()
    assert "Path=/join/" in answer.cookies["ours"].OutputString()


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("Not Found: /join/c2VjcmV0-token", "Not Found: /join/…"),
        ("GET /~handle123/media/7/", "GET /~…/media/7/"),
        ("nothing secret", "nothing secret"),
        ("Gone: /lti/register/c2VjcmV0/a2V5/", "Gone: /lti/register/…"),
        ("GET /lti/claim/c2VjcmV0/ 410", "GET /lti/claim/… 410"),
        (
            "GET /lti/register/abc/?openid_configuration=https://lms/c?t=one/two&registration_token=x.y 303",
            "GET /lti/register/…?openid_configuration=…&registration_token=… 303",
        ),
        (
            "GET /~tab/media/1/collaborators/people/?page=2&q=ana%40example.org&x=1 200",
            "GET /~…/media/1/collaborators/people/?page=2&q=…&x=1 200",
        ),
    ],
)
def test_logs_hold_no_link_token_and_no_tab(line: str, kept: str) -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "%s", (line,), None)
    PathScrubber().filter(record)
    assert record.getMessage() == kept


FOUND_TWICE = """duplicate key value violates unique constraint "guest_once_per_tenant"
DETAIL:  Key (tenant_id, last_name)=(7f, Quetzalcoatl) already exists."""


@pytest.mark.parametrize("text", [FOUND_TWICE, "no mail to x.q@glaciers.example", "at /join/AbCd_-"])
def test_what_went_wrong_is_told_without_whom_it_met(text: str) -> None:
    handler, written = logging.StreamHandler(), StringIO()
    handler.setStream(written)
    handler.addFilter(PathScrubber())
    log = logging.Logger("a test")  # noqa: LOG001 - one that nobody else listens to
    log.addHandler(handler)
    log.error("a chore failed for x.q@glaciers.example", exc_info=ValueError(text))
    said = written.getvalue()
    assert [each for each in ("Quetzalcoatl", "glaciers", "AbCd") if each in said] == []
    assert "a chore failed for …" in said
    assert said.count(f"ValueError: {text[:3]}") == 1


def test_a_long_line_is_no_work() -> None:
    started = time.monotonic()
    for sign in "a@.":
        record = logging.LogRecord("x", logging.INFO, __file__, 1, "%s", (sign * 100_000,), None)
        PathScrubber().filter(record)
    assert time.monotonic() - started < 5


def test_a_view_that_does_not_say_who_may_call_it_is_refused(rf: RequestFactory) -> None:
    def view(_: HttpRequest) -> HttpResponse:
        return HttpResponse()

    request = rf.get("/")
    request.resolver_match = None
    middleware = AccessMiddleware(view)
    with pytest.raises(UnmarkedViewError):
        middleware.process_view(request, view, (), {})
    middleware.process_view(request, public("a test")(view), (), {})
