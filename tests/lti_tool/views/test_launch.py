"""From a link in a course to a tab, or to a page that says why not."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client import REGISTRY

from lti_tool.claims import LTI, LaunchRefusedError, ReasonCode
from lti_tool.identity import HERE_COOKIE, TAB_COOKIE
from lti_tool.models import (
    Course,
    Deployment,
    Membership,
    Person,
    Placement,
    Platform,
    RoleRule,
    Tab,
    Tenant,
)
from lti_tool.services.launch import _record_key, accept_launch
from lti_tool.views.refusals import _TEXTS
from practice_lms.keys import SigningKey
from practice_lms.people import (
    ADMINISTRATOR,
    ASSISTANT,
    COURSE_BUILDER,
    GUEST_LECTURE,
    INSTRUCTOR,
    LEARNER,
    SEMINAR_ROOM,
    SITE_VISIT,
)
from practice_lms.people import Person as LmsPerson
from practice_lms.registration import FIRST_DEPLOYMENT, SECOND_DEPLOYMENT
from practice_lms.server import RunningLms, read_form
from practice_lms.tokens import Release
from tests.factories.launches import LAUNCH, LOGIN, Browser, Stage, register, tab_behind

LIS = "http://purl.imsglobal.org/vocab/lis/v2"
TEACHER = f"{LIS}/membership#Instructor"
STUDENT = f"{LIS}/membership#Learner"


def count_tabs() -> int:
    return Tab.objects.count()


# --- Launches that pass -----------------------------------------------------------------------------


def test_the_whole_way_of_an_instructor(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser)
    form = stage.answer(attempt)
    reply = browser.post(form.action, form.fields)
    tab = tab_behind(browser, reply)
    assert (tab.person.sub, tab.person.name) == (INSTRUCTOR.sub, INSTRUCTOR.name)
    assert tab.person.normalised_email == INSTRUCTOR.email
    assert (tab.right, tab.application_role) == ("owner", 2)
    assert tab.course is not None
    assert tab.course.context_id == "6784"
    assert tab.course.roster_url.endswith("/memberships")
    assert tab.course.roster_wanted_at is not None
    assert tab.placement is not None
    assert (tab.placement.title, tab.placement.course) == (GUEST_LECTURE.title, tab.course)
    assert tab.frame_origins == [stage.lms.origin]
    assert tab.expires_at - tab.launched_at == timedelta(hours=8)
    assert tab.tenant == stage.platform.tenants.get()
    assert (tab.is_console_admin, tab.has_mixed_roles) == (False, False)


@pytest.mark.parametrize(
    ("person", "right", "application_role", "is_console_admin"),
    [
        (INSTRUCTOR, "owner", 2, False),
        (ASSISTANT, "co_editor", 1, False),
        (COURSE_BUILDER, "co_editor", 2, False),
        (LEARNER, "none", 0, False),
        (ADMINISTRATOR, "none", 3, True),
    ],
    ids=["instructor", "assistant", "builder", "learner", "administrator"],
)
def test_everybody_on_campus_arrives_with_their_own_right(
    stage: Stage,
    browser: Browser,
    person: LmsPerson,
    right: str,
    application_role: int,
    *,
    is_console_admin: bool,
) -> None:
    tab = tab_behind(browser, stage.launch(browser, person=person))
    assert (tab.right, tab.application_role) == (right, application_role)
    assert tab.is_console_admin is is_console_admin


NO_NAMES = ("name", "given_name", "family_name")


@pytest.mark.parametrize("roles", [[TEACHER], ["Instructor"], [TEACHER, f"{LIS}/institution/person#Staff"]])
@pytest.mark.parametrize(
    "without", [(), NO_NAMES, ("email",), (*NO_NAMES, "email"), (*NO_NAMES, "lti:context")], ids=str
)
def test_valid_teacher_launches_open(
    stage: Stage, browser: Browser, roles: list[str], without: tuple[str, ...]
) -> None:
    """T1-T3 and T6-T9 of the certification."""
    reply = stage.launch(browser, put={"lti:roles": roles}, without=without)
    tab = tab_behind(browser, reply)
    assert tab.right == "owner"
    assert tab.person.shown_name
    assert INSTRUCTOR.sub not in tab.person.shown_name
    assert (tab.course is None) == ("lti:context" in without)


def test_a_name_that_somebody_chose_stays_until_the_lms_tells_one(stage: Stage, browser: Browser) -> None:
    tab = tab_behind(browser, stage.launch(browser, without=(*NO_NAMES, "email")))
    assert tab.person.wants_name
    Person.objects.update(chosen_name="Marisol", name_asked_at=timezone.now())
    for empty in ({}, dict.fromkeys((*NO_NAMES, "email"), "")):
        again = tab_behind(browser, stage.launch(browser, put=empty, without=() if empty else NO_NAMES))
        assert (again.person.shown_name, again.person.wants_name) == ("Marisol", False)
    assert tab_behind(browser, stage.launch(browser)).person.shown_name == INSTRUCTOR.name


@pytest.mark.parametrize("roles", [[f"{LIS}/unknown/unknown#Helper"], [""], []], ids=str)
@pytest.mark.parametrize("person", [INSTRUCTOR, LEARNER], ids=["teacher", "student"])
def test_without_a_known_role_there_is_no_right(
    stage: Stage, browser: Browser, roles: list[str], person: LmsPerson
) -> None:
    """T4, T5, S5 of the certification."""
    tab = tab_behind(browser, stage.launch(browser, person=person, put={"lti:roles": roles}))
    assert (tab.right, tab.application_role) == ("none", 0)


@pytest.mark.parametrize(
    "roles",
    [
        [STUDENT],
        ["Learner"],
        [STUDENT, f"{LIS}/institution/person#Student", f"{LIS}/institution/person#Mentor"],
        [STUDENT, f"{LIS}/uknownrole/unknown#Unknown"],
    ],
    ids=["full", "short", "with institution roles", "with an unknown role"],
)
@pytest.mark.parametrize(
    "without", [(), NO_NAMES, ("email",), (*NO_NAMES, "email"), (*NO_NAMES, "lti:context")], ids=str
)
def test_valid_student_launches_open(
    stage: Stage, browser: Browser, roles: list[str], without: tuple[str, ...]
) -> None:
    """S1-S4 and S6-S9 of the certification."""
    reply = stage.launch(browser, person=LEARNER, put={"lti:roles": roles}, without=without)
    tab = tab_behind(browser, reply)
    assert (tab.right, tab.application_role, tab.has_mixed_roles) == ("none", 0, False)


def test_only_a_link_is_enough(stage: Stage, browser: Browser) -> None:
    """No personal data and no course; a new link in the same course is another placement."""
    without = (*NO_NAMES, "email", "lti:context", "lti:lis")
    first = tab_behind(browser, stage.launch(browser, without=without))
    second = tab_behind(browser, stage.launch(browser, link=SEMINAR_ROOM, without=without))
    assert first.course is None
    assert first.person == second.person
    assert first.placement != second.placement


def test_an_anonymous_deployment_sends_no_context_role(stage: Stage, browser: Browser) -> None:
    stage.lms.platform.release[FIRST_DEPLOYMENT] = Release(is_anonymous=True)
    tab = tab_behind(browser, stage.launch(browser))
    assert (tab.right, tab.person.name, tab.person.email) == ("none", "", "")


def test_roles_are_replaced_never_added_to(stage: Stage, browser: Browser) -> None:
    stage.launch(browser, put={"lti:roles": [TEACHER]})
    assert Membership.objects.get().right == "owner"
    stage.launch(browser, put={"lti:roles": [STUDENT]})
    held = Membership.objects.get()
    assert (held.right, held.application_role, held.roles) == ("none", 0, [STUDENT])


def test_a_learner_with_a_teaching_role_has_no_right_and_is_told(stage: Stage, browser: Browser) -> None:
    tab = tab_behind(browser, stage.launch(browser, put={"lti:roles": [TEACHER, STUDENT]}))
    assert (tab.right, tab.application_role, tab.has_mixed_roles) == ("none", 0, True)
    Tenant.objects.update(learner_wins=False)
    tab = tab_behind(browser, stage.launch(browser, put={"lti:roles": [TEACHER, STUDENT]}))
    assert (tab.right, tab.application_role, tab.has_mixed_roles) == ("owner", 2, False)


def test_a_tenants_own_mapping_counts(stage: Stage, browser: Browser) -> None:
    stage.platform.tenants.get().role_rules.filter(role=TEACHER).update(right="co_publisher")
    assert tab_behind(browser, stage.launch(browser)).right == "co_publisher"


def test_the_console_may_be_kept_from_campus_administrators(stage: Stage, browser: Browser) -> None:
    Tenant.objects.update(institution_admin_gets_console=False)
    tab = tab_behind(browser, stage.launch(browser, person=ADMINISTRATOR))
    assert (tab.is_console_admin, tab.application_role) == (False, 3)


def test_what_is_not_told_this_time_stays_known(stage: Stage, browser: Browser) -> None:
    stage.launch(browser)
    stage.launch(browser, without=(*NO_NAMES, "email"))
    person = Person.objects.get()
    assert (person.name, person.email) == (INSTRUCTOR.name, INSTRUCTOR.email)
    stage.launch(browser, put={"name": "New Name", "given_name": "New", "family_name": "Name"})
    assert Person.objects.get().name == "New Name"


def test_the_preview_person_is_marked(stage: Stage, browser: Browser) -> None:
    test_user = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
    stage.launch(browser, put={"lti:roles": [STUDENT, test_user]})
    assert Person.objects.get().is_test_user


def test_html_in_names_and_titles_stays_text(stage: Stage, browser: Browser) -> None:
    name, title = "<script>alert(1)</script>", "<b>Course & Co</b>"
    put = {"name": name, "lti:context": {"id": "1", "title": title}}
    tab = tab_behind(browser, stage.launch(browser, put=put))
    assert (tab.person.name, str(tab.course)) == (name, title)
    page = browser.get(f"/~{tab.handle}/")
    assert "<script>alert" not in page.text


def test_a_learners_launch_wants_no_roster(stage: Stage, browser: Browser) -> None:
    stage.launch(browser, person=LEARNER)
    assert Course.objects.get().roster_wanted_at is None


def test_cookies_of_a_tab_are_its_own(stage: Stage, browser: Browser) -> None:
    reply = stage.launch(browser)
    tab = tab_behind(browser, reply)
    held = reply.cookies[TAB_COOKIE]
    assert held["path"] == f"/~{tab.handle}/"
    assert reply.cookies[HERE_COOKIE]["path"] == "/join/"
    assert reply.cookies[HERE_COOKIE].value == f"{tab.handle}.{held.value}"
    for morsel in reply.cookies.values():
        assert all(morsel[flag] for flag in ("secure", "httponly", "partitioned"))
        assert morsel["samesite"] == "None"
    assert not [name for name, _path in browser.jar if name.startswith("foyer-login")]
    assert held.value not in reply.location
    assert held.value not in Tab.objects.get().secret_hash


def test_two_tabs_of_one_browser_never_mix(stage: Stage, browser: Browser) -> None:
    teacher = tab_behind(browser, stage.launch(browser, person=INSTRUCTOR, link=GUEST_LECTURE))
    student = tab_behind(browser, stage.launch(browser, person=LEARNER, link=SEMINAR_ROOM))
    assert teacher.handle != student.handle
    assert set(browser.cookies_for(f"/~{teacher.handle}/")) == {TAB_COOKIE}
    teacher_page, student_page = browser.get(f"/~{teacher.handle}/"), browser.get(f"/~{student.handle}/")
    assert INSTRUCTOR.name in teacher_page.text
    assert LEARNER.name in student_page.text
    assert INSTRUCTOR.name not in student_page.text


def test_two_frames_on_one_page_both_open(stage: Stage, browser: Browser) -> None:
    first, second = stage.log_in(browser), stage.log_in(browser, link=SEMINAR_ROOM)
    second_token = stage.token(second, link=SEMINAR_ROOM)
    assert stage.deliver(browser, first, stage.token(first)).status == 303
    assert stage.deliver(browser, second, second_token).status == 303


# --- The same launch again --------------------------------------------------------------------------


def test_a_launch_that_tells_nothing_new_opens_the_last_tab(stage: Stage) -> None:
    first, again = Browser(), Browser()
    one, other = stage.launch(first), stage.launch(again)
    assert one.location == other.location
    assert tab_behind(first, one) == tab_behind(again, other)
    assert count_tabs() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"put": {"lti:roles": [STUDENT]}},
        {"put": {"name": "Somebody Else"}},
        {"link": SEMINAR_ROOM},
        {"person": LEARNER},
        {"without": ("lti:context",)},
    ],
    ids=["roles", "name", "link", "person", "course"],
)
def test_a_launch_that_tells_something_else_opens_its_own(stage: Stage, change: dict[str, object]) -> None:
    one = stage.launch(Browser())
    other = stage.launch(Browser(), **change)  # type: ignore[arg-type]
    assert (one.status, other.status, count_tabs()) == (303, 303, 2)
    assert one.location != other.location


@pytest.mark.parametrize(
    "happened",
    [
        lambda tab: {"ended_at": timezone.now()},
        lambda tab: {"launched_at": tab.launched_at - timedelta(minutes=61)},
        lambda tab: {"secret_hash": "of another SECRET_KEY"},
        lambda tab: {"frame_origins": ["https://formerly.example"]},
    ],
    ids=["ended", "an hour ago", "another key", "another frame"],
)
def test_a_tab_that_no_longer_serves_is_not_opened_again(
    stage: Stage, happened: Callable[[Tab], dict[str, object]]
) -> None:
    stage.launch(Browser())
    old = Tab.objects.get()
    Tab.objects.update(**happened(old))
    browser = Browser()
    assert tab_behind(browser, stage.launch(browser)) != old


def test_rules_that_were_changed_meanwhile_are_felt_at_the_next_launch(stage: Stage) -> None:
    browser, roles = Browser(), [TEACHER, f"{LIS}/institution/person#Administrator"]
    before = tab_behind(browser, stage.launch(browser, put={"lti:roles": roles}))
    assert (before.right, before.is_console_admin) == ("owner", True)
    RoleRule.objects.filter(role=TEACHER).update(right="co_editor")
    Tenant.objects.update(institution_admin_gets_console=False)
    after = tab_behind(browser, stage.launch(browser, put={"lti:roles": roles}))
    assert (after.right, after.is_console_admin) == ("co_editor", False)
    french = {"lti:roles": roles, "lti:launch_presentation": {"locale": "fr-CA"}}
    assert tab_behind(browser, stage.launch(browser, put=french)) not in {before, after}


@pytest.mark.parametrize(
    ("part", "switched_off", "code"),
    [
        (Platform, {"state": "disabled"}, "platform_disabled"),
        (Deployment, {"state": "disabled"}, "unknown_deployment"),
        (Person, {"is_disabled": True}, "person_disabled"),
    ],
)
def test_the_last_tab_opens_nothing_that_was_switched_off(
    stage: Stage, browser: Browser, part: type[Model], switched_off: dict[str, object], code: str
) -> None:
    stage.launch(browser)
    attempt = stage.log_in(browser)
    part._default_manager.update(**switched_off)
    assert stage.deliver(browser, attempt, stage.token(attempt)).code == code


@pytest.mark.parametrize("status", ["inactive", "deleted", "absent"])
def test_a_launch_after_a_roster_opens_a_tab_that_is_newer(stage: Stage, status: str) -> None:
    stage.launch(Browser())
    old = Tab.objects.get()
    Membership.objects.update(status=status, listed_at=timezone.now())
    browser = Browser()
    assert tab_behind(browser, stage.launch(browser)) != old


def test_a_registration_that_was_changed_meanwhile_judges_the_token(stage: Stage, browser: Browser) -> None:
    for change, code in (
        ({"client_id": "other"}, "bad_aud"),
        ({"issuer": "https://other.example"}, "bad_iss"),
    ):
        before = {name: getattr(stage.platform, name) for name in change}
        attempt = stage.log_in(browser)
        Platform.objects.update(**change)
        assert stage.deliver(browser, attempt, stage.token(attempt)).code == code
        Platform.objects.update(**before)
    attempt = stage.log_in(browser)
    Platform.objects.update(token_url="https://elsewhere.example/token")
    assert stage.deliver(browser, attempt, stage.token(attempt)).status == 303


# --- Payloads that are refused ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("put", "without", "code"),
    [
        ({"lti:version": "11.3"}, (), "bad_version"),
        ({}, ("lti:version",), "bad_version"),
        ({}, ("lti:message_type",), "bad_message_type"),
        ({}, ("lti:roles",), "no_roles"),
        ({}, ("lti:deployment_id",), "no_deployment"),
        ({}, ("lti:resource_link",), "no_resource_link"),
        ({"lti:resource_link": {"title": "No id"}}, (), "no_resource_link"),
        ({"lti:resource_link": None}, (), "no_resource_link"),
        ({}, ("sub",), "no_user"),
        ({"iat": 11111, "exp": 22222}, (), "expired"),
        ({}, ("aud", "iss", "sub", "lti:deployment_id", "lti:roles"), "bad_iss"),
        ({"lti:context": "course"}, (), "bad_payload"),
        ({"lti:deployment_id": "somebody-elses"}, (), "unknown_deployment"),
        ({"lti:target_link_uri": "https://evil.example/"}, (), "bad_target"),
        ({"lti:message_type": "LtiStartProctoring"}, (), "bad_message_type"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_bad_payloads_of_the_certification(
    stage: Stage, browser: Browser, put: Mapping[str, object], without: tuple[str, ...], code: str
) -> None:
    """B3-B12, and some of their neighbours: a page with the code, and nobody is let in."""
    reply = stage.launch(browser, put=put, without=without)
    assert reply.code == code
    assert 400 <= reply.status < 500
    assert (count_tabs(), Person.objects.count()) == (0, 0)
    assert not {TAB_COOKIE, HERE_COOKIE} & set(reply.cookies)


def test_a_payload_that_is_no_launch(stage: Stage, browser: Browser) -> None:
    """B5."""
    attempt = stage.log_in(browser)
    assert stage.deliver(browser, attempt, stage.lms.sign({"name": "badltilaunch"})).code == "bad_iss"


@pytest.mark.parametrize("body", [b"[1]", b"not json", b"null", b"\xff\xfe"])
def test_a_signed_payload_that_is_no_object(stage: Stage, browser: Browser, body: bytes) -> None:
    attempt = stage.log_in(browser)
    reply = stage.deliver(browser, attempt, stage.lms.sign(body))
    assert (reply.status, reply.code) == (400, "bad_payload")


def test_the_status_for_an_audience_is_401(stage: Stage, browser: Browser) -> None:
    reply = stage.launch(browser, put={"aud": ["somebody-else"]})
    assert (reply.status, reply.code) == (401, "bad_aud")


def test_headers_without_or_with_a_wrong_kid(stage: Stage, browser: Browser) -> None:
    """B1 and B2."""
    attempt = stage.log_in(browser)
    claims = stage.lms.claims(INSTRUCTOR, GUEST_LECTURE, nonce=attempt.nonce)
    for kid, code in ((None, "no_kid"), ("imstester_66067", "unknown_kid"), (["x"], "no_kid")):
        token = stage.lms.sign(claims, headers={"kid": kid})
        assert stage.deliver(browser, attempt, token).code == code


def test_algorithms_other_than_the_pinned_one(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser)
    claims = stage.lms.claims(INSTRUCTOR, GUEST_LECTURE, nonce=attempt.nonce)
    for algorithm in ("none", "HS256"):
        assert stage.deliver(browser, attempt, stage.lms.sign(claims, algorithm=algorithm)).code == "bad_alg"
        forged = stage.lms.sign(claims, algorithm=algorithm, headers={"alg": "RS256"})
        assert stage.deliver(browser, attempt, forged).code == "bad_signature"


def test_another_key_under_the_right_name(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser)
    impostor = SigningKey.make(kid=stage.lms.keys.signing.kid)
    claims = stage.lms.claims(INSTRUCTOR, GUEST_LECTURE, nonce=attempt.nonce)
    assert stage.deliver(browser, attempt, stage.lms.sign(claims, key=impostor)).code == "bad_signature"


def test_a_token_with_a_changed_payload(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser)
    header, _body, signature = stage.token(attempt, person=LEARNER).split(".")
    body = stage.token(attempt, person=INSTRUCTOR).split(".")[1]
    assert stage.deliver(browser, attempt, f"{header}.{body}.{signature}").code == "bad_signature"


@pytest.mark.parametrize("header", ["jku", "jwk", "x5u", "x5c"])
def test_keys_named_by_the_token_are_ignored(stage: Stage, browser: Browser, header: str) -> None:
    attempt = stage.log_in(browser)
    claims = stage.lms.claims(INSTRUCTOR, GUEST_LECTURE, nonce=attempt.nonce)
    impostor = SigningKey.make()
    named = {header: impostor.jwk() if header == "jwk" else f"{stage.lms.origin}/other"}
    forged = stage.lms.sign(claims, key=impostor, headers=named)
    assert stage.deliver(browser, attempt, forged).code == "unknown_kid"
    assert stage.deliver(browser, attempt, stage.lms.sign(claims, headers=named)).status == 303


def test_clocks_that_differ_a_little(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser)
    ahead = stage.token(attempt, now=time.time() + 30)
    assert stage.deliver(browser, attempt, ahead).status == 303
    attempt = stage.log_in(browser)
    far_ahead = stage.token(attempt, now=time.time() + 600)
    assert stage.deliver(browser, attempt, far_ahead).code == "bad_iat"


@pytest.mark.parametrize("garbage", ["", "x", "a.b.c", "é.è.ê", "..", "a" * 70_000])
def test_garbage_for_a_token(stage: Stage, browser: Browser, garbage: str) -> None:
    attempt = stage.log_in(browser)
    reply = stage.deliver(browser, attempt, garbage)
    assert (reply.status, reply.code) == (400, "bad_jwt" if garbage else "bad_request")


@pytest.mark.parametrize("state", ["", "short", "ä" * 43, "a" * 43, "a" * 5000])
def test_a_state_that_is_not_ours(stage: Stage, browser: Browser, state: str) -> None:
    attempt = stage.log_in(browser)
    reply = browser.post(LAUNCH, {"state": state, "id_token": stage.token(attempt)})
    assert (reply.status, reply.code) == (403, "bad_state")


def test_a_doubled_parameter(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser)
    token = stage.token(attempt)
    reply = browser.post(LAUNCH, {"state": [attempt.state, attempt.state], "id_token": token})
    assert (reply.status, reply.code) == (400, "bad_request")


def test_a_post_that_is_too_large_is_no_server_error(stage: Stage, browser: Browser) -> None:
    reply = browser.post(LAUNCH, {"id_token": "x" * 3_000_000, "state": "s"})
    assert (reply.status, reply.code) == (400, "bad_request")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken"),
        ("multipart/form-data; boundary=" + "x" * 300, b"--x"),
        ("application/x-www-form-urlencoded; charset=nonsense", b"state=a"),
        ("application/x-www-form-urlencoded", b"state=%ff%fe&id_token=%00"),
        ("application/x-www-form-urlencoded", b"a=1&" * 2000),
        ("application/json", b'{"state": "x"}'),
        ("text/plain", b"\xff"),
        ("", b"state=x"),
    ],
)
@pytest.mark.parametrize("path", [LOGIN, LAUNCH])
def test_posts_of_any_form_are_no_server_error(browser: Browser, path: str, kind: str, body: bytes) -> None:
    reply = browser.send("POST", path, body, kind)
    assert reply.status in {400, 403}
    assert "<h1" in reply.text


# --- Which row decides, and what is spent -----------------------------------------------------------


def test_what_is_refused_before_the_nonce_keeps_the_state(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser)
    for put in ({"iss": "x"}, {"aud": "x"}, {"azp": "x"}, {"exp": 1}, {"iat": 1}):
        assert stage.deliver(browser, attempt, stage.token(attempt, put=put)).status >= 400
    assert stage.deliver(browser, attempt, stage.token(attempt)).status == 303


@pytest.mark.parametrize(
    "put", [{"nonce": "other"}, {"lti:version": "2"}, {"lti:roles": "x"}, {"sub": ""}], ids=str
)
def test_what_is_refused_from_the_nonce_on_spends_the_state(
    stage: Stage, browser: Browser, put: Mapping[str, object]
) -> None:
    attempt = stage.log_in(browser)
    assert stage.deliver(browser, attempt, stage.token(attempt, put=put)).status == 403
    assert stage.deliver(browser, attempt, stage.token(attempt)).code == "replay"


def test_a_launch_is_good_once(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser)
    token = stage.token(attempt)
    cookies = dict(browser.jar)
    assert stage.deliver(browser, attempt, token).status == 303
    browser.jar |= cookies  # even with the login's cookie back
    assert stage.deliver(browser, attempt, token).code == "replay"
    assert stage.deliver(Browser(), attempt, token).code == "replay"
    assert count_tabs() == 1


def test_a_spent_state_is_forgotten_when_it_would_have_ended(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser)
    cookies, token = browser.cookies_for(LAUNCH), stage.token(attempt)
    assert stage.deliver(browser, attempt, token).status == 303
    for minutes, code in ((9, "replay"), (11, "bad_state")):
        with pytest.raises(LaunchRefusedError) as caught:
            accept_launch(
                state=attempt.state,
                id_token=token,
                cookies=cookies,
                now=timezone.now() + timedelta(minutes=minutes),
            )
        assert caught.value.code == code


def test_a_login_ends_after_ten_minutes(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser)
    later = timezone.now() + timedelta(minutes=10, seconds=1)
    with pytest.raises(LaunchRefusedError) as caught:
        accept_launch(
            state=attempt.state,
            id_token=stage.token(attempt, now=later.timestamp()),
            cookies=browser.cookies_for(LAUNCH),
            now=later,
        )
    assert caught.value.code == "bad_state"


def test_the_nonce_of_another_login(stage: Stage, browser: Browser) -> None:
    first, second = stage.log_in(browser), stage.log_in(browser)
    mixed = stage.token(first, put={"nonce": second.nonce})
    assert stage.deliver(browser, first, mixed).code == "bad_nonce"


@pytest.mark.django_db(transaction=True)
def test_of_many_posts_at_once_one_passes(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser)
    token, cookies = stage.token(attempt), dict(browser.jar)
    together = threading.Barrier(8)

    def knock(_number: int) -> str:
        try:
            together.wait()
            reply = stage.deliver(Browser(dict(cookies)), attempt, token)
            return "in" if reply.status == 303 else reply.code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as crowd:
        outcomes = sorted(crowd.map(knock, range(8)))
    assert outcomes == ["in", *["replay"] * 7]
    assert count_tabs() == 1


@pytest.mark.django_db(transaction=True)
def test_a_whole_course_opens_at_once(stage: Stage) -> None:
    """First launches of a new course meet at the same rows: everybody gets in, each row is made once."""
    people = [INSTRUCTOR, ASSISTANT, LEARNER, COURSE_BUILDER] * 2
    ready = []
    for person in people:
        own = Browser()
        attempt = stage.log_in(own, person=person)
        ready.append((own, attempt, stage.token(attempt, person=person)))

    def come(one: tuple[Browser, object, str]) -> int:
        try:
            return stage.deliver(*one).status  # type: ignore[arg-type]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as crowd:
        assert list(crowd.map(come, ready)) == [303] * 8
    assert (Person.objects.count(), Membership.objects.count()) == (4, 4)
    assert (Course.objects.count(), Placement.objects.count()) == (1, 1)


# --- Whose browser ----------------------------------------------------------------------------------


def test_another_browser_is_refused_and_offered_a_new_tab(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser)
    reply = stage.deliver(Browser(), attempt, stage.token(attempt))
    assert (reply.status, reply.code) == (403, "no_browser_binding")
    assert 'target="_blank"' in reply.text
    assert 'name="lti_message_hint"' in reply.text
    assert count_tabs() == 0
    policy = reply.headers["Content-Security-Policy"]
    assert f"frame-ancestors {stage.lms.origin}" in policy
    assert stage.lms.origin in policy.partition("form-action")[2].partition(";")[0]
    assert stage.deliver(browser, attempt, stage.token(attempt)).status == 303, "the state was kept"


def test_the_cookie_of_another_login_binds_nothing(stage: Stage, browser: Browser) -> None:
    attempt, victim = stage.log_in(browser), Browser()
    stage.log_in(victim)
    name = next(name for name, _path in browser.jar)
    victim.jar[name, LAUNCH] = next(iter(victim.jar.values()))
    assert stage.deliver(victim, attempt, stage.token(attempt)).code == "no_browser_binding"


def test_starting_over_in_a_new_tab_leads_in(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser)
    page = stage.deliver(Browser(), attempt, stage.token(attempt))
    form = read_form(httpx.Response(200, text=page.text))
    assert form.action == LOGIN
    again = Browser().post(form.action, form.fields)
    assert again.status == 303
    assert again.location.startswith(stage.platform.auth_url)


# --- Whose platform, whose deployment ---------------------------------------------------------------


def test_the_token_of_another_platform(stage: Stage, browser: Browser) -> None:
    """Signed by a platform that we know, but begun at another one."""
    with RunningLms(tool_url=settings.PUBLIC_URL) as other:
        register(other, name="Other LMS")
        attempt = stage.log_in(browser)
        forged = other.sign(other.claims(INSTRUCTOR, GUEST_LECTURE, nonce=attempt.nonce))
        assert stage.deliver(browser, attempt, forged).code == "unknown_kid"
        # … even if both publish the same key, as instances of one vendor may:
        other.keys.rotate(key=stage.lms.keys.signing)
        forged = other.sign(other.claims(INSTRUCTOR, GUEST_LECTURE, nonce=attempt.nonce))
        assert stage.deliver(browser, attempt, forged).code == "bad_iss"
        forged = other.sign(
            other.claims(INSTRUCTOR, GUEST_LECTURE, nonce=attempt.nonce, put={"iss": stage.lms.origin})
            | {"aud": "another-client"}
        )
        assert stage.deliver(browser, attempt, forged).code == "bad_aud"


def test_a_platform_that_is_switched_off_meanwhile(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser)
    Platform.objects.update(state=Platform.State.DISABLED)
    assert stage.deliver(browser, attempt, stage.token(attempt)).code == "platform_disabled"


def test_a_deployment_other_than_the_logins(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser, deployment_id=FIRST_DEPLOYMENT)
    token = stage.token(attempt, deployment_id=SECOND_DEPLOYMENT)
    assert stage.deliver(browser, attempt, token).code == "unknown_deployment"


def test_an_unlisted_deployment_waits_for_approval(lms: RunningLms, browser: Browser, db: None) -> None:
    stage = Stage(lms, register(lms, deployment_ids=(FIRST_DEPLOYMENT,)))
    reply = stage.launch(browser, deployment_id=SECOND_DEPLOYMENT)
    assert reply.code == "unknown_deployment"
    assert SECOND_DEPLOYMENT in reply.text
    waiting = Deployment.objects.get(deployment_id=SECOND_DEPLOYMENT)
    assert (waiting.state, count_tabs()) == ("pending", 0)
    stage.launch(browser, deployment_id=SECOND_DEPLOYMENT)
    assert Deployment.objects.filter(deployment_id=SECOND_DEPLOYMENT).count() == 1
    waiting.state = Deployment.State.ACTIVE
    waiting.save()
    assert stage.launch(browser, deployment_id=SECOND_DEPLOYMENT).status == 303


def test_a_registration_without_deployments_takes_them_as_they_come(
    lms: RunningLms, browser: Browser, db: None
) -> None:
    stage = Stage(lms, register(lms, deployment_ids=()))
    first = tab_behind(browser, stage.launch(browser))
    second = tab_behind(browser, stage.launch(browser, deployment_id=SECOND_DEPLOYMENT))
    assert first.tenant == second.tenant
    assert first.person == second.person
    assert first.course != second.course


def test_two_tenants_of_one_registration_see_nothing_of_each_other(
    lms: RunningLms, browser: Browser, db: None
) -> None:
    stage = Stage(lms, register(lms, tenancy="deployment"))
    first = tab_behind(browser, stage.launch(browser, deployment_id=FIRST_DEPLOYMENT))
    second = tab_behind(browser, stage.launch(browser, deployment_id=SECOND_DEPLOYMENT))
    assert first.person.sub == second.person.sub
    for what in ("tenant_id", "person_id", "course_id", "placement_id"):
        assert getattr(first, what) != getattr(second, what), what
    assert first.tenant.people.get() == first.person
    assert first.tenant.courses.get() == first.course
    assert second.tenant.placements.get() == second.placement


def test_where_deployments_are_tenants_a_new_one_always_waits(
    lms: RunningLms, browser: Browser, db: None
) -> None:
    stage = Stage(lms, register(lms, deployment_ids=(), tenancy="deployment"))
    assert stage.launch(browser).code == "unknown_deployment"
    assert Deployment.objects.get().tenant.role_rules.exists()


def test_a_disabled_deployment(stage: Stage, browser: Browser) -> None:
    Deployment.objects.filter(deployment_id=FIRST_DEPLOYMENT).update(state=Deployment.State.DISABLED)
    reply = stage.launch(browser)
    assert reply.code == "unknown_deployment"
    assert "switched off" in reply.text


def test_a_disabled_person(stage: Stage, browser: Browser) -> None:
    stage.launch(browser)
    Person.objects.update(is_disabled=True)
    assert stage.launch(browser).code == "person_disabled"
    assert count_tabs() == 1
    assert stage.launch(browser, person=LEARNER).status == 303


def test_every_code_has_a_text_and_stands_in_the_documentation() -> None:
    assert set(_TEXTS) == set(ReasonCode)
    page = (settings.BASE_DIR / "docs" / "launches.md").read_text()
    assert [code for code in ReasonCode if f"`{code}`" not in page] == []


def test_a_course_of_another_deployment_is_another_course(stage: Stage, browser: Browser) -> None:
    first = tab_behind(browser, stage.launch(browser, link=SITE_VISIT, person=ADMINISTRATOR))
    second = tab_behind(
        browser,
        stage.launch(browser, link=SITE_VISIT, person=ADMINISTRATOR, deployment_id=SECOND_DEPLOYMENT),
    )
    assert first.course != second.course


def test_a_content_picker_opens_a_tab_that_remembers_what_it_wants(stage: Stage, browser: Browser) -> None:
    settings = {"deep_link_return_url": f"{stage.lms.origin}/back?x=1", "accept_types": ["ltiResourceLink"]}
    reply = stage.launch(
        browser,
        put={
            "lti:message_type": "LtiDeepLinkingRequest",
            "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings": settings,
        },
        without=("lti:resource_link",),
    )
    tab = tab_behind(browser, reply)
    assert (tab.placement, tab.right) == (None, "owner")
    wanted = tab.content_request
    assert (wanted.return_url, wanted.data) == (f"{stage.lms.origin}/back?x=1", None)
    assert (wanted.accepts_links, wanted.accepts_multiple) == (True, False)


# --- Errors of the platform, and other ways to call -------------------------------------------------


def test_an_error_of_the_platform_is_explained(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser)
    described = {"error_description": "<script>alert(1)</script>", "state": attempt.state}
    reply = browser.post(LAUNCH, {"error": "login_required", **described})
    assert (reply.status, reply.code) == (403, "login_required")
    assert "<script>alert" not in reply.text
    assert "&lt;script&gt;" in reply.text
    assert 'target="_blank"' in reply.text
    reply = browser.post(LAUNCH, {"error": "server_error", **described})
    assert reply.code == "platform_error"
    assert stage.deliver(browser, attempt, stage.token(attempt)).status == 303, "the state was kept"


def test_an_error_without_a_state_holds_no_action(browser: Browser, db: None) -> None:
    reply = browser.post(LAUNCH, {"error": "login_required"})
    assert reply.code == "login_required"
    assert "<form" not in reply.text
    assert "frame-ancestors *" in reply.headers["Content-Security-Policy"]


def test_neither_token_nor_error(browser: Browser, db: None) -> None:
    reply = browser.post(LAUNCH, {})
    assert (reply.status, reply.code) == (400, "bad_request")


def test_opening_the_address_itself_is_explained(browser: Browser, db: None) -> None:
    reply = browser.get(LAUNCH)
    assert (reply.status, reply.headers["Allow"]) == (405, "POST")
    assert "from your course" in reply.text


def test_a_reload_after_a_launch_asks_for_the_tab_not_for_the_token(stage: Stage, browser: Browser) -> None:
    reply = stage.launch(browser)
    assert browser.get(reply.location).status == browser.get(reply.location).status == 200


# --- What is written down ---------------------------------------------------------------------------


def test_the_log_names_the_code_and_nobody(
    stage: Stage, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    attempt = stage.log_in(browser)
    token = stage.token(attempt, put={f"{LTI}version": "9"})
    reply = stage.deliver(browser, attempt, token)
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("lti_tool")]
    refusal = next(line for line in lines if "launch refused" in line)
    assert f"code={reply.code} kid={stage.lms.keys.signing.kid} iss={stage.lms.origin}" in refusal
    assert f"deployment_id={FIRST_DEPLOYMENT}" in refusal
    reference = refusal.rpartition("reference=")[2]
    assert reference in reply.text
    ours = [record for record in caplog.records if record.name.partition(".")[0] not in {"httpcore", "httpx"}]
    written = "\n".join(map(caplog.handler.format, ours))  # all but the lines of the test's own browser
    assert refusal in written
    for secret in (INSTRUCTOR.name, INSTRUCTOR.email, INSTRUCTOR.sub, token, attempt.state, attempt.nonce):
        assert secret not in written


def test_a_forged_kid_writes_no_second_line(
    stage: Stage, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    attempt = stage.log_in(browser)
    claims = stage.lms.claims(INSTRUCTOR, GUEST_LECTURE, nonce=attempt.nonce)
    kid = "x\n2026 INFO launch accepted iss=https://evil.example"
    stage.deliver(browser, attempt, stage.lms.sign(claims, headers={"kid": kid}))
    refusal = next(r.getMessage() for r in caplog.records if "launch refused" in r.getMessage())
    assert "\n" not in refusal
    assert " iss=https://evil" not in refusal


def test_outcomes_are_counted(stage: Stage, browser: Browser) -> None:
    def count(outcome: str) -> float:
        return REGISTRY.get_sample_value("foyer_launches_total", {"outcome": outcome}) or 0

    accepted, refused = count("accepted"), count("bad_version")
    stage.launch(browser)
    stage.launch(browser, put={"lti:version": "2"})
    assert (count("accepted"), count("bad_version")) == (accepted + 1, refused + 1)


def test_nothing_of_a_login_outlives_its_launch(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser)
    stage.deliver(browser, attempt, stage.token(attempt))
    mark = cache.get(_record_key(attempt.state))  # that it is spent, until it would have ended
    assert isinstance(mark, float)


def test_a_second_launch_costs_few_queries(stage: Stage, browser: Browser) -> None:
    stage.launch(browser, person=LEARNER)
    attempt = stage.log_in(browser, person=LEARNER)
    token = stage.token(attempt, person=LEARNER)
    with CaptureQueriesContext(connection) as asked:
        assert stage.deliver(browser, attempt, token).status == 303
    assert len(asked) <= 16
