"""The room under a server that takes no ready-made frames: ASGI and nothing more."""

from collections.abc import Iterator

import pytest
from django.utils import timezone

from rooms.broadcast import announce
from rooms.events import Audience, Changed
from rooms.services.doors import close_doors, open_doors
from tests.rooms.stage import Stage, stage
from tests.rooms.test_consumers import metric, posted
from tests.servers import run_inside

__all__ = ["stage"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tool_inside(transactional_db: None) -> Iterator[str]:
    with run_inside("websockets-sansio") as address:
        yield address


def test_the_same_is_said_in_the_same_order(stage: Stage) -> None:
    pages = {name: stage.arrived(name) for name in ("host", "moderator", "speaker", "viewer")}
    for number in range(1, 31):
        announce(posted(stage.entry, number, str(number)))
        announce(Changed(stage.entry.pk, "backchannel", Audience.TEAM, 0, {"number": number}))
    for name, page in pages.items():
        assert [page.hears("message")["sequence"] for _ in range(30)] == list(range(1, 31))
        told = [each for each in page.heard if each["kind"] == "changed" and each["topic"] == "backchannel"]
        assert bool(told) == (name != "viewer")


def test_a_reader_that_does_not_keep_up_reads_why_it_was_dropped(stage: Stage) -> None:
    slow, host = stage.arrived("viewer"), stage.arrived("host")
    before = metric(stage.server, "foyer_sockets_dropped_total")
    said = 0
    while metric(stage.server, "foyer_sockets_dropped_total") == before:
        assert said < 2000
        for _ in range(20):
            said += 1
            announce(posted(stage.entry, said, "x" * 50_000))
        while host.hears("message")["sequence"] != said:
            pass
    assert slow.is_closed() == 4408
    assert stage.arrived("viewer").post("Here again.")["kind"] == "ack"


def test_the_doors_too(stage: Stage) -> None:
    guest = stage.arrived("viewer")
    close_doors(stage.entry, by=stage.host, now=timezone.now())
    assert guest.hears("standing")["stance"] == "closed"
    open_doors(stage.entry, by=stage.host, now=timezone.now())
    assert guest.hears("standing")["welcome"]["messages"] == []
    assert guest.post("In again.")["kind"] == "ack"
