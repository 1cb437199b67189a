"""From a frame into a tab of its own: its cookies lie in another jar, so the launch is handed over, once."""

import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

from django.core.cache import cache

from common.errors import GoneError
from lti_tool.identity import hash_secret, living_tab, secret_of
from lti_tool.models import Tab
from lti_tool.services.launch import Launched

HAND_OVER_LIFE: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class HandOver:
    """What a code stands for: whose tab, and where in it (a path without the tab's prefix)."""

    handle: str
    path: str


def offer_hand_over(tab: Tab, *, path: str) -> str:
    """A code that opens this tab once more, in another window of the same person, within a minute."""
    code = secrets.token_urlsafe(32)
    held = HandOver(handle=tab.handle, path=path)
    cache.set(_key(code), asdict(held), HAND_OVER_LIFE.total_seconds())
    return code


def take_hand_over(code: str) -> tuple[Launched, str]:
    """A new tab beside the one that made the code: the same person with the same roles, ending when it ends.

    Raises:
        GoneError: the code is unknown, too old or used, or its tab has ended.
    """
    key = _key(code)
    held: dict[str, Any] | None = cache.get(key) if code else None
    if held is None or not cache.delete(key):
        raise GoneError(code="hand_over_used")
    offered = HandOver(**held)
    tab = living_tab(offered.handle)
    if tab is None:
        raise GoneError(code="hand_over_used")
    handle = secrets.token_urlsafe(12)
    secret = secret_of(handle)
    # Everything else stays as the launch left it: its hour and the roster's still decide when it ends.
    tab.handle, tab.secret_hash = handle, hash_secret(secret)
    tab.save(force_insert=True)
    return Launched(tab, secret), offered.path


def _key(code: str) -> str:
    return f"hand-over:{hash_secret(code)}"
