"""Login and launch: the OIDC dance with a platform, up to a tab.

A login leaves nothing behind but one record in the cache, for ten minutes. A launch that passes stores who
came, from where and with which roles in one transaction; the roles are replaced, never added to.
"""

import hmac
import math
import re
import secrets
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import Model

from common.throttle import Limit, one_question
from lti_tool.addresses import normalise_email
from lti_tool.claims import (
    DeepLinkingClaim,
    Expected,
    Keys,
    Launch,
    LaunchRefusedError,
    LoginRequest,
    ReasonCode,
    Trail,
    frame_origins_of,
    judge_nonce,
    judge_security,
    keys_of,
    read_launch,
    read_message,
    read_payload,
    read_token,
)
from lti_tool.identity import hash_secret, secret_of
from lti_tool.keys import verify_signature
from lti_tool.known import Known, find_known
from lti_tool.models import (
    ContentRequest,
    Course,
    Deployment,
    Membership,
    Person,
    Placement,
    Platform,
    Tab,
)
from lti_tool.origins import origin_of
from lti_tool.prepared import PreparedRead, Slot, insert_rows
from lti_tool.roles import Right, Standing, judge_roles
from lti_tool.services.registration import LAUNCH_PATH, make_tenant
from lti_tool.services.reports import note_launch

# A whole campus launches from one address: this only keeps one machine from filling the memory of logins.
LOGINS: Final = Limit("login", tries=3000, seconds=60)
LOGIN_LIFE: Final = timedelta(minutes=10)
TAB_LIFE: Final = timedelta(hours=8)
ANSWER_LIFE: Final = timedelta(seconds=60)  # a page that asks the platform's storage answers by then
NOTED_EVERY: Final = timedelta(hours=1)  # how exact a "last launch" is where nothing has changed
ROSTER_AGE: Final = timedelta(hours=1)  # an older one is fetched anew when somebody who may invite launches
HINT_PARAMETER: Final = "foyer_room"  # the custom parameter that our content picker writes into a link
_STATE: Final = re.compile(r"[A-Za-z0-9]{43}")


def _random_word() -> str:
    """43 random letters and digits, 172 bits: some platforms filter all else out of state and nonce."""
    return secrets.token_hex(22)[:43]


# --- Login --------------------------------------------------------------------------------------


# What goes through the cache are named tuples: they are packed and unpacked in no time.
class Registered(NamedTuple):
    """A registration as it was at the login: a token is judged by it, before the database is asked."""

    pk: int
    issuer: str
    client_id: str
    auth_url: str
    jwks_url: str
    frame_origins: list[str]

    @classmethod
    def of(cls, platform: Platform) -> "Registered":
        """What the registration says now."""
        return cls(
            platform.pk,
            platform.issuer,
            platform.client_id,
            platform.auth_url,
            platform.jwks_url,
            platform.frame_origins,
        )


class LoginRecord(NamedTuple):
    """What we remember between login and launch, under the hash of the state."""

    platform: Registered
    nonce: str
    binding_hash: str
    expires_at: float
    request: LoginRequest
    is_stored: bool = False  # the secret was given to the platform's storage too


@dataclass(frozen=True, slots=True)
class Storage:
    """Where in the platform's own storage a login's secret lies: for pages that reach it by postMessage."""

    target: str  # a frame's name as the platform gave it, `_parent` for none
    origin: str
    key: str


@dataclass(frozen=True, slots=True)
class Login:
    """Where to send the browser, and the secret that binds the launch to it.

    The secret goes into a cookie, and where there is a `storage` into that as well.
    """

    redirect_url: str
    cookie_name: str
    cookie_value: str = field(repr=False)
    storage: Storage | None = None


