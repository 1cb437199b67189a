"""Launches in tabs: each tab stays with its person and its course, whatever else happens in the browser."""

from playwright.sync_api import expect

from practice_lms.people import (
    HARBOUR_INSTRUCTOR,
    INSTRUCTOR,
    LEARNER,
    SEMINAR_ROOM,
    SITE_VISIT,
    Link,
    Person,
)
from practice_lms.server import RunningLms
from tests.journeys.acting import create_room, hears, open_in_page, open_in_tab, say
from tests.journeys.running import RunningFoyer
from tests.journeys.watching import Audience


def make_room(audience: Audience, lms: RunningLms, person: Person, link: Link, title: str) -> None:
    page = audience.sit(person.name)
    create_room(open_in_page(page, lms, person, link), title)
    page.context.close()
    del audience.seats[person.name]


def test_a_launch_in_a_new_tab(audience: Audience, foyer: RunningFoyer, lms: RunningLms) -> None:
    tab = open_in_tab(audience.sit("instructor"), lms, INSTRUCTOR, SEMINAR_ROOM)
    create_room(tab, "Office hours")
    assert tab.url.startswith(f"{foyer.url}/~")
    say(tab, "Anybody there?")
    hears(tab, "Anybody there?", author="You")
    tab.reload()
    hears(tab, "Anybody there?", author="You")


def test_two_people_in_two_tabs_of_one_browser_never_mix(
    audience: Audience, foyer: RunningFoyer, lms: RunningLms
) -> None:
    make_room(audience, lms, HARBOUR_INSTRUCTOR, SITE_VISIT, "Harbour room")
    browser = audience.sit("shared browser")
    teacher = open_in_tab(browser, lms, INSTRUCTOR, SEMINAR_ROOM)
    create_room(teacher, "Biology room")
    learner = open_in_tab(browser, lms, LEARNER, SITE_VISIT)
    expect(learner.get_by_role("heading", name="Harbour room", level=1)).to_be_visible()

    say(learner, "I am a learner at the harbour.")
    say(teacher, "I teach biology.")
    hears(learner, "I am a learner at the harbour.", author="You")
    hears(teacher, "I teach biology.", author="You")
    for page in (teacher, learner):
        page.reload()

    hears(teacher, "I teach biology.", author="You")
    expect(teacher.get_by_label("More for this room")).to_be_visible()
    expect(teacher.get_by_role("log").get_by_role("listitem")).to_have_count(1)
    hears(learner, "I am a learner at the harbour.", author="You")
    expect(learner.get_by_label("More for this room")).to_have_count(0)
    expect(learner.get_by_role("log").get_by_role("listitem")).to_have_count(1)

    # The learner's tab does not open the teacher's room, although both cookies are in this browser.
    room = teacher.url.split("/media/", maxsplit=1)[1]
    own = learner.url.split("/media/", maxsplit=1)[0]
    answer = learner.goto(f"{own}/media/{room}")
    assert answer is not None
    assert answer.status == 404
    answer = learner.goto(f"{foyer.url}/media/{room}")
    assert answer is not None
    assert answer.status in {403, 404}
