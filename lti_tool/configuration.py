"""Dynamic registration's two documents: what a platform says of itself, and what we ask it to store. Pure.

We ask for nothing that the platform does not list.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from common.errors import RefusedError
from lti_tool.claims import DEEP_LINKING_REQUEST, MAX_ID, MAX_TEXT, RESOURCE_LINK_REQUEST, clean, is_id
from lti_tool.origins import MAX_URL, origin_of
from lti_tool.vendors import Vendor, usual_placements, vendor_of, vendor_of_product

PLATFORM_CONFIGURATION: Final = "https://purl.imsglobal.org/spec/lti-platform-configuration"
TOOL_CONFIGURATION: Final = "https://purl.imsglobal.org/spec/lti-tool-configuration"

ROSTER_SCOPE: Final = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
NAME_CLAIMS: Final = ("name", "given_name", "family_name")
EMAIL_CLAIMS: Final = ("email",)
_ALWAYS_CLAIMS: Final = ("iss", "sub")
COPY_VARIABLES: Final = ("Context.id.history", "ResourceLink.id.history")

MAX_ENTRIES: Final = 200
MAX_SHOWN_ANSWER: Final = 2000


class Trouble(StrEnum):
    """Why a registration does not go on: shown and logged. Never renamed."""

    NO_INVITATION = "no_invitation"
    INVITATION_EXPIRED = "invitation_expired"
    INVITATION_USED = "invitation_used"
    BAD_ADDRESS = "bad_address"
    UNREACHABLE = "unreachable"
    NO_DOCUMENT = "no_document"
    INCOMPLETE = "incomplete"
    UNSUPPORTED = "unsupported"
    OTHER_HOST = "other_host"
    FORGOTTEN = "forgotten"
    PLATFORM_REFUSED = "platform_refused"
    NO_ANSWER = "no_answer"
    NO_CLIENT_ID = "no_client_id"
    ALREADY_REGISTERED = "already_registered"
    NOT_STORED = "not_stored"


class RegistrationTroubleError(RefusedError):
    """A registration that does not go on.

    Args:
        trouble: what is wrong.
        detail: a plain value that the page may name, or the platform's own answer. Never a token.
    """

    def __init__(self, trouble: Trouble, *, detail: str = "") -> None:
        super().__init__(code=trouble.value)
        self.trouble = trouble
        self.detail = detail


# --- What the platform says ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfferedMessage:
    """A kind of launch that the platform knows, and the places from which it can be made."""

    type: str
    placements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlatformConfiguration:
    """An OpenID configuration with the platform's part, as far as we use it."""

    issuer: str
    auth_url: str
    token_url: str
    jwks_url: str
    registration_url: str
    audience: str = ""
    product: str = ""
    version: str = ""
    scopes: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    messages: tuple[OfferedMessage, ...] = ()
    variables: tuple[str, ...] = ()

    @property
    def vendor(self) -> Vendor:
        """Which LMS it is: by its own word, else by its addresses."""
        told = vendor_of_product(self.product)
        if told is not Vendor.OTHER:
            return told
        return vendor_of(issuer=self.issuer, auth_url=self.auth_url, token_url=self.token_url)

    def placements_of(self, message_type: str) -> tuple[str, ...] | None:
        """Where a message can be launched from; None for one that the platform does not list."""
        return next((one.placements for one in self.messages if one.type == message_type), None)

    def to_record(self) -> dict[str, Any]:
        """Plain values, for the cache."""
        return asdict(self)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "PlatformConfiguration":
        """The inverse of `to_record`."""
        messages = tuple(OfferedMessage(one["type"], tuple(one["placements"])) for one in record["messages"])
        lists = {name: tuple(record[name]) for name in ("scopes", "claims", "variables")}
        return cls(**{**record, **lists, "messages": messages})


def read_configuration(body: bytes) -> PlatformConfiguration:
    """The document behind `openid_configuration`.

    Raises:
        RegistrationTroubleError: `no_document`, `incomplete` or `unsupported`.
    """
    document = _object(body)
    if document is None:
        raise RegistrationTroubleError(Trouble.NO_DOCUMENT)
    _judge_algorithms(document)
    platform = document.get(PLATFORM_CONFIGURATION)
    part: Mapping[str, object] = platform if isinstance(platform, dict) else {}
    audience = document.get("authorization_server")
    return PlatformConfiguration(
        issuer=_required(document, "issuer", cap=500),
        auth_url=_required(document, "authorization_endpoint", cap=1000),
        token_url=_required(document, "token_endpoint", cap=1000),
        jwks_url=_required(document, "jwks_uri", cap=1000),
        registration_url=_required(document, "registration_endpoint", cap=4 * MAX_URL),
        audience=audience if isinstance(audience, str) and 0 < len(audience) <= 1000 else "",  # noqa: PLR2004 - the column
        product=_shown(part, "product_family_code"),
        version=_shown(part, "version"),
        scopes=_texts(document.get("scopes_supported")),
        claims=_texts(document.get("claims_supported")),
        messages=_messages(part.get("messages_supported")),
        variables=_texts(part.get("variables")),
    )


