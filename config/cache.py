"""The shared cache, with its outages as our own error: whoever needs it then reads a calm page (503)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django_redis.cache
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
