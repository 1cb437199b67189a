from __future__ import annotations

import smtplib
from email.message import EmailMessage
from typing import TYPE_CHECKING

import httpx
import pytest

from practice_lms.mailbox import RunningMailbox

if TYPE_CHECKING:
    from collections.abc import Iterator

LINK = "http://127.0.0.1:8001/join/tok-en_1?a=1&b=2"


@pytest.fixture(scope="module")
def _running_mailbox() -> Iterator[RunningMailbox]:
    with RunningMailbox() as running:
        yield running


@pytest.fixture
def box(_running_mailbox: RunningMailbox) -> RunningMailbox:
    _running_mailbox.mailbox.empty()
    return _running_mailbox


def deliver(box: RunningMailbox, message: EmailMessage) -> int:
    with smtplib.SMTP("127.0.0.1", box.smtp_port) as smtp:
        smtp.send_message(message)
    return box.mailbox.mails()[0].number


def invitation(subject: str = "You are invited", to: str = "ana@guest.example") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Foyer <foyer@campus.example>"
    message["To"] = to
    message["Subject"] = subject
    message.set_content(f"Hello <b>Ana</b>,\n\njoin here: {LINK}.\n")
    message.add_alternative(
        "<!doctype html><html><head><title>x</title></head><body>"
        f'<a href="{LINK.replace("&", "&amp;")}">Join</a><script>alert(1)</script></body></html>',
        subtype="html",
    )
    return message


def test_a_mail_sent_by_smtp_is_listed(box: RunningMailbox) -> None:
    number = deliver(box, invitation())
    page = httpx.get(box.origin).text
    assert "You are invited" in page
    assert "ana@guest.example" in page
    assert f'href="/mails/{number}/"' in page


def test_the_newest_comes_first(box: RunningMailbox) -> None:
    deliver(box, invitation("First"))
    deliver(box, invitation("Second"))
    assert [mail["subject"] for mail in httpx.get(f"{box.origin}/mails.json").json()] == ["Second", "First"]


def test_json_tells_all_of_a_mail(box: RunningMailbox) -> None:
    number = deliver(box, invitation())
    mail = httpx.get(f"{box.origin}/mails.json").json()[0]
    assert mail["number"] == number
    assert mail["from"] == "foyer@campus.example"
    assert mail["to"] == ["ana@guest.example"]
    assert mail["links"] == [LINK]
    assert "join here" in mail["text"]
    assert "<script>" in mail["html"]
    assert mail["headers"]["From"] == "Foyer <foyer@campus.example>"


def test_json_can_be_asked_for_one_recipient(box: RunningMailbox) -> None:
    deliver(box, invitation(to="ana@guest.example"))
    deliver(box, invitation(to="ben@guest.example"))
    mails = httpx.get(f"{box.origin}/mails.json", params={"to": "ana@guest.example"}).json()
    assert [mail["to"] for mail in mails] == [["ana@guest.example"]]


def test_what_a_mail_says_is_escaped(box: RunningMailbox) -> None:
    subject = '<img src=x onerror="alert(1)">'
    page = httpx.get(f"{box.origin}/mails/{deliver(box, invitation(subject))}/").text
    assert subject not in page
    assert "&lt;img src=x" in page
    assert "&lt;b&gt;Ana&lt;/b&gt;" in page
    assert "<script>alert" not in page
    assert subject not in httpx.get(box.origin).text


def test_addresses_in_the_text_can_be_clicked(box: RunningMailbox) -> None:
    page = httpx.get(f"{box.origin}/mails/{deliver(box, invitation())}/").text
    escaped = LINK.replace("&", "&amp;")
    assert f'<a href="{escaped}" target="_blank" rel="noopener">{escaped}</a>.' in page


def test_html_stands_in_a_sandbox_whose_links_open_elsewhere(box: RunningMailbox) -> None:
    number = deliver(box, invitation())
    page = httpx.get(f"{box.origin}/mails/{number}/").text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    part = httpx.get(f"{box.origin}/mails/{number}/html/")
    assert part.text.startswith('<!doctype html><html><head><base target="_blank">')
    policy = part.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-popups allow-popups-to-escape-sandbox;")
    assert "default-src 'none'" in policy


