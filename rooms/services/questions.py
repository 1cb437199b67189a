"""Questions: asked by anybody, worked on by the team, answered to everybody or to the asker alone."""

from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from common.errors import ConflictError, InvalidError, RefusedError
from common.throttle import Limit
from rooms.events import Audience
from rooms.models import Entry, Question, QuestionVote
from rooms.policy.collaboration import TABLE, Act
from rooms.policy.moderation import clean_text
from rooms.queries.questions import own_of, public_of, question_for, question_sent, whole_of
from rooms.services.changes import tell_change, tell_participant, tell_tally
from rooms.services.standing import demand_act

if TYPE_CHECKING:
    from rooms.access import Viewer

TOPIC: Final = "questions"
LONGEST_QUESTION: Final = 1000
LONGEST_ANSWER: Final = 4000
_PACE: Final = Limit("question", tries=5, seconds=60)


def ask_question(
    entry: Entry, *, by: "Viewer", text: str, is_public: bool, client_key: str = "", now: datetime
) -> Question:
    """Ask the team, or everybody where hosts allow it. The same `client_key` again asks nothing new.

    Raises:
        RefusedError: the viewer may not take part here, or questions in public are not allowed.
        InvalidError: there is nothing to read in it, or too much.
        ThrottledError: too many in a short time.
    """
    asker = demand_act(Act.TAKE_PART, entry, by=by, now=now, speaks=True)
    if (before := question_sent(asker.pk, client_key)) is not None:
        return before
    asked = _read(text, most=LONGEST_QUESTION, nothing=_("Write your question first."))
    if is_public and not entry.allows_public_questions and by.role not in TABLE[Act.ANSWER]:
        raise RefusedError(
            _("In this session questions go to the team."),
            next_step=_("Ask the team: they can publish your question."),
            code="not_in_public",
        )
    _PACE.count(str(asker.pk))
    try:
        with transaction.atomic():
            question = Question.objects.create(
                entry=entry,
                asker=asker,
                client_key=client_key,
                text=asked,
                asked_at=now,
                published_at=now if is_public else None,
            )
            _tell(question)
    except IntegrityError:  # the same page sent it twice at once; the other one arrived
        arrived = question_sent(asker.pk, client_key)
        if arrived is None:
            raise
        return arrived
    return question


@transaction.atomic
def vote_for_question(
    entry: Entry, question_id: UUID, *, by: "Viewer", is_wanted: bool, now: datetime
) -> None:
    """Want a public question answered too, or no longer. Once per participant.

    Raises:
        RefusedError: the viewer may not take part here.
        MissingError: there is no such question that the viewer may read.
    """
    participant = demand_act(Act.TAKE_PART, entry, by=by, now=now)
    question = question_for(entry.pk, question_id)
    if question.published_at is None or question.state == Question.State.DISMISSED:
        demand_act(Act.ANSWER, entry, by=by, now=now)
    if is_wanted:
        try:
            with transaction.atomic():
                QuestionVote.objects.create(question=question, participant=participant)
        except IntegrityError:  # a double click
            return
    elif not QuestionVote.objects.filter(question=question, participant=participant).delete()[0]:
        return
    Question.objects.filter(pk=question.pk).update(votes=F("votes") + (1 if is_wanted else -1))
    tell_tally(entry.pk, TOPIC, str(question.pk))


@transaction.atomic
def claim_question(entry: Entry, question_id: UUID, *, by: "Viewer", is_claimed: bool, now: datetime) -> None:
    """Say that one answers it oneself, so that not two do; or leave it to others again.

    Raises:
        RefusedError: the viewer is not in the team.
        MissingError: there is no such question.
        ConflictError: somebody else was faster.
    """
    participant = demand_act(Act.ANSWER, entry, by=by, now=now)
    question = question_for(entry.pk, question_id)
    rows = Question.objects.filter(pk=question.pk)
    if is_claimed:
        if not rows.filter(claimed_by__isnull=True).update(claimed_by=participant):
            if question.claimed_by_id == participant.pk:
                return
            raise ConflictError(_("Somebody else is answering this question."), code="claimed")
    elif not rows.filter(claimed_by__isnull=False).update(claimed_by=None):
        return
    _tell(question_for(entry.pk, question_id))


