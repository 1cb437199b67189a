"""Inviting by HTTP: the form, the link, the list; each view once allowed and once refused."""

import re
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.db import connection
from django.http import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from invites.links import LinkClaim, link_for
from invites.models import Invite, OutboxMail
from invites.services.redeem import Device, redeem_invite
from lti_tool.models import Course, Placement
from lti_tool.roles import ApplicationRole, Right
from rooms.models import Entry
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_course, make_member, make_person, make_tab, make_tenant
from tests.factories.rooms import make_entry, make_guest, make_participant, make_pass, make_placed_entry

pytestmark = pytest.mark.django_db

FORM = {"email": "ana@example.org", "first_name": "Ana", "last_name": "Silva", "role": "moderator"}


@dataclass
class Actor:
    """A browser at an entry: a launched tab, or a device with a pass."""

    client: Client
    prefix: str
    entry: Entry

    def address(self, path: str = "") -> str:
        return f"{self.prefix}/media/{self.entry.pk}/{path}"

    def get(self, path: str, **query: str) -> HttpResponseBase:
        return self.client.get(self.address(path), query)

    def post(self, path: str, **data: str) -> HttpResponseBase:
        return self.client.post(self.address(path), data)


@dataclass
class Scene:
    """A room in a course."""

    course: Course
    entry: Entry
    placement: Placement

    def member(
        self, right: Right = Right.OWNER, role: ApplicationRole = ApplicationRole.ADMIN, name: str = "Pat"
    ) -> Actor:
        person = make_person(self.course.tenant, name=name, given_name=name)
        membership = make_member(self.course, right=right, application_role=role, person=person)
        tab, secret = make_tab(membership, self.placement)
        client = Client()
        client.cookies["foyer-tab"] = secret
        return Actor(client, f"/~{tab.handle}", self.entry)

    def learner(self) -> Actor:
        return self.member(Right.NONE, ApplicationRole.VIEWER)

    def guest(self) -> Actor:
        participant = make_participant(
            self.entry, guest=make_guest(self.entry.tenant, email="guest@example.org"), role="moderator"
        )
        _held, secret = make_pass(participant)
        client = Client()
        client.cookies["foyer-pass"] = secret
        return Actor(client, "", self.entry)


@pytest.fixture
def scene() -> Scene:
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(course, title="Reading the ice")
    return Scene(course, entry, placement)


@pytest.fixture
def owner(scene: Scene) -> Actor:
    return scene.member(name="Ingrid")


def text(response: HttpResponseBase) -> str:
    return b"".join(response).decode()


# --- The form -------------------------------------------------------------------------------------


def test_the_dialog_has_exactly_the_fields_of_the_design_in_their_order(owner: Actor) -> None:
    page = text(owner.get("invites/new/"))
    form = page[page.index("<form") : page.index("</form>")]
    names = re.findall(r'<(?:input|select|textarea)[^>]* name="([^"]+)"', form)
    assert list(dict.fromkeys(names)) == [
        "csrfmiddlewaretoken",
        "email",
        "first_name",
        "last_name",
        "role",
        "is_mailed",
    ]
    assert re.findall(r'name="role" value="([^"]+)"', form) == ["viewer", "moderator", "speaker"]
    assert "Generate invite link" in form
    assert "data-dialog-content" in page


@pytest.mark.parametrize("kind", ["video", "document"])
def test_videos_and_documents_offer_only_viewer(scene: Scene, owner: Actor, kind: str) -> None:
    Entry.objects.update(kind=kind)
    assert re.findall(r'name="role" value="([^"]+)"', text(owner.get("invites/new/"))) == ["viewer"]


def test_without_a_template_there_is_no_tick_box(scene: Scene, owner: Actor) -> None:
    make_settings(scene.entry.tenant, invite_email_template=None)
    assert "is_mailed" not in text(owner.get("invites/new/"))
    owner.post("invites/new/", **FORM, is_mailed="on")
    assert not OutboxMail.objects.exists()


