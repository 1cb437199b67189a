"""Where a launch lands, and how an empty link gets its room."""

import pytest
from django.utils import timezone

from lti_tool.roles import ApplicationRole, Right
from rooms.models import Binding, Collaborator, Entry
from tests.factories.campus import Campus
from tests.factories.lti import make_course, make_placement, make_tenant
from tests.factories.rooms import make_entry, make_placed_entry

TYPED = {"title": "Guest lecture", "time_zone": "Europe/Oslo", "has_chat": "on"}


def test_a_link_that_shows_a_room_leads_there(campus: Campus) -> None:
    for browser in (campus.launch(), campus.learner()):
        answer = browser.get("/")
        assert (answer.status, answer.to) == (303, campus.page())
        assert browser.get(answer.to).status == 200


@pytest.mark.parametrize("right", [Right.OWNER, Right.CO_EDITOR, Right.CO_PUBLISHER])
def test_an_empty_link_offers_whoever_has_a_right_to_set_it_up(campus: Campus, right: Right) -> None:
    answer = campus.launch(right, at=campus.link).get("/")
    assert answer.status == 200
    assert "Set up this link" in answer.text
    assert "A new room" not in answer.text, "it may be a video or a document as well"
    assert 'value="Week 6: Live session"' in answer.text, "the link's own title is a good guess"
    assert "Without a start the doors are open at once" in answer.text


def test_a_learner_reads_that_nothing_is_there_yet(campus: Campus) -> None:
    answer = campus.learner(at=campus.link).get("/")
    assert answer.status == 200
    assert "Not set up yet" in answer.text
    assert "/setup/" not in answer.text
    assert "/admin/config/" not in answer.text


@pytest.mark.parametrize(("is_admin", "shown"), [(True, True), (False, False)])
def test_an_institutions_administrator_is_shown_the_way_to_the_console(
    campus: Campus, is_admin: bool, shown: bool
) -> None:
    browser = campus.launch(
        Right.NONE, ApplicationRole.UNMODERATED_ADMIN, at=campus.link, is_console_admin=is_admin
    )
    answer = browser.get("/")
    assert "Not set up yet" in answer.text
    assert (browser.at("/admin/config/tab/invitetomedia") in answer.text) is shown


def test_a_launch_without_a_link_is_told_so(campus: Campus) -> None:
    browser = campus.launch()
    browser.tab.placement = None
    browser.tab.save()
    answer = browser.get("/")
    assert answer.status == 200
    assert "did not come by a link" in answer.text
    assert browser.get("/setup/").status == 404


@pytest.mark.parametrize(
    ("right", "application_role", "learner_wins", "said"),
    [
        (Right.NONE, ApplicationRole.VIEWER, True, "You are here as a learner."),
        (Right.OWNER, ApplicationRole.ADMIN, False, "You have two kinds of roles here."),
    ],
)
def test_mixed_roles_are_told_on_the_page_that_somebody_lands_on(
    campus: Campus, right: Right, application_role: ApplicationRole, learner_wins: bool, said: str
) -> None:
    tenant = campus.course.tenant
    tenant.learner_wins = learner_wins
    tenant.save()
    for at in (campus.link, campus.entry_link):
        for is_mixed in (True, False):
            browser = campus.launch(right, application_role, at=at, has_mixed_roles=is_mixed)
            landed = browser.get("/")
            text = landed.text if landed.status == 200 else browser.get(landed.to).text
            assert (said in text) is is_mixed


# --- Making one ---------------------------------------------------------------------------------------


def test_a_form_makes_a_room_and_leads_into_it(campus: Campus) -> None:
    browser = campus.launch(at=campus.link)
    answer = browser.post(
        "/setup/",
        **TYPED,
        start_date="2030-03-02",
        start_time="14:00",
        end_date="2030-03-02",
        end_time="15:00",
        description="Bring boots.",
    )
    entry = Entry.objects.exclude(pk=campus.entry.pk).get()
    assert (answer.status, answer.to) == (303, f"/media/{entry.pk}/?notice=made")
    assert entry.starts_at is not None
    assert entry.starts_at.isoformat() == "2030-03-02T13:00:00+00:00"
    assert campus.link.binding.entry == entry
    assert entry.collaborators.get().person == browser.person
    assert "Your room is made." in browser.get(answer.to).text


def test_an_error_keeps_all_that_was_typed(campus: Campus) -> None:
    answer = campus.launch(at=campus.link).post(
        "/setup/",
        time_zone="Europe/Berlin",
        title="",
        description="Bring <boots>.",
        start_date="2026-03-29",
        start_time="02:30",
    )
    assert answer.status == 422
    assert "2 things need a look" in answer.text
    for kept in (
        "Bring &lt;boots&gt;.",
        'value="2026-03-29"',
        'value="02:30"',
        'value="Europe/Berlin" selected',
        'aria-describedby="id_start_time_error"',
        'id="id_start_time_error"',
    ):
        assert kept in answer.text
    assert Entry.objects.count() == 1


@pytest.mark.parametrize(
    ("path", "method"), [("/setup/", "get"), ("/setup/", "post"), ("/setup/pick/", "post")]
)
def test_a_learner_sets_nothing_up(campus: Campus, path: str, method: str) -> None:
    browser = campus.learner(at=campus.link)
    assert getattr(browser, method)(path, **({} if method == "get" else TYPED)).status == 403
    assert not Binding.objects.filter(placement=campus.link).exists()


