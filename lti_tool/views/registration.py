"""What a platform must store about this tool: as a file, or in a conversation (dynamic registration)."""

import logging
import uuid
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from common.access import public
from lti_tool.claims import DEEP_LINKING_REQUEST, RESOURCE_LINK_REQUEST
from lti_tool.configuration import COPY_VARIABLES, PlatformConfiguration, RegistrationTroubleError, Trouble
from lti_tool.forms import WishesForm
from lti_tool.identity import allow_framing
from lti_tool.models import Platform
from lti_tool.origins import origin_of
from lti_tool.services.dynamic_registration import (
    Outcome,
    Proposal,
    begin_registration,
    complete_registration,
    invitation_behind,
    judge_hosts,
    proposal_behind,
    tool_facts,
)
from lti_tool.services.registration import KEYS_PATH, LAUNCH_PATH, LOGIN_PATH
from lti_tool.services.roster import ROSTER_SCOPE
from lti_tool.vendors import Vendor, frames_from_elsewhere

log = logging.getLogger(__name__)


@public("platforms and administrators read it before there is any registration")
@require_safe
@cache_control(public=True, max_age=600)
def config_json(_request: HttpRequest) -> JsonResponse:
    """The facts of this tool in the form that Canvas reads."""
    base: str = settings.PUBLIC_URL
    title = "Foyer"
    placements = [
        {
            "placement": name,
            "message_type": message_type,
            "target_link_uri": base + LAUNCH_PATH,
            "text": title,
        }
        for name, message_type in (
            ("course_navigation", RESOURCE_LINK_REQUEST),
            ("link_selection", DEEP_LINKING_REQUEST),
        )
    ]
    return JsonResponse(
        {
            "title": title,
            "description": "Rooms in a course, and secure links for guests from outside it.",
            "target_link_uri": base + LAUNCH_PATH,
            "oidc_initiation_url": base + LOGIN_PATH,
            "public_jwk_url": base + KEYS_PATH,
            "scopes": [ROSTER_SCOPE],
            "custom_fields": {name: f"${name}" for name in COPY_VARIABLES},
            "extensions": [
                {
                    "platform": "canvas.instructure.com",
                    "domain": base.partition("://")[2],
                    "tool_id": "foyer",
                    "privacy_level": "public",
                    "settings": {
                        "text": title,
                        "icon_url": f"{base}{static('img/favicon.svg')}",
                        "placements": placements,
                    },
                }
            ],
        }
    )


# --- Dynamic registration ----------------------------------------------------------------------------

Text = str | Promise

_ANEW: Final = _("Start the registration in your LMS once more, with the same address.")
_NEW_INVITATION: Final = _("Ask the operator of this tool for a new address.")

