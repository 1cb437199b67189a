"""What tools call from server to server: the key set, the token endpoint and the classlist."""

from __future__ import annotations

import functools
import json
import secrets
import ssl
from typing import TYPE_CHECKING, Final

import httpx
import jwt
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from practice_lms.pages import platform_of
from practice_lms.platform import TOKEN_LIFETIME, Cursor, Grant, Platform
from practice_lms.registration import KEYS_PATH, ROSTER_PATH, TOKEN_PATH
from practice_lms.tokens import Claims, personal_claims

if TYPE_CHECKING:
    from starlette.requests import Request

    from practice_lms.people import Course, Enrolment

ROSTER_SCOPE: Final = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
ROSTER_TYPE: Final = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_OFFERED_SCOPES: Final = frozenset({ROSTER_SCOPE})
_ACCEPTABLE: Final = frozenset({ROSTER_TYPE, "application/*", "*/*"})
_KEY_SET_LIMIT: Final = 1_000_000
_TIMEOUT: Final = 5.0
_UNCACHED: Final = {"Cache-Control": "no-cache, no-store"}


class AssertionRefusedError(Exception):
    """The client assertion proves nothing; the text says why."""


async def keys(request: Request) -> Response:
    platform = platform_of(request)
    platform.behaviour.keys.calls += 1
    return await platform.behaviour.keys.send(JSONResponse(platform.keys.key_set(), headers=_UNCACHED))


async def token(request: Request) -> Response:
    """Client credentials by private key; every fault of the assertion is `invalid_client`."""
    platform = platform_of(request)
    platform.behaviour.token.calls += 1
    return await platform.behaviour.token.send(await _token(request, platform))


async def roster(request: Request) -> Response:
    platform = platform_of(request)
    platform.behaviour.roster.calls += 1
    return await platform.behaviour.roster.send(_roster(request, platform))


async def _token(request: Request, platform: Platform) -> Response:
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    if form.get("grant_type") != "client_credentials":
        return _oauth_error("unsupported_grant_type")
    if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
        return _oauth_error("invalid_client", "A client assertion is needed.")
    try:
        await _check_assertion(form["client_assertion"], platform)
    except AssertionRefusedError as refusal:
        return _oauth_error("invalid_client", f"Error validating assertion: {refusal}")
    scopes = frozenset(form.get("scope", "").split())
    if not scopes or not scopes <= _OFFERED_SCOPES:
        return _oauth_error("invalid_scope")
    granted = platform.grants.put(Grant(scopes))
    return JSONResponse(
        {
            "access_token": granted,
            "expires_in": TOKEN_LIFETIME,
            "token_type": "Bearer",
            "scope": " ".join(scopes),
        },
        headers=_UNCACHED,
    )


async def _check_assertion(assertion: str, platform: Platform) -> None:
    try:
        kid = jwt.get_unverified_header(assertion).get("kid")
        key = await tool_key(platform, kid)
        client_id = jwt.decode(assertion, options={"verify_signature": False}).get("iss")
        if not platform.knows(client_id):
            raise AssertionRefusedError("the client is not registered")
        claims = jwt.decode(
            assertion,
            key,
            algorithms=["RS256"],
            audience=platform.registration.audience,
            issuer=client_id,
            options={"require": ["iss", "sub", "aud", "exp", "iat", "jti"]},
        )
    except jwt.PyJWTError as error:
        raise AssertionRefusedError(str(error)) from error
    if claims["sub"] != client_id:
        raise AssertionRefusedError("the subject is not the client")
    jti = str(claims["jti"])
    if platform.spent_assertions.get(jti):
        raise AssertionRefusedError("it has been used before")
    platform.spent_assertions.put(thing=True, name=jti)


async def tool_key(platform: Platform, kid: object) -> jwt.PyJWK:
    """The tool's public key of that name, from its key set.

    Raises:
        AssertionRefusedError: it cannot be had.
    """
    key_set = await read_key_set(platform.tool.jwks_url)
    entries = key_set.get("keys") if isinstance(key_set, dict) else None
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and kid is not None and entry.get("kid") == kid:
            return jwt.PyJWK(entry, algorithm="RS256")
    raise AssertionRefusedError("KeyId not found in token")


@functools.cache
def _authorities() -> ssl.SSLContext:
    return ssl.create_default_context()


