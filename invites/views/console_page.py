"""What the tabs of the console share: the row of tabs, the notice after saving, the way back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy

from common.htmx import render_part
from invites.access import Console

# Names and modules, in the order in which they stand.
_TABS: Final = (
    (gettext_lazy("Invite to media"), "invitetomedia"),
    (gettext_lazy("Email templates"), "emailtemplates"),
    (gettext_lazy("Groups"), "groups"),
    (gettext_lazy("Theming"), "theming"),
    (gettext_lazy("Roles"), "rolemapping"),
    (gettext_lazy("Registrations"), "registrations"),
    (gettext_lazy("Numbers"), "numbers"),
    (gettext_lazy("Audit log"), "audit"),
)


@dataclass(frozen=True, slots=True)
class ConsoleTab:
    """One of the tabs, as the page shows it."""

    label: str
    url: str
    is_here: bool


def tabs_of(console: Console, *, here: str) -> list[ConsoleTab]:
    """The tabs of a console; `here` is the module that is shown."""
    return [ConsoleTab(str(label), console.url(name), name == here) for label, name in _TABS]


def console_page(
    request: HttpRequest,
    console: Console | None,
    module: str,
    context: Mapping[str, object],
    *,
    template: str = "",
    part: str = "",
    status: int = 200,
) -> HttpResponse:
    """A page of the console, or to htmx its `part`.

    Args:
        console: None for an operator who has not chosen a tenant: there are no tabs then.
        template: `invites/console/<module>.html` by default.
    """
    page: dict[str, object] = {"console": console, "is_saved": "saved" in request.GET, **context}
    if console is not None:
        page = {"tabs": tabs_of(console, here=module), "here_url": console.url(module), **page}
    if request.method == "POST":
        page["is_saved"] = False
    name = template or f"invites/console/{module}.html"
    if part:
        return render_part(request, name, part, page, status=status)
    return render(request, name, page, status=status)


def saved(address: str) -> HttpResponse:
    """Back to a page of the console after a change (303), which says so."""
    response = redirect(f"{address}{'&' if '?' in address else '?'}saved")
    response.status_code = 303
    return response
