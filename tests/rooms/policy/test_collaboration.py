"""The table of design §8, cell by cell, and what outweighs it."""

from dataclasses import replace

import pytest

from common.decisions import Allowed, Refused
from rooms.policy.collaboration import Act, NoAct, Standing, is_team, judge_act
from rooms.policy.doors import Stance
from rooms.policy.roles import Role

HOST, MODERATOR, SPEAKER, VIEWER = Role.HOST, Role.MODERATOR, Role.SPEAKER, Role.VIEWER
WHO_MAY = {
    Act.TAKE_PART: {HOST, MODERATOR, SPEAKER, VIEWER},
    Act.BACKCHANNEL: {HOST, MODERATOR, SPEAKER},
    Act.ANSWER: {HOST, MODERATOR, SPEAKER},
    Act.MODERATE: {HOST, MODERATOR},
    Act.RUN: {HOST},
    Act.ON_STAGE: {HOST, MODERATOR, SPEAKER},
}
INSIDE = Standing(role=VIEWER, stance=Stance.INSIDE, has_chat=True)


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("role", Role)
def test_every_cell_of_the_table(act: Act, role: Role) -> None:
    answer = judge_act(act, replace(INSIDE, role=role))
    assert answer == (Allowed() if role in WHO_MAY[act] else Refused(NoAct.NOT_YOUR_ROLE))


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (replace(INSIDE, is_removed=True), NoAct.REMOVED),
        (replace(INSIDE, has_chat=False), NoAct.CHAT_IS_OFF),
        (replace(INSIDE, stance=Stance.WAITING), NoAct.WAITING),
        (replace(INSIDE, stance=Stance.CLOSED), NoAct.CLOSED),
        (replace(INSIDE, stance=Stance.ENDED), NoAct.ENDED),
    ],
)
def test_what_outweighs_every_role(standing: Standing, reason: NoAct) -> None:
    assert judge_act(Act.TAKE_PART, standing) == Refused(reason)


@pytest.mark.parametrize("role", Role)
def test_the_muted_are_not_heard_but_answer_polls(role: Role) -> None:
    muted = replace(INSIDE, role=role, is_muted=True)
    heard = judge_act(Act.TAKE_PART, muted, speaks=True)
    assert heard == (Allowed() if role == HOST else Refused(NoAct.MUTED))
    assert judge_act(Act.TAKE_PART, muted) == Allowed()


def test_who_is_the_team() -> None:
    assert [role for role in Role if is_team(role)] == [MODERATOR, SPEAKER, HOST]
