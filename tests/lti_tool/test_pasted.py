"""What can be read of a paste, and what is said of the rest."""

import base64
import json

import pytest

from lti_tool.claims import LTI, MAX_TOKEN
from lti_tool.pasted import Unreadable, UnreadableError, read_pasted

TEACHER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"


def token(payload: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJSUzI1NiJ9.{body}.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        token({f"{LTI}roles": [TEACHER], "iss": "https://lms.example"}),
        f"  \n{token({f'{LTI}roles': [TEACHER], 'iss': 'https://lms.example'})}\n",
        "id_token=" + token({f"{LTI}roles": [TEACHER], "iss": "https://lms.example"}),
        json.dumps({f"{LTI}roles": [TEACHER], "iss": "https://lms.example"}, indent=2),
        json.dumps({"roles": [TEACHER], "iss": "https://lms.example"}),
    ],
)
def test_roles_are_found_in_a_token_and_in_claims(text: str) -> None:
    found = read_pasted(text)
    assert (found.roles, found.issuer, found.skipped) == ((TEACHER,), "https://lms.example", 0)


def test_a_token_that_was_broken_into_lines_is_one() -> None:
    whole = token({f"{LTI}roles": [TEACHER]})
    assert read_pasted(f"{whole[:40]}\n{whole[40:90]}\r\n{whole[90:]}").roles == (TEACHER,)


def test_a_bare_list_will_do_and_odd_entries_are_counted() -> None:
    found = read_pasted(json.dumps([TEACHER, "", 7, None, TEACHER, "Learner"]))
    assert (found.roles, found.skipped) == ((TEACHER, "Learner"), 3)
    assert read_pasted(json.dumps({f"{LTI}roles": []})).roles == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Unreadable.EMPTY),
        (" \n", Unreadable.EMPTY),
        ("x" * (MAX_TOKEN + 1), Unreadable.TOO_LONG),
        ("a.b.c.d.e", Unreadable.ENCRYPTED),
        ("hello", Unreadable.NOT_A_TOKEN),
        ("a.b", Unreadable.NOT_A_TOKEN),
        ("a.b.c", Unreadable.NOT_A_TOKEN),
        ("a.ÿ.c", Unreadable.NOT_A_TOKEN),
        ("{", Unreadable.NOT_A_TOKEN),
        ("[" * 30_000, Unreadable.NOT_A_TOKEN),
        (token("a text"), Unreadable.NOT_A_TOKEN),
        (token({"iss": "x"}), Unreadable.NO_ROLES),
        ("{}", Unreadable.NO_ROLES),
        (json.dumps({f"{LTI}roles": TEACHER}), Unreadable.ROLES_ARE_NO_LIST),
        (json.dumps({f"{LTI}roles": None}), Unreadable.ROLES_ARE_NO_LIST),
    ],
)
def test_what_cannot_be_read_says_why(text: str, reason: Unreadable) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_pasted(text)
    assert caught.value.reason is reason