def test_a_sent_form_leads_to_the_link(owner: Actor) -> None:
    response = owner.post("invites/new/", **FORM, is_mailed="on")
    invite = Invite.objects.get()
    assert response.status_code == HTTPStatus.SEE_OTHER
    assert response["Location"] == owner.address(f"invites/{invite.pk}/?did=new")
    page = text(owner.client.get(response["Location"]))
    assert "Ana Silva is invited" in page
    assert link_for(invite) in page
    assert "The mail is on its way to ana@example.org." in page
    assert "data-dialog-changed" in page


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"email": ""}, "email", "Enter an email address."),
        ({"email": "ana"}, "email", "An email address has an @ in the middle"),
        ({"email": "ana@localhost"}, "email", "The part after the @ is no domain"),
        ({"last_name": " "}, "last_name", "Enter the last name."),
        ({"role": "host"}, "role", "Choose one of these."),
        ({"role": ""}, "role", "Choose what the guest may do."),
    ],
)
def test_an_error_stands_beside_its_field_and_nothing_typed_is_lost(
    owner: Actor, change: dict[str, str], field: str, words: str
) -> None:
    typed = {**FORM, **change}
    response = owner.post("invites/new/", **typed)
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    page = text(response)
    error = re.search(rf'<p class="error" id="id_{field}_error">(.*?)</p>', page, re.DOTALL)
    assert error is not None
    assert words in error[1]
    for name in ("email", "first_name", "last_name"):
        if typed[name].strip():
            assert f'value="{typed[name]}"' in page
    assert not Invite.objects.exists()


def test_a_restricted_domain_is_told_beside_the_address_with_whom_to_ask(scene: Scene, owner: Actor) -> None:
    make_settings(
        scene.entry.tenant,
        restrict_new_user_domains=["campus.example"],
        admin_contact="help@campus.example",
    )
    response = owner.post("invites/new/", **{**FORM, "email": "new@campus.example"})
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    page = text(response)
    assert "People at campus.example sign in through your LMS." in page
    assert "Share the course link, or use another address." in page
    assert "help@campus.example" in page
    assert 'value="new@campus.example"' in page
    assert not Invite.objects.exists()


def test_inviting_again_says_so_and_shows_the_same_link(owner: Actor) -> None:
    owner.post("invites/new/", **FORM)
    link = link_for(Invite.objects.get())
    response = owner.post("invites/new/", **{**FORM, "role": "speaker"})
    page = text(owner.client.get(response["Location"]))
    assert "Ana Silva was invited before" in page
    assert "Speaker" in page
    assert link in page


def test_somebody_elses_invitee_is_told_by_name_and_without_the_link(scene: Scene, owner: Actor) -> None:
    owner.post("invites/new/", **FORM)
    publisher = scene.member(Right.CO_PUBLISHER)
    response = publisher.post("invites/new/", **FORM)
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "This address was already invited by Ingrid." in text(response)
    assert "/join/" not in text(response)


def test_an_invite_over_the_quota_is_refused_with_when_and_whom_to_ask(scene: Scene, owner: Actor) -> None:
    make_settings(scene.entry.tenant, quota_per_inviter_hour=1, admin_contact="help@campus.example")
    assert owner.post("invites/new/", **FORM).status_code == HTTPStatus.SEE_OTHER
    refused = owner.post("invites/new/", **FORM | {"email": "b@example.org"})
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    page = text(refused)
    assert "You have invited 1 person within an hour" in page
    assert "You can go on in" in page
    assert "help@campus.example" in page
    assert 'value="b@example.org"' in page
    assert Invite.objects.count() == 1


def test_a_mail_over_the_quota_waits_and_the_link_is_there(scene: Scene, owner: Actor) -> None:
    make_settings(scene.entry.tenant, quota_per_recipient_day=0)
    made = owner.post("invites/new/", **FORM, is_mailed="on")
    assert made.status_code == HTTPStatus.SEE_OTHER
    page = text(owner.client.get(made.headers["Location"]))
    assert "The link is made. The mail to ana@example.org waits until" in page
    assert "as many mails as it may get in a day" in page
    assert link_for(Invite.objects.get()) in page
    listed = text(owner.get("invites/"))
    assert "Mail waits" in listed
    assert "as many mails as it may get in a day" in listed


def test_a_form_without_its_token_is_refused(scene: Scene) -> None:
    strict = scene.member()
    strict.client.handler.enforce_csrf_checks = True
    assert strict.post("invites/new/", **FORM).status_code == HTTPStatus.FORBIDDEN
    assert not Invite.objects.exists()


