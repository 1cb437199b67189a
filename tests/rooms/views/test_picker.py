"""The content picker of a course: D1 to D7 of the certification over real HTTP, and what it must never do."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import httpx
import jwt
import pytest
from django.conf import settings
from django.core.signing import TimestampSigner
from django.db import connections
from django.test import Client

from lti_tool.claims import LTI
from lti_tool.models import ContentRequest, Placement, Tab
from lti_tool.origins import origin_of
from lti_tool.roles import ApplicationRole, Right
from lti_tool.services.deep_linking import DL
from practice_lms.people import HARBOUR_ENGINEERING, INSTRUCTOR, LEARNER, MARINE_BIOLOGY
from practice_lms.people import Link as LmsLink
from practice_lms.server import RunningLms
from rooms.links import EntryHint, WishHint, seal, unseal
from rooms.models import Entry, Guest, Participant
from tests.factories.campus import Browser, Campus, make_campus
from tests.factories.launches import register
from tests.factories.lti import make_course, make_person, make_tenant
from tests.factories.rooms import make_entry, make_guest, make_participant, make_placed_entry
from tests.factories.walking import Visitor, form_to
from tests.servers import RunningTool, run_tool

TYPED = {
    "title": "Life at the vents",
    "description": "Bring\nquestions.",
    "time_zone": "UTC",
    "has_chat": "on",
}
BACK = "https://lms.example/back?session=1&x=%22"


# --- Over real HTTP ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tool(django_db_setup: None) -> Iterator[RunningTool]:
    with run_tool() as running:
        yield running


@pytest.fixture
def lms(tool: RunningTool, transactional_db: None) -> Iterator[RunningLms]:
    with RunningLms(tool_url=tool.url) as running:
        register(running)
        yield running


@pytest.fixture
def teacher(tool: RunningTool) -> Visitor:
    return Visitor(tool.url)


def give(visitor: Visitor, page: httpx.Response, ending: str, **fields: object) -> httpx.Response:
    """Send one of the picker's forms as a browser would that refuses all cookies."""
    form = form_to(page, ending)
    return visitor.post(form.action, {**form.fields, **fields}, with_cookies=False)


def carry_back(visitor: Visitor, answer: httpx.Response) -> httpx.Response:
    """What the answer's form does by itself: to the LMS, which checks everything."""
    form = form_to(answer, "/return")
    return visitor.post(form.action, form.fields, with_cookies=False)


def links_of(lms: RunningLms, org_unit: int) -> tuple[LmsLink, ...]:
    course = lms.platform.campus.course(org_unit)
    assert course is not None
    return course.links


def test_a_new_room_goes_the_whole_way(lms: RunningLms, teacher: Visitor, tool: RunningTool) -> None:
    page = teacher.pick(lms, INSTRUCTOR, MARINE_BIOLOGY)  # D1
    assert page.status_code == 200
    assert "Add a room to your course" in page.text
    answer = give(teacher, page, "/picker/new/", **TYPED)
    assert answer.status_code == 200
    form = form_to(answer, "/return")
    assert set(form.fields) == {"JWT"}  # D2
    assert f"form-action {lms.origin};" in answer.headers["Content-Security-Policy"] + ";"
    assert f"frame-ancestors {lms.origin};" in answer.headers["Content-Security-Policy"] + ";"
    check_answer(lms, tool, form.fields["JWT"])
    added = carry_back(teacher, answer)  # D3 to D7: the LMS has checked it once more, and says so
    assert added.status_code == 200, added.text
    assert "Life at the vents" in added.text
    assert Entry.objects.count() == 0, "the LMS might still have dropped it"

    link = links_of(lms, MARINE_BIOLOGY.org_unit)[-1]
    assert (link.title, link.description) == ("Life at the vents", "Bring questions.")
    student = Visitor(tool.url)
    assert "Not set up yet" in student.open(lms, LEARNER, link).text
    assert Entry.objects.count() == 0, "a learner's launch makes nothing"
    room = Visitor(tool.url).open(lms, INSTRUCTOR, link)
    entry = Entry.objects.get()
    assert (entry.title, entry.description) == ("Life at the vents", "Bring\nquestions.")
    assert room.url.path.endswith(f"/media/{entry.pk}/")
    assert str(entry.pk) in str(student.open(lms, LEARNER, link).url)
    Visitor(tool.url).open(lms, INSTRUCTOR, link)
    assert Entry.objects.count() == 1


