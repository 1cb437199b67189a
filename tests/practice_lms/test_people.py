from __future__ import annotations

import pytest

from practice_lms.people import (
    ADMINISTRATOR,
    ASSISTANT,
    CAMPUS,
    HARBOUR_ENGINEERING,
    INSTRUCTOR,
    LEARNERS,
    MARINE_BIOLOGY,
    SEMINAR_ROOM,
    Link,
    crowded_campus,
)


def test_a_course_has_its_team_and_thirty_learners() -> None:
    names = [one.person.name for one in MARINE_BIOLOGY.enrolments]
    assert len(names) == 4 + 30
    assert len(set(names)) == len(names)
    assert len(LEARNERS) == 30


def test_ids_have_the_form_that_brightspace_gives_them() -> None:
    prefix, _, number = INSTRUCTOR.sub.rpartition("_")
    assert len(prefix) == 36
    assert number == "1102"
    assert SEMINAR_ROOM.resource_link_id == "b7a4d0e2-5c19-4f38-8e6b-0d93f1a27c54-41_6784"
    assert MARINE_BIOLOGY.context_id == "6784"


def test_numbers_are_given_once() -> None:
    people = [person.number for person in CAMPUS.people]
    links = [link.number for course in CAMPUS.courses for link in course.links]
    assert len(people) == len(set(people))
    assert len(links) == len(set(links))


def test_an_assistant_comes_with_the_principal_role() -> None:
    assert [role.rpartition("/")[2] for role in MARINE_BIOLOGY.roles_of(ASSISTANT)] == [
        "Instructor#TeachingAssistant",
        "membership#Instructor",
    ]


def test_one_person_may_teach_here_and_learn_there() -> None:
    assert [role.rpartition("#")[2] for role in HARBOUR_ENGINEERING.roles_of(ASSISTANT)] == ["Learner"]
    assert HARBOUR_ENGINEERING.roles_of(INSTRUCTOR) == ()


def test_the_administrator_is_in_no_course_and_may_look_into_all() -> None:
    assert [course.roles_of(ADMINISTRATOR) for course in CAMPUS.courses] == [(), ()]
    assert all(CAMPUS.may_open(ADMINISTRATOR, course) for course in CAMPUS.courses)
    assert not CAMPUS.may_open(INSTRUCTOR, HARBOUR_ENGINEERING)


def test_a_link_of_nowhere_has_no_course() -> None:
    with pytest.raises(LookupError):
        CAMPUS.course_of(Link(1, "x", 1, "Nowhere"))


def test_a_crowd_fits_on_the_campus() -> None:
    campus = crowded_campus(20_000)
    assert len(campus.courses[-1].enrolments) == 20_001
    assert campus.course(MARINE_BIOLOGY.org_unit) is MARINE_BIOLOGY