# --- The menu and "Why can't I invite?" -----------------------------------------------------------


def test_the_menu_offers_inviting_and_the_list(owner: Actor) -> None:
    menu = text(owner.get("invites/menu/"))
    assert owner.address("invites/new/") in menu
    assert owner.address("invites/") in menu
    assert "data-dialog" in menu


def test_the_menu_offers_a_reason_where_inviting_is_refused(scene: Scene, owner: Actor) -> None:
    make_settings(scene.entry.tenant, enable=False)
    menu = text(owner.get("invites/menu/"))
    assert "Why can’t I invite?" in menu
    assert owner.address("invites/new/") not in menu


def test_learners_and_guests_are_offered_nothing(scene: Scene) -> None:
    for actor in (scene.learner(), scene.guest()):
        response = actor.get("invites/menu/")
        assert (response.status_code, text(response)) == (HTTPStatus.OK, "")


@pytest.mark.parametrize(
    ("rules", "entry", "failed"),
    [
        ({"enable": False}, {}, "Inviting guests is switched off at your institution."),
        ({"shows_on_media_page": False}, {}, "Your institution does not offer inviting on media pages."),
        ({}, {"has_chat": False}, "Chat &amp; Collaboration is off in this room"),
        ({"allowed_users": "named"}, {}, "Your institution lets only certain people invite"),
    ],
)
def test_the_reason_is_told_with_what_to_do_and_whom_to_ask(
    scene: Scene, owner: Actor, rules: dict[str, object], entry: dict[str, object], failed: str
) -> None:
    make_settings(scene.entry.tenant, admin_contact="help@campus.example", **rules)
    Entry.objects.update(**{"title": "Reading the ice", **entry})
    page = owner.get("invites/why/")
    assert page.status_code == HTTPStatus.OK
    refused = owner.get("invites/new/")
    assert refused.status_code == HTTPStatus.FORBIDDEN
    for response in (page, refused):
        assert failed in text(response)
        assert "help@campus.example" in text(response)
        assert text(response).count("badge--success") == 4
        assert text(response).count("badge--danger") == 1


def test_somebody_without_a_right_reads_who_can_give_one(scene: Scene) -> None:
    page = text(scene.member(Right.NONE).get("invites/why/"))
    assert "Ask its owner to add you as a collaborator." in page


def test_whoever_may_invite_reads_that(owner: Actor) -> None:
    assert "You can invite here" in text(owner.get("invites/why/"))


# --- Who is let in to these pages -----------------------------------------------------------------

GETS = ["invites/", "invites/new/", "invites/why/", "invites/{id}/", "invites/{id}/new-link/"]
GETS += ["invites/{id}/role/", "invites/{id}/withdraw/", "invites/{id}/restore/", "invites/{id}/history/"]
ALL_GETS = [*GETS, "invites/invitations.csv", "invites/numbers/"]
POSTS = ["invites/new/", "invites/suggest/", "invites/{id}/send/", "invites/{id}/new-link/"]
POSTS += ["invites/{id}/role/", "invites/{id}/withdraw/", "invites/{id}/restore/"]
ALL_POSTS = [*POSTS, "invites/", "invites/selected/"]


@pytest.mark.parametrize("method", ["get", "post"])
def test_learners_guests_and_other_tenants_find_no_door(scene: Scene, method: str) -> None:
    invite = make_invite(scene.entry, email="secret@example.net")
    elsewhere = make_course(make_tenant())
    other_entry, other_placement = make_placed_entry(elsewhere)
    stranger = Scene(elsewhere, other_entry, other_placement).member()
    stranger.entry = scene.entry
    actors = [scene.learner(), scene.guest(), stranger, Actor(Client(), "", scene.entry)]
    before = list(Invite.objects.values())
    for path in ALL_GETS if method == "get" else ALL_POSTS:
        for actor in actors:
            data = {**FORM, "act": "withdraw", "confirmed": "yes", "chosen": str(invite.pk), "q": "secret"}
            response = getattr(actor, method)(path.format(id=invite.pk), **data)
            assert response.status_code in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
            assert invite.email not in text(response)
            assert link_for(invite) not in text(response)
    assert list(Invite.objects.values()) == before


