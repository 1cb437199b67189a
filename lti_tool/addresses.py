"""Email addresses as keys. Pure."""

import unicodedata

import idna


def normalise_email(address: str) -> str:
    """The form in which two spellings of one address are equal; empty for what is no address.

    The domain is lower-cased and in IDNA form, the local part case-folded. Nothing is stripped: what dots and
    tags in the local part mean, only the mailbox's own server knows.
    """
    local, at, domain = address.strip().rpartition("@")
    if not (local and at and domain) or not address.strip().isprintable():
        return ""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).casefold())
    try:
        host = idna.encode(domain, uts46=True, std3_rules=True, transitional=False).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return ""
    return f"{folded}@{host.lower().removesuffix('.')}"
