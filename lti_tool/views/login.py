"""OIDC login initiation: a platform asks us to ask it who is there."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from common.access import public
from common.middleware import set_embedded_cookie
from common.throttle import Limit
from lti_tool.claims import LaunchRefusedError, read_login
from lti_tool.services.launch import LOGIN_LIFE, begin_login
from lti_tool.services.registration import LAUNCH_PATH
from lti_tool.views.forms import posted_or_queried
from lti_tool.views.refusals import refuse

# A whole campus launches from one address: this only keeps one machine from filling the memory of logins.
LOGINS: Final = Limit("login", tries=3000, seconds=60)


@public("a platform sends every browser here first; nothing in it is believed")
@csrf_exempt
@require_http_methods(["GET", "POST"])
@never_cache
def login(request: HttpRequest) -> HttpResponse:
    """Redirect to the platform, with a state of ours, and bind it to this browser."""
    LOGINS.count(request.META.get("REMOTE_ADDR", ""))
    try:
        asked = read_login(posted_or_queried(request), public_url=settings.PUBLIC_URL)
        begun = begin_login(asked, now=timezone.now())
    except LaunchRefusedError as error:
        return refuse(request, error)
    response = HttpResponseRedirect(begun.redirect_url)
    response.status_code = 303  # a POST becomes a GET
    set_embedded_cookie(
        response,
        begun.cookie_name,
        begun.cookie_value,
        max_age=int(LOGIN_LIFE.total_seconds()),
        path=LAUNCH_PATH,
    )
    return response