def test_whoever_comes_second_is_shown_the_winners_room_with_a_word_about_it(campus: Campus) -> None:
    second = campus.launch(at=campus.link)
    first = campus.launch(at=campus.link)
    assert second.get("/").status == 200  # has the form open
    first.post("/setup/", **TYPED)
    winner = campus.link.binding.entry
    for answer in (
        second.post("/setup/", title="Mine", time_zone="UTC"),
        second.post("/setup/pick/", entry=str(campus.entry.pk)),
    ):
        assert (answer.status, answer.to) == (303, f"/media/{winner.pk}/?notice=taken")
    assert second.get("/setup/").to == f"/media/{winner.pk}/", "who has sent nothing needs no word"
    assert first.post("/setup/", **TYPED).to == f"/media/{winner.pk}/", "nor who pressed the button twice"
    page = second.get(answer.to)
    assert "Guest lecture" in page.text
    assert "Somebody else set up this link a moment ago." in page.text
    assert not Entry.objects.filter(title="Mine").exists()


# --- Picking one --------------------------------------------------------------------------------------


def test_a_room_of_the_course_is_picked(campus: Campus) -> None:
    browser = campus.launch(at=campus.link)
    assert "Reading the ice" in browser.get("/").text
    answer = browser.post("/setup/pick/", entry=str(campus.entry.pk))
    assert (answer.status, answer.to) == (303, campus.page("?notice=placed"))
    assert campus.link.binding.entry == campus.entry


def test_the_list_holds_what_somebody_may_place_and_nothing_else(campus: Campus) -> None:
    tenant = campus.course.tenant
    browser = campus.launch(Right.CO_EDITOR, ApplicationRole.PRIVATE_ONLY, at=campus.link)
    rows = {
        "mine": Right.OWNER,
        "shared with me": Right.CO_OWNER,
        "mine to publish": Right.CO_PUBLISHER,
        "mine to edit only": Right.CO_EDITOR,
    }
    for title, right in rows.items():
        entry = make_entry(tenant, title=title)
        Collaborator.objects.create(entry=entry, person=browser.person, right=right.value)
    make_entry(tenant, title="somebody's")
    deleted = make_entry(tenant, title="deleted", deleted_at=timezone.now())
    Collaborator.objects.create(entry=deleted, person=browser.person, right="owner")
    foreign, _link = make_placed_entry(make_course(make_tenant()), title="foreign")
    Collaborator.objects.create(entry=foreign, person=browser.person, right="owner")
    text = browser.get("/").text
    shown = {
        title
        for title in [*rows, "somebody's", "deleted", "foreign", "Reading the ice"]
        if f">{title}<" in text
    }
    assert shown == {"mine", "shared with me", "mine to publish"}
    for entry in Entry.objects.exclude(title__in=shown):
        assert browser.post("/setup/pick/", entry=str(entry.pk)).status == 404
    assert not Binding.objects.filter(placement=campus.link).exists()


@pytest.mark.parametrize("entry", ["", "nonsense", "6f1f4f4e-0000-4000-8000-000000000000"])
def test_picking_nothing_is_not_found(campus: Campus, entry: str) -> None:
    assert campus.launch(at=campus.link).post("/setup/pick/", entry=entry).status == 404


def test_the_search_looks_at_titles_and_courses(campus: Campus) -> None:
    browser = campus.launch(at=campus.link)
    other = make_course(campus.course.tenant, title="Rivers and seas")
    entry, _link = make_placed_entry(other, title="Office hours")
    Collaborator.objects.create(entry=entry, person=browser.person, right="owner")
    assert ">Office hours<" in browser.get("/").text
    for words, found in (("hours", True), ("RIVERS office", True), ("glaciology", False), ("%", False)):
        text = browser.get("/setup/", q=words).text
        assert (">Office hours<" in text) is found, words
    assert "None of your rooms has" in browser.get("/setup/", q="zzz").text


def test_a_long_list_has_pages(campus: Campus) -> None:
    for number in range(8):
        campus.placed(title=f"Seminar {number}")
    browser = campus.launch(at=campus.link)
    first, second = browser.get("/").text, browser.get("/setup/", page="2").text
    assert (">Seminar 7<" in first, ">Seminar 0<" in first) == (True, False)
    assert (">Seminar 7<" in second, ">Seminar 0<" in second) == (False, True)
    assert "1 of 2" in first


def test_the_list_costs_the_same_for_one_room_and_for_three(campus: Campus) -> None:
    browser = campus.launch(at=campus.link)
    for_one = browser.cost("/")
    for _each in range(2):
        campus.placed()
    assert browser.cost("/") == for_one


def test_a_link_of_another_tenant_is_another_link(campus: Campus) -> None:
    """The same resource link id in a sibling tenant says nothing about ours."""
    sibling = make_course(make_tenant(platform=campus.course.tenant.platform))
    link = make_placement(sibling, resource_link_id=campus.entry_link.resource_link_id)
    answer = campus.launch(at=link).get("/")
    assert answer.status == 200
    assert "Reading the ice" not in answer.text
