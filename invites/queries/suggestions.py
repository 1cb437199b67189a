"""Whom an inviter may mean."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from invites.domains import (
    AddressError,
    normalise_email,
)
from invites.models import Invite
from lti_tool.models import Course, Membership, Person
from rooms.access import Viewer
from rooms.models import Guest

_SUGGESTED: Final = 8
_LEAST_LETTERS: Final = 2


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Somebody whom an inviter may mean."""

    email: str
    first_name: str
    last_name: str
    shown_name: str
    is_in_course: bool
    is_invited: bool


def suggestions_for(viewer: Viewer, course: Course | None, typed: str) -> list[Suggestion]:
    """The course's people by any part of name or address; anybody else by the exact address."""
    words = typed.split()
    if len(typed.strip()) < _LEAST_LETTERS:
        return []
    people = list(_people(viewer, course, words)[:_SUGGESTED])
    exact = exact_email(typed)
    guests: list[Guest] = []
    if exact and not any(person.normalised_email == exact for person in people):
        guests = list(Guest.objects.filter(tenant_id=viewer.tenant_id, normalised_email=exact))
    emails = [person.normalised_email for person in people] + [guest.normalised_email for guest in guests]
    invited = set(
        Invite.objects.filter(entry_id=viewer.entry_id, normalised_email__in=emails).values_list(
            "normalised_email", flat=True
        )
    )
    return [
        Suggestion(
            email=person.email,
            first_name=person.given_name or person.name.rpartition(" ")[0],
            last_name=person.family_name or person.name.rpartition(" ")[2],
            shown_name=person.shown_name,
            is_in_course=bool(getattr(person, "is_in_course", False)),
            is_invited=person.normalised_email in invited,
        )
        for person in people
    ] + [
        Suggestion(
            email=guest.email,
            first_name=guest.first_name,
            last_name=guest.last_name,
            shown_name=guest.shown_name,
            is_in_course=False,
            is_invited=guest.normalised_email in invited,
        )
        for guest in guests
    ]


def _people(viewer: Viewer, course: Course | None, words: list[str]) -> QuerySet[Person]:
    in_course = Exists(
        Membership.objects.filter(course=course, person=OuterRef("pk"), status=Membership.Status.ACTIVE)
    )
    by_part = Q(in_course)
    for word in words:
        by_part &= (
            Q(name__icontains=word)
            | Q(given_name__icontains=word)
            | Q(family_name__icontains=word)
            | Q(email__icontains=word)
        )
    exact = exact_email(" ".join(words))
    wanted = by_part | Q(normalised_email=exact) if exact else by_part
    return (
        Person.objects.filter(wanted, tenant_id=viewer.tenant_id, is_disabled=False, is_test_user=False)
        .exclude(email="")
        .annotate(is_in_course=in_course)
        .order_by("name", "pk")
    )


def exact_email(typed: str) -> str:
    """The normalised address, if a whole one was typed; else nothing."""
    try:
        return str(normalise_email(typed))
    except AddressError:
        return ""
