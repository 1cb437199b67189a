"""How a standing came about: which row decided, and what was passed over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lti_tool.roles import (
    TEST_USER,
    VOCABULARY,
    ApplicationRole,
    Right,
    Weight,
    Worth,
    context_uri,
    default_rules,
    explain_roles,
    judge_roles,
    read_roles,
)

LIS = "http://purl.imsglobal.org/vocab/lis/v2"
INSTRUCTOR, LEARNER = context_uri("Instructor"), context_uri("Learner")
ASSISTANT, GRADER = context_uri("Instructor", "TeachingAssistant"), context_uri("Instructor", "Grader")
GROUP_ASSISTANT = context_uri("Instructor", "TeachingAssistantGroup")
LECTURER = context_uri("Instructor", "Lecturer")
CAMPUS_ADMIN = f"{LIS}/institution/person#Administrator"
FACULTY = f"{LIS}/institution/person#Faculty"
SYSTEM_ADMIN = f"{LIS}/system/person#Administrator"


@pytest.mark.parametrize(
    ("texts", "weights", "right_from", "application_role_from"),
    [
        ([INSTRUCTOR], [Weight.COUNTED], {INSTRUCTOR}, {INSTRUCTOR}),
        (["Instructor"], [Weight.COUNTED], {"Instructor"}, {"Instructor"}),
        ([LECTURER], [Weight.COUNTED], {LECTURER}, {LECTURER}),
        ([INSTRUCTOR, ASSISTANT], [Weight.EXPLAINED, Weight.COUNTED], {ASSISTANT}, {ASSISTANT}),
        ([GROUP_ASSISTANT], [Weight.COUNTED], {GROUP_ASSISTANT}, {GROUP_ASSISTANT}),
        ([GRADER], [Weight.WORTH_NOTHING], set(), set()),
        ([INSTRUCTOR, FACULTY], [Weight.COUNTED, Weight.OUTSIDE], {INSTRUCTOR}, {INSTRUCTOR}),
        ([INSTRUCTOR, CAMPUS_ADMIN], [Weight.COUNTED, Weight.OUTSIDE], {INSTRUCTOR}, {CAMPUS_ADMIN}),
        ([SYSTEM_ADMIN], [Weight.OUTSIDE], set(), {SYSTEM_ADMIN}),
        ([LEARNER, TEST_USER], [Weight.COUNTED, Weight.MARKER], {LEARNER}, {LEARNER}),
        ([f"{LIS}/unknown#Instructor"], [Weight.UNKNOWN], set(), set()),
        (
            [INSTRUCTOR, context_uri("ContentDeveloper")],
            [Weight.COUNTED, Weight.COUNTED],
            {INSTRUCTOR},
            {INSTRUCTOR, context_uri("ContentDeveloper")},
        ),
        ([], [], set(), set()),
    ],
)
def test_each_role_has_its_reason(
    texts: list[str], weights: list[Weight], right_from: set[str], application_role_from: set[str]
) -> None:
    explanation = explain_roles(texts, default_rules(), learner_wins=True)
    assert [one.text for one in explanation.weighed] == texts
    assert [one.weight for one in explanation.weighed] == weights
    assert set(explanation.right_from) == right_from
    assert set(explanation.application_role_from) == application_role_from
    assert not explanation.learner_decided


def test_a_role_without_a_row_names_the_row_that_it_counts_by() -> None:
    rows = {
        one.text: one.row.role
        for one in explain_roles([LECTURER, GROUP_ASSISTANT], default_rules(), learner_wins=True).weighed
        if one.row
    }
    assert rows == {LECTURER: INSTRUCTOR, GROUP_ASSISTANT: ASSISTANT}
    own = (*default_rules(), Worth(LECTURER, Right.NONE, ApplicationRole.VIEWER))
    explanation = explain_roles([LECTURER], own, learner_wins=True)
    assert explanation.weighed[0].row == own[-1]
    assert explanation.standing.right is Right.NONE


def test_learner_beside_a_teaching_role_is_said_to_have_decided() -> None:
    explanation = explain_roles([INSTRUCTOR, LEARNER], default_rules(), learner_wins=True)
    assert explanation.learner_decided
    assert explanation.right_from == (LEARNER,)
    assert explanation.standing.right is Right.NONE
    other = explain_roles([INSTRUCTOR, LEARNER], default_rules(), learner_wins=False)
    assert not other.learner_decided
    assert other.right_from == (INSTRUCTOR,)
    assert other.standing.is_mixed


_TEXTS = st.lists(st.sampled_from([*VOCABULARY, "Instructor", "Learner", "Owner", ""]), max_size=6)
_RULES = st.lists(
    st.builds(
        Worth,
        st.sampled_from(sorted(uri for uri in VOCABULARY if "/membership" in uri)),
        st.sampled_from(Right),
        st.sampled_from(ApplicationRole),
    ),
    max_size=6,
    unique_by=lambda rule: rule.role,
)


@given(_TEXTS, _RULES, st.booleans())
def test_an_explanation_ends_where_the_launch_does(
    texts: list[str], rules: list[Worth], learner_wins: bool
) -> None:
    explanation = explain_roles(texts, rules, learner_wins=learner_wins)
    assert explanation.standing == judge_roles(read_roles(texts), rules, learner_wins=learner_wins)
    if explanation.standing.right is not Right.NONE:
        assert explanation.right_from
    if explanation.standing.application_role is not ApplicationRole.VIEWER:
        assert explanation.application_role_from
