"""An id_token's claims: judged in a fixed order, then turned into one typed value. No clock, no database.

A launch is judged row by row, and the first row that fails decides; each has a code of its own. Rows 0, 5 to
7 and 13 (login record, keys, cookie, one-time use) stand in `lti_tool.services.launch`, all others here.
"""

import base64
import binascii
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, TypeGuard, cast

from common.errors import RefusedError
from lti_tool.origins import MAX_URL, is_on, is_secure_url, origin_of
from lti_tool.roles import TEST_USER, Role, read_roles
from lti_tool.vendors import Ancestry, ancestry_of

LTI: Final = "https://purl.imsglobal.org/spec/lti/claim/"
DEEP_LINKING: Final = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
NAMES_AND_ROLES: Final = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"

RESOURCE_LINK_REQUEST: Final = "LtiResourceLinkRequest"
DEEP_LINKING_REQUEST: Final = "LtiDeepLinkingRequest"
_MESSAGE_TYPES: Final = {RESOURCE_LINK_REQUEST, DEEP_LINKING_REQUEST}

MAX_TOKEN: Final = 64 * 1024
MAX_ID: Final = 255
MAX_TEXT: Final = 255
MAX_EMAIL: Final = 320
MAX_ROLES: Final = 100
MAX_CUSTOM: Final = 200
MAX_CUSTOM_VALUE: Final = 8000  # our own hint of a room that is to be made carries its description
MAX_RETURN_URL: Final = 8000  # some platforms keep a whole session in it
MAX_TYPES: Final = 50

LEEWAY: Final = 60  # seconds that two clocks may differ
MAX_AGE: Final = 3600  # seconds between signing and launch


class ReasonCode(StrEnum):
    """Why a launch was refused: shown, logged and counted. Never renamed."""

    BAD_REQUEST = "bad_request"
    UNKNOWN_PLATFORM = "unknown_platform"
    PLATFORM_DISABLED = "platform_disabled"
    PLATFORM_ERROR = "platform_error"
    LOGIN_REQUIRED = "login_required"
    BAD_STATE = "bad_state"
    BAD_JWT = "bad_jwt"
    BAD_ALG = "bad_alg"
    NO_KID = "no_kid"
    UNKNOWN_KID = "unknown_kid"
    KEYS_UNAVAILABLE = "keys_unavailable"
    BAD_SIGNATURE = "bad_signature"
    NO_BROWSER_BINDING = "no_browser_binding"
    BAD_PAYLOAD = "bad_payload"
    BAD_ISS = "bad_iss"
    BAD_AUD = "bad_aud"
    BAD_AZP = "bad_azp"
    EXPIRED = "expired"
    BAD_IAT = "bad_iat"
    REPLAY = "replay"
    BAD_NONCE = "bad_nonce"
    BAD_VERSION = "bad_version"
    BAD_MESSAGE_TYPE = "bad_message_type"
    NO_DEPLOYMENT = "no_deployment"
    UNKNOWN_DEPLOYMENT = "unknown_deployment"
    BAD_TARGET = "bad_target"
    NO_ROLES = "no_roles"
    NO_RESOURCE_LINK = "no_resource_link"
    NO_USER = "no_user"
    BAD_DL_SETTINGS = "bad_dl_settings"
    PERSON_DISABLED = "person_disabled"


class LoginRequest(NamedTuple):
    """A login initiation: unsigned, so nothing in it is believed; it says which registration to ask."""

    iss: str
    login_hint: str
    target_link_uri: str
    client_id: str = ""
    message_hint: str = ""
    deployment_id: str = ""
    storage_target: str = ""


@dataclass(slots=True)
class Trail:
    """How far an attempt came and what was known then: for log line and page, never for a decision."""

    platform_id: int | None = None
    issuer: str = ""
    client_id: str = ""
    deployment_id: str = ""
    kid: str = ""
    auth_url: str = ""
    frame_origins: list[str] = field(default_factory=list)
    login: LoginRequest | None = None


class LaunchRefusedError(RefusedError):
    """A login or a launch that does not pass.

    Args:
        reason: which check failed.
        detail: a plain value that the page may name: a deployment id, a claim, an error of the platform.
            Never a person's datum, never a token.
        variant: which of several cases with this code it is, where the page has a text for each.
    """

    def __init__(self, reason: ReasonCode, *, detail: str = "", variant: str = "") -> None:
        super().__init__(code=reason.value)
        self.reason = reason
        self.detail = detail
        self.variant = variant
        self.trail = Trail()


