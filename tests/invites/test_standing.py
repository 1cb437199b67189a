"""Where an invitation stands, in one word."""

import pytest

from invites.policy import Stage, Why
from invites.standing import State, state_of


@pytest.mark.parametrize(
    ("stage", "closed", "state"),
    [
        (Stage.MADE, None, State.MADE),
        (Stage.WAITING, None, State.WAITING),
        (Stage.MAILED, None, State.MAILED),
        (Stage.FAILED, None, State.FAILED),
        (Stage.LOBBY, None, State.LOBBY),
        (Stage.ENTERED, None, State.ENTERED),
        (Stage.ENTERED, Why.USED_UP, State.ENTERED),
        (Stage.ENTERED, Why.EXPIRED, State.ENTERED),
        (Stage.MAILED, Why.EXPIRED, State.EXPIRED),
        (Stage.LOBBY, Why.SESSION_ENDED, State.EXPIRED),
        (Stage.LOBBY, Why.USED_UP, State.LOBBY),
        (Stage.MAILED, Why.MODULE_OFF, State.MAILED),
        (Stage.ENTERED, Why.WITHDRAWN, State.WITHDRAWN),
        (Stage.MADE, Why.REMOVED, State.WITHDRAWN),
    ],
)
def test_the_state_follows_from_stage_and_link(stage: Stage, closed: Why | None, state: State) -> None:
    assert state_of(stage, closed) == state