def test_an_invite_of_another_entry_is_not_found_here(scene: Scene, owner: Actor) -> None:
    other = make_invite(make_entry(scene.entry.tenant))
    for path in GETS[3:]:
        assert owner.get(path.format(id=other.pk)).status_code == HTTPStatus.NOT_FOUND


# --- The list -------------------------------------------------------------------------------------


def test_the_list_tells_what_became_of_each(scene: Scene, owner: Actor) -> None:
    now = timezone.now()
    states: dict[str, tuple[str, dict[str, object]]] = {
        "made": ("Made", {}),
        "lobby": ("Lobby reached", {"lobby_reached_at": now}),
        "entered": ("Entered: 1 of 1 device", {"entered_at": now, "devices_used": 1}),
        "expired": ("Link expired", {"expires_at": now}),
        "withdrawn": ("Withdrawn", {"withdrawn_at": now}),
    }
    for name, (_words, values) in states.items():
        make_invite(scene.entry, f"{name}@example.org", last_name=name, **values)
    for state, error in (("waiting", ""), ("sent", ""), ("given_up", "550 no such mailbox")):
        invite = make_invite(scene.entry, email=f"{state}@example.org", last_name=state)
        OutboxMail.objects.create(
            tenant=invite.tenant, invite=invite, generation=1, due_at=now, state=state, error=error
        )
    page = text(owner.get("invites/"))
    rows = {
        found[1]: found[0] for found in re.findall(r"(<th scope=\"row\">Ana (\S+)<.*?</tr>)", page, re.DOTALL)
    }
    for name, (words, _values) in states.items():
        assert words in rows[name]
    assert "Link used up" in rows["entered"]
    assert "Mail on its way" in rows["waiting"]
    assert "Mailed" in rows["sent"]
    assert "Mail failed" in rows["given_up"]
    assert "550 no such mailbox" in rows["given_up"]


def test_co_publishers_see_their_own_only(scene: Scene, owner: Actor) -> None:
    publisher = scene.member(Right.CO_PUBLISHER)
    owner.post("invites/new/", **FORM)
    publisher.post("invites/new/", **{**FORM, "email": "bo@example.org"})
    theirs = text(publisher.get("invites/"))
    assert "bo@example.org" in theirs
    assert "ana@example.org" not in theirs
    all_of_them = text(owner.get("invites/"))
    assert "bo@example.org" in all_of_them
    assert "ana@example.org" in all_of_them
    invite = Invite.objects.get(normalised_email="ana@example.org")
    for path in GETS[3:]:
        assert publisher.get(path.format(id=invite.pk)).status_code == HTTPStatus.NOT_FOUND
    for path in POSTS[2:]:
        response = publisher.post(path.format(id=invite.pk), role="viewer")
        assert response.status_code == HTTPStatus.NOT_FOUND


def test_htmx_gets_the_list_alone(owner: Actor) -> None:
    part = owner.client.get(owner.address("invites/"), headers={"HX-Request": "true"})
    assert text(part).strip().startswith('<div id="found"')
    assert "Nobody is invited yet" in text(part)


def test_the_list_costs_the_same_for_one_and_for_three(scene: Scene, owner: Actor) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert owner.get("invites/").status_code == HTTPStatus.OK
        return len(queries)

    def add(number: int) -> None:
        invite = make_invite(
            scene.entry, email=f"guest{number}@example.org", made_by=make_person(scene.course.tenant)
        )
        redeem_invite(LinkClaim(invite.pk, 1), device=Device(str(number) * 43), now=timezone.now())
        OutboxMail.objects.create(
            tenant=invite.tenant, invite=invite, generation=1, due_at=timezone.now(), state="sent"
        )

    add(1)
    for_one = cost()
    add(2)
    add(3)
    assert cost() == for_one
    assert for_one <= 12


def test_a_long_list_is_paged(scene: Scene, owner: Actor) -> None:
    for number in range(51):
        make_invite(scene.entry, email=f"guest{number}@example.org")
    assert text(owner.get("invites/")).count('<th scope="row">') == 50
    assert text(owner.get("invites/", page="2")).count('<th scope="row">') == 1
    assert owner.get("invites/", page="x").status_code == HTTPStatus.OK


