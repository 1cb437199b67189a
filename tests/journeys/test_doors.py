"""Doors that move while people stand before them, and an invitation that is taken back."""

import time

import pytest
from playwright.sync_api import Page, expect

from practice_lms.people import INSTRUCTOR, SEMINAR_ROOM
from practice_lms.server import RunningLms
from tests.journeys.acting import (
    Invitee,
    close_dialog,
    create_room,
    enter,
    enter_early,
    hears,
    in_seconds,
    invite,
    open_in_tab,
    open_menu,
    say,
)
from tests.journeys.watching import Audience

AMARA = Invitee("amara.okafor@tromso.example", "Amara", "Okafor")
TITLE = "Reading the ice"
AT_ONCE = 2.0  # seconds; design §8 says one, and a busy machine needs another


@pytest.fixture
def teacher(audience: Audience, lms: RunningLms) -> Page:
    return open_in_tab(audience.sit("instructor"), lms, INSTRUCTOR, SEMINAR_ROOM)


def test_a_host_opens_early_and_whoever_waits_is_in(audience: Audience, teacher: Page) -> None:
    create_room(teacher, TITLE, starts_at=in_seconds(3600), ends_at=in_seconds(7200))
    link = invite(teacher, AMARA, role="Speaker")
    close_dialog(teacher)
    guest = audience.sit("guest")
    guest.add_init_script("Math.random = () => 0.01")  # asks for its room at once
    enter_early(guest, link, AMARA)
    expect(guest.get_by_role("timer")).to_be_visible()
    expect(guest.locator("template[data-ahead]")).to_be_attached()
    guest.evaluate("window.isTheSamePage = true")
    asked: list[str] = []
    guest.on("request", lambda request: asked.append(request.url))

    teacher.get_by_role("button", name="Open the doors now").click()
    expect(guest.get_by_label("Write a message")).to_be_visible()
    assert not [each for each in asked if "/static/" not in each]  # the room has come over the socket
    say(guest, "I am in.")
    hears(teacher, "I am in.", author=AMARA.name)

    teacher.get_by_role("button", name="Close the doors").click()
    expect(guest.get_by_role("timer")).to_be_visible()
    expect(guest.get_by_label("Write a message")).to_have_count(0)
    teacher.get_by_role("button", name="Open the doors now").click()
    hears(guest, "I am in.", author="You")
    assert guest.evaluate("window.isTheSamePage") is True


def test_a_host_ends_the_session(audience: Audience, teacher: Page) -> None:
    create_room(teacher, TITLE)
    link = invite(teacher, AMARA)
    close_dialog(teacher)
    guest = audience.sit("guest")
    enter(guest, link, AMARA)
    say(guest, "Thank you all.")
    hears(teacher, "Thank you all.", author=AMARA.name)

    open_menu(teacher).get_by_text("End the session").click()
    teacher.get_by_role("button", name="End the session").last.click()
    expect(guest.get_by_role("heading", name="This has ended")).to_be_visible()
    expect(guest.get_by_label("Write a message")).to_have_count(0)
    guest.goto(link)
    expect(guest.get_by_role("heading", name="This session is over")).to_be_visible()


def test_a_withdrawn_invitation_shows_the_guest_out(audience: Audience, teacher: Page) -> None:
    create_room(teacher, TITLE)
    link = invite(teacher, AMARA, role="Moderator")
    close_dialog(teacher)
    guest = audience.sit("guest")
    enter(guest, link, AMARA)
    say(guest, "Hello from outside.")
    hears(teacher, "Hello from outside.", author=AMARA.name)

    open_menu(teacher).get_by_text("Invitations").click()
    teacher.get_by_label(f"More for {AMARA.name}").click()
    teacher.get_by_role("link", name="Withdraw", exact=True).click()
    button = teacher.get_by_role("dialog").get_by_role("button", name="Withdraw")
    expect(button).to_be_visible()
    began = time.monotonic()
    button.click()
    expect(guest.get_by_label("Write a message")).to_have_count(0)
    assert time.monotonic() - began < AT_ONCE

    guest.goto(link)
    expect(guest.get_by_role("heading", name="This invitation was withdrawn")).to_be_visible()
