"""What somebody pastes to have it explained: an id_token, its claims, or a list of roles. Pure.

Nothing here is believed, and no signature is looked at: it serves for reading only.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from enum import StrEnum

from lti_tool.claims import LTI, MAX_ROLES, MAX_TOKEN, clean

_ROLES = f"{LTI}roles"
_PARTS_OF_A_TOKEN = 3
_PARTS_OF_AN_ENCRYPTED_TOKEN = 5


class Unreadable(StrEnum):
    """Why there is nothing to explain."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    ENCRYPTED = "encrypted"
    NOT_A_TOKEN = "not_a_token"  # noqa: S105 - a reason
    NO_ROLES = "no_roles"
    ROLES_ARE_NO_LIST = "roles_are_no_list"


class UnreadableError(ValueError):
    """A paste without roles that could be explained."""

    def __init__(self, reason: Unreadable) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Pasted:
    """The part of a paste that decides about roles, and whose token it says it is."""

    roles: tuple[str, ...]
    issuer: str = ""
    skipped: int = 0  # entries that are no texts, or empty ones


def read_pasted(text: str) -> Pasted:
    """Find the roles.

    Raises:
        UnreadableError: there are none that could be read.
    """
    text = text.strip()
    if not text:
        raise UnreadableError(Unreadable.EMPTY)
    if len(text) > MAX_TOKEN:
        raise UnreadableError(Unreadable.TOO_LONG)
    value = _json(text) if text[0] in "{[" else _json(_payload_of(text))
    if isinstance(value, list):
        return _read_roles(value)
    if not isinstance(value, dict):
        raise UnreadableError(Unreadable.NOT_A_TOKEN)
    if _ROLES not in value and "roles" not in value:
        raise UnreadableError(Unreadable.NO_ROLES)
    issuer = value.get("iss")
    return _read_roles(value.get(_ROLES, value.get("roles")), issuer=issuer)


def _payload_of(token: str) -> str:
    parts = "".join(token.split()).removeprefix("id_token=").split(".")
    if len(parts) == _PARTS_OF_AN_ENCRYPTED_TOKEN:
        raise UnreadableError(Unreadable.ENCRYPTED)
    if len(parts) != _PARTS_OF_A_TOKEN:
        raise UnreadableError(Unreadable.NOT_A_TOKEN)
    try:
        return base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)).decode()
    except (binascii.Error, ValueError) as error:
        raise UnreadableError(Unreadable.NOT_A_TOKEN) from error


def _json(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(Unreadable.NOT_A_TOKEN) from error
    return value


def _read_roles(value: object, *, issuer: object = "") -> Pasted:
    if not isinstance(value, list):
        raise UnreadableError(Unreadable.ROLES_ARE_NO_LIST)
    texts = [one for one in value if isinstance(one, str) and one]
    return Pasted(
        roles=tuple(dict.fromkeys(texts))[:MAX_ROLES],
        issuer=clean(issuer) if isinstance(issuer, str) else "",
        skipped=len(value) - len(texts),
    )
