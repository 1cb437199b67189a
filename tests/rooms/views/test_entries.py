"""Pages for editing, deleting and moving a room, and the menu that leads there."""

import re

import pytest
from django.utils import timezone

from lti_tool.roles import ApplicationRole, Right
from rooms.models import Binding, Collaborator, Entry, EntryChange
from rooms.services.entries import note_mailed_guests
from tests.factories.campus import Campus
from tests.factories.lti import make_course, make_placement
from tests.factories.rooms import make_guest, make_participant


def items(text: str) -> set[str]:
    """The words of the ⋯ menu."""
    menu = re.search(r'<div class="menu__list">(.*?)</details>', text, re.DOTALL)
    if menu is None:
        return set()
    found = re.findall(r'class="menu__item[^"]*".*?</svg>\s*(.*?)\s*</(?:a|button)>', menu[1], re.DOTALL)
    return set(found)


HOSTING = {"Close the doors", "End the session", "Reports"}


@pytest.mark.parametrize(
    ("right", "application_role", "expected"),
    [
        (
            Right.OWNER,
            ApplicationRole.ADMIN,
            {
                "Invite users",
                "Edit details",
                "Audio and video",
                "What is shown",
                "Collaborators",
                "Change what this link shows",
                "Delete",
                *HOSTING,
            },
        ),
        (
            Right.CO_EDITOR,
            ApplicationRole.PRIVATE_ONLY,
            {"Invite users", "Edit details", "Audio and video", "What is shown", *HOSTING},
        ),
        (Right.CO_PUBLISHER, ApplicationRole.ADMIN, {"Invite users", "Change what this link shows"}),
        (Right.NONE, ApplicationRole.ADMIN, set()),
        (Right.OWNER, ApplicationRole.VIEWER, set()),
    ],
)
def test_the_menu_holds_what_somebody_may_do(
    campus: Campus, right: Right, application_role: ApplicationRole, expected: set[str]
) -> None:
    assert items(campus.launch(right, application_role).get(campus.page()).text) == expected


def test_the_menu_follows_the_doors(campus: Campus) -> None:
    browser = campus.launch()
    for doors, expected in (
        ("schedule", {"Close the doors", "End the session"}),
        ("open", {"Close the doors", "End the session"}),
        ("closed", {"Open the doors", "End the session"}),
        ("ended", {"Open the doors again"}),
    ):
        Entry.objects.filter(pk=campus.entry.pk).update(doors=doors, doors_changed_at=timezone.now())
        shown = items(browser.get(campus.page()).text)
        assert {item for item in shown if "door" in item or "session" in item} == expected


def test_only_the_link_that_shows_the_room_can_be_changed_from_there(campus: Campus) -> None:
    browser = campus.launch(at=campus.link)
    assert "Change what this link shows" not in items(browser.get(campus.page()).text)
    assert browser.get(campus.page("place/")).status == 409


# --- Editing ------------------------------------------------------------------------------------------


def test_a_co_editor_edits_and_everybody_sees_it(campus: Campus) -> None:
    browser = campus.launch(Right.CO_EDITOR, ApplicationRole.PRIVATE_ONLY)
    assert 'value="Reading the ice"' in browser.get(campus.page("edit/")).text
    answer = browser.post(campus.page("edit/"), title="Reading the rocks", time_zone="Asia/Kolkata")
    assert (answer.status, answer.to) == (303, campus.page("?notice=saved"))
    text = campus.learner().get(campus.page()).text
    assert "Reading the rocks" in text


def test_an_error_keeps_what_was_typed_and_the_room_as_it_was(campus: Campus) -> None:
    answer = campus.launch().post(
        campus.page("edit/"), title="Another", time_zone="UTC", start_date="2030-01-01"
    )
    assert answer.status == 422
    assert 'value="Another"' in answer.text
    assert "Choose the time of the start, too." in answer.text
    campus.entry.refresh_from_db()
    assert campus.entry.title == "Reading the ice"


def test_what_is_typed_is_text_not_markup(campus: Campus) -> None:
    browser = campus.launch()
    browser.post(campus.page("edit/"), title="<script>alert(1)</script>", time_zone="UTC")
    for page in ("", "edit/", "delete/", "place/", "collaborators/", "owner/"):
        assert "<script>alert" not in browser.get(campus.page(page)).text


def test_where_somebody_was_invited_by_mail_an_edit_asks_whether_they_are_told(campus: Campus) -> None:
    browser = campus.launch()
    assert 'name="tells_invited"' not in browser.get(campus.page("edit/")).text
    browser.post(campus.page("edit/"), title="One", time_zone="UTC", tells_invited="on")
    assert not EntryChange.objects.get().is_to_be_told, "nobody was asked"

    note_mailed_guests(campus.entry)
    shown = browser.get(campus.page("edit/")).text
    assert re.search(r'<input[^>]*name="tells_invited"[^>]* checked', shown)
    browser.post(campus.page("edit/"), title="Two", time_zone="UTC")
    assert not EntryChange.objects.get().is_to_be_told
    browser.post(campus.page("edit/"), title="Three", time_zone="UTC", tells_invited="on")
    assert EntryChange.objects.get().is_to_be_told


