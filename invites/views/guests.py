"""The console's tab `guests`: what is held of one person, erased, handed out, joined; by ids in addresses."""

import json
from typing import Final
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from common.throttle import Limit
from invites.access import ConsoleRequest, for_console
from invites.queries import settings_for
from invites.queries.held import (
    Kind,
    Subject,
    export_of,
    invites_of,
    participations_of,
    subject_for,
    subjects_at,
)
from invites.services.privacy import erase_address, erase_guest, erase_person, join_guest, note_export
from invites.views.console_page import console_page

SEARCHES: Final = Limit("console-guests", 120, 60)
SHOWN: Final = 50  # rows of a list; the data that is handed out has all


class AddressForm(forms.Form):
    """An exact address."""

    address = forms.CharField(
        label=gettext_lazy("Exact email address"),
        max_length=320,
        error_messages={"required": gettext_lazy("Enter an email address.")},
    )


def guests(request: ConsoleRequest) -> HttpResponse:
    """Look for somebody by their exact address."""
    console = request.console
    context: dict[str, object] = {
        "days": settings_for(console.tenant).guest_retention_days,
        "rules_url": console.url("invitetomedia"),
        "done": request.GET.get("done", ""),
    }
    if request.method != "POST":
        return console_page(request, console, "guests", {**context, "form": AddressForm()})
    SEARCHES.count(console.actor)
    form = AddressForm(request.POST)
    found = subjects_at(console.tenant, form.cleaned_data["address"]) if form.is_valid() else []
    if form.is_valid() and not found:
        form.add_error("address", _("Nothing is held of this address at your institution."))
    if len(found) == 1:
        return _to(request, found[0])
    choices = [(each, _address(request, each)) for each in found]
    page = {**context, "form": form, "found": choices}
    return console_page(request, console, "guests", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_console
def held(request: ConsoleRequest, kind: str, key: UUID) -> HttpResponse:
    """What is held of somebody; a POST erases it, once it is confirmed.

    Raises:
        MissingError: there is nobody with this id at the tenant.
    """
    subject = subject_for(request.console.tenant, kind, key)
    if request.method == "POST" and "confirmed" in request.POST:
        _erase(subject, by=request.console.actor)
        address = request.console.url("guests")
        response = redirect(f"{address}{'&' if '?' in address else '?'}done=erased")
        response.status_code = 303
        return response
    is_asked = request.method == "POST"
    return _page(request, subject, is_asked=is_asked, status=422 if is_asked else 200)


@require_POST
@never_cache
@for_console
def held_export(request: ConsoleRequest, kind: str, key: UUID) -> HttpResponse:
    """Everything that is held of somebody, as a JSON file.

    Raises:
        MissingError: there is nobody with this id at the tenant.
    """
    subject = subject_for(request.console.tenant, kind, key)
    data = export_of(subject)
    note_export(subject.tenant, subject.label, by=request.console.actor, now=timezone.now())
    response = HttpResponse(
        json.dumps(data, ensure_ascii=False, indent=2) + "\n", content_type="application/json; charset=utf-8"
    )
    response["Content-Disposition"] = (
        f'attachment; filename="foyer-{subject.kind}-{str(subject.key)[:8]}.json"'
    )
    return response


@require_POST
@never_cache
@for_console
def held_join(request: ConsoleRequest, key: UUID) -> HttpResponse:
    """Say that a guest is a person of the LMS, named by their exact address there.

    Raises:
        MissingError: there is no such guest at the tenant.
    """
    subject = subject_for(request.console.tenant, Kind.GUEST, key)
    SEARCHES.count(request.console.actor)
    form = AddressForm(request.POST)
    people: list[Subject] = []
    if form.is_valid():
        found = subjects_at(subject.tenant, form.cleaned_data["address"])
        people = [each for each in found if each.kind == Kind.PERSON]
        if not people:
            form.add_error("address", _("The LMS has sent nobody with this address."))
    chosen = request.POST.get("person", "")
    match = next((each for each in people if str(each.key) == chosen), None)
    if match is not None and match.person is not None and subject.guest is not None:
        join_guest(subject.guest, match.person, by=request.console.actor, now=timezone.now())
        return _to(request, match, done="joined")
    return _page(request, subject, join_form=form, candidates=people, status=422 if form.errors else 200)


def _erase(subject: Subject, *, by: str) -> None:
    now = timezone.now()
    if subject.guest is not None:
        erase_guest(subject.guest, by=by, now=now)
    elif subject.person is not None:
        erase_person(subject.person, by=by, now=now)
    else:
        erase_address(subject.tenant, subject.normalised_email, by=by, now=now)


def _address(request: ConsoleRequest, subject: Subject) -> str:
    return request.console.address("invites:held", subject.kind.value, subject.key)


def _to(request: ConsoleRequest, subject: Subject, *, done: str = "") -> HttpResponse:
    address = _address(request, subject)
    if done:
        address += f"{'&' if '?' in address else '?'}done={done}"
    response = redirect(address)
    response.status_code = 303
    return response


def _page(
    request: ConsoleRequest,
    subject: Subject,
    *,
    is_asked: bool = False,
    join_form: AddressForm | None = None,
    candidates: list[Subject] | None = None,
    status: int = 200,
) -> HttpResponse:
    console = request.console
    data = export_of(subject)
    invites, sessions = invites_of(subject), participations_of(subject)
    counts = {name: len(rows) for name, rows in data.items() if isinstance(rows, list)}
    context = {
        "subject": subject,
        "data": data,
        "counts": counts,
        "invites": invites[:SHOWN],
        "sessions": sessions[:SHOWN],
        "said": data["messages"][:SHOWN],  # `messages` are Django's
        "is_asked": is_asked,
        "is_person": subject.kind == Kind.PERSON,
        "join_form": join_form or AddressForm(),
        "candidates": candidates or [],
        "done": request.GET.get("done", ""),
        "guests_url": console.url("guests"),
        "held_url": _address(request, subject),
        "export_url": console.address("invites:held-export", subject.kind.value, subject.key),
        "join_url": console.address("invites:held-join", subject.key) if subject.kind == Kind.GUEST else "",
    }
    return console_page(
        request, console, "guests", context, template="invites/console/held.html", status=status
    )
