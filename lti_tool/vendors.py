"""What each LMS does differently. Pure, and the only place where an LMS has a name."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import unquote, urlsplit


class Vendor(StrEnum):
    """The LMSs whose habits we know; all others are `OTHER`."""

    BRIGHTSPACE = "brightspace"
    CANVAS = "canvas"
    MOODLE = "moodle"
    BLACKBOARD = "blackboard"
    OTHER = "other"


# Brightspace's token endpoint is one for all its customers, and wants another audience than its own address.
BRIGHTSPACE_TOKEN_HOST: Final = "auth.brightspace.com"  # noqa: S105 - a host
BRIGHTSPACE_AUDIENCE: Final = "https://api.brightspace.com/auth/token"

# One issuer for all customers: the registration says nothing about whose people come.
_SHARED_ISSUERS: Final = {
    "https://canvas.instructure.com": Vendor.CANVAS,
    "https://canvas.beta.instructure.com": Vendor.CANVAS,
    "https://canvas.test.instructure.com": Vendor.CANVAS,
    "https://blackboard.com": Vendor.BLACKBOARD,
}


def vendor_of(*, issuer: str, auth_url: str, token_url: str) -> Vendor:
    """Which LMS a registration belongs to, told by its addresses (customers have host names of their own)."""
    if issuer in _SHARED_ISSUERS:
        return _SHARED_ISSUERS[issuer]
    path = urlsplit(auth_url).path
    if urlsplit(token_url).hostname == BRIGHTSPACE_TOKEN_HOST or path.endswith("/d2l/lti/authenticate"):
        return Vendor.BRIGHTSPACE
    if path.endswith("/mod/lti/auth.php"):
        return Vendor.MOODLE
    return Vendor.OTHER


def default_audience(token_url: str) -> str:
    """The audience that a token endpoint wants when nobody named another; empty for its own address."""
    return BRIGHTSPACE_AUDIENCE if urlsplit(token_url).hostname == BRIGHTSPACE_TOKEN_HOST else ""


def has_shared_issuer(issuer: str) -> bool:
    """Tell whether many institutions stand behind this issuer: each deployment is a tenant then."""
    return issuer in _SHARED_ISSUERS


@dataclass(frozen=True, slots=True)
class Ancestry:
    """What a course and a link were copied from: ids of the LMS, the nearest ancestor first."""

    contexts: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


_BRIGHTSPACE_CLAIM: Final = "http://www.brightspace.com"
_MAX_ANCESTORS: Final = 20
_MAX_ID: Final = 255


def ancestry_of(payload: Mapping[str, object], custom: Mapping[str, str]) -> Ancestry:
    """The histories that a launch tells: Brightspace unasked, others by custom parameters of that name.

    They are hints: what is found through them is offered to somebody who may have it anyway.
    """
    told = payload.get(_BRIGHTSPACE_CLAIM)
    vendor = told if isinstance(told, dict) else {}

    def read(name: str) -> tuple[str, ...]:
        return _ids(vendor.get(name)) or _ids(custom.get(name))

    return Ancestry(contexts=read("Context.id.history"), links=read("ResourceLink.id.history"))


def _ids(value: object) -> tuple[str, ...]:
    """A comma-separated list of percent-encoded ids."""
    if not isinstance(value, str) or value.startswith("$"):
        return ()
    ids = (unquote(part.strip()) for part in value.split(",")[:_MAX_ANCESTORS])
    return tuple(dict.fromkeys(one for one in ids if 0 < len(one) <= _MAX_ID and one.isprintable()))


def rosters_know_roles(vendor: Vendor) -> bool:
    """Tell whether roles in a roster may replace those of an earlier launch.

    Moodle lists non-editing teachers as learners: there the launch knows better, however old it is.
    """
    return vendor is not Vendor.MOODLE
