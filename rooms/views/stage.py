"""Setting up audio and video, and joining them without a socket."""

from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from common.errors import AppError, MissingError
from common.middleware import status_of
from rooms.access import ViewerRequest, for_viewer
from rooms.acts import refused_act
from rooms.engines.base import Embed
from rooms.models import Entry
from rooms.policy.rights import Power
from rooms.queries.stage import stage_row
from rooms.services.presence import enter_room
from rooms.services.stage import StageSight, has_engine, join_stage, set_stage, stage_sight, way_values
from rooms.stage_forms import StageForm
from rooms.views.answers import see_other


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def stage_settings(request: ViewerRequest) -> HttpResponse:
    """None, a meeting's address, or Jitsi."""
    request.viewer.must(Power.EDIT)
    entry = request.entry
    if not has_engine(entry):
        raise MissingError
    row = stage_row(entry.pk)
    if request.method != "POST":
        return _show_settings(request, entry, StageForm(stage=row))
    form = StageForm(request.POST, stage=row)
    if not form.is_valid():
        return _show_settings(request, entry, form, status=422)
    set_stage(entry, form.choice, by=request.viewer, now=timezone.now())
    return see_other(entry.get_absolute_url(), notice="stage_set")


def _show_settings(
    request: ViewerRequest, entry: Entry, form: StageForm, *, status: int = 200
) -> HttpResponse:
    context = {"entry": entry, "form": form, "sight": stage_sight(entry)}
    return render(request, "rooms/stage/settings.html", context, status=status)


@for_viewer
@require_POST
def stage_join(request: ViewerRequest) -> HttpResponse:
    """The way to the meeting, now: JSON for scripts, a page with a link for everybody else."""
    now = timezone.now()
    wants_json = request.headers.get("Accept") == "application/json"
    try:
        viewer = enter_room(request.entry, by=request.viewer, now=now)
        way = join_stage(request.entry, by=viewer, now=now)
    except AppError as error:
        if not wants_json:
            raise
        return _unkept(JsonResponse(refused_act("", error), status=status_of(error)))
    if wants_json:
        return _unkept(JsonResponse(way_values(way, now=now)))
    context = {"entry": request.entry, "address": way.address, "is_embed": isinstance(way, Embed)}
    return _unkept(render(request, "rooms/stage/way.html", context))


def _unkept(response: HttpResponse) -> HttpResponse:
    """It is for one reader and some minutes: kept nowhere, told to nobody."""
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def lend_to_stage(response: HttpResponseBase, stage: StageSight) -> None:
    """Let the page run and frame what its stage needs, and lend it camera and microphone; nobody else.

    A page keeps its policy for as long as it is open: one that waits before the doors has it already.
    """
    lent = "()"
    if stage.origins:
        said: dict[str, list[str]] = getattr(response, "_csp_replace", {})
        more = {name: [*said.get(name, ["'self'"]), *stage.origins] for name in ("script-src", "frame-src")}
        response._csp_replace = {**said, **more}  # type: ignore[attr-defined]  # noqa: SLF001 - read by django-csp
        quoted = " ".join(f'"{origin}"' for origin in stage.origins)
        lent = f"(self {quoted})"
    devices = ("camera", "microphone", "display-capture")
    response.headers["Permissions-Policy"] = ", ".join(f"{device}={lent}" for device in devices)
