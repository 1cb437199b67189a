"""Whom an inviter may mean, by what they have typed so far.

Everything is asked of one column that stands folded beside the names (`lti_tool.folding`). What is common is
found in the first rows, what is rare by trigrams; nothing is sorted by the database. Words of fewer than
three letters are looked for at the beginnings of words: no trigram has them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from operator import and_, or_
from typing import Final, TypeVar
from uuid import UUID

from django.core import signing
from django.db.models import OuterRef, Q, QuerySet, Subquery

from invites.domains import (
    AddressError,
    normalise_email,
)
from invites.models import Invite, ModuleSettings
from lti_tool.folding import name_words, searched_words
from lti_tool.models import Course, Membership, Person
from rooms.access import Viewer
from rooms.models import Guest
from rooms.policy.rights import Power

SUGGESTED: Final = 8
_MANY: Final = 100  # rows read at most for one question: more are not looked at, let alone shown
_MEMBERS: Final = 400  # the same, of one course
_LOOKED_AT: Final = 24  # the best of them, some of whom may have left the institution
_TRIGRAM: Final = 3
_ACTIVE: Final = Membership.Status.ACTIVE
_CHOICE_LASTS: Final = timedelta(hours=8)  # as long as the tab in which it was made
_SALT: Final = "invites.suggestion"
HIDDEN: Final = "•••"

_Words = list[tuple[str, ...]]
_Row = TypeVar("_Row", Person, Guest)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Somebody whom an inviter may mean.

    Where the inviter may not see the address, `email` is masked and `choice` stands for it: see
    `address_chosen`.
    """

    email: str
    first_name: str
    last_name: str
    shown_name: str
    is_in_course: bool
    is_invited: bool
    choice: str = ""


@dataclass(frozen=True, slots=True)
class _Hit:
    """A row that matches, and how well."""

    who: Person | Guest
    is_exact: bool = False
    is_in_course: bool = False


def suggestions_for(
    viewer: Viewer, course: Course | None, typed: str, *, rules: ModuleSettings
) -> list[Suggestion]:
    """People of the course, where the tenant allows it everybody else, by any part of name or address.

    Anybody is found by the exact address. That one comes first, then who is in the course, then whose words
    begin as typed. Nobody is found who is disabled, a preview person, or without an address.
    """
    words = searched_words(typed)
    if not words:
        return []
    sees_addresses = viewer.may(Power.MANAGE_ALL_INVITES)
    hits = _exact(viewer.tenant_id, exact_email(typed), course)
    if rules.suggestions == ModuleSettings.Suggestions.TENANT:
        hits += _in_tenant(viewer.tenant_id, course, words)
    else:
        hits += _in_course(viewer.tenant_id, course, words)
    shown: dict[str, _Hit] = {}
    for hit in hits:
        if hit.is_exact or sees_addresses or _is_found_by_name(hit.who, words):
            shown.setdefault(hit.who.normalised_email, hit)
    found = list(shown.values())[:SUGGESTED]
    emails = [hit.who.normalised_email for hit in found]
    invited = Invite.objects.filter(entry_id=viewer.entry_id, normalised_email__in=emails)
    invited_emails = set(invited.values_list("normalised_email", flat=True)) if emails else set()
    return [
        _suggestion(hit, viewer, is_masked=not (hit.is_exact or sees_addresses), invited=invited_emails)
        for hit in found
    ]


def _suggestion(hit: _Hit, viewer: Viewer, *, is_masked: bool, invited: set[str]) -> Suggestion:
    who = hit.who
    if isinstance(who, Guest):
        first_name, last_name = who.first_name, who.last_name
    else:
        first, _space, last = who.name.rpartition(" ")
        first_name, last_name = who.given_name or first, who.family_name or last
    return Suggestion(
        email=masked(who.email) if is_masked else who.email,
        first_name=first_name,
        last_name=last_name,
        shown_name=who.shown_name,
        is_in_course=hit.is_in_course,
        is_invited=who.normalised_email in invited,
        choice=_choice(viewer, who) if is_masked else "",
    )


# --- Finding --------------------------------------------------------------------------------------------


def _people(tenant_id: UUID) -> QuerySet[Person]:
    return Person.objects.filter(tenant_id=tenant_id, is_disabled=False, is_test_user=False)


def _guests(tenant_id: UUID) -> QuerySet[Guest]:
    return Guest.objects.filter(tenant_id=tenant_id, erased_at=None)


def _exact(tenant_id: UUID, email: str, course: Course | None) -> list[_Hit]:
    if not email:
        return []
    people = list(_people(tenant_id).filter(normalised_email=email).order_by("pk")[:SUGGESTED])
    here, _gone = _standing_of(people, course)
    hits = [_Hit(person, is_exact=True, is_in_course=person.pk in here) for person in people]
    return hits or [_Hit(guest, is_exact=True) for guest in _guests(tenant_id).filter(normalised_email=email)]


def _in_course(tenant_id: UUID, course: Course | None, words: _Words) -> list[_Hit]:
    if course is None or course.tenant_id != tenant_id:
        return []
    # A subquery for each member: as a join, databases like to read through all people of the tenant first.
    text = Person.objects.filter(pk=OuterRef("person_id"), is_disabled=False, is_test_user=False)
    members = Membership.objects.filter(course=course, status=_ACTIVE).annotate(
        search_text=Subquery(text.values("search_text"))
    )
    texts = dict(
        members.filter(_matches(words, _anywhere)).values_list("person_id", "search_text")[:_MEMBERS]
    )
    return [_Hit(person, is_in_course=True) for person in _best(Person, texts, words)]


