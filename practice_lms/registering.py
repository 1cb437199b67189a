"""Where tools register themselves, and where the administrator of this LMS lets them in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode, urlsplit

from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from practice_lms import launching, pages, services
from practice_lms.pages import TEMPLATES, platform_of
from practice_lms.registration import (
    MOODLE_AUTHENTICATE_PATH,
    MOODLE_KEYS_PATH,
    MOODLE_TOKEN_PATH,
)
from practice_lms.self_registration import Manner, Offer, RegistrationError, configuration
from practice_lms.services import AssertionRefusedError, read_key_set

if TYPE_CHECKING:
    from starlette.requests import Request

    from practice_lms.platform import Platform

_CONFIGURATION_PATH: Final = "/d2l/api/lti/configuration"
_REGISTRATION_PATH: Final = "/d2l/api/lti/registration"
_MOODLE_CONFIGURATION_PATH: Final = "/mod/lti/openid-configuration.php"
_MOODLE_REGISTRATION_PATH: Final = "/mod/lti/openid-registration.php"
_LARGEST: Final = 256 * 1024


# --- The administrator's pages -------------------------------------------------------------------------


async def tools(request: Request) -> Response:
    """All tools of this LMS, and the form with which another one is registered."""
    platform = platform_of(request)
    return TEMPLATES.TemplateResponse(
        request,
        "lms/tools.html",
        {
            "tools": platform.toolbox.tools.values(),
            "current": platform.tool,
            "by_hand": platform.tool_by_hand,
        },
        headers={"Cache-Control": "no-store"},
    )


async def register_tool(request: Request) -> Response:
    """Open the tool's registration address: as a tab of its own, or in a frame of ours."""
    platform = platform_of(request)
    form = await request.form()
    address = str(form.get("address", "")).strip()
    if urlsplit(address).scheme not in {"http", "https"}:
        return pages.message(request, "That is no address.", status_code=400)
    if form.get("manner") == Manner.MOODLE:
        offer = platform.toolbox.offer(Manner.MOODLE)
        context = {"address": start_address(platform, offer, address)}
        return TEMPLATES.TemplateResponse(
            request, "lms/registering.html", context, headers={"Cache-Control": "no-store"}
        )
    offer = platform.toolbox.offer(Manner.BRIGHTSPACE, makes_deployment="deployment" in form)
    return RedirectResponse(start_address(platform, offer, address), status_code=303)


def start_address(platform: Platform, offer: Offer, address: str) -> str:
    """The tool's registration address with what it needs to begin."""
    joint = "&" if urlsplit(address).query else "?"
    if offer.manner is Manner.MOODLE:
        asked = {
            "openid_configuration": platform.origin + _MOODLE_CONFIGURATION_PATH,
            "registration_token": offer.token,
        }
        return f"{address}{joint}{urlencode(asked)}"
    configured = f"{platform.origin}{_CONFIGURATION_PATH}?t={offer.token}&v=1.0"
    return f"{address}{joint}openid_configuration={quote(configured, safe='')}"


async def enable_tool(request: Request) -> Response:
    """Let a tool in; from now on the course's links open with this registration."""
    platform = platform_of(request)
    registered = platform.toolbox.enable(request.path_params["client_id"])
    if registered is None:
        return pages.message(request, "There is no such tool here.", status_code=404)
    platform.tool = registered.tool
    return RedirectResponse("/admin/tools/", status_code=303)


async def use_first_tool(request: Request) -> Response:
    """Open the course's links with the registration by hand again."""
    platform = platform_of(request)
    platform.tool = platform.tool_by_hand
    return RedirectResponse("/admin/tools/", status_code=303)


# --- What tools ask ----------------------------------------------------------------------------------------


async def brightspace_configuration(request: Request) -> Response:
    """The configuration, to whoever asks first, and with the very address that was given out."""
    platform = platform_of(request)
    platform.behaviour.configuration.calls += 1
    offer = platform.toolbox.offered(Manner.BRIGHTSPACE, _raw_token(request, tail="&v=1.0"))
    if "authorization" in request.headers:
        return _error(Manner.BRIGHTSPACE, "invalid_request", "No token was given out.", 400)
    if offer is None or offer.was_read:
        return _error(Manner.BRIGHTSPACE, "invalid_token", "This address has been used, or changed.", 401)
    offer.was_read = True
    honest = JSONResponse(configuration(platform.origin, offer))
    return await platform.behaviour.configuration.send(honest)


