"""Email addresses and the rules of RestrictNewUserDomains. Pure: text in, values or a named problem out.

A rule is one line. `university.edu` restricts that domain and all below it, `=university.edu` only itself;
`!alumni.university.edu` is an exception with all below it, `!=alumni.university.edu` one for itself alone.
The most specific entry wins. Domains are compared label by label after lower-casing and IDNA (UTS 46), so
`notuniversity.edu` has nothing to do with `university.edu`.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

import idna
from publicsuffixlist import PublicSuffixList

from common.decisions import Allowed, Decision, Refused
from lti_tool import addresses

MAX_LOCAL: Final = 64  # octets, RFC 5321 §4.5.3.1.1
MAX_ADDRESS: Final = 254  # octets, what fits between the brackets of a RCPT TO
MAX_DOMAIN: Final = 253

# Atoms and dots (RFC 5322 dot-atom, with RFC 6531's letters): no spaces, controls, quotes or brackets.
_LOCAL_PART: Final = re.compile(
    r"[^\s\x00-\x20\x7f@<>()\[\],;:\\\".]+(\.[^\s\x00-\x20\x7f@<>()\[\],;:\\\".]+)*"
)


class AddressProblem(StrEnum):
    """What is wrong with something that should be an email address."""

    EMPTY = "empty"
    NO_AT = "no_at"
    BAD_LOCAL_PART = "bad_local_part"
    BAD_DOMAIN = "bad_domain"
    TOO_LONG = "too_long"


class AddressError(ValueError):
    """It is no email address."""

    def __init__(self, problem: AddressProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class NormalisedEmail:
    """An address as it is compared; `str()` of it is what stands in every `normalised_email` column."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def normalise_email(text: str) -> NormalisedEmail:
    """The form in which addresses are compared: domain lower-cased and in IDNA, local part case-folded.

    Nothing is taken away: what dots and `+tags` mean, only the mail system behind the domain knows.

    Raises:
        AddressError: it is no email address.
    """
    text = text.strip()
    if not text:
        raise AddressError(AddressProblem.EMPTY)
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        raise AddressError(AddressProblem.NO_AT)
    local = addresses.fold_local_part(local)
    if not _LOCAL_PART.fullmatch(local) or any(unicodedata.category(sign) in _INVISIBLE for sign in local):
        raise AddressError(AddressProblem.BAD_LOCAL_PART)
    try:
        email = NormalisedEmail(local, normalise_domain(domain))
    except DomainError as error:
        raise AddressError(AddressProblem.BAD_DOMAIN) from error
    if len(local.encode()) > MAX_LOCAL or len(str(email).encode()) > MAX_ADDRESS:
        raise AddressError(AddressProblem.TOO_LONG)
    return email


# Controls, and signs that change how the rest is shown (right-to-left overrides, zero-width joiners).
_INVISIBLE: Final = {"Cc", "Cf", "Cs", "Co", "Cn"}


class DomainError(ValueError):
    """It is no domain name of at least two labels."""


def normalise_domain(text: str) -> str:
    """A domain as it is compared: lower case, IDNA, without the trailing dot.

    Raises:
        DomainError: it is no domain name, or has only one label, or is an IP address.
    """
    if not text.isprintable() or " " in text:
        raise DomainError(text)
    domain = addresses.normalise_domain(text)
    labels = domain.split(".")
    if len(labels) < 2 or len(domain) > MAX_DOMAIN or labels[-1].isdigit():  # noqa: PLR2004 - a name and its top level
        raise DomainError(text)
    return domain


def shown_domain(domain: str) -> str:
    """A normalised domain as people write it: `bücher.example` for `xn--bcher-kva.example`."""
    try:
        return idna.decode(domain)
    except idna.IDNAError:
        return domain


