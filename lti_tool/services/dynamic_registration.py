"""Dynamic registration: an LMS and this tool tell each other their values, and an administrator says yes.

The address of a configuration may hold a token that is good for one request. It is fetched once, byte for
byte; what came of it, good or bad, is kept under a random key for an hour, and every reload reads that.
"""

import hmac
import json
import logging
import re
import secrets
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.templatetags.static import static
from django.utils.translation import gettext as _

from common.errors import InvalidError
from common.throttle import Limit
from lti_tool.claims import clean
from lti_tool.configuration import (
    TOOL_CONFIGURATION,
    Offer,
    PlatformConfiguration,
    RegistrationAnswer,
    RegistrationTroubleError,
    ToolFacts,
    Trouble,
    Wishes,
    offer_of,
    read_answer,
    read_configuration,
    registration_request,
    short_name,
    speaks_for_itself,
)
from lti_tool.identity import hash_secret
from lti_tool.models import ConsoleClaim, Platform, RegistrationInvitation
from lti_tool.origins import origin_of
from lti_tool.outgoing import ForbiddenAddressError, Limits, OutgoingError, judge_url, session
from lti_tool.services.console_keys import make_console_claim
from lti_tool.services.registration import Registration, RegistrationExistsError, add_platform

log = logging.getLogger(__name__)

KEPT_SECONDS: Final = 3600  # a platform's one-time token lives as long
FETCH_LIMITS: Final = Limits(seconds=10, size=256 * 1024, patience=8)
# While it answers, a platform may fetch our key set and make a deployment.
POST_LIMITS: Final = Limits(seconds=25, size=256 * 1024, patience=20)
MAX_ADDRESS: Final = 8000
MAX_TOKEN: Final = 16_000
STARTS: Final = Limit("register", tries=30, seconds=3600)  # fetches that one invitation may cause
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """A registration that is stored on both sides."""

    platform_id: int
    is_waiting: bool
    has_deployment: bool
    refused_scopes: tuple[str, ...] = ()
    refused_claims: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A configuration that was fetched, and how far its registration has come."""

    key: str
    invitation: RegistrationInvitation
    configuration: PlatformConfiguration
    configuration_url: str
    outcome: Outcome | None = None

    @property
    def offer(self) -> Offer:
        """What there is to choose."""
        return offer_of(self.configuration)

    @property
    def origins(self) -> list[str]:
        """Where the platform's own pages are."""
        found = [origin_of(self.configuration.issuer), origin_of(self.configuration_url)]
        return list(dict.fromkeys(filter(None, found)))

    @property
    def claim_secret(self) -> str:
        """The claim link's secret: derived, so that a reload shows it again and no store holds it."""
        digest = hmac.new(settings.SECRET_KEY.encode(), f"console claim {self.key}".encode(), sha256)
        return digest.hexdigest()


def invitation_behind(secret: str, *, now: datetime) -> RegistrationInvitation:
    """The invitation that an address stands for, while it may be used.

    Raises:
        RegistrationTroubleError: there is none, or not any more.
    """
    invitation = _invitation(secret)
    _judge_invitation(invitation, now=now)
    return invitation


def _judge_invitation(invitation: RegistrationInvitation, *, now: datetime) -> None:
    if invitation.used_at is not None:
        raise RegistrationTroubleError(Trouble.INVITATION_USED)
    if invitation.expires_at <= now:
        raise RegistrationTroubleError(Trouble.INVITATION_EXPIRED)


def _invitation(secret: str) -> RegistrationInvitation:
    invitation = RegistrationInvitation.objects.filter(secret_hash=hash_secret(secret)).first()
    if invitation is None:
        raise RegistrationTroubleError(Trouble.NO_INVITATION)
    return invitation


# --- The configuration, fetched once ----------------------------------------------------------------


