"""Interactions: what everybody reads, what moderators read, what one has answered oneself, and the report.

Answers are counted by the database and told in totals. Who gave which is read for nobody but themselves.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, F, QuerySet

from common.errors import MissingError
from rooms.models import Choice, Interaction, Vote
from rooms.policy.polls import (
    OFFERS_CHOICES,
    Asked,
    Bar,
    Kind,
    average_of,
    bars_of,
    is_solved_for_everybody,
)

SHOWN: Final = 50  # closed ones, the newest; the report has them all
TEXTS_SHOWN: Final = 50
TEXTS_TOLD: Final = 10  # of each running total: pages keep those that they have


# --- One -----------------------------------------------------------------------------------------------


def interaction_for(entry_id: UUID, interaction_id: UUID) -> Interaction:
    """One interaction of the entry, with its choices.

    Raises:
        MissingError: there is none.
    """
    found = _interactions(entry_id).filter(pk=interaction_id).first()
    if found is None:
        raise MissingError
    return found


def asked_of(interaction: Interaction) -> Asked:
    """What an answer is judged by."""
    return Asked(
        Kind(interaction.kind),
        choices=frozenset(choice.pk for choice in interaction.choices.all()),
        most=interaction.most_choices,
        highest=interaction.highest_rating,
    )


def vote_of(interaction_id: UUID, participant_id: UUID) -> Vote | None:
    """What the participant has answered."""
    rows = Vote.objects.filter(interaction_id=interaction_id, participant_id=participant_id)
    return rows.prefetch_related("choices").first()


# --- Counting ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """One answer to an open question, without its author."""

    key: int
    text: str
    is_hidden: bool


@dataclass(frozen=True, slots=True)
class Results:
    """What has come together: everybody who answered, bars (none for an open question), and texts."""

    voters: int
    bars: tuple[Bar, ...]
    average: float | None
    texts: tuple[Text, ...]


def count_votes(
    interactions: Sequence[Interaction], *, texts: int | None = TEXTS_SHOWN, with_hidden: bool
) -> dict[UUID, Results]:
    """The results of these, by id: two questions however many there are, and one for each open question.

    Args:
        texts: how many of the newest texts; None for all.
        with_hidden: whether those are among them that moderators have hidden.
    """
    if not interactions:
        return {}
    ratings: defaultdict[UUID, dict[int, int]] = defaultdict(dict)
    voters: defaultdict[UUID, int] = defaultdict(int)
    by_rating = Vote.objects.filter(interaction__in=interactions).values_list("interaction_id", "rating")
    for interaction_id, rating, count in by_rating.annotate(count=Count("pk")).order_by():
        voters[interaction_id] += count
        if rating is not None:
            ratings[interaction_id][rating] = count
    chosen: dict[int, int] = {}
    offering = [each for each in interactions if each.kind in OFFERS_CHOICES]
    if offering:
        rows = Vote.choices.through.objects.filter(choice__interaction__in=offering)
        counted = rows.values_list("choice_id").annotate(count=Count("pk")).order_by()
        chosen = dict(counted)
    return {
        each.pk: _results(
            each, voters[each.pk], ratings[each.pk], chosen, texts=texts, with_hidden=with_hidden
        )
        for each in interactions
    }


def _results(
    interaction: Interaction,
    voters: int,
    ratings: dict[int, int],
    chosen: dict[int, int],
    *,
    texts: int | None,
    with_hidden: bool,
) -> Results:
    if interaction.kind == Kind.OPEN:
        rows = Vote.objects.filter(interaction=interaction).order_by("-given_at", "-pk")
        if not with_hidden:
            rows = rows.filter(hidden_at=None)
        found = rows.values_list("pk", "text", "hidden_at")[:texts]
        return Results(
            voters, (), None, tuple(Text(key, text, hidden_at is not None) for key, text, hidden_at in found)
        )
    if interaction.kind == Kind.RATING:
        steps = range(1, interaction.highest_rating + 1)
        return Results(voters, bars_of(steps, ratings, voters=voters), average_of(ratings), ())
    keys = [choice.pk for choice in interaction.choices.all()]
    return Results(voters, bars_of(keys, chosen, voters=voters), None, ())


# --- The topic -----------------------------------------------------------------------------------------


def started_interactions(entry_id: UUID) -> list[dict[str, Any]]:
    """What everybody may know: those that run, then those that have run; results where they are shared."""
    return everybody_reads(_started(entry_id))


def managed_interactions(entry_id: UUID) -> list[dict[str, Any]]:
    """What moderators work with: drafts too, always with results and right answers."""
    drafts = _interactions(entry_id).filter(state=Interaction.State.DRAFT).order_by("-made_at", "-pk")
    return moderators_read([*_started(entry_id), *drafts[:SHOWN]])


def own_votes(entry_id: UUID, participant_id: UUID) -> dict[str, Any]:
    """What the participant has answered, by interaction."""
    rows = Vote.objects.filter(interaction__entry_id=entry_id, participant_id=participant_id)
    newest = rows.order_by("-given_at", "-pk").prefetch_related("choices")[:SHOWN]
    return {str(vote.interaction_id): own_of(vote) for vote in newest}


def everybody_reads(interactions: Sequence[Interaction]) -> list[dict[str, Any]]:
    """Interactions as everybody may know them."""
    results = count_votes([each for each in interactions if each.is_shared], with_hidden=False)
    return [public_of(each, results.get(each.pk)) for each in interactions]


def moderators_read(interactions: Sequence[Interaction]) -> list[dict[str, Any]]:
    """Interactions as hosts and moderators know them."""
    asked = [each for each in interactions if each.state != Interaction.State.DRAFT]
    results = count_votes(asked, with_hidden=True)
    return [whole_of(each, results.get(each.pk)) for each in interactions]


def public_of(interaction: Interaction, results: Results | None) -> dict[str, Any]:
    """One as everybody may know it: no results that are not shared, no right answers before the end."""
    is_solved = is_solved_for_everybody(
        Kind(interaction.kind),
        is_closed=interaction.state == Interaction.State.CLOSED,
        is_shared=interaction.is_shared,
    )
    return {
        "id": str(interaction.pk),
        "kind": interaction.kind,
        "question": interaction.question,
        "state": interaction.state,
        "most": interaction.most_choices,
        "highest": interaction.highest_rating,
        "choices": [{"id": each.pk, "text": each.text} for each in interaction.choices.all()],
        "is_shared": interaction.is_shared,
        "started_at": interaction.started_at.isoformat() if interaction.started_at else "",
        "right": _right(interaction) if is_solved else [],
        "results": results_of(results) if results and interaction.is_shared else None,
    }


def whole_of(interaction: Interaction, results: Results | None) -> dict[str, Any]:
    """One as hosts and moderators know it."""
    return {
        **public_of(interaction, None),
        "right": _right(interaction),
        "results": results_of(results) if results else None,
    }


def results_of(results: Results) -> dict[str, Any]:
    """Results as pages know them."""
    return {
        "voters": results.voters,
        "bars": [{"key": bar.key, "votes": bar.votes, "percent": bar.percent} for bar in results.bars],
        "average": results.average,
        "texts": [
            {"key": each.key, "text": each.text, **({"is_hidden": True} if each.is_hidden else {})}
            for each in results.texts
        ],
    }


def own_of(vote: Vote) -> dict[str, Any]:
    """What somebody has answered, for themselves."""
    return {
        "choices": [choice.pk for choice in vote.choices.all()],
        "rating": vote.rating,
        "text": vote.text,
    }


def votes_total(entry_id: UUID, subject: str) -> list[tuple[str, dict[str, Any]]]:
    """The results of one that has been answered: for everybody where they are shared, else for moderators."""
    found = _started(entry_id, only=UUID(subject))
    counted = count_votes(found, texts=TEXTS_TOLD, with_hidden=False)
    return [
        (
            "everybody" if each.is_shared else "moderators",
            {"results": {subject: results_of(counted[each.pk])}},
        )
        for each in found
    ]


# --- The report ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One answer of a report: its text (a step of the scale, for a rating), and how many gave it."""

    text: str
    votes: int
    percent: int
    is_right: bool


