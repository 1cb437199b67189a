"""The pages alone, for servers that speak WSGI: at the launch storm of a campus they cost the least there."""

import gc
import os
from typing import TYPE_CHECKING, Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["FOYER_INTERFACE"] = "wsgi"  # settings.py leaves out what only an event loop can use

from django.core.cache import close_caches
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

pages = get_wsgi_application()

# Each request begins with a look at the connections; what Django does beside that changes nothing here.
request_started.disconnect(reset_queries)  # empties a list that DEBUG alone fills
request_finished.disconnect(close_old_connections)
request_finished.disconnect(close_caches)  # neither of ours closes anything

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
