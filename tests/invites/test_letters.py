"""What an invitation's mail says, and what nobody can make it say."""

from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invites.letters import Invitation, Texts, fill, write_letter

URL = "https://foyer.example.edu/join/abc_-123"
INVITATION = Invitation(
    url=URL,
    email="Ana@example.org",
    first_name="Ana",
    last_name="Guest",
    inviter="Ada Prof",
    role="speaker",
    title="Guest lecture",
    course="History 101",
    starts_at=datetime(2027, 3, 4, 9, 0, tzinfo=UTC),
    ends_at=datetime(2027, 3, 4, 10, 30, tzinfo=UTC),
    time_zone="Europe/Berlin",
    expires_at=datetime(2027, 3, 5, 9, 0, tzinfo=UTC),
    devices=1,
    can_reply=True,
)


class Links(HTMLParser):
    """The addresses in a page, and its elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [
            value or "" for name, value in attrs if name in {"href", "src", "action", "background"}
        ]


def test_the_mail_says_everything_a_guest_needs() -> None:
    letter = write_letter(INVITATION, language="en")
    assert letter.subject == "Ada Prof invites you: Guest lecture"
    for text in (letter.text, letter.html):
        for words in (
            "Hello Ana Guest,",
            "Ada Prof invites you to an online session of History 101.",
            "Guest lecture",
            "Thursday, 4 March 2027, 10:00–11:30 (Europe/Berlin, UTC+1)",
            "You join as: Speaker",
            URL,
            "You are asked for this email address: Ana@example.org",
            "one device",
            "valid until Friday, 5 March 2027, 10:00 (Europe/Berlin, UTC+1)",
            "your answer goes to Ada Prof",
        ):
            assert words in text
    assert set(Links(letter.html).links) == {URL}


def test_what_is_not_known_is_not_spoken_of() -> None:
    bare = replace(
        INVITATION,
        first_name="",
        inviter="",
        course="",
        starts_at=None,
        ends_at=None,
        devices=None,
        can_reply=False,
    )
    letter = write_letter(bare, language="en")
    assert letter.subject == "You are invited: Guest lecture"
    for text in (letter.text, letter.html):
        assert "Hello Guest," in text
        assert "You are invited to an online session." in text
        assert "None" not in text
        assert "one device" not in text
        assert "countdown" not in text
        assert "Just reply" not in text


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "09:00–10:30 (UTC)"),
        ("Asia/Kolkata", "14:30–16:00 (Asia/Kolkata, UTC+5:30)"),
        ("America/New_York", "04:00–05:30 (America/New York, UTC−5)"),
        ("No/Such_Zone", "09:00–10:30 (UTC)"),
        ("../../etc/passwd", "09:00–10:30 (UTC)"),
        ("Pacific/Kiritimati", "23:00 (Pacific/Kiritimati, UTC+14) – Friday, 5 March 2027, 00:30"),
    ],
)
def test_times_are_told_in_the_zone_of_the_entry(zone: str, shown: str) -> None:
    assert shown in write_letter(replace(INVITATION, time_zone=zone), language="en").text


EVIL = "<script>alert(1)</script> <a href='https://evil.example'>x</a> \"&\r\nBcc: eve@evil.example"


@pytest.mark.parametrize(
    "invitation",
    [
        replace(INVITATION, first_name=EVIL),
        replace(INVITATION, last_name=EVIL),
        replace(INVITATION, inviter=EVIL),
        replace(INVITATION, title=EVIL),
        replace(INVITATION, course=EVIL),
    ],
)
def test_no_value_becomes_markup_or_a_header_or_a_link(invitation: Invitation) -> None:
    letter = write_letter(invitation, language="en")
    page = Links(letter.html)
    assert set(page.links) == {URL}
    assert "script" not in page.tags
    assert "\n" not in letter.subject
    assert "\r" not in letter.subject
    for text in (letter.text, letter.html):
        assert "evil.example" not in text, "a mail program would make a link of it"
        assert "https://evil" not in text


NAMES = st.text(max_size=40)


@settings(max_examples=60, deadline=None)
@given(first=NAMES, last=NAMES, inviter=NAMES, title=NAMES)
def test_whatever_people_are_called_the_mail_can_be_written(
    first: str, last: str, inviter: str, title: str
) -> None:
    letter = write_letter(
        replace(INVITATION, first_name=first, last_name=last, inviter=inviter, title=title), language="en"
    )
    assert set(Links(letter.html).links) == {URL}
    assert len(letter.subject.splitlines()) == 1
    letter.text.encode()


def test_tokens_are_filled_once_and_unknown_ones_stay() -> None:
    values = {"TITLE": "{URL}", "URL": "https://x"}
    assert (
        fill("{TITLE} {URL} {NOBODY} {title} { URL }", values) == "{URL} https://x {NOBODY} {title} { URL }"
    )


def test_a_tenants_own_texts_are_filled_and_values_escaped() -> None:
    texts = Texts(
        subject="{INVITER}: {TITLE}",
        text="{FIRSTNAME} {LASTNAME} {EMAIL} {ROLE} {COURSE} {START} {END} {EXPIRES} {URL}",
        html="<p>{TITLE} <a href='{URL}'>{FIRSTNAME}</a></p>",
    )
    letter = write_letter(replace(INVITATION, title="<b>A\nB</b>"), language="en", texts=texts)
    assert letter.subject == "Ada Prof: <b>A B</b>"
    assert letter.text.startswith(
        "Ana Guest Ana@example.org Speaker History 101 Thursday, 4 March 2027, 10:00"
    )
    assert letter.text.endswith(URL)
    assert "{" not in letter.text
    assert letter.html == f"<p>&lt;b&gt;A B&lt;/b&gt; <a href='{URL}'>Ana</a></p>"
