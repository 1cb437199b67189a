"""Addresses and the grammar of RestrictNewUserDomains, as tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.decisions import Allowed, Refused
from invites.domains import (
    AddressError,
    AddressProblem,
    DomainError,
    DomainReason,
    DomainRule,
    RuleProblem,
    RulesError,
    judge_domain,
    normalise_domain,
    normalise_email,
    parse_rules,
    shown_domain,
    stored_rules,
)
from lti_tool.addresses import normalise_email as known_form


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ana@example.org", "ana@example.org"),
        ("  Ana@Example.ORG ", "ana@example.org"),
        ("Ana.Maria+tag@Example.org", "ana.maria+tag@example.org"),
        ("a.n.a@gmail.com", "a.n.a@gmail.com"),
        ("ana@example.org.", "ana@example.org"),
        ("ana@BÜCHER.example", "ana@xn--bcher-kva.example"),
        ("ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
        ("ana@bu\u0308cher.example", "ana@xn--bcher-kva.example"),
        ("ana@straße.example", "ana@xn--strae-oqa.example"),
        ("ana@uni。edu", "ana@uni.edu"),
        ("ana@\uff55\uff4e\uff49.edu", "ana@uni.edu"),
        ("JOSÉ@example.org", "josé@example.org"),
        ("jose\u0301@example.org", "josé@example.org"),
        ("GROß@example.org", "gross@example.org"),
        ("o'brien!#$%&*/=?^_`{|}~-@example.org", "o'brien!#$%&*/=?^_`{|}~-@example.org"),
    ],
)
def test_an_address_has_one_form(text: str, expected: str) -> None:
    assert str(normalise_email(text)) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", AddressProblem.EMPTY),
        ("   ", AddressProblem.EMPTY),
        ("ana", AddressProblem.NO_AT),
        ("@example.org", AddressProblem.NO_AT),
        ("ana@", AddressProblem.NO_AT),
        ("ana@gmail", AddressProblem.BAD_DOMAIN),
        ("ana@example..org", AddressProblem.BAD_DOMAIN),
        ("ana@-example.org", AddressProblem.BAD_DOMAIN),
        ("ana@exa mple.org", AddressProblem.BAD_DOMAIN),
        ("ana@[127.0.0.1]", AddressProblem.BAD_DOMAIN),
        ("ana@127.0.0.1", AddressProblem.BAD_DOMAIN),
        ("ana@example.org\r\nBcc: x", AddressProblem.BAD_DOMAIN),
        ("ana\r\nBcc: eve@example.org", AddressProblem.BAD_LOCAL_PART),
        ("Ana Guest <ana@example.org>", AddressProblem.BAD_LOCAL_PART),
        ("ana@eve@example.org", AddressProblem.BAD_LOCAL_PART),
        (".ana@example.org", AddressProblem.BAD_LOCAL_PART),
        ("ana.@example.org", AddressProblem.BAD_LOCAL_PART),
        ("a..na@example.org", AddressProblem.BAD_LOCAL_PART),
        ('"ana"@example.org', AddressProblem.BAD_LOCAL_PART),
        ("ana,eve@example.org", AddressProblem.BAD_LOCAL_PART),
        ("an\u202ea@example.org", AddressProblem.BAD_LOCAL_PART),
        ("an\u200ba@example.org", AddressProblem.BAD_LOCAL_PART),
        (f"{'a' * 65}@example.org", AddressProblem.TOO_LONG),
        (f"{'a' * 64}@{'.'.join(['b' * 50] * 4)}.org", AddressProblem.TOO_LONG),
    ],
)
def test_what_is_no_address_says_why(text: str, problem: AddressProblem) -> None:
    with pytest.raises(AddressError) as caught:
        normalise_email(text)
    assert caught.value.problem is problem


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_a_named_problem_and_the_form_is_final(text: str) -> None:
    try:
        email = normalise_email(text)
    except AddressError:
        return
    assert normalise_email(str(email)) == email
    assert known_form(text) == str(email), "launches and rosters must know an address by the same form"


@pytest.mark.parametrize(
    ("domain", "lines", "expected"),
    [
        # one entry: the domain and all below it
        ("university.edu", ["university.edu"], "university.edu"),
        ("cs.university.edu", ["university.edu"], "university.edu"),
        ("a.b.c.university.edu", ["university.edu"], "university.edu"),
        ("notuniversity.edu", ["university.edu"], None),
        ("university.edu.example.org", ["university.edu"], None),
        ("university.org", ["university.edu"], None),
        ("edu.example", ["university.edu"], None),
        # spelling of the entry
        ("university.edu", ["UNIVERSITY.Edu"], "university.edu"),
        ("university.edu", ["university.edu."], "university.edu"),
        ("university.edu", ["  university.edu  "], "university.edu"),
        ("xn--bcher-kva.example", ["BÜCHER.example"], "bücher.example"),
        ("mail.xn--bcher-kva.example", ["xn--bcher-kva.example"], "bücher.example"),
        ("university.edu", ["uni\uff0eexample", "university。edu"], "university.edu"),
        # only itself
        ("university.edu", ["=university.edu"], "university.edu"),
        ("cs.university.edu", ["=university.edu"], None),
        # exceptions
        ("alumni.university.edu", ["university.edu", "!alumni.university.edu"], None),
        ("old.alumni.university.edu", ["university.edu", "!alumni.university.edu"], None),
        ("notalumni.university.edu", ["university.edu", "!alumni.university.edu"], "university.edu"),
        ("university.edu", ["university.edu", "!alumni.university.edu"], "university.edu"),
        ("alumni.university.edu", ["university.edu", "!=alumni.university.edu"], None),
        ("old.alumni.university.edu", ["university.edu", "!=alumni.university.edu"], "university.edu"),
        # the most specific entry wins, in whatever order they stand
        ("alumni.university.edu", ["!alumni.university.edu", "university.edu"], None),
        (
            "staff.alumni.university.edu",
            ["university.edu", "!alumni.university.edu", "staff.alumni.university.edu"],
            "staff.alumni.university.edu",
        ),
        ("university.edu", ["=university.edu", "!university.edu"], "university.edu"),
        ("cs.university.edu", ["=university.edu", "!university.edu"], None),
        ("university.edu", ["university.edu", "!=university.edu"], None),
        ("cs.university.edu", ["university.edu", "!=university.edu"], "university.edu"),
        # an exception alone restricts nothing; no list restricts nobody
        ("other.edu", ["!alumni.university.edu"], None),
        ("university.edu", [], None),
        ("university.edu", ["", "   "], None),
    ],
)
def test_the_grammar(domain: str, lines: list[str], expected: str | None) -> None:
    wanted = Allowed() if expected is None else Refused(DomainReason.RESTRICTED_DOMAIN, expected)
    assert judge_domain(domain, parse_rules(lines)) == wanted
    assert judge_domain(domain, parse_rules(reversed(lines))) == wanted


@pytest.mark.parametrize(
    "address",
    [
        "ana@UNIVERSITY.EDU",
        "ana@university.edu.",
        "ana@Cs.University.Edu",
        "ana@university。edu",
        "ana@\uff35\uff2e\uff29versity.edu",
    ],
)
def test_no_spelling_of_an_address_gets_around_a_rule(address: str) -> None:
    assert not judge_domain(normalise_email(address).domain, parse_rules(["university.edu"]))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("edu", RuleProblem.PUBLIC_SUFFIX),
        (".edu", RuleProblem.NOT_A_DOMAIN),
        ("EDU.", RuleProblem.PUBLIC_SUFFIX),
        ("=edu", RuleProblem.PUBLIC_SUFFIX),
        ("!edu", RuleProblem.PUBLIC_SUFFIX),
        ("ac.uk", RuleProblem.PUBLIC_SUFFIX),
        ("co.uk", RuleProblem.PUBLIC_SUFFIX),
        ("公司.cn", RuleProblem.PUBLIC_SUFFIX),
        ("campus", RuleProblem.PUBLIC_SUFFIX),
        ("ana@university.edu", RuleProblem.ADDRESS),
        ("@university.edu", RuleProblem.ADDRESS),
        ("*.university.edu", RuleProblem.WILDCARD),
        ("university.edu, college.edu", RuleProblem.SEVERAL),
        ("university.edu college.edu", RuleProblem.SEVERAL),
        ("https://university.edu", RuleProblem.NOT_A_DOMAIN),
        ("university..edu", RuleProblem.NOT_A_DOMAIN),
        ("uni_versity.edu", RuleProblem.NOT_A_DOMAIN),
        ("-university.edu", RuleProblem.NOT_A_DOMAIN),
        ("10.0.0.1", RuleProblem.NOT_A_DOMAIN),
        ("=", RuleProblem.NOT_A_DOMAIN),
        ("!", RuleProblem.NOT_A_DOMAIN),
        ("!!university.edu", RuleProblem.NOT_A_DOMAIN),
        ("=!university.edu", RuleProblem.NOT_A_DOMAIN),
    ],
)
def test_a_bad_line_says_what_is_wrong_with_it(line: str, problem: RuleProblem) -> None:
    with pytest.raises(RulesError) as caught:
        parse_rules(["college.edu", "", line])
    assert [(bad.line, bad.problem) for bad in caught.value.lines] == [(3, problem)]


def test_every_bad_line_is_named_at_once_with_the_line_that_it_repeats_or_contradicts() -> None:
    with pytest.raises(RulesError) as caught:
        parse_rules(["university.edu", "University.EDU.", "!university.edu", "edu", "=university.edu"])
    assert [(bad.line, bad.problem, bad.earlier) for bad in caught.value.lines] == [
        (2, RuleProblem.DUPLICATE, 1),
        (3, RuleProblem.CONTRADICTION, 1),
        (4, RuleProblem.PUBLIC_SUFFIX, 0),
    ]


def test_rules_are_kept_as_canonical_lines() -> None:
    lines = [" University.EDU. ", "= Bücher.example", "! alumni.university.edu", "!=x.university.edu"]
    rules = parse_rules(lines)
    kept = [str(rule) for rule in rules]
    assert kept == [
        "university.edu",
        "=xn--bcher-kva.example",
        "!alumni.university.edu",
        "!=x.university.edu",
    ]
    assert parse_rules(kept) == rules == stored_rules(kept)


def test_rules_accepted_once_stay_when_the_list_of_public_suffixes_grows() -> None:
    assert stored_rules(["edu", "university.edu"]) == (DomainRule("edu"), DomainRule("university.edu"))


def test_a_domain_is_shown_as_people_write_it() -> None:
    assert shown_domain("xn--bcher-kva.example") == "bücher.example"
    assert shown_domain("university.edu") == "university.edu"
    assert shown_domain("xn--zz.example") == "xn--zz.example"


@pytest.mark.parametrize("text", ["", ".", "edu", "a b.edu", "10.0.0.1", "x" * 64 + ".edu", "a.\x00b.edu"])
def test_what_is_no_domain(text: str) -> None:
    with pytest.raises(DomainError):
        normalise_domain(text)