def check_answer(lms: RunningLms, tool: RunningTool, token: str) -> None:
    """D3 to D6 by hand."""
    header = jwt.get_unverified_header(token)
    keys = {key["kid"]: key for key in httpx.get(f"{tool.url}/lti/jwks.json").json()["keys"]}
    claims: dict[str, Any] = jwt.decode(
        token, jwt.PyJWK(keys[header["kid"]]), algorithms=["RS256"], audience=lms.origin
    )
    assert (header["alg"], claims["iss"], claims["aud"]) == ("RS256", lms.registration.client_id, lms.origin)
    assert claims["iat"] <= time.time() < claims["exp"] <= claims["iat"] + 300
    assert len(claims["nonce"]) >= 32
    assert claims[f"{LTI}message_type"] == "LtiDeepLinkingResponse"
    assert claims[f"{LTI}version"] == "1.3.0"
    assert claims[f"{LTI}deployment_id"] == lms.registration.deployment_ids[0]
    assert claims[f"{DL}data"]
    (item,) = claims[f"{DL}content_items"]
    assert item["type"] == "ltiResourceLink"
    assert item["url"] == f"{tool.url}/lti/launch/"
    assert list(item["custom"]) == ["foyer_room"]
    assert all(isinstance(value, str) for value in item["custom"].values())


def test_without_data_none_goes_back_and_going_back_is_an_answer_too(
    lms: RunningLms, teacher: Visitor
) -> None:
    lms.platform.content = replace(lms.platform.content, sends_data=False)
    page = teacher.pick(lms, INSTRUCTOR, MARINE_BIOLOGY)
    answer = give(teacher, page, "/picker/cancel/")
    claims = jwt.decode(form_to(answer, "/return").fields["JWT"], options={"verify_signature": False})
    assert f"{DL}data" not in claims
    assert claims[f"{DL}content_items"] == []
    done = carry_back(teacher, answer)
    assert (done.status_code, "Nothing was added" in done.text) == (200, True)
    assert links_of(lms, MARINE_BIOLOGY.org_unit) == MARINE_BIOLOGY.links


def test_where_no_links_are_taken_the_page_says_so_and_the_way_back_too(
    lms: RunningLms, teacher: Visitor
) -> None:
    lms.platform.content = replace(lms.platform.content, accept_types=("html", "image"))
    page = teacher.pick(lms, INSTRUCTOR, MARINE_BIOLOGY)
    assert page.status_code == 200
    assert "takes no links to tools" in page.text
    assert "/picker/new/" not in page.text
    done = carry_back(teacher, give(teacher, page, "/picker/cancel/"))
    assert "this place in the course takes none" in done.text


