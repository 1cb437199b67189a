"""What the project asks of a cache in one question: of the configured one, whichever that is."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from common.throttle import one_question
from config.cache import _Lines


def test_of_many_who_swap_one_finds_what_was_there() -> None:
    cache.set("door", "record", 60)
    with ThreadPoolExecutor(12) as threads:
        found = list(threads.map(lambda _: one_question.swap("door", 7.5, 60), range(60)))
    assert sorted(map(str, found)) == ["7.5"] * 59 + ["record"]
    assert cache.get("door") == 7.5


def test_where_nothing_is_nothing_is_set() -> None:
    assert one_question.swap("door", "mark", 60) is None
    assert cache.get("door") is None


def test_what_has_ended_is_not_there() -> None:
    cache.set("door", "record", 0)
    assert one_question.swap("door", "mark", 60) is None


def test_a_value_is_kept_with_a_count() -> None:
    assert [one_question.count_and_set("count", 60, f"key-{n}", {"n": n}, 60) for n in range(3)] == [1, 2, 3]
    assert cache.get_many(["key-0", "key-2", "none"]) == {"key-0": {"n": 0}, "key-2": {"n": 2}}
    assert cache.get_many([]) == {}


# --- Connections that end ------------------------------------------------------------------------------


class Line:
    """A connection that gives these answers in turn, or breaks."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.is_open = True

    def pack_command(self, *command: object) -> list[bytes]:
        return [" ".join(map(str, command)).encode()]

    def send_packed_command(self, packed: list[bytes]) -> None:
        assert self.is_open

    def read_response(self) -> object:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def disconnect(self) -> None:
        self.is_open = False


def lines(*each: Line) -> _Lines:
    waiting = iter(each)
    return _Lines(lambda: next(waiting))


def test_a_connection_serves_again() -> None:
    asked = lines(Line(1, 2, 3))
    assert asked.ask(("A",), ("B",)) == [1, 2]
    assert asked.ask(("C",)) == [3]


def test_one_that_was_ended_meanwhile_is_replaced() -> None:
    first, second = Line(1, RedisConnectionError()), Line(2, 3)
    asked = lines(first, second)
    assert [asked.ask(("A",)), asked.ask(("B",)), asked.ask(("C",))] == [[1], [2], [3]]
    assert not first.is_open


@pytest.mark.parametrize("error", [RedisConnectionError(), RedisTimeoutError()])
def test_a_late_answer_is_nobody_elses(error: Exception) -> None:
    first = Line(error, 1)
    asked = lines(first, Line(2))
    with pytest.raises(type(error)):
        asked.ask(("A",))
    assert not first.is_open
    assert asked.ask(("B",)) == [2]
