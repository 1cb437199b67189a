"""The page, the log line and the count of a refused login or launch."""

import logging
import uuid
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from prometheus_client import Counter

from common.middleware import set_embedded_cookie
from lti_tool.claims import LaunchRefusedError, ReasonCode, Trail, clean
from lti_tool.identity import KEPT_COOKIE, allow_framing
from lti_tool.origins import origin_of
from lti_tool.services.reports import note_refusal

log = logging.getLogger(__name__)

LAUNCHES: Final = Counter("foyer_launches", "Launches by outcome: accepted, or the reason code.", ["outcome"])

_STATUS: Final = {
    ReasonCode.BAD_REQUEST: 400,
    ReasonCode.BAD_JWT: 400,
    ReasonCode.BAD_PAYLOAD: 400,
    ReasonCode.BAD_AUD: 401,
    ReasonCode.KEYS_UNAVAILABLE: 503,
}

Text = str | Promise

_REGISTRATION: Final = _(
    "Compare the registration of this tool in your LMS with what this tool has stored: issuer, client id, "
    "and the "
    "addresses for authentication, token and keyset must be equal, letter by letter."
)
_CLOCK: Final = _(
    "The clock of your LMS and the clock of this server differ, or the launch waited for very long. Both "
    "servers "
    "should set their clocks by NTP."
)
_FAULTY: Final = _(
    "The LMS sent a launch that does not follow LTI 1.3. Please report the code to the LMS's support; "
    "other launches "
    "from the same course are not affected."
)
_FORGED: Final = _(
    "The launch is not signed as this registration demands. If it happens to everybody, compare the keyset "
    "URL in "
    "this tool with the one your LMS shows; if it happened once, somebody may have tampered with it."
)

# What the person reads, and what the administrator should know.
_TEXTS: Final[dict[ReasonCode, tuple[Text, Text]]] = {
    ReasonCode.BAD_REQUEST: (
        _("The LMS began to open this tool, but what it sent was not complete."),
        _(
            "A required parameter was missing, sent twice or far too long. Check the login URL in the "
            "registration."
        ),
    ),
    ReasonCode.UNKNOWN_PLATFORM: (
        _("This tool does not know the LMS that sent you."),
        _(
            "There is no registration with this issuer and client id. Register the LMS here, or correct "
            "the values."
        ),
    ),
    ReasonCode.PLATFORM_DISABLED: (
        _("Your LMS is registered here, but switched off."),
        _("The registration has been disabled. The operator of this tool can switch it on again."),
    ),
    ReasonCode.PLATFORM_ERROR: (
        _("Your LMS did not let you through to this tool."),
        _("The LMS answered our question who is there with an error of its own, which stands below."),
    ),
    ReasonCode.LOGIN_REQUIRED: (
        _("Your LMS could not see that you are signed in."),
        _(
            "The browser kept the LMS's own cookie from it, as browsers do in frames. Signing in to the "
            "LMS again, "
            "allowing its cookies, or opening the link in a new tab helps."
        ),
    ),
    ReasonCode.BAD_STATE: (
        _("This launch took too long, or was begun somewhere else."),
        _("The launch answers no login that this server remembers: a login is good for ten minutes."),
    ),
    ReasonCode.REPLAY: (
        _("This launch has been used already."),
        _(
            "The same launch came a second time, as happens when a page is reloaded. Nothing needs to be "
            "repaired."
        ),
    ),
    ReasonCode.BAD_JWT: (_("What the LMS sent could not be read."), _FAULTY),
    ReasonCode.BAD_ALG: (_("What the LMS sent could not be checked."), _FORGED),
    ReasonCode.NO_KID: (_("What the LMS sent could not be checked."), _FORGED),
    ReasonCode.UNKNOWN_KID: (_("What the LMS sent could not be checked."), _FORGED),
    ReasonCode.BAD_SIGNATURE: (_("What the LMS sent could not be checked."), _FORGED),
    ReasonCode.KEYS_UNAVAILABLE: (
        _("Your LMS did not answer in time. Try again in a minute."),
        _(
            "The keyset URL of the LMS did not give a usable answer within a few seconds. It must be "
            "https, on a public "
            "address, and must answer without a redirect."
        ),
    ),
    ReasonCode.NO_BROWSER_BINDING: (
        _("Your browser did not keep the cookie that this launch needs."),
        _(
            "Browsers block cookies of tools inside another site's frame unless they are partitioned, and "
            "some block "
            "them all. Opening in a new tab helps; so does a link that always opens in a new window."
        ),
    ),
    ReasonCode.BAD_PAYLOAD: (_("What the LMS sent could not be read."), _FAULTY),
    ReasonCode.BAD_ISS: (_("The launch came from another LMS than the one that began it."), _REGISTRATION),
    ReasonCode.BAD_AUD: (_("The launch was meant for another tool."), _REGISTRATION),
    ReasonCode.BAD_AZP: (_("The launch was meant for another tool."), _REGISTRATION),
    ReasonCode.EXPIRED: (_("This launch has expired."), _CLOCK),
    ReasonCode.BAD_IAT: (_("This launch is too old, or comes from the future."), _CLOCK),
    ReasonCode.BAD_NONCE: (_("This launch does not belong to the login that began it."), _FORGED),
    ReasonCode.BAD_VERSION: (_("Your LMS speaks another version of LTI than this tool."), _FAULTY),
    ReasonCode.BAD_MESSAGE_TYPE: (
        _("Your LMS asked for something that this tool does not do."),
        _("Links in a course and its content picker are answered. Add the tool in one of these ways."),
    ),
    ReasonCode.NO_DEPLOYMENT: (_("The LMS did not say which deployment you come from."), _FAULTY),
    ReasonCode.UNKNOWN_DEPLOYMENT: (
        _("Your part of the LMS has not been let in yet."),
        _(
            "This deployment of the registration is not approved here. It has been noted: an administrator "
            "or an operator approves it in the console, under “Registrations”."
        ),
    ),
    ReasonCode.BAD_TARGET: (
        _("The link in the course does not point to this tool."),
        _("The target link URI must be an address of this tool, the same at login and in the launch."),
    ),
    ReasonCode.NO_ROLES: (_("The LMS did not say what you are in this course."), _FAULTY),
    ReasonCode.NO_RESOURCE_LINK: (_("The LMS did not say which link you followed."), _FAULTY),
    ReasonCode.NO_USER: (
        _("The LMS did not say who you are, so we cannot keep a place for you."),
        _(
            "Anonymous launches are refused. Let the deployment send the user id; name and email are not "
            "needed."
        ),
    ),
    ReasonCode.PERSON_DISABLED: (
        _("Your access to this tool has been switched off."),
        _("An operator has disabled this person here. The operator of this tool can switch it on again."),
    ),
    ReasonCode.BAD_DL_SETTINGS: (_("The LMS did not say how to give the choice back."), _FAULTY),
}


