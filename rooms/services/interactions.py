"""Interactions: drafted, started, closed and shown by moderators, answered by everybody inside."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4, uuid5

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.decisions import Refused
from common.errors import AppError, ConflictError, InvalidError, MissingError
from common.throttle import Limit
from rooms.events import Audience
from rooms.models import Choice, Entry, Interaction, Participant, Vote
from rooms.policy.collaboration import Act
from rooms.policy.moderation import clean_text
from rooms.policy.polls import (
    MAY_CHANGE,
    Ballot,
    Draft,
    Kind,
    NoDraft,
    NoVote,
    judge_draft,
    judge_vote,
    only_what_is_asked,
)
from rooms.queries.interactions import (
    asked_of,
    everybody_reads,
    interaction_for,
    moderators_read,
    vote_of,
)
from rooms.services.changes import tell_change, tell_participant, tell_tally
from rooms.services.standing import demand_act

if TYPE_CHECKING:
    from rooms.access import Viewer

TOPIC: Final = "interactions"
MOST_DRAFTS: Final = 50
MOST_RUNNING: Final = 3  # at the same time: more, and nobody knows where to look
_PACE: Final = Limit("vote", tries=20, seconds=60)


# --- Moderators ----------------------------------------------------------------------------------------


@transaction.atomic
def draft_interaction(
    entry: Entry, *, by: "Viewer", draft: Draft, is_started: bool = False, client_key: str = "", now: datetime
) -> Interaction:
    """Prepare something to ask, or ask it at once. The same `client_key` again makes nothing new.

    Raises:
        RefusedError: the viewer does not moderate here.
        InvalidError: it cannot be asked like this; the code is a `NoDraft`.
        ConflictError: there are too many drafts, or too many are running.
    """
    author = _demand_moderator(entry, by=by, now=now)
    key = uuid5(author.pk, client_key) if client_key else uuid4()
    if (before := Interaction.objects.filter(pk=key, entry=entry).first()) is not None:
        return before
    _demand_draft(draft)
    made = _write_draft(entry, key, author, draft, now=now)
    if is_started:
        _start(entry, made.pk, now=now)
    else:
        _tell(entry, made.pk)
    return made


@transaction.atomic
def redraft_interaction(
    entry: Entry, interaction_id: UUID, *, by: "Viewer", draft: Draft, is_started: bool = False, now: datetime
) -> None:
    """Write a draft anew, and start it at once where that is wished.

    Raises:
        RefusedError: the viewer does not moderate here.
        MissingError: there is none of this id.
        InvalidError: it cannot be asked like this; the code is a `NoDraft`.
        ConflictError: it has been started.
    """
    _demand_moderator(entry, by=by, now=now)
    _demand_draft(draft)
    rows = Interaction.objects.filter(pk=interaction_id, entry=entry, state=Interaction.State.DRAFT)
    if not rows.update(
        kind=draft.kind,
        question=draft.question,
        most_choices=draft.most,
        highest_rating=draft.highest,
    ):
        raise _no_draft_any_more(entry, interaction_id)
    Choice.objects.filter(interaction_id=interaction_id).delete()
    _write_choices(interaction_id, draft)
    if is_started:
        _start(entry, interaction_id, now=now)
    else:
        _tell(entry, interaction_id)


@transaction.atomic
def delete_draft(entry: Entry, interaction_id: UUID, *, by: "Viewer", now: datetime) -> None:
    """Throw a draft away. What has been asked stays: people have answered it.

    Raises:
        RefusedError: the viewer does not moderate here.
        MissingError: there is none of this id.
        ConflictError: it has been started.
    """
    _demand_moderator(entry, by=by, now=now)
    rows = Interaction.objects.filter(pk=interaction_id, entry=entry, state=Interaction.State.DRAFT)
    if not rows.delete()[0]:
        raise _no_draft_any_more(entry, interaction_id)
    tell_change(entry.pk, TOPIC, {"gone": str(interaction_id)}, audience=Audience.MODERATORS)


@transaction.atomic
def start_interaction(entry: Entry, interaction_id: UUID, *, by: "Viewer", now: datetime) -> None:
    """Ask it: from now on everybody inside can answer.

    Raises:
        RefusedError: the viewer does not moderate here.
        MissingError: there is none of this id.
        ConflictError: it has been started before, or too many are running.
    """
    _demand_moderator(entry, by=by, now=now)
    _start(entry, interaction_id, now=now)


@transaction.atomic
def close_interaction(entry: Entry, interaction_id: UUID, *, by: "Viewer", now: datetime) -> None:
    """Take no more answers. Those that are on their way when it closes are counted, later ones refused.

    Raises:
        RefusedError: the viewer does not moderate here.
        MissingError: there is none of this id.
        ConflictError: it has not been started.
    """
    _demand_moderator(entry, by=by, now=now)
    rows = Interaction.objects.filter(pk=interaction_id, entry=entry, state=Interaction.State.RUNNING)
    if rows.update(state=Interaction.State.CLOSED, closed_at=now):
        _tell(entry, interaction_id)
    elif interaction_for(entry.pk, interaction_id).state == Interaction.State.DRAFT:
        raise ConflictError(_("This has not been started yet."), code="not_started")


@transaction.atomic
def show_results(entry: Entry, interaction_id: UUID, *, by: "Viewer", is_shared: bool, now: datetime) -> None:
    """Show everybody the results, while it runs or afterwards; or to moderators alone again.

    Raises:
        RefusedError: the viewer does not moderate here.
        MissingError: there is none of this id.
        ConflictError: it has not been started.
    """
    _demand_moderator(entry, by=by, now=now)
    rows = Interaction.objects.filter(pk=interaction_id, entry=entry).exclude(state=Interaction.State.DRAFT)
    if rows.exclude(is_shared=is_shared).update(is_shared=is_shared):
        _tell(entry, interaction_id)
    elif interaction_for(entry.pk, interaction_id).state == Interaction.State.DRAFT:
        raise ConflictError(_("This has not been started yet."), code="not_started")


@transaction.atomic
def hide_answer(
    entry: Entry, interaction_id: UUID, answer: int, *, by: "Viewer", is_hidden: bool, now: datetime
) -> None:
    """Take the text of one answer out of everybody's sight, or show it again; it counts, and reports keep it.

    Raises:
        RefusedError: the viewer does not moderate here.
        MissingError: there is no such answer in words.
    """
    _demand_moderator(entry, by=by, now=now)
    rows = Vote.objects.filter(
        pk=answer, interaction=interaction_id, interaction__entry=entry, interaction__kind=Kind.OPEN
    )
    if rows.filter(hidden_at__isnull=is_hidden).update(hidden_at=now if is_hidden else None):
        _tell(entry, interaction_id)
    elif not rows.exists():
        raise MissingError


# --- Everybody -----------------------------------------------------------------------------------------


def cast_vote(
    entry: Entry, interaction_id: UUID, *, by: "Viewer", ballot: Ballot, now: datetime
) -> dict[str, Any]:
    """Answer. Once per participant: a second answer replaces the first, but not in a quiz.

    Returns:
        The answer as its giver's pages know it, by the interaction's id.

    Raises:
        RefusedError: the viewer may not take part here.
        MissingError: there is none of this id, or it has not been started.
        InvalidError: this does not answer it; the code is a `NoVote`.
        ConflictError: it is closed, or a quiz that the viewer has answered.
        ThrottledError: too many in a short time.
    """
    participant = demand_act(Act.TAKE_PART, entry, by=by, now=now)
    interaction = interaction_for(entry.pk, interaction_id)
    if interaction.state == Interaction.State.DRAFT:
        raise MissingError
    asked = asked_of(interaction)
    wanted = only_what_is_asked(asked, Ballot(ballot.choices, ballot.rating, clean_text(ballot.text)))
    decision = judge_vote(asked, wanted)
    if isinstance(decision, Refused):
        raise _bad_vote(decision)
    _PACE.count(str(participant.pk))
    with transaction.atomic():
        if not _hold_running(interaction.pk):
            raise ConflictError(
                _("This is closed: your answer could not be counted any more."), code="closed"
            )
        _write_vote(interaction, participant, wanted, now=now)
        own = {str(interaction.pk): _own(wanted)}
        tell_participant(entry.pk, participant.pk, TOPIC, {"own": own})
        tell_tally(entry.pk, TOPIC, str(interaction.pk))
    return own


def _hold_running(interaction_id: UUID) -> bool:
    """Whether it is running; if so, nobody closes it before the transaction ends.

    Answers do not wait for each other, a thousand of them in a second: they share the lock. SQLite has one
    writer at a time, and that is whoever holds this transaction.
    """
    rows = Interaction.objects.filter(pk=interaction_id, state=Interaction.State.RUNNING)
    if not connection.features.has_select_for_update:
        return rows.exists()
    sql, parameters = rows.values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} FOR SHARE", parameters)
        return cursor.fetchone() is not None


def _write_vote(interaction: Interaction, participant: Participant, ballot: Ballot, *, now: datetime) -> None:
    rows = Vote.objects.filter(interaction=interaction, participant=participant)
    try:
        with transaction.atomic():
            vote = Vote.objects.create(
                interaction=interaction,
                participant=participant,
                rating=ballot.rating,
                text=ballot.text,
                given_at=now,
            )
            vote.choices.add(*ballot.choices)
    except IntegrityError as error:  # answered before, or just now in another tab
        if interaction.kind in MAY_CHANGE:
            rows.update(rating=ballot.rating, text=ballot.text, given_at=now)
            rows.get().choices.set(ballot.choices)
            return
        before = vote_of(interaction.pk, participant.pk)
        if before is None or {choice.pk for choice in before.choices.all()} != ballot.choices:
            raise ConflictError(
                _("You have answered this already. In a quiz the first answer counts."), code="answered"
            ) from error


def _own(ballot: Ballot) -> dict[str, Any]:
    return {"choices": sorted(ballot.choices), "rating": ballot.rating, "text": ballot.text}


# --- Underneath ----------------------------------------------------------------------------------------


def _demand_moderator(entry: Entry, *, by: "Viewer", now: datetime) -> Participant:
    """Go on only if the viewer moderates; until the transaction ends no other moderator changes anything."""
    author = demand_act(Act.MODERATE, entry, by=by, now=now)
    Entry.objects.select_for_update(no_key=True).values("pk").get(pk=entry.pk)  # SQLite has one writer anyway
    return author


def _demand_draft(draft: Draft) -> None:
    decision = judge_draft(draft)
    if isinstance(decision, Refused):
        raise _bad_draft(decision)


def _write_draft(entry: Entry, key: UUID, author: Participant, draft: Draft, *, now: datetime) -> Interaction:
    drafts = Interaction.objects.filter(entry=entry, state=Interaction.State.DRAFT)
    if drafts.count() >= MOST_DRAFTS:
        raise ConflictError(
            _("There are %(most)s drafts already.") % {"most": MOST_DRAFTS},
            next_step=_("Delete some of them first."),
            code="too_many_drafts",
        )
    made = Interaction.objects.create(
        pk=key,
        entry=entry,
        kind=draft.kind,
        question=draft.question,
        most_choices=draft.most,
        highest_rating=draft.highest,
        made_by=author,
        made_at=now,
    )
    _write_choices(made.pk, draft)
    return made


def _write_choices(interaction_id: UUID, draft: Draft) -> None:
    Choice.objects.bulk_create(
        Choice(interaction_id=interaction_id, position=at, text=text, is_right=at in draft.right)
        for at, text in enumerate(draft.choices)
    )


def _start(entry: Entry, interaction_id: UUID, *, now: datetime) -> None:
    running = Interaction.objects.filter(entry=entry, state=Interaction.State.RUNNING)
    if running.exclude(pk=interaction_id).count() >= MOST_RUNNING:
        raise ConflictError(
            ngettext("%(count)s is running already.", "%(count)s are running already.", MOST_RUNNING)
            % {"count": MOST_RUNNING},
            next_step=_("Close one of them first."),
            code="too_many_running",
        )
    rows = Interaction.objects.filter(pk=interaction_id, entry=entry, state=Interaction.State.DRAFT)
    if rows.update(state=Interaction.State.RUNNING, started_at=now):
        _tell(entry, interaction_id)
    elif interaction_for(entry.pk, interaction_id).state == Interaction.State.CLOSED:
        raise ConflictError(_("This has been closed already."), code="closed")


def _tell(entry: Entry, interaction_id: UUID) -> None:
    """Everybody and the moderators hear what each may know."""
    found = interaction_for(entry.pk, interaction_id)
    if found.state != Interaction.State.DRAFT:
        tell_change(entry.pk, TOPIC, {"interaction": everybody_reads([found])[0]})
    managed = {"managed": moderators_read([found])[0]}
    tell_change(entry.pk, TOPIC, managed, audience=Audience.MODERATORS)


def _no_draft_any_more(entry: Entry, interaction_id: UUID) -> AppError:
    interaction_for(entry.pk, interaction_id)
    return ConflictError(_("This has been started already: it cannot be changed any more."), code="started")


def _bad_draft(refused: Refused) -> AppError:
    texts: Final = {
        NoDraft.NO_QUESTION: _("Write the question first."),
        NoDraft.QUESTION_TOO_LONG: _("The question has at most %(most)s characters."),
        NoDraft.TOO_FEW_CHOICES: _("Write at least two answers to choose from."),
        NoDraft.TOO_MANY_CHOICES: _("At most %(most)s answers, please."),
        NoDraft.CHOICE_TOO_LONG: _("An answer has at most %(most)s characters."),
        NoDraft.SAME_CHOICES: _("Two of the answers are the same."),
        NoDraft.NOTHING_RIGHT: _("Tick the right answer, or all right ones."),
        NoDraft.TOO_MANY_RIGHT: _("More answers are right than may be chosen. Allow more answers."),
    }
    why = NoDraft(refused.reason)
    return InvalidError(texts[why] % {"most": refused.detail}, code=why)


def _bad_vote(refused: Refused) -> AppError:
    texts: Final = {
        NoVote.NOTHING_CHOSEN: _("Choose an answer first."),
        NoVote.TOO_MANY_CHOSEN: _("You can choose at most %(most)s answers."),
        NoVote.NOT_OFFERED: _("This answer is not one of those to choose from."),
        NoVote.NOT_ON_THE_SCALE: _("Choose a number from 1 to %(most)s."),
        NoVote.EMPTY: _("Write your answer first."),
        NoVote.TOO_LONG: _("An answer has at most %(most)s characters."),
    }
    why = NoVote(refused.reason)
    return InvalidError(texts[why] % {"most": refused.detail}, code=why)
