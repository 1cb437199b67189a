"""Answers of rules: a rule says yes, or no with a reason; it never raises."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Allowed:
    """Yes."""

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Refused:
    """No, and why. `detail` is a plain value that the page may name (a domain, a number)."""

    reason: StrEnum
    detail: str = ""

    def __bool__(self) -> bool:
        return False


Decision = Allowed | Refused
