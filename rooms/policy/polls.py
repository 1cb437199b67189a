"""Polls, ratings, open questions and quizzes: what they need, and what counts show. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from common.decisions import Allowed, Decision, Refused
from rooms.policy.moderation import clean_text

LONGEST_QUESTION: Final = 500
LONGEST_CHOICE: Final = 200
LONGEST_TEXT: Final = 1000
FEWEST_CHOICES: Final = 2
MOST_CHOICES: Final = 10
LOWEST_SCALE: Final = 2
HIGHEST_SCALE: Final = 10


class Kind(StrEnum):
    """What is asked for: the values of `rooms.models.Interaction.Kind`."""

    POLL = "poll"
    RATING = "rating"
    OPEN = "open"
    QUIZ = "quiz"


OFFERS_CHOICES: Final = frozenset({Kind.POLL, Kind.QUIZ})
MAY_CHANGE: Final = frozenset(Kind) - {Kind.QUIZ}
"""Where an answer can be given anew while it runs; in a quiz the first one counts."""


class NoDraft(StrEnum):
    """Why something cannot be asked like this."""

    NO_QUESTION = "no_question"
    QUESTION_TOO_LONG = "question_too_long"
    TOO_FEW_CHOICES = "too_few_choices"
    TOO_MANY_CHOICES = "too_many_choices"
    CHOICE_TOO_LONG = "choice_too_long"
    SAME_CHOICES = "same_choices"
    NOTHING_RIGHT = "nothing_right"
    TOO_MANY_RIGHT = "too_many_right"


class NoVote(StrEnum):
    """Why an answer cannot be counted."""

    NOTHING_CHOSEN = "nothing_chosen"
    TOO_MANY_CHOSEN = "too_many_chosen"
    NOT_OFFERED = "not_offered"
    NOT_ON_THE_SCALE = "not_on_the_scale"
    EMPTY = "empty"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a moderator wants to ask. `right`: the places of right answers in `choices`."""

    kind: Kind
    question: str
    choices: tuple[str, ...] = ()
    right: frozenset[int] = frozenset()
    most: int = 1
    highest: int = 5


def tidy_draft(
    kind: Kind, question: str, *, choices: Sequence[str], right: frozenset[int], most: int, highest: int
) -> Draft:
    """A draft as it was meant: no empty answers, and only what its kind has."""
    if kind not in OFFERS_CHOICES:
        return Draft(kind, _line(question), highest=min(max(highest, LOWEST_SCALE), HIGHEST_SCALE))
    written = [(at, _line(text)) for at, text in enumerate(choices)]
    kept = [(at, text) for at, text in written if text]
    return Draft(
        kind,
        _line(question),
        choices=tuple(text for _at, text in kept),
        right=frozenset(new for new, (old, _text) in enumerate(kept) if old in right and kind == Kind.QUIZ),
        most=max(min(most, len(kept)), 1),
    )


def judge_draft(draft: Draft) -> Decision:
    """Whether this can be asked."""
    if not draft.question:
        return Refused(NoDraft.NO_QUESTION)
    if len(draft.question) > LONGEST_QUESTION:
        return Refused(NoDraft.QUESTION_TOO_LONG, str(LONGEST_QUESTION))
    return _judge_choices(draft) if draft.kind in OFFERS_CHOICES else Allowed()


def _judge_choices(draft: Draft) -> Decision:
    if len(draft.choices) < FEWEST_CHOICES:
        return Refused(NoDraft.TOO_FEW_CHOICES, str(FEWEST_CHOICES))
    if len(draft.choices) > MOST_CHOICES:
        return Refused(NoDraft.TOO_MANY_CHOICES, str(MOST_CHOICES))
    if max(map(len, draft.choices)) > LONGEST_CHOICE:
        return Refused(NoDraft.CHOICE_TOO_LONG, str(LONGEST_CHOICE))
    if len({text.casefold() for text in draft.choices}) < len(draft.choices):
        return Refused(NoDraft.SAME_CHOICES)
    if draft.kind == Kind.QUIZ and not draft.right:
        return Refused(NoDraft.NOTHING_RIGHT)
    if len(draft.right) > draft.most:
        return Refused(NoDraft.TOO_MANY_RIGHT, str(len(draft.right)))
    return Allowed()


def _line(text: str) -> str:
    return " ".join(clean_text(text).split())


@dataclass(frozen=True, slots=True)
class Asked:
    """What is running: the ids of its answers, how many may be chosen, and its scale."""

    kind: Kind
    choices: frozenset[int] = frozenset()
    most: int = 1
    highest: int = 5


@dataclass(frozen=True, slots=True)
class Ballot:
    """What somebody answers; the text as `clean_text` leaves it."""

    choices: frozenset[int] = frozenset()
    rating: int | None = None
    text: str = ""


def judge_vote(asked: Asked, ballot: Ballot) -> Decision:
    """Whether this answers it."""
    if asked.kind == Kind.OPEN:
        return _judge_text(ballot.text)
    if asked.kind == Kind.RATING:
        if ballot.rating is None:
            return Refused(NoVote.NOTHING_CHOSEN)
        fits = 1 <= ballot.rating <= asked.highest
        return Allowed() if fits else Refused(NoVote.NOT_ON_THE_SCALE, str(asked.highest))
    if not ballot.choices:
        return Refused(NoVote.NOTHING_CHOSEN)
    if not ballot.choices <= asked.choices:
        return Refused(NoVote.NOT_OFFERED)
    if len(ballot.choices) > asked.most:
        return Refused(NoVote.TOO_MANY_CHOSEN, str(asked.most))
    return Allowed()


def _judge_text(text: str) -> Decision:
    if not text:
        return Refused(NoVote.EMPTY)
    if len(text) > LONGEST_TEXT:
        return Refused(NoVote.TOO_LONG, str(LONGEST_TEXT))
    return Allowed()


def only_what_is_asked(asked: Asked, ballot: Ballot) -> Ballot:
    """The answer without what its kind does not ask for."""
    return Ballot(
        choices=ballot.choices if asked.kind in OFFERS_CHOICES else frozenset(),
        rating=ballot.rating if asked.kind == Kind.RATING else None,
        text=ballot.text if asked.kind == Kind.OPEN else "",
    )


def is_solved_for_everybody(kind: Kind, *, is_closed: bool, is_shared: bool) -> bool:
    """Whether everybody may know which answers of a quiz are right: never while somebody can still answer."""
    return kind == Kind.QUIZ and is_closed and is_shared


@dataclass(frozen=True, slots=True)
class Bar:
    """One answer, or one step of a scale: how many gave it, and which share of those who answered."""

    key: int
    votes: int
    percent: int


def bars_of(keys: Sequence[int], votes: Mapping[int, int], *, voters: int) -> tuple[Bar, ...]:
    """Bars in the order of the answers. Where several may be chosen, the shares add up to more than 100."""
    return tuple(Bar(key, votes.get(key, 0), percent_of(votes.get(key, 0), voters)) for key in keys)


def percent_of(part: int, whole: int) -> int:
    """A share in whole percent, halves upwards; 0 of nothing."""
    return (200 * part + whole) // (2 * whole) if whole else 0


def average_of(votes: Mapping[int, int]) -> float | None:
    """The mean of a rating, to one place; None where nobody has rated."""
    voters = sum(votes.values())
    return round(sum(step * count for step, count in votes.items()) / voters, 1) if voters else None
