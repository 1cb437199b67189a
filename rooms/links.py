"""What our content picker writes into a link of a course: a signed hint. Pure.

The LMS carries it along, in copies of the course too, and an instructor may move it elsewhere. So it tells
what somebody had in mind and never allows anything. Whatever is not ours, or was changed, counts as absent.
"""

import base64
import binascii
import hmac
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

_USE: Final = b"foyer content hint"  # the keys sign other things as well
_TAG: Final = 16  # bytes of the signature
_MAX: Final = 8000
_TITLE: Final = 200
_DESCRIPTION: Final = 5000
_ZONE: Final = 64


@dataclass(frozen=True, slots=True)
class EntryHint:
    """An entry that exists."""

    tenant_id: UUID
    entry_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class WishHint:
    """A room that is to be made when the link is first opened."""

    tenant_id: UUID
    title: str
    description: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    time_zone: str = "UTC"
    has_chat: bool = True


Hint = EntryHint | WishHint


def seal(hint: Hint, *, keys: list[bytes]) -> str:
    """A hint as one word of letters, digits and a few signs; the first key signs."""
    body = zlib.compress(json.dumps(_as_json(hint), separators=(",", ":")).encode(), level=9)
    return f"{_word(body)}.{_word(_tag(body, keys[0]))}"


def unseal(text: str, *, keys: Iterable[bytes]) -> Hint | None:
    """The hint in a word that one of the keys has signed; None for anything else."""
    if not 0 < len(text) <= _MAX or not text.isascii():
        return None
    before, _dot, after = text.partition(".")
    try:
        body, tag = _bytes(before), _bytes(after)
    except (binascii.Error, ValueError):
        return None
    if not any(hmac.compare_digest(tag, _tag(body, key)) for key in keys):
        return None
    try:
        return _read(json.loads(zlib.decompress(body)))
    except (zlib.error, ValueError, KeyError, TypeError, AttributeError):
        return None


def _as_json(hint: Hint) -> dict[str, object]:
    if isinstance(hint, EntryHint):
        return {"in": hint.tenant_id.hex, "entry": hint.entry_id.hex}
    return {
        "in": hint.tenant_id.hex,
        "title": hint.title,
        "description": hint.description,
        "starts": hint.starts_at.isoformat() if hint.starts_at else "",
        "ends": hint.ends_at.isoformat() if hint.ends_at else "",
        "zone": hint.time_zone,
        "chat": hint.has_chat,
    }


def _read(value: dict[str, str]) -> Hint:
    tenant_id = UUID(value["in"])
    if "entry" in value:
        return EntryHint(tenant_id, UUID(value["entry"]))
    return WishHint(
        tenant_id=tenant_id,
        title=value["title"][:_TITLE],
        description=value["description"][:_DESCRIPTION],
        starts_at=_instant(value["starts"]),
        ends_at=_instant(value["ends"]),
        time_zone=value["zone"][:_ZONE],
        has_chat=bool(value["chat"]),
    )


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _tag(body: bytes, key: bytes) -> bytes:
    own = hmac.new(key, _USE, sha256).digest()
    return hmac.new(own, body, sha256).digest()[:_TAG]


def _word(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode("ascii").rstrip("=")


def _bytes(word: str) -> bytes:
    return base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
