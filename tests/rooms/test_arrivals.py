"""What many find who come at about the same time is read once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from rooms.arrivals import Shared, SharedReads
from rooms.models import Entry
from rooms.policy.roles import Role
from tests.factories.lti import make_course, make_tenant
from tests.factories.rooms import make_placed_entry

pytestmark = pytest.mark.django_db(transaction=True)


def test_all_who_come_at_once_share_one_reading() -> None:
    entry, _placement = make_placed_entry(make_course(make_tenant()))
    reads, together = SharedReads(), Barrier(4)

    def come() -> Shared:
        together.wait()
        try:
            return reads.read(entry, Role.VIEWER)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        found = {threads.submit(come) for _ in range(4)}
    assert len({each.result() for each in found}) == 1


def test_what_is_told_or_counted_meanwhile_is_read_anew() -> None:
    entry, _placement = make_placed_entry(make_course(make_tenant()))
    reads = SharedReads()
    first = reads.read(entry, Role.VIEWER)
    assert reads.read(entry, Role.VIEWER) is first
    assert reads.read(entry, Role.SPEAKER) is not first
    reads.forget()
    second = reads.read(entry, Role.VIEWER)
    assert second is not first
    Entry.objects.update(chat_sequence=5)
    entry.refresh_from_db()
    assert reads.read(entry, Role.VIEWER) is not second
