"""People of whom the LMS tells no name, or next to nothing."""

import pytest

from lti_tool.models import Person, Placement
from lti_tool.roles import Right
from rooms.models import Entry
from rooms.queries import people_of_tenant
from tests.factories.campus import Browser, Campus
from tests.factories.lti import make_person

NAMELESS = {"name": "", "given_name": "", "family_name": "", "email": ""}


def nameless(campus: Campus, **values: object) -> Person:
    return make_person(campus.course.tenant, **{**NAMELESS, **values})


def reload(browser: Browser) -> Person:
    return Person.objects.get(pk=browser.person.pk)


def test_somebody_without_a_name_is_asked_once(campus: Campus) -> None:
    browser = campus.launch(person=nameless(campus))
    assert browser.get("/").to == "/name/"
    assert "What shall we call you?" in browser.get("/name/").text
    answer = browser.post("/name/", name="  Ana\tde la Cruz\u202e ")
    assert answer.to == "/"
    assert reload(browser).shown_name == "Ana de la Cruz"
    assert browser.get("/").to == campus.page()
    assert "Ana de la Cruz" in browser.get(campus.page()).text


def test_going_on_without_one_is_an_answer(campus: Campus) -> None:
    browser = campus.launch(person=nameless(campus))
    page = browser.get("/name/").text
    neutral = str(browser.person.shown_name)
    assert f"Go on as “{neutral}”" in page
    assert browser.post("/name/", skip="1", name="").to == "/"
    assert browser.get("/").to == campus.page()
    assert str(reload(browser).shown_name) == neutral
    assert browser.person.sub not in neutral


@pytest.mark.parametrize("name", ["", "   ", "\u202e\u200f", "x" * 101])
def test_a_name_that_is_none_is_said(campus: Campus, name: str) -> None:
    answer = campus.launch(person=nameless(campus)).post("/name/", name=name)
    assert answer.status == 422
    assert "field--invalid" in answer.text


def test_the_name_of_the_lms_counts(campus: Campus) -> None:
    known = campus.launch()
    assert known.get("/").to == campus.page()
    assert known.get("/name/").to == "/"
    assert known.post("/name/", name="Somebody else").to == "/"
    assert reload(known).chosen_name == ""
    asked = nameless(campus, chosen_name="Ana")
    asked.given_name = "Anna"
    assert asked.shown_name == "Anna"


def test_the_preview_person_is_marked_not_asked_and_not_suggested(campus: Campus) -> None:
    browser = campus.learner(person=nameless(campus, name="Test Student", is_test_user=True))
    assert browser.get("/").to == campus.page()
    assert "Test Student (preview)" in browser.get(campus.page()).text
    assert campus.launch(person=nameless(campus, is_test_user=True)).get("/").to == campus.page()
    viewer = type("Asked", (), {"tenant_id": campus.course.tenant_id})()
    assert not people_of_tenant(viewer).filter(is_test_user=True).exists()


def test_without_a_course_the_room_hangs_on_its_link_alone(campus: Campus) -> None:
    """`context` withheld: the right comes from the launch, and reaches this one link."""
    link = Placement.objects.create(
        tenant=campus.course.tenant, deployment=campus.course.deployment, resource_link_id="lonely"
    )
    teacher = campus.launch(at=link, person=nameless(campus, chosen_name="Ana"))
    teacher.tab.course = None
    teacher.tab.save()
    assert "Set up this link" in teacher.get("/").text
    assert teacher.post("/setup/", title="Lonely", time_zone="UTC").status == 303
    entry = Entry.objects.get(title="Lonely")
    assert teacher.get(f"/media/{entry.pk}/edit/").status == 200
    learner = campus.learner(at=link)
    learner.tab.course = None
    learner.tab.save()
    assert learner.get("/").to == f"/media/{entry.pk}/"
    assert learner.get(f"/media/{entry.pk}/edit/").status == 403
    elsewhere = campus.launch(Right.OWNER)
    assert elsewhere.get(f"/media/{entry.pk}/").status == 404
