"""Many invitations at once: what would become of a line. Pure: facts in, a verdict with its detail out.

The order is that of `invites.services.issue.issue_invite`, which has the last word when a line is worked off.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from common.decisions import Decision, Refused
from invites.domains import AddressProblem, NormalisedEmail
from invites.policy import Why
from rooms.policy.roles import Role

LONGEST_NAME: Final = 100


class Verdict(StrEnum):
    """What would become of a line, and afterwards what became of it. They are shown in this order."""

    # somebody has to look
    BAD_ADDRESS = "bad_address"
    DOUBLE = "double"
    BAD_ROLE = "bad_role"
    ROLE_NOT_HERE = "role_not_here"
    RESTRICTED = "restricted"
    SOMEBODY_ELSES = "somebody_elses"
    NO_LAST_NAME = "no_last_name"
    LONG_NAME = "long_name"
    OVER_QUOTA = "over_quota"
    NOT_ALLOWED = "not_allowed"
    FAILED = "failed"
    # left as they are
    WITHDRAWN = "withdrawn"
    REMOVED = "removed"
    ENDED = "ended"
    USED_UP = "used_up"
    EXPIRED = "expired"
    # worked off
    NEW = "new"
    IN_COURSE = "in_course"
    ROLE_CHANGES = "role_changes"
    UNCHANGED = "unchanged"


GOOD: Final = frozenset({Verdict.NEW, Verdict.IN_COURSE, Verdict.ROLE_CHANGES, Verdict.UNCHANGED})
FRESH: Final = frozenset({Verdict.NEW, Verdict.IN_COURSE})  # these make an invite
RENEWABLE: Final = frozenset({Verdict.USED_UP, Verdict.EXPIRED})
LEFT: Final = frozenset({Verdict.WITHDRAWN, Verdict.REMOVED, Verdict.ENDED}) | RENEWABLE
BAD: Final = frozenset(Verdict) - GOOD - LEFT

_CLOSED: Final = {
    Why.WITHDRAWN: Verdict.WITHDRAWN,
    Why.REMOVED: Verdict.REMOVED,
    Why.USED_UP: Verdict.USED_UP,
    Why.EXPIRED: Verdict.EXPIRED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An invite that the address has already.

    Args:
        is_ours: whether the inviter may change it.
        inviter: the name of whoever made it.
        closed: why its link is not open; None where it is.
    """

    role: Role
    is_ours: bool
    inviter: str
    closed: Why | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFacts:
    """All that decides about a line.

    Args:
        earlier: the number of an earlier line with the same address; 0 where there is none.
        role: None for a word that means none; `roles` are those that fit the entry.
        newcomer: what `judge_newcomer` says of the address.
        has_room: whether the quotas leave a place for one more invite.
    """

    email: NormalisedEmail | AddressProblem
    earlier: int
    first_name: str
    last_name: str
    role: Role | None
    roles: tuple[Role, ...]
    newcomer: Decision
    standing: Standing | None
    is_in_course: bool
    has_room: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict; `detail` is what its words need: a line's number, a domain, two roles, a name."""

    verdict: Verdict
    detail: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the line is worked off without asking further."""
        return self.verdict in GOOD


def judge_line(facts: LineFacts) -> Judged:
    """What would become of the line now; the first objection is the verdict."""
    if isinstance(facts.email, AddressProblem):
        return Judged(Verdict.BAD_ADDRESS, facts.email.value)
    if facts.earlier:
        return Judged(Verdict.DOUBLE, str(facts.earlier))
    if facts.role is None:
        return Judged(Verdict.BAD_ROLE)
    if facts.role not in facts.roles:
        return Judged(Verdict.ROLE_NOT_HERE)
    if isinstance(facts.newcomer, Refused):
        return Judged(Verdict.RESTRICTED, facts.newcomer.detail)
    if max(len(facts.first_name), len(facts.last_name)) > LONGEST_NAME:
        return Judged(Verdict.LONG_NAME)
    if facts.standing is not None:
        return _judge_again(facts.standing, facts.role)
    if not facts.last_name:
        return Judged(Verdict.NO_LAST_NAME)
    if not facts.has_room:
        return Judged(Verdict.OVER_QUOTA)
    return Judged(Verdict.IN_COURSE if facts.is_in_course else Verdict.NEW)


def _judge_again(standing: Standing, role: Role) -> Judged:
    if not standing.is_ours:
        return Judged(Verdict.SOMEBODY_ELSES, standing.inviter)
    closed = None if standing.closed is None else _CLOSED.get(standing.closed, Verdict.ENDED)
    if closed is not None and closed not in RENEWABLE:
        return Judged(closed)
    if standing.role != role:
        return Judged(Verdict.ROLE_CHANGES, f"{standing.role.value}:{role.value}")
    return Judged(closed or Verdict.UNCHANGED)
