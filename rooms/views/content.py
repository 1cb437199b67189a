"""What the stage shows: chosen, uploaded, replaced, and given captions."""

from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_POST

from rooms.access import ViewerRequest, for_viewer
from rooms.forms import SummaryMixin
from rooms.media_forms import CaptionsForm, MediaForm, language_name
from rooms.policy.media import takes_captions
from rooms.policy.rights import Power
from rooms.queries.media import captions_of, media_of
from rooms.services.media import add_captions, remove_captions, show_address, show_file, show_nothing
from rooms.views.answers import see_other


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def content(request: ViewerRequest) -> HttpResponse:
    """The file or address of an entry."""
    request.viewer.must(Power.EDIT)
    entry = request.entry
    media = media_of(entry)
    if request.method != "POST":
        return _page(request, MediaForm(entry=entry, address=media.address if media else ""))
    if "remove" in request.POST:
        show_nothing(entry, by=request.viewer)
        return see_other(reverse("rooms:content", args=[entry.pk]), notice="stage_emptied")
    form = MediaForm(request.POST, request.FILES, entry=entry)
    if not form.is_valid():
        return _refused(request, form, media_form=form)
    file = form.cleaned_data.get("file")
    if file:
        show_file(entry, file, by=request.viewer)
    else:
        show_address(entry, form.cleaned_data["address"], by=request.viewer)
    return _done(request, entry.get_absolute_url())


@for_viewer
@require_POST
def captions(request: ViewerRequest) -> HttpResponse:
    """Captions in one more language, or others in one that is there."""
    request.viewer.must(Power.EDIT)
    form = CaptionsForm(request.POST, request.FILES)
    if not form.is_valid():
        return _refused(request, form, captions_form=form)
    add_captions(
        request.entry, form.cleaned_data["file"], language=form.cleaned_data["language"], by=request.viewer
    )
    return _done(request, reverse("rooms:content", args=[request.entry.pk]))


@for_viewer
@require_POST
def captions_remove(request: ViewerRequest, captions_id: UUID) -> HttpResponse:
    """Fewer captions."""
    request.viewer.must(Power.EDIT)
    remove_captions(request.entry, captions_id, by=request.viewer)
    return see_other(reverse("rooms:content", args=[request.entry.pk]), notice="stage_saved")


def _is_by_script(request: ViewerRequest) -> bool:
    """static/js/upload.js keeps the page, and with it the chosen file, whatever the answer is."""
    return request.headers.get("Accept", "") == "application/json"


def _done(request: ViewerRequest, address: str) -> HttpResponse:
    if _is_by_script(request):
        return JsonResponse({"to": f"{address}?notice=stage_saved"})
    return see_other(address, notice="stage_saved")


def _refused(
    request: ViewerRequest,
    form: SummaryMixin,
    *,
    media_form: MediaForm | None = None,
    captions_form: CaptionsForm | None = None,
) -> HttpResponse:
    if _is_by_script(request):
        errors = {
            form[name].id_for_label: " ".join(str(each) for each in said)
            for name, said in form.errors.items()
        }
        return JsonResponse({"errors": errors}, status=422)
    return _page(request, media_form, captions_form=captions_form, status=422)


def _page(
    request: ViewerRequest,
    form: MediaForm | None,
    *,
    captions_form: CaptionsForm | None = None,
    status: int = 200,
) -> HttpResponse:
    entry = request.entry
    media = media_of(entry)
    context = {
        "entry": entry,
        "viewer": request.viewer,
        "media": media,
        "form": form or MediaForm(entry=entry, address=media.address if media else ""),
        "takes_captions": media is not None and takes_captions(entry.kind, media.address),
        "captions_form": captions_form or CaptionsForm(language=(get_language() or "en").partition("-")[0]),
        "captions": [
            {"captions": each, "language": language_name(each.language)} for each in captions_of(entry)
        ],
    }
    return render(request, "rooms/content.html", context, status=status)