def test_a_copied_course_gets_a_new_room_or_the_old_one_by_a_persons_word(
    lms: RunningLms, tool: RunningTool
) -> None:
    old_link = links_of(lms, MARINE_BIOLOGY.org_unit)[0]
    page = Visitor(tool.url).open(lms, INSTRUCTOR, old_link)
    assert "Set up this link" in page.text
    teacher = Visitor(tool.url)
    page = teacher.open(lms, INSTRUCTOR, old_link)
    form = form_to(page, "/setup/")
    teacher.follow(teacher.post(form.action, {**form.fields, **TYPED}))
    old = Entry.objects.get()
    make_participant(old, guest=make_guest(old.tenant), role="speaker")

    copy = lms.platform.campus.copy_of(MARINE_BIOLOGY)
    lms.platform.campus = lms.platform.campus.with_course(copy)
    new_link = copy.links[0]
    assert "Not set up yet" in Visitor(tool.url).open(lms, LEARNER, new_link).text
    page = teacher.open(lms, INSTRUCTOR, new_link)
    assert page.status_code == 200
    assert "This course was copied from “Introduction to Marine Biology”" in page.text
    form = form_to(page, "/setup/again/")
    room = teacher.follow(teacher.post(form.action, form.fields))
    assert room.status_code == 200
    new = Entry.objects.exclude(pk=old.pk).get()
    assert new.title == old.title
    assert not Participant.objects.filter(entry=new, guest__isnull=False).exists()
    assert Guest.objects.count() == 1

    again = form_to(teacher.open(lms, INSTRUCTOR, copy.links[1]), "/setup/")
    assert again.fields.get("csrfmiddlewaretoken"), "another link of the copy has nothing to do with it"


def test_somebody_else_in_the_copied_course_hears_nothing_of_the_old_room(
    lms: RunningLms, tool: RunningTool
) -> None:
    teacher = Visitor(tool.url)
    form = form_to(teacher.open(lms, INSTRUCTOR, MARINE_BIOLOGY.links[0]), "/setup/")
    teacher.post(form.action, {**form.fields, **TYPED})
    copy = lms.platform.campus.copy_of(MARINE_BIOLOGY)
    lms.platform.campus = lms.platform.campus.with_course(copy)
    others = [one.person for one in copy.enrolments if one.person.given_name == "Tobias"]
    page = Visitor(tool.url).open(lms, others[0], copy.links[0])
    assert "Set up this link" in page.text
    assert "copied from" not in page.text
    assert "Life at the vents" not in page.text


# --- One form at a time --------------------------------------------------------------------------------


def picking(campus: Campus, right: Right = Right.OWNER, **wanted: Any) -> Browser:  # noqa: ANN401
    """Somebody whom a content picker sent."""
    role = ApplicationRole.VIEWER if right is Right.NONE else ApplicationRole.ADMIN
    browser = campus.launch(right, role)
    Tab.objects.filter(pk=browser.tab.pk).update(placement=None, frame_origins=["https://lms.example"])
    browser.tab.refresh_from_db()
    values = {"return_url": BACK, "accept_types": ["ltiResourceLink"], "data": "d", **wanted}
    ContentRequest.objects.create(tab=browser.tab, **values)
    return browser


def ticket_of(browser: Browser) -> str:
    return TimestampSigner(salt="rooms.picker").sign(browser.tab.pk)


def send(browser: Browser, place: str, **fields: object) -> Any:  # noqa: ANN401 - a response with what tests look at
    """Post to the picker without any cookie."""
    return Client(enforce_csrf_checks=True).post(
        f"/picker/{place}/", {"ticket": ticket_of(browser), **fields}
    )


def claims_in(response: Any) -> dict[str, Any]:  # noqa: ANN401
    assert response.status_code == 200, response.content.decode()
    token = response.content.decode().partition('name="JWT" value="')[2].partition('"')[0]
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def hint_in(response: Any) -> object:  # noqa: ANN401
    (item,) = claims_in(response)[f"{DL}content_items"]
    return unseal(item["custom"]["foyer_room"], keys=settings.LINK_KEYS)


def test_a_picker_lands_in_the_picker(campus: Campus) -> None:
    browser = picking(campus)
    assert browser.get("/").to == "/picker/"
    page = browser.get("/picker/")
    assert page.status == 200
    assert campus.entry.title in page.text
    assert browser.tab.pk not in page.text.partition('name="ticket"')[0].replace(browser.at(""), "")


