"""Who may still register an LMS here, and which browsers got a console by it: parts of `registrations`."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST

from common.errors import MissingError
from invites.access import Registrar, RegistrarRequest, for_registrar
from invites.services.platforms import take_console
from invites.views.console_page import saved
from lti_tool.models import ConsoleKey, Platform, RegistrationInvitation
from lti_tool.queries import console_keys_of, open_invitations
from lti_tool.services.registration_invitation import (
    vouch_for_other_host,
    withdraw_registration_invitation,
)


def shown_invitations(registrar: Registrar) -> list[tuple[RegistrationInvitation, str]]:
    """The addresses that may still be used: an operator's list has all, an administrator's their own."""
    rows = open_invitations(by="" if registrar.is_operator else registrar.actor)
    return [(row, registrar.address("invites:registration-invitation", row.pk)) for row in rows]


def shown_keys(registrar: Registrar, platform: Platform) -> list[tuple[ConsoleKey, str]]:
    """The browsers that may use the console by a claim link, as far as the registrar may know of them."""
    if registrar.is_operator or registrar.console is None:
        rows = ConsoleKey.objects.filter(tenant__platform=platform).select_related("tenant")
        live = rows.filter(ended_at__isnull=True, expires_at__gt=timezone.now()).order_by("-made_at")
    else:
        live = console_keys_of(registrar.console.tenant)
    return [(key, registrar.address("invites:console-key-end", platform.pk, key.pk)) for key in live]


@require_POST
@for_registrar
def registration_invitation(request: RegistrarRequest, invitation_id: UUID) -> HttpResponse:
    """Withdraw an address, or vouch for a configuration on another host than its issuer.

    Raises:
        MissingError: there is no such address, or it is somebody else's.
        RefusedError: only an operator vouches.
    """
    registrar, now = request.registrar, timezone.now()
    invitation = next((row for row, _url in shown_invitations(registrar) if row.pk == invitation_id), None)
    if invitation is None:
        raise MissingError
    if "other_host" in request.POST:
        vouch_for_other_host(invitation, by=registrar.actor, now=now)
    else:
        withdraw_registration_invitation(invitation, now=now)
    return saved(registrar.address("invites:console", "registrations"))


@require_POST
@for_registrar
def console_key_end(request: RegistrarRequest, platform_id: int, key_id: UUID) -> HttpResponse:
    """Take the console from a browser.

    Raises:
        MissingError: there is no such browser, or it has somebody else's console.
    """
    registrar = request.registrar
    platform = registrar.platform(platform_id)
    key = next((row for row, _url in shown_keys(registrar, platform) if row.pk == key_id), None)
    if key is None:
        raise MissingError
    take_console(key, by=registrar.actor, now=timezone.now())
    own = registrar.console.key if registrar.console else None
    if own is not None and own.pk == key.pk:
        return render(request, "invites/console/left.html")
    page = (
        ("invites:registration", platform.pk)
        if registrar.is_operator
        else ("invites:console", "registrations")
    )
    return saved(f"{registrar.address(*page)}#keys")
