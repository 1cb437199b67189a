"""LIS roles and what they are worth here. Pure: URIs in, `Right` and `ApplicationRole` out."""

from enum import IntEnum, StrEnum


class Right(StrEnum):
    """What a person may do to an entry (design: "Right")."""

    OWNER = "owner"
    CO_OWNER = "co_owner"
    CO_EDITOR = "co_editor"
    CO_PUBLISHER = "co_publisher"
    NONE = "none"


class ApplicationRole(IntEnum):
    """A person's standing, ordered: a higher number may whatever a lower one may."""

    VIEWER = 0
    PRIVATE_ONLY = 1
    ADMIN = 2
    UNMODERATED_ADMIN = 3