def begin_login(request: LoginRequest, *, address: str, keeps_cookies: bool = False, now: datetime) -> Login:
    """Answer a login initiation with an authentication request to the platform.

    Args:
        address: where the request comes from.
        keeps_cookies: this browser has sent a cookie of ours to this very place, so the platform's storage
            is not needed.

    Raises:
        LaunchRefusedError: `unknown_platform` or `platform_disabled`.
        ThrottledError: too many logins from this address.
    """
    trail = Trail(
        issuer=request.iss,
        client_id=request.client_id,
        deployment_id=request.deployment_id,
    )
    try:
        platform = _registration_at_hand(request, now=now)
        if platform is None:
            found = _platform_of(request)
            trail.platform_id, trail.client_id = found.pk, found.client_id
            _judge_platform(found)
            platform = _keep_at_hand(request, found, now=now)
    except LaunchRefusedError as error:
        error.trail = trail
        raise
    state, nonce, secret = _random_word(), _random_word(), _random_word()
    record = LoginRecord(
        platform=platform,
        nonce=nonce,
        binding_hash=hash_secret(secret),
        expires_at=(now + LOGIN_LIFE).timestamp(),
        request=request,
        is_stored=bool(request.storage_target) and not keeps_cookies,
    )
    LOGINS.count_and_keep(address, _record_key(state), record, seconds=int(LOGIN_LIFE.total_seconds()))
    parameters = {
        "client_id": platform.client_id,
        "redirect_uri": f"{settings.PUBLIC_URL}{LAUNCH_PATH}",
        "login_hint": request.login_hint,
        "state": state,
        "nonce": nonce,
    }
    if request.message_hint:
        parameters["lti_message_hint"] = request.message_hint
    return Login(
        redirect_url=_with_query(platform.auth_url, f"{_ALWAYS_ASKED}&{urlencode(parameters)}"),
        cookie_name=login_cookie_name(state),
        cookie_value=secret,
        storage=_storage_of(record, state) if record.is_stored else None,
    )


_ALWAYS_ASKED: Final = "scope=openid&response_type=id_token&response_mode=form_post&prompt=none"


def _storage_of(record: LoginRecord, state: str) -> Storage:
    # The key is a random word for each login as well: two frames on one page share one storage.
    target, origin = record.request.storage_target, origin_of(record.platform.auth_url)
    return Storage(target, origin, login_cookie_name(state))


def login_cookie_name(state: str) -> str:
    """A cookie of its own for each login, so that two frames on one page do not disturb each other."""
    return f"foyer-login-{hash_secret(state)[:16]}"


_REGISTERED: Final = PreparedRead(
    lambda: Platform.objects.filter(
        issuer=Slot("issuer", Platform.issuer), client_id=Slot("client_id", Platform.client_id)
    ).only("issuer", "client_id", "auth_url", "jwks_url", "frame_origins", "state")
)


def _platform_of(request: LoginRequest) -> Platform:
    if request.client_id:
        found = _REGISTERED.all(issuer=request.iss, client_id=request.client_id)
        if len(found) == 1:
            return found[0]
        raise LaunchRefusedError(ReasonCode.UNKNOWN_PLATFORM)
    candidates = Platform.objects.filter(issuer=request.iss)
    found = list(candidates[:2])
    if len(found) > 1:  # one that nobody has confirmed makes nothing ambiguous
        candidates = candidates.exclude(state=Platform.State.WAITING)
        found = list(candidates[:2])
    if len(found) > 1:
        found = list(candidates.filter(deployments__deployment_id=request.deployment_id)[:2])
    if len(found) != 1:
        raise LaunchRefusedError(ReasonCode.UNKNOWN_PLATFORM)
    return found[0]


class _AtHand(NamedTuple):
    """An active registration that a login found a moment ago, and for how long it may serve others."""

    platform: Registered
    since: datetime
    until: datetime


# At the full hour thousands log in to one registration. What is out of date is so for two seconds, and at the
# launch the database is asked in any case: the token is judged by what the registration is then.
AT_HAND: Final = timedelta(seconds=2)
MOST_AT_HAND: Final = 1000
_at_hand: dict[tuple[str, str], _AtHand] = {}


