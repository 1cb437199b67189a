"""Who may say something, and what a message may consist of. No Django, no clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from common.decisions import Allowed, Decision, Refused
from rooms.policy.moderation import LONGEST_MESSAGE, NoPost, clean_text, judge_text


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ("Hello", "Hello"),
        ("  Hello \n", "Hello"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        ("a\tb", "a b"),
        ("nul\x00, bell\x07, escape\x1b[31m", "nul, bell, escape[31m"),
        ("\u202egnp.exe", "gnp.exe"),
        ("\u2066isolated\u2069 \u200eleft \u200fright \u061cmark", "isolated left right mark"),
        ("zero\u200bwidth \ufeffspace", "zerowidth space"),
        ("👩\u200d🚀", "👩\u200d🚀"),  # held together by a joiner
        ("می\u200cخواهم", "می\u200cخواهم"),  # noqa: RUF001 - Persian
        ("שלום and مرحبا", "שלום and مرحبا"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("e" + "\u0301" * 40, "e" + "\u0301" * 4),
        ("é", "é"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),  # text; escaped where it is shown
        ("\u200d\u200c", ""),
        ("\u202e\x00", ""),
    ],
)
def test_what_a_reader_sees(raw: str, seen: str) -> None:
    assert clean_text(raw) == seen


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", Refused(NoPost.EMPTY)),
        ("x", Allowed()),
        ("x" * LONGEST_MESSAGE, Allowed()),
        ("x" * (LONGEST_MESSAGE + 1), Refused(NoPost.TOO_LONG, "2000")),
    ],
)
def test_what_can_be_a_message(text: str, answer: Decision) -> None:
    assert judge_text(text) == answer


@given(some.text())
def test_cleaning_twice_changes_nothing_and_can_always_be_stored(raw: str) -> None:
    once = clean_text(raw)
    assert clean_text(once) == once
    assert "\x00" not in once
    once.encode()
