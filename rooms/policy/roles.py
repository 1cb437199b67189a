"""Roles inside an entry. Pure."""

from enum import StrEnum


class Role(StrEnum):
    """What an invitation, or a hosting right, makes of somebody inside an entry."""

    VIEWER = "viewer"
    MODERATOR = "moderator"
    SPEAKER = "speaker"
    HOST = "host"


INVITABLE = (Role.VIEWER, Role.MODERATOR, Role.SPEAKER)