def _registration_at_hand(request: LoginRequest, *, now: datetime) -> Registered | None:
    held = _at_hand.get((request.iss, request.client_id))
    return held.platform if held is not None and held.since <= now < held.until else None


def _keep_at_hand(request: LoginRequest, platform: Platform, *, now: datetime) -> Registered:
    registered = Registered.of(platform)
    if request.client_id:  # without one, other things decide as well
        if len(_at_hand) >= MOST_AT_HAND:
            _at_hand.clear()
        _at_hand[request.iss, request.client_id] = _AtHand(registered, since=now, until=now + AT_HAND)
    return registered


def forget_registrations() -> None:
    """Ask the database at the next login."""
    _at_hand.clear()


def _judge_platform(platform: Platform) -> None:
    if platform.state != Platform.State.ACTIVE:
        raise LaunchRefusedError(ReasonCode.PLATFORM_DISABLED, variant=platform.state)


def _with_query(url: str, asked: str) -> str:
    """The address with parameters appended to those it has."""
    parts = urlsplit(url)
    query = f"{parts.query}&{asked}" if parts.query else asked
    return urlunsplit(parts._replace(query=query, fragment=""))


def _record_key(state: str) -> str:
    return f"login:{hash_secret(state)}"


def peek_login(state: str, *, now: datetime) -> LoginRecord:
    """The record of a login, left where it is (row 0).

    Raises:
        LaunchRefusedError: `bad_state`, or `replay` while the spent record would still have lived.
    """
    if not _STATE.fullmatch(state):
        raise LaunchRefusedError(ReasonCode.BAD_STATE)
    key = _record_key(state)
    return _unspent(cache.get_many([key]).get(key), now=now)


def _take_login(state: str, record: LoginRecord, *, now: datetime) -> None:
    """Spend state and nonce together. Of all who try, one finds the record: the others find it spent."""
    life = max(1, math.ceil(record.expires_at - now.timestamp()))
    _unspent(one_question.swap(_record_key(state), record.expires_at, life), now=now)


def _unspent(held: LoginRecord | float | None, *, now: datetime) -> LoginRecord:
    """What is kept under a state: a record, or the mark that it is spent and when it would have ended."""
    if isinstance(held, float) and now.timestamp() < held:
        raise LaunchRefusedError(ReasonCode.REPLAY)
    if not isinstance(held, LoginRecord) or now.timestamp() >= held.expires_at:
        raise LaunchRefusedError(ReasonCode.BAD_STATE)
    return held


# --- Launch -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Launched:
    """The tab that a launch made, and the secret for its cookie."""

    tab: Tab
    secret: str = field(repr=False)
    shown: str | None = None  # what the app above asked about the link (settings.LAUNCH_ASKS)


@dataclass(frozen=True, slots=True)
class StorageQuestion:
    """All is well so far, but the cookie is missing: what the page has to ask the platform's storage for.

    Its answer comes back with the handle, once, to `finish_launch`.
    """

    handle: str = field(repr=False)
    storage: Storage
    trail: Trail


def accept_launch(
    *, state: str, id_token: str, cookies: Mapping[str, str], now: datetime
) -> Launched | StorageQuestion:
    """Judge an authentication response, store what it says, and make a tab.

    Without the login's cookie, but with its secret in the platform's storage, nothing is spent yet: state and
    nonce are taken when the secret has come from there.

    Raises:
        LaunchRefusedError: with the code of the first row that fails, and the trail up to there.
    """
    trail = Trail()
    proof = cookies.get(login_cookie_name(state), "")
    try:
        judged = _judge(state, id_token, proof=proof, may_ask=True, trail=trail, now=now)
        if judged.is_bound:
            return _accept(judged, trail=trail, now=now)
        handle = secrets.token_urlsafe(32)
        cache.set(_answer_key(handle), (state, id_token), ANSWER_LIFE.total_seconds())
        return StorageQuestion(handle, _storage_of(judged.record, state), trail)
    except LaunchRefusedError as error:
        error.trail = trail
        raise