# What happened, and what to do next. Status: 4xx, for nothing here is a failure of this server.
_TEXTS: Final[dict[Trouble, tuple[int, Text, Text]]] = {
    Trouble.NO_INVITATION: (
        404,
        _("This registration address is not one of ours."),
        _(
            "Registering needs an address that an operator or administrator of Foyer has made. Compare it "
            "letter by letter with the one that you were given, or ask for a new one."
        ),
    ),
    Trouble.INVITATION_EXPIRED: (410, _("This registration address has expired."), _NEW_INVITATION),
    Trouble.INVITATION_USED: (
        410,
        _("This registration address has been used already."),
        _("Each address is good for one registration. Ask the operator of this tool for another one."),
    ),
    Trouble.BAD_ADDRESS: (
        422,
        _("Your LMS named an address that this server does not call."),
        _(
            "Addresses must be https, public, and without a password. The operator can allow private "
            "networks."
        ),
    ),
    Trouble.UNREACHABLE: (
        422,
        _("The configuration of your LMS could not be fetched."),
        _(
            "It must answer within a few seconds, without a redirect. The address may be good for one try "
            "only: start the registration in your LMS once more, with the same address of ours."
        ),
    ),
    Trouble.NO_DOCUMENT: (422, _("What your LMS sent is not a configuration."), _ANEW),
    Trouble.INCOMPLETE: (
        422,
        _("The configuration of your LMS is not complete."),
        _("What is missing stands below. Register by hand instead, or ask the maker of your LMS."),
    ),
    Trouble.UNSUPPORTED: (
        422,
        _("Your LMS does not support what this tool needs."),
        _("Launches are signed with RS256, and access tokens are asked for by private key."),
    ),
    Trouble.OTHER_HOST: (
        403,
        _("This configuration speaks for somebody else’s address."),
        _(
            "It lies on another host than the issuer that it names. That is right for some LMSs, but an "
            "operator of this tool has to say so: let them tick “on another host” for this invitation, then "
            "reload this page within the hour."
        ),
    ),
    Trouble.FORGOTTEN: (410, _("This registration has been open for too long."), _ANEW),
    Trouble.PLATFORM_REFUSED: (
        422,
        _("Your LMS refused the registration."),
        _(
            "Nothing has been stored here. Change what it objects to and register again. If it then says "
            "that its token has been used, start once more in your LMS, with the same address."
        ),
    ),
    Trouble.NO_ANSWER: (
        422,
        _("Your LMS did not answer."),
        _("Look in your LMS whether the tool is there. If it is, delete it; then start once more."),
    ),
    Trouble.NO_CLIENT_ID: (
        422,
        _("Your LMS did not say under which client id it has registered this tool."),
        _("If the tool is in your LMS now, register by hand with the values that your LMS shows."),
    ),
    Trouble.ALREADY_REGISTERED: (
        409,
        _("This LMS is registered here already, with the same client id."),
        _(
            "A registration that exists is never changed from outside. Nothing has been changed here. Delete "
            "the new tool in your LMS, or ask the operator to change the registration."
        ),
    ),
    Trouble.NOT_STORED: (
        422,
        _("A value that your LMS sent cannot be used."),
        _("Delete the new tool in your LMS, then register by hand."),
    ),
}


@public("it only explains that registering needs an invitation")
@require_safe
def without_invitation(request: HttpRequest) -> HttpResponseBase:
    """The address that everybody can guess: it explains, and refuses."""
    response = render(request, "lti_tool/registration/uninvited.html", status=403)
    return allow_framing(response, ["*"])


@public("an LMS sends its administrator here; the invitation in the address is unguessable")
@require_GET  # a HEAD would use up a configuration that is good for one fetch
@never_cache
def start(request: HttpRequest, secret: str) -> HttpResponseBase:
    """Fetch the configuration once, and go on at an address that holds no token of the platform's."""
    address = request.GET.get("openid_configuration", "")
    bearer = request.GET.get("registration_token", "")
    try:
        if not address:
            invitation_behind(secret, now=timezone.now())
            return _private(_how_to_use(request, secret))
        key = begin_registration(secret, address=address, bearer=bearer, now=timezone.now())
    except RegistrationTroubleError as error:
        return _refusal(request, error)
    response = HttpResponseRedirect(reverse("lti_tool:register-review", args=[secret, key]))
    response.status_code = 303
    return _private(allow_framing(response, ["*"]))


@public("who has the invitation and the key of this registration may go on with it")
@csrf_exempt  # a frame may have no cookies at all: the form carries a signed value instead
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def review(request: HttpRequest, secret: str, key: str) -> HttpResponseBase:
    """Show who asks and what will be stored; register on a POST; afterwards, show what to do next."""
    try:
        proposal = proposal_behind(secret, key)
        judge_hosts(proposal)
    except RegistrationTroubleError as error:
        return _refusal(request, error)
    if proposal.outcome is not None:
        return _outcome(request, proposal, proposal.outcome)
    if request.method != "POST":
        form = WishesForm(offer=proposal.offer, key=key)
        return _form(request, proposal, form)
    form = WishesForm(request.POST, offer=proposal.offer, key=key)
    if not form.is_valid():
        return _form(request, proposal, form, status=422)
    try:
        complete_registration(proposal, form.read(), now=timezone.now())
    except RegistrationTroubleError as error:
        return _form(request, proposal, form, error=error)
    response = HttpResponseRedirect(reverse("lti_tool:register-review", args=[secret, key]))
    response.status_code = 303
    return _private(allow_framing(response, _ancestors(proposal)))