@dataclass(frozen=True, slots=True)
class Token:
    """A compact JWS whose header has passed; nothing in it is believed yet."""

    raw: str
    kid: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must agree with: its registration, and the login that it answers."""

    issuer: str
    client_id: str
    target_link_uri: str
    public_url: str
    allows_loopback: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """The part of a launch that says which deployment it is for (rows 14 to 16)."""

    message_type: str
    deployment_id: str


@dataclass(frozen=True, slots=True)
class Keys:
    """Under which names a launch's rows are found: what they are not good for, rows 17 to 24 refuse."""

    sub: str | None
    context: str | None
    link: str | None


@dataclass(frozen=True, slots=True)
class ContextClaim:
    """The course."""

    id: str
    title: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class ResourceLinkClaim:
    """The link."""

    id: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class DeepLinkingClaim:
    """What a platform wants to be given by a deep linking answer."""

    return_url: str
    accept_types: tuple[str, ...]
    accepts_multiple: bool = False
    title: str = ""
    text: str = ""
    data: str | None = None  # None: none was sent, so none goes back


@dataclass(frozen=True, slots=True)
class Launch:
    """A launch with every value in its type. Names, email and titles may be empty."""

    message_type: str
    deployment_id: str
    target_link_uri: str
    sub: str
    roles: frozenset[Role]
    role_texts: tuple[str, ...] = ()
    resource_link: ResourceLinkClaim | None = None
    context: ContextClaim | None = None
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    email: str = ""
    locale: str = ""
    roster_url: str = ""
    return_url: str = ""
    platform_guid: str = ""
    platform_family: str = ""
    platform_url: str = ""
    custom: Mapping[str, str] = field(default_factory=dict)
    ancestry: Ancestry = field(default_factory=Ancestry)
    deep_linking: DeepLinkingClaim | None = None

    @property
    def is_test_user(self) -> bool:
        """Whether the LMS shows its preview person."""
        return any(role.uri == TEST_USER for role in self.roles)


# --- The login initiation --------------------------------------------------------------------------

# Names as platforms send them, ours, and how long a value may be. Hints are the platform's own business, and
# some are signed tokens themselves.
_LOGIN_PARAMETERS: Final = (
    ("iss", "iss", 500),
    ("login_hint", "login_hint", 4000),
    ("target_link_uri", "target_link_uri", MAX_URL),
    ("client_id", "client_id", MAX_ID),
    ("lti_message_hint", "message_hint", 8000),
    ("lti_deployment_id", "deployment_id", MAX_ID),
    ("lti_storage_target", "storage_target", MAX_ID),
)
_REQUIRED_AT_LOGIN: Final = {"iss", "login_hint", "target_link_uri"}


def read_login(parameters: Mapping[str, list[str]], *, public_url: str) -> LoginRequest:
    """The parameters of a login initiation.

    Raises:
        LaunchRefusedError: `bad_request` when one is missing, doubled or over-long; `bad_target` when the
            launch is not meant for us.
    """
    values = {}
    for name, ours, cap in _LOGIN_PARAMETERS:
        given = parameters.get(name, [])
        if len(given) > 1 or any(len(value) > cap or not value.isprintable() for value in given):
            raise LaunchRefusedError(ReasonCode.BAD_REQUEST, detail=name)
        values[ours] = given[0] if given else ""
        if name in _REQUIRED_AT_LOGIN and not values[ours]:
            raise LaunchRefusedError(ReasonCode.BAD_REQUEST, detail=name)
    if not is_on(values["target_link_uri"], public_url):
        raise LaunchRefusedError(ReasonCode.BAD_TARGET)
    return LoginRequest(**values)


# --- Rows 1-4: the token's form -------------------------------------------------------------------

_COMPACT_JWS: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


def read_token(raw: str) -> Token:
    """Judge the form and the header of a token (rows 1 to 4).

    Keys and key addresses in the header (`jwk`, `jku`, `x5u`, `x5c`) are ignored: the registration has them.

    Raises:
        LaunchRefusedError: `bad_jwt`, `bad_alg` or `no_kid`.
    """
    if len(raw) > MAX_TOKEN or not _COMPACT_JWS.fullmatch(raw):
        raise LaunchRefusedError(ReasonCode.BAD_JWT)
    header = _json_object(_decode(raw.partition(".")[0]))
    if header is None:
        raise LaunchRefusedError(ReasonCode.BAD_JWT)
    if header.get("alg") != "RS256":
        raise LaunchRefusedError(ReasonCode.BAD_ALG)
    typ = header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.upper() != "JWT" or "crit" in header or "b64" in header:
        raise LaunchRefusedError(ReasonCode.BAD_JWT)
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise LaunchRefusedError(ReasonCode.NO_KID)
    return Token(raw, kid)


