"""Who may invite, and what a link is worth. Pure: plain facts in, an answer with its reason out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from common.decisions import Allowed, Decision, Refused
from lti_tool.roles import ApplicationRole
from rooms.policy.roles import INVITABLE, Role


class WhyNot(StrEnum):
    """Why somebody may not invite. The members stand in the order in which they are asked (design §4)."""

    MODULE_OFF = "module_off"
    NOT_ON_MEDIA_PAGE = "not_on_media_page"
    NO_COLLABORATION = "no_collaboration"
    NO_RIGHT = "no_right"
    NOT_AMONG_ALLOWED_USERS = "not_among_allowed_users"


@dataclass(frozen=True, slots=True)
class InvitingFacts:
    """All that decides whether somebody may invite to an entry.

    Args:
        kind: a value of `Entry.Kind`.
        has_inviting_right: whether owner, co-owner, co-editor or co-publisher.
        allowed_users: a value of `ModuleSettings.AllowedUsers`.
        is_named: whether the person is named there by id, name or group.
    """

    is_module_enabled: bool
    shows_on_media_page: bool
    kind: str
    has_chat: bool
    has_inviting_right: bool
    application_role: ApplicationRole
    allowed_users: str
    is_named: bool


@dataclass(frozen=True, slots=True)
class Check:
    """One of the questions of `judge_inviting`, and whether it was answered well."""

    reason: WhyNot
    is_passed: bool


_MINIMUM: Final = {
    "private_only": ApplicationRole.PRIVATE_ONLY,
    "admin": ApplicationRole.ADMIN,
    "unmoderated_admin": ApplicationRole.UNMODERATED_ADMIN,
}


def inviting_checks(facts: InvitingFacts) -> tuple[Check, ...]:
    """Every question, in its order, with its own answer: what "Why can't I invite?" shows."""
    minimum = _MINIMUM.get(facts.allowed_users)
    is_allowed = facts.is_named if minimum is None else facts.application_role >= minimum
    return (
        Check(WhyNot.MODULE_OFF, facts.is_module_enabled),
        Check(WhyNot.NOT_ON_MEDIA_PAGE, facts.shows_on_media_page),
        Check(WhyNot.NO_COLLABORATION, facts.kind != "room" or facts.has_chat),
        Check(WhyNot.NO_RIGHT, facts.has_inviting_right),
        Check(WhyNot.NOT_AMONG_ALLOWED_USERS, is_allowed),
    )


def judge_inviting(facts: InvitingFacts) -> Decision:
    """Whether somebody may invite; the first question that fails gives the reason."""
    failed = (check.reason for check in inviting_checks(facts) if not check.is_passed)
    reason = next(failed, None)
    return Allowed() if reason is None else Refused(reason)


def invitable_roles(kind: str) -> tuple[Role, ...]:
    """The invitation types for a kind of entry: a video or a document has only viewers."""
    return INVITABLE if kind in {"room", "live"} else (Role.VIEWER,)


def link_expires_at(
    *, now: datetime, minutes: int, session_ends_at: datetime | None, valid_until_session_ends: bool
) -> datetime:
    """When a link made now ends: after its duration, or with the entry's session where that is later."""
    ends_at = now + timedelta(minutes=minutes)
    if valid_until_session_ends and session_ends_at is not None:
        return max(ends_at, session_ends_at)
    return ends_at


def device_limit(link_reusability: int) -> int | None:
    """How many devices may pass the lobby with one generation of a link; None is unlimited."""
    return None if link_reusability < 0 else link_reusability


def asks_for_code(verify_mailbox: str, role: Role) -> bool:
    """Whether the lobby wants a code from the invited mailbox. The rule is a value of `VerifyMailbox`."""
    if verify_mailbox == "hosting":
        return role in {Role.MODERATOR, Role.SPEAKER}
    return verify_mailbox == "everybody"


class Why(StrEnum):
    """Why a link lets nobody in. Each has a page of its own."""

    NOT_GENUINE = "not_genuine"
    GONE = "gone"
    MODULE_OFF = "module_off"
    WITHDRAWN = "withdrawn"
    REMOVED = "removed"
    RESTRICTED = "restricted"
    REPLACED = "replaced"
    SESSION_ENDED = "session_ended"
    EXPIRED = "expired"
    USED_UP = "used_up"


# These outweigh a pass that a device already holds; the others only keep new devices out.
FINAL: Final = frozenset({Why.NOT_GENUINE, Why.GONE, Why.MODULE_OFF, Why.WITHDRAWN, Why.REMOVED})


