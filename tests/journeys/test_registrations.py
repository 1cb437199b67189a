"""The administrator looks after the registration and the roles, inside the frame of a tab of their own."""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from practice_lms.people import ADMINISTRATOR, ASSISTANT, SEMINAR_ROOM
from practice_lms.server import RunningLms
from tests.journeys.acting import open_in_tab
from tests.journeys.inspecting import inspect
from tests.journeys.running import RunningFoyer
from tests.journeys.watching import Audience

pytestmark = pytest.mark.timeout(240)

PASSWORD = "a long walk on the ice"
INSTRUCTOR_ROLE = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"


class Findings:
    """What is wrong with the pages of a story."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def look(self, page: Page, name: str) -> None:
        self.all += inspect(page, name)


@pytest.fixture
def findings() -> Iterator[Findings]:
    found = Findings()
    yield found
    assert found.all == [], "\n\n".join(found.all)


@pytest.fixture
def operator(foyer: RunningFoyer) -> str:
    """Somebody who runs Foyer. Made before any browser starts, see `audience`."""
    User.objects.create_user("operator", password=PASSWORD, is_staff=True)
    return foyer.url


def open_console(audience: Audience, lms: RunningLms, tab: str) -> Page:
    """The console in a tab that an administrator launched."""
    console = open_in_tab(audience.sit("administrator"), lms, ADMINISTRATOR, SEMINAR_ROOM)
    console.get_by_role("link", name="Console").click()
    console.get_by_role("link", name=tab, exact=True).click()
    return console


def test_an_administrator_tests_mends_and_looks_after_the_registration(
    audience: Audience, lms: RunningLms, findings: Findings
) -> None:
    console = open_console(audience, lms, "Registrations")
    expect(console.get_by_role("heading", name="Practice LMS")).to_be_visible()

    # The test runs step by step, and says what is wrong.
    lms.behaviour.roster.status = 403
    console.get_by_role("button", name="Test now").click()
    expect(console.get_by_text("1 usable key.")).to_be_visible()
    expect(console.get_by_text("The LMS gave a token.")).to_be_visible()
    expect(console.get_by_text("The LMS refuses the roster of the course")).to_be_visible()
    findings.look(console, "a test with a fault")
    lms.behaviour.reset()
    console.get_by_role("button", name="Test now").click()
    expect(console.get_by_text("people on the page")).to_be_visible()
    expect(console.get_by_text("The LMS refuses the roster")).to_be_hidden()

    # What the LMS sent is there, without anything about a person.
    console.get_by_text(" claims").click()
    expect(console.get_by_text("sent, hidden here").first).to_be_visible()
    expect(console.locator("main").get_by_text(ADMINISTRATOR.email)).to_have_count(0)
    findings.look(console, "the registration")

    # A slash at the end is noticed while typing; saving keeps what was typed.
    issuer, frames = console.get_by_label("Issuer", exact=True), console.get_by_label("Further origins")
    right = issuer.input_value()
    issuer.fill(f"{right}/")
    expect(console.locator("#check_issuer")).to_contain_text("Leave out the slash at the end")
    issuer.press("Enter")
    expect(console.get_by_role("alert")).to_contain_text("Nothing was saved.")
    expect(issuer).to_have_value(f"{right}/")
    findings.look(console, "a registration with a mistake")
    issuer.fill(right)
    keys = console.get_by_label("Brightspace Keyset URL")
    usual = keys.input_value()
    keys.fill(f"{usual}-old")
    expect(console.locator("#check_jwks_url")).to_contain_text("There is nothing at the keyset URL")
    keys.fill(usual)
    expect(console.locator("#check_jwks_url")).to_contain_text("1 usable key.")
    issuer.press("Enter")
    expect(console.get_by_text("Saved.", exact=True)).to_be_visible()

    # Who may frame the tool.
    frames.fill("https://courses.university.edu/path")
    console.locator("#frames").get_by_role("button", name="Save").click()
    expect(frames).to_have_attribute("aria-invalid", "true")
    frames.fill("https://courses.university.edu")
    console.locator("#frames").get_by_role("button", name="Save").click()
    expect(frames).to_have_value("https://courses.university.edu")

    # Our values under the names of other LMSs.
    console.get_by_role("tab", name="Moodle").click()
    login = console.get_by_label("Initiate login URL")
    expect(login).to_be_visible()
    assert urlsplit(login.input_value()).path == "/lti/login/"

    # An address for one more LMS.
    console.get_by_role("button", name="Make an address").click()
    expect(console.get_by_role("textbox", name="The address for dynamic registration")).to_be_visible()
    findings.look(console, "an address for registration")


def test_an_administrator_maps_roles_and_has_them_explained(
    audience: Audience, lms: RunningLms, findings: Findings
) -> None:
    console = open_console(audience, lms, "Roles")
    expect(console.get_by_role("button", name="Fill in the defaults")).to_be_visible()
    findings.look(console, "the roles")
    console.get_by_role("region", name="Instructor").get_by_text("12 sub-roles").click()
    console.get_by_role("combobox", name="TeachingAssistant: right", exact=True).select_option(label="None")
    findings.look(console, "the sub-roles")
    console.get_by_role("button", name="Save", exact=True).click()
    expect(console.get_by_text("takes effect at each person’s next launch")).to_be_visible()
    expect(console.get_by_text("Changed", exact=True)).to_be_visible()

    console.get_by_role("link", name="Explain a launch or a person").click()
    console.get_by_label("An id_token").fill(
        json.dumps({"roles": [f"{INSTRUCTOR_ROLE}", "Learner", "http://unknown.example/#Helper"]})
    )
    console.get_by_role("button", name="Explain").click()
    expect(console.get_by_text("by your setting Learner wins")).to_be_visible()
    expect(console.get_by_text("Not in the vocabulary of LTI 1.3")).to_be_visible()
    findings.look(console, "an explanation")

    open_in_tab(audience.sit("assistant"), lms, ASSISTANT, SEMINAR_ROOM)
    console.get_by_label("An id_token").fill("")
    console.get_by_label("Or a person").fill(ASSISTANT.email)
    console.get_by_role("button", name="Explain").click()
    expect(console.get_by_role("heading", name=f"What {ASSISTANT.name} gets")).to_be_visible()
    findings.look(console, "a person explained")


def test_an_operator_registers_an_lms_by_hand(
    operator: str, audience: Audience, lms: RunningLms, findings: Findings
) -> None:
    page = audience.sit("operator")
    page.goto(f"{operator}/admin/config/tab/registrations")
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name="Practice LMS")).to_be_visible()
    findings.look(page, "the operator's list")

    page.get_by_role("link", name="Register by hand").click()
    expect(page.get_by_label("Keyset URL", exact=True)).to_have_value(f"{operator}/lti/jwks.json")
    findings.look(page, "registering by hand")
    facts = lms.registration
    page.get_by_label("Client Id").fill("another-client")
    page.get_by_label("Brightspace Keyset URL").fill(facts.jwks_url)
    expect(page.locator("#check_jwks_url")).to_contain_text("1 usable key.")
    page.get_by_label("Brightspace OAuth2 Access Token URL").fill(
        "https://auth.brightspace.com/core/connect/token"
    )
    page.get_by_label("OpenID Connect Authentication Endpoint").fill(facts.auth_url)
    expect(page.locator("#check_audience")).to_contain_text("https://api.brightspace.com/auth/token is used")
    page.get_by_label("Issuer", exact=True).fill(facts.issuer)
    page.get_by_label("Name", exact=True).fill("Another LMS")
    findings.look(page, "a form that was checked")
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(page.get_by_label("Brightspace OAuth2 Audience")).to_have_value(
        "https://api.brightspace.com/auth/token"
    )
    findings.look(page, "a new registration")
