"""What stands in braces in a template: filled once, and judged by its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invites.tokens import (
    Finding,
    Flaw,
    Token,
    check_html,
    check_subject,
    check_text,
    fill,
    fill_html,
    fill_lines,
    suggested,
)


def test_tokens_are_filled_once_and_unknown_ones_stay() -> None:
    values = {"TITLE": "{URL}", "URL": "https://x"}
    assert (
        fill("{TITLE} {URL} {NOBODY} {title} { URL }", values) == "{URL} https://x {NOBODY} {title} { URL }"
    )


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{A}.{B}", "evil\u2060.\u2060com"),
        ("{A}{B}", "evil\u2060\u2060com"),
        ("https://x.example/{A}", "https://x.example/\u2060evil"),
        ("{A}@x.example", "evil\u2060@x.example"),
        ("Hello {A}.", "Hello evil."),
        ("({A}), “{B}”: {A}", "(evil), “com”: evil"),
        ('title="{A}"', 'title="evil"'),
    ],
)
def test_a_value_is_kept_apart_from_what_would_make_an_address_of_it(template: str, filled: str) -> None:
    assert fill(template, {"A": "evil", "B": "com"}) == filled


def test_a_line_of_tokens_without_values_is_left_out() -> None:
    values = {"START": "", "END": "", "TITLE": "Talk"}
    assert fill_lines("{TITLE}\n\n{START} – {END}\n\nSee you {START}\n", values) == "Talk\n\nSee you "
    assert fill_lines("Nothing\n\n\n\nto fill", values) == "Nothing\n\n\n\nto fill"


def test_html_gets_other_values_in_attributes_than_in_words() -> None:
    source = '<p title="{TITLE} > {TITLE}">{TITLE}</p><i>{START} – {END}</i>'
    filled = fill_html(source, {"TITLE": "<b>1</b>", "START": "", "END": ""}, in_tags={"TITLE": "&quot;"})
    assert filled == '<p title="&quot; > &quot;"><b>1</b></p><i></i>'


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("{TITEL}", "{TITLE}"),
        ("{title}", "{TITLE}"),
        ("{{ Title }}", "{TITLE}"),
        ("{FIRST_NAME}", "{FIRSTNAME}"),
        ("{First name}", "{FIRSTNAME}"),
        ("{LINK}", "{URL}"),
        ("{Surname}", "{LASTNAME}"),
        ("{QR}", "{QRCODE}"),
        ("{EXPIRE}", "{EXPIRES}"),
        ("{COLOUR OF THE SKY}", ""),
    ],
)
def test_a_wrong_word_is_shown_at_its_place_with_what_was_meant(word: str, meant: str) -> None:
    assert suggested(word) == meant
    assert check_text(f"{{URL}}\nHello {word}!") == (Finding(Flaw.UNKNOWN, word, 2, 7, meant),)
    assert check_html(f"<p>{{URL}}\n<b>{word}</b>") == (Finding(Flaw.UNKNOWN, word, 2, 4, meant),)
    assert check_subject(f"{{ROLE}} {word}") == (Finding(Flaw.UNKNOWN, word, 1, 8, meant),)


def test_a_token_that_was_left_open_is_found() -> None:
    assert check_text("{URL} {TITLE and more") == (Finding(Flaw.UNKNOWN, "{TITLE", 1, 7, "{TITLE}"),)


def test_braces_that_are_no_tokens_are_left_alone() -> None:
    assert check_html("<style>p { color: red } b{}</style>{URL} { } {1} {:-}") == ()


def test_a_text_without_the_link_is_refused_whole() -> None:
    assert check_text("Hello") == check_html("<p>Hello</p>") == (Finding(Flaw.NO_URL),)
    assert check_subject("Hello") == ()


@pytest.mark.parametrize("hidden", ["<!-- {URL} -->", "<b title='{URL}'>x</b>", "<title>{URL}</title>"])
def test_a_link_that_nobody_sees_does_not_count(hidden: str) -> None:
    assert Finding(Flaw.NO_URL) in check_html(hidden)


@pytest.mark.parametrize("token", ["{URL}", "{QRCODE}"])
def test_subjects_name_no_link(token: str) -> None:
    """Mail servers write subjects into their logs."""
    assert check_subject(f"Hello {token}") == (Finding(Flaw.NOT_IN_SUBJECT, token, 1, 7),)


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("https://campus.example/{TITLE}", Flaw.GLUED),
        ("www.{LASTNAME}", Flaw.GLUED),
        ("{FIRSTNAME}@campus.example", Flaw.GLUED),
        ("mailto:{EMAIL}", Flaw.GLUED),
        ("{URL}{TITLE}", Flaw.LINK_NOT_ALONE),
        ("{URL}/more", Flaw.LINK_NOT_ALONE),
        ("https://proxy.example/?to={URL}", Flaw.LINK_NOT_ALONE),
    ],
)
def test_values_do_not_touch_addresses(text: str, flaw: Flaw) -> None:
    assert [finding.flaw for finding in check_text(f"{text} {{URL}}")] == [flaw]
    assert [finding.flaw for finding in check_html(f"<p>{text} {{URL}}</p>")] == [flaw]


@pytest.mark.parametrize(
    "text", ["({URL})", "<{URL}>", "{URL}.", "{START}/{END}", "{FIRSTNAME}.{LASTNAME}", "“{TITLE}”:"]
)
def test_ordinary_signs_may_touch_them(text: str) -> None:
    assert check_text(f"{text} {{URL}}") == ()


@pytest.mark.parametrize(
    ("source", "flaw", "column"),
    [
        ('<a href="{TITLE}">x</a>', Flaw.IN_LINK, 10),
        ("<a href='https://x.example/{EMAIL}'>x</a>", Flaw.IN_LINK, 28),
        ("<a href=mailto:{EMAIL}>x</a>", Flaw.IN_LINK, 16),
        ('<img src="{QRCODE}">', Flaw.IN_LINK, 11),
        ('<a href="https://x.example/?to={URL}">x</a>', Flaw.LINK_NOT_ALONE, 32),
        ('<img src="{URL}">', Flaw.LINK_NOT_ALONE, 11),
        ("<td background={URL}>", Flaw.LINK_NOT_ALONE, 16),
        ('<p style="color: {ROLE}">', Flaw.IN_STYLE, 18),
        ("<style>p { {ROLE} }</style>", Flaw.IN_STYLE, 12),
        ("<b {ROLE}>x</b>", Flaw.IN_TAG, 4),
        ('<b title="{QRCODE}">x</b>', Flaw.IN_TAG, 11),
    ],
)
def test_in_markup_a_token_has_few_places(source: str, flaw: Flaw, column: int) -> None:
    (finding,) = check_html(f"<p>\n{source}\n</p>{{URL}}")
    assert (finding.flaw, finding.line, finding.column) == (flaw, 2, column)


@pytest.mark.parametrize(
    "source", ['<a href="{URL}">x</a>', "<a href={URL}>x</a>", "<A HREF=' {URL} '>x</A>"]
)
def test_the_link_may_be_a_link(source: str) -> None:
    assert check_html(source) == ()
    assert check_html(f'{source}<img alt="{{TITLE}}" title="{{URL}}">{{QRCODE}}') == ()


@given(st.text(alphabet=st.sampled_from(list("{}<>\"'= /ahrefURLTITLE\n&;-!")), max_size=60))
def test_whatever_is_typed_is_judged(text: str) -> None:
    for finding in (*check_subject(text), *check_text(text), *check_html(text)):
        if finding.line:
            line = text.split("\n")[finding.line - 1]
            assert line[finding.column - 1 :].startswith(finding.word.split("\n")[0])


def test_tokens_are_written_in_braces() -> None:
    assert Token.URL.written == "{URL}"