def read_payload(body: bytes) -> dict[str, object]:
    """The claims of a token whose signature has been verified.

    Raises:
        LaunchRefusedError: `bad_payload` when they are no JSON object.
    """
    payload = _json_object(body)
    if payload is None:
        raise LaunchRefusedError(ReasonCode.BAD_PAYLOAD, detail="payload")
    return payload


def _decode(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        return b""


def _json_object(body: bytes) -> dict[str, object] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


# --- Rows 8-13: whose token, for whom, and when ---------------------------------------------------


def judge_security(payload: Mapping[str, object], expected: Expected, *, now: float) -> None:
    """Judge issuer, audience and times (rows 8 to 12).

    Raises:
        LaunchRefusedError: with the code of the first row that fails.
    """
    if payload.get("iss") != expected.issuer:
        raise LaunchRefusedError(ReasonCode.BAD_ISS)
    audience = payload.get("aud")
    # More than one audience is refused, even with `azp`: a token for two tools is no token for us.
    if audience not in (expected.client_id, [expected.client_id]):
        raise LaunchRefusedError(ReasonCode.BAD_AUD)
    if "azp" in payload and payload["azp"] != expected.client_id:
        raise LaunchRefusedError(ReasonCode.BAD_AZP)
    exp, iat = payload.get("exp"), payload.get("iat")
    if not _is_number(exp) or not now < exp + LEEWAY:
        raise LaunchRefusedError(ReasonCode.EXPIRED)
    if not _is_number(iat) or not now - MAX_AGE - LEEWAY <= iat <= now + LEEWAY:
        raise LaunchRefusedError(ReasonCode.BAD_IAT)
    nbf = payload.get("nbf", iat)
    if not _is_number(nbf) or not nbf <= now + LEEWAY:
        raise LaunchRefusedError(ReasonCode.BAD_IAT)


def judge_nonce(payload: Mapping[str, object], *, nonce: str) -> None:
    """Judge the nonce (second half of row 13; the first half is taking the login record, once).

    Raises:
        LaunchRefusedError: `bad_nonce`.
    """
    if not nonce or payload.get("nonce") != nonce:
        raise LaunchRefusedError(ReasonCode.BAD_NONCE)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


# --- Rows 14-16: which message, for which deployment ----------------------------------------------


def read_message(payload: Mapping[str, object]) -> Message:
    """Version, message type and deployment id (rows 14 to 16).

    Raises:
        LaunchRefusedError: with the code of the first row that fails.
    """
    if payload.get(f"{LTI}version") != "1.3.0":
        raise LaunchRefusedError(ReasonCode.BAD_VERSION)
    message_type = payload.get(f"{LTI}message_type")
    if not isinstance(message_type, str) or message_type not in _MESSAGE_TYPES:
        raise LaunchRefusedError(ReasonCode.BAD_MESSAGE_TYPE)
    deployment_id = payload.get(f"{LTI}deployment_id")
    if not isinstance(deployment_id, str) or not is_id(deployment_id):
        raise LaunchRefusedError(ReasonCode.NO_DEPLOYMENT)
    return Message(message_type, deployment_id)


def keys_of(payload: Mapping[str, object]) -> Keys:
    """What to look for in the database before the rest is judged; None for what cannot be there."""
    return Keys(
        sub=_key(payload.get("sub")),
        context=_key_in(payload.get(f"{LTI}context")),
        link=_key_in(payload.get(f"{LTI}resource_link")),
    )


def _key(value: object) -> str | None:
    return value if isinstance(value, str) and is_id(value) else None


def _key_in(claim: object) -> str | None:
    return _key(claim.get("id")) if isinstance(claim, dict) else None


# --- Rows 17-24: the launch itself ----------------------------------------------------------------


def read_launch(payload: Mapping[str, object], message: Message, expected: Expected) -> Launch:
    """The rest of the claims, each in its type (rows 17 to 24).

    Raises:
        LaunchRefusedError: with the code of the first row that fails.
    """
    target = payload.get(f"{LTI}target_link_uri")
    if (
        not isinstance(target, str)
        or not is_on(target, expected.public_url)
        or target != expected.target_link_uri
    ):
        raise LaunchRefusedError(ReasonCode.BAD_TARGET)
    is_deep_linking = message.message_type == DEEP_LINKING_REQUEST
    role_texts = _roles(payload, is_optional=is_deep_linking)
    link = _resource_link(payload) if message.message_type == RESOURCE_LINK_REQUEST else None
    sub = _sub(payload)
    settings = _deep_linking(payload, expected) if is_deep_linking else None
    presentation = _optional_object(payload, f"{LTI}launch_presentation")
    tool_platform = _optional_object(payload, f"{LTI}tool_platform")
    _optional_object(payload, f"{LTI}lis")
    custom = _custom(payload)
    return Launch(
        message_type=message.message_type,
        deployment_id=message.deployment_id,
        target_link_uri=target,
        sub=sub,
        roles=read_roles(role_texts),
        role_texts=role_texts,
        resource_link=link,
        context=_context(payload),
        name=_text(payload, "name"),
        given_name=_text(payload, "given_name"),
        family_name=_text(payload, "family_name"),
        email=_text(payload, "email", cap=MAX_EMAIL),
        locale=_locale(_text(presentation, "locale") or _text(payload, "locale")),
        roster_url=_roster_url(payload, expected),
        return_url=_url(presentation, "return_url", expected),
        platform_guid=_text(tool_platform, "guid"),
        platform_family=_text(tool_platform, "product_family_code"),
        platform_url=_url(tool_platform, "url", expected),
        custom=custom,
        ancestry=ancestry_of(payload, custom),
        deep_linking=settings,
    )


def _roles(payload: Mapping[str, object], *, is_optional: bool) -> tuple[str, ...]:
    """The roles as texts. A content picker need not send any: whoever comes so has none."""
    roles = payload.get(f"{LTI}roles")
    if roles is None and is_optional:
        return ()
    if not isinstance(roles, list):
        raise LaunchRefusedError(ReasonCode.NO_ROLES)
    texts = [role for role in roles if isinstance(role, str) and is_id(role)]
    return tuple(dict.fromkeys(texts))[:MAX_ROLES]


def _resource_link(payload: Mapping[str, object]) -> ResourceLinkClaim:
    link = payload.get(f"{LTI}resource_link")
    if not isinstance(link, dict):
        raise LaunchRefusedError(ReasonCode.NO_RESOURCE_LINK)
    link_id = link.get("id")
    if not isinstance(link_id, str) or not is_id(link_id):
        raise LaunchRefusedError(ReasonCode.NO_RESOURCE_LINK)
    return ResourceLinkClaim(link_id, _text(link, "title"))


def _sub(payload: Mapping[str, object]) -> str:
    sub = payload.get("sub")
    if not isinstance(sub, str) or not is_id(sub):
        raise LaunchRefusedError(ReasonCode.NO_USER)
    return sub


def _deep_linking(payload: Mapping[str, object], expected: Expected) -> DeepLinkingClaim:
    settings = payload.get(DEEP_LINKING)
    if not isinstance(settings, dict):
        raise LaunchRefusedError(ReasonCode.BAD_DL_SETTINGS)
    return_url, types = settings.get("deep_link_return_url"), settings.get("accept_types")
    if (
        not isinstance(return_url, str)
        or len(return_url) > MAX_RETURN_URL
        or not is_secure_url(return_url, allows_loopback=expected.allows_loopback)
    ):
        raise LaunchRefusedError(ReasonCode.BAD_DL_SETTINGS)
    if not isinstance(types, list) or not types or not all(isinstance(one, str) for one in types):
        raise LaunchRefusedError(ReasonCode.BAD_DL_SETTINGS)
    data, multiple = settings.get("data"), settings.get("accept_multiple")
    if data is not None and not (isinstance(data, str) and _can_be_kept(data)):
        raise LaunchRefusedError(ReasonCode.BAD_DL_SETTINGS)
    return DeepLinkingClaim(
        return_url,
        tuple(clean(one) for one in types[:MAX_TYPES]),
        accepts_multiple=multiple is True or multiple == "true",
        title=_told(settings, "title"),
        text=_told(settings, "text"),
        data=data,
    )


def _can_be_kept(text: str) -> bool:
    """Whether a database takes the text as it is: no zero byte, no half of a character."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _told(settings: Mapping[str, object], name: str) -> str:
    """A text that a platform may send along; one of another type is left out."""
    value = settings.get(name)
    return clean(value) if isinstance(value, str) else ""


def _context(payload: Mapping[str, object]) -> ContextClaim | None:
    context = _optional_object(payload, f"{LTI}context")
    context_id = context.get("id")
    if context_id is None or context_id == "":
        return None
    if not isinstance(context_id, str) or not is_id(context_id):
        raise LaunchRefusedError(ReasonCode.BAD_PAYLOAD, detail="context")
    return ContextClaim(context_id, _text(context, "title"), _text(context, "label"))


def _custom(payload: Mapping[str, object]) -> dict[str, str]:
    """Custom parameters as texts. They are hints: nothing is ever allowed because of one."""
    custom = _optional_object(payload, f"{LTI}custom")
    values = {}
    for name, value in list(custom.items())[:MAX_CUSTOM]:
        # A value that still begins with `$` was not resolved: the platform does not know it, or may not tell.
        if isinstance(value, str) and value and not value.startswith("$"):
            values[clean(name)] = clean(value, cap=MAX_CUSTOM_VALUE)
    return values


def _roster_url(payload: Mapping[str, object], expected: Expected) -> str:
    service = _optional_object(payload, NAMES_AND_ROLES)
    versions = service.get("service_versions")
    if isinstance(versions, list) and versions and "2.0" not in versions:
        return ""
    return _url(service, "context_memberships_url", expected)


def _optional_object(payload: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = payload.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise LaunchRefusedError(ReasonCode.BAD_PAYLOAD, detail=name.rpartition("/")[2])
    return value


def _text(claims: Mapping[str, object], name: str, *, cap: int = MAX_TEXT) -> str:
    value = claims.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise LaunchRefusedError(ReasonCode.BAD_PAYLOAD, detail=name)
    return clean(value, cap=cap)


def _url(claims: Mapping[str, object], name: str, expected: Expected) -> str:
    """An address that we may use; empty where there is none, or it is none for us."""
    value = claims.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise LaunchRefusedError(ReasonCode.BAD_PAYLOAD, detail=name)
    usable = len(value) <= MAX_URL and is_secure_url(value, allows_loopback=expected.allows_loopback)
    return value if usable else ""


_LOCALE: Final = re.compile(r"[A-Za-z]{2,8}([_-][A-Za-z0-9]{1,8})*")


def _locale(text: str) -> str:
    return text.replace("_", "-") if len(text) <= 35 and _LOCALE.fullmatch(text) else ""  # noqa: PLR2004 - BCP 47


# --- Texts and addresses --------------------------------------------------------------------------

# Characters that only steer: other controls, surrogates, and the marks that reorder what stands beside them.
_STEERING: Final = {"Cc", "Cs", "Co", "Cn"}
_REORDERING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\ufeff")


def clean(text: str, *, cap: int = MAX_TEXT) -> str:
    """A text that may be shown: no control or reordering characters, one line, not longer than `cap`."""
    if text.isascii() and text.isprintable():  # mostly: then blanks are all there can be to clean
        return " ".join(text[: cap * 4].split())[:cap].rstrip()
    spaced = "".join(" " if char.isspace() else char for char in text[: cap * 4])
    kept = "".join(
        char for char in spaced if unicodedata.category(char) not in _STEERING and char not in _REORDERING
    )
    return " ".join(kept.split())[:cap].rstrip()


def is_id(text: str) -> bool:
    """Tell whether a text can be an identifier: 1 to 255 printable characters."""
    return 0 < len(text) <= MAX_ID and text.isprintable()


def frame_origins_of(
    payload: Mapping[str, object], expected: Expected, further: Iterable[str] = ()
) -> list[str]:
    """Who may frame the pages of a launch: its platform's origins, and nobody else's.

    Args:
        payload: signed claims. Canvas and Blackboard frame from the school's own host, which these name.
        further: origins that an administrator added.
    """
    candidates = [expected.issuer, *further]
    for claim, name in ((f"{LTI}tool_platform", "url"), (f"{LTI}launch_presentation", "return_url")):
        value = payload.get(claim)
        if isinstance(value, dict) and isinstance(value.get(name), str):
            candidates.append(value[name])
    allowed = [
        origin_of(url) for url in candidates if is_secure_url(url, allows_loopback=expected.allows_loopback)
    ]
    return list(dict.fromkeys(allowed))
