"""A whole session with everybody in it: six people, six browsers, and no page that is loaded twice."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from playwright.sync_api import Frame, Locator, Page, expect

from practice_lms.people import ASSISTANT, INSTRUCTOR, LEARNER, SEMINAR_ROOM
from practice_lms.server import RunningLms
from tests.journeys.acting import (
    ZONE,
    Invitee,
    Scene,
    choose,
    close_dialog,
    create_room,
    enter_early,
    hears,
    in_seconds,
    invite,
    open_in_page,
    open_in_tab,
    say,
    tool_frame,
)
from tests.journeys.inspecting import QUICKLY, inspect
from tests.journeys.watching import Audience

AMARA = Invitee("amara@tromso.example", "Amara", "Okafor")  # speaks
NOOR = Invitee("noor@leiden.example", "Noor", "Vermeer")  # moderates
LUIS = Invitee("luis@coimbra.example", "Luis", "Prado")  # listens
TITLE = "Reading the ice"
QUESTION = "How old is the oldest core?"
ANSWER = "Over a million years, by now."
NEWS = "We begin ten minutes late."
SECRET = "Two minutes left, please wrap up."
SOON = 5  # seconds
MOST_STEPS = 40


def open_tab(scene: Scene, name: str) -> None:
    """Bring a panel of the room to the front."""
    scene.get_by_role("tab", name=name).click()


def start_poll(scene: Scene) -> None:
    """Ask everybody where to go next."""
    open_tab(scene, "Polls")
    scene.get_by_text("New poll, rating or quiz").click()
    scene.get_by_label("Question", exact=True).fill("Where next?")
    for number, answer in enumerate(("Svalbard", "Greenland"), start=1):
        scene.get_by_label(f"Answer {number}", exact=True).fill(answer)
    scene.get_by_role("button", name="Start now").click()


def step_to(page: Page, control: Locator, *, key: str = "Tab") -> None:
    """Press a key until the focus is on the control."""
    for _step in range(MOST_STEPS):
        page.keyboard.press(key)
        if control.evaluate("control => control === document.activeElement"):
            return
    raise AssertionError(f"not reached: {control}")


def reschedule(host: Page, starts_at: datetime) -> None:
    """Give the session another start, by the dialog."""
    choose(host, "Edit details")
    dialog, wall = host.get_by_role("dialog"), starts_at.astimezone(ZoneInfo(ZONE))
    group = dialog.get_by_role("group", name="Starts")
    group.get_by_label("Date").fill(f"{wall:%Y-%m-%d}")
    group.get_by_label("Time", exact=True).fill(f"{wall:%H:%M:%S}")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)


def test_a_session_of_six(audience: Audience, lms: RunningLms) -> None:
    host = open_in_tab(audience.sit("host"), lms, INSTRUCTOR, SEMINAR_ROOM)
    create_room(host, TITLE, starts_at=in_seconds(3600))
    links = {}
    for invitee, role in ((AMARA, "Speaker"), (NOOR, "Moderator"), (LUIS, "Viewer")):
        links[invitee] = invite(host, invitee, role=role)
        close_dialog(host)
    assistant = open_in_tab(audience.sit("assistant"), lms, ASSISTANT, SEMINAR_ROOM)
    desk = audience.sit("learner")
    learner = open_in_page(desk, lms, LEARNER, SEMINAR_ROOM)
    guests = {invitee: audience.sit(invitee.first_name) for invitee in links}
    for invitee, page in guests.items():
        enter_early(page, links[invitee], invitee)
    speaker, moderator, viewer = guests.values()
    everybody: list[Scene] = [host, assistant, speaker, moderator, learner, viewer]
    waiting: list[Scene] = [speaker, moderator, learner, viewer]  # an hour before, only hosts are inside
    for scene in waiting:
        expect(scene.get_by_role("timer")).to_be_visible()
    frames: list[Page | Frame] = [assistant, speaker, moderator, tool_frame(desk), viewer, host]
    for frame in frames[:-1]:
        frame.evaluate("window.isTheSamePage = true")
    the_speaker_is_let_in_early(host, speaker, viewer)
    starts_at = in_seconds(SOON)
    reschedule(host, starts_at)
    host.wait_for_load_state()  # the dialog renews the host's own page, and nobody else's
    host.evaluate("window.isTheSamePage = true")

    the_doors_open_by_themselves(everybody, starts_at)
    say(viewer, "Greetings from Coimbra!")
    for scene in everybody[:-1]:
        hears(scene, "Greetings from Coimbra!", author=LUIS.name)
    a_question_is_answered_and_published(learner, speaker, viewer)
    expect(moderator.locator("[data-questions-unread]")).to_have_text("1")  # asked, and published: one
    a_poll_is_run_and_shared(moderator, viewer, learner)
    the_team_talks_among_itself(assistant, speaker, viewer, learner)
    a_viewer_becomes_a_speaker(host, viewer)
    the_invite_is_withdrawn(host, viewer)
    a_moderator_is_removed_at_the_second_word(host, moderator)

    open_tab(learner, "Chat")
    hears(learner, "Greetings from Coimbra!", author=LUIS.name)
    assert [frame.evaluate("window.isTheSamePage") for frame in frames] == [True] * len(frames)


def the_speaker_is_let_in_early(host: Page, speaker: Scene, viewer: Scene) -> None:
    """In the last quarter of an hour speakers are with the hosts, and nobody else."""
    reschedule(host, in_seconds(600))
    for scene in (speaker, host):
        expect(scene.get_by_text("Only hosts and speakers are inside.")).to_be_visible()
    say(speaker, "My slides are up.")
    hears(host, "My slides are up.", author=AMARA.name)
    expect(viewer.get_by_role("timer")).to_be_visible()


def the_doors_open_by_themselves(everybody: list[Scene], starts_at: datetime) -> None:
    """At the start, and without a click."""
    for scene in everybody:
        expect(scene.get_by_text("Doors open", exact=True)).to_be_visible()
        expect(scene.get_by_label("Write a message")).to_be_visible()
    assert datetime.now(UTC) >= starts_at


def a_question_is_answered_and_published(learner: Scene, speaker: Scene, viewer: Scene) -> None:
    """Asked to the team alone, answered in writing by a speaker, and then for everybody."""
    for scene in (learner, speaker, viewer):
        open_tab(scene, "Q&A")
    learner.get_by_label("Ask a question").fill(QUESTION)
    learner.get_by_role("button", name="Ask", exact=True).click()
    asked = speaker.get_by_role("listitem").filter(has_text=QUESTION)
    expect(asked).to_contain_text(LEARNER.name)
    expect(viewer.get_by_text(QUESTION)).to_have_count(0)
    asked.get_by_text("Answer in writing").click()
    asked.get_by_label("Answer", exact=True).fill(ANSWER)
    asked.get_by_role("button", name="Send the answer").click()
    expect(viewer.get_by_role("listitem").filter(has_text=QUESTION)).to_contain_text(ANSWER)
    expect(learner.get_by_text(ANSWER).first).to_be_visible()


def a_poll_is_run_and_shared(moderator: Scene, viewer: Scene, learner: Scene) -> None:
    """A moderator starts it, two vote, and everybody sees the totals once they are shared."""
    start_poll(moderator)
    for scene in (viewer, learner):
        scene.get_by_role("link", name="Answer", exact=True).click()
        scene.get_by_role("radio", name="Greenland").check()
        scene.get_by_role("button", name="Send my answer").click()
        expect(scene.get_by_text("You have answered.").first).to_be_visible()
    expect(moderator.get_by_role("row", name="Greenland")).to_contain_text("2")
    expect(viewer.get_by_role("table")).to_have_count(0)
    moderator.get_by_role("button", name="Close", exact=True).click()
    moderator.get_by_role("button", name="Share the results").click()
    for scene in (viewer, learner):
        expect(scene.get_by_role("row", name="Greenland")).to_contain_text("100")


def the_team_talks_among_itself(assistant: Scene, speaker: Scene, viewer: Page, learner: Scene) -> None:
    """What the team says reaches a speaker, and no viewer, not even hidden in the page."""
    open_tab(assistant, "Team")
    assistant.get_by_label("Write to the team").fill(SECRET)
    assistant.get_by_label("Write to the team").press("Enter")
    open_tab(speaker, "Team")
    expect(speaker.get_by_text(SECRET)).to_be_visible()
    for scene in (viewer, learner):
        expect(scene.get_by_role("tab", name="Team")).to_have_count(0)
    assert SECRET not in viewer.content()


def a_viewer_becomes_a_speaker(host: Page, viewer: Page) -> None:
    """By the menu in the list of people."""
    open_tab(host, "People")
    row = host.get_by_role("listitem").filter(has_text=LUIS.name)
    row.get_by_role("button", name="For this person").click()
    row.get_by_role("button", name="Make speaker").click()
    open_tab(viewer, "Team")
    expect(viewer.get_by_text(SECRET)).to_be_visible()


def the_invite_is_withdrawn(host: Page, viewer: Page) -> None:
    """In the list of invitations, on another page of the host's; whoever came in by it is out."""
    aside = host.context.new_page()
    aside.goto(host.url)
    choose(aside, "Invitations")
    aside.get_by_label(f"More for {LUIS.name}").click()
    aside.get_by_role("link", name="Withdraw", exact=True).click()
    aside.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(viewer.get_by_label("Write a message")).to_have_count(0)
    expect(viewer.get_by_role("tab")).to_have_count(0)
    expect(host.get_by_role("listitem").filter(has_text=LUIS.name)).to_have_count(0)


