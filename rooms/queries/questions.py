"""Questions: what everybody reads, what the team works on, what one has asked oneself."""

from typing import Any, Final
from uuid import UUID

from django.db.models import F, QuerySet

from common.errors import MissingError
from rooms.models import Question, QuestionVote

SHOWN: Final = 300  # of each kind; the report has them all


def question_for(entry_id: UUID, question_id: UUID) -> Question:
    """One question of the entry.

    Raises:
        MissingError: there is none.
    """
    found = _questions(entry_id).filter(pk=question_id).first()
    if found is None:
        raise MissingError
    return found


def question_sent(asker_id: UUID, client_key: str) -> Question | None:
    """The question that this asker sent under this key of the page, if it has arrived before."""
    if not client_key:
        return None
    rows = Question.objects.select_related(*_NAMES)
    return rows.filter(asker_id=asker_id, client_key=client_key).first()


def published_questions(entry_id: UUID) -> list[dict[str, Any]]:
    """What everybody may read: those published, and those asked in public, the most wanted first."""
    rows = _questions(entry_id).filter(published_at__isnull=False).exclude(state=Question.State.DISMISSED)
    return [public_of(each) for each in rows.order_by("-votes", "asked_at")[:SHOWN]]


def queue_of_questions(entry_id: UUID) -> list[dict[str, Any]]:
    """All of them, for the team; those that wait for an answer first."""
    rows = _questions(entry_id).order_by(F("answered_at").asc(nulls_first=True), "asked_at")
    return [whole_of(each) for each in rows[:SHOWN]]


def own_questions(entry_id: UUID, participant_id: UUID) -> dict[str, Any]:
    """What the participant has asked, and which questions they want answered too."""
    votes = QuestionVote.objects.filter(question__entry_id=entry_id, participant_id=participant_id)
    asked = _questions(entry_id).filter(asker_id=participant_id).order_by("asked_at")
    return {
        "asked": [own_of(each) for each in asked[:SHOWN]],
        "voted": [str(each) for each in votes.values_list("question_id", flat=True)[:SHOWN]],
    }


def votes_total(entry_id: UUID, subject: str) -> list[tuple[str, dict[str, Any]]]:
    """How many want a question answered: told to everybody where it is public."""
    question = Question.objects.filter(entry_id=entry_id, pk=subject).first()
    if question is None:
        return []
    is_public = question.published_at is not None and question.state != Question.State.DISMISSED
    return [("everybody" if is_public else "team", {"votes": {subject: question.votes}})]


def public_of(question: Question) -> dict[str, Any]:
    """A question as everybody reads it: the asker's name, and the answer where there is one."""
    return {
        "id": str(question.pk),
        "text": question.text,
        "asker": question.asker.shown_name,
        "asked_at": question.asked_at.isoformat(),
        "votes": question.votes,
        "answer": question.answer,
        "answered_by": question.answered_by.shown_name if question.answered_by else "",
        "is_answered": question.state == Question.State.ANSWERED,
    }


def whole_of(question: Question) -> dict[str, Any]:
    """The same for the team."""
    return {
        **public_of(question),
        "state": question.state,
        "is_public": question.published_at is not None,
        "claimed_by": question.claimed_by.shown_name if question.claimed_by else "",
        "claimed_by_id": str(question.claimed_by_id or ""),
    }


def own_of(question: Question) -> dict[str, Any]:
    """The same for whoever asked: what has become of it, but not who works on it."""
    return {
        **public_of(question),
        "state": question.state,
        "is_public": question.published_at is not None,
    }


_NAMES: Final = tuple(
    f"{who}__{kind}" for who in ("asker", "answered_by", "claimed_by") for kind in ("person", "guest")
)


def _questions(entry_id: UUID) -> QuerySet[Question]:
    return Question.objects.filter(entry_id=entry_id).select_related(*_NAMES)
