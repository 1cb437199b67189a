"""The authentication response: the one redirect URI."""

import logging
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from common.access import public
from common.middleware import set_embedded_cookie
from lti_tool.claims import LaunchRefusedError, ReasonCode
from lti_tool.identity import HERE_COOKIE, TAB_COOKIE, address_under, allow_framing, here_value
from lti_tool.models import Tab
from lti_tool.services.launch import (
    TAB_LIFE,
    Launched,
    StorageQuestion,
    accept_launch,
    finish_launch,
    login_cookie_name,
    trail_of,
)
from lti_tool.services.registration import LAUNCH_PATH
from lti_tool.views.forms import is_sent_by_us, posted_or_queried, single
from lti_tool.views.refusals import LAUNCHES, let_start_over, refuse

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

    The address of a tab carries no token, so a reload is harmless. A launch whose cookie did not come back,
    but whose secret lies in the platform's storage, goes on in `finish`.
    """
    if request.method != "POST":
        return _explain(request)
    try:
        state, id_token = _read(request)
        launched = accept_launch(state=state, id_token=id_token, cookies=request.COOKIES, now=timezone.now())
    except LaunchRefusedError as error:
        return refuse(request, error)
    if isinstance(launched, StorageQuestion):
        return _ask_storage(request, launched)
    _note_accepted(launched)
    response = HttpResponseRedirect(_first_page_of(launched))
    response.status_code = 303
    set_tab_cookies(response, launched)
    set_embedded_cookie(response, login_cookie_name(state), "", max_age=0, path=LAUNCH_PATH)
    return response


@public("our own page brings what the platform's storage gave it: the second half of a launch")
@csrf_exempt
@require_POST
@never_cache
def finish(request: HttpRequest) -> HttpResponse:
    """Take the secret from the platform's storage, spend state and nonce, and hand out the launch bearer.

    The bearer goes to the page that asked, in a body: it is never in an address. A form on another site could
    bring its own launch into this browser; such a request is told by its Origin.
    """
    if not is_sent_by_us(request):
        return refuse(request, LaunchRefusedError(ReasonCode.NO_BROWSER_BINDING))
    try:
        given = posted_or_queried(request)
        launched = finish_launch(
            handle=single(given, "handle"), proof=single(given, "value"), now=timezone.now()
        )
    except LaunchRefusedError as error:
        return refuse(request, error)
    _note_accepted(launched)
    response = JsonResponse(
        {"handle": launched.tab.handle, "bearer": launched.secret, "home": landing_of(launched.tab)}
    )
    set_tab_cookies(response, launched)  # should they be kept after all, all the better
    return response


def _note_accepted(launched: Launched) -> None:
    LAUNCHES.labels("accepted").inc()
    deployment = launched.tab.deployment
    log.info(
        "launch accepted iss=%s client_id=%s deployment=%s right=%s",
        deployment.platform.issuer,
        deployment.platform.client_id,
        deployment.pk,
        launched.tab.right,
    )


def _ask_storage(request: HttpRequest, question: StorageQuestion) -> HttpResponse:
    response = render(request, "lti_tool/ask.html", {"question": question, "login": question.trail.login})
    let_start_over(response, question.trail)
    return response


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


def landing_of(tab: Tab, path: str = "") -> str:
    """Where a launch lands; or another page of the tab, by its path without the tab's prefix."""
    home = f"/~{tab.handle}/"
    return home + path.removeprefix("/") if path else address_under(home, settings.LAUNCHED_URL_NAME)


def _first_page_of(launched: Launched) -> str:
    """Where the browser goes now: to the page itself, where the app above knows it already."""
    name, args = _page_after_launch()(launched.tab, launched.shown)
    return address_under(f"/~{launched.tab.handle}/", name, args)


PageAfterLaunch = Callable[[Tab, object], tuple[str, Sequence[object]]]


@cache
def _page_after_launch() -> PageAfterLaunch:
    chosen: PageAfterLaunch = import_string(settings.LAUNCHED_PAGE)
    return chosen


def set_tab_cookies(response: HttpResponse, launched: Launched) -> None:
    """Give the browser what proves the tab: to its own pages, and at `/join/`."""
    handle, secret = launched.tab.handle, launched.secret
    life = int(TAB_LIFE.total_seconds())
    set_embedded_cookie(response, TAB_COOKIE, secret, max_age=life, path=f"/~{handle}/")
    set_embedded_cookie(response, HERE_COOKIE, here_value(handle, secret), max_age=life, path="/join/")
