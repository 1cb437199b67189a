"""The console's tab `rolemapping`: what is saved, what a launch makes of it, and what is explained."""

import json
import logging
import re
from http import HTTPStatus
from typing import Protocol

import pytest
from django.contrib.auth.models import User
from django.test import Client

from lti_tool.claims import LTI
from lti_tool.identity import TAB_COOKIE
from lti_tool.models import RoleRule, Tab, Tenant
from lti_tool.queries import rules_of
from lti_tool.roles import (
    CONTEXT_ROLES,
    SUB_ROLES,
    ApplicationRole,
    Right,
    context_uri,
    default_rules,
    judge_roles,
    read_roles,
)
from practice_lms.people import ASSISTANT
from tests.factories.launches import Browser, Stage, tab_behind
from tests.factories.lti import make_course, make_member, make_person, make_tab, make_tenant

pytestmark = pytest.mark.django_db

TAB = "/admin/config/tab/rolemapping"
EXPLAIN = "/admin/config/rolemapping/explain"
LIS = "http://purl.imsglobal.org/vocab/lis/v2"
INSTRUCTOR, LEARNER = context_uri("Instructor"), context_uri("Learner")
LECTURER = context_uri("Instructor", "Lecturer")


class Answer(Protocol):
    content: bytes


def text(response: Answer) -> str:
    return response.content.decode()


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant(name="Northfield University")


@pytest.fixture
def admin(client: Client, tenant: Tenant) -> str:
    return f"/~{launched(client, tenant).handle}"


def launched(client: Client, tenant: Tenant, *, is_admin: bool = True) -> Tab:
    tab, secret = make_tab(make_member(make_course(tenant)), is_console_admin=is_admin)
    client.cookies[TAB_COOKIE] = secret
    return tab


def shown_in(client: Client, address: str) -> dict[str, str]:
    """What the form holds, as a browser would send it back."""
    form = client.get(address).context["form"]
    return {name: str(form[name].value()) for name in form.fields}


def standing(tenant: Tenant, *texts: str) -> tuple[Right, ApplicationRole]:
    tenant.refresh_from_db()
    judged = judge_roles(read_roles(texts), rules_of(tenant), learner_wins=tenant.learner_wins)
    return judged.right, judged.application_role


def visible(response: Answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text(response)).split())


# --- who gets in ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [TAB, EXPLAIN])
def test_only_administrators_and_operators_get_in(client: Client, tenant: Tenant, path: str) -> None:
    assert client.get(path).status_code == HTTPStatus.FOUND
    prefix = f"/~{launched(client, tenant, is_admin=False).handle}"
    for answer in (client.get(f"{prefix}{path}"), client.post(f"{prefix}{path}", {"learner_wins": "No"})):
        assert answer.status_code == HTTPStatus.FORBIDDEN
    prefix = f"/~{launched(client, tenant).handle}"
    assert client.get(f"{prefix}{path}").status_code == HTTPStatus.OK
    other = make_tenant()
    assert client.get(f"{prefix}{path}?tenant={other.pk}").status_code == HTTPStatus.NOT_FOUND
    client.force_login(User.objects.create_user("op", is_staff=True))
    assert client.get(f"{path}?tenant={other.pk}").status_code == HTTPStatus.OK


def test_the_mapping_of_another_tenant_stays_as_it_is(client: Client, admin: str, tenant: Tenant) -> None:
    other = make_tenant()
    typed = {**shown_in(client, f"{admin}{TAB}"), "right:Learner": "owner"}
    assert client.post(f"{admin}{TAB}?tenant={other.pk}", typed).status_code == HTTPStatus.NOT_FOUND
    assert client.post(f"{admin}{TAB}", typed).status_code == HTTPStatus.SEE_OTHER
    assert standing(tenant, LEARNER)[0] is Right.OWNER
    assert standing(other, LEARNER)[0] is Right.NONE


# --- the mapping ----------------------------------------------------------------------------------


def test_every_context_role_has_its_two_choices(client: Client, admin: str) -> None:
    shown = shown_in(client, f"{admin}{TAB}")
    keys = [*CONTEXT_ROLES, *(f"{name}-{sub}" for name, subs in SUB_ROLES.items() for sub in subs)]
    assert set(shown) == {
        *("learner_wins", "institution_admin_gets_console"),
        *(f"{what}:{key}" for what in ("right", "standing") for key in keys),
    }
    page = text(client.get(f"{admin}{TAB}"))
    assert "Owner (default)" in page
    assert "Like Instructor (default)" in page
    assert "Like TeachingAssistant (default)" in page
    assert "Changed" not in page


def test_saving_what_is_shown_changes_nothing(client: Client, admin: str, tenant: Tenant) -> None:
    typed = shown_in(client, f"{admin}{TAB}")
    assert client.post(f"{admin}{TAB}", typed)["Location"] == f"{admin}{TAB}?saved"
    assert set(rules_of(tenant)) == set(default_rules())
    assert shown_in(client, f"{admin}{TAB}") == typed
    for role in [*CONTEXT_ROLES, LECTURER, context_uri("Instructor", "Grader")]:
        before = judge_roles(read_roles([role]), default_rules(), learner_wins=True)
        assert standing(tenant, role) == (before.right, before.application_role)


