"""Rosters: complete or not at all, and never older than a launch."""

import dataclasses
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lti_tool.folding import fold
from lti_tool.identity import living_tab
from lti_tool.models import Course, Deployment, Membership, Person, Platform, Tab
from lti_tool.pylti import ServiceError, access_token
from lti_tool.services.roster import (
    ROSTER_SCOPE,
    Refreshed,
    next_page,
    refresh_roster,
    refresh_wanted_rosters,
)
from practice_lms.people import (
    ASSISTANT,
    CAMPUS,
    COURSE_BUILDER,
    GUEST_LECTURE,
    INSTRUCTOR,
    LEARNER,
    SECOND_LEARNER,
    Campus,
)
from practice_lms.registration import FIRST_DEPLOYMENT
from practice_lms.server import RunningKeySet, RunningLms, Served
from practice_lms.tokens import Release
from tests.factories.launches import Browser, Stage, register

BIOLOGY = CAMPUS.course_of(GUEST_LECTURE)
EVERYBODY = len(BIOLOGY.enrolments)


@pytest.fixture
def course(stage: Stage, browser: Browser, published_keys: RunningKeySet) -> Course:
    """The course as its instructor's launch left it."""
    assert stage.launch(browser).status == 303
    return Course.objects.get()


@pytest.fixture
def now() -> datetime:
    """A moment after the launch."""
    return timezone.now() + timedelta(seconds=5)


def of(person_sub: str) -> Membership:
    return Membership.objects.get(person__sub=person_sub)


def campus_without(*people: object) -> Campus:
    enrolments = tuple(one for one in BIOLOGY.enrolments if one.person not in people)
    changed = dataclasses.replace(BIOLOGY, enrolments=enrolments)
    return Campus(
        courses=tuple(changed if one == BIOLOGY else one for one in CAMPUS.courses),
        administrators=CAMPUS.administrators,
    )


def test_everybody_is_listed_over_several_pages(course: Course, lms: RunningLms, now: datetime) -> None:
    assert lms.platform.page_size < EVERYBODY
    assert refresh_roster(course, now=now) == Refreshed(people=EVERYBODY, is_complete=True)
    assert lms.behaviour.roster.calls == 2
    assert Person.objects.count() == Membership.objects.count() == EVERYBODY
    learner = of(LEARNER.sub)
    assert (learner.person.name, learner.person.normalised_email) == (LEARNER.name, LEARNER.email)
    assert (learner.right, learner.status, learner.launched_at) == ("none", "active", None)
    assert (of(ASSISTANT.sub).right, of(COURSE_BUILDER.sub).right) == ("co_editor", "co_editor")
    course.refresh_from_db()
    assert (course.roster_fetched_at, course.roster_wanted_at, course.roster_claimed_at) == (now, None, None)


def test_fetching_twice_changes_nothing_and_asks_for_one_token(
    course: Course, lms: RunningLms, now: datetime
) -> None:
    refresh_roster(course, now=now)
    before = list(Membership.objects.order_by("pk").values("pk", "roles", "right", "status"))
    refresh_roster(course, now=now + timedelta(hours=1))
    assert list(Membership.objects.order_by("pk").values("pk", "roles", "right", "status")) == before
    assert lms.behaviour.token.calls == 1


def test_inactive_and_deleted_end_a_tab_and_its_return_restores_nothing_older(
    stage: Stage, browser: Browser, course: Course, now: datetime
) -> None:
    assert living_tab(Tab.objects.get().handle) is not None
    stage.lms.platform.set_status(INSTRUCTOR, BIOLOGY, "Inactive")
    refresh_roster(course, now=now)
    assert of(INSTRUCTOR.sub).status == "inactive"
    assert living_tab(Tab.objects.get().handle) is None
    stage.lms.platform.set_status(INSTRUCTOR, BIOLOGY, "Deleted")
    refresh_roster(course, now=now + timedelta(minutes=1))
    assert of(INSTRUCTOR.sub).status == "deleted"


def test_absence_only_hides(stage: Stage, course: Course, now: datetime) -> None:
    refresh_roster(course, now=now)
    stage.lms.platform.campus = campus_without(LEARNER, INSTRUCTOR)
    refresh_roster(course, now=now + timedelta(minutes=1))
    assert of(LEARNER.sub).status == "absent"
    assert of(INSTRUCTOR.sub).status == "absent"
    assert of(SECOND_LEARNER.sub).status == "active"
    assert living_tab(Tab.objects.get().handle) is not None
    stage.lms.platform.campus = CAMPUS
    refresh_roster(course, now=now + timedelta(minutes=2))
    assert of(LEARNER.sub).status == "active"


