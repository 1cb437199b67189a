"""The caches: what the project asks of them beyond Django's own, in one question each.

Outages of the shared one are an error of ours: whoever needs it then reads a calm page (503).
"""

import os
import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, Final, Protocol

import django_redis.cache
from django.core.cache.backends.locmem import LocMemCache
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from common.errors import UnavailableError

_Command = tuple[str | int | bytes, ...]


@contextmanager
def _cache_errors() -> Iterator[None]:
    try:
        yield
    except (ConnectionInterrupted, RedisError) as error:
        raise UnavailableError from error


class RedisCache(django_redis.cache.RedisCache):  # type: ignore[misc]  # it ships no types
    """What the project uses of a cache; every method raises `UnavailableError` when Redis does not answer."""

    def get(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as Django's caches have it
        with _cache_errors():
            return super().get(*args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        with _cache_errors():
            return super().set(*args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        with _cache_errors():
            return super().add(*args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        with _cache_errors():
            return super().incr(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        with _cache_errors():
            return super().delete(*args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        with _cache_errors():
            return super().touch(*args, **kwargs)

    def set_many(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        with _cache_errors():
            return super().set_many(*args, **kwargs)

    def delete_many(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        with _cache_errors():
            return super().delete_many(*args, **kwargs)

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        """Those of these values that there are."""
        wanted = list(keys)
        if not wanted:
            return {}
        [found] = self._ask(("MGET", *(self._key(key, version) for key in wanted)))
        return {
            key: self.client.decode(value)
            for key, value in zip(wanted, found, strict=True)
            if value is not None
        }

    def count_and_set(self, counter: str, life: int, key: str, value: object, timeout: int) -> int:
        """See `common.throttle.FoyerCache`."""
        counted = self._key(counter)
        answers = self._ask(
            ("INCR", counted),
            ("EXPIRE", counted, life, "NX"),
            ("SET", self._key(key), self.client.encode(value), "EX", timeout),
        )
        return int(answers[0])

    def swap(self, key: str, value: object, timeout: int) -> Any:  # noqa: ANN401 - whatever was kept
        """See `common.throttle.FoyerCache`."""
        [before] = self._ask(("SET", self._key(key), self.client.encode(value), "EX", timeout, "XX", "GET"))
        return None if before is None else self.client.decode(before)

    def _key(self, key: str, version: int | None = None) -> str:
        return str(self.client.make_key(key, version=version))

    def _ask(self, *commands: _Command) -> list[Any]:
        with _cache_errors():
            return _lines_to(self.client.get_client(write=True).connection_pool).ask(*commands)


class _Line(Protocol):
    """What we use of a connection of redis-py."""

    def pack_command(self, *command: object) -> list[bytes]: ...

    def send_packed_command(self, packed: list[bytes]) -> None: ...

    def read_response(self) -> Any: ...  # noqa: ANN401 - whatever Redis answers

    def disconnect(self) -> None: ...


class _Lines:
    """Connections to Redis that are asked by themselves: each launch asks three times (ADR 24).

    A client would look for one in its pool, see whether it is still good, and make of every command an object
    and of every answer another, which takes it longer than Redis takes to answer.
    """

    MOST_KEPT: Final = 64

    def __init__(self, open_line: Callable[[], _Line]) -> None:
        self._open = open_line
        self._free: deque[_Line] = deque()
        os.register_at_fork(after_in_child=self._free.clear)  # they are the parent's

    def ask(self, *commands: _Command) -> list[Any]:
        """The answer to each command, in one round trip."""
        try:
            line = self._free.pop()
        except IndexError:
            return self._ask(self._open(), commands)
        try:
            return self._ask(line, commands)
        except RedisConnectionError:  # Redis has ended it since it was used last
            return self._ask(self._open(), commands)

    def _ask(self, line: _Line, commands: Iterable[_Command]) -> list[Any]:
        try:
            packed = [part for each in commands for part in line.pack_command(*each)]
            line.send_packed_command([b"".join(packed)])
            answers = [line.read_response() for _each in commands]
        except BaseException:
            line.disconnect()  # an answer that comes late must not be taken for another's
            raise
        if len(self._free) < self.MOST_KEPT:
            self._free.append(line)
        return answers


@cache
def _lines_to(pool: Any) -> _Lines:  # noqa: ANN401 - redis-py's; one for each server, whoever asks
    return _Lines(partial(pool.connection_class, **pool.connection_kwargs))


class LocalCache(LocMemCache):
    """The same for one process, in its memory."""

    def count_and_set(self, counter: str, life: int, key: str, value: object, timeout: int) -> int:
        """See `common.throttle.FoyerCache`."""
        self.add(counter, 0, life)
        self.set(key, value, timeout)
        return self.incr(counter)

    def swap(self, key: str, value: object, timeout: int) -> Any:  # noqa: ANN401 - whatever was kept
        """See `common.throttle.FoyerCache`."""
        name, lock, kept = self.make_and_validate_key(key), self._lock, self._cache  # type: ignore[attr-defined]  # as Django's own `incr`
        with lock:
            if self._has_expired(name):  # type: ignore[attr-defined]
                return None
            before = kept[name]
            self._set(name, pickle.dumps(value, self.pickle_protocol), timeout)  # type: ignore[attr-defined]
        return pickle.loads(before)  # noqa: S301 - what this process has kept
