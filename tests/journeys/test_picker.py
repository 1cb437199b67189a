"""A room gets into a course by the course's own content picker, which is always a frame; and copies of it."""

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from practice_lms.people import INSTRUCTOR, LEARNER, MARINE_BIOLOGY, SEMINAR_ROOM, Link, Person
from practice_lms.registration import FIRST_DEPLOYMENT
from practice_lms.server import RunningLms
from practice_lms.tokens import Release
from tests.journeys.acting import create_room, hears, open_in_page, say
from tests.journeys.inspecting import inspect
from tests.journeys.running import PARTED, UNPARTED, RunningFoyer
from tests.journeys.watching import STORAGE_IN_FRAMES, Audience


@pytest.fixture
def switches() -> tuple[str, ...]:
    return (STORAGE_IN_FRAMES,)


def pick(page: Page, lms: RunningLms, person: Person) -> FrameLocator:
    """Open the course's content picker as somebody."""
    page.goto(f"{lms.origin}/course/{MARINE_BIOLOGY.org_unit}/")
    page.get_by_role("button", name=f"Add from Foyer as {person.name}").click()
    frame = page.frame_locator("iframe[data-tool-frame]")
    expect(frame.get_by_role("heading", name="Add a room to your course")).to_be_visible()
    return frame


def newest_link(lms: RunningLms) -> Link:
    course = lms.platform.campus.course(MARINE_BIOLOGY.org_unit)
    assert course is not None
    return course.links[-1]


@pytest.mark.parametrize("application", [PARTED, UNPARTED], ids=["partitioned cookies", "no cookies at all"])
def test_a_new_room_by_the_picker(audience: Audience, foyer: RunningFoyer, lms: RunningLms) -> None:
    page = audience.sit("instructor")
    frame = pick(page, lms, INSTRUCTOR)
    frame.get_by_role("button", name="Add to the course").click()
    expect(frame.get_by_role("alert")).to_contain_text("Write a title")
    frame.get_by_label("Title").fill("Voices from the deep")
    frame.get_by_role("button", name="Add to the course").click()
    expect(frame.get_by_role("heading", name="Added to Introduction to Marine Biology")).to_be_visible()
    expect(frame.get_by_text("The tool says: “Voices from the deep” was added.")).to_be_visible()
    frame.get_by_role("link", name="To the course page").click()
    expect(page.get_by_role("radio", name="Voices from the deep")).to_be_visible()

    room = open_in_page(page, lms, INSTRUCTOR, newest_link(lms))
    expect(room.get_by_role("heading", name="Voices from the deep", level=1)).to_be_visible()
    expect(room.get_by_text("Your room is made.")).to_be_visible()
    say(room, "It is there.")
    hears(room, "It is there.", author="You")


def test_a_room_that_exists_goes_into_one_more_link(
    audience: Audience, foyer: RunningFoyer, lms: RunningLms
) -> None:
    page = audience.sit("instructor")
    create_room(open_in_page(page, lms, INSTRUCTOR, SEMINAR_ROOM), "Weekly hour")
    frame = pick(page, lms, INSTRUCTOR)
    frame.get_by_role("button", name="Add this one").click()
    expect(frame.get_by_role("heading", name="Added to Introduction to Marine Biology")).to_be_visible()
    asked = open_in_page(page, lms, INSTRUCTOR, newest_link(lms))
    expect(asked.get_by_role("heading", name="This link was added for “Weekly hour”")).to_be_visible()
    asked.get_by_role("button", name="Show this room here").click()
    expect(asked.get_by_role("heading", name="Weekly hour", level=1)).to_be_visible()

    frame = pick(page, lms, INSTRUCTOR)
    frame.get_by_role("button", name="Back to the course without adding anything").click()
    expect(frame.get_by_role("heading", name="Nothing was added")).to_be_visible()


def test_a_copied_course_asks_before_it_opens_anything(
    audience: Audience, foyer: RunningFoyer, lms: RunningLms
) -> None:
    page = audience.sit("instructor")
    room = open_in_page(page, lms, INSTRUCTOR, SEMINAR_ROOM)
    create_room(room, "Weekly hour")
    say(room, "Last year's words")
    hears(room, "Last year's words", author="You")
    page.goto(f"{lms.origin}/course/{MARINE_BIOLOGY.org_unit}/")
    page.get_by_role("button", name="Copy this course").click()
    expect(page.get_by_role("heading", name="Introduction to Marine Biology (copy)")).to_be_visible()
    copy = lms.platform.campus.courses[-1]
    room = open_in_page(page, lms, INSTRUCTOR, copy.links[0])
    expect(room.get_by_role("heading", name="This course was copied from")).to_be_visible()
    room.get_by_role("button", name="Make a new room of the same name").click()
    expect(room.get_by_role("heading", name="Weekly hour", level=1)).to_be_visible()
    say(room, "A fresh start")
    hears(room, "A fresh start", author="You")
    expect(room.get_by_text("Last year's words")).to_have_count(0)


def test_somebody_without_a_name_says_once_what_to_call_them(
    audience: Audience, foyer: RunningFoyer, lms: RunningLms
) -> None:
    lms.platform.release[FIRST_DEPLOYMENT] = Release(name=False, email=False, username=False)
    teacher = open_in_page(audience.sit("instructor"), lms, INSTRUCTOR, SEMINAR_ROOM)
    teacher.get_by_role("button", name="Go on as “Person").click()
    create_room(teacher, "Weekly hour")
    page = audience.sit("learner")
    room = open_in_page(page, lms, LEARNER, SEMINAR_ROOM)
    expect(room.get_by_role("heading", name="What shall we call you?")).to_be_visible()
    room.get_by_label("Your name").fill("Amélie D.")
    room.get_by_role("button", name="Go on", exact=True).click()
    expect(room.get_by_role("heading", name="Weekly hour", level=1)).to_be_visible()
    say(room, "Hello")
    frame = open_in_page(page, lms, LEARNER, SEMINAR_ROOM)
    hears(frame, "Hello", author="You")


def test_everybody_can_use_these_pages(audience: Audience, foyer: RunningFoyer, lms: RunningLms) -> None:
    page = audience.sit("instructor")
    create_room(open_in_page(page, lms, INSTRUCTOR, SEMINAR_ROOM), "Weekly hour")
    pick(page, lms, INSTRUCTOR)
    assert inspect(page, "picker") == []
    lms.platform.campus = lms.platform.campus.with_course(lms.platform.campus.copy_of(MARINE_BIOLOGY))
    open_in_page(page, lms, INSTRUCTOR, lms.platform.campus.courses[-1].links[0]).get_by_label(
        "Title"
    ).wait_for()
    assert inspect(page, "copied") == []
