"""Addresses on the web: whose they are, and whether they may be used. Pure."""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

MAX_URL: Final = 2000
_LOOPBACK_HOSTS: Final = {"localhost", "127.0.0.1", "::1"}


# Each launch names the same few addresses, and each is looked at several times.
@lru_cache(maxsize=256)
def origin_of(url: str) -> str:
    """Scheme, host and port in the form that headers want; empty for what has none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:]+", host):
        return ""
    shown = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in {None, default} else "")


def is_on(url: str, public_url: str) -> bool:
    """Tell whether an address is one of ours."""
    origin = origin_of(url)
    return len(url) <= MAX_URL and bool(origin) and origin == origin_of(public_url) and _is_plain(url)


@lru_cache(maxsize=256)
def _is_plain(url: str) -> bool:
    """Nothing in it that could be read in two ways: no name before the host, no backslash, no blank."""
    parts = urlsplit(url)
    has_name = parts.username is not None or parts.password is not None
    return url.isprintable() and not has_name and not set(" \\") & set(url)


@lru_cache(maxsize=256)
def is_secure_url(url: str, *, allows_loopback: bool) -> bool:
    """Tell whether an address is https; plain http counts on loopback, where that is allowed."""
    if not origin_of(url) or not _is_plain(url):
        return False
    parts = urlsplit(url)
    return parts.scheme == "https" or (allows_loopback and parts.hostname in _LOOPBACK_HOSTS)
