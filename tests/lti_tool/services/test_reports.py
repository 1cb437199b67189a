"""What administrators read about launches: kept cheaply, capped, and without anything personal."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from lti_tool.claims import LTI, LaunchRefusedError, ReasonCode
from lti_tool.models import Deployment, LaunchOutline, LaunchRefusal, Platform
from lti_tool.services.registration import hold_new_deployments, switch_deployment, switch_registration
from lti_tool.services.reports import (
    KEPT_REFUSALS,
    OUTLINED_EVERY,
    forget_refusals,
    note_launch,
    note_refusal,
    outline_of,
)
from practice_lms.people import GUEST_LECTURE, INSTRUCTOR, LEARNER
from practice_lms.registration import SECOND_DEPLOYMENT
from tests.factories.launches import LOGIN, Browser, Stage, tab_behind
from tests.factories.lti import make_platform

pytestmark = pytest.mark.django_db


# --- What the last launch carried -----------------------------------------------------------------


def test_a_launch_leaves_an_outline_without_anything_personal(stage: Stage, browser: Browser) -> None:
    tab_behind(browser, stage.launch(browser))
    outline = LaunchOutline.objects.get(platform=stage.platform)
    rows = {row["claim"]: row for row in outline.claims}
    assert rows["name"] == {"claim": "name", "kind": "text"}
    assert rows["email"] == {"claim": "email", "kind": "text"}
    assert rows["sub"] == {"claim": "sub", "kind": "text"}
    assert rows[f"{LTI}version"]["shown"] == ["1.3.0"]
    assert any("membership#Instructor" in role for role in rows[f"{LTI}roles"]["shown"])
    context = {member["claim"]: member for member in rows[f"{LTI}context"]["members"]}
    assert context["title"] == {"claim": "title", "kind": "text"}
    everything = str(outline.claims)
    for secret in (INSTRUCTOR.name, INSTRUCTOR.given_name, INSTRUCTOR.email, INSTRUCTOR.sub, "nonce-"):
        assert secret not in everything


def test_the_same_launch_again_asks_and_writes_nothing_more(
    stage: Stage, browser: Browser, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    now = timezone.now()
    payload = {"iss": "https://lms.example", f"{LTI}roles": ["Learner"]}
    note_launch(stage.platform, payload, now=now)
    read = Platform.objects.get(pk=stage.platform.pk)
    with django_assert_num_queries(0):
        note_launch(read, payload, now=now + timedelta(seconds=59))
    later = now + timedelta(seconds=61)
    note_launch(read, payload, now=later)
    assert Platform.objects.get(pk=read.pk).last_launch_at == later
    assert LaunchOutline.objects.get(platform=read).at == now, "nothing new about its claims"


def test_two_kinds_of_launches_do_not_take_turns_at_writing(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    platform, now = make_platform(), timezone.now()
    teacher, student = {f"{LTI}roles": ["Instructor"]}, {f"{LTI}roles": ["Learner"]}
    note_launch(platform, teacher, now=now)
    platform.refresh_from_db()
    with django_assert_num_queries(0):
        note_launch(platform, student, now=now + timedelta(seconds=1))
    note_launch(platform, student, now=now + OUTLINED_EVERY)
    assert LaunchOutline.objects.get(platform=platform).claims[0]["shown"] == ["Learner"]


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        ({"name": "Ana", f"{LTI}roles": ["Learner"]}, False),
        ({"name": "Somebody else", f"{LTI}roles": ["Learner"]}, False),
        ({"name": "", f"{LTI}roles": ["Learner"]}, True),
        ({f"{LTI}roles": ["Learner"]}, True),
        ({"name": "Ana", f"{LTI}roles": ["Instructor"]}, True),
        ({"name": "Ana", f"{LTI}roles": ["Learner"], f"{LTI}custom": {}}, True),
    ],
)
def test_only_what_an_outline_shows_makes_a_new_one(other: dict[str, object], differs: bool) -> None:
    platform, now = make_platform(), timezone.now()
    note_launch(platform, {"name": "Ana", f"{LTI}roles": ["Learner"]}, now=now)
    platform.refresh_from_db()
    note_launch(platform, other, now=now + timedelta(seconds=11))
    assert (LaunchOutline.objects.get().at != now) is differs


def test_an_outline_says_what_kind_of_value_there_is() -> None:
    payload: dict[str, object] = {
        "email": "",
        "name": None,
        "exp": 12,
        "picture": ["a"],
        "x" * 500: True,
        f"{LTI}roles": ["Learner", 7, "x\u202eevil"],
        f"{LTI}custom": {"room": "secret", "section": "$CourseSection.title", "n": {"deep": 1}},
        "aud": ["a", "b"],
    }
    rows = {str(row["claim"]): row for row in outline_of(payload)}
    assert [row["kind"] for row in rows.values()][:4] == ["empty", "null", "number", "list"]
    assert max(map(len, rows)) == 300
    assert rows[f"{LTI}roles"]["shown"] == ["Learner", "7", "xevil"]
    members = rows[f"{LTI}custom"]["members"]
    assert isinstance(members, list)
    assert members[0] == {"claim": "room", "kind": "text"}
    assert members[1] == {"claim": "section", "kind": "unresolved", "shown": ["$CourseSection.title"]}
    assert members[2] == {"claim": "n", "kind": "object"}


# --- Refusals -------------------------------------------------------------------------------------


def refusal(platform: Platform | None, code: ReasonCode, detail: str = "") -> LaunchRefusedError:
    error = LaunchRefusedError(code, detail=detail)
    error.trail.platform_id = platform.pk if platform else None
    return error


def test_a_refused_launch_is_there_to_read(stage: Stage, browser: Browser) -> None:
    reply = stage.launch(browser, put={"lti:version": "11.3"})
    assert reply.code == "bad_version"
    noted = LaunchRefusal.objects.get(platform=stage.platform)
    assert (noted.code, noted.detail) == ("bad_version", "")
    assert noted.reference
    assert noted.reference in reply.text


def test_a_login_at_a_disabled_registration_is_noted(stage: Stage, browser: Browser) -> None:
    switch_registration(stage.platform, is_on=False, by="operator:1")
    begun = stage.lms.initiate(INSTRUCTOR, GUEST_LECTURE)
    assert browser.post(begun.action, begun.fields).code == "platform_disabled"
    assert LaunchRefusal.objects.get().code == "platform_disabled"


def test_unknown_platforms_leave_nothing(browser: Browser, foyer: str) -> None:
    asked = {
        "iss": "https://stranger.example",
        "login_hint": "x",
        "target_link_uri": f"{foyer}/lti/launch/",
    }
    assert browser.post(LOGIN, asked).code == "unknown_platform"
    assert browser.post("/lti/launch/", {"id_token": "a.b.c", "state": "x" * 43}).code == "bad_state"
    assert not LaunchRefusal.objects.exists()


def test_what_is_not_signed_is_not_kept(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser)
    fields = {"state": attempt.state, "error": "server_error", "error_description": "Ana Example's fault"}
    assert browser.post("/lti/launch/", fields).code == "platform_error"
    noted = LaunchRefusal.objects.get()
    assert (noted.code, noted.detail) == ("platform_error", "")


def test_refusals_of_one_kind_are_one_row() -> None:
    platform, now = make_platform(), timezone.now()
    for minute in range(3):
        cache.clear()
        at = now + timedelta(minutes=minute)
        note_refusal(refusal(platform, ReasonCode.EXPIRED), reference=f"ref{minute}", now=at)
    noted = LaunchRefusal.objects.get()
    assert (noted.first_at, noted.at, noted.reference) == (now, now + timedelta(minutes=2), "ref2")


def test_a_storm_is_one_write(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    platform, now = make_platform(), timezone.now()
    note_refusal(refusal(platform, ReasonCode.BAD_JWT), reference="one", now=now)
    with django_assert_num_queries(0):
        for _turn in range(20):
            note_refusal(refusal(platform, ReasonCode.BAD_JWT), reference="more", now=now)
            note_refusal(refusal(None, ReasonCode.BAD_JWT), reference="more", now=now)


def test_only_the_newest_kinds_are_kept() -> None:
    platform, other, now = make_platform(), make_platform(), timezone.now()
    note_refusal(refusal(other, ReasonCode.NO_USER), reference="", now=now - timedelta(days=9))
    for number in range(KEPT_REFUSALS + 5):
        cache.clear()
        error = refusal(platform, ReasonCode.UNKNOWN_DEPLOYMENT, detail=f"deployment {number}")
        note_refusal(error, reference="", now=now + timedelta(seconds=number))
    kept = LaunchRefusal.objects.filter(platform=platform).order_by("at")
    assert kept.count() == KEPT_REFUSALS
    assert kept[0].detail == "deployment 5"
    assert LaunchRefusal.objects.filter(platform=other).count() == 1
    forget_refusals(platform)
    assert [one.platform for one in LaunchRefusal.objects.all()] == [other]


@pytest.mark.django_db(transaction=True)
def test_a_platform_that_has_gone_meanwhile_disturbs_nobody() -> None:
    platform = make_platform()
    error = refusal(platform, ReasonCode.NO_USER)
    platform.delete()
    note_refusal(error, reference="", now=timezone.now())
    assert not LaunchRefusal.objects.exists()


# --- A deployment that waits ----------------------------------------------------------------------


def test_approving_a_deployment_lets_its_launches_pass(stage: Stage, browser: Browser) -> None:
    Deployment.objects.filter(deployment_id=SECOND_DEPLOYMENT).delete()
    refused = stage.launch(browser, deployment_id=SECOND_DEPLOYMENT)
    assert refused.code == "unknown_deployment"
    noted = LaunchRefusal.objects.get()
    assert (noted.code, noted.detail) == ("unknown_deployment", SECOND_DEPLOYMENT)
    waiting = Deployment.objects.get(deployment_id=SECOND_DEPLOYMENT)
    assert waiting.state == Deployment.State.PENDING
    switch_deployment(waiting, is_on=True, by="operator:1")
    tab = tab_behind(browser, stage.launch(browser, deployment_id=SECOND_DEPLOYMENT))
    switch_deployment(waiting, is_on=False, by="operator:1")
    assert browser.get(f"/~{tab.handle}/").status == 403, "disabling ends the open tab at once"


def test_the_policy_decides_about_deployments_that_nobody_named(lms: object, stage: Stage) -> None:
    Deployment.objects.all().delete()
    hold_new_deployments(stage.platform, holds=False, by="operator:1")
    tab_behind(browser := Browser(), stage.launch(browser, person=LEARNER))
    hold_new_deployments(Platform.objects.get(), holds=True, by="operator:1")
    assert stage.launch(Browser(), deployment_id=SECOND_DEPLOYMENT).code == "unknown_deployment"