@dataclass
class Page:
    """What a roster server answers at one address."""

    members: list[str]
    link: str = ""
    status: int = 200


class RosterServer(Served):
    """A server that says whatever pages a test wants, and counts who asks."""

    def __init__(self, pages: dict[str, Page]) -> None:
        super().__init__()
        self.pages = pages
        self.asked: list[str] = []
        self.role = "Learner"

    @staticmethod
    def endless(name: str) -> Page:
        """Each page names one that nobody has seen."""
        return Page([f"person-{name}"], link=f'</{name}+>; rel="next"')

    def application(self) -> Starlette:
        async def page(request: Request) -> Response:
            name = request.path_params["name"]
            self.asked.append(name)
            found = self.pages.get(name) or self.endless(name)
            members = [
                {"user_id": sub, "roles": [self.role], "name": f"{self.role} {sub}"} for sub in found.members
            ]
            headers = {"Link": found.link} if found.link else {}
            return JSONResponse({"members": members}, found.status, headers)

        return Starlette(routes=[Route("/{name}", page)])


@pytest.mark.parametrize(
    ("link", "second"),
    [
        ('</b>; rel="next"', Page(["three"], status=500)),
        ('</b>; rel="next"', Page(["three"], link='</b>; rel="next"')),
        ('</b>; rel="next"', Page(["three"], link='</a?limit=100>; rel="next"')),
        ('<https://evil.example/b>; rel="next"', Page([])),
        ('<http://localhost/b>; rel="next"', Page([])),
    ],
    ids=["second page fails", "names itself", "goes in a circle", "another host", "another port"],
)
def test_a_list_that_is_cut_short_makes_nobody_absent(
    course: Course, now: datetime, link: str, second: Page, caplog: pytest.LogCaptureFixture
) -> None:
    refresh_roster(course, now=now)
    with RosterServer({"a": Page(["one", INSTRUCTOR.sub], link), "b": second}) as server:
        course.roster_url = f"{server.origin}/a"
        outcome = refresh_roster(course, now=now + timedelta(minutes=1))
    assert outcome is not None
    assert not outcome.is_complete
    assert len(server.asked) <= 2
    assert of("one").status == "active", "what came is kept"
    assert not Membership.objects.exclude(status="active").exists()
    course.refresh_from_db()
    assert course.roster_fetched_at == now
    assert course.roster_wanted_at == now + timedelta(minutes=11), "it is tried again, but not at once"
    assert "roster cut short" in caplog.text


def test_a_list_without_an_end_costs_no_more_than_the_caller_has(course: Course, now: datetime) -> None:
    with RosterServer({}) as server:
        course.roster_url = f"{server.origin}/a"
        started = time.monotonic()
        outcome = refresh_roster(course, now=now, patience=1)
    assert time.monotonic() - started < 5
    assert outcome is not None
    assert not outcome.is_complete
    assert of("person-a").status == "active"


def test_a_large_course(course: Course, now: datetime) -> None:
    """Five thousand people: what is written at once is written together."""
    people = [f"person-{number:05}" for number in range(5000)]
    pages = {str(n): Page(people[n * 500 : n * 500 + 500], f'</{n + 1}>; rel="next"') for n in range(10)}
    pages["9"].link = ""
    with RosterServer(pages) as server:
        course.roster_url = f"{server.origin}/0"
        assert refresh_roster(course, now=now) == Refreshed(people=5000, is_complete=True)
        with CaptureQueriesContext(connection) as again:
            refresh_roster(course, now=now + timedelta(minutes=1))
    assert Membership.objects.count() == 5001
    assert len(again) < 120, "a list that has not changed is written chunk by chunk"


CAMPUS_PEOPLE: Final = [f"person-{number:05}" for number in range(5000)]


def fifty_pages() -> dict[str, Page]:
    """Five thousand people in pages of a hundred."""
    pages = {
        str(n): Page(CAMPUS_PEOPLE[n * 100 : n * 100 + 100], f'</{n + 1}>; rel="next"') for n in range(50)
    }
    pages["49"].link = ""
    return pages