def begin_registration(secret: str, *, address: str, bearer: str, now: datetime) -> str:
    """Fetch a platform's configuration, unless that was done before; returns the key of what is kept.

    Args:
        address: `openid_configuration`, decoded once.
        bearer: `registration_token`; empty where the platform sends none.

    Raises:
        RegistrationTroubleError: the invitation cannot be used, or the address is none.
        ThrottledError: too many configurations for one invitation.
    """
    known = _name("at", f"{secret}\n{address}\n{bearer}")
    key: str | None = cache.get(known)
    if key:  # a reload, also after the invitation has been used
        _await_fetch(key)
        return key
    invitation = invitation_behind(secret, now=now)
    if not address or len(address) > MAX_ADDRESS or len(bearer) > MAX_TOKEN or not _is_header(bearer):
        raise RegistrationTroubleError(Trouble.BAD_ADDRESS)
    key = secrets.token_urlsafe(32)
    STARTS.check(str(invitation.pk))
    if not cache.add(known, key, KEPT_SECONDS):
        key = str(cache.get(known))  # somebody was faster
        _await_fetch(key)
        return key
    STARTS.count(str(invitation.pk))
    record: dict[str, Any] = {"invitation": str(invitation.pk), "address": address, "bearer": bearer}
    try:
        record["configuration"] = _fetch_configuration(address, bearer).to_record()
    except RegistrationTroubleError as error:
        record["trouble"], record["detail"] = error.trouble.value, error.detail
        log.warning(
            "registration not begun code=%s at=%s detail=%s",
            error.trouble.value,
            origin_of(address) or "-",
            _for_log(error.detail),
        )
    cache.set(_name("record", key), record, KEPT_SECONDS)
    return key


def _fetch_configuration(address: str, bearer: str) -> PlatformConfiguration:
    try:
        response = session().request(
            "GET", address, headers=_headers(bearer), limits=FETCH_LIMITS, is_exact=True
        )
    except ForbiddenAddressError as error:
        raise RegistrationTroubleError(Trouble.BAD_ADDRESS, detail=str(error)) from error
    except OutgoingError as error:
        raise RegistrationTroubleError(Trouble.UNREACHABLE, detail=str(error)) from error
    if response.status_code != 200:  # noqa: PLR2004 - OK; a redirect is not followed
        raise RegistrationTroubleError(Trouble.UNREACHABLE, detail=f"HTTP {response.status_code}")
    configuration = read_configuration(response.content)
    for url in (
        configuration.issuer,
        configuration.auth_url,
        configuration.token_url,
        configuration.jwks_url,
        configuration.registration_url,
    ):
        try:
            judge_url(url)
        except OutgoingError as error:
            raise RegistrationTroubleError(Trouble.BAD_ADDRESS, detail=f"{clean(url)}: {error}") from error
    return configuration


def _headers(bearer: str) -> dict[str, str]:
    """Brightspace sends no token: then no header goes back either."""
    accept = {"Accept": "application/json"}
    return {**accept, "Authorization": f"Bearer {bearer}"} if bearer else accept


def _is_header(bearer: str) -> bool:
    return bearer.isascii() and (not bearer or bearer.isprintable())


def proposal_behind(secret: str, key: str) -> Proposal:
    """What is kept under a key, for whoever came by the same invitation.

    Raises:
        RegistrationTroubleError: nothing is kept any more, or what was fetched is no use.
    """
    invitation = _invitation(secret)
    record = _record(key)
    if record is None or record["invitation"] != str(invitation.pk):
        raise RegistrationTroubleError(Trouble.FORGOTTEN)
    if "trouble" in record:
        raise RegistrationTroubleError(Trouble(record["trouble"]), detail=record["detail"])
    outcome = record.get("outcome")
    return Proposal(
        key=key,
        invitation=invitation,
        configuration=PlatformConfiguration.of_record(record["configuration"]),
        configuration_url=record["address"],
        outcome=_outcome_of(outcome) if outcome else None,
    )


def _record(key: str) -> dict[str, Any] | None:
    record: dict[str, Any] | None = cache.get(_name("record", key))
    return record


def _await_fetch(key: str) -> None:
    """Somebody else is fetching it: give them the time that a fetch may take."""
    until = time.monotonic() + FETCH_LIMITS.seconds + 1
    while _record(key) is None and time.monotonic() < until:
        time.sleep(_POLL_SECONDS)


