"""When two spellings of an address are one."""

import pytest

from invites.domains import normalise_email as invited
from lti_tool.addresses import normalise_email

SAME = [
    ("ana@example.org", "ana@example.org"),
    ("Ana@Example.ORG", "ana@example.org"),
    (" ana@example.org ", "ana@example.org"),
    ("a.n.a+talk@example.org", "a.n.a+talk@example.org"),
    ("ana@BÜCHER.example", "ana@xn--bcher-kva.example"),
    ("ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
    ("STRASSE@example.org", "strasse@example.org"),
    ("straße@example.org", "strasse@example.org"),
    ("ana@example.org.", "ana@example.org"),
]


@pytest.mark.parametrize(("written", "key"), SAME)
def test_spellings_of_one_address_have_one_key(written: str, key: str) -> None:
    assert normalise_email(written) == key


@pytest.mark.parametrize(("written", "_key"), SAME)
def test_people_and_invitations_agree(written: str, _key: str) -> None:
    assert normalise_email(written) == str(invited(written))


@pytest.mark.parametrize("text", ["", "ana", "@example.org", "ana@", "ana@ex ample.org", "a\nb@example.org"])
def test_no_address_has_no_key(text: str) -> None:
    assert normalise_email(text) == ""
