from concurrent.futures import ThreadPoolExecutor

import pytest

from common.errors import ThrottledError
from common.throttle import Limit

LIMIT = Limit(name="door", tries=3, seconds=60)


def test_the_try_after_the_last_is_refused() -> None:
    for _ in range(3):
        LIMIT.count("ana")
    with pytest.raises(ThrottledError) as refusal:
        LIMIT.count("ana")
    assert refusal.value.retry_after == 60


def test_everybody_has_a_counter_of_their_own() -> None:
    for _ in range(3):
        LIMIT.count("ana")
    LIMIT.count("ben")


def test_checking_counts_nothing_but_knows_when_the_tries_are_used_up() -> None:
    for _ in range(9):
        LIMIT.check("ana")
    for _ in range(3):
        LIMIT.count("ana")
    with pytest.raises(ThrottledError):
        LIMIT.check("ana")


def test_tries_at_the_same_instant_are_all_counted() -> None:
    def knock(_: int) -> bool:
        try:
            LIMIT.count("ana")
        except ThrottledError:
            return False
        return True

    with ThreadPoolExecutor(12) as threads:
        assert sum(threads.map(knock, range(60))) == 3