def judge_hosts(proposal: Proposal) -> None:
    """Only the issuer's own host speaks for it, unless an operator has vouched for another.

    Raises:
        RegistrationTroubleError: `other_host`.
    """
    issuer = proposal.configuration.issuer
    if proposal.invitation.allows_other_host or speaks_for_itself(proposal.configuration_url, issuer):
        return
    hosts = f"{origin_of(proposal.configuration_url)} → {origin_of(issuer) or clean(issuer)}"
    raise RegistrationTroubleError(Trouble.OTHER_HOST, detail=hosts)


# --- The registration --------------------------------------------------------------------------------


def complete_registration(proposal: Proposal, wishes: Wishes, *, now: datetime) -> Outcome:
    """Ask the platform to store us, and store it; what exists already is never touched.

    The invitation is used up first, so that two requests cannot both register; where nothing came of it,
    it is given back.

    Raises:
        RegistrationTroubleError: and the page says what happened.
    """
    if proposal.outcome is not None:
        return proposal.outcome
    judge_hosts(proposal)
    record = _record(proposal.key)
    if record is None:
        raise RegistrationTroubleError(Trouble.FORGOTTEN)
    invitation = proposal.invitation
    if not _use_up(invitation, now=now):
        return _await_outcome(proposal, now=now)
    try:
        answer = _ask_platform(proposal.configuration, wishes, bearer=record["bearer"])
        outcome = _store(proposal, answer, wishes, now=now)
    except RegistrationTroubleError as error:
        _give_back(invitation)
        _log_failure(proposal, error)
        raise
    kept = {**record, "bearer": "", "outcome": asdict(outcome)}
    cache.set(_name("record", proposal.key), kept, KEPT_SECONDS)
    log.info(
        "registered by invitation=%s platform=%s iss=%s waiting=%s",
        invitation.pk,
        outcome.platform_id,
        _for_log(proposal.configuration.issuer),
        outcome.is_waiting,
    )
    return outcome


def _use_up(invitation: RegistrationInvitation, *, now: datetime) -> bool:
    """Use an invitation: true for exactly one request."""
    unused = RegistrationInvitation.objects.filter(pk=invitation.pk, used_at__isnull=True, expires_at__gt=now)
    return bool(unused.update(used_at=now))


def _await_outcome(proposal: Proposal, *, now: datetime) -> Outcome:
    """The form was sent twice: the second one reads what the first one brings.

    Raises:
        RegistrationTroubleError: the invitation was used for something else, or has expired.
    """
    until = time.monotonic() + POST_LIMITS.seconds
    while time.monotonic() < until:
        record = _record(proposal.key) or {}
        if record.get("outcome"):
            return _outcome_of(record["outcome"])
        row = RegistrationInvitation.objects.get(pk=proposal.invitation.pk)
        if row.used_at is None or (row.platform_id is not None and not _is_stored(proposal)):
            break
        time.sleep(_POLL_SECONDS)
    _judge_invitation(RegistrationInvitation.objects.get(pk=proposal.invitation.pk), now=now)
    raise RegistrationTroubleError(Trouble.NO_ANSWER)  # nothing came of the first one


def _is_stored(proposal: Proposal) -> bool:
    """Whether it was this proposal that the invitation was used for."""
    return ConsoleClaim.objects.filter(secret_hash=hash_secret(proposal.claim_secret)).exists()


def _give_back(invitation: RegistrationInvitation) -> None:
    RegistrationInvitation.objects.filter(pk=invitation.pk, platform__isnull=True).update(used_at=None)


def _ask_platform(configuration: PlatformConfiguration, wishes: Wishes, *, bearer: str) -> RegistrationAnswer:
    body = json.dumps(registration_request(configuration, wishes, tool_facts()))
    try:
        response = session().request(
            "POST",
            configuration.registration_url,
            data=body.encode(),
            headers={**_headers(bearer), "Content-Type": "application/json"},
            limits=POST_LIMITS,
            is_exact=True,
        )
    except ForbiddenAddressError as error:
        raise RegistrationTroubleError(Trouble.BAD_ADDRESS, detail=str(error)) from error
    except OutgoingError as error:
        raise RegistrationTroubleError(Trouble.NO_ANSWER, detail=str(error)) from error
    return read_answer(response.status_code, response.content)