def test_the_list_can_be_looked_after_while_the_module_is_off(scene: Scene, owner: Actor) -> None:
    invite = make_invite(scene.entry)
    make_settings(scene.entry.tenant, enable=False)
    page = text(owner.get("invites/"))
    assert "Inviting is off" in page
    assert "Invite users" not in page
    assert link_for(invite) not in text(owner.get(f"invites/{invite.pk}/"))
    owner.post(f"invites/{invite.pk}/withdraw/")
    assert Invite.objects.get().withdrawn_at is not None
    assert owner.post(f"invites/{invite.pk}/new-link/").status_code == HTTPStatus.FORBIDDEN


# --- What can be done with one --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"devices_used": 1}, "The link is used up: one device has passed the lobby with it."),
        ({"expires_at": timezone.now()}, "The link has expired."),
        ({"withdrawn_at": timezone.now()}, "The invitation is withdrawn"),
    ],
)
def test_a_closed_link_is_not_shown_and_a_new_one_is_offered(
    scene: Scene, owner: Actor, values: dict[str, object], words: str
) -> None:
    invite = make_invite(scene.entry)
    Invite.objects.update(**values)
    page = text(owner.get(f"invites/{invite.pk}/"))
    assert words in page
    assert "/join/" not in page
    assert owner.address(f"invites/{invite.pk}/new-link/") in page


def test_a_new_link_is_given_after_a_question(scene: Scene, owner: Actor) -> None:
    invite = make_invite(scene.entry, devices_used=1)
    question = text(owner.get(f"invites/{invite.pk}/new-link/"))
    assert 'name="replacing" value="1"' in question
    owner.post(f"invites/{invite.pk}/new-link/", replacing="1", is_mailed="on")
    response = owner.post(f"invites/{invite.pk}/new-link/", replacing="1", is_mailed="on")  # a double click
    invite.refresh_from_db()
    assert (invite.generation, invite.devices_used) == (2, 0)
    assert OutboxMail.objects.count() == 1
    assert link_for(invite) in text(owner.client.get(response["Location"]))


def test_a_role_is_changed(scene: Scene, owner: Actor) -> None:
    invite = make_invite(scene.entry, role="viewer")
    assert 'value="viewer" checked' in text(owner.get(f"invites/{invite.pk}/role/"))
    assert owner.post(f"invites/{invite.pk}/role/", role="host").status_code == 422
    response = owner.post(f"invites/{invite.pk}/role/", role="speaker")
    assert response.status_code == HTTPStatus.SEE_OTHER
    assert Invite.objects.get().role == "speaker"


def test_an_invite_is_withdrawn_after_a_question(scene: Scene, owner: Actor) -> None:
    invite = make_invite(scene.entry)
    assert "<form" in text(owner.get(f"invites/{invite.pk}/withdraw/"))
    assert Invite.objects.get().withdrawn_at is None
    response = owner.post(f"invites/{invite.pk}/withdraw/")
    page = text(owner.client.get(response["Location"]))
    assert "The invitation of Ana Guest is withdrawn" in page
    assert "/join/" not in page


def test_a_link_is_mailed_again_but_not_twice_at_once(scene: Scene, owner: Actor) -> None:
    invite = make_invite(scene.entry)
    assert "Send it by mail" in text(owner.get(f"invites/{invite.pk}/"))
    for _click in range(3):
        assert owner.post(f"invites/{invite.pk}/send/").status_code == HTTPStatus.SEE_OTHER
    assert OutboxMail.objects.count() == 1
    OutboxMail.objects.update(state="sent", sent_at=timezone.now())
    assert "Send it again" in text(owner.get(f"invites/{invite.pk}/"))
    owner.post(f"invites/{invite.pk}/send/")
    assert OutboxMail.objects.count() == 2


def test_a_link_is_mailed_again_only_so_often(scene: Scene, owner: Actor) -> None:
    invite = make_invite(scene.entry)
    for _time in range(5):
        owner.post(f"invites/{invite.pk}/send/")
        OutboxMail.objects.update(state="sent", sent_at=timezone.now())
    response = owner.post(f"invites/{invite.pk}/send/")
    assert response.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert OutboxMail.objects.count() == 5


def test_a_closed_link_is_not_mailed(scene: Scene, owner: Actor) -> None:
    invite = make_invite(scene.entry, expires_at=timezone.now() - timedelta(minutes=1))
    owner.post(f"invites/{invite.pk}/send/")
    assert not OutboxMail.objects.exists()


