"""Invite links: an invite and a generation in, a token out, and back.

A token is 48 letters of URL-safe base64: 16 bytes of the invite's id, 3 of the generation and a MAC of 17
bytes (136 bits of HMAC-SHA256). Nothing of it is stored: the same link can be made again, to be copied or
mailed. The database alone is no help in making one. Of `LINK_KEYS` the first signs and all verify; a link is
ended by its generation, never by its key.
"""

import base64
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol
from uuid import UUID

from django.conf import settings

_PURPOSE: Final = b"foyer invite link 1\0"
_FORM_PURPOSE: Final = b"foyer lobby form 1\0"
_CODE_PURPOSE: Final = b"foyer mailbox code 1\0"
_GENERATION_BYTES: Final = 3
_MAC_BYTES: Final = 17
CODE_DIGITS: Final = 6
_CODES: Final = 10**CODE_DIGITS
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{48}")


@dataclass(frozen=True, slots=True)
class LinkClaim:
    """What a genuine token says: which invite, which generation of its link."""

    invite_id: UUID
    generation: int


class _Linked(Protocol):
    @property
    def pk(self) -> UUID: ...

    @property
    def generation(self) -> int: ...


def make_token(claim: LinkClaim, *, key: bytes) -> str:
    """The token of a link, always the same for the same claim and key."""
    body = claim.invite_id.bytes + claim.generation.to_bytes(_GENERATION_BYTES, "big")
    return base64.urlsafe_b64encode(body + _mac(body, key)).decode()


def verify_token(token: str, *, keys: Sequence[bytes]) -> LinkClaim | None:
    """What the token says, or None when none of the keys has signed it."""
    if not _TOKEN.fullmatch(token):
        return None
    data = base64.urlsafe_b64decode(token)
    body, mac = data[:-_MAC_BYTES], data[-_MAC_BYTES:]
    # Every key is tried: how long it takes says nothing about which one fits.
    is_genuine = [hmac.compare_digest(mac, _mac(body, key)) for key in keys]
    if not any(is_genuine):
        return None
    return LinkClaim(UUID(bytes=body[:16]), int.from_bytes(body[16:], "big"))


def token_for(invite: _Linked) -> str:
    """The token of the invite's newest link."""
    return make_token(LinkClaim(invite.pk, invite.generation), key=settings.LINK_KEYS[0])


def link_for(invite: _Linked) -> str:
    """The invite's newest link, complete. It belongs to no tab, so `reverse()` cannot make it."""
    return f"{settings.PUBLIC_URL}/join/{token_for(invite)}"


def read_link(token: str) -> LinkClaim | None:
    """What a token says; None for one that is not ours."""
    return verify_token(token, keys=settings.LINK_KEYS)


def form_key(device_secret: str, token: str) -> str:
    """What a lobby form carries to show that this device was given it: nobody else can make it.

    `/join/` pages send no referrer, so browsers say `Origin: null` when their form is sent, and Django's own
    check refuses that.
    """
    return hmac.new(device_secret.encode(), _FORM_PURPOSE + token.encode(), sha256).hexdigest()


def mailbox_code(code_id: UUID) -> str:
    """The six digits of a `MailboxCode`: made again for each mail and each try, stored nowhere.

    Only the first key makes them. A code lives for minutes; after a change of keys one asks for another.
    """
    mac = hmac.new(settings.LINK_KEYS[0], _CODE_PURPOSE + code_id.bytes, sha256).digest()
    return f"{int.from_bytes(mac[:8], 'big') % _CODES:0{CODE_DIGITS}d}"


def _mac(body: bytes, key: bytes) -> bytes:
    return hmac.new(key, _PURPOSE + body, sha256).digest()[:_MAC_BYTES]
