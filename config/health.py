"""Alive, ready, and the numbers: for load balancers and Prometheus, never for people."""

import hmac
import ipaddress
import logging

import prometheus_client
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from common.access import public
from common.errors import MissingError

log = logging.getLogger(__name__)


@public("load balancers have no identity")
@require_safe
def alive(_request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@public("load balancers have no identity")
@require_safe
def ready(_request: HttpRequest) -> HttpResponse:
    """Database and cache answer; 503 names the part that does not."""
    parts = {"database": _database_answers(), "cache": _cache_answers()}
    return JsonResponse(
        {name: "ok" if works else "down" for name, works in parts.items()},
        status=200 if all(parts.values()) else 503,
    )


@public("guards itself: a token or a loopback address")
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format.

    Raises:
        MissingError: without the token in METRICS_TOKEN, from elsewhere than this machine.
    """
    if not _may_read_metrics(request):
        raise MissingError
    return HttpResponse(
        prometheus_client.generate_latest(), content_type=prometheus_client.CONTENT_TYPE_LATEST
    )


def _may_read_metrics(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        log.exception("the database does not answer")
        return False
    return True


def _cache_answers() -> bool:
    try:
        cache.set("readyz", "ok", 10)
        return bool(cache.get("readyz") == "ok")
    except Exception:  # each cache backend has error classes of its own
        log.exception("the cache does not answer")
        return False
