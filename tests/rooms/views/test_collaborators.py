"""Pages for rights given by name and for the owner."""

import pytest

from lti_tool.roles import ApplicationRole, Right
from rooms.models import Collaborator
from tests.factories.campus import Campus
from tests.factories.lti import make_member, make_person, make_tenant
from tests.factories.rooms import make_entry


def rights(campus: Campus) -> dict[str, str]:
    rows = campus.entry.collaborators.select_related("person")
    return {row.person.name: row.right for row in rows}


@pytest.mark.parametrize("right", ["co_owner", "co_editor", "co_publisher"])
def test_a_right_is_given_by_name(campus: Campus, right: str) -> None:
    tora = campus.learner(person=make_person(campus.course.tenant, name="Tora Berg"))
    browser = campus.launch()
    answer = browser.post(campus.page("collaborators/"), who="Tora Berg", right=right)
    assert (answer.status, answer.to) == (303, campus.page("collaborators/?notice=given"))
    assert rights(campus) == {"Tora Berg": right}
    page = browser.get(answer.to).text
    assert "Without effect while they are a learner only" in page, "a learner's right waits"
    assert tora.get(campus.page("edit/")).status == 403


def test_the_right_works_at_the_next_request_without_a_new_launch(campus: Campus) -> None:
    tora = campus.launch(
        Right.NONE, ApplicationRole.PRIVATE_ONLY, person=make_person(campus.course.tenant, name="Tora Berg")
    )
    host = campus.launch()
    assert tora.get(campus.page("edit/")).status == 403
    host.post(campus.page("collaborators/"), who="Tora Berg", right="co_editor")
    assert tora.get(campus.page("edit/")).status == 200
    held = Collaborator.objects.get()
    answer = host.post(campus.page(f"collaborators/{held.pk}/"), right="co_publisher")
    assert answer.to == campus.page("collaborators/?notice=given")
    assert tora.get(campus.page("edit/")).status == 403
    host.post(campus.page(f"collaborators/{held.pk}/remove/"))
    assert rights(campus) == {}


def test_half_a_name_asks_back_without_javascript_and_keeps_the_choice_of_right(campus: Campus) -> None:
    for name in ("Tora Berg", "Tom Becker"):
        campus.learner(person=make_person(campus.course.tenant, name=name))
    browser = campus.launch()
    answer = browser.post(campus.page("collaborators/"), who="to b", right="co_owner")
    assert answer.status == 422
    assert "Whom do you mean?" in answer.text
    assert ("<strong>Tora Berg</strong>" in answer.text, "<strong>Tom Becker</strong>" in answer.text) == (
        True,
        True,
    )
    assert 'value="to b"' in answer.text
    assert 'value="co_owner" checked' in answer.text
    assert rights(campus) == {}


def test_suggestions_name_people_of_the_course_and_say_how_many(campus: Campus) -> None:
    tenant = campus.course.tenant
    for name, role in (("Tora Berg", ApplicationRole.VIEWER), ("Tomasz Wrona", ApplicationRole.ADMIN)):
        make_member(campus.course, person=make_person(tenant, name=name), application_role=role)
    make_person(tenant, name="Tom Elsewhere")
    make_person(make_tenant(), name="Tom Stranger")
    text = campus.launch().post(campus.page("collaborators/people/"), q="to").text
    assert 'data-status="2 suggestions"' in text
    assert text.index("Tomasz Wrona") < text.index("Tora Berg"), "who could use a right comes first"
    assert ("Elsewhere" in text, "Stranger" in text) == (False, False)


@pytest.mark.parametrize("right", [Right.CO_EDITOR, Right.CO_PUBLISHER, Right.NONE])
@pytest.mark.parametrize("page", ["collaborators/", "collaborators/people/", "owner/"])
def test_others_see_neither_collaborators_nor_people(campus: Campus, right: Right, page: str) -> None:
    browser = campus.launch(right)
    assert browser.get(campus.page(page), q="pat").status in {403, 405}
    assert browser.post(campus.page(page), q="pat", who="Pat", right="co_owner").status == 403


@pytest.mark.parametrize("right", [Right.CO_EDITOR, Right.CO_PUBLISHER, Right.NONE])
def test_others_change_and_take_nothing(campus: Campus, right: Right) -> None:
    held = campus.name(Right.CO_OWNER, name="Ana")
    browser = campus.launch(right)
    assert browser.get(campus.page(f"collaborators/{held.pk}/")).status == 403
    assert browser.post(campus.page(f"collaborators/{held.pk}/"), right="co_editor").status == 403
    assert browser.post(campus.page(f"collaborators/{held.pk}/remove/")).status == 403
    assert rights(campus) == {"Ana": "co_owner"}