# Where one code stands for several cases.
_VARIANTS: Final[dict[tuple[ReasonCode, str], tuple[Text, Text]]] = {
    (ReasonCode.PLATFORM_DISABLED, "waiting"): (
        _("Your LMS is registered here, but not switched on yet."),
        _("The registration waits for approval. The operator of this tool can switch it on."),
    ),
    (ReasonCode.UNKNOWN_DEPLOYMENT, "disabled"): (
        _("Your part of the LMS has been switched off here."),
        _("This deployment has been disabled. The operator of this tool can switch it on again."),
    ),
    (ReasonCode.UNKNOWN_DEPLOYMENT, "other"): (
        _("The launch came from another part of the LMS than the one that began it."),
        _(
            "The deployment id in the launch is not the one that came with the login. Please report the code "
            "to the LMS's support."
        ),
    ),
}


def status_of(reason: ReasonCode) -> int:
    """The HTTP status of a refusal."""
    return _STATUS.get(reason, 403)


def words_of(code: str) -> tuple[str, str]:
    """What happened, and what an administrator should know, for a code; empty for one that we do not know."""
    try:
        happened, advice = _TEXTS[ReasonCode(code)]
    except (KeyError, ValueError):
        return "", ""
    return str(happened), str(advice)


def refuse(request: HttpRequest, error: LaunchRefusedError, *, status: int | None = None) -> HttpResponse:
    """Tell the person and the administrator, write the log line, count."""
    reason, trail, reference = error.reason, error.trail, uuid.uuid4().hex[:8]
    texts = _VARIANTS.get((reason, error.variant), _TEXTS[reason])
    error.message, error.next_step = (str(text) for text in texts)
    can_start_over = trail.login is not None and reason in {
        ReasonCode.NO_BROWSER_BINDING,
        ReasonCode.LOGIN_REQUIRED,
    }
    context = {
        "error": error,
        "detail": clean(error.detail),
        "reference": reference,
        "happened_at": timezone.now(),
        "login": trail.login if can_start_over else None,
    }
    response = render(
        request, "lti_tool/refused.html", context, status=status_of(reason) if status is None else status
    )
    response["Cache-Control"] = "no-store"
    if reason is ReasonCode.KEYS_UNAVAILABLE:
        response["Retry-After"] = "30"
    if can_start_over:
        let_start_over(response, trail)
    else:
        allow_framing(response, trail.frame_origins or ["*"])
    if reason is ReasonCode.NO_BROWSER_BINDING and KEPT_COOKIE in request.COOKIES:
        set_embedded_cookie(response, KEPT_COOKIE, "", max_age=0, path="/lti/")  # it promised too much
    LAUNCHES.labels(reason.value).inc()
    note_refusal(error, reference=reference, now=timezone.now())
    log.warning(
        "launch refused code=%s kid=%s iss=%s client_id=%s deployment_id=%s reference=%s",
        reason.value,
        *(_for_log(value) for value in (trail.kid, trail.issuer, trail.client_id, trail.deployment_id)),
        reference,
    )
    return response


def _for_log(value: str) -> str:
    """A foreign value for a log line: short, printable, without spaces that could fake a field."""
    return clean(value, cap=120).replace(" ", "_") or "-"


def let_start_over(response: HttpResponse, trail: Trail) -> None:
    """Let the page hold a form that starts a new login, framed by the login's platform only.

    The form goes to our login, which redirects to the platform, which may redirect within itself.
    """
    allow_framing(response, trail.frame_origins or ["*"])
    sources = list(filter(None, ["'self'", origin_of(trail.auth_url), "https:"]))
    response._csp_replace["form-action"] = sources  # type: ignore[attr-defined]  # noqa: SLF001 - read by django-csp
