"""Login initiation and the authorisation endpoint: how a launch gets from the course page to the tool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from practice_lms import pages
from practice_lms.pages import TEMPLATES, platform_of, session_of
from practice_lms.platform import PendingLaunch, Platform
from practice_lms.registration import AUTHENTICATE_PATH
from practice_lms.tokens import sign

if TYPE_CHECKING:
    from starlette.datastructures import FormData, QueryParams
    from starlette.requests import Request

# Each of them must be there: Brightspace answers 404 otherwise, even where OpenID Connect leaves it out.
_DEMANDED: Final = (
    "scope",
    "response_type",
    "response_mode",
    "prompt",
    "client_id",
    "redirect_uri",
    "login_hint",
    "lti_message_hint",
    "nonce",
    "state",
)
_FIXED: Final = {
    "scope": "openid",
    "response_type": "id_token",
    "response_mode": "form_post",
    "prompt": "none",
}


async def initiate(request: Request) -> Response:
    """The first leg: a form that posts itself to the tool's login address."""
    platform = platform_of(request)
    session = session_of(request)
    link = platform.campus.link(request.path_params["link"])
    if session is None or link is None:
        return pages.not_signed_in(request)
    if not platform.campus.may_open(session.person, platform.campus.course_of(link)):
        return pages.message(request, "You are not in this course.", status_code=403)
    hint = platform.expect(PendingLaunch(session.person, link, session.deployment_id))
    fields = {
        "iss": platform.origin,
        "login_hint": session.person.sub,
        "target_link_uri": platform.tool.target_link_uri,
        "client_id": platform.tool.client_id,
        "lti_deployment_id": session.deployment_id,
        "lti_message_hint": hint,
    }
    if request.query_params.get("signalStorage") == "true" and platform.frame.target:
        fields["lti_storage_target"] = platform.frame.target
    return posting_form(request, platform.tool.login_url, fields)


async def authenticate(request: Request) -> Response:
    """The second leg: the tool asks who is there, and a form that posts itself carries the answer back."""
    platform = platform_of(request)
    asked = request.query_params if request.method == "GET" else await request.form()
    if any(not _single(asked, name) for name in _DEMANDED):
        return PlainTextResponse("Not found", status_code=404)
    wrong = next((name for name, value in _FIXED.items() if asked[name] != value), None)
    if wrong is not None:
        return PlainTextResponse(f"{wrong} is not what it has to be", status_code=400)
    if asked["client_id"] != platform.tool.client_id:
        return PlainTextResponse("client_id is not registered", status_code=400)
    if asked["redirect_uri"] != platform.tool.launch_url:
        return PlainTextResponse("redirect_uri is not registered", status_code=400)
    return _answer(request, platform, asked)


def _answer(request: Request, platform: Platform, asked: QueryParams | FormData) -> Response:
    state = str(asked["state"])
    pending = platform.launches.get(str(asked["lti_message_hint"]))
    session = session_of(request)
    if pending is None or pending.person.sub != asked["login_hint"]:
        return _refusal(request, platform, state, "invalid_request", "The hints belong to no launch.")
    if session is None or session.person != pending.person:
        return _refusal(request, platform, state, "login_required", "This person is not signed in here.")
    token = sign(platform.claims_of(pending, nonce=str(asked["nonce"])), platform.keys.signing)
    return posting_form(request, platform.tool.launch_url, {"id_token": token, "state": state})


def _refusal(request: Request, platform: Platform, state: str, error: str, description: str) -> Response:
    fields = {"error": error, "error_description": description, "state": state}
    return posting_form(request, platform.tool.launch_url, fields)


def _single(asked: QueryParams | FormData, name: str) -> bool:
    """Given once, with something in it."""
    values = asked.getlist(name)
    return len(values) == 1 and isinstance(values[0], str) and bool(values[0])


def posting_form(request: Request, action: str, fields: dict[str, str]) -> Response:
    """A page that posts these fields by itself."""
    return TEMPLATES.TemplateResponse(
        request,
        "lms/post.html",
        {"action": action, "fields": fields},
        headers={"Cache-Control": "no-store"},
    )


ROUTES: Final = [
    Route("/d2l/le/lti/{link:int}/launch", initiate),
    Route(AUTHENTICATE_PATH, authenticate, methods=["GET", "POST"]),
]
