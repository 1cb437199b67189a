"""What happens to every request and answer: whom we believe, how cookies look, how errors become pages."""

import ipaddress
import logging
import re
import uuid
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from common import errors

log = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_STATUS: Final[list[tuple[type[errors.AppError], int]]] = [
    (errors.MissingError, 404),
    (errors.RefusedError, 403),
    (errors.ConflictError, 409),
    (errors.GoneError, 410),
    (errors.ThrottledError, 429),
    (errors.UnavailableError, 503),
    (errors.InvalidError, 400),
    (errors.AppError, 400),
]


def status_of(error: errors.AppError) -> int:
    """The HTTP status of an error of ours."""
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def error_page(request: HttpRequest, error: errors.AppError) -> HttpResponse:
    """The page that tells a person about `error`: `templates/errors/<status>.html`."""
    status = status_of(error)
    context = {
        "error": error,
        "reference": uuid.uuid4().hex[:8],
        "happened_at": timezone.now(),
    }
    response = render(request, f"errors/{status}.html", context, status=status)
    if isinstance(error, errors.ThrottledError):
        response["Retry-After"] = str(error.retry_after)
    log.info("answered %s code=%s reference=%s", status, error.code, context["reference"])
    return response


class ErrorPageMiddleware:
    """Turn errors of ours, raised by a view, into their pages."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer errors of the tree; leave all others to Django (500)."""
        return error_page(request, exception) if isinstance(exception, errors.AppError) else None


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for a form without its token: mostly a page left open for long, or refused cookies."""
    log.info("csrf refused: %s", reason)
    return error_page(
        request,
        errors.RefusedError(
            _(
                "This form could not be checked. Your browser may have refused our cookie, "
                "or the page was open for very long."
            ),
            next_step=_(
                "Go back, reload the page and send the form again. "
                "Inside an LMS, open the tool again from your course."
            ),
            code="csrf",
        ),
    )


class TrustedProxyMiddleware:
    """Believe forwarded addresses and TLS headers only from the networks in TRUSTED_PROXIES.

    Afterwards `REMOTE_ADDR` is the client, and `X-Forwarded-Proto` is present only if a trusted proxy sent it
    (settings.SECURE_PROXY_SSL_HEADER reads it).
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.trusted = [ipaddress.ip_network(network, strict=False) for network in settings.TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        meta = request.META
        forwarded = meta.pop("HTTP_X_FORWARDED_FOR", "")
        if self._is_trusted(meta.get("REMOTE_ADDR", "")):
            hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
            while hops:
                meta["REMOTE_ADDR"] = hops.pop()
                if not self._is_trusted(meta["REMOTE_ADDR"]):
                    break
        else:
            meta.pop("HTTP_X_FORWARDED_PROTO", None)
        return self.get_response(request)

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = _address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.trusted)


# Of the few machines that reach us directly, and of the campuses behind them.
_address = lru_cache(maxsize=1024)(ipaddress.ip_address)


def set_embedded_cookie(
    response: HttpResponseBase, name: str, value: str, *, max_age: int | None, path: str = "/"
) -> None:
    """Set a cookie that survives inside another site's frame: Secure, HttpOnly, SameSite=None, Partitioned.

    Args:
        max_age: seconds; None for a cookie that ends with the browser.
    """
    # Without the attribute `expires` that Django would reckon for each: `max-age` has taken its place.
    response.cookies[name] = value
    morsel = response.cookies[name]
    if max_age is not None:
        morsel["max-age"] = max_age
    morsel["path"], morsel["samesite"] = path, "None"
    for flag in ("secure", "httponly", "partitioned"):
        morsel[flag] = True


class EmbeddedCookieMiddleware:
    """Mark every cookie of ours, Django's included, as Partitioned (Django 5.2 has no setting for it)."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for morsel in response.cookies.values():
            morsel["partitioned"] = True
            morsel["secure"] = True
            morsel["samesite"] = "None"
        return response


class PathScrubber(logging.Filter):
    """Keep secrets of addresses and typed searches (names!) out of every log line, whoever writes it.

    Those are link tokens, tab handles, invitations to register and what platforms add to them, claim links;
    in what is told of an error also the row of a database that it met, and addresses of mail.
    """

    _secret = re.compile(
        r"(/join/|/~|/by/)[^/\s\"'?&]+"
        r"|(/lti/(?:register|claim)/)[^\s\"'?&]+"
        r"|([?&](?:q|openid_configuration|registration_token)=)[^\s\"'&]+"
        r"|(\bDETAIL: ).*"
        r"|()[^\s\"'<>()=,;:@]{1,64}@[^\s\"'<>(),;:@]{1,255}\.[^\s\"'<>(),;:@]+"
    )

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place; never drop it."""
        message = record.getMessage()
        scrubbed = self._scrub(message)
        if scrubbed != message:
            record.msg, record.args = scrubbed, ()
        if record.exc_info and not record.exc_text:  # what a handler writes below the line
            record.exc_text = self._scrub(logging.Formatter().formatException(record.exc_info))
        return True

    def _scrub(self, text: str) -> str:
        return self._secret.sub(lambda found: f"{found[found.lastindex or 0]}…", text)
