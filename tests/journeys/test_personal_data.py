"""Somebody is suggested by keyboard alone; a guest is erased by an administrator while they are inside."""

import re

import pytest
from playwright.sync_api import expect

from practice_lms.people import ADMINISTRATOR, INSTRUCTOR, LEARNER, OFFICE_HOURS, SEMINAR_ROOM
from practice_lms.server import RunningLms
from tests.journeys.acting import (
    Invitee,
    choose,
    close_dialog,
    create_room,
    enter,
    hears,
    invite,
    open_in_tab,
    say,
)
from tests.journeys.inspecting import inspect
from tests.journeys.watching import Audience

AMARA = Invitee("amara.okafor@tromso.example", "Amara", "Okafor")

pytestmark = pytest.mark.timeout(240)


def test_suggested_by_keyboard_and_erased_while_inside(audience: Audience, lms: RunningLms) -> None:
    wrong: list[str] = []
    open_in_tab(audience.sit("learner"), lms, LEARNER, SEMINAR_ROOM)
    teacher = open_in_tab(audience.sit("instructor"), lms, INSTRUCTOR, SEMINAR_ROOM)
    create_room(teacher, "Reading the ice")
    choose(teacher, "Invite users")
    dialog = teacher.get_by_role("dialog")
    field = dialog.get_by_label("Email address")
    expect(field).to_be_focused()
    teacher.keyboard.type(LEARNER.family_name[:3])
    option = dialog.get_by_role("option", name=LEARNER.name)
    expect(option).to_contain_text("already in this course")
    wrong += inspect(teacher, "suggestions")
    teacher.keyboard.press("ArrowDown")
    teacher.keyboard.press("Enter")
    expect(field).to_have_value(LEARNER.email)
    expect(dialog.get_by_label("Last name")).to_have_value(LEARNER.family_name)
    teacher.keyboard.press("Escape")

    link = invite(teacher, AMARA, role="Speaker")
    close_dialog(teacher)
    guest = audience.sit("guest")
    enter(guest, link, AMARA)
    say(guest, "Good morning from Tromsø.")
    hears(teacher, "Good morning from Tromsø.", author=AMARA.name)

    page = open_in_tab(audience.sit("administrator"), lms, ADMINISTRATOR, OFFICE_HOURS)
    page.get_by_role("link", name="Console").click()
    page.get_by_role("link", name="Personal data", exact=True).click()
    page.get_by_label("Exact email address").fill("amara")
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_label("Exact email address")).to_have_attribute("aria-invalid", "true")
    wrong += inspect(page, "personal data with a mistake")
    page.get_by_label("Exact email address").fill(AMARA.email)
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_role("heading", name=AMARA.name)).to_be_visible()
    assert AMARA.email not in page.url
    wrong += inspect(page, "what is held")
    with page.expect_download() as file:
        page.get_by_role("button", name="Export data").click()
    assert AMARA.email in file.value.path().read_text()
    page.get_by_label("I know that this cannot be undone").check()
    page.get_by_role("button", name="Erase now").click()
    expect(page.get_by_text("Erased.")).to_be_visible()
    expect(guest.get_by_label("Write a message")).to_have_count(0)
    expect(guest.get_by_role("heading", level=1)).to_have_text(re.compile("."))
    wrong += inspect(guest, "shown out")
    teacher.reload()
    hears(teacher, "Good morning from Tromsø.", author="Former guest")
    assert wrong == [], "\n\n".join(wrong)
