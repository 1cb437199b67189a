"""Registrations: a platform, its tenants, and the deployments that may launch."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import ConflictError, InvalidError
from lti_tool.claims import is_id
from lti_tool.models import Deployment, Platform, RoleRule, Tenant
from lti_tool.origins import origin_of
from lti_tool.outgoing import OutgoingError, judge_url
from lti_tool.roles import default_rules
from lti_tool.vendors import default_audience, has_shared_issuer, is_own_audience

log = logging.getLogger(__name__)

MAX_NAME: Final = 200
MAX_FRAME_ORIGINS: Final = 20
OPERATOR: Final = "operator:"  # how an actor begins who is an operator

# Registrations in every LMS hold these addresses: they never change, and no prefix of a tab belongs to them.
LOGIN_PATH: Final = "/lti/login/"
LAUNCH_PATH: Final = "/lti/launch/"
KEYS_PATH: Final = "/lti/jwks.json"


@dataclass(frozen=True, slots=True)
class Registration:
    """What an administrator tells us about a platform. Empty name, audience or tenancy: the usual one."""

    issuer: str
    client_id: str
    auth_url: str
    token_url: str
    jwks_url: str
    audience: str = ""
    name: str = ""
    deployment_ids: tuple[str, ...] = ()
    tenancy: str = ""


@dataclass(frozen=True, slots=True)
class Registered:
    """The platform, and which of its values were written (all of them for a new one)."""

    platform: Platform
    is_new: bool
    changed: tuple[str, ...] = ()


class RegistrationExistsError(ConflictError):
    """Issuer and client id are registered already, with other values: `differing` names them."""

    code = "registered"

    def __init__(self, differing: tuple[str, ...]) -> None:
        super().__init__(_("This issuer and client id are registered already, with other values."))
        self.differing = differing


@transaction.atomic
def register_platform(registration: Registration, *, may_update: bool = False) -> Registered:
    """Store a registration with its tenants, role rules and deployments. Doing it twice changes nothing.

    Args:
        may_update: change what differs; otherwise a registration that exists is left as it is.

    Raises:
        InvalidError: a value cannot be used.
        RegistrationExistsError: it exists with other values, and `may_update` is not set.
    """
    judge_registration(registration)
    values = _values_of(registration)
    platform, is_new = Platform.objects.get_or_create(
        issuer=registration.issuer, client_id=registration.client_id, defaults=values
    )
    if is_new:
        _admit_deployments(platform, registration.deployment_ids)
        if platform.tenancy == Platform.Tenancy.PLATFORM and not platform.tenants.exists():
            make_tenant(platform)
        return Registered(platform, is_new=True, changed=tuple(values))
    # What was not said this time is left as it is.
    changed = [
        name
        for name, value in values.items()
        if name not in _unsaid(registration) and getattr(platform, name) != value
    ]
    missing = _missing_deployments(platform, registration.deployment_ids)
    differing = (*changed, *(["deployments"] if missing else []))
    if differing and not may_update:
        raise RegistrationExistsError(differing)
    for name in changed:
        setattr(platform, name, values[name])
    if changed:
        platform.save(update_fields=changed)
    _admit_deployments(platform, missing)
    return Registered(platform, is_new=False, changed=differing)


@transaction.atomic
def add_platform(registration: Registration, *, state: Platform.State) -> Platform:
    """Store a registration that is new. One that exists is never touched, whatever the values.

    An audience of another server than the token URL is left out: a person may put it in later.

    Raises:
        InvalidError: a value cannot be used.
        RegistrationExistsError: issuer and client id are registered already.
    """
    judge_registration(registration, is_typed=False)
    if not is_own_audience(registration.audience, registration.token_url):
        registration = replace(registration, audience="")
    judge_token_request(
        client_id=registration.client_id,
        token_url=registration.token_url,
        audience=registration.audience,
        issuer=registration.issuer,
    )
    platform, is_new = Platform.objects.get_or_create(
        issuer=registration.issuer,
        client_id=registration.client_id,
        defaults={**_values_of(registration), "state": state},
    )
    if not is_new:
        raise RegistrationExistsError(())
    _admit_deployments(platform, registration.deployment_ids)
    if platform.tenancy == Platform.Tenancy.PLATFORM and not platform.tenants.exists():
        make_tenant(platform)
    return platform


def confirm_platform(platform: Platform, *, by: str) -> bool:
    """Let the launches of a waiting registration pass; tells whether it was waiting."""
    waiting = Platform.objects.filter(pk=platform.pk, state=Platform.State.WAITING)
    is_confirmed = bool(waiting.update(state=Platform.State.ACTIVE))
    if is_confirmed:
        log.info("registration confirmed: platform=%s by=%s", platform.pk, by)
    return is_confirmed


def judge_registration(registration: Registration, *, is_typed: bool = True) -> None:
    """Refuse values that no launch could ever pass with.

    Args:
        is_typed: by a person, who takes an issuer for an address and ends it with a slash.

    Raises:
        InvalidError: and which value it is.
    """
    if is_typed and registration.issuer.endswith("/"):
        raise InvalidError(
            _("The issuer must not end with a slash: it is compared letter by letter with what is sent.")
        )
    addresses = {
        _("issuer"): registration.issuer,
        _("authentication endpoint"): registration.auth_url,
        _("token URL"): registration.token_url,
        _("keyset URL"): registration.jwks_url,
    }
    for name, url in addresses.items():
        try:
            judge_url(url)
        except OutgoingError as error:
            raise InvalidError(
                _("The %(name)s cannot be used: %(why)s.") % {"name": name, "why": error}
            ) from error
    if not is_id(registration.client_id):
        raise InvalidError(_("The client id is missing or too long."))
    if not all(is_id(one) for one in registration.deployment_ids):
        raise InvalidError(_("A deployment id is empty or too long."))
    if registration.tenancy not in {"", *Platform.Tenancy.values}:
        raise InvalidError(_("The tenancy is none that we know."))


def make_tenant(platform: Platform, *, deployment_id: str = "") -> Tenant:
    """A tenant with the default role mapping: for the whole registration, or for one of its deployments."""
    name = f"{platform.name} – {deployment_id}" if deployment_id else platform.name
    tenant = Tenant.objects.create(platform=platform, name=name[:MAX_NAME])
    RoleRule.objects.bulk_create(
        RoleRule(
            tenant=tenant,
            role=worth.role,
            right=worth.right.value,
            application_role=worth.application_role.value,
        )
        for worth in default_rules()
    )
    return tenant


@dataclass(frozen=True, slots=True)
class Changes:
    """What an administrator may change of a registration, checked."""

    issuer: str
    client_id: str
    auth_url: str
    token_url: str
    jwks_url: str
    audience: str = ""
    name: str = ""


class ForeignAudienceError(InvalidError):
    """An audience that belongs to another server than the token URL."""

    code = "foreign_audience"


class ForeignIssuerError(InvalidError):
    """An issuer that another LMS has."""

    code = "foreign_issuer"


class ForeignClientError(InvalidError):
    """A client id that another LMS has at the same token URL."""

    code = "foreign_client"


def judge_token_request(
    *, client_id: str, token_url: str, audience: str, issuer: str, of: Platform | None = None
) -> None:
    """Refuse what would make us speak as another registration's client.

    All registrations share our key. An assertion for one LMS must therefore never be sent to another's
    server, and a token for one client must never be fetched, and then shown around, by another.

    Args:
        of: the registration that has these values, or is to get them.

    Raises:
        ForeignAudienceError: the audience is of another server than the one that we ask.
        ForeignClientError: another LMS has this client id at this server.
    """
    if not is_own_audience(audience, token_url):
        raise ForeignAudienceError(
            _("This audience belongs to another server than the token URL."),
            next_step=_("If it is right all the same, the operator of this tool can put it in."),
        )
    namesakes = Platform.objects.filter(client_id=client_id).exclude(issuer=issuer)
    if of is not None:
        namesakes = namesakes.exclude(pk=of.pk)
    if origin_of(token_url) in {origin_of(one.token_url) for one in namesakes}:
        raise ForeignClientError(
            _("Another LMS is registered with this client id at the same token URL."),
            next_step=_("If it is right all the same, the operator of this tool can put it in."),
        )


@transaction.atomic
def change_registration(platform: Platform, changes: Changes, *, by: str) -> Platform:
    """Change issuer, client id or addresses of a registration, as when a host was renamed.

    Its people, courses and rooms stay what they are. Launches that are under way may be refused.

    Args:
        by: whoever changes it, for the log: `operator:1` or `person:<id>`.

    Raises:
        InvalidError: a value cannot be used, or only an operator may put it in.
        RegistrationExistsError: another registration has this issuer and client id.
    """
    namesakes = Platform.objects.filter(issuer=changes.issuer).exclude(pk=platform.pk)
    if namesakes.filter(client_id=changes.client_id).exists():
        raise RegistrationExistsError(("issuer", "client_id"))
    if not by.startswith(OPERATOR):
        # A login that names no client id is answered by its issuer: here it would go astray between two.
        if changes.issuer != platform.issuer and namesakes.exists():
            raise ForeignIssuerError(
                _(
                    "Another LMS is registered with this issuer. The operator of this tool can put it in all "
                    "the same."
                )
            )
        judge_token_request(
            client_id=changes.client_id,
            token_url=changes.token_url,
            audience=changes.audience,
            issuer=changes.issuer,
            of=platform,
        )
    judge_registration(
        Registration(
            issuer=changes.issuer,
            client_id=changes.client_id,
            auth_url=changes.auth_url,
            token_url=changes.token_url,
            jwks_url=changes.jwks_url,
        )
    )
    values = {
        "issuer": changes.issuer,
        "client_id": changes.client_id,
        "auth_url": changes.auth_url,
        "token_url": changes.token_url,
        "jwks_url": changes.jwks_url,
        "token_audience": changes.audience or default_audience(changes.token_url),
        "name": changes.name or platform.name,
    }
    changed = [name for name, value in values.items() if getattr(platform, name) != value]
    for name in changed:
        setattr(platform, name, values[name])
    if changed:
        platform.save(update_fields=changed)
        log.info("registration changed platform=%s fields=%s by=%s", platform.pk, ",".join(changed), by)
    return platform


def switch_registration(platform: Platform, *, is_on: bool, by: str) -> None:
    """Let launches of a registration pass, or none. Switching off ends its open tabs at once."""
    state = Platform.State.ACTIVE if is_on else Platform.State.DISABLED
    if Platform.objects.filter(pk=platform.pk).exclude(state=state).update(state=state):
        log.info("registration switched platform=%s state=%s by=%s", platform.pk, state.value, by)


def switch_deployment(deployment: Deployment, *, is_on: bool, by: str) -> None:
    """Let launches of a deployment pass, or none. Switching off ends its open tabs at once."""
    state = Deployment.State.ACTIVE if is_on else Deployment.State.DISABLED
    if Deployment.objects.filter(pk=deployment.pk).exclude(state=state).update(state=state):
        log.info("deployment switched deployment=%s state=%s by=%s", deployment.pk, state.value, by)


def hold_new_deployments(platform: Platform, *, holds: bool, by: str) -> None:
    """Say what becomes of a deployment that nobody has named: it waits for approval, or is let in."""
    if Platform.objects.filter(pk=platform.pk, has_listed_deployments=not holds).update(
        has_listed_deployments=holds
    ):
        log.info("new deployments platform=%s held=%s by=%s", platform.pk, holds, by)


def change_frame_origins(platform: Platform, origins: Sequence[str], *, by: str) -> None:
    """Say who may frame the tool besides the platform itself. It holds from the next launch.

    Raises:
        InvalidError: one of them is no origin that may frame a page.
    """
    kept = [frame_origin(one) for one in origins]
    if len(set(kept)) > MAX_FRAME_ORIGINS:
        raise InvalidError(_("At most %(number)s origins, please.") % {"number": MAX_FRAME_ORIGINS})
    platform.frame_origins = list(dict.fromkeys(kept))
    platform.save(update_fields=["frame_origins"])
    log.info("frame origins changed platform=%s by=%s", platform.pk, by)


def frame_origin(text: str) -> str:
    """The origin that an administrator means: scheme, host and port, and nothing behind them.

    Raises:
        InvalidError: it is none, not https, or names more than one host.
    """
    values = {"text": text}
    if "*" in text:
        raise InvalidError(_("“%(text)s”: name each host by itself, without *.") % values)
    origin = origin_of(text.strip().lower())
    if not origin or "@" in text:
        raise InvalidError(_("“%(text)s” is no origin. Write it like https://lms.university.edu.") % values)
    try:
        parts = urlsplit(text.strip())
        judge_url(origin)
    except (OutgoingError, ValueError) as error:
        raise InvalidError(
            _("“%(text)s” cannot be used: it must be https, on a public host.") % values
        ) from error
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise InvalidError(_("“%(text)s”: leave out what stands behind the host.") % values)
    return origin


def approve_deployment(deployment: Deployment) -> None:
    """Let launches from a pending deployment pass."""
    Deployment.objects.filter(pk=deployment.pk).update(state=Deployment.State.ACTIVE)


def _values_of(registration: Registration) -> dict[str, object]:
    shared = has_shared_issuer(registration.issuer)
    usual = Platform.Tenancy.DEPLOYMENT if shared else Platform.Tenancy.PLATFORM
    return {
        "name": registration.name or origin_of(registration.issuer).partition("://")[2],
        "auth_url": registration.auth_url,
        "token_url": registration.token_url,
        "jwks_url": registration.jwks_url,
        "token_audience": registration.audience or default_audience(registration.token_url),
        "tenancy": registration.tenancy or usual.value,
        "has_listed_deployments": bool(registration.deployment_ids),
    }


def _unsaid(registration: Registration) -> set[str]:
    """The values that stand for "the usual one"."""
    said = {
        "name": registration.name,
        "token_audience": registration.audience,
        "tenancy": registration.tenancy,
        "has_listed_deployments": registration.deployment_ids,
    }
    return {name for name, value in said.items() if not value}


def _missing_deployments(platform: Platform, deployment_ids: tuple[str, ...]) -> tuple[str, ...]:
    """Those that are not active yet."""
    active = Deployment.objects.filter(platform=platform, state=Deployment.State.ACTIVE)
    known = set(active.values_list("deployment_id", flat=True))
    return tuple(one for one in dict.fromkeys(deployment_ids) if one not in known)


def _admit_deployments(platform: Platform, deployment_ids: tuple[str, ...]) -> None:
    for deployment_id in dict.fromkeys(deployment_ids):
        known = Deployment.objects.filter(platform=platform, deployment_id=deployment_id)
        if known.update(state=Deployment.State.ACTIVE):
            continue
        is_tenant = platform.tenancy == Platform.Tenancy.DEPLOYMENT
        tenant = None if is_tenant else platform.tenants.order_by("created_at").first()
        Deployment.objects.create(
            platform=platform,
            tenant=tenant or make_tenant(platform, deployment_id=deployment_id if is_tenant else ""),
            deployment_id=deployment_id,
        )
