"""One address, one template: htmx gets the named part of it, everybody else the page."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url


def wants_part(request: HttpRequest) -> bool:
    """Tell whether htmx asks for a part of the page (boosted and history requests want the page)."""
    sent = request.META  # `request.headers` reads every header anew for each request
    return (
        sent.get("HTTP_HX_REQUEST") == "true"
        and sent.get("HTTP_HX_BOOSTED") != "true"
        and sent.get("HTTP_HX_HISTORY_RESTORE_REQUEST") != "true"
    )


def name_of_part(request: HttpRequest, template: str, part: str) -> str:
    """What to render for this request: the partial `part` of `template` for htmx, else the template."""
    return f"{template}#{part}" if wants_part(request) else template


def render_part(
    request: HttpRequest, template: str, part: str, context: Mapping[str, object], *, status: int = 200
) -> HttpResponse:
    """Answer with the partial `part` of `template` to htmx, with the whole template to everybody else."""
    response = render(request, name_of_part(request, template, part), dict(context), status=status)
    response["Vary"] = "HX-Request"
    return response


def part_or_redirect(
    request: HttpRequest, template: str, part: str, context: Mapping[str, object], *, to: object
) -> HttpResponse:
    """After a change: the fresh part to htmx, a redirect (303) to everybody else.

    Args:
        to: what `django.shortcuts.resolve_url` takes: an address, a URL name, an object that has an address.
    """
    if wants_part(request):
        return render_part(request, template, part, context)
    response = HttpResponseRedirect(resolve_url(to))  # type: ignore[arg-type]
    response.status_code = 303
    return response
