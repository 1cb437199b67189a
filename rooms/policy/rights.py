"""Which right gives which power over an entry (design §3.3). Pure."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from lti_tool.roles import ApplicationRole, Right


class Power(StrEnum):
    """What somebody may do to an entry."""

    INVITE = "invite"
    MANAGE_ALL_INVITES = "manage_all_invites"
    EDIT = "edit"
    HOST = "host"
    PLACE_ELSEWHERE = "place_elsewhere"
    COLLABORATORS = "collaborators"
    DELETE = "delete"


_OWNER: Final = frozenset(Power)
_CO_EDITOR: Final = frozenset({Power.INVITE, Power.MANAGE_ALL_INVITES, Power.EDIT, Power.HOST})
_CO_PUBLISHER: Final = frozenset({Power.INVITE, Power.PLACE_ELSEWHERE})

POWERS: Final[dict[Right, frozenset[Power]]] = {
    Right.OWNER: _OWNER,
    Right.CO_OWNER: _OWNER,
    Right.CO_EDITOR: _CO_EDITOR,
    Right.CO_PUBLISHER: _CO_PUBLISHER,
    Right.NONE: frozenset(),
}


def powers_of(rights: Iterable[Right], application_role: ApplicationRole) -> frozenset[Power]:
    """The union of what these rights give; nothing while the application role is viewer."""
    if application_role == ApplicationRole.VIEWER:
        return frozenset()
    return frozenset(power for right in rights for power in POWERS[right])


def may_make_entry(right: Right, application_role: ApplicationRole) -> bool:
    """Whether somebody with this right in the course may make an entry at an empty placement of it."""
    return application_role != ApplicationRole.VIEWER and right != Right.NONE


def may_place(powers: frozenset[Power]) -> bool:
    """Whether an existing entry may be placed elsewhere (bind, rebind, deep link)."""
    return Power.PLACE_ELSEWHERE in powers
