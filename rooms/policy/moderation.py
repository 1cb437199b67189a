"""What a message may consist of. Pure."""

import re
import unicodedata
from enum import StrEnum
from typing import Final

from common.decisions import Allowed, Decision, Refused

LONGEST_MESSAGE: Final = 2000


class NoPost(StrEnum):
    """Why a message is not taken, beside what its author may not do at all (`rooms.policy.collaboration`)."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    TOO_FAST = "too_fast"
    SLOW_MODE = "slow_mode"


def judge_text(text: str) -> Decision:
    """Whether a text (as `clean_text` leaves it) can be a message."""
    if not text:
        return Refused(NoPost.EMPTY)
    if len(text) > LONGEST_MESSAGE:
        return Refused(NoPost.TOO_LONG, str(LONGEST_MESSAGE))
    return Allowed()


# Joiners hold emoji and several scripts together; every other invisible character can only mislead.
_KEPT: Final = frozenset("\n\u200c\u200d")
_MANY_BREAKS: Final = re.compile(r"\n{3,}")
_MARK: Final = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_MANY_MARKS: Final = re.compile(rf"({_MARK}{{4}}){_MARK}+")


def clean_text(raw: str) -> str:
    """What a reader can see of a text.

    No control characters, none that change the writing direction, no towers of accents.
    """
    if raw.isascii() and raw.isprintable():  # as most are
        return raw.strip()
    lines = re.sub(r"\r\n?|[\u2028\u2029\u0085]", "\n", raw).replace("\t", " ")
    seen = "".join(
        each for each in lines if each in _KEPT or unicodedata.category(each) not in {"Cc", "Cf", "Cs"}
    )
    text = _MANY_BREAKS.sub("\n\n", _MANY_MARKS.sub(r"\1", seen)).strip()
    return text if any(each not in _KEPT for each in text) else ""
