"""What each LMS does differently. Pure, and the only place where an LMS has a name."""

from collections.abc import Iterable, Mapping
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


def is_own_audience(audience: str, token_url: str) -> bool:
    """Tell whether an audience belongs to this token endpoint, as far as the two addresses say."""
    if audience in {"", token_url, default_audience(token_url)}:
        return True
    ours, theirs = urlsplit(audience), urlsplit(token_url)
    return bool(ours.netloc) and (ours.scheme, ours.netloc.lower()) == (theirs.scheme, theirs.netloc.lower())


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


# --- Dynamic registration ---------------------------------------------------------------------------

_PRODUCTS: Final = {
    "desire2learn": Vendor.BRIGHTSPACE,
    "brightspace": Vendor.BRIGHTSPACE,
    "canvas": Vendor.CANVAS,
    "moodle": Vendor.MOODLE,
    "blackboardlearn": Vendor.BLACKBOARD,
    "blackboard": Vendor.BLACKBOARD,
}
# Places that suit a room: where a course's own list of activities is filled. Editors and other pages are
# offered, and left to the administrator.
_LAUNCH_PLACES: Final = ("course_navigation",)
_PICKER_PLACES: Final = ("contentarea", "link_selection", "assignment_selection")


def vendor_of_product(product_family_code: str) -> Vendor:
    """Which LMS calls itself so."""
    return _PRODUCTS.get(product_family_code.strip().lower(), Vendor.OTHER)


def usual_placements(offered: Iterable[str], *, is_picker: bool) -> tuple[str, ...]:
    """Those of the offered placements that we would choose; vendors write them with prefixes of their own."""
    wanted = _PICKER_PLACES if is_picker else _LAUNCH_PLACES
    return tuple(one for one in offered if any(place in one.lower() for place in wanted))


def frames_from_elsewhere(issuer: str) -> bool:
    """Tell whether the pages around our frame come from hosts that the registration does not name."""
    return has_shared_issuer(issuer)


# --- Registration by hand ---------------------------------------------------------------------------

ToolFacts = tuple[tuple[str, str], ...]  # (the LMS's own name for a field, our value)


def facts_for(vendor: Vendor, *, base: str) -> ToolFacts:
    """What an administrator types into this LMS about us, under its own names and in its own order.

    Args:
        base: our public address, without a slash at its end.
    """
    domain = base.partition("://")[2]  # with the port, where it is not the usual one
    login, launch, keys = f"{base}/lti/login/", f"{base}/lti/launch/", f"{base}/lti/jwks.json"
    if vendor is Vendor.BRIGHTSPACE:
        return (
            ("Domain", domain),
            ("Redirect URLs", launch),
            ("OpenID Connect Login URL", login),
            ("Target Link URI", launch),
            ("Keyset URL", keys),
        )
    if vendor is Vendor.CANVAS:
        return (("JSON URL", f"{base}/lti/config.json"), ("Redirect URIs", launch))
    if vendor is Vendor.MOODLE:
        return (
            ("Tool URL", launch),
            ("Public keyset", keys),
            ("Initiate login URL", login),
            ("Redirection URI(s)", launch),
        )
    if vendor is Vendor.BLACKBOARD:
        return (
            ("Domain(s)", domain),
            ("Login Initiation URL", login),
            ("Tool Redirect URL(s)", launch),
            ("Tool JWKS URL", keys),
        )
    return (
        ("Login initiation URL", login),
        ("Redirect URI", launch),
        ("Target link URI", launch),
        ("JWKS URL", keys),
        ("Domain", domain),
    )


# What each LMS calls the six values: client id, keyset, token, authentication, audience, issuer.
# An empty name: it shows none, and the usual one is right.
THEIR_NAMES: Final[dict[Vendor, tuple[str, str, str, str, str, str]]] = {
    Vendor.BRIGHTSPACE: (
        "Client Id",
        "Brightspace Keyset URL",
        "Brightspace OAuth2 Access Token URL",
        "OpenID Connect Authentication Endpoint",
        "Brightspace OAuth2 Audience",
        "Issuer",
    ),
    Vendor.CANVAS: ("Client ID", "", "", "", "", ""),
    Vendor.MOODLE: (
        *("Client ID", "Public keyset URL", "Access token URL"),
        *("Authentication request URL", "", "Platform ID"),
    ),
    Vendor.BLACKBOARD: (
        *("Application ID", "Public keyset URL", "Auth token endpoint"),
        *("OIDC auth request endpoint", "", "Issuer"),
    ),
}
_CANVAS_HOST: Final = "https://sso.canvaslms.com"
CANVAS_VALUES: Final = (  # keyset, token, authentication, issuer: shown nowhere in Canvas, the same for all
    f"{_CANVAS_HOST}/api/lti/security/jwks",
    f"{_CANVAS_HOST}/login/oauth2/token",
    f"{_CANVAS_HOST}/api/lti/authorize_redirect",
    "https://canvas.instructure.com",
)


def doubts_about(*, issuer: str, auth_url: str) -> str:
    """The address that an issuer should rather be, where it does not look like this LMS's; else empty."""
    parts = urlsplit(issuer)
    is_brightspace = urlsplit(auth_url).path.endswith("/d2l/lti/authenticate")
    return f"{parts.scheme}://{parts.netloc}" if is_brightspace and parts.path.strip("/") else ""
