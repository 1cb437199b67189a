"""A guest whose language is French reads French, from the mail to the room; their host goes on in English."""

import re

from playwright.sync_api import expect

from practice_lms.mailbox import RunningMailbox
from practice_lms.people import INSTRUCTOR, SEMINAR_ROOM
from practice_lms.server import RunningLms
from tests.journeys.acting import (
    Invitee,
    close_dialog,
    create_room,
    hears,
    invite,
    link_in,
    mail_to,
    open_in_tab,
    say,
)
from tests.journeys.inspecting import inspect
from tests.journeys.watching import Audience

CLAIRE = Invitee("claire.dubois@brest.example", "Claire", "Dubois")


def test_from_the_mail_to_the_room_in_french(
    audience: Audience, lms: RunningLms, mailbox: RunningMailbox
) -> None:
    wrong: list[str] = []
    host = open_in_tab(audience.sit("instructor"), lms, INSTRUCTOR, SEMINAR_ROOM)
    create_room(host, "Reading the ice")
    invite(host, CLAIRE, role="Speaker")
    dialog = host.get_by_role("dialog")
    dialog.get_by_text("Language of the mail").first.click()
    dialog.get_by_label("Language of the mail").select_option("fr")
    dialog.get_by_role("button", name=re.compile("by mail|email", re.IGNORECASE)).click()
    mail = mail_to(mailbox, CLAIRE.email)
    assert "Reading the ice" in mail.subject
    assert "invit" in mail.text
    assert "Bonjour Claire" in mail.text
    close_dialog(host)

    # The mail's language goes before that of the browser.
    guest = audience.sit("guest", width=390, height=844, locale="en-GB")
    guest.goto(link_in(mail))
    expect(guest.locator("html")).to_have_attribute("lang", "fr")
    wrong += inspect(guest, "the lobby in French")
    guest.get_by_label("Votre adresse e-mail").fill("somebody@else.example")
    guest.get_by_role("button", name="Entrer").click()
    expect(guest.get_by_label("Votre adresse e-mail")).to_have_attribute("aria-invalid", "true")
    guest.get_by_label("Votre adresse e-mail").fill(CLAIRE.email)
    guest.get_by_role("button", name="Entrer").click()
    field = guest.get_by_label("Écrire un message")
    expect(field).to_be_visible()
    expect(guest.locator("html")).to_have_attribute("lang", "fr")
    wrong += inspect(guest, "the room in French")
    say(host, "Welcome, Claire!")
    hears(guest, "Welcome, Claire!", author="Marisol")
    field.fill("Bonjour à tous !")
    guest.get_by_role("button", name="Envoyer").click()
    hears(host, "Bonjour à tous !", author=CLAIRE.name)
    assert wrong == [], "\n\n".join(wrong)