@pytest.mark.parametrize(
    ("broken", "read"),
    [
        ({"link": '</12>; rel="next"'}, 3100),  # a circle
        ({"link": '<https://evil.example/31>; rel="next"'}, 3100),  # a foreign host
        ({"status": 500}, 3000),
    ],
    ids=["looping", "foreign", "failing"],
)
def test_of_five_thousand_people_nobody_is_lost_or_retired_by_a_broken_link(
    course: Course, now: datetime, broken: dict[str, Any], read: int
) -> None:
    """The list breaks off at the thirty-first of fifty pages."""
    with RosterServer(fifty_pages()) as server:
        course.roster_url = f"{server.origin}/0"
        assert refresh_roster(course, now=now) == Refreshed(people=5000, is_complete=True)
        server.pages["30"] = dataclasses.replace(server.pages["30"], **broken)
        outcome = refresh_roster(course, now=now + timedelta(minutes=20))
        assert outcome == Refreshed(people=read, is_complete=False)
        present = Membership.objects.filter(person__sub__startswith="person-", status="active")
        assert present.count() == 5000, "whom a broken list does not name, it says nothing about"
        # Mended, and somebody has left the course meanwhile.
        server.pages = fifty_pages()
        server.pages["49"].members = CAMPUS_PEOPLE[4900:4999]
        assert refresh_roster(course, now=now + timedelta(minutes=40)) == Refreshed(4999, is_complete=True)
    assert present.count() == 4999
    assert of(CAMPUS_PEOPLE[-1]).status == "absent"


def test_changes_of_many_people_are_written_together(course: Course, now: datetime) -> None:
    with RosterServer(fifty_pages()) as server:
        course.roster_url = f"{server.origin}/0"
        refresh_roster(course, now=now)
        server.role = "Instructor"
        with CaptureQueriesContext(connection) as changed:
            refresh_roster(course, now=now + timedelta(minutes=20))
    assert Membership.objects.filter(right="owner", person__sub__startswith="person-").count() == 5000
    assert len(changed) < 250, "a constant number of statements for each chunk"


def test_whom_a_roster_names_can_be_searched_for(course: Course, now: datetime) -> None:
    refresh_roster(course, now=now)
    named = Person.objects.exclude(email="")
    assert named.count() > 2
    assert not named.filter(search_text="").exists()
    known = named.order_by("pk").last()
    assert known is not None
    Person.objects.filter(pk=known.pk).update(name="Old Name", search_text=" old name ", launched_at=None)
    refresh_roster(course, now=now)
    known.refresh_from_db()
    assert " old" not in known.search_text
    assert fold(known.family_name).split()[0] in known.search_text


def test_pages_ask_for_a_hundred_and_keep_their_own_query(course: Course, now: datetime) -> None:
    with RosterServer({"Ab": Page([INSTRUCTOR.sub])}) as server:
        course.roster_url = f"{server.origin}/Ab?rlid=X%20y&limit="
        assert refresh_roster(course, now=now) is not None
        course.roster_url = f"{server.origin}/Ab?rlid=X%20y"
        assert refresh_roster(course, now=now) is not None
    assert server.asked == ["Ab", "Ab"]


def test_a_launch_that_is_newer_than_the_fetch_wins(stage: Stage, browser: Browser, course: Course) -> None:
    started = timezone.now() - timedelta(minutes=1)
    stage.lms.platform.set_status(INSTRUCTOR, BIOLOGY, "Inactive")
    stage.lms.platform.campus = campus_without(INSTRUCTOR)
    refresh_roster(course, now=started)
    held = of(INSTRUCTOR.sub)
    assert (held.status, held.right) == ("active", "owner")


def test_a_fetch_that_is_newer_than_the_launch_replaces_its_roles(
    stage: Stage, browser: Browser, course: Course, now: datetime
) -> None:
    stage.launch(browser, person=LEARNER, put={"lti:roles": ["Instructor"]})
    assert of(LEARNER.sub).right == "owner"
    refresh_roster(course, now=now)
    assert of(LEARNER.sub).right == "none"


def test_moodles_rosters_do_not_replace_the_roles_of_a_launch(
    stage: Stage, browser: Browser, course: Course, now: datetime
) -> None:
    Platform.objects.update(auth_url=f"{stage.lms.origin}/mod/lti/auth.php")
    stage.lms.platform.campus = CAMPUS
    Membership.objects.update(roles=["Instructor"], right="owner")
    Membership.objects.filter(person__sub=INSTRUCTOR.sub).update(right="co_publisher")
    refresh_roster(Course.objects.get(), now=now)
    assert of(INSTRUCTOR.sub).right == "co_publisher"
    assert of(ASSISTANT.sub).right == "co_editor", "people who never launched are what the roster says"