async def moodle_configuration(request: Request) -> Response:
    platform = platform_of(request)
    platform.behaviour.configuration.calls += 1
    offer = platform.toolbox.offered(Manner.MOODLE, _bearer(request))
    if offer is None:
        return _error(Manner.MOODLE, "invalid_token", "A registration token is needed.", 401)
    honest = JSONResponse(configuration(platform.origin, offer))
    return await platform.behaviour.configuration.send(honest)


async def brightspace_registration(request: Request) -> Response:
    platform = platform_of(request)
    platform.behaviour.registration.calls += 1
    offer = platform.toolbox.offered(Manner.BRIGHTSPACE, _raw_token(request, tail=""))
    if "authorization" in request.headers:
        return _error(Manner.BRIGHTSPACE, "invalid_request", "No token was given out.", 400)
    return await platform.behaviour.registration.send(await _register(request, platform, offer, status=201))


async def moodle_registration(request: Request) -> Response:
    platform = platform_of(request)
    platform.behaviour.registration.calls += 1
    offer = platform.toolbox.offered(Manner.MOODLE, _bearer(request))
    return await platform.behaviour.registration.send(await _register(request, platform, offer, status=200))


async def _register(request: Request, platform: Platform, offer: Offer | None, *, status: int) -> Response:
    manner = Manner.MOODLE if offer is None else offer.manner
    if offer is None or offer.was_used:
        return _error(manner, "invalid_token", "This registration token has been used, or is unknown.", 401)
    try:
        body = await request.body()
        asked = json.loads(body) if len(body) <= _LARGEST else None
        if not isinstance(asked, dict):
            return _error(manner, "invalid_client_metadata", "That is no JSON object.", 400)
        if manner is Manner.BRIGHTSPACE:
            await read_key_set(str(asked.get("jwks_uri")))
        registered = platform.toolbox.register(offer, asked)
    except ValueError:
        return _error(manner, "invalid_client_metadata", "That is no JSON.", 400)
    except AssertionRefusedError as error:
        return _error(manner, "invalid_client_metadata", f"The keyset URL cannot be fetched: {error}", 400)
    except RegistrationError as error:
        return _error(manner, error.code, error.description, 400)
    return JSONResponse(registered.answer(), status_code=status)


def _error(manner: Manner, code: str, description: str, status: int) -> Response:
    """Moodle answers with bare text."""
    if manner is Manner.MOODLE:
        return PlainTextResponse(f"{code}: {description}", status_code=status)
    return JSONResponse({"error": code, "error_description": description}, status_code=status)


def _raw_token(request: Request, *, tail: str) -> str:
    """The token as it stands in the request line: an address that was encoded anew is another address."""
    query: bytes = request.scope["query_string"]
    text = query.decode("latin-1")
    return text.removeprefix("t=").removesuffix(tail) if text.startswith("t=") and text.endswith(tail) else ""


def _bearer(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


ROUTES: Final = [
    Route("/admin/tools/", tools),
    Route("/admin/tools/register/", register_tool, methods=["POST"]),
    Route("/admin/tools/by-hand/enable/", use_first_tool, methods=["POST"]),
    Route("/admin/tools/{client_id}/enable/", enable_tool, methods=["POST"]),
    Route(_CONFIGURATION_PATH, brightspace_configuration),
    Route(_REGISTRATION_PATH, brightspace_registration, methods=["POST"]),
    Route(_MOODLE_CONFIGURATION_PATH, moodle_configuration),
    Route(_MOODLE_REGISTRATION_PATH, moodle_registration, methods=["POST"]),
    Route(MOODLE_AUTHENTICATE_PATH, launching.authenticate, methods=["GET", "POST"]),
    Route(MOODLE_KEYS_PATH, services.keys),
    Route(MOODLE_TOKEN_PATH, services.token, methods=["POST"]),
]
