"""What a page of the room has to know, topic by topic: read when it comes, and again when it missed a change.

Each topic has up to four parts: what everybody inside may know, what only the team may know, what only
moderators may know, and what is the participant's own (their votes, their unpublished questions). Changes in
between travel as `rooms.events.Changed`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from rooms.models import Entry
from rooms.policy.collaboration import TABLE, Act, is_team
from rooms.policy.roles import Role
from rooms.queries import announcements as announced
from rooms.queries import backchannel, chat, interactions, own, questions


@dataclass(frozen=True, slots=True)
class Topic:
    """How one subject is read. Each part gives JSON values."""

    shared: Callable[[UUID], Any] | None = None
    team: Callable[[UUID], Any] | None = None
    moderators: Callable[[UUID], Any] | None = None
    own: Callable[[UUID, UUID], Any] | None = None


TOPICS: Final[Mapping[str, Topic]] = {
    "chat": Topic(shared=chat.chat_state, own=chat.own_chat_state),
    "backchannel": Topic(team=backchannel.backchannel_state),
    "questions": Topic(
        shared=questions.published_questions,
        team=questions.queue_of_questions,
        own=questions.own_questions,
    ),
    "interactions": Topic(
        shared=interactions.started_interactions,
        moderators=interactions.managed_interactions,
        own=interactions.own_votes,
    ),
    "announcements": Topic(shared=announced.standing_announcements),
    "hand": Topic(own=own.own_hand),
}
"""By name. A page has a module of the same name for each (`static/js/room/<topic>.js`)."""

TALLIES: Final[Mapping[str, Callable[[UUID, str], list[tuple[str, dict[str, Any]]]]]] = {
    "chat": chat.liked_total,
    "interactions": interactions.votes_total,
    "questions": questions.votes_total,
}
"""How a total is read: (entry, subject) -> the changes to tell, each with its audience (`Audience`)."""


def state_of(entry: Entry, *, role: Role, participant_id: UUID | None) -> dict[str, Any]:
    """The whole state for one participant, with the revisions that it answers to.

    Args:
        entry: read before this call: a change in between is told, or asked for, once more, and does no harm.
    """
    topics: dict[str, dict[str, Any]] = {}
    for name, topic in TOPICS.items():
        parts: dict[str, Any] = {}
        if topic.shared is not None:
            parts["shared"] = topic.shared(entry.pk)
        if topic.team is not None and is_team(role):
            parts["team"] = topic.team(entry.pk)
        if topic.moderators is not None and role in TABLE[Act.MODERATE]:
            parts["moderators"] = topic.moderators(entry.pk)
        if topic.own is not None and participant_id is not None:
            parts["own"] = topic.own(entry.pk, participant_id)
        topics[name] = parts
    return {
        "revision": entry.revision,
        "team_revision": entry.team_revision if is_team(role) else 0,
        "topics": topics,
    }