def test_what_a_roster_does_not_tell_stays_known(stage: Stage, course: Course, now: datetime) -> None:
    stage.lms.platform.release[FIRST_DEPLOYMENT] = Release(name=False, email=False)
    refresh_roster(course, now=now)
    assert of(INSTRUCTOR.sub).person.name == INSTRUCTOR.name
    assert of(LEARNER.sub).person.name == ""
    assert of(LEARNER.sub).person.shown_name


def test_a_roster_of_another_tenant_touches_nobody_here(
    lms: RunningLms, browser: Browser, published_keys: RunningKeySet, now: datetime
) -> None:
    stage = Stage(lms, register(lms, tenancy="deployment"))
    stage.launch(browser)
    course = Course.objects.get()
    refresh_roster(course, now=now)
    assert set(Person.objects.values_list("tenant", flat=True)) == {course.tenant_id}


# --- Answers that are not as they should be -----------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"members": {}}', b"<html>", b"\xff"])
def test_an_answer_that_is_no_roster(course: Course, lms: RunningLms, now: datetime, body: bytes) -> None:
    lms.behaviour.roster.body = body
    with pytest.raises(ServiceError):
        refresh_roster(course, now=now)
    course.refresh_from_db()
    assert (course.roster_fetched_at, course.roster_claimed_at) == (None, None)
    assert course.roster_wanted_at == now + timedelta(minutes=10)


def test_strange_members_are_passed_over(course: Course, lms: RunningLms, now: datetime) -> None:
    members = [
        None,
        "text",
        {},
        {"user_id": 5, "roles": []},
        {"user_id": "", "roles": []},
        {"user_id": "a\x00b"},
        {"user_id": "u" * 300},
        {"user_id": "short", "roles": ["Instructor"], "name": 5, "email": None},
        {"user_id": "twice", "roles": ["Learner"], "status": "Inactive"},
        {"user_id": "twice", "roles": ["Mentor"], "name": "Twice", "status": "Active"},
        {"user_id": "no-roles"},
        {"user_id": "odd", "roles": "Instructor", "status": ["Active"], "name": "<b>x</b>\u0000"},
    ]
    lms.behaviour.roster.body = json.dumps({"members": members}).encode()
    assert refresh_roster(course, now=now) == Refreshed(people=4, is_complete=True)
    assert of("short").right == "owner"
    assert (of("twice").roles, of("twice").status, of("twice").person.name) == (
        ["Learner", "Mentor"],
        "active",
        "Twice",
    )
    assert (of("odd").right, of("odd").person.name) == ("none", "<b>x</b>")


@pytest.mark.parametrize("status", [403, 404])
def test_a_service_that_was_switched_off_is_not_asked_again(
    stage: Stage, browser: Browser, course: Course, now: datetime, status: int
) -> None:
    stage.lms.behaviour.roster.status = status
    with pytest.raises(ServiceError):
        refresh_roster(course, now=now)
    course.refresh_from_db()
    assert (course.roster_url, course.roster_wanted_at) == ("", None)
    stage.launch(browser)
    course.refresh_from_db()
    assert course.roster_url, "the next launch that names it switches it on again"


def test_a_refused_token_is_replaced_once(course: Course, lms: RunningLms, now: datetime) -> None:
    refresh_roster(course, now=now)
    lms.platform.grants.clear()
    assert refresh_roster(course, now=now + timedelta(minutes=1)) is not None
    assert lms.behaviour.token.calls == 2
    lms.behaviour.roster.status = 401
    with pytest.raises(ServiceError):
        refresh_roster(course, now=now + timedelta(minutes=2))
    assert lms.behaviour.token.calls == 3


def test_a_server_that_is_unwell_does_not_stop_the_worker(
    course: Course, lms: RunningLms, now: datetime
) -> None:
    lms.behaviour.token.status = 500
    assert refresh_wanted_rosters(now=now) == 0
    lms.behaviour.reset()
    assert refresh_wanted_rosters(now=now + timedelta(minutes=5)) == 0, "not before the pause is over"
    assert refresh_wanted_rosters(now=now + timedelta(minutes=11)) == 1
    assert Membership.objects.count() == EVERYBODY


