"""Whom typing in the invitation form finds, and in which order."""

from dataclasses import dataclass, replace

import pytest
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from invites.models import ModuleSettings
from invites.queries import Suggestion, address_chosen, masked, suggestions_for
from lti_tool.models import Course, Membership, Person
from lti_tool.services.people import name_person
from rooms.access import Viewer
from rooms.models import Entry
from rooms.policy.rights import Power
from rooms.policy.roles import Role
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_course, make_member, make_person, make_tenant
from tests.factories.rooms import make_entry, make_guest

pytestmark = pytest.mark.django_db


@dataclass
class Campus:
    """A course of a tenant, an entry, and somebody who looks for people."""

    course: Course
    entry: Entry
    rules: ModuleSettings
    viewer: Viewer

    def person(self, name: str, email: str = "", *, is_here: bool = False, **values: object) -> Person:
        given, _space, family = name.rpartition(" ")
        email = email or f"{name.replace(' ', '.').lower()}@uni.example"
        person = make_person(
            self.course.tenant, name=name, given_name=given, family_name=family, email=email, **values
        )
        if is_here:
            make_member(self.course, person=person)
        return person

    def search(self, typed: str) -> list[Suggestion]:
        return suggestions_for(self.viewer, self.course, typed, rules=self.rules)

    def names(self, typed: str) -> list[str]:
        return [found.shown_name for found in self.search(typed)]

    def as_co_publisher(self) -> None:
        self.viewer = replace(self.viewer, powers=frozenset({Power.INVITE}))


@pytest.fixture
def campus() -> Campus:
    course = make_course(make_tenant())
    entry = make_entry(course.tenant)
    viewer = Viewer(
        entry_id=entry.pk,
        tenant_id=course.tenant_id,
        role=Role.HOST,
        name="Ingrid",
        person_id=make_person(course.tenant, email="").pk,
        powers=frozenset(Power),
    )
    return Campus(course, entry, make_settings(course.tenant, suggestions="tenant"), viewer)


@pytest.mark.parametrize(
    "typed", ["muller", "Mueller", "mül", "üll", "rgen.m", "jurgen muller", "uller jur", "MU", "@uni.ex"]
)
def test_any_part_of_name_or_address_whatever_the_accents(campus: Campus, typed: str) -> None:
    campus.person("Jürgen Müller", "jurgen.muller@uni.example")
    campus.person("Ana Silva", "ana@other.example")
    assert campus.names(typed) == ["Jürgen Müller"]


def test_every_word_has_to_match(campus: Campus) -> None:
    campus.person("Ana Silva")
    campus.person("Ana Lund")
    assert campus.names("ana lund") == ["Ana Lund"]
    assert campus.names("ana nobody") == []


def test_the_exact_address_then_the_course_then_whole_words_then_beginnings_then_the_rest(
    campus: Campus,
) -> None:
    campus.person("Tomas Berg", "li@uni.example")
    campus.person("Zoe Lindqvist", is_here=True)
    campus.person("Ben Li")
    campus.person("Abe Lind")
    campus.person("Carl Amelie", "carl@uni.example")
    assert campus.names("li@uni.example") == ["Tomas Berg", "Ben Li"]
    assert campus.names("li") == ["Zoe Lindqvist", "Ben Li", "Tomas Berg", "Abe Lind"]
    assert campus.names("lie") == ["Carl Amelie"]


def test_guests_and_people_of_other_courses_are_found_in_the_whole_tenant_only(campus: Campus) -> None:
    campus.person("Ana Here", is_here=True)
    campus.person("Ana Elsewhere")
    make_guest(campus.course.tenant, email="ana@guest.example", first_name="Ana", last_name="Guest")
    make_person(make_tenant(), name="Ana Foreign")
    assert campus.names("ana") == ["Ana Here", "Ana Elsewhere", "Ana Guest"]
    campus.rules.suggestions = ModuleSettings.Suggestions.COURSE
    assert campus.names("ana") == ["Ana Here"]
    assert campus.names("ana@guest.example") == ["Ana Guest"]
    assert campus.names("ana.elsewhere@uni.example") == ["Ana Elsewhere"]


def test_somebody_who_is_a_guest_and_a_person_is_named_once(campus: Campus) -> None:
    campus.person("Ana Silva", "ana@uni.example")
    make_guest(campus.course.tenant, email="ana@uni.example", first_name="Ana", last_name="Silva")
    assert campus.names("ana sil") == ["Ana Silva"]
    assert campus.names("ana@uni.example") == ["Ana Silva"]


