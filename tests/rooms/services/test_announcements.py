"""Announcements that come at once: one wish is done once, and there are never more than fit."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import close_old_connections, connection
from django.utils import timezone

from common.errors import AppError
from rooms.access import Viewer, viewer_by_pass
from rooms.models import Announcement, Entry
from rooms.services.announcements import MOST, announce_text
from tests.factories.rooms import make_entry, make_guest, make_participant, make_pass

pytestmark = pytest.mark.django_db(transaction=True)

NOW = timezone.now()
TRIES = 8


def moderator_at(entry: Entry) -> Viewer:
    until = NOW + timedelta(days=1)
    participant = make_participant(
        entry, guest=make_guest(entry.tenant), role="moderator", granted_until=until
    )
    viewer = viewer_by_pass(entry, make_pass(participant)[1])
    assert viewer is not None
    return viewer


def at_once(work: Callable[[int], object]) -> None:
    together = Barrier(TRIES)

    def run(number: int) -> None:
        close_old_connections()
        try:
            together.wait(10)
            work(number)
        except AppError:
            pass
        finally:
            connection.close()

    with ThreadPoolExecutor(TRIES) as threads:
        list(threads.map(run, range(TRIES)))


def test_the_same_wish_from_two_sockets_is_done_once() -> None:
    entry = make_entry()
    viewer = moderator_at(entry)
    at_once(lambda _n: announce_text(entry, by=viewer, text="Soon", client_key="same", now=NOW))
    assert Announcement.objects.count() == 1


def test_there_are_never_more_than_fit() -> None:
    entry = make_entry()
    viewer = moderator_at(entry)
    at_once(lambda n: announce_text(entry, by=viewer, text=f"Soon {n}", client_key=f"k{n}", now=NOW))
    assert Announcement.objects.count() == MOST