# What a guest can mend by asking for a new link; everything else is for somebody else to mend, or over.
RENEWABLE: Final = frozenset({Why.REPLACED, Why.EXPIRED, Why.USED_UP})


@dataclass(frozen=True, slots=True)
class Terms:
    """What an invite allows, and what holds for its entry now.

    Args:
        generation: of the newest link; older ones are replaced.
        max_devices: None is unlimited.
        session_ends_at: when the session of its entry ends or ended, where that is known.
    """

    generation: int
    expires_at: datetime
    max_devices: int | None
    is_withdrawn: bool = False
    is_removed: bool = False
    is_module_enabled: bool = True
    is_entry_gone: bool = False
    session_ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Admit:
    """The link is open to one more device."""

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Refuse:
    """The link is not open, and why."""

    why: Why

    def __bool__(self) -> bool:
        return False


def judge_link(terms: Terms, *, generation: int, devices: int, now: datetime) -> Admit | Refuse:
    """Whether a link of this generation, used by this many devices, lets one more in.

    What ends an invitation altogether is named before what ends only its link.
    """
    if terms.is_entry_gone:
        return Refuse(Why.GONE)
    if not terms.is_module_enabled:
        return Refuse(Why.MODULE_OFF)
    if (
        generation > terms.generation
    ):  # signed by us, for an invite that a restored database does not know so far
        return Refuse(Why.NOT_GENUINE)
    if terms.is_withdrawn:
        return Refuse(Why.WITHDRAWN)
    if terms.is_removed:
        return Refuse(Why.REMOVED)
    if generation < terms.generation:
        return Refuse(Why.REPLACED)
    if terms.session_ends_at is not None and now >= terms.session_ends_at:
        return Refuse(Why.SESSION_ENDED)
    if now >= terms.expires_at:
        return Refuse(Why.EXPIRED)
    if terms.max_devices is not None and devices >= terms.max_devices:
        return Refuse(Why.USED_UP)
    return Admit()


class Stage(StrEnum):
    """How far an invitation has come."""

    MADE = "made"
    WAITING = "waiting"
    MAILED = "mailed"
    FAILED = "failed"
    LOBBY = "lobby"
    ENTERED = "entered"


@dataclass(frozen=True, slots=True)
class Life:
    """What has happened to an invitation. `mail_states`: values of `OutboxMail.State`, the newest first."""

    mail_states: tuple[str, ...]
    has_reached_lobby: bool
    has_entered: bool


def stage_of(life: Life) -> Stage:
    """The farthest thing that has happened."""
    if life.has_entered:
        return Stage.ENTERED
    if life.has_reached_lobby:
        return Stage.LOBBY
    return _mail_stage(life.mail_states)


def _mail_stage(states: Iterable[str]) -> Stage:
    stages = {
        "waiting": Stage.WAITING,
        "sending": Stage.WAITING,
        "sent": Stage.MAILED,
        "failed": Stage.FAILED,
        "given_up": Stage.FAILED,
    }
    return next((stages[state] for state in states), Stage.MADE)


class Quota(StrEnum):
    """What a tenant's rules bound. The numbers are the tenant's own, the spans are ours."""

    INVITER_HOUR = "inviter_hour"
    ENTRY = "entry"
    RECIPIENT_DAY = "recipient_day"
    TENANT_DAY = "tenant_day"


QUOTA_WINDOWS: Final = {
    Quota.INVITER_HOUR: timedelta(hours=1),
    Quota.RECIPIENT_DAY: timedelta(days=1),
    Quota.TENANT_DAY: timedelta(days=1),
}


@dataclass(frozen=True, slots=True)
class Exhausted:
    """A quota is used up.

    Args:
        frees_at: when its window ends; None where only withdrawing something makes room.
    """

    quota: Quota
    limit: int
    frees_at: datetime | None

    def __bool__(self) -> bool:
        return False


def judge_quota(
    quota: Quota, *, limit: int, used: int, window_starts_at: datetime | None, now: datetime
) -> Allowed | Exhausted:
    """Whether one more fits into the window that began then; one that has ended counts for nothing."""
    span = QUOTA_WINDOWS[quota]
    if window_starts_at is None or now >= window_starts_at + span:
        used, window_starts_at = 0, now
    return Allowed() if used < limit else Exhausted(quota, limit, window_starts_at + span)