@transaction.atomic
def answer_question(
    entry: Entry, question_id: UUID, *, by: "Viewer", text: str, is_published: bool, now: datetime
) -> None:
    """Answer in writing: to everybody with the question, or to its asker alone. A second answer replaces it.

    Raises:
        RefusedError: the viewer is not in the team.
        MissingError: there is no such question.
        InvalidError: there is nothing to read in it, or too much.
    """
    participant = demand_act(Act.ANSWER, entry, by=by, now=now)
    question = question_for(entry.pk, question_id)
    answer = _read(text, most=LONGEST_ANSWER, nothing=_("Write the answer first."))
    published_at = question.published_at or (now if is_published else None)
    Question.objects.filter(pk=question.pk).update(
        state=Question.State.ANSWERED,
        answer=answer,
        answered_by=participant,
        answered_at=now,
        published_at=published_at,
    )
    _tell(question_for(entry.pk, question_id))


@transaction.atomic
def publish_question(
    entry: Entry, question_id: UUID, *, by: "Viewer", is_published: bool, now: datetime
) -> None:
    """Show a question, and its answer where there is one, to everybody; or to everybody no longer.

    Raises:
        RefusedError: the viewer is not in the team.
        MissingError: there is no such question.
    """
    demand_act(Act.ANSWER, entry, by=by, now=now)
    question = question_for(entry.pk, question_id)
    rows = Question.objects.filter(pk=question.pk, published_at__isnull=is_published)
    if rows.update(published_at=now if is_published else None):
        _tell(question_for(entry.pk, question_id), was_public=not is_published)


@transaction.atomic
def dismiss_question(
    entry: Entry, question_id: UUID, *, by: "Viewer", is_dismissed: bool, now: datetime
) -> None:
    """Put a question aside: nobody but the team and its asker sees it any more. Or take it up again.

    Raises:
        RefusedError: the viewer is not in the team.
        MissingError: there is no such question.
    """
    demand_act(Act.ANSWER, entry, by=by, now=now)
    question = question_for(entry.pk, question_id)
    before = Question.State.ANSWERED if question.answer else Question.State.OPEN
    state = Question.State.DISMISSED if is_dismissed else before
    if Question.objects.filter(pk=question.pk).exclude(state=state).update(state=state):
        _tell(question_for(entry.pk, question_id), was_public=question.published_at is not None)


@transaction.atomic
def allow_public_questions(entry: Entry, *, by: "Viewer", is_allowed: bool, now: datetime) -> None:
    """Whether participants may ask everybody, or only the team.

    Raises:
        RefusedError: the viewer does not moderate here.
    """
    demand_act(Act.MODERATE, entry, by=by, now=now)
    rows = Entry.objects.filter(pk=entry.pk).exclude(allows_public_questions=is_allowed)
    if rows.update(allows_public_questions=is_allowed):
        tell_change(entry.pk, TOPIC, {"allows_public": is_allowed})


def _tell(question: Question, *, was_public: bool = False) -> None:
    """Everybody, the team and the asker hear what each may know."""
    is_public = question.published_at is not None and question.state != Question.State.DISMISSED
    if is_public:
        tell_change(question.entry_id, TOPIC, {"question": public_of(question)})
    elif was_public:
        tell_change(question.entry_id, TOPIC, {"gone": str(question.pk)})
    tell_change(question.entry_id, TOPIC, {"queued": whole_of(question)}, audience=Audience.TEAM)
    tell_participant(question.entry_id, question.asker_id, TOPIC, {"own": own_of(question)})


def _read(text: str, *, most: int, nothing: str) -> str:
    said = clean_text(text)
    if not said:
        raise InvalidError(nothing, code="empty")
    if len(said) > most:
        raise InvalidError(_("At most %(most)s characters, please.") % {"most": most}, code="too_long")
    return said
