"""People and courses of a tenant, as an administrator writes or finds them."""

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import reduce
from operator import or_
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from invites.models import ModuleSettings
from invites.queries.suggestions import exact_email
from lti_tool.folding import fold, searched_words
from lti_tool.models import Course, Person, Tenant

MOST_FOUND: Final = 10
_LOOKED_AT: Final = 60  # the best of them are shown


def people_named_in(settings: ModuleSettings) -> list[Person]:
    """Whom AllowedUsers names."""
    return list(Person.objects.filter(pk__in=_named_ids(settings)).order_by("name", "pk"))


def _named_ids(settings: ModuleSettings) -> QuerySet[ModuleSettings, UUID]:
    stored = ModuleSettings.objects.filter(tenant_id=settings.tenant_id, allowed_people__isnull=False)
    return stored.values_list("allowed_people", flat=True)


_NAME_AND_KEY: Final = re.compile(r".*<([^<>]+)>\s*")


def people_behind(tenant: Tenant, line: str) -> list[Person]:
    """The people of the tenant whom a line means: an address, an id (ours or the LMS's), or a whole name.

    `Pat Person <pat@campus.example>` means the address (or id) in the brackets.
    """
    bracketed = _NAME_AND_KEY.fullmatch(line)
    key = " ".join((bracketed[1] if bracketed else line).split())
    by_id = Q(sub=key)
    with suppress(ValueError):
        by_id |= Q(pk=UUID(key))
    people = Person.objects.filter(tenant=tenant, is_test_user=False)
    if exact := exact_email(key):
        by_id |= Q(normalised_email=exact)
    found = list(people.filter(by_id).order_by("pk"))
    if found or bracketed:
        return found
    by_name = Q(name__iexact=key)
    first, _space, last = key.rpartition(" ")
    if first:
        by_name |= Q(given_name__iexact=first, family_name__iexact=last)
    return list(people.filter(by_name).order_by("pk"))


def line_of(person: Person) -> str:
    """The line that means this person and nobody else."""
    email = person.normalised_email
    is_own = email and not (
        Person.objects.filter(tenant_id=person.tenant_id, normalised_email=email)
        .exclude(pk=person.pk)
        .exists()
    )
    return f"{person.shown_name} <{person.email if is_own else person.pk}>"


def people_found(tenant: Tenant, text: str) -> list[Person]:
    """Whom somebody may mean who types this: by id or whole address, else by any part of name and address."""
    words = searched_words(text)
    exact = [person for person in people_behind(tenant, text) if not person.is_disabled]
    if not words:
        return exact[:MOST_FOUND]
    people = Person.objects.filter(tenant=tenant, is_test_user=False, is_disabled=False)
    with_address, without = people.exclude(search_text=""), people.filter(search_text="")
    for spellings in words:
        with_address = with_address.filter(reduce(or_, (Q(search_text__contains=one) for one in spellings)))
    for word in text.split():
        by_name = (f"{field}__icontains" for field in ("name", "given_name", "family_name", "chosen_name"))
        without = without.filter(reduce(or_, (Q((lookup, word)) for lookup in by_name)))
    order = ("family_name", "name", "pk")
    like = [*with_address.order_by(*order)[:_LOOKED_AT], *without.order_by(*order)[:MOST_FOUND]]
    best_first = sorted(like, key=lambda person: not _begins_so(person, words))
    return list(dict.fromkeys([*exact, *best_first]))[:MOST_FOUND]


def _begins_so(person: Person, words: Sequence[Sequence[str]]) -> bool:
    """Whether each word stands at the beginning of one of the person's."""
    text = person.search_text or f" {fold(person.shown_name)}"
    return all(any(f" {spelling}" in text for spelling in spellings) for spellings in words)


_COURSE_PREFIX: Final = "course-"


def courses_behind(tenant: Tenant, line: str) -> list[Course]:
    """The courses of the tenant that a line means: by the LMS's id, by code, or by whole title.

    `Marine Biology <4711>` means the id in the brackets.
    """
    bracketed = _NAME_AND_KEY.fullmatch(line)
    key = " ".join((bracketed[1] if bracketed else line).split())
    own_id = key.removeprefix(_COURSE_PREFIX)
    courses = Course.objects.filter(tenant=tenant).order_by("title", "pk")
    by_id = Q(context_id=key)
    if key != own_id and own_id.isdecimal():
        by_id |= Q(pk=int(own_id))
    found = list(courses.filter(by_id))
    if found or bracketed:
        return found
    return list(courses.filter(Q(label__iexact=key) | Q(title__iexact=key)))


def line_of_course(course: Course) -> str:
    """The line that means this course and no other."""
    namesakes = Course.objects.filter(tenant_id=course.tenant_id, context_id=course.context_id)
    is_own = not namesakes.exclude(pk=course.pk).exists()
    key = course.context_id if is_own and not set(course.context_id) & set("<>") else ""
    return f"{course} <{key or f'{_COURSE_PREFIX}{course.pk}'}>"


def courses_found(tenant: Tenant, text: str) -> list[Course]:
    """Courses that somebody may mean who types this: by any part of title, code or the LMS's id."""
    courses = Course.objects.filter(tenant=tenant)
    for word in text.split():
        courses = courses.filter(
            Q(title__icontains=word) | Q(label__icontains=word) | Q(context_id__icontains=word)
        )
    return list(courses.order_by("title", "pk")[:MOST_FOUND]) if text.strip() else []