async def read_key_set(url: str) -> object:
    """What a tool publishes.

    Raises:
        AssertionRefusedError: it cannot be had.
    """
    try:
        async with (
            httpx.AsyncClient(
                timeout=_TIMEOUT, follow_redirects=False, trust_env=False, verify=_authorities()
            ) as client,
            client.stream("GET", url) as reply,
        ):
            if reply.status_code != httpx.codes.OK:
                raise AssertionRefusedError(f"the keyset URL answered {reply.status_code}")
            body = b""
            async for piece in reply.aiter_bytes():
                body += piece
                if len(body) > _KEY_SET_LIMIT:
                    raise AssertionRefusedError("the key set is too large")
            return json.loads(body)
    except (httpx.HTTPError, ValueError) as error:
        raise AssertionRefusedError("the keyset URL cannot be read") from error


def _oauth_error(code: str, description: str = "") -> Response:
    body = {"error": code, "error_description": description} if description else {"error": code}
    return JSONResponse(body, status_code=400, headers=_UNCACHED)


def _roster(request: Request, platform: Platform) -> Response:
    """A page of the classlist. Filters are not known to work on Brightspace, so none works here."""
    deployment_id, org_unit = request.path_params["deployment_id"], request.path_params["org_unit"]
    kind, _, bearer = request.headers.get("authorization", "").partition(" ")
    grant = platform.grants.get(bearer.strip()) if kind.lower() == "bearer" else None
    if grant is None:
        return PlainTextResponse("Unauthorized", status_code=401, headers={"WWW-Authenticate": "Bearer"})
    if ROSTER_SCOPE not in grant.scopes:
        return PlainTextResponse("Forbidden", status_code=403)
    course = platform.campus.course(org_unit)
    if course is None or deployment_id not in platform.registration.deployment_ids:
        return PlainTextResponse("Not found", status_code=404)
    accepted = {part.partition(";")[0].strip() for part in request.headers.get("accept", "*/*").split(",")}
    if accepted.isdisjoint(_ACCEPTABLE):
        return PlainTextResponse("Not acceptable", status_code=406)
    cursor = _cursor(request, platform, deployment_id, org_unit)
    if cursor is None:
        return PlainTextResponse("Not found", status_code=404)
    return _page(request, platform, course, cursor)


def _cursor(request: Request, platform: Platform, deployment_id: str, org_unit: int) -> Cursor | None:
    """Where to start; None when that page was never offered, as when somebody lower-cased its address."""
    name = request.query_params.get("cursor")
    if name is not None:
        cursor = platform.cursors.get(name)
        fits = cursor is not None and (cursor.deployment_id, cursor.org_unit) == (deployment_id, org_unit)
        return cursor if fits else None
    wanted = request.query_params.get("limit", "")
    limit = (
        min(int(wanted), platform.page_size) if wanted.isdecimal() and int(wanted) > 0 else platform.page_size
    )
    return Cursor(deployment_id, org_unit, 0, limit)


def _page(request: Request, platform: Platform, course: Course, cursor: Cursor) -> Response:
    release = platform.release_of(cursor.deployment_id)
    known = platform.seen.get(cursor.deployment_id, set())
    listed = [one for one in course.enrolments if release.whole_classlist or one.person in known]
    end = cursor.start + cursor.limit
    headers = {"Content-Type": ROSTER_TYPE, **_UNCACHED}
    address = platform.origin + request.url.path
    if end < len(listed):
        following = Cursor(cursor.deployment_id, cursor.org_unit, end, cursor.limit)
        # Always upper and lower case: a client that folds the case of a link must fail here, not later.
        name = platform.cursors.put(following, name=f"Pg{secrets.token_urlsafe(18)}")
        headers["Link"] = f'<{address}?cursor={name}>; rel="next"'
    body = {
        "id": address,
        "context": {"id": course.context_id, "label": course.code, "title": course.title},
        "members": [_member(platform, course, one, cursor) for one in listed[cursor.start : end]],
    }
    return Response(json.dumps(body), headers=headers)


def _member(platform: Platform, course: Course, enrolment: Enrolment, cursor: Cursor) -> Claims:
    release = platform.release_of(cursor.deployment_id)
    member: Claims = {
        "status": platform.status_of(enrolment.person, course),
        "user_id": enrolment.person.sub,
        "roles": list(enrolment.roles),
        **personal_claims(enrolment.person, release),
    }
    if release.username and not release.is_anonymous:
        member["ext_d2l_username"] = enrolment.person.username
    if release.org_defined_id and not release.is_anonymous:
        member["lis_person_sourcedid"] = enrolment.person.org_defined_id
    return member


ROUTES: Final = [
    Route(KEYS_PATH, keys),
    Route(TOKEN_PATH, token, methods=["POST"]),
    Route(ROSTER_PATH.replace("{org_unit}", "{org_unit:int}"), roster),
]
