"""A platform that moved to another host: issuer and addresses change, everything that it has here stays."""

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import ConflictError, MissingError
from lti_tool.models import Course, Deployment, Platform
from lti_tool.origins import origin_of
from lti_tool.services.registration import Registration, judge_registration

_MOVED = ("issuer", "auth_url", "token_url", "jwks_url")


@transaction.atomic
def rename_platform(old_issuer: str, registration: Registration) -> Platform:
    """Let the registration of `old_issuer` with the same client id go by its new issuer and addresses.

    People, courses, links and rooms belong to the row, not to the issuer, and stay as they are. Doing it
    twice changes nothing.

    Raises:
        InvalidError: a new value cannot be used.
        MissingError: there is no registration under the old issuer, nor under the new one.
        ConflictError: both exist.
    """
    judge_registration(registration)
    same_client = Platform.objects.filter(client_id=registration.client_id)
    platform = same_client.filter(issuer=old_issuer).first()
    known = same_client.filter(issuer=registration.issuer).first()
    if platform is not None and known is not None and platform.pk != known.pk:
        raise ConflictError(
            _("Both issuers are registered with this client id. Their rooms cannot be joined."),
            code="registered",
        )
    platform = platform or known
    if platform is None:
        raise MissingError(_("No platform is registered with this issuer and client id."))
    for name in _MOVED:
        setattr(platform, name, getattr(registration, name))
    platform.token_audience = registration.audience or _moved_audience(platform, old_issuer)
    platform.save(update_fields=[*_MOVED, "token_audience"])
    _forget_roster_addresses(platform, old_issuer)
    return platform


def _moved_audience(platform: Platform, old_issuer: str) -> str:
    """An audience on the old host was its token URL, written out; others do not move."""
    is_old = origin_of(platform.token_audience) == origin_of(old_issuer)
    return "" if is_old else platform.token_audience


def _forget_roster_addresses(platform: Platform, old_issuer: str) -> None:
    """No bearer token goes to the old host any more; each course's next launch brings the new address."""
    if platform.issuer == old_issuer:
        return
    deployments = Deployment.objects.filter(platform=platform)
    moved = Course.objects.filter(deployment__in=deployments, roster_url__startswith=f"{old_issuer}/")
    moved.update(roster_url="", roster_wanted_at=None)