def test_a_changed_role_counts_from_the_next_launch(client: Client, stage: Stage, browser: Browser) -> None:
    tenant = stage.platform.tenants.get()
    before = tab_behind(browser, stage.launch(browser, person=ASSISTANT))
    assert before.right == Right.CO_EDITOR
    client.force_login(User.objects.create_user("op", is_staff=True))
    address = f"{TAB}?tenant={tenant.pk}"
    typed = shown_in(client, address)
    saved = client.post(
        address,
        {
            **typed,
            "right:Instructor-TeachingAssistant": "co_publisher",
            "standing:Instructor-TeachingAssistant": "2",
        },
    )
    page = visible(client.get(saved["Location"]))
    assert "takes effect at each person’s next launch" in page
    assert "Changed" in page
    before.refresh_from_db()
    assert before.right == Right.CO_EDITOR, "a tab acts with the roles of its own launch"
    after = tab_behind(browser, stage.launch(browser, person=ASSISTANT))
    assert (after.right, after.application_role) == (Right.CO_PUBLISHER, ApplicationRole.ADMIN)


def test_a_sub_role_may_have_a_row_of_its_own_or_half_of_one(
    client: Client, admin: str, tenant: Tenant
) -> None:
    typed = shown_in(client, f"{admin}{TAB}")
    client.post(f"{admin}{TAB}", {**typed, "right:Instructor-Lecturer": "none"})
    row = RoleRule.objects.get(tenant=tenant, role=LECTURER)
    assert (row.right, row.application_role) == ("none", ApplicationRole.ADMIN), "the rest is its principal's"
    client.post(f"{admin}{TAB}", typed)
    assert not RoleRule.objects.filter(role=LECTURER).exists()
    assert standing(tenant, LECTURER) == (Right.OWNER, ApplicationRole.ADMIN)


def test_the_settings_are_saved_with_it(client: Client, admin: str, tenant: Tenant) -> None:
    typed = shown_in(client, f"{admin}{TAB}")
    client.post(f"{admin}{TAB}", {**typed, "learner_wins": "No", "institution_admin_gets_console": "No"})
    tenant.refresh_from_db()
    assert (tenant.learner_wins, tenant.institution_admin_gets_console) == (False, False)
    assert standing(tenant, INSTRUCTOR, LEARNER)[0] is Right.OWNER


def test_the_defaults_are_filled_in_and_not_saved(client: Client, admin: str, tenant: Tenant) -> None:
    defaults = shown_in(client, f"{admin}{TAB}")
    client.post(f"{admin}{TAB}", {**defaults, "right:Learner": "owner", "learner_wins": "No"})
    response = client.post(f"{admin}{TAB}", {"defaults": "1"})
    assert "Nothing is saved yet" in text(response)
    form = response.context["form"]
    assert {name: str(form[name].value()) for name in form.fields} == defaults
    assert standing(tenant, LEARNER)[0] is Right.OWNER


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("right:Instructor", ""),
        ("right:Instructor", "king"),
        ("standing:Learner", "7"),
        ("standing:Instructor-Lecturer", "-1"),
        ("learner_wins", "Perhaps"),
        ("institution_admin_gets_console", ""),
    ],
)
def test_a_bad_value_saves_nothing_and_loses_nothing(
    client: Client, admin: str, tenant: Tenant, field: str, value: str
) -> None:
    typed = {**shown_in(client, f"{admin}{TAB}"), "right:Mentor": "co_editor", field: value}
    response = client.post(f"{admin}{TAB}", typed)
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    form = response.context["form"]
    assert set(form.errors) == {field}
    assert {name: form[name].value() for name in form.fields} == typed
    assert set(rules_of(tenant)) == set(default_rules())


# --- explain --------------------------------------------------------------------------------------


def explained(client: Client, prefix: str, roles: object, **more: object) -> dict[str, object]:
    claims = json.dumps({f"{LTI}roles": roles, **more})
    response = client.post(f"{prefix}{EXPLAIN}", {"pasted": claims})
    outcome = response.context["outcomes"][0]
    return {
        "page": visible(response),
        "right": outcome.right_label,
        "application_role": outcome.application_role_label,
        "words": {role.text: role.words for role in outcome.roles},
        "deciding": [role.text for role in outcome.roles if role.gives_right],
    }


