"""The vocabulary, and what each role is worth by default."""

import pytest

from lti_tool.roles import (
    SUB_ROLES,
    VOCABULARY,
    ApplicationRole,
    Right,
    Scope,
    Standing,
    Worth,
    context_uri,
    default_rules,
    judge_roles,
    read_role,
    read_roles,
)

LIS = "http://purl.imsglobal.org/vocab/lis/v2"
CONTEXT = f"{LIS}/membership#"
INSTITUTION = f"{LIS}/institution/person#"
SYSTEM = f"{LIS}/system/person#"
OWNER = Standing(Right.OWNER, ApplicationRole.ADMIN)
CONTEXT_ADMIN = Standing(Right.OWNER, ApplicationRole.UNMODERATED_ADMIN)
BUILDER = Standing(Right.CO_EDITOR, ApplicationRole.ADMIN)
ASSISTANT = Standing(Right.CO_EDITOR, ApplicationRole.PRIVATE_ONLY)
NOTHING = Standing(Right.NONE, ApplicationRole.VIEWER)
MIXED = Standing(Right.NONE, ApplicationRole.VIEWER, is_mixed=True)
CAMPUS_ADMIN = Standing(Right.NONE, ApplicationRole.UNMODERATED_ADMIN, is_institution_admin=True)


def judged(*texts: str, learner_wins: bool = True) -> Standing:
    return judge_roles(read_roles(texts), default_rules(), learner_wins=learner_wins)


def sub(principal: str, name: str) -> str:
    return f"{LIS}/membership/{principal}#{name}"


@pytest.mark.parametrize(
    ("uri", "scope"),
    [
        (f"{SYSTEM}SysAdmin", Scope.SYSTEM),
        (f"{SYSTEM}None", Scope.SYSTEM),
        (f"{INSTITUTION}ProspectiveStudent", Scope.INSTITUTION),
        (f"{LIS}/person#Administrator", Scope.INSTITUTION),
        (f"{LIS}/person#Student", Scope.INSTITUTION),
        (f"{CONTEXT}Officer", Scope.CONTEXT),
        (sub("Officer", "Vice-Chair"), Scope.CONTEXT),
        (sub("Learner", "Instructor"), Scope.CONTEXT),
        ("http://purl.imsglobal.org/vocab/lti/system/person#TestUser", Scope.MARKER),
        ("Instructor", Scope.CONTEXT),
        ("ContentDeveloper", Scope.CONTEXT),
    ],
)
def test_known_roles_are_read(uri: str, scope: Scope) -> None:
    role = read_role(uri)
    assert role is not None
    assert role.scope is scope


def test_the_vocabulary_is_complete() -> None:
    """System, institution, deprecated (the union of both), context roles, sub-roles, the test user."""
    assert sum(map(len, SUB_ROLES.values())) == 51
    assert len(VOCABULARY) == 7 + 14 + 19 + 8 + 51 + 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "instructor",
        "TeachingAssistant",
        "Faculty",
        "Instructor ",
        f"{LIS}/unknown/unknown#Instructor",
        f"{LIS}/membership/Learner#Administrator",
        f"{LIS}/membership/#Instructor",
        f"{LIS}/membership#instructor",
        f"{LIS}/Membership#Instructor",
        f"https{LIS[4:]}/membership#Instructor",
        "urn:lti:role:ims/lis/Instructor",
        "urn:lti:sysrole:ims/lis/Administrator",
        "http://evil.example/membership#Instructor",
        f"{LIS}/membership#Instructor#Learner",
    ],
)
def test_everything_else_is_no_role(text: str) -> None:
    assert read_role(text) is None
    assert judged(text) == NOTHING