def a_moderator_is_removed_at_the_second_word(host: Page, moderator: Page) -> None:
    """The menu asks once more, and a no changes nothing."""
    row = host.get_by_role("listitem").filter(has_text=NOOR.name)
    for answer in ("Cancel", "Remove from the session"):
        row.get_by_role("button", name="For this person").click()
        row.get_by_role("button", name="Remove from the session").click()
        expect(row.get_by_role("button", name="Cancel")).to_be_focused()
        expect(moderator.get_by_label("Write a message")).to_be_attached()
        row.get_by_role("button", name=answer).click()
    expect(moderator.get_by_text("A host has removed you from this session.")).to_be_visible()
    expect(row).to_have_count(0)


def test_a_viewer_without_a_mouse(audience: Audience, lms: RunningLms) -> None:
    host = open_in_tab(audience.sit("host"), lms, INSTRUCTOR, SEMINAR_ROOM)
    create_room(host, TITLE)
    link = invite(host, LUIS)
    close_dialog(host)
    say(host, "Good morning, all.")
    page = audience.sit("viewer")
    keys = page.keyboard

    page.goto(link)
    step_to(page, page.get_by_label("Your email address"))
    keys.type(LUIS.email)
    keys.press("Enter")
    hears(page, "Good morning, all.", author=INSTRUCTOR.name)

    # A message is liked, where one reads it.
    step_to(page, page.get_by_role("button", name="Like"))
    keys.press("Enter")
    message = host.get_by_role("log").get_by_role("listitem").filter(has_text="Good morning, all.")
    expect(message.get_by_role("button", name="Like 1")).to_be_visible()

    # A question is asked: the tabs are one stop, and arrow keys move between them.
    step_to(page, page.get_by_role("tab", name="Chat"), key="Shift+Tab")
    keys.press("ArrowRight")
    expect(page.get_by_role("tab", name="Q&A")).to_be_focused()
    step_to(page, page.get_by_label("Ask a question"))
    keys.type(QUESTION)
    step_to(page, page.get_by_role("button", name="Ask", exact=True))
    keys.press("Enter")
    open_tab(host, "Q&A")
    expect(host.get_by_role("listitem").filter(has_text=QUESTION)).to_contain_text(LUIS.name)

    # The hand goes up.
    step_to(page, page.get_by_role("button", name="Raise hand"))
    keys.press("Enter")
    open_tab(host, "People")
    row = host.get_by_role("listitem").filter(has_text=LUIS.name)
    expect(row.get_by_text("Hand raised")).to_be_attached()
    expect(page.get_by_role("button", name="Raise hand")).to_have_attribute("aria-pressed", "true")

    # A poll is answered: its call is found from anywhere, and leads to the first answer.
    start_poll(host)
    expect(page.get_by_role("link", name="Answer", exact=True)).to_be_visible()
    step_to(page, page.get_by_role("link", name="Answer", exact=True), key="Shift+Tab")
    keys.press("Enter")
    expect(page.get_by_role("radio", name="Svalbard")).to_be_focused()
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(page.get_by_text("You have answered.").first).to_be_visible()
    expect(host.get_by_role("row", name="Greenland")).to_contain_text("1")

    # What the two have made stands in every panel, for everybody's eyes, hands and ears.
    pin_and_announce(host, message)
    expect(page.get_by_text(NEWS)).to_be_visible()
    wrong = every_panel(host, "host") + every_panel(page, "viewer")
    assert wrong == [], "\n\n".join(wrong)
    the_chat_is_in_sight_at_any_size(page)


