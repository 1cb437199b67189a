"""When two spellings of an address are one."""

import pytest

from invites.domains import normalise_email as invited
from lti_tool.addresses import fold_local_part, normalise_email
from lti_tool.claims import MAX_EMAIL

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


@pytest.mark.parametrize("letter", ["ß", "\ufb03"])
def test_a_key_that_would_be_too_long_to_keep_is_none(letter: str) -> None:
    """A platform may send such a thing: neither a launch nor a roster fails of it."""
    address = f"{letter * 300}@example.org"
    assert len(address) <= MAX_EMAIL < len(fold_local_part(letter * 300))
    assert normalise_email(address) == ""
