"""LIS roles and what they are worth here. Pure: URIs in, `Right` and `ApplicationRole` out.

Roles are compared as whole strings against a table; nothing is ever read from the tail of a URI, so that
`…/unknown#Instructor` and `…/membership/Learner#Instructor` make no teacher.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final


class Right(StrEnum):
    """What a person may do to an entry (design: "Right")."""

    OWNER = "owner"
    CO_OWNER = "co_owner"
    CO_EDITOR = "co_editor"
    CO_PUBLISHER = "co_publisher"
    NONE = "none"


class ApplicationRole(IntEnum):
    """A person's standing, ordered: a higher number may whatever a lower one may."""

    VIEWER = 0
    PRIVATE_ONLY = 1
    ADMIN = 2
    UNMODERATED_ADMIN = 3


class Scope(StrEnum):
    """Where a role holds. Only context roles give a right."""

    SYSTEM = "system"
    INSTITUTION = "institution"
    CONTEXT = "context"
    MARKER = "marker"


@dataclass(frozen=True, slots=True)
class Role:
    """One row of the vocabulary. `sub_role` is empty for a principal role."""

    uri: str
    scope: Scope
    principal: str
    sub_role: str = ""


@dataclass(frozen=True, slots=True)
class Worth:
    """What one role is mapped to: a row of a tenant's mapping."""

    role: str
    right: Right
    application_role: ApplicationRole


@dataclass(frozen=True, slots=True)
class Standing:
    """What all roles of one launch together are worth.

    `is_mixed` says that Learner came beside a role that is worth more, whichever of the two decided.
    """

    right: Right
    application_role: ApplicationRole
    is_mixed: bool = False
    is_institution_admin: bool = False


# --- The vocabulary (LTI Core 1.3, appendix A.2) --------------------------------------------------

LIS: Final = "http://purl.imsglobal.org/vocab/lis/v2"
TEST_USER: Final = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"

SYSTEM_ROLES: Final = (
    *("Administrator", "None"),
    *("AccountAdmin", "Creator", "SysAdmin", "SysSupport", "User"),
)
INSTITUTION_ROLES: Final = (
    *("Administrator", "Faculty", "Guest", "None", "Other", "Staff", "Student"),
    *("Alumni", "Instructor", "Learner", "Member", "Mentor", "Observer", "ProspectiveStudent"),
)
CONTEXT_ROLES: Final = (
    *("Administrator", "ContentDeveloper", "Instructor", "Learner", "Mentor"),
    *("Manager", "Member", "Officer"),
)
SUB_ROLES: Final[dict[str, tuple[str, ...]]] = {
    "Administrator": (
        *("Administrator", "Developer", "ExternalDeveloper", "ExternalSupport"),
        *("ExternalSystemAdministrator", "Support", "SystemAdministrator"),
    ),
    "ContentDeveloper": ("ContentDeveloper", "ContentExpert", "ExternalContentExpert", "Librarian"),
    "Instructor": (
        *("ExternalInstructor", "Grader", "GuestInstructor", "Lecturer"),
        *("PrimaryInstructor", "SecondaryInstructor", "TeachingAssistant"),
        *("TeachingAssistantGroup", "TeachingAssistantOffering", "TeachingAssistantSection"),
        *("TeachingAssistantSectionAssociation", "TeachingAssistantTemplate"),
    ),
    "Learner": ("ExternalLearner", "GuestLearner", "Instructor", "Learner", "NonCreditLearner"),
    "Manager": ("AreaManager", "CourseCoordinator", "ExternalObserver", "Manager", "Observer"),
    "Member": ("Member",),
    "Mentor": (
        *("Advisor", "Auditor", "ExternalAdvisor", "ExternalAuditor"),
        *("ExternalLearningFacilitator", "ExternalMentor", "ExternalReviewer", "ExternalTutor"),
        *("LearningFacilitator", "Mentor", "Reviewer", "Tutor"),
    ),
    "Officer": ("Chair", "Communications", "Secretary", "Treasurer", "Vice-Chair"),
}


def context_uri(principal: str, sub_role: str = "") -> str:
    """The URI of a context role."""
    return f"{LIS}/membership/{principal}#{sub_role}" if sub_role else f"{LIS}/membership#{principal}"


