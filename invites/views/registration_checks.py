"""What there is to say about a registration's values, while they are typed and before they are saved."""

from collections.abc import Mapping
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from common.errors import InvalidError, MissingError
from common.throttle import Limit
from invites.access import RegistrarRequest, for_registrar
from invites.probe_words import Remark, remarks_on_keys
from invites.registration_forms import LOOKED_AT, address_problem
from lti_tool.models import Platform
from lti_tool.services.probe import try_keys
from lti_tool.services.registration import judge_token_request
from lti_tool.vendors import default_audience, doubts_about

CHECKS: Final = Limit("registration-check", 120, 60)  # each asks a server that somebody else named


@require_POST
@never_cache
@for_registrar
def registration_check(request: RegistrarRequest) -> HttpResponse:
    """What there is to say about one field as it stands, for the place below it.

    Raises:
        MissingError: the form has no such field.
    """
    CHECKS.count(request.registrar.actor)
    field = request.GET.get("field", "")
    if field not in LOOKED_AT:
        raise MissingError
    values = {name: request.POST.get(name, "").strip()[:1000] for name in LOOKED_AT}
    remarks, is_good = _check(field, values)
    context = {"remarks": remarks, "is_good": is_good, "field": field}
    return render(request, "invites/console/_check.html", context)


def _check(field: str, values: Mapping[str, str]) -> tuple[list[Remark], bool]:
    """Remarks on a field, and whether they are good news."""
    value = values[field]
    if field == "audience":
        return _check_audience(values)
    if not value:
        return [], True
    if field == "issuer" and value.endswith("/"):
        return [
            Remark(_("Leave out the slash at the end: launches come without it, and every letter counts."))
        ], False
    if problem := address_problem(value):
        return [Remark(problem)], False
    if field == "jwks_url":
        tried = try_keys(value)
        return list(remarks_on_keys(tried)), tried.is_good
    if field == "issuer" and (better := doubts_about(issuer=value, auth_url=values["auth_url"])):
        return [Remark(_("This LMS’s issuer is the address alone: %(issuer)s") % {"issuer": better})], False
    return [], True


def _check_audience(values: Mapping[str, str]) -> tuple[list[Remark], bool]:
    usual = default_audience(values["token_url"])
    given = values["audience"]
    if usual and not given:
        return [
            Remark(_("Left empty, %(audience)s is used, as this LMS wants it.") % {"audience": usual})
        ], True
    if usual and given != usual:
        return [Remark(_("This LMS usually wants %(audience)s here.") % {"audience": usual})], False
    return [], True


def doubts_on(values: Mapping[str, str], platform: Platform | None = None) -> list[str]:
    """What speaks against saving, though nothing in it is impossible."""
    doubts: list[str] = []
    for field in ("jwks_url", "audience", "issuer"):
        remarks, is_good = _check(field, values)
        if not is_good:
            doubts += [f"{remark.what} {remark.todo}".strip() for remark in remarks]
    try:
        judge_token_request(
            client_id=values["client_id"],
            token_url=values["token_url"],
            audience=values["audience"],
            issuer=values["issuer"],
            of=platform,
        )
    except InvalidError as error:
        doubts.append(str(error.message))
    return doubts