def test_the_collaborator_of_another_room_is_not_found_here(campus: Campus) -> None:
    other = make_entry(campus.course.tenant)
    held = Collaborator.objects.create(
        entry=other, person=make_person(campus.course.tenant), right="co_owner"
    )
    browser = campus.launch()
    assert browser.get(campus.page(f"collaborators/{held.pk}/")).status == 404
    assert browser.post(campus.page(f"collaborators/{held.pk}/remove/")).status == 404


def test_the_owner_is_neither_changed_nor_removed_there(campus: Campus) -> None:
    held = campus.name(Right.OWNER, name="Ana")
    browser = campus.launch()
    assert "make somebody else the owner first" in browser.get(campus.page(f"collaborators/{held.pk}/")).text
    assert browser.post(campus.page(f"collaborators/{held.pk}/"), right="co_editor").status == 403
    assert browser.post(campus.page(f"collaborators/{held.pk}/remove/")).status == 403
    assert browser.post(campus.page(f"collaborators/{held.pk}/"), right="owner").status == 422
    assert rights(campus) == {"Ana": "owner"}


def test_whoever_takes_their_own_right_lands_where_they_still_may_be(campus: Campus) -> None:
    browser = campus.launch(Right.CO_EDITOR, ApplicationRole.PRIVATE_ONLY)
    held = Collaborator.objects.create(entry=campus.entry, person=browser.person, right="co_owner")
    answer = browser.post(campus.page(f"collaborators/{held.pk}/remove/"))
    assert answer.to == campus.page("?notice=taken_away")
    assert browser.get(answer.to).status == 200
    outsider = campus.launch(at=campus.link)
    outsider.tab.course = None
    outsider.tab.save()
    held = Collaborator.objects.create(entry=campus.entry, person=outsider.person, right="co_owner")
    assert outsider.post(campus.page(f"collaborators/{held.pk}/remove/")).to == "/"


# --- The owner ----------------------------------------------------------------------------------------


def test_a_new_owner_is_confirmed_first(campus: Campus) -> None:
    ana = campus.name(Right.OWNER, name="Ana").person
    ben = campus.name(Right.CO_EDITOR, name="Ben").person
    browser = campus.launch(Right.CO_OWNER)
    assert "Now Ana owns this room" in browser.get(campus.page("owner/")).text
    asked = browser.post(campus.page("owner/"), who="Ben")
    assert asked.status == 200
    assert "Make Ben the owner?" in asked.text
    assert "Ana stays as a co-owner" in asked.text
    assert rights(campus) == {"Ana": "owner", "Ben": "co_editor"}
    confirmed = {"who": "Ben", "candidate": str(ben.pk), "owner_seen": str(ana.pk), "is_confirmed": "on"}
    answer = browser.post(campus.page("owner/"), **confirmed)
    assert answer.to == campus.page("collaborators/?notice=owner")
    assert rights(campus) == {"Ana": "co_owner", "Ben": "owner"}


def test_a_confirmation_of_what_changed_meanwhile_is_a_conflict(campus: Campus) -> None:
    campus.name(Right.OWNER, name="Ana")
    ben, cem = (campus.name(Right.CO_EDITOR, name=name).person for name in ("Ben", "Cem"))
    answer = campus.launch().post(
        campus.page("owner/"), who="Ben", candidate=str(ben.pk), owner_seen=str(cem.pk), is_confirmed="on"
    )
    assert answer.status == 409
    assert rights(campus) == {"Ana": "owner", "Ben": "co_editor", "Cem": "co_editor"}


def test_a_learner_is_no_owner(campus: Campus) -> None:
    campus.learner(person=make_person(campus.course.tenant, name="Lena"))
    answer = campus.launch().post(campus.page("owner/"), who="Lena", is_confirmed="on")
    assert answer.status == 422
    assert "Lena is known as a learner only" in answer.text
    assert rights(campus) == {}


def test_the_list_costs_the_same_for_one_person_and_for_three(campus: Campus) -> None:
    campus.name(Right.CO_EDITOR)
    browser = campus.launch()
    for_one = browser.cost(campus.page("collaborators/"))
    for _each in range(2):
        campus.name(Right.CO_EDITOR)
    assert browser.cost(campus.page("collaborators/")) == for_one
