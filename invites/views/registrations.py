"""The console's tab `registrations`: which LMSs launch, with which values, and what they sent.

An operator sees all registrations; a tenant's administrator sees the tenant's own, and changes it unless
other institutions launch through it, too.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from common.errors import InvalidError, MissingError, RefusedError
from common.htmx import wants_part
from common.throttle import Limit
from invites.access import Registrar, RegistrarRequest, for_registrar
from invites.probe_words import Trial, name_of, trial_of
from invites.registration_forms import (
    FramesForm,
    NewRegistrationForm,
    RegistrationForm,
    initial_of,
)
from invites.services.platforms import recorded
from invites.views.console_page import console_page, saved
from invites.views.registration_access import shown_invitations, shown_keys
from invites.views.registration_checks import doubts_on
from lti_tool.models import Deployment, LaunchOutline, LaunchRefusal, Platform
from lti_tool.services.probe import Step, next_step, try_step
from lti_tool.services.registration import (
    ForeignAudienceError,
    ForeignClientError,
    ForeignIssuerError,
    RegistrationExistsError,
    change_frame_origins,
    change_registration,
    hold_new_deployments,
    register_platform,
    switch_deployment,
    switch_registration,
)
from lti_tool.services.registration_invitation import make_registration_invitation
from lti_tool.services.reports import KEPT_REFUSALS, forget_refusals
from lti_tool.vendors import CANVAS_VALUES, ToolFacts, Vendor, facts_for
from lti_tool.views.refusals import words_of

# Asks a server that somebody else named.
TESTS: Final = Limit("registration-test", 60, 300)
INVITATIONS: Final = Limit("registration-invitation", 30, 3600)

_PAGE: Final = "invites/console/registration.html"


@dataclass(frozen=True, slots=True)
class VendorFacts:
    """Our values under one LMS's own names."""

    key: str
    name: str
    facts: ToolFacts
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ShownRefusal:
    """A kind of refusal in words."""

    refusal: LaunchRefusal
    happened: str
    advice: str


# --- The tab --------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD"])
@never_cache
@for_registrar
def registrations(request: RegistrarRequest) -> HttpResponse:
    """An operator's list of all registrations; an administrator's own one."""
    return _home_page(request)


def _home_page(request: RegistrarRequest, *, invitation_address: str = "") -> HttpResponse:
    registrar = request.registrar
    if registrar.is_operator:
        return _list_page(request, invitation_address=invitation_address)
    platform = registrar.platforms().first()
    if platform is None:
        raise MissingError
    return _detail_page(request, platform, invitation_address=invitation_address)


