"""Email addresses as keys. Pure."""

import unicodedata
from functools import lru_cache
from typing import Final

import idna

MAX_KEY: Final = 320  # as long as the columns: folding makes some letters two or three


def normalise_email(address: str) -> str:
    """The form in which two spellings of one address are equal; empty for what is no address.

    The domain is lower-cased and in IDNA form, the local part case-folded. Nothing is stripped: what dots and
    tags in the local part mean, only the mailbox's own server knows.
    """
    local, at, domain = address.strip().rpartition("@")
    if not (local and at and domain) or not address.strip().isprintable():
        return ""
    host = normalise_domain(domain)
    key = f"{fold_local_part(local)}@{host}"
    return key if host and len(key) <= MAX_KEY else ""


def fold_local_part(local: str) -> str:
    """What stands before the @, as it is compared."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).casefold())


@lru_cache(maxsize=512)  # the people of a campus share a few
def normalise_domain(domain: str) -> str:
    """A domain as it is compared: lower case, IDNA, no dot at its end; empty for what is no domain name."""
    try:
        host = idna.encode(domain, uts46=True, std3_rules=True, transitional=False).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return ""
    return host.lower().removesuffix(".")
