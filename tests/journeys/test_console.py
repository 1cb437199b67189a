"""The administrator sets the rules, and the instructor reads why an address is refused."""

from playwright.sync_api import expect

from practice_lms.people import ADMINISTRATOR, INSTRUCTOR, LEARNER, SEMINAR_ROOM
from practice_lms.server import RunningLms
from tests.journeys.acting import (
    Invitee,
    choose,
    close_dialog,
    create_room,
    fill_invitation,
    invite,
    open_in_page,
    open_in_tab,
)
from tests.journeys.watching import Audience

NEWCOMER = Invitee("somebody.new@campus.example", "Somebody", "New")


def test_an_administrator_restricts_a_domain_and_an_instructor_reads_why(
    audience: Audience, lms: RunningLms
) -> None:
    teacher = open_in_page(audience.sit("instructor"), lms, INSTRUCTOR, SEMINAR_ROOM)
    create_room(teacher, "Office hours")

    console = open_in_tab(audience.sit("administrator"), lms, ADMINISTRATOR, SEMINAR_ROOM)
    console.get_by_role("link", name="Console").click()
    expect(console.get_by_role("heading", name="Console")).to_be_visible()

    # A bad value is refused beside its field, and nothing else on the form is lost.
    duration, domains = console.get_by_label("LinkDuration"), console.get_by_label("RestrictNewUserDomains")
    duration.fill("525601")
    domains.fill("campus.example")
    console.get_by_role("button", name="Save", exact=True).last.click()
    expect(duration).to_have_attribute("aria-invalid", "true")
    expect(console.get_by_text("Nothing was saved")).to_be_visible()
    expect(domains).to_have_value("campus.example")
    duration.fill("60")
    console.get_by_role("button", name="Save", exact=True).last.click()
    expect(console.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(duration).to_have_value("60")

    # Somebody new of that domain is refused with the explanation, and what was typed stays.
    choose(teacher, "Invite users")
    dialog = teacher.get_by_role("dialog")
    fill_invitation(dialog, NEWCOMER, role="Speaker")
    expect(dialog.get_by_text("People at campus.example sign in through your LMS.")).to_be_visible()
    expect(dialog.get_by_label("Email address")).to_have_value(NEWCOMER.email)
    dialog.get_by_role("link", name="Cancel").click()

    # Whoever is known already is none of the rule's business; nor is another domain.
    person = open_in_tab(audience.sit("learner"), lms, LEARNER, SEMINAR_ROOM)
    expect(person.get_by_label("Write a message")).to_be_visible()
    known = Invitee(LEARNER.email, LEARNER.given_name, LEARNER.family_name)
    assert "/join/" in invite(teacher, known, role="Speaker")
    close_dialog(teacher)
    assert "/join/" in invite(teacher, Invitee("new@elsewhere.example", "Some", "Body"))


def test_switching_inviting_off_explains_itself(audience: Audience, lms: RunningLms) -> None:
    teacher = open_in_tab(audience.sit("instructor"), lms, INSTRUCTOR, SEMINAR_ROOM)
    create_room(teacher, "Office hours")
    link = invite(teacher, NEWCOMER)
    close_dialog(teacher)

    console = open_in_tab(audience.sit("administrator"), lms, ADMINISTRATOR, SEMINAR_ROOM)
    console.get_by_role("link", name="Console").click()
    console.get_by_role("group", name="enable").get_by_label("No").check()
    console.get_by_role("button", name="Save", exact=True).last.click()
    expect(console.get_by_text("1 open invite would stop working.")).to_be_visible()
    console.get_by_role("button", name="Save anyway").click()
    expect(console.get_by_text("Saved.", exact=True)).to_be_visible()

    guest = audience.sit("guest")
    guest.goto(link)
    expect(guest.get_by_role("heading", name="Guests are not let in at the moment")).to_be_visible()
    teacher.reload()
    choose(teacher, "Why can’t I invite?")
    expect(teacher.get_by_role("dialog").get_by_role("heading", level=1)).to_have_text("Why can’t I invite?")
    expect(teacher.get_by_role("dialog").get_by_text("Inviting guests is switched off")).to_be_visible()
