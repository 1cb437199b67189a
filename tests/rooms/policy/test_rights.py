"""The table of design §3.3, and nothing beside it."""

from itertools import combinations

import pytest

from lti_tool.roles import ApplicationRole, Right
from rooms.policy.rights import POWERS, Power, may_make_entry, may_place, powers_of

TABLE = {
    #                           owner  co-owner  co-editor  co-publisher  none
    Power.INVITE:             (True,  True,     True,      True,         False),
    Power.MANAGE_ALL_INVITES: (True,  True,     True,      False,        False),
    Power.EDIT:               (True,  True,     True,      False,        False),
    Power.HOST:               (True,  True,     True,      False,        False),
    Power.PLACE_ELSEWHERE:    (True,  True,     False,     True,         False),
    Power.COLLABORATORS:      (True,  True,     False,     False,        False),
    Power.DELETE:             (True,  True,     False,     False,        False),
}  # fmt: skip
RIGHTS = (Right.OWNER, Right.CO_OWNER, Right.CO_EDITOR, Right.CO_PUBLISHER, Right.NONE)
CELLS = [
    (power, right, expected)
    for power, row in TABLE.items()
    for right, expected in zip(RIGHTS, row, strict=True)
]
ABOVE_VIEWER = [role for role in ApplicationRole if role != ApplicationRole.VIEWER]


def test_the_table_names_every_power_and_every_right() -> None:
    assert set(TABLE) == set(Power)
    assert set(RIGHTS) == set(Right) == set(POWERS)


@pytest.mark.parametrize(("power", "right", "expected"), CELLS)
@pytest.mark.parametrize("application_role", ABOVE_VIEWER)
def test_each_right_gives_its_powers(
    power: Power, right: Right, expected: bool, application_role: ApplicationRole
) -> None:
    assert (power in powers_of([right], application_role)) is expected


@pytest.mark.parametrize("right", RIGHTS)
def test_no_right_gives_anything_to_a_viewer(right: Right) -> None:
    assert powers_of([right], ApplicationRole.VIEWER) == frozenset()


@pytest.mark.parametrize("rights", list(combinations(RIGHTS, 2)))
def test_two_rights_give_the_union(rights: tuple[Right, Right]) -> None:
    both = powers_of(rights, ApplicationRole.ADMIN)
    assert both == POWERS[rights[0]] | POWERS[rights[1]]


def test_no_right_at_all_gives_nothing() -> None:
    assert powers_of([], ApplicationRole.UNMODERATED_ADMIN) == frozenset()


@pytest.mark.parametrize("right", RIGHTS)
@pytest.mark.parametrize("application_role", list(ApplicationRole))
def test_any_right_makes_an_entry_at_an_empty_link_unless_a_viewer(
    right: Right, application_role: ApplicationRole
) -> None:
    expected = right != Right.NONE and application_role != ApplicationRole.VIEWER
    assert may_make_entry(right, application_role) is expected


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        (Right.OWNER, True),
        (Right.CO_OWNER, True),
        (Right.CO_EDITOR, False),
        (Right.CO_PUBLISHER, True),
        (Right.NONE, False),
    ],
)
def test_a_co_editor_does_not_place_an_entry_elsewhere(right: Right, expected: bool) -> None:
    assert may_place(powers_of([right], ApplicationRole.PRIVATE_ONLY)) is expected