def _in_tenant(tenant_id: UUID, course: Course | None, words: _Words) -> list[_Hit]:
    texts, is_cut_short = _texts(_people(tenant_id), words)
    here = _in_course(tenant_id, course, words) if is_cut_short else []
    if len(here) == _LOOKED_AT:
        return here  # nobody else would be shown
    people = _best(Person, texts, words)
    in_course, gone = _standing_of(people, course)
    hits = [_Hit(person, is_in_course=person.pk in in_course) for person in people if person.pk not in gone]
    texts, _is_cut_short = _texts(_guests(tenant_id), words)
    guests = [_Hit(guest) for guest in _best(Guest, texts, words)]
    return sorted(
        [*here, *hits, *guests],  # a person before the guest with the same address
        key=lambda hit: (not hit.is_in_course, _rank_of_text(hit.who.search_text, words)),
    )


def _standing_of(people: list[Person], course: Course | None) -> tuple[set[UUID], set[UUID]]:
    """Who of them is in the course; and who was in courses, and is in none any more."""
    if not people:
        return set(), set()
    held = list(
        Membership.objects.filter(person__in=people)
        .values_list("person_id", "course_id", "status")
        .distinct()
    )
    active = [(person_id, course_id) for person_id, course_id, status in held if status == _ACTIVE]
    here = {person_id for person_id, course_id in active if course and course_id == course.pk}
    return here, {person_id for person_id, _course, _status in held} - {person_id for person_id, _ in active}


def _texts(rows: QuerySet[_Row], words: _Words) -> tuple[dict[UUID, str], bool]:
    """What is searched, of the rows that match; and whether there are more than were looked at.

    What is rare is found by the first question alone. What is common needs the others, for a whole word is
    better than its beginning, and that than its middle.
    """
    texts = dict(_some(rows, words, _anywhere))
    if len(texts) < _MANY:
        return texts, False
    lengths = [len(word[0]) for word in words]
    if max(lengths) >= _TRIGRAM:
        texts |= _some(rows, words, lambda word: f" {word}")
    if min(lengths) <= _TRIGRAM:  # Li is not Lindqvist
        texts |= _some(rows, words, lambda word: f" {word} ")
    return texts, True


def _some(rows: QuerySet[_Row], words: _Words, pattern: Callable[[str], str]) -> Iterable[tuple[UUID, str]]:
    return rows.filter(_matches(words, pattern)).values_list("pk", "search_text")[:_MANY]


def _matches(words: _Words, pattern: Callable[[str], str]) -> Q:
    spelled = (reduce(or_, (Q(search_text__contains=pattern(each)) for each in word)) for word in words)
    return reduce(and_, spelled)


def _best(model: type[_Row], texts: dict[UUID, str], words: _Words) -> list[_Row]:
    """The rows of those texts that fit best."""
    best = sorted(texts, key=lambda pk: _rank_of_text(texts[pk], words))[:_LOOKED_AT]
    found = model._default_manager.in_bulk(best) if best else {}  # noqa: SLF001 - Django's word for it
    return [found[pk] for pk in best if pk in found]


def _anywhere(word: str) -> str:
    """The word wherever it stands; one without a trigram as the beginning of a word."""
    return word if len(word) >= _TRIGRAM else f" {word}"


def _rank_of_text(text: str, words: _Words) -> tuple[int, str]:
    """How well somebody fits; among equals the alphabet decides."""
    if all(any(f" {spelling} " in text for spelling in word) for word in words):
        return 0, text
    return (1 if all(any(f" {spelling}" in text for spelling in word) for word in words) else 2), text


# --- Addresses that an inviter may not see --------------------------------------------------------------


def masked(email: str) -> str:
    """An address of which only the beginnings show: `a•••@u•••.edu`."""
    local, _at, domain = email.rpartition("@")
    return f"{local[:1]}{HIDDEN}@{domain[:1]}{HIDDEN}.{domain.rpartition('.')[2]}"


def _is_found_by_name(who: Person | Guest, words: _Words) -> bool:
    """Whether the name alone fits: else a hidden address could be guessed letter by letter."""
    names = (
        (who.first_name, who.last_name)
        if isinstance(who, Guest)
        else (who.name, who.given_name, who.family_name, who.chosen_name)
    )
    text = f" {' '.join(name_words(*names))} "
    return all(any(spelling in text for spelling in word) for word in words)


def _choice(viewer: Viewer, who: Person | Guest) -> str:
    """What stands for somebody's address in this viewer's form, at this entry."""
    kind = "guest" if isinstance(who, Guest) else "person"
    return signing.dumps([kind, who.pk.hex, *_holder(viewer)], salt=_SALT)


def _holder(viewer: Viewer) -> Iterator[str]:
    yield from (str(viewer.person_id), str(viewer.entry_id))


def address_chosen(viewer: Viewer, choice: str) -> str:
    """The address for which a choice stands; nothing for one that is not this viewer's, or too old."""
    try:
        kind, key, *holder = signing.loads(choice, salt=_SALT, max_age=_CHOICE_LASTS)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    if holder != list(_holder(viewer)):
        return ""
    rows: QuerySet[Guest] | QuerySet[Person] = (
        _guests(viewer.tenant_id) if kind == "guest" else _people(viewer.tenant_id)
    )
    return rows.filter(pk=UUID(key)).values_list("email", flat=True).first() or ""


def exact_email(typed: str) -> str:
    """The normalised address, if a whole one was typed; else nothing."""
    try:
        return str(normalise_email(typed))
    except AddressError:
        return ""
