"""Whose a web address is."""

import pytest

from lti_tool.origins import is_on, is_secure_url, origin_of

OURS = "https://foyer.example"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://lms.example", "https://lms.example"),
        ("https://LMS.example:443/x?y#z", "https://lms.example"),
        ("https://lms.example:8443/x", "https://lms.example:8443"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("https://[::1]:8000/", "https://[::1]:8000"),
        ("https://user:pw@lms.example/", "https://lms.example"),
        ("https://lms.example; script-src *", ""),
        ("https://lms.example:99999/", ""),
        ("ftp://lms.example", ""),
        ("lms.example", ""),
        ("", ""),
    ],
)
def test_an_origin_is_safe_to_write_into_a_header(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_an_address_with_a_name_before_an_at_sign_is_not_ours() -> None:
    assert is_on(f"{OURS}/x", OURS)
    assert is_on(f"{OURS}/x?mail=ana@example.org", OURS)
    assert not is_on("https://foyer.example@evil.example/", OURS)
    assert not is_on("https://evil.example@foyer.example/", OURS)
    assert not is_on("https://evil.example\\@foyer.example/", OURS)
    assert not is_on("http://foyer.example/", OURS)
    assert not is_on("https://foyer.example:8443/", OURS)


@pytest.mark.parametrize(
    ("url", "is_secure"),
    [
        ("https://lms.example/x", True),
        ("http://localhost:8000/x", True),
        ("http://127.0.0.1/", True),
        ("http://lms.example/", False),
        ("http://127.0.0.1.evil.example/", False),
        ("https://user:pw@lms.example/", False),
        ("https://lms.example/a b", False),
        ("javascript:alert(1)", False),
    ],
)
def test_what_may_be_used(url: str, *, is_secure: bool) -> None:
    assert is_secure_url(url, allows_loopback=True) is is_secure


def test_loopback_has_to_be_allowed() -> None:
    assert not is_secure_url("http://localhost:8000/x", allows_loopback=False)
