"""From a link in a course to a tab."""

from lti_tool.models import Course, Membership, Person, Placement
from practice_lms.people import GUEST_LECTURE, INSTRUCTOR
from tests.factories.launches import Browser, Stage, tab_behind


def test_an_instructor_arrives(stage: Stage, browser: Browser) -> None:
    attempt = stage.log_in(browser)
    form = stage.answer(attempt)
    reply = browser.post(form.action, form.fields)
    tab = tab_behind(browser, reply)
    assert tab.person.sub == INSTRUCTOR.sub
    assert (tab.right, tab.application_role) == ("owner", 2)
