"""The pages alone, for servers that speak WSGI: at the launch storm of a campus they cost the least there."""

import gc
import os
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["FOYER_INTERFACE"] = "wsgi"  # settings.py leaves out what only an event loop can use

import django
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.urls import get_resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.http import HttpRequest, HttpResponseBase
    from django.urls import ResolverMatch

django.setup(set_prefix=False)


class PageHandler(WSGIHandler):
    """Django's, without what changes nothing here: it stands around each request of each launch (ADR 24).

    Django says by signals that a request begins and ends. What listens to them closes connections that have
    failed or grown old: that is done here, before a connection is used again.
    """

    def __call__(
        self, environ: "dict[str, Any]", start_response: "Callable[..., object]"
    ) -> "HttpResponseBase":
        _close_connection_of_old()
        response = self.get_response(self.request_class(environ))
        headers = [
            *response.items(),
            *(("Set-Cookie", cookie.OutputString()) for cookie in response.cookies.values()),
        ]
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        return response

    def resolve_request(self, request: "HttpRequest") -> "ResolverMatch":
        """What an address leads to is the same each time."""
        request.resolver_match = match = _resolved(request.path_info)
        return match


def _close_connection_of_old() -> None:
    """As `django.db.close_old_connections`, which asks more of each connection."""
    ends_at = connection.close_at
    if connection.errors_occurred or (ends_at is not None and time.monotonic() >= ends_at):
        connection.close_if_unusable_or_obsolete()


@lru_cache(maxsize=1024)
def _resolved(path: str) -> "ResolverMatch":
    return get_resolver().resolve(path)


pages = PageHandler()

# The apps can be imported only after Django is set up.
from django.conf import settings  # noqa: E402
from django.contrib.staticfiles.finders import get_finders  # noqa: E402
from servestatic import ServeStatic  # type: ignore[import-untyped]  # noqa: E402


def _say_the_type_is_meant(headers: "dict[str, str]", _path: str, _url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"


def _with_static_files(app: "Callable[..., Iterable[bytes]]") -> Any:  # noqa: ANN401 - the library has no types
    """Serve them before Django is asked, as the middleware does under ASGI."""
    served = ServeStatic(app, allow_all_origins=False, add_headers_function=_say_the_type_is_meant)
    for finder in get_finders():
        for storage in getattr(finder, "storages", {}).values():
            served.add_files(storage.location, prefix=settings.STATIC_URL)
    return served


application = _with_static_files(pages)

# What is loaded by now stays for ever: the collector of cycles need not walk through it again and again.
gc.collect()
gc.freeze()
