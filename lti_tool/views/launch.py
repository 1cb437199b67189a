"""The authentication response: the one redirect URI."""

import logging
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import get_script_prefix, reverse, set_script_prefix
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from common.access import public
from common.middleware import set_embedded_cookie
from lti_tool.claims import LaunchRefusedError, ReasonCode
from lti_tool.identity import HERE_COOKIE, TAB_COOKIE, allow_framing
from lti_tool.services.launch import TAB_LIFE, Launched, accept_launch, login_cookie_name, trail_of
from lti_tool.services.registration import LAUNCH_PATH
from lti_tool.views.forms import posted_or_queried, single
from lti_tool.views.refusals import LAUNCHES, refuse

log = logging.getLogger(__name__)

# OpenID Connect's words for "nobody is signed in, as far as the platform can see".
_NOT_SIGNED_IN: Final = {
    "login_required",
    "interaction_required",
    "account_selection_required",
    "consent_required",
}


@public("a platform sends every browser here; the token says who it is")
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def launch(request: HttpRequest) -> HttpResponse:
    """Judge the token, make a tab, and lead there.

    The address of a tab carries no token, so a reload is harmless.
    """
    if request.method != "POST":
        return _explain(request)
    try:
        state, id_token = _read(request)
        launched = accept_launch(state=state, id_token=id_token, cookies=request.COOKIES, now=timezone.now())
    except LaunchRefusedError as error:
        return refuse(request, error)
    LAUNCHES.labels("accepted").inc()
    deployment = launched.tab.deployment
    log.info(
        "launch accepted iss=%s client_id=%s deployment=%s right=%s",
        deployment.platform.issuer,
        deployment.platform.client_id,
        deployment.pk,
        launched.tab.right,
    )
    return _lead_to_tab(launched, login_cookie=login_cookie_name(state))


def _explain(request: HttpRequest) -> HttpResponse:
    """Somebody opened the address itself, or a browser fetched it anew."""
    response = render(request, "lti_tool/launch_only.html", status=405)
    response["Allow"] = "POST"
    allow_framing(response, ["*"])
    return response


def _read(request: HttpRequest) -> tuple[str, str]:
    """State and token.

    Raises:
        LaunchRefusedError: there is none, or the platform posted an error instead.
    """
    given = posted_or_queried(request)
    state, id_token = single(given, "state"), single(given, "id_token")
    if id_token:
        return state, id_token
    if "error" in given:
        raise _platform_error(state, single(given, "error"), single(given, "error_description"))
    raise LaunchRefusedError(ReasonCode.BAD_REQUEST, detail="id_token")


def _platform_error(state: str, error: str, description: str) -> LaunchRefusedError:
    """An OpenID Connect error response, which is not signed: it is shown, and changes nothing."""
    reason = ReasonCode.LOGIN_REQUIRED if error in _NOT_SIGNED_IN else ReasonCode.PLATFORM_ERROR
    refusal = LaunchRefusedError(reason, detail=": ".join(part for part in (error, description) if part))
    refusal.trail = trail_of(state, now=timezone.now())
    return refusal


def _lead_to_tab(launched: Launched, *, login_cookie: str) -> HttpResponse:
    tab = launched.tab
    home, before = f"/~{tab.handle}/", get_script_prefix()
    set_script_prefix(home)
    try:
        response = HttpResponseRedirect(reverse(settings.LAUNCHED_URL_NAME))
    finally:
        set_script_prefix(before)
    response.status_code = 303
    life = int(TAB_LIFE.total_seconds())
    set_embedded_cookie(response, TAB_COOKIE, launched.secret, max_age=life, path=home)
    set_embedded_cookie(response, HERE_COOKIE, f"{tab.handle}.{launched.secret}", max_age=life, path="/join/")
    set_embedded_cookie(response, login_cookie, "", max_age=0, path=LAUNCH_PATH)
    return response
