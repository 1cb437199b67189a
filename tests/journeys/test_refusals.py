"""Launches that do not pass, as people see them."""

import re

from playwright.sync_api import Page, Route, expect

from practice_lms.keys import SigningKey
from practice_lms.people import INSTRUCTOR, LEARNER, SEMINAR_ROOM
from practice_lms.server import RunningLms
from tests.journeys.acting import create_room, open_in_page
from tests.journeys.watching import Audience


def lose_cookies_at_launch(page: Page) -> None:
    """As in a browser that keeps no cookie in frames: the launch arrives without the login's."""

    def forget(route: Route) -> None:
        page.context.clear_cookies(name=re.compile("foyer-login"))
        route.continue_()

    page.context.route("**/lti/launch/", forget, times=1)


def test_without_cookies_in_the_frame_a_new_tab_leads_in(audience: Audience, lms: RunningLms) -> None:
    page = audience.sit("instructor", width=800)
    lose_cookies_at_launch(page)
    frame = open_in_page(page, lms, INSTRUCTOR, SEMINAR_ROOM)
    expect(frame.get_by_text("Your browser did not keep the cookie")).to_be_visible()
    expect(frame.get_by_text("no_browser_binding")).to_be_visible()
    with page.expect_popup() as opened:
        frame.get_by_role("button", name="Open in a new tab").click()
    create_room(opened.value, "A room after all")


def test_a_refusal_is_readable_inside_the_lms(audience: Audience, lms: RunningLms) -> None:
    page = audience.sit("learner", width=390)
    lms.keys.rotate(key=SigningKey.make(bits=1024))
    frame = open_in_page(page, lms, LEARNER, SEMINAR_ROOM)
    expect(frame.get_by_role("heading", name="This could not be opened")).to_be_visible()
    expect(frame.get_by_text("What the LMS sent could not be checked.")).to_be_visible()
    expect(frame.get_by_text("unknown_kid")).to_be_visible()
    expect(frame.get_by_text("UTC")).to_be_visible()


def test_the_launch_address_by_itself_says_what_to_do(audience: Audience, lms: RunningLms) -> None:
    page = audience.sit("somebody")
    page.goto(f"{lms.tool.launch_url}")
    expect(page.get_by_role("heading", name="Open this from your course")).to_be_visible()