def _vocabulary() -> Iterator[Role]:
    # The deprecated form without the middle part stands for institution and system roles alike.
    for name in dict.fromkeys((*SYSTEM_ROLES, *INSTITUTION_ROLES)):
        yield Role(f"{LIS}/person#{name}", Scope.INSTITUTION, name)
    for name in SYSTEM_ROLES:
        yield Role(f"{LIS}/system/person#{name}", Scope.SYSTEM, name)
    for name in INSTITUTION_ROLES:
        yield Role(f"{LIS}/institution/person#{name}", Scope.INSTITUTION, name)
    for name in CONTEXT_ROLES:
        yield Role(context_uri(name), Scope.CONTEXT, name)
    for principal, sub_roles in SUB_ROLES.items():
        for name in sub_roles:
            yield Role(context_uri(principal, name), Scope.CONTEXT, principal, name)
    yield Role(TEST_USER, Scope.MARKER, "TestUser")


VOCABULARY: Final[dict[str, Role]] = {role.uri: role for role in _vocabulary()}

# Platforms (and rosters) may send these names instead of URIs; of all short forms only these are read.
BARE_NAMES: Final[dict[str, Role]] = {name: VOCABULARY[context_uri(name)] for name in CONTEXT_ROLES}


def read_role(text: str) -> Role | None:
    """The role that a URI or a bare context name stands for; None for anything else."""
    return VOCABULARY.get(text) or BARE_NAMES.get(text)


def read_roles(texts: Iterable[str]) -> frozenset[Role]:
    """All roles of the vocabulary among `texts`; unknown ones mean nothing."""
    return frozenset(role for role in map(read_role, texts) if role is not None)


# --- What roles are worth -------------------------------------------------------------------------

INSTRUCTOR: Final = context_uri("Instructor")
LEARNER: Final = context_uri("Learner")
TEACHING_ASSISTANT: Final = context_uri("Instructor", "TeachingAssistant")

_ASSISTANTS: Final = frozenset(
    context_uri("Instructor", name)
    for name in SUB_ROLES["Instructor"]
    if name.startswith("TeachingAssistant") or name in {"GuestInstructor", "ExternalInstructor"}
)
_WORTH_NOTHING: Final = frozenset(
    {context_uri("Instructor", "Grader")}
    | {context_uri("Administrator", name) for name in SUB_ROLES["Administrator"] if name != "Administrator"}
)
_RIGHTS_FROM_THE_TOP: Final = tuple(Right)


def default_rules() -> tuple[Worth, ...]:
    """The mapping of a new tenant (design §3.2). Roles without a row: see `inherits_from`."""
    none = [
        Worth(context_uri(name), Right.NONE, ApplicationRole.VIEWER)
        for name in ("Learner", "Mentor", "Manager", "Member", "Officer")
    ]
    return (
        Worth(INSTRUCTOR, Right.OWNER, ApplicationRole.ADMIN),
        Worth(context_uri("Administrator"), Right.OWNER, ApplicationRole.UNMODERATED_ADMIN),
        Worth(context_uri("ContentDeveloper"), Right.CO_EDITOR, ApplicationRole.ADMIN),
        Worth(TEACHING_ASSISTANT, Right.CO_EDITOR, ApplicationRole.PRIVATE_ONLY),
        *none,
    )


def inherits_from(role: Role) -> str:
    """Whose row counts for a role that has none of its own; empty where none does."""
    if role.uri in _WORTH_NOTHING:
        return ""
    return TEACHING_ASSISTANT if role.uri in _ASSISTANTS else context_uri(role.principal)


class Weight(StrEnum):
    """What became of one role of a launch."""

    COUNTED = "counted"  # by a row of its own, or by the one that it inherits from
    WORTH_NOTHING = "worth_nothing"  # a context role without any row
    EXPLAINED = "explained"  # a principal role beside a sub-role of its own: the sub-role counts
    OUTSIDE = "outside"  # an institution or system role: it gives no right in a course
    MARKER = "marker"  # says that this is a preview person
    UNKNOWN = "unknown"  # not in the vocabulary


