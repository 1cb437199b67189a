"""An LMS administrator registers Foyer by an invitation: in a tab for Brightspace, in a frame for Moodle."""

import re
from dataclasses import dataclass

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import Page, expect

from practice_lms.people import INSTRUCTOR, OFFICE_HOURS
from practice_lms.server import RunningLms
from tests.journeys.acting import open_in_page
from tests.journeys.inspecting import inspect
from tests.journeys.running import RunningFoyer
from tests.journeys.watching import Audience

pytestmark = pytest.mark.timeout(240)


@dataclass(frozen=True)
class Login:
    """An operator's."""

    name: str = "operator"
    password: str = "only-for-this-story"


@pytest.fixture
def operator(transactional_db: None) -> Login:
    """Somebody who runs Foyer."""
    login = Login()
    get_user_model().objects.create_superuser(login.name, password=login.password)
    return login


@dataclass
class Desk:
    """The operator's browser, at the console's registrations."""

    page: Page
    foyer: RunningFoyer

    def sign_in(self, login: Login) -> None:
        self.page.goto(f"{self.foyer.url}/admin/config/tab/registrations")
        self.page.get_by_label("Username").fill(login.name)
        self.page.get_by_label("Password").fill(login.password)
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page.get_by_role("heading", name="Dynamic registration")).to_be_visible()

    def make_address(self, note: str) -> str:
        self.page.get_by_label("For whom").fill(note)
        self.page.get_by_role("button", name="Make an address").click()
        return self.page.get_by_role("textbox", name="The address for dynamic registration").input_value()

    def confirm(self, note: str) -> None:
        self.page.goto(f"{self.foyer.url}/admin/config/tab/registrations")
        self.page.get_by_role("link", name=note).click()
        self.page.get_by_role("button", name="Confirm and enable").click()
        expect(self.page.get_by_text("Saved.")).to_be_visible()


@pytest.fixture
def desk(operator: Login, audience: Audience, foyer: RunningFoyer) -> Desk:
    """The operator, signed in."""
    desk = Desk(audience.sit("operator"), foyer)
    desk.sign_in(operator)
    return desk


def begin(page: Page, lms: RunningLms, address: str) -> None:
    """Fill the LMS's own form."""
    page.goto(f"{lms.origin}/")
    page.get_by_role("link", name="Tools").click()
    page.get_by_label("Tool initiation registration endpoint").fill(address)


def enable(page: Page, lms: RunningLms, name: str) -> None:
    """Let the tool in at the LMS; the links of the courses open with this registration from now on."""
    page.goto(f"{lms.origin}/admin/tools/")
    page.get_by_role("button", name=f"Enable {name}").click()
    expect(page.get_by_text(f"{name}, enabled")).to_be_visible()


def launches(page: Page, lms: RunningLms) -> None:
    """An instructor opens a link of the course."""
    tool = open_in_page(page, lms, INSTRUCTOR, OFFICE_HOURS)
    expect(tool.get_by_role("heading", name="Set up this link")).to_be_visible()


def test_as_brightspace_does_it_in_a_new_tab(desk: Desk, audience: Audience, lms: RunningLms) -> None:
    page = audience.sit("administrator")
    address = desk.make_address("Tidewater University")

    wrong = inspect(desk.page, "registrations, with an address that may still be used")

    # The address by itself says what it is for.
    page.goto(address)
    expect(page.get_by_label("Registration address")).to_have_value(address)
    wrong += inspect(page, "the invitation")

    begin(page, lms, address)
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Register in a new tab, as Brightspace").click()
    tab = opened.value
    expect(tab.get_by_text(lms.origin).first).to_be_visible()
    wrong += inspect(tab, "who asks")
    tab.reload()  # the configuration is good for one fetch, and is not fetched again
    tab.get_by_label("Name in your LMS").fill("Foyer for guests")
    tab.get_by_role("button", name="Register").click()

    expect(tab.get_by_role("heading", name="Foyer is registered")).to_be_visible()
    expect(tab.get_by_text("It waits for the operator")).to_be_visible()
    expect(tab.get_by_text("Add Org Units")).to_be_visible()
    wrong += inspect(tab, "what to do next")
    assert lms.behaviour.configuration.calls == 1

    # The claim link, in a tab of its own, gives this browser the console, and nobody else's.
    link = tab.get_by_role("textbox", name="Link to your console").input_value()
    with tab.expect_popup() as claimed:
        tab.get_by_role("link", name="Open the console in a new tab").click()
    console = claimed.value
    wrong += inspect(console, "the claim link")
    console.get_by_role("button", name="Use the console in this browser").click()
    expect(console.get_by_role("heading", name="Console")).to_be_visible()
    expect(console.get_by_label("LinkDuration")).to_be_visible()
    console.get_by_role("link", name="Registrations").click()
    expect(console.get_by_text("this one")).to_be_visible()
    wrong += inspect(console, "registrations, by a claim link")
    stranger = audience.sit("somebody with the link")
    answer = stranger.goto(link)
    assert answer is not None
    assert answer.status == 410
    expect(stranger.get_by_role("heading", name=re.compile("has been used already"))).to_be_visible()
    wrong += inspect(stranger, "a claim link that was used")

    # The tab can be closed from within; in the LMS the tool has arrived switched off.
    tab.get_by_role("button", name="Close and go back to the LMS").click()
    page.goto(f"{lms.origin}/admin/tools/")
    expect(page.get_by_text("Foyer for guests, disabled")).to_be_visible()
    enable(page, lms, "Foyer for guests")
    tool = open_in_page(page, lms, INSTRUCTOR, OFFICE_HOURS)
    expect(tool.get_by_text("platform_disabled")).to_be_visible()
    desk.confirm("Tidewater University")
    launches(page, lms)
    assert wrong == [], "\n\n".join(wrong)


def test_as_moodle_does_it_in_a_frame(desk: Desk, audience: Audience, lms: RunningLms) -> None:
    page = audience.sit("administrator")
    begin(page, lms, desk.make_address("Fjord College"))
    page.get_by_role("button", name="Register in this page, as Moodle").click()
    frame = page.frame_locator("iframe[data-registering]")
    expect(frame.get_by_text("moodle")).to_be_visible()
    frame.get_by_role("button", name="Register").click()
    expect(frame.get_by_role("heading", name="Foyer is registered")).to_be_visible()
    expect(frame.get_by_text("Show in activity chooser")).to_be_visible()

    # The frame says that it has finished, and the LMS goes back to its list.
    frame.get_by_role("button", name="Close and go back to the LMS").click()
    expect(page.get_by_role("heading", name="Tools of this LMS")).to_be_visible()
    expect(page.get_by_text("Foyer, pending")).to_be_visible()
    enable(page, lms, "Foyer")
    desk.confirm("Fjord College")
    launches(page, lms)


def test_without_scripts_every_step_can_be_taken(desk: Desk, audience: Audience, lms: RunningLms) -> None:
    page = audience.sit("administrator", has_javascript=False)
    begin(page, lms, desk.make_address("Without scripts"))
    page.get_by_role("button", name="Register in this page, as Moodle").click()
    frame = page.frame_locator("iframe[data-registering]")
    frame.get_by_role("button", name="Register").click()
    expect(frame.get_by_role("heading", name="Foyer is registered")).to_be_visible()
    expect(frame.get_by_role("button", name="Close and go back to the LMS")).to_have_count(0)
    expect(frame.get_by_text("close the window or reload the page")).to_be_visible()
