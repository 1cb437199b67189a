"""An instructor shares a room and deletes it; whoever is inside feels both at once."""

from playwright.sync_api import expect

from practice_lms.people import ASSISTANT, INSTRUCTOR, SEMINAR_ROOM
from practice_lms.server import RunningLms
from tests.journeys.acting import choose, create_room, open_in_page, open_menu
from tests.journeys.watching import Audience


def test_a_right_by_name_and_a_deletion_reach_an_open_page(audience: Audience, lms: RunningLms) -> None:
    host = open_in_page(audience.sit("instructor"), lms, INSTRUCTOR, SEMINAR_ROOM)
    create_room(host, "Reading the ice")
    assistant_page = audience.sit("assistant")
    assistant = open_in_page(assistant_page, lms, ASSISTANT, SEMINAR_ROOM)
    menu = open_menu(assistant)
    expect(menu.get_by_text("Edit details")).to_be_visible()
    expect(menu.get_by_text("Collaborators")).to_have_count(0)

    choose(host, "Collaborators")
    person = host.get_by_role("combobox", name="Person")
    person.press_sequentially(ASSISTANT.name.split()[-1][:4])
    host.get_by_role("option", name=ASSISTANT.name).click()
    host.get_by_role("radio", name="Co-owner").check()
    host.get_by_role("button", name="Give the right").click()
    expect(host.get_by_role("dialog").get_by_text("It holds from now on")).to_be_visible()
    host.get_by_role("dialog").get_by_role("button", name="Close", exact=True).click()
    expect(host.get_by_role("dialog")).to_have_count(0)

    expect(assistant.locator(".menu__item", has_text="Collaborators")).to_have_count(1)

    choose(host, "Delete")
    dialog = host.get_by_role("dialog", name="Delete this room?")
    expect(dialog.get_by_text("All invitation links stop working")).to_be_visible()
    expect(dialog.get_by_role("link", name="Keep it")).to_be_focused()
    dialog.get_by_role("button", name="Delete the room").click()
    expect(host.get_by_role("heading", name="Set up this link")).to_be_visible()
    expect(host.get_by_text("The room is deleted.")).to_be_visible()
    expect(assistant.get_by_text("removed")).to_be_visible()