def finish_launch(*, handle: str, proof: str, now: datetime) -> Launched:
    """Accept the launch that waits under this handle, if the platform's storage gave the login's secret.

    Everything is judged again: a key may have been withdrawn, a platform switched off in the meantime.

    Raises:
        LaunchRefusedError: as `accept_launch`; `no_browser_binding` for another secret or none, `replay` for
            a handle that is unknown, too old or has been used.
    """
    trail = Trail()
    try:
        judged = _judge(*_take_waiting(handle), proof=proof, may_ask=False, trail=trail, now=now)
        return _accept(judged, trail=trail, now=now)
    except LaunchRefusedError as error:
        error.trail = trail
        raise


def _take_waiting(handle: str) -> tuple[str, str]:
    """State and token that wait under a handle: for the first who asks."""
    held: tuple[str, str] | None = cache.get(_answer_key(handle)) if handle else None
    if held is None or not cache.delete(_answer_key(handle)):
        raise LaunchRefusedError(ReasonCode.REPLAY)
    return held


def _answer_key(handle: str) -> str:
    return f"launch-answer:{hash_secret(handle)}"


def trail_of(state: str, *, now: datetime) -> Trail:
    """What is known of the login behind a state: for the page of an error that a platform reports."""
    trail = Trail()
    try:
        record = peek_login(state, now=now)
    except LaunchRefusedError:
        return trail
    _note(trail, record)
    return trail


def _note(trail: Trail, record: LoginRecord) -> None:
    platform = record.platform
    trail.platform_id = platform.pk
    trail.issuer, trail.client_id = platform.issuer, platform.client_id
    trail.deployment_id = record.request.deployment_id
    trail.auth_url = platform.auth_url
    trail.login = record.request
    trail.frame_origins = frame_origins_of({}, _expected(record), platform.frame_origins)


