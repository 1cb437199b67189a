"""How a mail is sent, and what nobody can make it do."""

from dataclasses import replace

import pytest
from django.core import mail as django_mail

from invites.letters import Letter, Picture
from invites.mail import CalendarPart, Envelope, Postman, SendError, SendProblem, message_id

LETTER = Letter(subject="Ada Prof invites you: Guest lecture", text="Hello Ana Guest,", html="<p>Hello</p>")
ENVELOPE = Envelope(
    to="ana@example.org",
    to_name="Ana Guest",
    reply_to="ada@campus.example",
    reply_to_name="Ada Prof",
    message_id=message_id("42"),
)


@pytest.mark.parametrize("name", ["Ana\r\nBcc: eve@evil.example", "Ana\u2028Bcc: eve@evil.example", 'A"na\\'])
def test_no_name_becomes_a_header(name: str) -> None:
    with Postman() as postman:
        postman.send(LETTER, replace(ENVELOPE, to_name=name, reply_to_name=name), language="en")
    (sent,) = django_mail.outbox
    message = sent.message()
    assert "Bcc" not in message
    assert message["To"].endswith("<ana@example.org>")
    assert "\n" not in message["To"] + message["Reply-To"]


def test_a_mail_is_one_that_mailboxes_understand() -> None:
    with Postman() as postman:
        postman.send(LETTER, ENVELOPE, language="fr-CA")
    (sent,) = django_mail.outbox
    message = sent.message()
    assert message["Message-ID"] == "<invitation.42@127.0.0.1>"
    assert message["Reply-To"] == "Ada Prof <ada@campus.example>"
    assert message["Content-Language"] == "fr"
    assert message["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("calendar", [None, CalendarPart("BEGIN:VCALENDAR", "REQUEST")])
def test_pictures_travel_beside_the_html_that_shows_them(calendar: CalendarPart | None) -> None:
    letter = replace(LETTER, html='<img src="cid:a@b">', pictures=(Picture("a@b", PNG),), language="it")
    with Postman() as postman:
        postman.send(letter, ENVELOPE, language="en", calendar=calendar)
    (sent,) = django_mail.outbox
    message = sent.message()
    assert message["Content-Language"] == "it"
    (related,) = (part for part in message.walk() if part.get_content_type() == "multipart/related")
    html, image = list(related.walk())[1:]
    assert (html.get_content_type(), html.get_payload()) == ("text/html", letter.html)
    assert (image["Content-ID"], image.get_payload(decode=True)) == ("<a@b>", PNG)
    kinds = [part.get_content_type() for part in message.walk()]
    around = ["multipart/mixed"] if calendar else []
    files = ["text/calendar", "application/ics"] if calendar else []
    inside = ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    assert kinds == [*around, *inside, *files]
    assert b"qr.png" in message.as_bytes()


@pytest.mark.parametrize(
    "address", ["", "ana", "josé@example.org", "ana@example.org\r\nBcc: eve@evil.example"]
)
def test_what_is_no_address_is_refused_for_good(address: str) -> None:
    letter = Letter("subject", "text", "")
    with Postman() as postman, pytest.raises(SendError) as caught:
        postman.send(letter, replace(ENVELOPE, to=address), language="en")
    assert (caught.value.problem, caught.value.is_final) == (SendProblem.BAD_ADDRESS, True)
    assert not hasattr(django_mail, "outbox") or django_mail.outbox == []