def pin_and_announce(host: Page, message: Locator) -> None:
    """A message above the chat, and a sentence above the room."""
    open_tab(host, "Chat")
    message.get_by_role("button", name="More for this message").click()
    host.get_by_role("button", name="Pin").click()
    host.get_by_text("Announce", exact=True).first.click()
    host.get_by_label("Everybody reads this above the room").fill(NEWS)
    host.get_by_role("button", name="Announce", exact=True).click()


def every_panel(page: Page, who: str) -> list[str]:
    """What is wrong with the panels of somebody's room."""
    wrong = []
    for tab in page.get_by_role("tab").all():
        tab.click()
        wrong += inspect(page, f"{who}, {tab.get_attribute('href')}", QUICKLY)
    return wrong


def the_chat_is_in_sight_at_any_size(page: Page) -> None:
    """At 400 % the rest waits behind a button, and a frame of 600 px scrolls in one place only."""
    open_tab(page, "Chat")
    page.set_viewport_size({"width": 320, "height": 256})
    composer = page.get_by_label("Write a message")
    details = page.get_by_role("button", name="Stage and details")
    expect(composer).to_be_in_viewport(ratio=1)
    details.click()
    expect(page.get_by_role("heading", level=1)).to_be_in_viewport()
    details.click()
    expect(composer).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 1000, "height": 600})
    expect(composer).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0
