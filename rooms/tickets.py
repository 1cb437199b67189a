"""Tickets for what a player fetches, in tabs whose browser keeps no cookie of ours (`rooms.views.files`)."""

import secrets
from typing import Final
from uuid import UUID

from django.core.cache import cache
from django.core.signing import BadSignature, Signer

LIFE: Final = 300  # seconds, from the last time that the page asked for it


def _signer(entry_id: UUID) -> Signer:
    return Signer(salt=f"foyer media ticket {entry_id}")


def _key(entry_id: UUID, handle: str) -> str:
    return f"media-ticket:{entry_id}:{handle}"


def ticket_for(entry_id: UUID, handle: str) -> str:
    """The ticket of a tab for an entry; the one that it has lives on."""
    key = _key(entry_id, handle)
    number = cache.get(key) or secrets.token_urlsafe(16)
    cache.set(key, number, LIFE)
    return _signer(entry_id).sign(f"{handle}.{number}")


def ticket_holder(entry_id: UUID, ticket: str) -> str:
    """The handle of the tab that holds this ticket; empty when it is not genuine, or has run out."""
    try:
        handle, _dot, number = _signer(entry_id).unsign(ticket).rpartition(".")
    except BadSignature:
        return ""
    kept = cache.get(_key(entry_id, handle))
    return handle if kept and secrets.compare_digest(str(kept), number) else ""