@dataclass(frozen=True, slots=True)
class Report:
    """One interaction and everything that was answered, without names: nobody was asked under their name."""

    kind: str
    question: str
    state: str
    started_at: datetime | None
    closed_at: datetime | None
    voters: int
    lines: tuple[ReportLine, ...]
    average: float | None
    texts: tuple[str, ...]


def results_for_report(entry_id: UUID) -> list[Report]:
    """Everything that was asked, the oldest first, with all answers in totals; drafts are left out."""
    rows = _interactions(entry_id).exclude(state=Interaction.State.DRAFT).order_by("started_at", "pk")
    asked = list(rows)
    counted = count_votes(asked, texts=None, with_hidden=True)
    return [_report(each, counted[each.pk]) for each in asked]


def _report(interaction: Interaction, results: Results) -> Report:
    choices = {choice.pk: choice for choice in interaction.choices.all()}
    return Report(
        kind=interaction.kind,
        question=interaction.question,
        state=interaction.state,
        started_at=interaction.started_at,
        closed_at=interaction.closed_at,
        voters=results.voters,
        lines=tuple(_line(bar, choices.get(bar.key)) for bar in results.bars),
        average=results.average,
        texts=tuple(each.text for each in reversed(results.texts)),
    )


def _line(bar: Bar, choice: Choice | None) -> ReportLine:
    return ReportLine(
        text=choice.text if choice else str(bar.key),
        votes=bar.votes,
        percent=bar.percent,
        is_right=choice is not None and choice.is_right,
    )


# --- Underneath ----------------------------------------------------------------------------------------


def _interactions(entry_id: UUID) -> QuerySet[Interaction]:
    return Interaction.objects.filter(entry_id=entry_id).prefetch_related("choices")


def _started(entry_id: UUID, *, only: UUID | None = None) -> list[Interaction]:
    rows = _interactions(entry_id).exclude(state=Interaction.State.DRAFT)
    if only is not None:
        rows = rows.filter(pk=only)
    running_first = F("closed_at").desc(nulls_first=True)
    return list(rows.order_by(running_first, "-started_at", "-pk")[:SHOWN])


def _right(interaction: Interaction) -> list[int]:
    return [choice.pk for choice in interaction.choices.all() if choice.is_right]