@pytest.mark.parametrize(
    ("roles", "right", "application_role", "deciding", "words"),
    [
        ([INSTRUCTOR], "Owner", "Admin", [INSTRUCTOR], "Counts by its own row."),
        (["Instructor"], "Owner", "Admin", ["Instructor"], "Counts by its own row."),
        ([LECTURER], "Owner", "Admin", [LECTURER], "counts as “Instructor”"),
        ([context_uri("Instructor", "Grader")], "None", "Viewer", [], "There is no row for this role"),
        ([LEARNER], "None", "Viewer", [LEARNER], "Counts by its own row."),
        ([f"{LIS}/unknown#Instructor"], "None", "Viewer", [], "Not in the vocabulary"),
        (["urn:lti:role:ims/lis/Instructor"], "None", "Viewer", [], "Not in the vocabulary"),
        ([f"{LIS}/institution/person#Faculty"], "None", "Viewer", [], "it gives no right here"),
        ([f"{LIS}/system/person#Administrator"], "None", "Unmoderated admin", [], "highest application role"),
    ],
)
def test_each_role_is_explained(
    client: Client,
    admin: str,
    roles: list[str],
    right: str,
    application_role: str,
    deciding: list[str],
    words: str,
) -> None:
    answer = explained(client, admin, roles)
    assert (answer["right"], answer["application_role"]) == (right, application_role)
    assert answer["deciding"] == deciding
    assert words in str(answer["words"])
    assert "signature was not checked" in str(answer["page"])


def test_several_roles_are_explained_together(client: Client, admin: str) -> None:
    assistant = context_uri("Instructor", "TeachingAssistant")
    answer = explained(client, admin, [INSTRUCTOR, assistant])
    assert (answer["right"], answer["deciding"]) == ("Co-editor", [assistant])
    assert "one of its sub-roles stands beside it" in str(answer["words"])
    mixed = explained(client, admin, [INSTRUCTOR, LEARNER])
    assert (mixed["right"], mixed["deciding"]) == ("None", [LEARNER])
    assert "Learner wins: no right" in str(mixed["page"])
    assert "No role was sent." in str(explained(client, admin, [])["page"])


def test_a_token_of_another_lms_is_noticed(client: Client, admin: str, tenant: Tenant) -> None:
    assert "not the LMS of this console" in str(
        explained(client, admin, [INSTRUCTOR], iss="https://elsewhere.example")["page"]
    )
    assert "not the LMS of this console" not in str(
        explained(client, admin, [INSTRUCTOR], iss=tenant.platform.issuer)["page"]
    )


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"pasted": "", "person": ""}, "pasted", "Paste a token"),
        ({"pasted": "hello"}, "pasted", "neither a token"),
        ({"pasted": "{}"}, "pasted", "no_roles"),
        ({"pasted": '{"roles": "Instructor"}'}, "pasted", "is no list"),
        ({"pasted": "a.b.c.d.e"}, "pasted", "encrypted"),
        ({"person": "Nobody Known"}, "person", "Nobody here"),
    ],
)
def test_what_cannot_be_explained_says_so(
    client: Client, admin: str, typed: dict[str, str], field: str, words: str
) -> None:
    response = client.post(f"{admin}{EXPLAIN}", typed)
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert words in str(response.context["form"].errors[field])
    assert response.context["form"][field].value() == typed[field]


def test_a_person_is_explained_course_by_course(client: Client, admin: str, tenant: Tenant) -> None:
    person = make_person(tenant, name="Ana Lind", email="ana@campus.example")
    member = make_member(make_course(tenant, title="Glaciology"), person=person)
    member.roles = [context_uri("Instructor", "TeachingAssistant")]
    member.save()
    response = client.post(f"{admin}{EXPLAIN}", {"person": "ana@campus.example"})
    page = visible(response)
    assert "What Ana Lind gets" in page
    assert "Glaciology" in page
    assert response.context["outcomes"][0].right_label == "Co-editor"
    assert "Until the next launch it is still Owner and Admin" in page
    make_person(tenant, name="Ana Lind", email="other@campus.example")
    page = visible(client.post(f"{admin}{EXPLAIN}", {"person": "Ana Lind"}))
    assert "Several people fit" in page
    assert "Several people fit" in visible(client.post(f"{admin}{EXPLAIN}", {"person": "lind an"}))
    assert "Nobody here" in visible(client.post(f"{admin}{EXPLAIN}", {"person": "L"}))
    loner = visible(client.post(f"{admin}{EXPLAIN}", {"person": "other@campus.example"}))
    assert "in no course so far" in loner


def test_people_of_other_tenants_are_nobody(client: Client, admin: str) -> None:
    stranger = make_person(make_tenant(), name="Stranger", email="s@campus.example")
    for line in ("Stranger", "Stran", "s@campus.example", str(stranger.pk), stranger.sub):
        response = client.post(f"{admin}{EXPLAIN}", {"person": line})
        assert "Nobody here" in str(response.context["form"].errors)


def test_nothing_of_a_paste_is_logged_or_kept_by_browsers(
    client: Client, admin: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    claims = {f"{LTI}roles": [INSTRUCTOR], "name": "Zoë Secret", "email": "zoe@campus.example"}
    for pasted in (json.dumps(claims), "not.zoe-secret.readable"):
        response = client.post(f"{admin}{EXPLAIN}", {"pasted": pasted})
        assert "no-store" in response["Cache-Control"]
    logged = "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("django.db")
    ).lower()
    assert "secret" not in logged
    assert "zoe" not in logged
