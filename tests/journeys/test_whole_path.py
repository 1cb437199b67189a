"""From a course to a guest in the room: the story that everything else is there for."""

import time

from playwright.sync_api import expect

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
from tests.journeys.running import RunningFoyer
from tests.journeys.watching import Audience

AMARA = Invitee("amara.okafor@tromso.example", "Amara", "Okafor")
TITLE = "Reading the ice"


def test_from_a_course_to_a_guest_in_the_room(
    audience: Audience, foyer: RunningFoyer, lms: RunningLms, mailbox: RunningMailbox
) -> None:
    guest_page = audience.sit("guest", time_zone="Asia/Tokyo")
    teacher_page = audience.sit("instructor")

    # An instructor launches in the iframe, and creates a room that starts in ten seconds (or a bit later).
    began = time.monotonic()
    teacher = open_in_page(teacher_page, lms, INSTRUCTOR, SEMINAR_ROOM)
    expect(teacher.get_by_role("heading", name="Create a room")).to_be_visible()
    starts_at = in_seconds(max(10.0, 8 * (time.monotonic() - began)))
    create_room(teacher, TITLE, starts_at=starts_at)

    # They invite a moderator by mail.
    shown_link = invite(teacher, AMARA, role="Moderator", is_mailed=True)
    mail = mail_to(mailbox, AMARA.email)
    assert TITLE in mail.subject
    assert link_in(mail) == shown_link
    close_dialog(teacher)

    # The mail's link, opened in another browser, shows the countdown; the guest will join on this device.
    guest_page.goto(link_in(mail))
    expect(guest_page.get_by_role("timer")).to_be_visible()
    expect(guest_page.get_by_role("heading", name=TITLE)).to_be_visible()
    guest_page.get_by_role("link", name="I will join on this device").click()

    # A wrong address is refused and nothing is burnt; the right one keeps the place.
    email = guest_page.get_by_label("Your email address")
    email.fill("somebody.else@tromso.example")
    email.press("Enter")
    expect(guest_page.get_by_label("Your email address")).to_have_attribute("aria-invalid", "true")
    guest_page.get_by_label("Your email address").fill(AMARA.email.upper())
    guest_page.get_by_role("button", name="Keep my place").click()

    # The same countdown, at an address without the token; then the doors open by themselves, no reload.
    expect(guest_page.get_by_role("timer")).to_be_visible()
    assert "/join/" not in guest_page.url
    guest_page.evaluate("window.isTheSamePage = true")
    expect(guest_page.get_by_label("Write a message")).to_be_visible(timeout=60_000)
    assert guest_page.evaluate("window.isTheSamePage") is True
    assert time.time() >= starts_at.timestamp() - 1

    # Both chat, and each reads the other.
    say(guest_page, "Good morning from Tromsø!")
    hears(teacher, "Good morning from Tromsø!", author=AMARA.name)
    say(teacher, "Welcome, the floor is yours.")
    hears(guest_page, "Welcome, the floor is yours.", author=INSTRUCTOR.name)

    # The same link in a third browser is refused, with its page.
    third = audience.sit("somebody with the link")
    answer = third.goto(link_in(mail))
    assert answer is not None
    assert answer.status == 403
    expect(third.get_by_role("heading", name="This link is already in use on another device")).to_be_visible()
    expect(third.get_by_label("Your email address")).to_have_count(0)

    # On the guest's own device it leads back in.
    guest_page.goto(link_in(mail))
    hears(guest_page, "Welcome, the floor is yours.", author=INSTRUCTOR.name)

    # A learner's launch shows no inviting tools, nor are they reachable.
    learner_page = audience.sit("learner")
    learner = open_in_page(learner_page, lms, LEARNER, SEMINAR_ROOM)
    hears(learner, "Good morning from Tromsø!", author=AMARA.name)
    expect(learner.get_by_text("Invite users")).to_have_count(0)
    expect(learner.get_by_label("More for this room")).to_have_count(0)
    frame = tool_frame(learner_page)
    menu = open_menu(teacher)
    paths = [link.get_attribute("href") or "" for link in menu.get_by_role("link").all()]
    own = frame.url.removeprefix(foyer.url).split("/media/", maxsplit=1)[0]
    addresses = [f"{own}/media/{path.split('/media/', maxsplit=1)[1]}" for path in paths]
    assert len(addresses) >= 4
    statuses = frame.evaluate(
        "addresses => Promise.all(addresses.map(each => fetch(each).then(answer => answer.status)))",
        addresses,
    )
    assert statuses == [403] * len(addresses)