def _how_to_use(request: HttpRequest, secret: str) -> HttpResponse:
    address = settings.PUBLIC_URL + reverse("lti_tool:register-start", args=[secret])
    return render(request, "lti_tool/registration/invited.html", {"address": address})


def _form(
    request: HttpRequest,
    proposal: Proposal,
    form: WishesForm,
    *,
    status: int = 200,
    error: RegistrationTroubleError | None = None,
) -> HttpResponseBase:
    context: dict[str, object] = {"form": form, **_who_asks(proposal)}
    if error is not None:
        status, context["trouble"], context["next_step"] = _TEXTS[error.trouble]
        context["answer"] = error.detail
    response = render(request, "lti_tool/registration/review.html", context, status=status)
    return _private(allow_framing(response, _ancestors(proposal)))


def _who_asks(proposal: Proposal) -> dict[str, object]:
    configuration: PlatformConfiguration = proposal.configuration
    hosts = [urlsplit(url).netloc for url in (configuration.auth_url, configuration.token_url)]
    return {
        "proposal": proposal,
        "configuration": configuration,
        "vendor": configuration.vendor.value,
        "hosts": list(dict.fromkeys(hosts)),
        "facts": tool_facts(),
        "is_other_host": origin_of(proposal.configuration_url) != origin_of(configuration.issuer),
    }


def _outcome(request: HttpRequest, proposal: Proposal, outcome: Outcome) -> HttpResponseBase:
    # Looked up now: an operator may have confirmed it since, and a reload should say so.
    platform = Platform.objects.filter(pk=outcome.platform_id).first()
    vendor = proposal.configuration.vendor
    claim_path = reverse("lti_tool:claim", args=[proposal.claim_secret])
    context = {
        **_who_asks(proposal),
        "outcome": outcome,
        "platform": platform,
        "is_waiting": platform is None or platform.state == Platform.State.WAITING,
        "claim_url": settings.PUBLIC_URL + claim_path,
        "steps": f"lti_tool/registration/_next_{vendor.value}.html",
        "closing_origins": " ".join(
            ["*"] if frames_from_elsewhere(proposal.configuration.issuer) else proposal.origins
        ),
        "opens_in_tab": vendor is Vendor.BRIGHTSPACE,
    }
    response = render(request, "lti_tool/registration/done.html", context)
    return _private(allow_framing(response, _ancestors(proposal)))


def _ancestors(proposal: Proposal) -> list[str]:
    """Who may frame the page: the platform. Behind a shared issuer its pages have hosts that nobody names."""
    elsewhere = ["https:"] if frames_from_elsewhere(proposal.configuration.issuer) else []
    return [*proposal.origins, *elsewhere]


def _refusal(request: HttpRequest, error: RegistrationTroubleError) -> HttpResponseBase:
    """A page without any action, which therefore anybody may frame."""
    status, message, next_step = _TEXTS[error.trouble]
    reference = uuid.uuid4().hex[:8]
    context = {
        "error": error,
        "message": message,
        "next_step": next_step,
        "detail": error.detail,
        "reference": reference,
        "happened_at": timezone.now(),
    }
    response = render(request, "lti_tool/registration/refused.html", context, status=status)
    log.info("registration refused code=%s reference=%s", error.trouble.value, reference)
    return _private(allow_framing(response, ["*"]))


def _private(response: HttpResponseBase) -> HttpResponseBase:
    """The address is a credential: no other site reads it in a Referer."""
    response["Referrer-Policy"] = "no-referrer"
    return response