def test_a_room_of_the_course_is_given_by_its_owner_and_refused_to_a_co_editor(campus: Campus) -> None:
    answer = send(picking(campus), "choose", entry=str(campus.entry.pk))
    assert hint_in(answer) == EntryHint(campus.entry.tenant_id, campus.entry.pk)
    assert 'action="https://lms.example/back?session=1&amp;x=%22"' in answer.content.decode()
    assert "form-action https://lms.example" in answer.headers["Content-Security-Policy"]
    assert send(picking(campus, Right.CO_EDITOR), "choose", entry=str(campus.entry.pk)).status_code == 404


@pytest.mark.parametrize(
    ("right", "status"),
    [(Right.OWNER, 200), (Right.CO_EDITOR, 200), (Right.CO_PUBLISHER, 200), (Right.NONE, 403)],
)
def test_whoever_has_a_right_may_wish_for_a_room(campus: Campus, right: Right, status: int) -> None:
    answer = send(picking(campus, right), "new", **TYPED)
    assert answer.status_code == status
    if status == 200:
        wish = hint_in(answer)
        assert isinstance(wish, WishHint)
        assert wish.title == "Life at the vents"
    assert Entry.objects.count() == 1


def test_a_learner_is_told_why_and_can_go_back(campus: Campus) -> None:
    browser = picking(campus, Right.NONE)
    page = browser.get("/picker/")
    assert "Only people who teach this course" in page.text
    assert campus.entry.title not in page.text
    assert claims_in(send(browser, "cancel"))[f"{DL}content_items"] == []


def test_rooms_of_others_and_of_other_institutions_are_not_there(campus: Campus) -> None:
    browser = picking(campus)
    stranger, _link = make_placed_entry(make_course(make_tenant()))
    foreign, _other = make_placed_entry(make_course(campus.course.tenant))
    for entry in (stranger, foreign):
        assert send(browser, "choose", entry=str(entry.pk)).status_code == 404


def test_several_rooms_only_where_several_are_wanted(campus: Campus) -> None:
    second = campus.placed(title="Second room")
    both = [str(campus.entry.pk), str(second.pk)]
    one = claims_in(send(picking(campus), "choose", entry=both))
    assert len(one[f"{DL}content_items"]) == 1
    many = claims_in(send(picking(campus, accepts_multiple=True), "choose", entry=both))
    assert [item["title"] for item in many[f"{DL}content_items"]] == ["Reading the ice", "Second room"]


@pytest.mark.parametrize(("data", "sent"), [(None, False), ("", True), ("d'\"<é", True)])
def test_data_goes_back_exactly_when_it_was_sent(campus: Campus, data: str | None, sent: bool) -> None:
    claims = claims_in(send(picking(campus, data=data), "cancel"))
    assert (f"{DL}data" in claims) is sent
    assert claims.get(f"{DL}data") == data


def test_wrong_types_are_refused_to_a_form_that_was_made_up(campus: Campus) -> None:
    browser = picking(campus, accept_types=["html"])
    assert send(browser, "new", **TYPED).status_code == 404
    assert send(browser, "choose", entry=str(campus.entry.pk)).status_code == 404


def test_errors_keep_what_was_typed_and_choosing_nothing_is_said(campus: Campus) -> None:
    answer = send(picking(campus), "new", **{**TYPED, "title": ""})
    assert answer.status_code == 422
    assert "Bring\nquestions." in answer.content.decode()
    nothing = send(picking(campus, accepts_multiple=True), "choose")
    assert nothing.status_code == 422
    assert "Choose at least one room." in nothing.content.decode()


def test_search_and_pages_work_by_forms(campus: Campus) -> None:
    for number in range(8):
        campus.placed(title=f"Room {number}")
    browser = picking(campus)
    found = send(browser, "browse", q="Room 3").content.decode()
    assert ("Room 3" in found, "Room 4" in found) == (True, False)
    assert "2 of 2" in send(browser, "browse", page="2").content.decode()


