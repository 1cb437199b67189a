"""Who may do what in Chat & Collaboration: the table of design §8. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from common.decisions import Allowed, Decision, Refused
from rooms.policy.doors import Stance
from rooms.policy.roles import Role


class Act(StrEnum):
    """What somebody wants to do inside. The members are the rows of the table."""

    TAKE_PART = "take_part"
    BACKCHANNEL = "backchannel"
    ANSWER = "answer"
    MODERATE = "moderate"
    RUN = "run"
    ON_STAGE = "on_stage"


_ALL: Final = frozenset(Role)
_TEAM: Final = frozenset({Role.HOST, Role.MODERATOR, Role.SPEAKER})

TABLE: Final[dict[Act, frozenset[Role]]] = {
    Act.TAKE_PART: _ALL,  # chat; ask; answer interactions; react
    Act.BACKCHANNEL: _TEAM,
    Act.ANSWER: _TEAM,  # answer and publish questions
    Act.MODERATE: frozenset({Role.HOST, Role.MODERATOR}),  # interactions, pin, hide, mute, announcements
    Act.RUN: frozenset({Role.HOST}),  # doors, promote, remove
    Act.ON_STAGE: _TEAM,
}


class NoAct(StrEnum):
    """Why somebody may not do something inside. Asked in this order."""

    REMOVED = "removed"
    CHAT_IS_OFF = "chat_is_off"
    WAITING = "waiting"
    CLOSED = "closed"
    ENDED = "ended"
    NOT_YOUR_ROLE = "not_your_role"
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides. `has_chat`: whether Chat & Collaboration is on."""

    role: Role
    stance: Stance
    has_chat: bool
    is_removed: bool = False
    is_muted: bool = False


_NOT_INSIDE: Final = {
    Stance.WAITING: NoAct.WAITING,
    Stance.CLOSED: NoAct.CLOSED,
    Stance.ENDED: NoAct.ENDED,
}


def is_team(role: Role) -> bool:
    """Whether somebody runs the session with others: they have a backchannel, and see every question."""
    return role in _TEAM


def judge_act(act: Act, standing: Standing, *, speaks: bool = False) -> Decision:
    """Whether somebody may do this here and now.

    Args:
        speaks: whether others would read or hear it: whoever is muted may not.
    """
    if standing.is_removed:
        return Refused(NoAct.REMOVED)
    if not standing.has_chat:
        return Refused(NoAct.CHAT_IS_OFF)
    if standing.stance in _NOT_INSIDE:
        return Refused(_NOT_INSIDE[standing.stance])
    if standing.role not in TABLE[act]:
        return Refused(NoAct.NOT_YOUR_ROLE)
    if speaks and standing.is_muted and standing.role != Role.HOST:
        return Refused(NoAct.MUTED)
    return Allowed()
