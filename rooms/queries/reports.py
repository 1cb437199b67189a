"""What a session leaves behind, for its hosts: who was there, what was said, asked and answered."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from rooms.models import ChatMessage, Entry, Interaction, Participant, Question, Visit
from rooms.queries import PRESENT_WITHIN
from rooms.queries.chat import end_of
from rooms.queries.interactions import Report, results_for_report

Row = list[object]
_WHO: Final = ("person", "guest")


def attendance_rows(entry: Entry, *, now: datetime) -> Iterator[Row]:
    """One line for each participant who was inside: role, first arrival, last departure, all minutes."""
    yield [_("Name"), _("Role"), _("Standing"), _("Joined (UTC)"), _("Left (UTC)"), _("Minutes")]
    for participant, visits in _visits_by_participant(entry.pk):
        ended = [_ended_at(visit, participant, now=now) for visit in visits]
        seconds = sum(
            ((end or now) - visit.joined_at).total_seconds() for visit, end in zip(visits, ended, strict=True)
        )
        yield [
            participant.shown_name,
            role_name(visits[-1].role),
            standing_name(participant),
            moment(visits[0].joined_at),
            moment(max(end for end in ended if end)) if all(ended) else _("still here"),
            round(seconds / 60),
        ]


def _ended_at(visit: Visit, participant: Participant, *, now: datetime) -> datetime | None:
    """When a visit ended. One that nobody noted the end of lasted until they were seen last."""
    seen_at = participant.seen_at
    if visit.left_at is None and seen_at is not None and seen_at <= now - PRESENT_WITHIN:
        return max(seen_at, visit.joined_at)
    return visit.left_at


def _visits_by_participant(entry_id: UUID) -> Iterator[tuple[Participant, list[Visit]]]:
    rows = Visit.objects.filter(participant__entry_id=entry_id).order_by("participant_id", "joined_at")
    visits: dict[Participant, list[Visit]] = {}
    for visit in rows.select_related(*(f"participant__{kind}" for kind in _WHO)):
        visits.setdefault(visit.participant, []).append(visit)
    yield from sorted(visits.items(), key=lambda each: each[1][0].joined_at)


def transcript_rows(entry: Entry, channel: ChatMessage.Channel) -> Iterator[Row]:
    """Everything that was said, hidden and cleared messages too; what its author deleted has no text."""
    yield [
        _("Number"),
        _("Sent (UTC)"),
        _("Name"),
        _("Role"),
        _("Message"),
        _("Answers"),
        _("Likes"),
        _("State"),
    ]
    rows = ChatMessage.objects.filter(entry=entry, channel=channel).order_by("sequence")
    names = {"": "", "deleted": _("deleted"), "hidden": _("hidden"), "cleared": _("cleared")}
    related = ("entry", "reply_to", *(f"author__{kind}" for kind in _WHO))
    for message in rows.select_related(*related).iterator(chunk_size=500):
        is_chat = message.channel == ChatMessage.Channel.CHAT
        yield [
            message.sequence,
            moment(message.sent_at),
            message.author.shown_name,
            role_name(message.author_role),
            message.text,
            message.reply_to.sequence if message.reply_to else "",
            message.likes,
            names[end_of(message)] if is_chat else "",
        ]


def question_rows(entry: Entry) -> Iterator[Row]:
    """Every question with what became of it."""
    yield [
        *(_("Asked (UTC)"), _("Name"), _("Question"), _("State"), _("Votes")),
        *(_("Public"), _("Answer"), _("Answered by"), _("Answered (UTC)")),
    ]
    related = (f"{who}__{kind}" for who in ("asker", "answered_by") for kind in _WHO)
    for question in Question.objects.filter(entry=entry).select_related(*related).order_by("asked_at"):
        yield [
            moment(question.asked_at),
            question.asker.shown_name,
            question.text,
            str(question.get_state_display()),
            question.votes,
            _("yes") if question.published_at else _("no"),
            question.answer,
            question.answered_by.shown_name if question.answered_by else "",
            moment(question.answered_at) if question.answered_at else "",
        ]


def interaction_rows(entry: Entry) -> Iterator[Row]:
    """Each answer of everything that was asked, with how many gave it; who gave which is told nobody."""
    yield [
        *(_("Started (UTC)"), _("Closed (UTC)"), _("Kind"), _("Question"), _("People who answered")),
        *(_("Answer"), _("Votes"), _("Percent"), pgettext("an answer", "Right"), _("Average")),
    ]
    for report in results_for_report(entry.pk):
        asked: Row = [
            moment(report.started_at) if report.started_at else "",
            moment(report.closed_at) if report.closed_at else _("still open"),
            kind_name(report.kind),
            report.question,
            report.voters,
        ]
        for answer in _answers_of(report):
            yield [*asked, *answer]


def _answers_of(report: Report) -> Iterator[Row]:
    is_quiz = report.kind == Interaction.Kind.QUIZ
    average = "" if report.average is None else report.average
    for line in report.lines:
        right = (_("yes") if line.is_right else _("no")) if is_quiz else ""
        yield [line.text, line.votes, line.percent, right, average]
    for text in report.texts:
        yield [text, "", "", "", ""]
    if not report.lines and not report.texts:
        yield ["", "", "", "", ""]


def kind_name(kind: str) -> str:
    """What was asked, in a word."""
    return str(Interaction.Kind(kind).label)


def role_name(role: str) -> str:
    """A role inside, in words."""
    return str({"host": _("Host"), **dict(Participant.Role.choices)}.get(role, role))


def standing_name(participant: Participant) -> str:
    """How somebody is known."""
    if participant.person_id:
        return _("course member")
    return _("guest, mailbox proven") if participant.is_mailbox_proven else _("guest")


def moment(at: datetime) -> str:
    """An instant for a spreadsheet, in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}"
