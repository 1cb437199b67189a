"""Everything works without JavaScript: dialogs are pages, the chat is a form."""

from playwright.sync_api import Page, expect

from practice_lms.people import INSTRUCTOR, SEMINAR_ROOM
from practice_lms.server import RunningLms
from tests.journeys.acting import Invitee, create_room, fill_invitation, hears, open_in_page, open_menu, say
from tests.journeys.watching import Audience

AMARA = Invitee("amara.okafor@tromso.example", "Amara", "Okafor")


def open_by_hand(page: Page, lms: RunningLms) -> None:
    """The LMS posts two forms on the way; without JavaScript a person presses their buttons."""
    open_in_page(page, lms, INSTRUCTOR, SEMINAR_ROOM)
    page.goto(f"{lms.origin}/d2l/le/lti/{SEMINAR_ROOM.number}/launch")  # as in a tab of its own
    for _leg in ("to the login", "to the launch"):
        page.get_by_role("button", name="Continue").click()


def test_the_way_from_the_course_to_the_room(audience: Audience, lms: RunningLms) -> None:
    teacher = audience.sit("instructor", has_javascript=False)
    open_by_hand(teacher, lms)
    create_room(teacher, "A quiet room")
    open_menu(teacher).get_by_text("Invite users").click()
    expect(teacher.get_by_role("heading", name="Invite users")).to_be_visible()
    expect(teacher.get_by_role("dialog")).to_have_count(0)

    # A mistake is told beside its field, and nothing else on the form is lost.
    nobody = Invitee("nobody", "Amara", "Okafor")
    fill_invitation(teacher, nobody, role="Speaker")
    expect(teacher.get_by_label("Email address")).to_have_attribute("aria-invalid", "true")
    expect(teacher.get_by_label("Last name")).to_have_value("Okafor")
    expect(teacher.get_by_role("radio", name="Speaker")).to_be_checked()
    fill_invitation(teacher, AMARA, role="Speaker")
    link = teacher.get_by_label("Their personal link").input_value()

    guest = audience.sit("guest", has_javascript=False)
    guest.goto(link)
    guest.get_by_label("Your email address").fill(AMARA.email)
    guest.get_by_role("button", name="Come in").click()
    say(guest, "Plain, and good enough.")
    hears(guest, "Plain, and good enough.", author="You")

    teacher.get_by_text("Done", exact=True).click()
    teacher.get_by_role("link", name="A quiet room").click()
    hears(teacher, "Plain, and good enough.", author=AMARA.name)