@pytest.mark.parametrize("right", [Right.CO_PUBLISHER, Right.NONE])
def test_others_do_not_edit(campus: Campus, right: Right) -> None:
    browser = campus.launch(right)
    assert browser.get(campus.page("edit/")).status == 403
    assert browser.post(campus.page("edit/"), title="Mine", time_zone="UTC").status == 403


# --- Deleting -----------------------------------------------------------------------------------------


def test_deleting_asks_first_and_names_what_ends(campus: Campus) -> None:
    was_inside = campus.learner()
    was_inside.get(campus.page())
    make_participant(campus.entry, guest=make_guest(campus.course.tenant))
    browser = campus.launch()
    page = browser.get(campus.page("delete/"))
    assert page.status == 200
    for said in (
        "All invitation links stop working",
        "1 guest has a place here",
        "Week 5 (GEO 214 Glaciology)",
    ):
        assert said in page.text
    assert Entry.objects.get().deleted_at is None
    answer = browser.post(campus.page("delete/"))
    assert (answer.status, answer.to) == (303, "/?notice=deleted")
    landed = browser.get(answer.to)
    assert "The room is deleted." in landed.text
    assert "Set up this link" in landed.text, "its link is free for another room"
    assert was_inside.get(campus.page()).status == 410, "who was inside is told"
    assert campus.learner().get(campus.page()).status == 404


@pytest.mark.parametrize("right", [Right.CO_EDITOR, Right.CO_PUBLISHER, Right.NONE])
def test_others_do_not_delete(campus: Campus, right: Right) -> None:
    browser = campus.launch(right)
    assert browser.get(campus.page("delete/")).status == 403
    assert browser.post(campus.page("delete/")).status == 403
    assert Entry.objects.get().deleted_at is None


def test_instructors_of_another_course_do_not_even_find_it(campus: Campus) -> None:
    elsewhere = campus.launch(at=make_placement(make_course(campus.course.tenant)))
    for page in ("", "edit/", "delete/", "place/", "collaborators/", "owner/"):
        assert elsewhere.get(campus.page(page)).status == 404
        assert elsewhere.post(campus.page(page)).status in {404, 405}


# --- Another room at the link -------------------------------------------------------------------------


def test_the_link_shows_another_room(campus: Campus) -> None:
    other = campus.placed(title="Office hours")
    browser = campus.launch()
    page = browser.get(campus.page("place/")).text
    assert ">Office hours<" in page
    assert f'value="{campus.entry.pk}"' not in page, "the one that it shows now is no choice"
    answer = browser.post(campus.page("place/"), entry=str(other.pk))
    assert (answer.status, answer.to) == (303, f"/media/{other.pk}/?notice=placed")
    assert campus.learner().get("/").to == f"/media/{other.pk}/"


def test_the_link_is_emptied_for_a_new_room(campus: Campus) -> None:
    browser = campus.launch()
    answer = browser.post(campus.page("place/"))
    assert (answer.status, answer.to) == (303, "/?notice=emptied")
    assert "Set up this link" in browser.get(answer.to).text
    assert "Not set up yet" in campus.learner().get("/").text


def test_a_co_publisher_by_name_moves_it_and_a_co_editor_does_not(campus: Campus) -> None:
    assistant = campus.launch(Right.CO_EDITOR, ApplicationRole.PRIVATE_ONLY)
    assert assistant.get(campus.page("place/")).status == 403
    assert assistant.post(campus.page("place/")).status == 403
    assert Binding.objects.filter(placement=campus.entry_link, entry=campus.entry).exists()
    Collaborator.objects.create(entry=campus.entry, person=assistant.person, right="co_publisher")
    assert assistant.get(campus.page("place/")).status == 200


def test_a_choice_made_on_an_old_page_is_a_conflict(campus: Campus) -> None:
    other, third = campus.placed(title="Other"), campus.placed(title="Third")
    browser = campus.launch()
    Binding.objects.filter(placement=campus.entry_link).update(entry=third)
    Collaborator.objects.create(entry=campus.entry, person=browser.person, right="owner")
    assert browser.post(campus.page("place/"), entry=str(other.pk)).status == 409
    assert Binding.objects.get(placement=campus.entry_link).entry == third


def test_the_choice_costs_the_same_for_one_room_and_for_three(campus: Campus) -> None:
    campus.placed()
    browser = campus.launch()
    for_one = browser.cost(campus.page("place/"))
    for _each in range(2):
        campus.placed()
    assert browser.cost(campus.page("place/")) == for_one