@dataclass(frozen=True, slots=True)
class Weighed:
    """One role of a launch, and the row that it was worth. `row` is set where the role counted."""

    text: str
    role: Role | None
    weight: Weight
    row: Worth | None = None

    @property
    def worth(self) -> tuple[Right, ApplicationRole]:
        """What this role alone is worth."""
        return (self.row.right, self.row.application_role) if self.row else _NOTHING


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a standing came about. `right_from` and `application_role_from` are texts of `weighed`."""

    standing: Standing
    weighed: tuple[Weighed, ...]
    right_from: tuple[str, ...] = ()
    application_role_from: tuple[str, ...] = ()
    learner_decided: bool = False


_NOTHING: Final = (Right.NONE, ApplicationRole.VIEWER)


def _weigh(roles: Mapping[str, Role | None], rules: Mapping[str, Worth]) -> Iterator[Weighed]:
    """Each role by itself: whether it counts, and by which row."""
    with_sub_roles = {role.principal for role in roles.values() if role and role.sub_role}
    for text, role in roles.items():
        if role is None:
            yield Weighed(text, role, Weight.UNKNOWN)
        elif role.scope is not Scope.CONTEXT:
            yield Weighed(text, role, Weight.MARKER if role.scope is Scope.MARKER else Weight.OUTSIDE)
        elif not role.sub_role and role.principal in with_sub_roles:
            yield Weighed(text, role, Weight.EXPLAINED)
        else:
            row = rules.get(role.uri) or rules.get(inherits_from(role))
            yield Weighed(text, role, Weight.COUNTED if row else Weight.WORTH_NOTHING, row)


def judge_roles(roles: Iterable[Role], rules: Iterable[Worth], *, learner_wins: bool) -> Standing:
    """What a launch with these roles may do.

    Args:
        rules: the tenant's mapping.
        learner_wins: Learner beside a role that is worth more leaves nothing but Learner.
    """
    by_uri = {rule.role: rule for rule in rules}
    return _judge(list(_weigh({role.uri: role for role in roles}, by_uri)), learner_wins=learner_wins)


def explain_roles(texts: Iterable[str], rules: Iterable[Worth], *, learner_wins: bool) -> Explanation:
    """The same for roles as a platform sends them, and why: which row decided, and what was passed over."""
    by_uri = {rule.role: rule for rule in rules}
    weighed = tuple(_weigh({text: read_role(text) for text in texts}, by_uri))
    standing = _judge(weighed, learner_wins=learner_wins)
    if standing.is_mixed and learner_wins:
        learner = tuple(one.text for one in weighed if _is_learner(one))
        return Explanation(standing, weighed, learner, learner, learner_decided=True)
    admins = tuple(one.text for one in weighed if _is_campus_admin(one))
    return Explanation(
        standing,
        weighed,
        right_from=tuple(one.text for one in weighed if one.row and one.row.right is standing.right),
        application_role_from=admins
        or tuple(one.text for one in weighed if one.row and one.worth[1] is standing.application_role),
    )


def _judge(weighed: Collection[Weighed], *, learner_wins: bool) -> Standing:
    learner = [one for one in weighed if _is_learner(one)]
    is_admin = any(map(_is_campus_admin, weighed))
    best = _highest(one.worth for one in weighed)
    if is_admin:
        best = (best[0], ApplicationRole.UNMODERATED_ADMIN)
    is_mixed = bool(learner) and best != _highest(one.worth for one in learner)
    if is_mixed and learner_wins:
        return Standing(*_NOTHING, is_mixed=True)
    return Standing(*best, is_mixed=is_mixed, is_institution_admin=is_admin)


def _is_learner(one: Weighed) -> bool:
    return one.weight in _CONTEXT_WEIGHTS and one.role is not None and one.role.principal == "Learner"


def _is_campus_admin(one: Weighed) -> bool:
    return one.weight is Weight.OUTSIDE and one.role is not None and one.role.principal == "Administrator"


_CONTEXT_WEIGHTS: Final = frozenset({Weight.COUNTED, Weight.WORTH_NOTHING})


def _highest(worths: Iterable[tuple[Right, ApplicationRole]]) -> tuple[Right, ApplicationRole]:
    rights, standings = {Right.NONE}, {ApplicationRole.VIEWER}
    for right, standing in worths:
        rights.add(right)
        standings.add(standing)
    return min(rights, key=_RIGHTS_FROM_THE_TOP.index), max(standings)
