"""Which bytes of a file a request asks for (RFC 9110, §14). Pure."""

import re
from dataclasses import dataclass
from typing import Final

# An open end ("from here on") gets so much at once: players ask on, and are asked again who they are.
AT_ONCE: Final = 8 * 1024 * 1024
_ONE_RANGE: Final = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of a file, the first and the last included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """None of the bytes that were asked for exist."""


def part_asked_for(header: str, *, size: int) -> Part | Unsatisfiable | None:
    """What a `Range` asks for; None for the whole file: that also answers several ranges, and nonsense."""
    found = _ONE_RANGE.match(header.strip())
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:  # the last so many
        length = int(last)
        return Part(max(size - length, 0), size - 1) if length and size else Unsatisfiable()
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        return Unsatisfiable()
    end = int(last) if last else start + AT_ONCE - 1
    return Part(start, min(end, size - 1))


def holds_still(if_range: str, *, tag: str) -> bool:
    """Whether the file is the one of which parts were had before. Dates are not trusted to the second."""
    return not if_range or if_range.strip() == tag
