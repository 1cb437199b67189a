"""What a draft needs, what an answer needs, what counts show."""

from dataclasses import replace

import pytest

from common.decisions import Allowed, Refused
from rooms.policy.polls import (
    Asked,
    Ballot,
    Bar,
    Draft,
    Kind,
    NoDraft,
    NoVote,
    average_of,
    bars_of,
    is_solved_for_everybody,
    judge_draft,
    judge_vote,
    only_what_is_asked,
    percent_of,
    tidy_draft,
)

POLL = Draft(Kind.POLL, "Which core?", choices=("A", "B"))
QUIZ = replace(POLL, kind=Kind.QUIZ, right=frozenset({1}))


def test_empty_answers_are_left_out_and_right_ones_stay_right() -> None:
    draft = tidy_draft(
        Kind.QUIZ,
        "  Which\ncore? ",
        choices=["", " A ", " ", "B\u202e", "C"],
        right=frozenset({3, 2}),
        most=9,
        highest=5,
    )
    assert draft == Draft(Kind.QUIZ, "Which core?", ("A", "B", "C"), right=frozenset({1}), most=3)


def test_a_draft_has_only_what_its_kind_has() -> None:
    written = {"choices": ["A", "B"], "right": frozenset({0}), "most": 2, "highest": 7}
    assert tidy_draft(Kind.OPEN, "Why?", **written).choices == ()  # type: ignore[arg-type]
    assert tidy_draft(Kind.RATING, "How?", **written) == Draft(Kind.RATING, "How?", highest=7)  # type: ignore[arg-type]
    assert tidy_draft(Kind.POLL, "Which?", **written).right == frozenset()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "draft",
    [
        POLL,
        QUIZ,
        Draft(Kind.OPEN, "Why?"),
        Draft(Kind.RATING, "How was it?"),
        replace(POLL, choices=tuple("ABCDEFGHIJ"), most=10),
    ],
)
def test_what_can_be_asked(draft: Draft) -> None:
    assert judge_draft(draft) == Allowed()


@pytest.mark.parametrize(
    ("draft", "why"),
    [
        (replace(POLL, question=""), NoDraft.NO_QUESTION),
        (replace(POLL, question="x" * 501), NoDraft.QUESTION_TOO_LONG),
        (replace(POLL, choices=("A",)), NoDraft.TOO_FEW_CHOICES),
        (replace(POLL, choices=tuple("ABCDEFGHIJK")), NoDraft.TOO_MANY_CHOICES),
        (replace(POLL, choices=("A", "x" * 201)), NoDraft.CHOICE_TOO_LONG),
        (replace(POLL, choices=("Ice", "ICE")), NoDraft.SAME_CHOICES),
        (replace(QUIZ, right=frozenset()), NoDraft.NOTHING_RIGHT),
        (replace(QUIZ, right=frozenset({0, 1})), NoDraft.TOO_MANY_RIGHT),
    ],
)
def test_what_cannot_be_asked(draft: Draft, why: NoDraft) -> None:
    decision = judge_draft(draft)
    assert isinstance(decision, Refused)
    assert decision.reason == why


ONE = Asked(Kind.POLL, choices=frozenset({1, 2, 3}))
SEVERAL = replace(ONE, most=2)
RATING = Asked(Kind.RATING, highest=5)
OPEN = Asked(Kind.OPEN)


@pytest.mark.parametrize(
    ("asked", "ballot"),
    [
        (ONE, Ballot(choices=frozenset({2}))),
        (SEVERAL, Ballot(choices=frozenset({1, 3}))),
        (RATING, Ballot(rating=1)),
        (RATING, Ballot(rating=5)),
        (OPEN, Ballot(text="x" * 1000)),
    ],
)
def test_what_answers(asked: Asked, ballot: Ballot) -> None:
    assert judge_vote(asked, ballot) == Allowed()


@pytest.mark.parametrize(
    ("asked", "ballot", "why"),
    [
        (ONE, Ballot(), NoVote.NOTHING_CHOSEN),
        (ONE, Ballot(choices=frozenset({1, 2})), NoVote.TOO_MANY_CHOSEN),
        (SEVERAL, Ballot(choices=frozenset({1, 2, 3})), NoVote.TOO_MANY_CHOSEN),
        (ONE, Ballot(choices=frozenset({9})), NoVote.NOT_OFFERED),
        (RATING, Ballot(), NoVote.NOTHING_CHOSEN),
        (RATING, Ballot(rating=0), NoVote.NOT_ON_THE_SCALE),
        (RATING, Ballot(rating=6), NoVote.NOT_ON_THE_SCALE),
        (OPEN, Ballot(), NoVote.EMPTY),
        (OPEN, Ballot(text="x" * 1001), NoVote.TOO_LONG),
    ],
)
def test_what_does_not_answer(asked: Asked, ballot: Ballot, why: NoVote) -> None:
    decision = judge_vote(asked, ballot)
    assert isinstance(decision, Refused)
    assert decision.reason == why


def test_an_answer_has_only_what_its_kind_has() -> None:
    everything = Ballot(choices=frozenset({1}), rating=3, text="Why not")
    assert only_what_is_asked(ONE, everything) == Ballot(choices=frozenset({1}))
    assert only_what_is_asked(RATING, everything) == Ballot(rating=3)
    assert only_what_is_asked(OPEN, everything) == Ballot(text="Why not")


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("is_shared", [False, True])
def test_right_answers_are_for_everybody_after_the_end_and_when_shared(
    kind: Kind, *, is_closed: bool, is_shared: bool
) -> None:
    is_solved = is_solved_for_everybody(kind, is_closed=is_closed, is_shared=is_shared)
    assert is_solved is (kind == Kind.QUIZ and is_closed and is_shared)


def test_bars_have_shares_of_those_who_answered() -> None:
    assert bars_of([7, 8, 9], {7: 1, 9: 2}, voters=3) == (Bar(7, 1, 33), Bar(8, 0, 0), Bar(9, 2, 67))
    assert bars_of([7], {}, voters=0) == (Bar(7, 0, 0),)
    assert [percent_of(1, 8), percent_of(5, 5)] == [13, 100]


def test_the_mean_of_a_rating() -> None:
    assert average_of({}) is None
    assert average_of({5: 2, 4: 1}) == 4.7
