"""The same cases for every engine."""

from uuid import uuid4

import pytest

from rooms.engines.base import Door, Seat
from rooms.engines.registry import ENGINES, engine_named

SEAT = Seat(entry_id=uuid4(), participant_id=uuid4(), name="Ana", role="speaker")


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_opens_a_door_exactly_when_it_is_set_up(name: str) -> None:
    engine = engine_named(name)
    door = engine.open_door(SEAT)
    assert isinstance(door, Door) == engine.is_set_up


def test_without_an_engine_there_is_no_audio_and_no_video() -> None:
    assert not engine_named().is_set_up


def test_an_unknown_engine_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        engine_named("carrier-pigeon")
