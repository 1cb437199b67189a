"""What an invitation's mail says, and what nobody can make it say."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invites.letters import Invitation, Texts, shipped_texts, write_letter, write_shipped
from invites.tokens import Token, check_html, check_subject, check_text

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
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [
            value or "" for name, value in attrs if name in {"href", "src", "action", "background"}
        ]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


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


SYSTEM_MAILS = [
    ("new_link", {}),
    ("code", {"code": "042917", "is_for_moving": False}),
    ("changed", {"has_calendar": True}),
    ("withdrawn", {"has_calendar": True, "is_cancelled": True}),
]


@pytest.mark.parametrize(("kind", "more"), SYSTEM_MAILS)
def test_no_value_becomes_markup_or_a_link_in_a_system_mail(kind: str, more: dict[str, object]) -> None:
    evil = replace(INVITATION, first_name=EVIL, last_name=EVIL, inviter=EVIL, title=EVIL, course=EVIL)
    letter = write_shipped(kind, evil, language="en", **more)
    page = Links(letter.html)
    assert set(page.links) <= {URL}
    assert "script" not in page.tags
    assert "\n" not in letter.subject
    for text in (letter.text, letter.html, letter.subject):
        assert "evil.example" not in text, "a mail program would make a link of it"


@pytest.mark.parametrize(("kind", "more"), SYSTEM_MAILS)
def test_a_system_mail_does_not_speak_of_what_is_not_known(kind: str, more: dict[str, object]) -> None:
    bare = replace(
        INVITATION, first_name="", inviter="", course="", starts_at=None, ends_at=None, can_reply=False
    )
    letter = write_shipped(kind, bare, language="en", **more)
    for text in (letter.text, letter.html):
        assert "Hello Guest," in text
        assert "None" not in text
        assert "Just reply" not in text
        assert "\n\n\n" not in letter.text


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


OWN = Texts(
    subject="{INVITER}: {TITLE}",
    text="{FIRSTNAME} {LASTNAME} {EMAIL} {ROLE} {COURSE} {START} {END} {EXPIRES}\n\n{QRCODE}\n\n{URL}",
    html="<p title=\"{COURSE}\">{TITLE} <a href='{URL}'>{FIRSTNAME}</a></p>",
    language="en",
)


def test_a_tenants_own_texts_are_filled_and_values_escaped() -> None:
    letter = write_letter(replace(INVITATION, title="<b>A\nB</b>"), language="en", texts=OWN)
    assert letter.subject == "Ada Prof: <b>A B</b>"
    assert letter.text.startswith(
        "Ana Guest Ana@example.org Speaker History 101 Thursday, 4 March 2027, 10:00"
    )
    assert letter.text.endswith(f"\n\n{URL}\n"), (
        "where nothing stands in a text for the QR code, no gap stays"
    )
    assert "{" not in letter.text
    assert f'<p title="History 101">&lt;b&gt;A B&lt;/b&gt; <a href="{URL}">Ana</a></p>' in letter.html
    assert letter.pictures == ()


def test_the_qr_code_is_a_picture_that_travels_with_the_mail() -> None:
    letter = write_letter(INVITATION, language="fr", texts=replace(OWN, html="<p>{URL}</p>{QRCODE}"))
    (picture,) = letter.pictures
    assert picture.png.startswith(b"\x89PNG")
    assert Links(letter.html).links == [f"cid:{picture.cid}"]
    other = write_letter(
        replace(INVITATION, url=f"{URL}x"), language="fr", texts=replace(OWN, html="{QRCODE}")
    )
    assert other.pictures[0].cid != picture.cid


def test_what_an_unscheduled_entry_does_not_have_leaves_no_line_behind() -> None:
    texts = replace(OWN, text="Hello!\n\n{START} – {END}\n\n{URL}", html="<p>{START} – {END}</p><p>{URL}</p>")
    letter = write_letter(replace(INVITATION, starts_at=None, ends_at=None), language="en", texts=texts)
    assert letter.text == f"Hello!\n\n{URL}\n"
    assert f"<p></p><p>{URL}</p>" in letter.html


def test_what_was_stored_before_it_was_forbidden_is_cleaned_when_it_is_sent() -> None:
    page = "<script>alert(1)</script><p onclick='x()'>Hi</p><a href='https://evil.example/?{URL}'>x</a>{URL}"
    letter = write_letter(INVITATION, language="en", texts=replace(OWN, subject="{URL}{QRCODE}!", html=page))
    assert letter.subject == "!"
    assert "script" not in letter.html
    assert "onclick" not in letter.html
    assert Links(letter.html).links == []


def test_dates_and_roles_speak_the_language_of_the_text() -> None:
    texts = Texts(subject="{TITLE}", text="{START} {URL}", html="<p>{URL}</p>", language="it")
    letter = write_letter(INVITATION, language="de", texts=texts)
    assert "Marzo 2027" in letter.text
    assert 'lang="it" dir="ltr"' in letter.html
    assert (
        'lang="ar" dir="rtl"'
        in write_letter(INVITATION, language="de", texts=replace(texts, language="ar")).html
    )


@pytest.mark.parametrize("language", ["en", "fr", "es", "de"])
def test_the_shipped_text_as_a_start_is_without_a_flaw(language: str) -> None:
    texts = shipped_texts(language, devices=1)
    assert check_subject(texts.subject) == check_text(texts.text) == check_html(texts.html) == ()
    own, shipped = (write_letter(INVITATION, language=language, texts=each) for each in (texts, None))
    assert own.subject == shipped.subject
    assert set(Links(own.html).links) == {URL}
    assert own.text.count(URL) == shipped.text.count(URL)
    assert "prefers-color-scheme: dark" in own.html, "a copy looks as the original does"


# Whatever makes markup, links, headers or tokens.
PARTS = st.sampled_from(
    [
        *("<", ">", '"', "'", "&", "&lt;", "`", "=", "/", "//", ":", ".", "@", "\\", "\n", "\r\n", "\0"),
        *("{URL}", "{TITLE}", "{QRCODE}", "{", "}", "<a href=x>", "<img src=x>", "</p>", "<script>", "-->"),
        *(
            "https://evil.example",
            "www.evil.example",
            "evil",
            "com",
            "javascript:",
            "Bcc:",
            "\u202e",
            "\u2028",
        ),
    ]
)
EVIL_VALUES = st.lists(PARTS | st.text(max_size=4), max_size=8).map("".join)
PLACES = {
    "subject": "{INVITER}: {TITLE} ({COURSE})",
    "text": "{FIRSTNAME}.{LASTNAME} {TITLE}/{COURSE} ({INVITER})\n{TITLE}\n{URL}",
    "html": (
        '<p title="{TITLE}">{FIRSTNAME}.{LASTNAME}</p><td align={COURSE}>{COURSE}</td>'
        "<a href=\"{URL}\" title='{INVITER}'>{TITLE}</a><b>{INVITER}</b>{COURSE}"
    ),
}
AUTOLINKED = re.compile(r"(?:https?://|www\.)\w|\w\.\w|\w@\w")


@settings(max_examples=200, deadline=None)
@given(first=EVIL_VALUES, last=EVIL_VALUES, inviter=EVIL_VALUES, title=EVIL_VALUES, course=EVIL_VALUES)
def test_no_value_makes_a_tag_a_link_or_a_header(
    first: str, last: str, inviter: str, title: str, course: str
) -> None:
    invitation = replace(
        INVITATION, first_name=first, last_name=last, inviter=inviter, title=title, course=course
    )
    texts = Texts(**PLACES, language="en")
    letter, calm = (write_letter(each, language="en", texts=texts) for each in (invitation, INVITATION))
    assert Links(letter.html).tags == Links(calm.html).tags
    assert Links(letter.html).links == [URL]
    assert len(letter.subject.splitlines()) <= 1
    assert URL not in letter.subject
    assert letter.text.count(URL) == 1
    for words in (letter.subject, letter.text.replace(URL, ""), *Links(letter.html).words):
        assert not AUTOLINKED.search(words)


def test_every_token_has_a_value() -> None:
    every = " ".join(token.written for token in Token)
    letter = write_letter(INVITATION, language="en", texts=Texts(every, every, f"<p>{every}</p>", "en"))
    assert "{" not in letter.subject + letter.text + letter.html