def test_without_its_ticket_a_form_does_nothing(campus: Campus) -> None:
    browser = picking(campus)
    for ticket in ("", "made-up", browser.tab.pk, ticket_of(browser)[:-1] + "!"):
        refused = browser.client.post("/picker/new/", {**TYPED, "ticket": ticket})
        assert (refused.status_code, b"JWT" in refused.content) == (403, False)
    ended = ticket_of(browser)
    Tab.objects.filter(pk=browser.tab.pk).update(expires_at=browser.tab.launched_at.replace(year=2100))
    browser.tab.person.is_disabled = True
    browser.tab.person.save()
    assert browser.client.post("/picker/cancel/", {"ticket": ended}).status_code == 403
    plain = campus.launch()
    assert send(plain, "cancel").status_code == 404, "that tab was opened by a link, not by a picker"
    assert plain.get("/picker/").status == 404


def test_every_refusal_can_be_read_inside_the_frame(campus: Campus) -> None:
    learner = picking(campus, Right.NONE)
    owner = picking(campus)
    stranger, _link = make_placed_entry(make_course(make_tenant()))
    for refused, status in (
        (send(learner, "new", **TYPED), 403),
        (send(owner, "choose", entry=str(stranger.pk)), 404),
    ):
        assert refused.status_code == status
        assert "frame-ancestors https://lms.example" in refused.headers["Content-Security-Policy"]
    for lost in (Client().get("/picker/new/"), Client().post("/picker/new/", TYPED)):
        assert lost.status_code == 403
        assert "Open this again from your course" in lost.content.decode()
        assert "frame-ancestors *" in lost.headers["Content-Security-Policy"]


# --- What a hint does at the link ----------------------------------------------------------------------


def placed_hint(campus: Campus, picker: Browser, place: str, **fields: object) -> Placement:
    """A link that the LMS made of an answer."""
    (item,) = claims_in(send(picker, place, **fields))[f"{DL}content_items"]
    campus.link.hint = item["custom"]["foyer_room"]
    campus.link.save()
    return campus.link


def test_a_chosen_room_is_offered_and_shown_by_a_click(campus: Campus) -> None:
    picker = picking(campus)
    link = placed_hint(campus, picker, "choose", entry=str(campus.entry.pk))
    browser = campus.launch(at=link)
    page = browser.get("/")
    assert "This link was added for “Reading the ice”" in page.text
    assert campus.learner(at=link).get("/").status == 200
    answer = browser.post("/setup/pick/", entry=str(campus.entry.pk))
    assert answer.to.startswith(campus.page())


def test_a_hint_is_no_permission(campus: Campus) -> None:
    """Somebody moved it into a course of his own: it opens nothing and tells nothing."""
    link = placed_hint(campus, picking(campus), "choose", entry=str(campus.entry.pk))
    course = make_course(campus.course.tenant)
    Placement.objects.filter(pk=link.pk).update(course=course)
    link.refresh_from_db()
    browser = campus.launch(at=link)
    page = browser.get("/")
    assert "Set up this link" in page.text
    assert "Reading the ice" not in page.text
    assert browser.get(campus.page()).status == 404
    assert browser.post("/setup/pick/", entry=str(campus.entry.pk)).status == 404
    assert browser.post("/setup/again/").status == 404


@pytest.mark.parametrize("tamper", [lambda t: t[:-2] + "AA", lambda t: t[::-1], lambda _t: "no hint at all"])
def test_a_changed_hint_counts_as_none(campus: Campus, tamper: Any) -> None:  # noqa: ANN401
    link = placed_hint(campus, picking(campus), "new", **TYPED)
    Placement.objects.filter(pk=link.pk).update(hint=tamper(link.hint))
    link.refresh_from_db()
    page = campus.launch(at=link).get("/")
    assert (page.status, "Set up this link" in page.text) == (200, True)
    assert Entry.objects.count() == 1


def test_a_hint_of_another_institution_counts_as_none(campus: Campus) -> None:
    hint = placed_hint(campus, picking(campus), "new", **TYPED).hint
    other = make_course(make_tenant())
    placement = Placement.objects.create(
        tenant=other.tenant, deployment=other.deployment, course=other, resource_link_id="l", hint=hint
    )
    assert "Set up this link" in campus.launch(at=placement, person=make_person(other.tenant)).get("/").text
    assert Entry.objects.count() == 1


