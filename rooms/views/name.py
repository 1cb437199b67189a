"""What to call somebody of whom the LMS tells no name: asked once, between launch and room."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from lti_tool.identity import TabRequest, for_tab
from lti_tool.services.people import name_person
from rooms.forms import NameForm
from rooms.views.answers import see_other


@for_tab
@require_http_methods(["GET", "HEAD", "POST"])
def name(request: TabRequest) -> HttpResponse:
    """The name to show here; going on without one is as good an answer."""
    person = request.tab.person
    if person.given_by_lms:  # it counts, whatever somebody chooses here
        return see_other(reverse("rooms:landing"))
    if request.method != "POST":
        return _page(request, NameForm(initial={"name": person.chosen_name}))
    if "skip" in request.POST:
        name_person(person, person.chosen_name, now=timezone.now())
        return see_other(reverse("rooms:landing"))
    form = NameForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    name_person(person, form.cleaned_data["name"], now=timezone.now())
    return see_other(reverse("rooms:landing"))


def _page(request: TabRequest, form: NameForm, *, status: int = 200) -> HttpResponse:
    return render(request, "rooms/name.html", {"tab": request.tab, "form": form}, status=status)
