"""From a course to a guest in the room: the story that everything else is there for."""

import time
from collections.abc import Sequence
from datetime import datetime

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from practice_lms.mailbox import RunningMailbox
from practice_lms.people import INSTRUCTOR, LEARNER, SEMINAR_ROOM
from practice_lms.server import RunningLms
from tests.journeys.acting import (
    Invitee,
    close_dialog,
    create_room,
    hears,
    in_seconds,
    invite,
    link_in,
    mail_to,
    open_in_page,
    open_menu,
    say,
    tool_frame,
)
from tests.journeys.watching import Audience

AMARA = Invitee("amara.okafor@tromso.example", "Amara", "Okafor")
TITLE = "Reading the ice"


@pytest.mark.every_stack
def test_from_a_course_to_a_guest_in_the_room(
    audience: Audience, lms: RunningLms, mailbox: RunningMailbox
) -> None:
    guest, teacher_page = audience.sit("guest", time_zone="Asia/Tokyo"), audience.sit("instructor")

    # An instructor launches in the iframe, and creates a room that starts in ten seconds.
    began = time.monotonic()
    teacher = open_in_page(teacher_page, lms, INSTRUCTOR, SEMINAR_ROOM)
    expect(teacher.get_by_role("heading", name="Set up this link")).to_be_visible()
    slowness = time.monotonic() - began  # of this machine: the story must get to the lobby before the start
    starts_at = in_seconds(max(10.0, 15 * slowness))
    create_room(teacher, TITLE, starts_at=starts_at)

    # They invite a moderator by mail.
    shown_link = invite(teacher, AMARA, role="Moderator", is_mailed=True)
    mail = mail_to(mailbox, AMARA.email)
    assert TITLE in mail.subject
    assert link_in(mail) == shown_link
    close_dialog(teacher)

    wait_at_the_countdown(guest, link_in(mail))
    the_doors_open_by_themselves(guest, starts_at)

    # Both chat, and each reads the other.
    say(guest, "Good morning from Tromsø!")
    hears(teacher, "Good morning from Tromsø!", author=AMARA.name)
    say(teacher, "Welcome, the floor is yours.")
    hears(guest, "Welcome, the floor is yours.", author=INSTRUCTOR.name)

    the_link_is_used_up(audience.sit("somebody with the link"), link_in(mail))
    guest.goto(link_in(mail))  # the guest's own device is let in again
    hears(guest, "Welcome, the floor is yours.", author=INSTRUCTOR.name)

    learners_cannot_invite(audience.sit("learner"), lms, addresses_in_menu(teacher))


def wait_at_the_countdown(guest: Page, link: str) -> None:
    """The mail's link shows the countdown; a wrong address burns nothing; the right one waits."""
    guest.goto(link)
    expect(guest.get_by_role("timer")).to_be_visible()
    expect(guest.get_by_role("heading", name=TITLE)).to_be_visible()
    guest.get_by_role("link", name="I will join on this device").click()
    guest.get_by_label("Your email address").fill("somebody.else@tromso.example")
    guest.get_by_role("button", name="Keep my place").click()
    expect(guest.get_by_label("Your email address")).to_have_attribute("aria-invalid", "true")
    guest.get_by_label("Your email address").fill(AMARA.email.upper())
    guest.get_by_role("button", name="Keep my place").click()
    expect(guest.get_by_role("timer")).to_be_visible()
    assert "/join/" not in guest.url


def the_doors_open_by_themselves(guest: Page, starts_at: datetime) -> None:
    """At the start, without a click and without a reload."""
    guest.evaluate("window.isTheSamePage = true")
    expect(guest.get_by_label("Write a message")).to_be_visible(timeout=60_000)
    assert guest.evaluate("window.isTheSamePage") is True
    assert time.time() >= starts_at.timestamp()


def the_link_is_used_up(page: Page, link: str) -> None:
    """Another browser with the same link is refused, with the page that says why."""
    answer = page.goto(link)
    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_role("heading", name="This link is already in use on another device")).to_be_visible()
    expect(page.get_by_label("Your email address")).to_have_count(0)


def addresses_in_menu(teacher: FrameLocator) -> list[str]:
    """What the instructor's ⋯ menu leads to, without the tab's own prefix."""
    links = open_menu(teacher).get_by_role("link").all()
    return [f"/media/{(link.get_attribute('href') or '').split('/media/', maxsplit=1)[1]}" for link in links]


def learners_cannot_invite(page: Page, lms: RunningLms, addresses: Sequence[str]) -> None:
    """A learner's launch shows no inviting tools, nor are their addresses of any use."""
    learner = open_in_page(page, lms, LEARNER, SEMINAR_ROOM)
    hears(learner, "Good morning from Tromsø!", author=AMARA.name)
    expect(learner.get_by_text("Invite users")).to_have_count(0)
    expect(learner.get_by_label("More for this room")).to_have_count(0)
    frame = tool_frame(page)
    own = frame.url.split("/media/", maxsplit=1)[0]
    statuses = frame.evaluate(
        "addresses => Promise.all(addresses.map(each => fetch(each).then(answer => answer.status)))",
        [f"{own}{address}" for address in addresses],
    )
    assert len(statuses) >= 4
    assert set(statuses) == {403}