class RuleProblem(StrEnum):
    """What is wrong with one line of the list."""

    ADDRESS = "address"
    WILDCARD = "wildcard"
    SEVERAL = "several"
    NOT_A_DOMAIN = "not_a_domain"
    PUBLIC_SUFFIX = "public_suffix"
    DUPLICATE = "duplicate"
    CONTRADICTION = "contradiction"


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be a rule. Lines count from 1; `earlier` is what it repeats or contradicts."""

    line: int
    text: str
    problem: RuleProblem
    earlier: int = 0


class RulesError(ValueError):
    """Some lines cannot be rules: all of them are named, in their order."""

    def __init__(self, lines: tuple[BadLine, ...]) -> None:
        super().__init__(", ".join(f"{bad.line}: {bad.problem}" for bad in lines))
        self.lines = lines


@dataclass(frozen=True, slots=True)
class DomainRule:
    """One entry of the list; `str()` of it is its canonical line."""

    domain: str
    is_exact: bool = False
    is_exception: bool = False

    def __str__(self) -> str:
        return f"{'!' * self.is_exception}{'=' * self.is_exact}{self.domain}"

    def covers(self, domain: str) -> bool:
        """Whether the entry speaks of this (normalised) domain."""
        if self.is_exact:
            return domain == self.domain
        own = self.domain.split(".")
        return domain.split(".")[-len(own) :] == own

    @property
    def weight(self) -> tuple[int, bool]:
        """Orders entries that cover one domain: more labels, then `=`, are more specific."""
        return self.domain.count("."), self.is_exact


class DomainReason(StrEnum):
    """Why a domain is refused."""

    RESTRICTED_DOMAIN = "restricted_domain"


def judge_domain(domain: str, rules: Iterable[DomainRule]) -> Decision:
    """Whether somebody new may come from this domain.

    Args:
        domain: as `normalise_domain` or `normalise_email` gives it.
        rules: from `parse_rules` or `stored_rules`; their order means nothing.

    Returns:
        `Refused` carries, as its detail, the domain of the entry that decided, as people write it.
    """
    deciding = max(
        (rule for rule in rules if rule.covers(domain)), key=lambda rule: rule.weight, default=None
    )
    if deciding is None or deciding.is_exception:
        return Allowed()
    return Refused(DomainReason.RESTRICTED_DOMAIN, shown_domain(deciding.domain))


def parse_rules(lines: Iterable[str]) -> tuple[DomainRule, ...]:
    """Read what somebody wrote, one entry per line; empty lines are skipped (and counted).

    Raises:
        RulesError: with every line that is no entry, or a public suffix, or repeats or contradicts another.
    """
    found: dict[tuple[str, bool], tuple[int, DomainRule]] = {}
    bad: list[BadLine] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text:
            continue
        rule = _read_rule(text)
        if isinstance(rule, RuleProblem):
            bad.append(BadLine(number, text, rule))
        elif _suffixes().is_public(rule.domain):
            bad.append(BadLine(number, text, RuleProblem.PUBLIC_SUFFIX))
        elif (rule.domain, rule.is_exact) in found:
            earlier, same = found[rule.domain, rule.is_exact]
            problem = RuleProblem.DUPLICATE if same == rule else RuleProblem.CONTRADICTION
            bad.append(BadLine(number, text, problem, earlier))
        else:
            found[rule.domain, rule.is_exact] = number, rule
    if bad:
        raise RulesError(tuple(bad))
    return tuple(rule for _, rule in found.values())


def stored_rules(lines: Iterable[str]) -> tuple[DomainRule, ...]:
    """Rules that were accepted once, read again: a newer list of public suffixes does not make them void."""
    rules = (_read_rule(line.strip()) for line in lines)
    return tuple(rule for rule in rules if isinstance(rule, DomainRule))


def _read_rule(text: str) -> DomainRule | RuleProblem:
    rest = text.removeprefix("!")
    is_exception = rest != text
    name = rest.strip().removeprefix("=")
    is_exact = name != rest.strip()
    name = name.strip()
    if "@" in name:
        return RuleProblem.ADDRESS
    if "*" in name:
        return RuleProblem.WILDCARD
    if re.search(r"[\s,;|]", name):
        return RuleProblem.SEVERAL
    try:
        # One label can only be a top level, and says so below; it is no domain for an address.
        domain = normalise_domain(name) if "." in name.strip(".") else _single_label(name)
    except DomainError:
        return RuleProblem.NOT_A_DOMAIN
    return DomainRule(domain, is_exact=is_exact, is_exception=is_exception)


def _single_label(name: str) -> str:
    return normalise_domain(f"any.{name}").removeprefix("any.")


@cache
def _suffixes() -> PublicSuffixList:
    """The list that comes with the library: nothing is fetched."""
    return PublicSuffixList()