def test_pictures_that_came_along_stand_in_their_places(box: RunningMailbox) -> None:
    message = EmailMessage()
    message["To"] = "ana@guest.example"
    message["From"] = "foyer@campus.example"
    message.set_content("<p><img src='cid:dot@here'><img src='cid:other'>", subtype="html")
    message.add_related(b"\x89PNG", "image", "png", cid="<dot@here>")
    part = httpx.get(f"{box.origin}/mails/{deliver(box, message)}/html/")
    assert "<img src='data:image/png;base64,iVBORw=='><img src='cid:other'>" in part.text


def test_html_without_a_head_is_shown_too(box: RunningMailbox) -> None:
    message = EmailMessage()
    message["To"] = "ana@guest.example"
    message["From"] = "foyer@campus.example"
    message.set_content("<p>Hello", subtype="html")
    part = httpx.get(f"{box.origin}/mails/{deliver(box, message)}/html/")
    assert part.text.startswith('<base target="_blank"><p>Hello')


def test_a_calendar_file_can_be_downloaded(box: RunningMailbox) -> None:
    message = invitation()
    message.add_attachment(b"BEGIN:VCALENDAR", maintype="text", subtype="calendar", filename='a"b.ics')
    number = deliver(box, message)
    assert "b.ics" in httpx.get(f"{box.origin}/mails/{number}/").text
    reply = httpx.get(f"{box.origin}/mails/{number}/attachments/0/")
    assert reply.content == b"BEGIN:VCALENDAR"
    assert reply.headers["Content-Disposition"] == 'attachment; filename="a_b.ics"'
    assert httpx.get(f"{box.origin}/mails/{number}/attachments/1/").status_code == 404


def test_a_mail_in_any_language_arrives_whole(box: RunningMailbox) -> None:
    message = EmailMessage()
    message["To"] = "用户@例子.example"
    message["From"] = "foyer@campus.example"
    message["Subject"] = "Einladung für Zoë – 招待"
    message.set_content("Guten Tag, Þórhallsdóttir")
    deliver(box, message)
    mail = httpx.get(f"{box.origin}/mails.json").json()[0]
    assert mail["subject"] == "Einladung für Zoë – 招待"
    assert mail["to"] == ["用户@例子.example"]
    assert mail["text"].strip() == "Guten Tag, Þórhallsdóttir"


def test_a_mail_without_anything_is_still_a_mail(box: RunningMailbox) -> None:
    with smtplib.SMTP("127.0.0.1", box.smtp_port) as smtp:
        smtp.sendmail("", ["ana@guest.example"], b"\r\n")
    number = box.mailbox.mails()[0].number
    assert "(no subject)" in httpx.get(f"{box.origin}/mails/{number}/").text
    assert httpx.get(f"{box.origin}/mails/{number}/html/").status_code == 404


def test_a_charset_that_nobody_knows_is_no_obstacle(box: RunningMailbox) -> None:
    with smtplib.SMTP("127.0.0.1", box.smtp_port) as smtp:
        raw = b"Subject: Odd\r\nContent-Type: text/plain; charset=klingon\r\n\r\nqapla\xff\r\n"
        smtp.sendmail("a@campus.example", ["ana@guest.example"], raw)
    assert "qapla" in box.mailbox.mails()[0].text


def test_the_mailbox_can_be_emptied(box: RunningMailbox) -> None:
    number = deliver(box, invitation())
    assert httpx.post(f"{box.origin}/empty/").status_code == 303
    assert httpx.get(f"{box.origin}/mails.json").json() == []
    assert httpx.get(f"{box.origin}/mails/{number}/").status_code == 404
    assert "Nothing yet" in httpx.get(box.origin).text


def test_a_port_that_is_taken_leaves_nothing_behind(box: RunningMailbox) -> None:
    with pytest.raises(OSError, match="in use"):
        RunningMailbox(smtp_port=box.smtp_port)
