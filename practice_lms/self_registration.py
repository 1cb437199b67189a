"""Tools that register themselves here: what was offered to them, what they asked for, what became of it.

Two manners. Brightspace's: the token is part of the configuration's address, which answers once; nothing is
sent in headers; the tool arrives switched off. Moodle's: a bearer token reads the configuration and registers
once; the tool arrives pending.
"""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeGuard
from urllib.parse import urlsplit

from practice_lms.registration import (
    AUDIENCE_PATH,
    AUTHENTICATE_PATH,
    KEYS_PATH,
    MOODLE_AUTHENTICATE_PATH,
    MOODLE_KEYS_PATH,
    MOODLE_TOKEN_PATH,
    TOKEN_PATH,
    Tool,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PLATFORM_CONFIGURATION: Final = "https://purl.imsglobal.org/spec/lti-platform-configuration"
TOOL_CONFIGURATION: Final = "https://purl.imsglobal.org/spec/lti-tool-configuration"
SCOPES: Final = (
    "openid",
    "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly",
    "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem",
    "https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly",
    "https://purl.imsglobal.org/spec/lti-ags/scope/score",
)
CLAIMS: Final = ("sub", "iss", "name", "given_name", "family_name", "email", "locale")
VARIABLES: Final = ("Context.id.history", "ResourceLink.id.history", "User.id", "Person.name.full")

_OFFER_LIFETIME: Final = 3600.0
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Manner(StrEnum):
    """As whom this LMS behaves towards a tool that registers itself."""

    BRIGHTSPACE = "brightspace"
    MOODLE = "moodle"


class RegistrationError(Exception):
    """A request for a registration that is refused. `code` is one of OpenID's."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


@dataclass
class Offer:
    """What one tool is offered for an hour. The tail of its token tells whether an address was changed."""

    manner: Manner
    makes_deployment: bool = True
    # Letters and escapes in both cases, and one escape that nobody needs: all must come back as it is.
    token: str = field(default_factory=lambda: f"{secrets.token_urlsafe(24)}%2f%2B%7e.aB")
    until: float = field(default_factory=lambda: time.monotonic() + _OFFER_LIFETIME)
    was_read: bool = False
    was_used: bool = False

    @property
    def is_live(self) -> bool:
        return time.monotonic() < self.until


@dataclass
class RegisteredTool:
    """A tool as this LMS has stored it."""

    name: str
    manner: Manner
    tool: Tool
    asked: Mapping[str, object]
    is_enabled: bool = False

    @property
    def client_id(self) -> str:
        return self.tool.client_id

    def answer(self) -> dict[str, object]:
        """What the tool is told: everything that it asked for, and its new names."""
        part = dict(_object(self.asked.get(TOOL_CONFIGURATION)))
        if self.tool.deployment_ids:
            part["deployment_id"] = self.tool.deployment_ids[0]
        return {**self.asked, "client_id": self.client_id, TOOL_CONFIGURATION: part}


@dataclass
class ToolBox:
    """Offers and tools, in memory."""

    offers: list[Offer] = field(default_factory=list)
    tools: dict[str, RegisteredTool] = field(default_factory=dict)

    def offer(self, manner: Manner, *, makes_deployment: bool = True) -> Offer:
        made = Offer(manner, makes_deployment=makes_deployment)
        if manner is Manner.MOODLE:
            made.token = secrets.token_urlsafe(32)
        self.offers.append(made)
        return made

    def offered(self, manner: Manner, token: str) -> Offer | None:
        """The live offer of that token, compared letter by letter."""
        return next(
            (one for one in self.offers if one.manner is manner and one.token == token and one.is_live), None
        )

    def enabled(self) -> Iterator[RegisteredTool]:
        return (one for one in self.tools.values() if one.is_enabled)

    def register(self, offer: Offer, asked: Mapping[str, object]) -> RegisteredTool:
        """Store what a tool asked for; it still has to be enabled.

        Raises:
            RegistrationError: it asked for something impossible.
        """
        _judge(asked)
        name = _text(asked, "client_name")
        if name in (one.name for one in self.tools.values()):
            raise RegistrationError("invalid_client_metadata", f"The name “{name}” is used already.")
        part = _object(asked.get(TOOL_CONFIGURATION))
        registered = RegisteredTool(
            name,
            offer.manner,
            Tool(
                login_url=_text(asked, "initiate_login_uri"),
                launch_url=_texts(asked.get("redirect_uris"))[0],
                jwks_url=_text(asked, "jwks_uri"),
                target_link_uri=_text(part, "target_link_uri"),
                client_id=_new_client_id(offer.manner),
                deployment_ids=(_new_deployment(offer.manner),) if offer.makes_deployment else (),
            ),
            asked,
        )
        self.tools[registered.client_id] = registered
        offer.was_used = True
        return registered

    def enable(self, client_id: str) -> RegisteredTool | None:
        """Switch a tool on, with a deployment if it has none yet."""
        registered = self.tools.get(client_id)
        if registered is None:
            return None
        if not registered.tool.deployment_ids:
            deployments = (_new_deployment(registered.manner),)
            registered.tool = replace(registered.tool, deployment_ids=deployments)
        registered.is_enabled = True
        return registered


def configuration(origin: str, offer: Offer) -> dict[str, object]:
    """The OpenID configuration that a tool is shown."""
    paths = {
        Manner.BRIGHTSPACE: (AUTHENTICATE_PATH, TOKEN_PATH, KEYS_PATH),
        Manner.MOODLE: (MOODLE_AUTHENTICATE_PATH, MOODLE_TOKEN_PATH, MOODLE_KEYS_PATH),
    }
    authenticate, token, keys = paths[offer.manner]
    is_moodle = offer.manner is Manner.MOODLE
    endpoint = (
        "/mod/lti/openid-registration.php" if is_moodle else f"/d2l/api/lti/registration?t={offer.token}"
    )
    places = ["ContentArea", "RichTextEditor"]
    return {
        "issuer": origin,
        "authorization_endpoint": origin + authenticate,
        "token_endpoint": origin + token,
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "jwks_uri": origin + keys,
        "authorization_server": origin + AUDIENCE_PATH,
        "registration_endpoint": origin + endpoint,
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": list(CLAIMS),
        PLATFORM_CONFIGURATION: {
            "product_family_code": "moodle" if is_moodle else "desire2learn",
            "version": "4.5" if is_moodle else "20.26.11",
            "messages_supported": [
                {"type": "LtiResourceLinkRequest"},
                {"type": "LtiDeepLinkingRequest", "placements": places},
            ],
            "variables": list(VARIABLES),
        },
    }


def _judge(asked: Mapping[str, object]) -> None:
    """What Moodle and Brightspace look at.

    Raises:
        RegistrationError: and what is wrong.
    """
    part = _object(asked.get(TOOL_CONFIGURATION))
    redirects = _texts(asked.get("redirect_uris"))
    if not redirects:
        raise RegistrationError("invalid_redirect_uri", "There is no redirect URI.")
    target = _text(part, "target_link_uri")
    for url in (*redirects, _text(asked, "initiate_login_uri"), _text(asked, "jwks_uri"), target):
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise RegistrationError("invalid_client_metadata", f"{url} is not https.")
    if _text(part, "domain") != urlsplit(target).netloc:
        raise RegistrationError("invalid_client_metadata", "The domain does not match the target link URI.")
    fixed = {"application_type": "web", "token_endpoint_auth_method": "private_key_jwt"}
    for name, value in fixed.items():
        if asked.get(name) != value:
            raise RegistrationError("invalid_client_metadata", f"{name} must be {value}.")
    if {"implicit", "client_credentials"} - set(_texts(asked.get("grant_types"))):
        raise RegistrationError("invalid_client_metadata", "A grant type is missing.")
    strangers = set(str(asked.get("scope", "")).split()) - set(SCOPES)
    strangers |= set(_texts(part.get("claims"))) - set(CLAIMS)
    if strangers:
        raise RegistrationError(
            "invalid_client_metadata", f"Not offered here: {', '.join(sorted(strangers))}"
        )


def _new_client_id(manner: Manner) -> str:
    return str(uuid.uuid4()) if manner is Manner.BRIGHTSPACE else secrets.token_hex(8)[:15]


def _new_deployment(manner: Manner) -> str:
    return str(uuid.uuid4()) if manner is Manner.BRIGHTSPACE else str(10 + secrets.randbelow(90))


def _object(value: object) -> Mapping[str, object]:
    return value if _is_object(value) else {}


def _is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, dict)


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _text(asked: Mapping[str, object], name: str) -> str:
    value = asked.get(name)
    if not isinstance(value, str) or not value:
        raise RegistrationError("invalid_client_metadata", f"{name} is missing.")
    return value
