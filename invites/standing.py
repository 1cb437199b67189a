"""Where an invitation stands, in one word. Pure."""

from enum import StrEnum
from typing import Final

from invites.policy import Stage, Why


class State(StrEnum):
    """Where an invitation stands, in one word; the members stand in the order of a list sorted by it."""

    FAILED = "failed"
    WAITING = "waiting"
    MADE = "made"
    MAILED = "mailed"
    LOBBY = "lobby"
    ENTERED = "entered"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


_ENDED: Final = {
    Why.GONE: State.WITHDRAWN,
    Why.WITHDRAWN: State.WITHDRAWN,
    Why.REMOVED: State.WITHDRAWN,
}
_RUN_OUT: Final = frozenset({Why.EXPIRED, Why.SESSION_ENDED})


def state_of(stage: Stage, closed: Why | None) -> State:
    """Who has entered has, whatever became of the link; a dead link outweighs a mail.

    `invites.queries.invite_list` says the same in SQL.
    """
    if closed in _ENDED:
        return _ENDED[closed]
    if stage != Stage.ENTERED and closed in _RUN_OUT:
        return State.EXPIRED
    return State(stage.value)
