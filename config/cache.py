"""The caches: what the project asks of them beyond Django's own, in one question each.

Outages of the shared one are an error of ours: whoever needs it then reads a calm page (503).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django_redis.cache
from django.core.cache.backends.locmem import LocMemCache
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError

from common.errors import UnavailableError


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

    def get_many(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        with _cache_errors():
            return super().get_many(*args, **kwargs)

    def set_many(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        with _cache_errors():
            return super().set_many(*args, **kwargs)

    def delete_many(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        with _cache_errors():
            return super().delete_many(*args, **kwargs)

    def count_and_set(self, counter: str, life: int, key: str, value: object, timeout: int) -> int:
        """See `common.throttle.FoyerCache`."""
        with _cache_errors():
            pipe = self.client.get_client(write=True).pipeline(transaction=False)
            counted = self.client.make_key(counter)
            pipe.incr(counted)
            pipe.expire(counted, life, nx=True)
            pipe.set(self.client.make_key(key), self.client.encode(value), ex=timeout)
            return int(pipe.execute()[0])

    def add_instead(self, key: str, value: object, timeout: int, *, of: str) -> bool:
        """See `common.throttle.FoyerCache`."""
        with _cache_errors():
            pipe = self.client.get_client(write=True).pipeline(transaction=False)
            pipe.set(self.client.make_key(key), self.client.encode(value), ex=timeout, nx=True)
            pipe.delete(self.client.make_key(of))
            return bool(pipe.execute()[0])


class LocalCache(LocMemCache):
    """The same for one process, in its memory."""

    def count_and_set(self, counter: str, life: int, key: str, value: object, timeout: int) -> int:
        """See `common.throttle.FoyerCache`."""
        self.add(counter, 0, life)
        self.set(key, value, timeout)
        return self.incr(counter)

    def add_instead(self, key: str, value: object, timeout: int, *, of: str) -> bool:
        """See `common.throttle.FoyerCache`."""
        is_first = self.add(key, value, timeout)
        self.delete(of)
        return is_first