# --- Suggestions ----------------------------------------------------------------------------------


@pytest.fixture
def people(scene: Scene) -> Scene:
    tenant = scene.course.tenant
    for given, family in [("Ana", "Silva"), ("Anders", "Lund")]:
        person = make_person(
            tenant,
            name=f"{given} {family}",
            given_name=given,
            family_name=family,
            email=f"{given}@in.example",
        )
        make_member(scene.course, person=person, right=Right.NONE)
    make_person(tenant, name="Anouk Elsewhere", email="anouk@other.example")
    make_person(make_tenant(), name="Anton Foreign", email="anton@in.example")
    make_guest(tenant, email="annie@guest.example", first_name="Annie", last_name="Guest")
    return scene


def suggested(actor: Actor, typed: str) -> list[str]:
    return re.findall(r'data-email="([^"]+)"', text(actor.post("invites/suggest/", q=typed)))


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("a", []),
        ("an", ["Ana@in.example", "Anders@in.example"]),
        ("silv", ["Ana@in.example"]),
        ("lund and", ["Anders@in.example"]),
        ("@in.ex", ["Ana@in.example", "Anders@in.example"]),
        ("anouk", []),
        ("anouk@other", []),
        ("Anouk@Other.example", ["anouk@other.example"]),
        ("annie", []),
        ("annie@guest.example", ["annie@guest.example"]),
        ("anton@in.example", []),
        ("%", []),
        ("__", []),
    ],
)
def test_this_course_by_any_part_and_others_by_their_exact_address(
    people: Scene, typed: str, found: list[str]
) -> None:
    assert suggested(people.member(), typed) == found


def test_a_suggestion_fills_the_names_and_says_who_is_here_already(people: Scene) -> None:
    owner = people.member()
    owner.post("invites/new/", **{**FORM, "email": "ana@in.example"})
    answer = text(owner.post("invites/suggest/", q="sil\0va"))
    assert 'data-first="Ana" data-last="Silva"' in answer
    assert "already in this course" in answer
    assert "already invited" in answer
    assert 'data-status="1 suggestion"' in answer


def test_a_co_publisher_invites_by_a_mask_and_the_server_knows_whom(people: Scene) -> None:
    co_publisher = people.member(Right.CO_PUBLISHER)
    answer = text(co_publisher.post("invites/suggest/", q="silva"))
    assert 'data-email="A•••@i•••.example"' in answer
    assert "Ana@in.example" not in answer
    choice = re.findall(r'data-choice="([^"]+)"', answer)[0]
    sent = {**FORM, "email": "A•••@i•••.example", "choice": choice}
    wrong = text(co_publisher.post("invites/new/", **{**sent, "last_name": ""}))
    assert f'<input type="hidden" name="choice" value="{choice}">' in wrong
    assert co_publisher.post("invites/new/", **sent).status_code == HTTPStatus.SEE_OTHER
    assert Invite.objects.get().normalised_email == "ana@in.example"


@pytest.mark.parametrize("choice", ["", "forged"])
def test_a_mask_alone_is_no_address(people: Scene, choice: str) -> None:
    owner = people.member()
    response = owner.post("invites/new/", **{**FORM, "email": "A•••@i•••.example", "choice": choice})
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Choose the person once more, or write the whole address." in text(response)
    assert not Invite.objects.exists()


def test_suggestions_are_asked_by_post_only_and_rate_limited(people: Scene) -> None:
    owner = people.member()
    assert owner.get("invites/suggest/", q="an").status_code == HTTPStatus.METHOD_NOT_ALLOWED
    for _try in range(120):
        owner.post("invites/suggest/", q="a")
    assert owner.post("invites/suggest/", q="an").status_code == HTTPStatus.TOO_MANY_REQUESTS


def test_disabled_and_preview_people_are_not_suggested(people: Scene) -> None:
    for values in ({"is_disabled": True}, {"is_test_user": True}):
        person = make_person(people.course.tenant, name="Andy Hidden", **values)
        make_member(people.course, person=person)
    assert suggested(people.member(), "andy") == []


def test_suggestions_cost_the_same_however_many(people: Scene) -> None:
    owner = people.member()

    def cost(typed: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            owner.post("invites/suggest/", q=typed)
        return len(queries)

    assert cost("silva") == cost("an")