def _judge_algorithms(document: Mapping[str, object]) -> None:
    """Launches are signed with RS256, tokens asked for by our own key: a platform that cannot is no use.

    Raises:
        RegistrationTroubleError: `unsupported`, with what is missing.
    """
    needed = {
        "id_token_signing_alg_values_supported": "RS256",
        "token_endpoint_auth_signing_alg_values_supported": "RS256",
        "token_endpoint_auth_methods_supported": "private_key_jwt",
    }
    for name, value in needed.items():
        listed = document.get(name)
        if isinstance(listed, list) and listed and value not in listed:
            raise RegistrationTroubleError(Trouble.UNSUPPORTED, detail=f"{name}: {value}")


def _object(body: bytes) -> dict[str, object] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _required(document: Mapping[str, object], name: str, *, cap: int) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value or len(value) > cap:
        raise RegistrationTroubleError(Trouble.INCOMPLETE, detail=name)
    return value


def _shown(part: Mapping[str, object], name: str) -> str:
    value = part.get(name)
    return clean(value, cap=100) if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    """A list of short texts; entries of another type are passed over."""
    listed = value if isinstance(value, list) else []
    return tuple(dict.fromkeys(one for one in listed[:MAX_ENTRIES] if isinstance(one, str) and is_id(one)))


def _messages(value: object) -> tuple[OfferedMessage, ...]:
    found: dict[str, tuple[str, ...]] = {}
    for one in (value if isinstance(value, list) else [])[:MAX_ENTRIES]:
        if isinstance(one, dict) and isinstance(one.get("type"), str):
            found.setdefault(one["type"][:MAX_ID], _texts(one.get("placements")))
    return tuple(OfferedMessage(name, placements) for name, placements in found.items())


# --- What we ask for -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the administrator lets us ask for."""

    client_name: str
    has_picker: bool = False  # deep linking: choose or create a room from a course's own picker
    launch_placements: tuple[str, ...] = ()
    picker_placements: tuple[str, ...] = ()
    wants_names: bool = False
    wants_email: bool = False
    wants_roster: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """What the platform's lists leave to choose, and what we would choose."""

    has_picker: bool
    launch_placements: tuple[str, ...]
    picker_placements: tuple[str, ...]
    usual_launch_placements: tuple[str, ...]
    usual_picker_placements: tuple[str, ...]
    has_names: bool
    has_email: bool
    has_roster: bool


def offer_of(platform: PlatformConfiguration) -> Offer:
    """The choices on the page."""
    launches = platform.placements_of(RESOURCE_LINK_REQUEST) or ()
    picker = platform.placements_of(DEEP_LINKING_REQUEST)
    return Offer(
        has_picker=picker is not None,
        launch_placements=launches,
        picker_placements=picker or (),
        usual_launch_placements=usual_placements(launches, is_picker=False),
        usual_picker_placements=usual_placements(picker or (), is_picker=True),
        has_names=any(claim in platform.claims for claim in NAME_CLAIMS),
        has_email=any(claim in platform.claims for claim in EMAIL_CLAIMS),
        has_roster=ROSTER_SCOPE in platform.scopes,
    )


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """What is true of this installation, whatever the platform."""

    public_url: str
    login_url: str
    launch_url: str
    jwks_url: str
    logo_url: str
    description: str
    policy_url: str = ""
    terms_url: str = ""
    contact: str = ""


def registration_request(
    platform: PlatformConfiguration, wishes: Wishes, facts: ToolFacts
) -> dict[str, object]:
    """The JSON that we post: nothing in it that the platform does not list."""
    scopes = [ROSTER_SCOPE] if wishes.wants_roster and ROSTER_SCOPE in platform.scopes else []
    optional = {"policy_uri": facts.policy_url, "tos_uri": facts.terms_url}
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": facts.login_url,
        "redirect_uris": [facts.launch_url],
        "client_name": wishes.client_name,
        "client_uri": f"{facts.public_url}/",
        "jwks_uri": facts.jwks_url,
        "logo_uri": facts.logo_url,
        **{name: url for name, url in optional.items() if url},
        **({"contacts": [facts.contact]} if facts.contact else {}),
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(scopes),
        TOOL_CONFIGURATION: _tool_configuration(platform, wishes, facts),
    }