def _list_page(request: RegistrarRequest, *, invitation_address: str) -> HttpResponse:
    registrar = request.registrar
    pending = Count("deployments", filter=Q(deployments__state=Deployment.State.PENDING))
    context = {
        "platforms": [
            (platform, registrar.address("invites:registration", platform.pk))
            for platform in registrar.platforms().annotate(pending=pending).order_by("name", "pk")
        ],
        "new_url": registrar.address("invites:registration-new"),
        "invite_url": registrar.address("invites:registration-invite"),
        "invitation_address": invitation_address,
        "invitations": shown_invitations(registrar),
        "registrar": registrar,
        "vendors": _vendor_facts(),
    }
    return console_page(request, registrar.console, "registrations", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_registrar
def registration_new(request: RegistrarRequest) -> HttpResponse:
    """Register an LMS by hand.

    Raises:
        RefusedError: only operators take in new institutions.
    """
    registrar = request.registrar
    _demand_operator(registrar)
    if request.method != "POST":
        return _new_page(request, NewRegistrationForm())
    form = NewRegistrationForm(request.POST)
    if not form.is_valid():
        return _new_page(request, form, status=422)
    if (doubts := doubts_on(form.cleaned_data)) and "anyway" not in request.POST:
        return _new_page(request, form, doubts=doubts)
    try:
        platform = register_platform(form.registration()).platform
    except RegistrationExistsError:
        form.add_error("client_id", _("This issuer and client id are registered already."))
        return _new_page(request, form, status=422)
    except InvalidError as error:
        form.add_error(None, str(error.message))
        return _new_page(request, form, status=422)
    return saved(registrar.address("invites:registration", platform.pk))


def _new_page(
    request: RegistrarRequest, form: NewRegistrationForm, *, doubts: Iterable[str] = (), status: int = 200
) -> HttpResponse:
    registrar = request.registrar
    context = {
        "form": form,
        "doubts": list(doubts),
        "check_url": registrar.address("invites:registration-check"),
        "action_url": registrar.address("invites:registration-new"),
        "list_url": registrar.address("invites:console", "registrations"),
        "vendors": _vendor_facts(),
        "canvas_values": CANVAS_VALUES,
    }
    template = "invites/console/registration_new.html"
    return console_page(
        request, registrar.console, "registrations", context, template=template, status=status
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_registrar
def registration(request: RegistrarRequest, platform_id: int) -> HttpResponse:
    """One registration with all that belongs to it; a POST changes its values."""
    registrar = request.registrar
    if request.method != "POST":
        return _detail_page(request, registrar.platform(platform_id))
    platform = registrar.managed(platform_id)
    form = RegistrationForm(request.POST, initial=initial_of(platform))
    if not form.is_valid():
        return _detail_page(request, platform, form=form, status=422)
    if (doubts := doubts_on(form.cleaned_data, platform)) and "anyway" not in request.POST:
        return _detail_page(request, platform, form=form, doubts=doubts)
    try:
        _record(registrar, platform, partial(change_registration, platform, form.read(), by=registrar.actor))
    except RegistrationExistsError:
        form.add_error("client_id", _("Another registration has this issuer and client id."))
        return _detail_page(request, registrar.platform(platform_id), form=form, status=422)
    except InvalidError as error:
        fields = {
            ForeignAudienceError: "audience",
            ForeignClientError: "client_id",
            ForeignIssuerError: "issuer",
        }
        form.add_error(fields.get(type(error)), f"{error.message} {error.next_step}".strip())
        return _detail_page(request, registrar.platform(platform_id), form=form, status=422)
    return saved(_home(registrar, platform))


def _detail_page(
    request: RegistrarRequest,
    platform: Platform,
    *,
    form: RegistrationForm | None = None,
    frames: FramesForm | None = None,
    doubts: Iterable[str] = (),
    trials: Iterable[Trial] = (),
    invitation_address: str = "",
    status: int = 200,
) -> HttpResponse:
    registrar = request.registrar
    may_manage = registrar.may_manage(platform)
    context: dict[str, object] = {
        "registrar": registrar,
        "platform": platform,
        "may_manage": may_manage,
        "deployments": _deployments(registrar, platform),
        "vendors": _vendor_facts(),
        "list_url": registrar.address("invites:console", "registrations"),
        "trials": list(trials),
        "invite_url": registrar.address("invites:registration-invite"),
        "invitation_address": invitation_address,
        "invitations": [] if registrar.is_operator else shown_invitations(registrar),
        "keys": shown_keys(registrar, platform),
    }
    if may_manage:
        context |= {
            "form": form or RegistrationForm(initial=initial_of(platform)),
            "frames": frames or FramesForm(initial={"frame_origins": "\n".join(platform.frame_origins)}),
            "doubts": list(doubts),
            "outline": LaunchOutline.objects.filter(platform=platform).first(),
            "refusals": _refusals(platform),
            "urls": _urls(registrar, platform),
            "is_own_tab": not registrar.is_operator,
        }
    return console_page(request, registrar.console, "registrations", context, template=_PAGE, status=status)


def _urls(registrar: Registrar, platform: Platform) -> dict[str, str]:
    names = ("test", "switch", "policy", "frames", "forget")
    return {
        **{name: registrar.address(f"invites:registration-{name}", platform.pk) for name in names},
        "check": registrar.address("invites:registration-check"),
        "save": registrar.address("invites:registration", platform.pk),
    }


def _deployments(registrar: Registrar, platform: Platform) -> list[tuple[Deployment, str]]:
    order = {Deployment.State.PENDING: 0, Deployment.State.ACTIVE: 1, Deployment.State.DISABLED: 2}
    rows = registrar.deployments_of(platform).order_by("created_at")
    return [
        (row, registrar.address("invites:deployment-switch", platform.pk, row.pk))
        for row in sorted(rows, key=lambda row: order[Deployment.State(row.state)])
    ]


def _refusals(platform: Platform) -> list[ShownRefusal]:
    rows = LaunchRefusal.objects.filter(platform=platform).order_by("-at", "-pk")[:KEPT_REFUSALS]
    return [ShownRefusal(row, *words_of(row.code)) for row in rows]


def _vendor_facts() -> list[VendorFacts]:
    base = settings.PUBLIC_URL
    return [
        VendorFacts("brightspace", "Brightspace", facts_for(Vendor.BRIGHTSPACE, base=base)),
        VendorFacts(
            "canvas",
            "Canvas",
            facts_for(Vendor.CANVAS, base=base),
            hint=_("Developer Keys → LTI Key → Method “Enter URL”. Canvas reads the rest from there."),
        ),
        VendorFacts("moodle", "Moodle", facts_for(Vendor.MOODLE, base=base)),
        VendorFacts("blackboard", "Blackboard", facts_for(Vendor.BLACKBOARD, base=base)),
        VendorFacts("other", _("Any other LMS"), facts_for(Vendor.OTHER, base=base)),
    ]


def _home(registrar: Registrar, platform: Platform) -> str:
    return registrar.address("invites:registration", platform.pk)


def _record(registrar: Registrar, platform: Platform, change: Callable[[], object]) -> None:
    """Do it, and let it stand in the log of the tenants that it concerns."""
    recorded(platform, change, by=registrar.actor, now=timezone.now())


def _demand_operator(registrar: Registrar) -> None:
    if not registrar.is_operator:
        raise RefusedError(
            _("New institutions are taken in by the operator of this tool."), code="operators_only"
        )


# --- Test this registration -----------------------------------------------------------------------


@require_POST
@never_cache
@for_registrar
def registration_test(request: RegistrarRequest, platform_id: int) -> HttpResponse:
    """Try keys, token and roster: one step for htmx, which asks for the next by itself; all of them else."""
    platform = request.registrar.managed(platform_id)
    TESTS.count(request.registrar.actor)
    if not wants_part(request):
        trials = [trial_of(try_step(platform, step, now=timezone.now()), platform) for step in Step]
        return _detail_page(request, platform, trials=trials)
    step = _step(request.POST.get("step", ""))
    trial = trial_of(try_step(platform, step, now=timezone.now()), platform)
    following = next_step(step)
    context = {
        "trial": trial,
        "next_step": following.value if following else "",
        "next_name": name_of(following) if following else "",
        "test_url": request.registrar.address("invites:registration-test", platform.pk),
    }
    return render(request, "invites/console/_trial.html", context)


def _step(text: str) -> Step:
    try:
        return Step(text)
    except ValueError:
        return Step.KEYS


# --- Changes --------------------------------------------------------------------------------------


@require_POST
@for_registrar
def registration_switch(request: RegistrarRequest, platform_id: int) -> HttpResponse:
    """Disable or enable a registration.

    Raises:
        RefusedError: one that waits is confirmed by an operator.
    """
    registrar = request.registrar
    platform = registrar.managed(platform_id)
    if platform.state == Platform.State.WAITING:
        _demand_operator(registrar)
    is_on = request.POST.get("state") == "on"
    _record(registrar, platform, partial(switch_registration, platform, is_on=is_on, by=registrar.actor))
    return saved(_home(registrar, platform))


@require_POST
@for_registrar
def deployment_switch(request: RegistrarRequest, platform_id: int, deployment_id: int) -> HttpResponse:
    """Approve, enable or disable a deployment.

    Raises:
        MissingError: it is none of this registration's, or another tenant's.
    """
    registrar = request.registrar
    platform = registrar.managed(platform_id)
    deployment = registrar.deployments_of(platform).filter(pk=deployment_id).first()
    if deployment is None:
        raise MissingError
    is_on = request.POST.get("state") == "on"
    _record(registrar, platform, partial(switch_deployment, deployment, is_on=is_on, by=registrar.actor))
    return saved(_home(registrar, platform))


@require_POST
@for_registrar
def registration_policy(request: RegistrarRequest, platform_id: int) -> HttpResponse:
    """Say what becomes of deployments that nobody has named."""
    registrar = request.registrar
    platform = registrar.managed(platform_id)
    holds = request.POST.get("new") != "accept"
    _record(registrar, platform, partial(hold_new_deployments, platform, holds=holds, by=registrar.actor))
    return saved(_home(registrar, platform))


@require_POST
@for_registrar
def registration_frames(request: RegistrarRequest, platform_id: int) -> HttpResponse:
    """Say who may frame the tool besides the LMS's own host."""
    registrar = request.registrar
    platform = registrar.managed(platform_id)
    frames = FramesForm(request.POST)
    if not frames.is_valid():
        return _detail_page(request, platform, frames=frames, status=422)
    try:
        origins = frames.cleaned_data["frame_origins"]
        _record(registrar, platform, partial(change_frame_origins, platform, origins, by=registrar.actor))
    except InvalidError as error:
        frames.add_error("frame_origins", str(error.message))
        return _detail_page(request, platform, frames=frames, status=422)
    return saved(_home(registrar, platform))


@require_POST
@for_registrar
def registration_forget(request: RegistrarRequest, platform_id: int) -> HttpResponse:
    """Clear the list of refusals, as after a repair."""
    registrar = request.registrar
    platform = registrar.managed(platform_id)
    forget_refusals(platform)
    return saved(_home(registrar, platform))


@require_POST
@never_cache
@for_registrar
def registration_invite(request: RegistrarRequest) -> HttpResponse:
    """Make an address for dynamic registration, and show it this once."""
    registrar = request.registrar
    INVITATIONS.count(registrar.actor)
    made = make_registration_invitation(
        by=registrar.actor,
        now=timezone.now(),
        note=request.POST.get("note", "")[:200],
        confirms_itself="confirms_itself" in request.POST,
        allows_other_host="allows_other_host" in request.POST,
    )
    return _home_page(request, invitation_address=made.address)
