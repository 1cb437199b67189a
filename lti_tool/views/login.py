"""OIDC login initiation: a platform asks us to ask it who is there."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from common.access import public
from common.middleware import set_embedded_cookie
from lti_tool.claims import LaunchRefusedError, read_login
from lti_tool.identity import KEPT_COOKIE, allow_framing
from lti_tool.services.launch import LOGIN_LIFE, Login, begin_login
from lti_tool.services.registration import LAUNCH_PATH
from lti_tool.views.forms import posted_or_queried
from lti_tool.views.refusals import refuse

KEPT_LIFE: Final = 30 * 24 * 3600  # seconds


@public("a platform sends every browser here first; nothing in it is believed")
@csrf_exempt
@require_http_methods(["GET", "POST"])
@never_cache
def login(request: HttpRequest) -> HttpResponse:
    """Redirect to the platform, with a state of ours, and bind it to this browser.

    The binding is a cookie. A browser that has not yet shown that it keeps cookies here, sent by a platform
    that offers storage, gets a small page first, which leaves the same secret there.
    """
    try:
        asked = read_login(posted_or_queried(request), public_url=settings.PUBLIC_URL)
        begun = begin_login(
            asked,
            address=request.META.get("REMOTE_ADDR", ""),
            keeps_cookies=KEPT_COOKIE in request.COOKIES,
            now=timezone.now(),
        )
    except LaunchRefusedError as error:
        return refuse(request, error)
    response = _storing_page(request, begun) if begun.storage else HttpResponseRedirect(begun.redirect_url)
    if not begun.storage:
        response.status_code = 303  # a POST becomes a GET
    set_embedded_cookie(
        response,
        begun.cookie_name,
        begun.cookie_value,
        max_age=int(LOGIN_LIFE.total_seconds()),
        path=LAUNCH_PATH,
    )
    return response


def _storing_page(request: HttpRequest, begun: Login) -> HttpResponse:
    """The page that leaves the secret in the platform's storage, then goes on.

    Anybody may frame it: which hosts a platform frames us from is only in the signed launch. It gives the
    secret to no window but one of the platform's own origin.
    """
    response = render(request, "lti_tool/store.html", {"login": begun})
    set_embedded_cookie(response, KEPT_COOKIE, "1", max_age=KEPT_LIFE, path="/lti/")
    allow_framing(response, ["*"])
    return response
