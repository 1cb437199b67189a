"""The one-time link with which whoever registered an LMS gets the console."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from common.access import public
from common.middleware import set_embedded_cookie
from lti_tool.identity import CONSOLE_PATH, console_cookie_name
from lti_tool.services.console_keys import (
    KEY_LIFE,
    ClaimRefusedError,
    ClaimTrouble,
    Redeemed,
    claim_behind,
    redeem_console_claim,
    tenant_of_claim,
)

Text = str | Promise

_TEXTS: Final[dict[ClaimTrouble, tuple[int, Text, Text]]] = {
    ClaimTrouble.UNKNOWN: (
        404,
        _("This link is not one of ours."),
        _("Compare it letter by letter with the one that the registration page showed."),
    ),
    ClaimTrouble.EXPIRED: (
        410,
        _("This link has expired."),
        _("Ask the operator of this tool for the console."),
    ),
    ClaimTrouble.USED: (
        410,
        _("This link has been used already."),
        _(
            "If that was not you, tell the operator of this tool at once: they can take the console away "
            "again."
        ),
    ),
    ClaimTrouble.NO_TENANT: (
        409,
        _("There is no console yet."),
        _(
            "Behind this LMS stand many institutions. Yours gets its console with its first deployment: "
            "launch Foyer once, let the operator approve the deployment, then open this link again. It "
            "stays good."
        ),
    ),
}


@public("the secret in the address is the credential; opening it changes nothing, its form does")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def claim(request: HttpRequest, secret: str) -> HttpResponseBase:
    """Say whose console it is; on a POST give it to this browser, for the first time and the last."""
    now = timezone.now()
    try:
        if request.method == "POST":
            browser = request.headers.get("User-Agent", "")
            return _private(_let_in(redeem_console_claim(secret, browser=browser, now=now)))
        tenant = tenant_of_claim(claim_behind(secret, now=now))
    except ClaimRefusedError as error:
        status, message, next_step = _TEXTS[error.trouble]
        context = {"error": error, "message": message, "next_step": next_step}
        return _private(render(request, "lti_tool/registration/refused.html", context, status=status))
    return _private(render(request, "lti_tool/registration/claim.html", {"tenant": tenant}))


def _let_in(redeemed: Redeemed) -> HttpResponse:
    tenant_id = redeemed.key.tenant_id
    console = reverse(settings.CONSOLE_URL_NAME, args=["invitetomedia"])
    response = HttpResponseRedirect(f"{console}?tenant={tenant_id}")
    response.status_code = 303
    set_embedded_cookie(
        response,
        console_cookie_name(tenant_id),
        redeemed.secret,
        max_age=int(KEY_LIFE.total_seconds()),
        path=CONSOLE_PATH,
    )
    return response


def _private(response: HttpResponse) -> HttpResponse:
    """Tell no other site the address. `no-referrer` would hide the form's own origin, too."""
    response["Referrer-Policy"] = "same-origin"
    return response