def test_a_wish_is_fulfilled_once(campus: Campus) -> None:
    """A link that was emptied stays empty."""
    link = placed_hint(campus, picking(campus), "new", **TYPED)
    browser = campus.launch(at=link)
    made = browser.get("/")
    entry = Entry.objects.get(title="Life at the vents")
    assert made.to == f"/media/{entry.pk}/?notice=made"
    assert entry.collaborators.get().person == browser.person
    assert browser.post(f"/media/{entry.pk}/place/", entry="").to == "/?notice=emptied"
    page = browser.get("/")
    assert (page.status, "Set up this link" in page.text) == (200, True)
    assert Entry.objects.count() == 2


def test_two_who_open_a_wish_at_once_meet_in_one_room(transactional_db: None) -> None:
    campus = make_campus()
    link = placed_hint(campus, picking(campus), "new", **TYPED)
    browsers = [campus.launch(at=link) for _ in range(4)]
    start = Barrier(len(browsers))

    def open_link(browser: Browser) -> str:
        start.wait(timeout=20)
        try:
            return browser.get("/").to.partition("?")[0]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(browsers)) as pool:
        places = set(pool.map(open_link, browsers))
    entry = Entry.objects.get(title="Life at the vents")
    assert places == {f"/media/{entry.pk}/"}
    assert entry.collaborators.count() == 1


def test_a_wish_whose_time_is_over_is_fulfilled_without_it(campus: Campus) -> None:
    hint = WishHint(tenant_id=campus.course.tenant_id, title="Last year", starts_at=campus.entry.created_at)
    Placement.objects.filter(pk=campus.link.pk).update(hint=seal(hint, keys=settings.LINK_KEYS))
    campus.link.refresh_from_db()
    campus.launch(at=campus.link).get("/")
    assert Entry.objects.get(title="Last year").starts_at is None


# --- Copies --------------------------------------------------------------------------------------------


def test_a_copy_is_found_by_the_history_of_the_course_alone(campus: Campus) -> None:
    """Then the link of the same name is meant; and only somebody who may place the old room reads of it."""
    owner = campus.name(Right.OWNER).person
    course = make_course(
        campus.course.tenant, deployment=campus.course.deployment, ancestors=["x", campus.course.context_id]
    )
    placement = Placement.objects.create(
        tenant=course.tenant,
        deployment=course.deployment,
        course=course,
        resource_link_id="n",
        title="Week 5",
    )
    page = campus.launch(at=placement, person=owner).get("/")
    assert "This course was copied from “GEO 214 Glaciology”" in page.text
    assert "copied from" not in campus.launch(at=placement).get("/").text
    Placement.objects.filter(pk=placement.pk).update(title="Week 9")
    placement.refresh_from_db()
    assert "copied from" not in campus.launch(at=placement, person=make_owner(campus)).get("/").text


def make_owner(campus: Campus) -> Any:  # noqa: ANN401
    person = make_person(campus.course.tenant)
    entry = make_entry(campus.course.tenant, title="Own")
    entry.collaborators.create(person=person, right="owner")
    return person


def test_histories_of_another_institution_are_nothing(campus: Campus) -> None:
    course = make_course(make_tenant(), ancestors=[campus.course.context_id])
    placement = Placement.objects.create(
        tenant=course.tenant,
        deployment=course.deployment,
        course=course,
        resource_link_id="n",
        title="Week 5",
        ancestors=[campus.entry_link.resource_link_id],
    )
    page = campus.launch(at=placement, person=make_person(course.tenant)).get("/")
    assert "copied from" not in page.text


def test_the_demo_has_a_course_that_was_copied() -> None:
    assert HARBOUR_ENGINEERING.history
    assert origin_of(BACK) == "https://lms.example"