def _expected(record: LoginRecord) -> Expected:
    return Expected(
        issuer=record.platform.issuer,
        client_id=record.platform.client_id,
        target_link_uri=record.request.target_link_uri,
        public_url=settings.PUBLIC_URL,
        allows_loopback=settings.ALLOW_LOOPBACK_PLATFORMS,
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    """A token that passed rows 0 to 12; row 7 only when `is_bound`."""

    state: str
    id_token: str
    record: LoginRecord
    payload: Mapping[str, Any]
    is_bound: bool


def _judge(state: str, id_token: str, *, proof: str, may_ask: bool, trail: Trail, now: datetime) -> _Judged:
    record = peek_login(state, now=now)  # row 0
    _note(trail, record)
    payload = _judge_token(id_token, record, trail=trail, now=now)  # rows 1-6
    is_bound = hmac.compare_digest(hash_secret(proof), record.binding_hash)
    if not is_bound and not (may_ask and record.is_stored):  # row 7
        raise LaunchRefusedError(ReasonCode.NO_BROWSER_BINDING)
    judge_security(payload, _expected(record), now=now.timestamp())  # rows 8-12
    return _Judged(state, id_token, record, payload, is_bound)


def _judge_token(id_token: str, record: LoginRecord, *, trail: Trail, now: datetime) -> Mapping[str, Any]:
    """The claims of a token that a key of the registration has signed."""
    token = read_token(id_token)  # rows 1-4
    trail.kid = token.kid
    payload = read_payload(verify_signature(token, record.platform, now=now.timestamp()))  # rows 5, 6
    trail.frame_origins = frame_origins_of(payload, _expected(record), record.platform.frame_origins)
    return payload


def _accept(judged: _Judged, *, trail: Trail, now: datetime) -> Launched:
    record, payload = judged.record, judged.payload
    _take_login(judged.state, record, now=now)  # row 13
    judge_nonce(payload, nonce=record.nonce)
    message = read_message(payload)  # rows 14-16
    trail.deployment_id = message.deployment_id
    if record.request.deployment_id not in {"", message.deployment_id}:
        raise LaunchRefusedError(ReasonCode.UNKNOWN_DEPLOYMENT, detail=message.deployment_id, variant="other")
    known = _know(judged, message.deployment_id, trail=trail, now=now)
    _judge_deployment(known.deployment)
    launch = read_launch(payload, message, _expected(record))  # rows 17-24
    launched = _store(known, launch, frame_origins=trail.frame_origins, now=now)
    note_launch(known.deployment.platform, payload, now=now)
    return launched


def _know(judged: _Judged, deployment_id: str, *, trail: Trail, now: datetime) -> Known:
    """What the database knows; the registration must be active, and must still be what the login found."""
    record, keys = judged.record, keys_of(judged.payload)
    known = find_known(record.platform.pk, deployment_id, keys, now=now)
    platform = known.deployment.platform if known else Platform.objects.filter(pk=record.platform.pk).first()
    if platform is None:
        raise LaunchRefusedError(ReasonCode.UNKNOWN_PLATFORM)
    _judge_platform(platform)
    if Registered.of(platform) != record.platform:
        now_registered = record._replace(platform=Registered.of(platform))
        payload = _judge_token(judged.id_token, now_registered, trail=trail, now=now)
        judge_security(payload, _expected(now_registered), now=now.timestamp())
    if known is None:
        _meet_deployment(platform, deployment_id)
        known = find_known(platform.pk, deployment_id, keys, now=now)
    if known is None:  # it was deleted at this very moment
        raise LaunchRefusedError(ReasonCode.UNKNOWN_DEPLOYMENT, detail=deployment_id)
    return known


def _judge_deployment(deployment: Deployment) -> None:
    if deployment.state != Deployment.State.ACTIVE:
        detail, variant = deployment.deployment_id, deployment.state
        raise LaunchRefusedError(ReasonCode.UNKNOWN_DEPLOYMENT, detail=detail, variant=variant)


@transaction.atomic
def _meet_deployment(platform: Platform, deployment_id: str) -> None:
    """A new deployment is kept, so that it can be approved."""
    # Two launches from a new deployment at once: the second waits here, then finds what the first has made.
    platform = Platform.objects.select_for_update().get(pk=platform.pk)
    if platform.deployments.filter(deployment_id=deployment_id).exists():
        return
    is_tenant = platform.tenancy == Platform.Tenancy.DEPLOYMENT
    tenant = None if is_tenant else platform.tenants.order_by("created_at").first()
    needs_approval = is_tenant or platform.has_listed_deployments
    Deployment.objects.create(
        platform=platform,
        tenant=tenant or make_tenant(platform, deployment_id=deployment_id if is_tenant else ""),
        deployment_id=deployment_id,
        state=Deployment.State.PENDING if needs_approval else Deployment.State.ACTIVE,
    )


# --- What a launch leaves behind ----------------------------------------------------------------


@dataclass(slots=True)
class _Rows:
    """What we know of whoever launches and of where from. Rows that are new are not saved yet."""

    person: Person
    course: Course | None
    membership: Membership | None
    placement: Placement | None


def _store(known: Known, launch: Launch, *, frame_origins: list[str], now: datetime) -> Launched:
    # First launches at the same instant make the same rows. Whoever is too late finds what the other one made
    # in the next turn; person, course, membership and link may each cost one.
    for _row in range(4):
        try:
            return _store_once(known, launch, frame_origins=frame_origins, now=now)
        except IntegrityError:
            again = find_known(known.deployment.platform_id, launch.deployment_id, _keys_of(launch), now=now)
            known = again or known
    return _store_once(known, launch, frame_origins=frame_origins, now=now)


def _keys_of(launch: Launch) -> Keys:
    link, context = launch.resource_link, launch.context
    return Keys(sub=launch.sub, context=context.id if context else None, link=link.id if link else None)


def _store_once(known: Known, launch: Launch, *, frame_origins: list[str], now: datetime) -> Launched:
    """Write what differs from what is known. Mostly that is nothing, and the last tab serves again."""
    deployment, tenant = known.deployment, known.deployment.tenant
    standing = judge_roles(launch.roles, known.rules, learner_wins=tenant.learner_wins)
    rows = _rows_of(known, launch)
    if rows.person.is_disabled:
        raise LaunchRefusedError(ReasonCode.PERSON_DISABLED)
    changes = _changes(rows, launch, standing, now=now)
    facts: dict[str, object] = {
        "right": standing.right.value,
        "application_role": standing.application_role.value,
        "has_mixed_roles": standing.is_mixed and tenant.learner_wins,
        "is_console_admin": standing.is_institution_admin and tenant.institution_admin_gets_console,
        "frame_origins": frame_origins,
        "locale": launch.locale,
    }
    if not changes and not launch.deep_linking and (last := _last_tab(known, rows, facts)):
        return Launched(last, secret_of(last.handle), known.shown)
    handle = secrets.token_urlsafe(12)
    secret = secret_of(handle)
    tab = Tab(
        handle=handle,
        secret_hash=hash_secret(secret),
        tenant=tenant,
        deployment=deployment,
        launched_at=now,
        expires_at=now + TAB_LIFE,
        **facts,
    )
    new = [row for row, _changed in changes if row._state.adding and not isinstance(row, Course | Placement)]  # noqa: SLF001 - Django's own word for "new"
    if rows.person in new:
        rows.person.make_searchable()
    # Mostly a person's first launch into a course that is known: one statement is a transaction by itself.
    is_one = len(new) == len(changes) and not launch.deep_linking
    with nullcontext() if is_one else transaction.atomic():
        for row, changed in changes:
            if not row._state.adding:  # noqa: SLF001 - as above
                row.save(update_fields=changed)
            elif row not in new:  # others refer to it by a key that the database makes
                row.save(force_insert=True)
        tab.person, tab.course, tab.placement = rows.person, rows.course, rows.placement
        insert_rows([*new, tab])
        if launch.deep_linking:
            _store_content_request(tab, launch.deep_linking)
    return Launched(tab, secret, known.shown)


def _last_tab(known: Known, rows: _Rows, facts: Mapping[str, object]) -> Tab | None:
    """The tab of the last launch, where this one tells nothing else: it serves again, and ends when it would.

    Not after a roster that says something newer of the person: a launch that is newer than that wins, and
    only a new tab tells that it is.
    """
    last = known.last_tab
    if last is None or last.course_id != (rows.course.pk if rows.course else None):
        return None
    listed_at = rows.membership.listed_at if rows.membership else None
    if listed_at is not None and listed_at > last.launched_at:
        return None
    is_same = all(getattr(last, name) == value for name, value in facts.items())
    # Of another SECRET_KEY: nobody can show its secret any more.
    is_ours = hmac.compare_digest(last.secret_hash, hash_secret(secret_of(last.handle)))
    return last if is_same and is_ours else None


def _store_content_request(tab: Tab, wanted: DeepLinkingClaim) -> None:
    ContentRequest.objects.create(
        tab=tab,
        return_url=wanted.return_url,
        accept_types=list(wanted.accept_types),
        accepts_multiple=wanted.accepts_multiple,
        title=wanted.title,
        text=wanted.text,
        data=wanted.data,
    )


def _rows_of(known: Known, launch: Launch) -> _Rows:
    """What is known, and new rows for what is not."""
    deployment, tenant = known.deployment, known.deployment.tenant
    person = known.person or Person(tenant=tenant, sub=launch.sub)
    course = membership = placement = None
    if launch.context is not None:
        course = known.course or Course(deployment=deployment, context_id=launch.context.id, tenant=tenant)
        membership = known.membership or Membership(course=course, person=person)
    if launch.resource_link is not None:
        placement = known.placement or Placement(
            deployment=deployment, resource_link_id=launch.resource_link.id, tenant=tenant
        )
    return _Rows(person, course, membership, placement)


def _changes(
    rows: _Rows, launch: Launch, standing: Standing, *, now: datetime
) -> list[tuple[Model, list[str]]]:
    """The rows that have to be saved, in an order in which they can be, and their fields."""
    told: list[tuple[Model, dict[str, object]]] = [(rows.person, _told_of_person(launch))]
    if rows.course is not None:
        wants_roster = standing.right is not Right.NONE
        told.append((rows.course, _told_of_course(rows.course, launch, wants_roster=wants_roster, now=now)))
    if rows.membership is not None:
        told.append((rows.membership, _told_of_membership(launch, standing)))
    if rows.placement is not None:
        told.append((rows.placement, _told_of_placement(rows.placement, rows.course, launch)))
    is_listed_now = rows.course is not None and rows.course.roster_claimed_at is not None
    found = [(row, _changed(row, values)) for row, values in told]
    for row, changed in found:
        if isinstance(row, Person | Membership):
            is_noted = row.launched_at is not None and row.launched_at > now - NOTED_EVERY
            # A roster that is being fetched at this moment must be able to tell that the launch is newer.
            if changed or is_listed_now or not is_noted:
                row.launched_at = now
                changed.append("launched_at")
    return [(row, changed) for row, changed in found if changed or row._state.adding]  # noqa: SLF001 - as above


def _changed(row: Model, values: Mapping[str, object]) -> list[str]:
    """Set what differs; most launches tell what we know."""
    changed = [
        name for name, value in values.items() if isinstance(value, Model) or getattr(row, name) != value
    ]
    for name in changed:
        setattr(row, name, values[name])
    return changed


def _told_of_person(launch: Launch) -> dict[str, object]:
    values: dict[str, object] = {"is_test_user": launch.is_test_user}
    # What a platform does not tell this time has not become untrue: another deployment may tell more.
    if launch.name or launch.given_name or launch.family_name:
        values |= {
            "name": launch.name,
            "given_name": launch.given_name,
            "family_name": launch.family_name,
        }
    if launch.email:
        values |= {"email": launch.email, "normalised_email": normalise_email(launch.email)}
    if launch.locale:
        values["locale"] = launch.locale
    return values


def _told_of_course(
    course: Course, launch: Launch, *, wants_roster: bool, now: datetime
) -> dict[str, object]:
    context = launch.context
    values: dict[str, object] = {"ancestors": list(launch.ancestry.contexts)}
    if context is not None:
        values |= {"title": context.title, "label": context.label}
    if launch.roster_url:
        values["roster_url"] = launch.roster_url
        is_stale = course.roster_fetched_at is None or course.roster_fetched_at < now - ROSTER_AGE
        if wants_roster and is_stale and course.roster_wanted_at is None:
            values["roster_wanted_at"] = now
    return values


def _told_of_membership(launch: Launch, standing: Standing) -> dict[str, object]:
    return {
        "roles": list(launch.role_texts),
        "right": standing.right.value,
        "application_role": standing.application_role.value,
        "status": Membership.Status.ACTIVE.value,
    }


def _told_of_placement(placement: Placement, course: Course | None, launch: Launch) -> dict[str, object]:
    link = launch.resource_link
    values: dict[str, object] = {
        "title": link.title if link else "",
        "ancestors": list(launch.ancestry.links),
        "hint": launch.custom.get(HINT_PARAMETER, ""),
    }
    if course and (course._state.adding or course.pk != placement.course_id):  # noqa: SLF001 - as above
        values["course"] = course
    return values
