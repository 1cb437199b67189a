"""The only importer of PyLTI1p3. It builds our key set and asks for access tokens; launches do without it.

ADR 0002 (docs/adr/) says why. Here it is used for what it does right: keys as JWKs, and the signed assertion
that a token endpoint wants. It sends through our guarded session, and what it forgets about a token (how long
it lives, what it allows) is read from the answer itself.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final

import jwt
import requests
from django.core.cache import cache
from pylti1p3.exception import LtiServiceException
from pylti1p3.registration import Registration
from pylti1p3.service_connector import ServiceConnector

from common.errors import UnavailableError
from lti_tool.models import Platform
from lti_tool.outgoing import OutgoingError, session
from lti_tool.own_keys import OwnKey, own_keys, signing_key

_MARGIN: Final = 60  # seconds before its end at which a token is no longer used
_UNSTATED_LIFE: Final = 300  # what a token lives when the platform does not say
_MAX_LIFE: Final = 3600


class ServiceError(UnavailableError):
    """A service of a platform that does not answer as it should. `detail` is for logs."""

    code = "platform_service"

    def __init__(self, detail: str, *, answer: requests.Response | None = None) -> None:
        super().__init__()
        self.detail = detail
        self.answer = answer  # what the platform said, where it said anything

    def __str__(self) -> str:
        return self.detail


class ScopeRefusedError(ServiceError):
    """The platform gave a token that allows less than was asked for."""


def key_set() -> dict[str, list[dict[str, object]]]:
    """Our public keys as platforms want them."""
    return {"keys": [dict(Registration.get_jwk(key.public_pem)) for key in own_keys()]}


def sign_message(platform: Platform, claims: Mapping[str, object], *, now: datetime) -> str:
    """A message of ours to a platform, signed with the key that it finds in our key set."""
    key = signing_key(now=now)
    kid = _registration(platform, key).get_kid()
    return jwt.encode(dict(claims), key.private_pem, algorithm="RS256", headers={"kid": kid})


def access_token(
    platform: Platform, scopes: Sequence[str], *, now: datetime, is_refused: bool = False
) -> str:
    """A bearer token for these scopes: from the cache, or fresh.

    Args:
        is_refused: the cached one was refused by the service, so it is not used again.

    Raises:
        ServiceError: the platform gives none, or one that allows less.
    """
    key = _cache_key(platform, scopes)
    held: str | None = None if is_refused else cache.get(key)
    if held:
        return held
    token, lives_for = _ask(platform, scopes, now=now)
    if lives_for > _MARGIN:
        cache.set(key, token, lives_for - _MARGIN)
    return token


def _cache_key(platform: Platform, scopes: Sequence[str]) -> str:
    asked = "|".join([platform.client_id, platform.token_url, platform.audience, *sorted(scopes)])
    return f"token:{platform.pk}:{sha256(asked.encode()).hexdigest()[:32]}"


class _Exchange:
    """What the connector posts with; keeps the answer, of which the connector keeps the token alone."""

    def __init__(self) -> None:
        self.answer: requests.Response | None = None

    def post(self, url: str, *, data: dict[str, str]) -> requests.Response:
        self.answer = session().request("POST", url, data=data, headers={"Accept": "application/json"})
        return self.answer


def _ask(platform: Platform, scopes: Sequence[str], *, now: datetime) -> tuple[str, int]:
    exchange = _Exchange()
    connector = ServiceConnector(
        _registration(platform, signing_key(now=now)),
        exchange,  # type: ignore[arg-type]  # it uses nothing of a session but `post`
    )
    try:
        token = connector.get_access_token(scopes)
        body = exchange.answer.json() if exchange.answer is not None else {}
    except OutgoingError as error:
        raise ServiceError(f"token: {error}") from error
    except LtiServiceException as error:
        raise ServiceError(f"token: status {error.response.status_code}", answer=error.response) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ServiceError("token: the answer is none", answer=exchange.answer) from error
    if not _is_header_value(token):
        raise ServiceError("token: the answer holds none", answer=exchange.answer)
    granted = body.get("scope")
    if isinstance(granted, str) and granted and not set(scopes) <= set(granted.split()):
        raise ScopeRefusedError("token: the platform does not grant the scope", answer=exchange.answer)
    return token, _life(body.get("expires_in"))


def _is_header_value(token: object) -> bool:
    return isinstance(token, str) and bool(token) and token.isascii() and token.isprintable()


def _registration(platform: Platform, key: OwnKey) -> Registration:
    return (
        Registration()
        .set_issuer(platform.issuer)
        .set_client_id(platform.client_id)
        .set_auth_token_url(platform.token_url)
        .set_auth_audience(platform.audience)
        .set_tool_private_key(key.private_pem)
        .set_tool_public_key(key.public_pem)
    )


def _life(stated: object) -> int:
    try:
        return min(int(stated), _MAX_LIFE) if isinstance(stated, str | int | float) else _UNSTATED_LIFE
    except (ValueError, OverflowError):
        return _UNSTATED_LIFE