def _tool_configuration(
    platform: PlatformConfiguration, wishes: Wishes, facts: ToolFacts
) -> dict[str, object]:
    wanted = [
        *_ALWAYS_CLAIMS,
        *(NAME_CLAIMS if wishes.wants_names else ()),
        *(EMAIL_CLAIMS if wishes.wants_email else ()),
    ]
    custom: dict[str, str] = {name: f"${name}" for name in COPY_VARIABLES if name in platform.variables}
    return {
        "domain": domain_of(facts.public_url),
        "description": facts.description,
        "target_link_uri": facts.launch_url,
        "custom_parameters": custom,
        "claims": [claim for claim in wanted if claim in platform.claims],
        "messages": list(_wanted_messages(platform, wishes, facts, custom)),
    }


def _wanted_messages(
    platform: PlatformConfiguration, wishes: Wishes, facts: ToolFacts, custom: Mapping[str, str]
) -> Iterable[dict[str, object]]:
    chosen = [(RESOURCE_LINK_REQUEST, wishes.launch_placements)]
    if wishes.has_picker:
        chosen.append((DEEP_LINKING_REQUEST, wishes.picker_placements))
    for message_type, placements in chosen:
        listed = platform.placements_of(message_type)
        if listed is None:
            continue
        chosen_here = [one for one in placements if one in listed]
        yield {
            "type": message_type,
            "target_link_uri": facts.launch_url,
            "label": wishes.client_name,
            "icon_uri": facts.logo_url,
            "custom_parameters": dict(custom),
            **({"placements": chosen_here} if chosen_here else {}),
        }


def domain_of(public_url: str) -> str:
    """The tool's domain as platforms compare it: with the port when that is not the default one."""
    return origin_of(public_url).partition("://")[2]


# --- What comes back -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RegistrationAnswer:
    """What the platform has stored: it may have granted less than was asked."""

    client_id: str
    deployment_id: str = ""
    scopes: tuple[str, ...] | None = None  # None: it did not say
    claims: tuple[str, ...] | None = None


def read_answer(status: int, body: bytes) -> RegistrationAnswer:
    """The platform's answer to our request.

    Raises:
        RegistrationTroubleError: `platform_refused` with its own words, or `no_client_id`.
    """
    if not 200 <= status < 300:  # noqa: PLR2004 - OK and its siblings
        raise RegistrationTroubleError(Trouble.PLATFORM_REFUSED, detail=shown_answer(status, body))
    document = _object(body)
    client_id = _identifier((document or {}).get("client_id"))
    if document is None or not client_id:
        raise RegistrationTroubleError(Trouble.NO_CLIENT_ID, detail=shown_answer(status, body))
    part = document.get(TOOL_CONFIGURATION)
    tool: Mapping[str, object] = part if isinstance(part, dict) else {}
    scope = document.get("scope")
    return RegistrationAnswer(
        client_id=client_id,
        deployment_id=_identifier(tool.get("deployment_id")),
        scopes=tuple(scope.split()[:MAX_ENTRIES]) if isinstance(scope, str) else None,
        claims=_texts(tool["claims"]) if isinstance(tool.get("claims"), list) else None,
    )


def _identifier(value: object) -> str:
    """Texts, and the numbers that some platforms send in their place."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if is_id(text) else ""


def shown_answer(status: int, body: bytes) -> str:
    """An answer in the platform's own words, line by line, without control characters."""
    text = body[: 4 * MAX_SHOWN_ANSWER].decode(errors="replace")
    lines = [clean(line, cap=MAX_SHOWN_ANSWER) for line in text.splitlines()]
    said = "\n".join(line for line in lines if line)[:MAX_SHOWN_ANSWER]
    return f"HTTP {status}\n{said}".strip()


def speaks_for_itself(configuration_url: str, issuer: str) -> bool:
    """Whether a configuration lies where its issuer lives (Dynamic Registration §3.5.1)."""
    origin = origin_of(configuration_url)
    return bool(origin) and origin == origin_of(issuer)


def short_name(issuer: str) -> str:
    """How a platform is called here until somebody gives it a name."""
    return (urlsplit(issuer).hostname or issuer)[:MAX_TEXT]
