"""Counters for doors that could be guessed: fixed windows in the shared cache."""

from dataclasses import dataclass
from typing import Final, Protocol, cast

from django.core.cache import cache
from django.utils.translation import gettext as _

from common.errors import ThrottledError


class FoyerCache(Protocol):
    """What both caches of `config.cache` can do in one question, beside what Django's can."""

    def count_and_set(self, counter: str, life: int, key: str, value: object, timeout: int) -> int:
        """Count one up, from 0 for `life` seconds on, and set a value; returns the count."""

    def add_instead(self, key: str, value: object, timeout: int, *, of: str) -> bool:
        """Set a value where there is none, and delete another; tells whether there was none."""


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
        if int(cache.get(self._key(who), 0)) >= self.tries:
            raise self._refusal()

    def _refusal(self) -> ThrottledError:
        return ThrottledError(
            _("Too many tries in a short time."),
            next_step=_("Wait a few minutes, then try again."),
            retry_after=self.seconds,
        )