def test_who_is_here_and_who_is_invited_is_marked(campus: Campus) -> None:
    campus.person("Ana Silva", is_here=True)
    campus.person("Ana Lund")
    make_invite(campus.entry, email="ana.lund@uni.example")
    make_invite(email="ana.silva@uni.example")
    marks = [(each.shown_name, each.is_in_course, each.is_invited) for each in campus.search("ana")]
    assert marks == [("Ana Silva", True, False), ("Ana Lund", False, True)]


def test_nobody_is_found_who_is_hidden_or_has_left(campus: Campus) -> None:
    campus.person("Andy Disabled", is_disabled=True, is_here=True)
    campus.person("Andy Preview", is_test_user=True, is_here=True)
    campus.person("Andy Gone", is_here=True)
    Membership.objects.filter(person__name="Andy Gone").update(status=Membership.Status.ABSENT)
    make_person(campus.course.tenant, name="Andy Unreachable", email="")
    assert campus.names("andy") == []


def test_no_more_than_eight(campus: Campus) -> None:
    for number in range(12):
        campus.person(f"Ana Number{number:02}")
    assert campus.names("ana") == [f"Ana Number{number:02}" for number in range(8)]


def test_what_is_common_does_not_bury_whole_words_and_the_course(campus: Campus) -> None:
    tenant = campus.course.tenant
    crowd = [
        Person(
            tenant=tenant,
            sub=f"c{n}",
            name=f"Abel Lindner{n}",
            email=f"{n}@c.example",
            normalised_email=f"{n}@c",
        )
        for n in range(150)
    ]
    for person in crowd:
        person.make_searchable()
    Person.objects.bulk_create(crowd)
    campus.person("Wei Li")
    campus.person("Zoe Lindt", is_here=True)
    assert campus.names("li")[:2] == ["Zoe Lindt", "Wei Li"]
    assert campus.names("lind")[0] == "Zoe Lindt"
    assert len(campus.names("lind")) == 8


def test_a_new_name_is_found_at_once_and_the_old_one_no_more(campus: Campus) -> None:
    person = make_person(campus.course.tenant, name="", given_name="", family_name="", email="x@uni.example")
    name_person(person, "Søren Kier", now=timezone.now())
    assert campus.names("soren") == ["Søren Kier"]
    person.chosen_name = "Ida Kier"
    person.save(update_fields=["chosen_name"])
    assert (campus.names("soren"), campus.names("ida")) == ([], ["Ida Kier"])


def test_signs_of_the_database_mean_themselves(campus: Campus) -> None:
    campus.person("Ana Silva", "ana_b%c@uni.example")
    campus.person("Ben Axb", "ben@uni.example")
    assert campus.names("a_b") == ["Ana Silva"]
    assert campus.names("b%c") == ["Ana Silva"]
    assert campus.names("ab\\") == campus.names("an%x") == []


def test_it_costs_no_more_for_many(campus: Campus) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            campus.search("ana")
        return len(asked)

    campus.person("Ana One", is_here=True)
    once = cost()
    for number in range(5):
        campus.person(f"Ana More{number}", is_here=True)
    assert cost() == once


# --- Addresses that may not be seen ---------------------------------------------------------------


def test_co_publishers_see_masks_and_a_choice_that_stands_for_the_address(campus: Campus) -> None:
    campus.person("Ana Silva", "ana.silva@uni.example.edu")
    campus.as_co_publisher()
    (found,) = campus.search("silva")
    assert found.email == "a•••@u•••.edu"
    assert address_chosen(campus.viewer, found.choice) == "ana.silva@uni.example.edu"


def test_a_choice_is_for_one_viewer_at_one_entry(campus: Campus) -> None:
    campus.person("Ana Silva")
    campus.as_co_publisher()
    choice = campus.search("silva")[0].choice
    other = make_entry(campus.course.tenant)
    somebody = make_person(campus.course.tenant)
    for viewer in (
        replace(campus.viewer, entry_id=other.pk),
        replace(campus.viewer, person_id=somebody.pk),
        replace(campus.viewer, tenant_id=make_tenant().pk),
    ):
        assert address_chosen(viewer, choice) == ""
    forged = signing.dumps(["person", somebody.pk.hex], salt="invites.suggestion")
    assert [address_chosen(campus.viewer, each) for each in ("", "x", choice[:-1], forged)] == [""] * 4


def test_who_sees_no_addresses_cannot_guess_them_letter_by_letter(campus: Campus) -> None:
    campus.person("Ana Silva", "q7@uni.example")
    campus.as_co_publisher()
    assert campus.names("q7") == campus.names("@uni") == campus.names("ana q7") == []
    (exact,) = campus.search("q7@uni.example")
    assert (exact.email, exact.choice) == ("q7@uni.example", "")


def test_a_mask_says_little() -> None:
    assert masked("ana@uni.example") == "a•••@u•••.example"
    assert masked("x@y") == "x•••@y•••.y"
