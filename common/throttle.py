"""Counters for doors that could be guessed: fixed windows in the shared cache."""

from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from django.core.cache import cache
from django.utils.translation import gettext as _

from common.errors import ThrottledError


class FoyerCache(Protocol):
    """What both caches of `config.cache` can do in one question, beside what Django's can."""

    def count_and_set(self, counter: str, life: int, key: str, value: object, timeout: int) -> int:
        """Count one up, from 0 for `life` seconds on, and set a value; returns the count."""

    def swap(self, key: str, value: object, timeout: int) -> Any:  # noqa: ANN401 - whatever was kept
        """Set a value in the place of another, and give that; where there is none, nothing is set: None."""


one_question: Final = cast("FoyerCache", cache)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `tries` per `seconds`, counted under a name."""

    name: str
    tries: int
    seconds: int

    def _key(self, who: str) -> str:
        return f"throttle:{self.name}:{who}"

    def count(self, who: str) -> None:
        """Count one try of `who`.

        Raises:
            ThrottledError: when this try is one too many.
        """
        key = self._key(who)
        cache.add(key, 0, self.seconds)
        try:
            tries = cache.incr(key)
        except ValueError:  # the window ended between the two calls
            cache.add(key, 1, self.seconds)
            tries = 1
        if tries > self.tries:
            raise self._refusal()

    def count_and_keep(self, who: str, key: str, value: object, *, seconds: int) -> None:
        """Count one try of `who`, and keep a value for it, unless this try is one too many.

        Raises:
            ThrottledError: when it is.
        """
        if one_question.count_and_set(self._key(who), self.seconds, key, value, seconds) > self.tries:
            cache.delete(key)
            raise self._refusal()

    def check(self, who: str) -> None:
        """Refuse `who` whose tries are used up, without counting a new one.

        Raises:
            ThrottledError: when no try is left in this window.
        """
        check_together((self, who))

    def _refusal(self) -> ThrottledError:
        return ThrottledError(
            _("Too many tries in a short time."),
            next_step=_("Wait a few minutes, then try again."),
            retry_after=self.seconds,
        )


def check_together(*asked: tuple[Limit, str]) -> None:
    """`Limit.check` of several limits, in one question to the cache.

    Raises:
        ThrottledError: when no try is left of one of them.
    """
    keys = {limit._key(who): limit for limit, who in asked}  # noqa: SLF001 - of this file
    counts = cache.get_many(keys)
    for key, limit in keys.items():
        if int(counts.get(key, 0)) >= limit.tries:
            raise limit._refusal()  # noqa: SLF001 - of this file
