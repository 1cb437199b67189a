"""What every test may rely on: an empty cache, no host but this one, a browser for journeys."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from django.contrib.contenttypes.management import create_contenttypes
from django.core.cache import cache
from django.db import connections
from django.db.models.signals import post_migrate
from django.utils import translation

from lti_tool.services.launch import forget_registrations
from tests.servers import _pages, foyer

__all__ = ["_pages", "foyer"]

JOURNEYS = Path(__file__).resolve().parent / "journeys"
JOURNEY_TIMEOUT = 180  # seconds; a whole story in a browser, on a busy machine

Resolved = list[tuple[Any, ...]]  # what getaddrinfo answers

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the journeys, and give them their time."""
    for item in items:
        if JOURNEYS in item.path.parents:
            item.add_marker(pytest.mark.journey)
            # Three browsers and two servers on two cores: a story may lose a race against the machine once.
            # What fails twice is wrong.
            item.add_marker(pytest.mark.flaky(reruns=1))
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(JOURNEY_TIMEOUT))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Whenever a database is emptied, Django writes its permissions and content types anew.

    Nothing asks for them, and it took a quarter of the time of the tests whose work others see.
    """
    assert post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    assert post_migrate.disconnect(create_contenttypes)


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """One-time states, counters, keys and registrations of one test are nothing to the next."""
    cache.clear()
    forget_registrations()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    """A request chooses a language, and the thread goes on in it."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _closed_connections() -> Iterator[None]:
    """Asynchronous tests reach the database in a thread of asgiref's, which keeps its connection open."""
    yield
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()


@pytest.fixture(autouse=True, scope="session")
def _only_local_names() -> Iterator[None]:
    """No test asks a name server: other hosts than this one do not exist, nor can they be connected to."""
    resolve = socket.getaddrinfo

    def resolve_locally(
        host: bytes | str | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,  # noqa: A002
        proto: int = 0,
        flags: int = 0,
    ) -> Resolved:
        if host not in {None, "", b"", "localhost", b"localhost"}:
            flags |= socket.AI_NUMERICHOST  # an address is its own answer; a name is unknown
        return resolve(host, port, family, type, proto, flags)

    socket.getaddrinfo = resolve_locally
    yield
    socket.getaddrinfo = resolve


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the system's Chromium stands; a journey without one fails, it is never left out."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, "no Chromium: `make tools` installs it, or let CHROMIUM name the program"
    return found