@pytest.mark.parametrize(
    ("header", "page"),
    [
        ('<https://lms.example/r?cursor=AbC>; rel="next"', "https://lms.example/r?cursor=AbC"),
        ("<https://lms.example/r?cursor=AbC>; rel=next", "https://lms.example/r?cursor=AbC"),
        (
            '<https://lms.example/a>; rel="prev", </r?c=B,d>; title="x"; rel="next last"',
            "https://lms.example/r?c=B,d",
        ),
        ('</r?p=2>; REL="Next"', "https://lms.example/r?p=2"),
        ('<https://lms.example/d>; rel="differences"', ""),
        ('<https://lms.example/d>; rel="nextish"', ""),
        ("nonsense <<<>>> rel=next", ""),
        ("", ""),
    ],
)
def test_the_next_page_is_read_letter_by_letter(header: str, page: str) -> None:
    assert next_page(header, "https://lms.example/r?limit=100") == page


# --- One at a time --------------------------------------------------------------------------------------


def test_only_courses_that_want_it_are_fetched(course: Course, lms: RunningLms, now: datetime) -> None:
    assert refresh_wanted_rosters(now=now) == 1
    assert refresh_wanted_rosters(now=now) == 0
    assert lms.behaviour.roster.calls == 2


@pytest.mark.parametrize("part", [Platform, Deployment])
def test_a_disabled_platform_or_deployment_is_not_asked(
    course: Course, lms: RunningLms, now: datetime, part: type[Platform] | type[Deployment]
) -> None:
    part.objects.update(state="disabled")
    assert refresh_wanted_rosters(now=now) == 0
    assert lms.behaviour.roster.calls == 0


def test_a_course_without_a_roster_is_none(course: Course, now: datetime) -> None:
    Course.objects.update(roster_url="")
    assert refresh_roster(Course.objects.get(), now=now) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_fetches(
    stage: Stage, browser: Browser, published_keys: RunningKeySet, now: datetime
) -> None:
    stage.launch(browser)
    stage.lms.behaviour.roster.delay = 0.5

    def work(_number: int) -> int:
        try:
            return refresh_wanted_rosters(now=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as workers:
        assert sum(workers.map(work, range(4))) == 1
    assert stage.lms.behaviour.roster.calls == 2


def test_a_claim_of_a_dead_worker_ends(course: Course, now: datetime) -> None:
    Course.objects.update(roster_claimed_at=now - timedelta(minutes=5))
    assert refresh_roster(course, now=now) is None
    Course.objects.update(roster_claimed_at=now - timedelta(minutes=11))
    assert refresh_roster(course, now=now) is not None


# --- Tokens ---------------------------------------------------------------------------------------------


def test_a_token_is_kept_for_its_registration_and_scope(
    stage: Stage, lms: RunningLms, published_keys: RunningKeySet, now: datetime
) -> None:
    first = access_token(stage.platform, [ROSTER_SCOPE], now=now)
    assert access_token(stage.platform, [ROSTER_SCOPE], now=now) == first
    assert lms.behaviour.token.calls == 1
    second = register(lms, client_id="another-client")
    with pytest.raises(ServiceError):  # the LMS knows one client; nobody else's token is handed out
        access_token(second, [ROSTER_SCOPE], now=now)
    assert lms.behaviour.token.calls == 2


def test_a_short_token_is_not_kept(
    stage: Stage, lms: RunningLms, published_keys: RunningKeySet, now: datetime
) -> None:
    lms.behaviour.token.body = json.dumps({"access_token": "abc", "expires_in": 30}).encode()
    for _time in range(2):
        assert access_token(stage.platform, [ROSTER_SCOPE], now=now) == "abc"
    assert lms.behaviour.token.calls == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"<html>",
        b'{"access_token": null}',
        b'{"access_token": ""}',
        b'{"access_token": "a\\r\\nX: y"}',
        b'{"access_token": "a", "scope": "something-else"}',
        b'{"error": "invalid_client"}',
    ],
)
def test_an_answer_that_holds_no_token(
    stage: Stage, lms: RunningLms, published_keys: RunningKeySet, now: datetime, body: bytes
) -> None:
    lms.behaviour.token.body = body
    with pytest.raises(ServiceError):
        access_token(stage.platform, [ROSTER_SCOPE], now=now)


def test_a_redirecting_token_endpoint(
    stage: Stage, lms: RunningLms, published_keys: RunningKeySet, now: datetime
) -> None:
    lms.behaviour.token.redirect_to = f"{lms.origin}/elsewhere"
    with pytest.raises(ServiceError):
        access_token(stage.platform, [ROSTER_SCOPE], now=now)
