"""An LMS administrator who registers Foyer in a running practice LMS, and what they need for it."""

import re
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from lti_tool.services.registration_invitation import make_registration_invitation
from practice_lms.registering import start_address
from practice_lms.self_registration import Manner, Offer
from practice_lms.server import RunningLms
from tests.factories.launches import Browser, Reply


def invite_lms(**values: object) -> str:
    """The path of a fresh invitation."""
    made = make_registration_invitation(by="operator:1", now=timezone.now(), **values)  # type: ignore[arg-type]
    return made.address.removeprefix(settings.PUBLIC_URL)


@dataclass
class Visit:
    """Where the administrator's browser stands."""

    browser: Browser
    path: str
    reply: Reply

    @property
    def claim_path(self) -> str:
        """The claim link on the page at the end."""
        found = re.search(r'id="claim-url" readonly value="([^"]+)"', self.reply.text)
        assert found, self.reply.text
        return urlsplit(unescape(found[1])).path

    @property
    def proof(self) -> str:
        """The signed value in the form."""
        found = re.search(r'name="proof" value="([^"]+)"', self.reply.text)
        assert found, f"{self.reply.status}: {self.reply.text}"
        return unescape(found[1])

    def say_yes(self, **changes: object) -> "Visit":
        """Send the form as it stands, but for some changes; follow it to the next page."""
        fields = {
            "client_name": "Foyer",
            "wants_names": "on",
            "wants_email": "on",
            "wants_roster": "on",
            "has_picker": "on",
            "picker_placements": ["ContentArea"],
            "proof": self.proof,
            **changes,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        reply = self.browser.post(self.path, given)
        if reply.status == 303:
            return Visit(self.browser, self.path, self.browser.get(reply.location))
        return Visit(self.browser, self.path, reply)


def path_of(lms: RunningLms, offer: Offer, invitation: str) -> str:
    """Where the LMS sends its administrator, without our origin."""
    address = start_address(lms.platform, offer, f"{settings.PUBLIC_URL}{invitation}")
    return address.removeprefix(settings.PUBLIC_URL)


def open_registration(
    lms: RunningLms, invitation: str, *, manner: Manner = Manner.BRIGHTSPACE, offer: Offer | None = None
) -> Visit:
    """Press "register" in the LMS, up to the page that shows who asks."""
    browser = Browser()
    reply = browser.get(path_of(lms, offer or lms.platform.toolbox.offer(manner), invitation))
    if reply.status != 303:
        return Visit(browser, "", reply)
    return Visit(browser, reply.location, browser.get(reply.location))
