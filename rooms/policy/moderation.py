"""Who may say something in a room, and what a message may consist of. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from common.decisions import Allowed, Decision, Refused
from rooms.policy.doors import Stance

LONGEST_MESSAGE: Final = 2000


class NoPost(StrEnum):
    """Why a message is not taken."""

    REMOVED = "removed"
    CHAT_IS_OFF = "chat_is_off"
    WAITING = "waiting"
    CLOSED = "closed"
    ENDED = "ended"
    EMPTY = "empty"
    TOO_LONG = "too_long"
    TOO_FAST = "too_fast"


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides whether somebody may speak in the chat. All four roles may (design §8), while inside."""

    stance: Stance
    has_chat: bool
    is_removed: bool = False


_NOT_INSIDE: Final = {
    Stance.WAITING: NoPost.WAITING,
    Stance.CLOSED: NoPost.CLOSED,
    Stance.ENDED: NoPost.ENDED,
}


def may_chat(standing: Standing) -> Decision:
    """Whether somebody may post in the chat at all."""
    if standing.is_removed:
        return Refused(NoPost.REMOVED)
    if not standing.has_chat:
        return Refused(NoPost.CHAT_IS_OFF)
    if standing.stance in _NOT_INSIDE:
        return Refused(_NOT_INSIDE[standing.stance])
    return Allowed()


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
    lines = re.sub(r"\r\n?|[\u2028\u2029\u0085]", "\n", raw).replace("\t", " ")
    seen = "".join(
        each for each in lines if each in _KEPT or unicodedata.category(each) not in {"Cc", "Cf", "Cs"}
    )
    text = _MANY_BREAKS.sub("\n\n", _MANY_MARKS.sub(r"\1", seen)).strip()
    return text if any(each not in _KEPT for each in text) else ""
