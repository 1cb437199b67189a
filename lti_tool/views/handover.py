"""“Open in a new tab”: from the frame, whose cookies live with the LMS's page, to a tab with its own."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from common.access import public
from common.errors import GoneError
from lti_tool.identity import TabRequest, address_under, for_tab
from lti_tool.services.handover import offer_hand_over, take_hand_over
from lti_tool.views.forms import is_sent_by_us
from lti_tool.views.launch import landing_of, set_tab_cookies


@for_tab
@require_POST
@never_cache
def hand_over(request: TabRequest) -> HttpResponse:
    """Make a code, and the button that takes it to a new tab (static/js/frame.js presses it by itself)."""
    code = offer_hand_over(request.tab, path=_page(request.POST.get("at", "")))
    context = {
        "code": code,
        "address": address_under("/", "lti_tool:open-tab"),
        "home": landing_of(request.tab),
    }
    return render(request, "lti_tool/hand_over.html", context)


@public("the code says whose tab it is; it is good once, for a minute, and only from our own page")
@csrf_exempt
@require_POST
@never_cache
def open_tab(request: HttpRequest) -> HttpResponse:
    """Open the tab that a code stands for.

    The code comes in a form, so that it is in no address and no log. A form on another site could bring
    somebody else's code, to let a person work as another: such a request is told by its Origin.

    Raises:
        GoneError: the code is not good (any more).
    """
    code = request.POST.get("code", "") if is_sent_by_us(request) else ""
    try:
        launched, path = take_hand_over(code)
    except GoneError as error:
        error.message = _("This way into a new tab has been used, or has waited for more than a minute.")
        error.next_step = _("Go back to the page you came from, and press “Open in a new tab” there again.")
        raise
    response = HttpResponseRedirect(landing_of(launched.tab, path))
    response.status_code = 303
    set_tab_cookies(response, launched)
    return response


def _page(path: str) -> str:
    """The path, if it is one of our pages; empty (where a launch lands) otherwise."""
    try:
        resolve(path)
    except Resolver404:
        return ""
    return path
