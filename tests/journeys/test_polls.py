"""A quiz and a poll in the browser: written, answered, changed, shared; by keyboard, and without a reload."""

from playwright.sync_api import FrameLocator, Page, expect

from practice_lms.people import INSTRUCTOR, SEMINAR_ROOM
from practice_lms.server import RunningLms
from tests.journeys.acting import Invitee, close_dialog, create_room, enter, invite, open_in_page
from tests.journeys.inspecting import inspect
from tests.journeys.watching import Audience

AMARA = Invitee("amara@tromso.example", "Amara", "Okafor")
QUESTION = "Which core is the oldest?"


def write(host: FrameLocator, kind: str, question: str, answers: list[str]) -> None:
    """Open the composer and write; each answer ends with Return, as on a phone."""
    host.get_by_text("New poll, rating or quiz").click()
    host.get_by_role("radio", name=kind).check()
    host.get_by_label("Question", exact=True).fill(question)
    first = host.get_by_label("Answer 1", exact=True)
    first.focus()
    for at, answer in enumerate(answers):
        field = host.get_by_label(f"Answer {at + 1}", exact=True)
        expect(field).to_be_focused()
        field.fill(answer)
        if at + 1 < len(answers):
            field.press("Enter")


def test_a_quiz_and_a_poll(audience: Audience, lms: RunningLms) -> None:
    desk = audience.sit("host")
    host = open_in_page(desk, lms, INSTRUCTOR, SEMINAR_ROOM)
    create_room(host, "Reading the ice")
    link = invite(host, AMARA, role="Viewer")
    close_dialog(host)
    guest: Page = audience.sit("guest")
    enter(guest, link, AMARA)

    # What is missing stands beside its field, and nothing typed is lost.
    host.get_by_role("tab", name="Polls").click()
    write(host, "Quiz", QUESTION, ["Vostok", "EPICA Dome C", "GRIP", "None of them"])
    host.get_by_role("button", name="Start now").click()
    expect(host.get_by_text("Tick the right answer, or all right ones.")).to_be_visible()
    expect(host.get_by_label("Answer 4", exact=True)).to_have_value("None of them")
    host.get_by_label("Right (2)", exact=True).check()
    host.get_by_role("button", name="Start now").click()

    # It is seen from the chat, heard once, and answered by keyboard.
    expect(guest.get_by_role("status").filter(has_text=f"A quiz has started: {QUESTION}")).to_have_count(1)
    guest.get_by_role("link", name="Answer", exact=True).press("Enter")
    expect(guest.get_by_role("radio", name="Vostok")).to_be_focused()
    guest.keyboard.press("ArrowDown")
    guest.keyboard.press("Enter")
    expect(guest.get_by_text("You have answered.").first).to_be_visible()
    expect(host.get_by_role("row", name="EPICA Dome C")).to_contain_text("1")
    expect(guest.get_by_role("table")).to_have_count(0)

    host.get_by_role("button", name="Share the results").click()
    bar = guest.get_by_role("row", name="EPICA Dome C")
    expect(bar).to_contain_text("Your answer")
    expect(bar.get_by_text("Right", exact=True)).to_be_hidden()
    host.get_by_role("button", name="Close", exact=True).click()
    expect(bar.get_by_text("Right", exact=True)).to_be_visible()

    # A draft is changed before it starts, an answer while it runs.
    write(host, "Poll", "Where next?", ["Svalbard", "Tromsø"])
    host.get_by_role("button", name="Keep as a draft").click()
    host.get_by_role("button", name="Edit").click()
    host.get_by_label("Answer 3", exact=True).fill("Greenland")
    host.get_by_role("button", name="Start now").click()
    card = guest.get_by_role("listitem").filter(has_text="Where next?")
    card.get_by_role("radio", name="Tromsø").check()
    card.get_by_role("button", name="Send my answer").click()
    expect(host.get_by_role("row", name="Tromsø")).to_contain_text("100")
    card.get_by_role("button", name="Change my answer").click()
    card.get_by_role("radio", name="Greenland").check()
    card.get_by_role("button", name="Send my answer").click()
    expect(host.get_by_role("row", name="Greenland")).to_contain_text("100")
    an_answer_in_words_is_hidden(host, guest)
    host.get_by_text("New poll, rating or quiz").click()
    assert [*inspect(guest, "a guest's polls"), *inspect(desk, "a host's polls")] == []


def an_answer_in_words_is_hidden(host: FrameLocator, guest: Page) -> None:
    """A moderator takes it out of everybody's sight, and may show it again."""
    host.get_by_text("New poll, rating or quiz").click()
    host.get_by_role("radio", name="Open question").check()
    host.get_by_label("Question", exact=True).fill("What was new to you?")
    host.get_by_role("button", name="Start now").click()
    card = guest.get_by_role("listitem").filter(has_text="What was new to you?")
    card.get_by_label("Your answer").fill("Nothing at all")
    card.get_by_role("button", name="Send my answer").click()
    asked = host.get_by_role("listitem").filter(has_text="What was new to you?")
    asked.get_by_role("button", name="Share the results").click()
    told = card.get_by_role("list", name="Answers").get_by_text("Nothing at all")
    expect(told).to_be_visible()
    asked.get_by_role("button", name="Hide for everybody").click()
    expect(told).to_have_count(0)
    shown = asked.get_by_role("button", name="Show again")
    expect(shown).to_be_focused()
    shown.click()
    expect(told).to_be_visible()