@pytest.mark.parametrize(
    ("texts", "standing"),
    [
        # the table of defaults
        ([f"{CONTEXT}Instructor"], OWNER),
        (["Instructor"], OWNER),
        ([f"{CONTEXT}Administrator"], CONTEXT_ADMIN),
        ([f"{CONTEXT}ContentDeveloper"], BUILDER),
        ([sub("Instructor", "TeachingAssistant")], ASSISTANT),
        ([f"{CONTEXT}Learner"], NOTHING),
        ([f"{CONTEXT}Mentor"], NOTHING),
        ([f"{CONTEXT}Member"], NOTHING),
        ([f"{CONTEXT}Officer"], NOTHING),
        ([f"{CONTEXT}Manager"], NOTHING),
        ([], NOTHING),
        # sub-roles alone
        ([sub("Instructor", "TeachingAssistantGroup")], ASSISTANT),
        ([sub("Instructor", "TeachingAssistantOffering")], ASSISTANT),
        ([sub("Instructor", "TeachingAssistantSection")], ASSISTANT),
        ([sub("Instructor", "TeachingAssistantSectionAssociation")], ASSISTANT),
        ([sub("Instructor", "TeachingAssistantTemplate")], ASSISTANT),
        ([sub("Instructor", "GuestInstructor")], ASSISTANT),
        ([sub("Instructor", "ExternalInstructor")], ASSISTANT),
        ([sub("Instructor", "Grader")], NOTHING),
        ([sub("Instructor", "Lecturer")], OWNER),
        ([sub("Instructor", "PrimaryInstructor")], OWNER),
        ([sub("Instructor", "SecondaryInstructor")], OWNER),
        ([sub("Administrator", "Administrator")], CONTEXT_ADMIN),
        *(
            ([sub("Administrator", name)], NOTHING)
            for name in SUB_ROLES["Administrator"]
            if name != "Administrator"
        ),
        *(([sub("ContentDeveloper", name)], BUILDER) for name in SUB_ROLES["ContentDeveloper"]),
        *(([sub("Learner", name)], NOTHING) for name in SUB_ROLES["Learner"]),
        *(([sub("Mentor", name)], NOTHING) for name in SUB_ROLES["Mentor"]),
        *(([sub("Manager", name)], NOTHING) for name in SUB_ROLES["Manager"]),
        # a principal role with one of its own sub-roles: the sub-role decides
        ([f"{CONTEXT}Instructor", sub("Instructor", "TeachingAssistant")], ASSISTANT),
        (["Instructor", sub("Instructor", "TeachingAssistant")], ASSISTANT),
        ([f"{CONTEXT}Instructor", sub("Instructor", "Grader")], NOTHING),
        ([f"{CONTEXT}Instructor", sub("Instructor", "PrimaryInstructor")], OWNER),
        ([f"{CONTEXT}Administrator", sub("Administrator", "Support")], NOTHING),
        ([sub("Instructor", "TeachingAssistant"), sub("Instructor", "Lecturer")], OWNER),
        # several principal roles: the highest of each
        ([f"{CONTEXT}Instructor", f"{CONTEXT}Administrator"], CONTEXT_ADMIN),
        ([f"{CONTEXT}ContentDeveloper", sub("Instructor", "TeachingAssistant")], BUILDER),
        # institution and system roles give no right; only their administrators have a standing
        ([f"{INSTITUTION}Instructor"], NOTHING),
        ([f"{INSTITUTION}Faculty", f"{INSTITUTION}Staff"], NOTHING),
        ([f"{INSTITUTION}Administrator"], CAMPUS_ADMIN),
        ([f"{SYSTEM}Administrator"], CAMPUS_ADMIN),
        ([f"{LIS}/person#Administrator"], CAMPUS_ADMIN),
        ([f"{SYSTEM}SysAdmin"], NOTHING),
        (
            [f"{INSTITUTION}Administrator", f"{CONTEXT}Instructor"],
            Standing(Right.OWNER, ApplicationRole.UNMODERATED_ADMIN, is_institution_admin=True),
        ),
        # Learner beside something that is worth more
        ([f"{CONTEXT}Learner", f"{CONTEXT}Instructor"], MIXED),
        ([f"{CONTEXT}Learner", sub("Instructor", "TeachingAssistant")], MIXED),
        ([sub("Learner", "Instructor"), f"{CONTEXT}Instructor"], MIXED),
        ([f"{CONTEXT}Learner", f"{INSTITUTION}Administrator"], MIXED),
        ([f"{CONTEXT}Learner", f"{SYSTEM}Administrator"], MIXED),
        # … and beside something that is not
        ([f"{CONTEXT}Learner", f"{CONTEXT}Member", f"{CONTEXT}Mentor"], NOTHING),
        ([f"{CONTEXT}Learner", f"{INSTITUTION}Student", f"{INSTITUTION}Faculty"], NOTHING),
        ([f"{CONTEXT}Learner", sub("Instructor", "Grader")], NOTHING),
    ],
)
def test_what_roles_are_worth(texts: list[str], standing: Standing) -> None:
    assert judged(*texts) == standing


def test_a_tenant_may_let_the_teaching_role_win() -> None:
    standing = judged(f"{CONTEXT}Learner", f"{CONTEXT}Instructor", learner_wins=False)
    assert standing == Standing(Right.OWNER, ApplicationRole.ADMIN, is_mixed=True)
    standing = judged(f"{CONTEXT}Learner", f"{INSTITUTION}Administrator", learner_wins=False)
    assert standing.is_institution_admin


def test_a_row_for_a_sub_role_counts_before_that_of_its_principal() -> None:
    grader = context_uri("Instructor", "Grader")
    rules = [*default_rules(), Worth(grader, Right.CO_PUBLISHER, ApplicationRole.PRIVATE_ONLY)]
    standing = judge_roles(read_roles([grader]), rules, learner_wins=True)
    assert standing == Standing(Right.CO_PUBLISHER, ApplicationRole.PRIVATE_ONLY)


def test_without_any_row_nobody_has_a_right() -> None:
    roles = read_roles([f"{CONTEXT}Instructor", f"{CONTEXT}Administrator"])
    assert judge_roles(roles, [], learner_wins=True) == NOTHING
