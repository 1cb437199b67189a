"""Rights given by name, and the owner."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from lti_tool.identity import tab_of
from rooms.access import ViewerRequest, for_viewer, viewer_by_tab
from rooms.forms import RIGHT_HELP, CollaboratorForm, OwnerForm, RightForm, SearchForm
from rooms.policy.rights import Power
from rooms.queries import collaborator_for, collaborators_of, courses_of, owner_of, people_for
from rooms.services.collaborators import change_owner, give_right, take_right
from rooms.views.answers import see_other


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def collaborators(request: ViewerRequest) -> HttpResponse:
    """Who has a right by name; one more."""
    request.viewer.must(Power.COLLABORATORS)
    viewer, tab = request.viewer, tab_of(request)
    if request.method != "POST":
        return _page(request, CollaboratorForm(viewer=viewer, tab=tab))
    form = CollaboratorForm(request.POST, viewer=viewer, tab=tab)
    if not form.is_valid() or form.found is None:
        return _page(request, form, status=422)
    give_right(request.entry, form.found, right=form.chosen, by=viewer)
    return _done(request, "given")


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def collaborator(request: ViewerRequest, collaborator_id: int) -> HttpResponse:
    """Another right for somebody who has one, or none."""
    request.viewer.must(Power.COLLABORATORS)
    held = collaborator_for(request.viewer, collaborator_id)
    if request.method == "POST":
        form = RightForm(request.POST)
        if form.is_valid():
            give_right(request.entry, held.person, right=form.chosen, by=request.viewer)
            return _done(request, "given")
    else:
        form = RightForm(initial={"right": held.right})
    context = {"entry": request.entry, "held": held, "form": form, "right_help": RIGHT_HELP}
    status = 422 if form.errors else 200
    return render(request, "rooms/collaborator.html", context, status=status)


@for_viewer
@require_POST
def collaborator_remove(request: ViewerRequest, collaborator_id: int) -> HttpResponse:
    """No right by name any more."""
    request.viewer.must(Power.COLLABORATORS)
    take_right(collaborator_for(request.viewer, collaborator_id), by=request.viewer)
    return _done(request, "taken_away")


@for_viewer
@require_POST
def people(request: ViewerRequest) -> HttpResponse:
    """Suggestions under the field that looks for a person; what is typed stands in no address."""
    request.viewer.must(Power.COLLABORATORS)
    found = people_for(request.viewer, tab_of(request), SearchForm.read(request.POST))
    return render(request, "rooms/_people.html", {"people": found})


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def owner(request: ViewerRequest) -> HttpResponse:
    """Give the room to somebody else: choose, confirm, done."""
    request.viewer.must(Power.COLLABORATORS)
    viewer, tab, current = request.viewer, tab_of(request), owner_of(request.entry)
    context: dict[str, object] = {"entry": request.entry, "viewer": viewer, "owner": current}
    if request.method != "POST":
        form = OwnerForm(viewer=viewer, tab=tab)
        return render(request, "rooms/owner.html", {**context, "form": form})
    form = OwnerForm(request.POST, viewer=viewer, tab=tab)
    if not form.is_valid() or form.found is None:
        return render(request, "rooms/owner.html", {**context, "form": form}, status=422)
    if not form.cleaned_data["is_confirmed"]:
        return render(request, "rooms/owner_confirm.html", {**context, "person": form.found})
    change_owner(request.entry, form.found, instead_of=form.cleaned_data["owner_seen"], by=viewer)
    return _done(request, "owner")


def _page(request: ViewerRequest, form: CollaboratorForm, *, status: int = 200) -> HttpResponse:
    context = {
        "entry": request.entry,
        "viewer": request.viewer,
        "rows": list(collaborators_of(request.viewer)),
        "courses": list(courses_of(request.entry)),
        "form": form,
        "right_help": RIGHT_HELP,
    }
    return render(request, "rooms/collaborators.html", context, status=status)


def _done(request: ViewerRequest, notice: str) -> HttpResponse:
    """Back to the list, or to wherever whoever took a right from themselves may still be."""
    tab = tab_of(request)
    viewer = viewer_by_tab(request.entry, tab) if tab else None
    if viewer is None:
        return see_other(reverse("rooms:landing"))
    if not viewer.may(Power.COLLABORATORS):
        return see_other(request.entry.get_absolute_url(), notice=notice)
    return see_other(reverse("rooms:collaborators", args=[request.entry.pk]), notice=notice)
