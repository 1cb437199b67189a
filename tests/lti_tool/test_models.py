"""What rows say of themselves."""

import uuid

from lti_tool.models import Course, Person, Platform

SHORT = uuid.UUID("abcd0000-0000-0000-0000-000000000000")


def test_a_person_without_a_name_has_one_to_show() -> None:
    person = Person(id=SHORT, sub="guid_4711")
    assert str(person) == "Person ABCD"
    assert type(person.shown_name) is str


def test_a_person_is_shown_by_what_is_known() -> None:
    assert Person(name="Ana García").shown_name == "Ana García"
    assert Person(given_name="Ana").shown_name == "Ana"
    assert Person(given_name="Ana", family_name="García").shown_name == "Ana García"


def test_a_course_without_a_title_has_one_to_show() -> None:
    assert [str(Course(title="Biology", label="BIO")), str(Course(label="BIO"))] == ["Biology", "BIO"]
    assert str(Course()) == "Untitled course"


def test_the_audience_is_the_token_url_unless_it_has_its_own() -> None:
    assert Platform(token_url="https://lms.example/token").audience == "https://lms.example/token"
    assert Platform(token_url="https://lms.example/token", token_audience="https://x").audience == "https://x"
