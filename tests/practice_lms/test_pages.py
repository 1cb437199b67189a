from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from practice_lms.people import (
    ADMINISTRATOR,
    CAMPUS,
    HARBOUR_ENGINEERING,
    INSTRUCTOR,
    LEARNER,
    MARINE_BIOLOGY,
    SEMINAR_ROOM,
    SITE_VISIT,
    Person,
)
from practice_lms.server import LmsBrowser

if TYPE_CHECKING:
    import httpx

    from practice_lms.server import RunningLms


@pytest.fixture
def browser(lms: RunningLms) -> LmsBrowser:
    return LmsBrowser(lms)


def sign_in(browser: LmsBrowser, person: Person, link: int, where: str = "page") -> httpx.Response:
    return browser.post(f"/sign-in/{where}/", {"person": str(person.number), "link": str(link)})


def test_the_course_page_offers_everybody_in_the_course(browser: LmsBrowser) -> None:
    page = browser.get("/").text
    assert MARINE_BIOLOGY.title in page
    for enrolment in MARINE_BIOLOGY.enrolments:
        assert f'value="{enrolment.person.number}"' in page
    assert f'value="{ADMINISTRATOR.number}"' in page
    for link in MARINE_BIOLOGY.links:
        assert link.title in page


def test_each_course_has_its_own_page(browser: LmsBrowser) -> None:
    page = browser.get(f"/course/{HARBOUR_ENGINEERING.org_unit}/").text
    assert SITE_VISIT.title in page
    assert SEMINAR_ROOM.title not in page
    assert f'value="{INSTRUCTOR.number}"' not in page
    assert browser.get("/course/1/").status_code == 404


def test_a_link_opens_in_a_frame_like_that_of_brightspace(browser: LmsBrowser) -> None:
    reply = sign_in(browser, INSTRUCTOR, SEMINAR_ROOM.number)
    assert (reply.status_code, reply.headers["Location"]) == (303, "/course/6784/link/41/")
    page = browser.get(reply.headers["Location"]).text
    frame = page[page.index("<iframe") : page.index("</iframe>")]
    assert 'width="100%" height="600"' in frame
    assert 'src="/d2l/le/lti/41/launch?signalStorage=true"' in frame
    assert 'allow="microphone *; camera *; autoplay *; display-capture *"' in frame
    assert "sandbox" not in frame
    assert INSTRUCTOR.name in page


def test_a_new_tab_starts_the_launch_itself(browser: LmsBrowser) -> None:
    reply = sign_in(browser, INSTRUCTOR, SEMINAR_ROOM.number, "tab")
    assert reply.headers["Location"] == "/d2l/le/lti/41/launch"


def test_the_cookie_works_inside_a_frame(browser: LmsBrowser) -> None:
    cookie = sign_in(browser, INSTRUCTOR, SEMINAR_ROOM.number).headers["Set-Cookie"]
    assert {"Secure", "HttpOnly", "SameSite=none", "Path=/"} <= set(cookie.split("; "))


def test_nobody_opens_a_course_that_is_not_theirs(browser: LmsBrowser) -> None:
    assert sign_in(browser, INSTRUCTOR, SITE_VISIT.number).status_code == 403
    sign_in(browser, INSTRUCTOR, SEMINAR_ROOM.number)
    assert browser.get("/course/6921/link/57/").status_code == 403
    assert browser.get("/d2l/le/lti/57/launch").status_code == 403
    assert sign_in(browser, ADMINISTRATOR, SITE_VISIT.number).status_code == 303


def test_nobody_is_signed_in_at_first(browser: LmsBrowser) -> None:
    assert browser.get("/course/6784/link/41/").status_code == 403
    assert browser.get("/d2l/le/lti/41/launch").status_code == 403


def test_what_is_not_there_is_not_found(browser: LmsBrowser) -> None:
    assert sign_in(browser, INSTRUCTOR, 999).status_code == 404
    assert browser.post("/sign-in/page/", {"person": "x", "link": "41"}).status_code == 404
    stranger = {"person": str(LEARNER.number), "link": "41", "deployment": "another"}
    assert browser.post("/sign-in/page/", stranger).status_code == 404
    assert browser.get("/course/6784/link/57/").status_code == 404
    assert browser.get("/d2l/le/lti/999/launch").status_code == 403


def test_everybody_on_campus_can_open_something(lms: RunningLms) -> None:
    for course in CAMPUS.courses:
        for enrolment in course.enrolments[:6]:
            login = lms.initiate(enrolment.person, course.links[0])
            assert login.fields["login_hint"] == enrolment.person.sub