@transaction.atomic
def _store(proposal: Proposal, answer: RegistrationAnswer, wishes: Wishes, *, now: datetime) -> Outcome:
    configuration, invitation = proposal.configuration, proposal.invitation
    state = Platform.State.ACTIVE if invitation.confirms_itself else Platform.State.WAITING
    try:
        platform = add_platform(
            Registration(
                issuer=configuration.issuer,
                client_id=answer.client_id,
                auth_url=configuration.auth_url,
                token_url=configuration.token_url,
                jwks_url=configuration.jwks_url,
                audience=configuration.audience,
                name=invitation.note or short_name(configuration.issuer),
                deployment_ids=(answer.deployment_id,) if answer.deployment_id else (),
            ),
            state=state,
        )
    except RegistrationExistsError as error:
        raise RegistrationTroubleError(Trouble.ALREADY_REGISTERED, detail=answer.client_id) from error
    except InvalidError as error:
        raise RegistrationTroubleError(Trouble.NOT_STORED, detail=error.message) from error
    make_console_claim(platform, secret=proposal.claim_secret, now=now)
    RegistrationInvitation.objects.filter(pk=invitation.pk).update(platform=platform)
    asked = registration_request(configuration, wishes, tool_facts())
    return Outcome(
        platform_id=platform.pk,
        is_waiting=state == Platform.State.WAITING,
        has_deployment=bool(answer.deployment_id),
        refused_scopes=_missing(str(asked["scope"]).split(), answer.scopes),
        refused_claims=_missing(_asked_claims(asked), answer.claims),
    )


def _asked_claims(asked: dict[str, object]) -> list[str]:
    part = asked[TOOL_CONFIGURATION]
    return list(part["claims"]) if isinstance(part, dict) else []


def _missing(asked: list[str], granted: tuple[str, ...] | None) -> tuple[str, ...]:
    """What was asked and not granted; nothing where the platform did not say."""
    return () if granted is None else tuple(one for one in asked if one not in granted)


def tool_facts() -> ToolFacts:
    """What platforms store of us. Addresses never carry a tab: they are for everybody."""
    base: str = settings.PUBLIC_URL
    return ToolFacts(
        public_url=base,
        login_url=f"{base}/lti/login/",
        launch_url=f"{base}/lti/launch/",
        jwks_url=f"{base}/lti/jwks.json",
        logo_url=f"{base}{static('img/favicon.png')}",
        description=_("Rooms in a course, and secure links for guests from outside it."),
        policy_url=settings.POLICY_URL,
        terms_url=settings.TERMS_URL,
        contact=settings.CONTACT,
    )


def _outcome_of(record: dict[str, Any]) -> Outcome:
    scopes, claims = tuple(record["refused_scopes"]), tuple(record["refused_claims"])
    return Outcome(**{**record, "refused_scopes": scopes, "refused_claims": claims})


def _log_failure(proposal: Proposal, error: RegistrationTroubleError) -> None:
    log.warning(
        "registration failed code=%s iss=%s detail=%s",
        error.trouble.value,
        _for_log(proposal.configuration.issuer),
        _for_log(error.detail),
    )


# An address up to its host, and all that may be secret in one: what stands before or behind that.
_ADDRESS: Final = re.compile(r"(\w+://)(?:[^\s/?#@]*@)?([^\s/?#]*)\S*|[/?#]\S*")


def _for_log(text: str) -> str:
    """The first line of it: what a platform answered stands in the others, and may hold tokens."""
    line = clean(text.partition("\n")[0], cap=200)
    return _ADDRESS.sub(r"\1\2", line) or "-"


def _name(what: str, text: str) -> str:
    """A key of the cache never holds the secret that it stands for."""
    return f"register:{what}:{sha256(text.encode(errors='backslashreplace')).hexdigest()}"
