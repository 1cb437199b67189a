"""Answers that come at once: the database decides which of them count."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import close_old_connections, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common.errors import AppError, ConflictError, ThrottledError
from rooms.access import Viewer, viewer_by_pass
from rooms.models import Entry, Interaction, Vote
from rooms.policy.polls import Ballot, Draft, Kind
from rooms.queries.interactions import count_votes, managed_interactions, started_interactions
from rooms.services.interactions import (
    cast_vote,
    close_interaction,
    delete_draft,
    draft_interaction,
    show_results,
    start_interaction,
)
from tests.factories.rooms import make_entry, make_guest, make_participant, make_pass

NOW = timezone.now()
CROWD = 50
POLL = Draft(Kind.POLL, "Which core?", choices=("First", "Second"))
QUIZ = Draft(Kind.QUIZ, "Blue ice?", choices=("Yes", "No"), right=frozenset({0}))


def at(entry: Entry, name: str = "noor", role: str = "moderator") -> Viewer:
    guest = make_guest(entry.tenant, f"{name}@example.org")
    participant = make_participant(entry, guest=guest, role=role, granted_until=NOW + timedelta(days=1))
    viewer = viewer_by_pass(entry, make_pass(participant)[1])
    assert viewer is not None
    return viewer


def asked(entry: Entry, moderator: Viewer, draft: Draft = POLL) -> Interaction:
    return draft_interaction(entry, by=moderator, draft=draft, is_started=True, now=NOW)


def first_of(interaction: Interaction) -> int:
    return int(interaction.choices.all()[0].pk)


def all_at_once(works: Sequence[Callable[[], object]]) -> list[Any]:
    """What each of them gives, or why it was refused; they begin together."""
    ready = Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        close_old_connections()
        try:
            ready.wait(timeout=30)
            return work()
        except AppError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


@pytest.mark.django_db(transaction=True)
def test_a_crowd_answers_while_it_is_closed() -> None:
    entry = make_entry()
    moderator = at(entry)
    interaction = asked(entry, moderator)
    choice = first_of(interaction)
    viewers = [at(entry, f"guest{number}", "viewer") for number in range(CROWD)]
    counted_at_the_end: list[int] = []

    def vote(viewer: Viewer) -> object:
        return cast_vote(entry, interaction.pk, by=viewer, ballot=Ballot(frozenset({choice})), now=NOW)

    def close() -> None:
        close_interaction(entry, interaction.pk, by=moderator, now=NOW)
        counted_at_the_end.append(Vote.objects.filter(interaction=interaction).count())

    works: list[Callable[[], object]] = [lambda viewer=each: vote(viewer) for each in viewers]  # type: ignore[misc]
    works.insert(CROWD // 2, close)
    answers = all_at_once(works)
    refused = [each for each in answers if isinstance(each, AppError)]
    assert {each.code for each in refused} <= {"closed"}
    votes = Vote.objects.filter(interaction=interaction).count()
    assert votes == CROWD - len(refused)
    assert counted_at_the_end == [votes]  # nothing came in after the end


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("draft", [POLL, QUIZ], ids=["poll", "quiz"])
def test_one_person_clicks_in_many_tabs_and_answers_once(draft: Draft) -> None:
    entry = make_entry()
    interaction = asked(entry, at(entry), draft)
    viewer = at(entry, "luis", "viewer")
    choices = [choice.pk for choice in interaction.choices.all()]

    def vote(number: int) -> object:
        ballot = Ballot(frozenset({choices[number % 2]}))
        return cast_vote(entry, interaction.pk, by=viewer, ballot=ballot, now=NOW)

    answers = all_at_once([lambda number=each: vote(number) for each in range(16)])  # type: ignore[misc]
    refused = [each for each in answers if isinstance(each, AppError)]
    assert {each.code for each in refused} == (set() if draft is POLL else {"answered"})
    assert Vote.objects.get().choices.count() == 1
    assert [bar.votes for bar in count_votes([interaction], with_hidden=False)[interaction.pk].bars] in (
        [0, 1],
        [1, 0],
    )


@pytest.mark.django_db(transaction=True)
def test_moderators_start_close_and_show_at_once_and_wait_for_each_other() -> None:
    entry = make_entry()
    moderator = at(entry)
    drafts = [draft_interaction(entry, by=moderator, draft=POLL, now=NOW) for _each in range(6)]
    works: list[Callable[[], object]] = []
    for each in drafts:
        works += [
            lambda each=each: start_interaction(entry, each.pk, by=moderator, now=NOW),  # type: ignore[misc]
            lambda each=each: show_results(entry, each.pk, by=moderator, is_shared=True, now=NOW),  # type: ignore[misc]
            lambda each=each: delete_draft(entry, each.pk, by=moderator, now=NOW),  # type: ignore[misc]
        ]
    answers = all_at_once(works)
    refused = {each.code for each in answers if isinstance(each, AppError)}
    assert refused <= {"too_many_running", "not_started", "started", "missing"}
    assert Interaction.objects.filter(state="running").count() <= 3


@pytest.mark.django_db(transaction=True)
def test_one_wish_many_times_at_once_drafts_once() -> None:
    entry = make_entry()
    moderator = at(entry)

    def draft() -> object:
        return draft_interaction(entry, by=moderator, draft=POLL, client_key="same", now=NOW).pk

    answers = all_at_once([draft] * 8)
    assert len(set(answers)) == 1
    assert Interaction.objects.count() == 1


@pytest.mark.django_db
def test_nobody_changes_their_mind_all_the_time() -> None:
    entry = make_entry()
    interaction = asked(entry, at(entry))
    viewer = at(entry, "luis", "viewer")
    ballot = Ballot(frozenset({first_of(interaction)}))
    for _again in range(20):
        cast_vote(entry, interaction.pk, by=viewer, ballot=ballot, now=NOW)
    with pytest.raises(ThrottledError):
        cast_vote(entry, interaction.pk, by=viewer, ballot=ballot, now=NOW)


@pytest.mark.django_db
def test_there_is_an_end_to_drafts() -> None:
    entry = make_entry()
    moderator = at(entry)
    for _each in range(50):
        draft_interaction(entry, by=moderator, draft=POLL, now=NOW)
    with pytest.raises(ConflictError) as refused:
        draft_interaction(entry, by=moderator, draft=POLL, now=NOW)
    assert (refused.value.code, bool(refused.value.next_step)) == ("too_many_drafts", True)


@pytest.mark.django_db
def test_many_interactions_are_read_with_few_questions() -> None:
    entry = make_entry()
    moderator = at(entry)

    def questions() -> int:
        with CaptureQueriesContext(connection) as asked_of_it:
            started_interactions(entry.pk)
            managed_interactions(entry.pk)
        return len(asked_of_it)

    def more() -> None:
        for draft in (POLL, QUIZ, Draft(Kind.RATING, "How was it?")):
            interaction = asked(entry, moderator, draft)
            show_results(entry, interaction.pk, by=moderator, is_shared=True, now=NOW)
            close_interaction(entry, interaction.pk, by=moderator, now=NOW)

    more()
    few = questions()
    more()
    assert questions() == few
