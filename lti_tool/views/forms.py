"""What a platform posts, as plain lists of texts.

It comes from anywhere, so nothing about it may be a server error.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Final, ParamSpec
from urllib.parse import parse_qs

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from lti_tool.claims import LaunchRefusedError, ReasonCode
from lti_tool.origins import origin_of

P = ParamSpec("P")

_FORM: Final = "application/x-www-form-urlencoded"


def posted_or_queried(request: HttpRequest) -> dict[str, list[str]]:
    """All values of a POST's form, or of a GET's query.

    Raises:
        LaunchRefusedError: `bad_request` when the form cannot be read.
    """
    try:
        if request.method == "POST" and request.META.get("CONTENT_TYPE") == _FORM:
            # As `request.POST`, which makes more of each value.
            body, most = request.body.decode(), settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
            return parse_qs(body, keep_blank_values=True, max_num_fields=most)
        given = request.POST if request.method == "POST" else request.GET
        return {name: [str(value) for value in values] for name, values in given.lists()}
    except (
        BadRequest,
        MultiPartParserError,
        RequestDataTooBig,
        SuspiciousOperation,
        UnreadablePostError,
        ValueError,
    ) as error:
        raise LaunchRefusedError(ReasonCode.BAD_REQUEST) from error


def uncached(view: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """Keep the answers out of every cache, as Django's `never_cache` does, by what browsers of today read."""

    @wraps(view)
    def answer(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = view(*args, **kwargs)
        response.headers["Cache-Control"] = "private, no-cache, no-store, must-revalidate, max-age=0"
        return response

    return answer


def single(given: Mapping[str, list[str]], name: str) -> str:
    """The one value of a parameter; empty when it was not sent.

    Raises:
        LaunchRefusedError: `bad_request` when it was sent more than once.
    """
    values = given.get(name, [])
    if len(values) > 1:
        raise LaunchRefusedError(ReasonCode.BAD_REQUEST, detail=name)
    return values[0] if values else ""


def is_sent_by_us(request: HttpRequest) -> bool:
    """Tell whether a page of ours sent this POST: browsers name its origin, and cannot be made to lie."""
    return origin_of(request.headers.get("Origin", "")) == origin_of(settings.PUBLIC_URL)
