"""The list by HTTP: searched without a word in an address, several changed at once, taken away as a file."""

import csv
import io
import re
from datetime import timedelta
from http import HTTPStatus
from typing import cast

import pytest
from asgiref.sync import sync_to_async
from django.http import HttpResponseBase, StreamingHttpResponse
from django.test import AsyncClient
from django.utils import timezone

from invites.links import link_for
from invites.list_forms import MOST_AT_ONCE
from invites.models import Invite, OutboxMail
from lti_tool.roles import Right
from rooms.models import Entry
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_course, make_tenant
from tests.factories.rooms import make_entry, make_placed_entry
from tests.invites.queries.test_invite_list import make_many
from tests.invites.services.test_lifecycle import come_in
from tests.invites.views.test_manage import Actor, Scene, owner, scene, text

__all__ = ["owner", "scene"]

pytestmark = pytest.mark.django_db


def named(response: HttpResponseBase) -> list[str]:
    return re.findall(r'<th scope="row">Ana (\w+)', text(response))


def found_at(actor: Actor, address: str) -> list[str]:
    return named(actor.client.get(address))


@pytest.fixture
def three(scene: Scene) -> list[Invite]:
    return [
        make_invite(scene.entry, f"{name.lower()}@example.org", last_name=name, role="viewer")
        for name in ("Silva", "Sørensen", "Lund")
    ]


# --- Search, filters, pages -----------------------------------------------------------------------


def test_a_search_leaves_no_word_in_the_address_and_can_be_come_back_to(
    owner: Actor, three: list[Invite]
) -> None:
    response = owner.post("invites/", q="  sorensen ", sort="name")
    assert response.status_code == HTTPStatus.SEE_OTHER
    address = response["Location"]
    assert "orensen" not in address
    page = text(owner.client.get(address))
    assert found_at(owner, address) == ["Sørensen"]
    assert 'value="sorensen"' in page
    assert "1 invitation with “sorensen”" in page
    links = re.findall(r'href="([^"]*search=[^"]*)"', page)
    assert links
    assert not [link for link in links if "orensen" in link]
    again = owner.post("invites/", q="sorensen", sort="name")
    assert again["Location"] == address


def test_a_search_belongs_to_its_tab(scene: Scene, owner: Actor, three: list[Invite]) -> None:
    query = owner.post("invites/", q="silva")["Location"].partition("?")[2]
    other = scene.member(name="Olaf")
    assert len(found_at(other, f"{other.address('invites/')}?{query}")) == 3
    assert found_at(owner, f"{owner.address('invites/')}?{query}") == ["Silva"]


def test_htmx_gets_what_was_found_and_the_address_of_it(owner: Actor, three: list[Invite]) -> None:
    response = owner.client.post(owner.address("invites/"), {"q": "lund"}, headers={"HX-Request": "true"})
    assert response.status_code == HTTPStatus.OK
    assert named(response) == ["Lund"]
    assert "lund" not in response["HX-Replace-Url"]
    assert found_at(owner, response["HX-Replace-Url"]) == ["Lund"]


def test_filters_have_counts_and_only_what_there_is_is_offered(owner: Actor, three: list[Invite]) -> None:
    Invite.objects.filter(pk=three[0].pk).update(withdrawn_at=timezone.now())
    page = text(owner.get("invites/"))
    filters = re.findall(r'data-list-filter="(\w*)"[^>]*>([^<]*) <span class="count">(\d+)', page)
    assert filters == [("", "All", "3"), ("made", "Made", "2"), ("withdrawn", "Withdrawn or removed", "1")]
    assert named(owner.get("invites/", state="withdrawn")) == ["Silva"]
    assert len(named(owner.get("invites/", state="nonsense", sort="x", page="-1", search="ä"))) == 3


def test_a_filter_that_shows_nothing_says_so_and_leads_back(owner: Actor, three: list[Invite]) -> None:
    page = text(owner.get("invites/", state="entered"))
    assert "No invitation is in this state just now." in page
    assert "Show all" in page
    nothing = owner.client.get(owner.post("invites/", q="nobody at all")["Location"])
    assert "Try fewer letters" in text(nothing)


def test_the_next_page_keeps_filter_and_search(scene: Scene, owner: Actor) -> None:
    make_many(scene.entry, 60)
    page = text(owner.client.get(owner.post("invites/", q="many", sort="name", state="")["Location"]))
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following
    second = text(owner.client.get(following[1].replace("&amp;", "&")))
    assert second.count('<th scope="row">') == 10
    assert "60 invitations with “many”" in second


def test_whoever_asks_for_a_new_link_stands_out(scene: Scene, owner: Actor, three: list[Invite]) -> None:
    Invite.objects.filter(pk=three[1].pk).update(new_link_asked_at=timezone.now())
    page = text(owner.get("invites/"))
    assert page.count("Asks for a new link") == 1
    assert named(owner.get("invites/", state="asked")) == ["Sørensen"]
    owner.post(f"invites/{three[1].pk}/new-link/", replacing="1")
    assert "Asks for a new link" not in text(owner.get("invites/"))


def test_a_mail_that_waits_for_a_quota_says_so(scene: Scene, owner: Actor, three: list[Invite]) -> None:
    for number, error in enumerate(["", "421 busy"]):
        OutboxMail.objects.create(
            tenant=three[0].tenant, invite=three[number], generation=1, due_at=timezone.now(), error=error
        )
    page = text(owner.get("invites/", state="waiting"))
    assert page.count("Mail on its way</span>") == 2
    assert "421 busy" in page


# --- Several at once ------------------------------------------------------------------------------


def chosen(invites: list[Invite], **more: str) -> dict[str, object]:
    return {"chosen": [str(invite.pk) for invite in invites], **more}


def send(actor: Actor, data: dict[str, object], query: str = "") -> HttpResponseBase:
    return actor.client.post(actor.address("invites/selected/") + query, data)


def hidden_fields(page: str) -> dict[str, object]:
    """What the form that undoes would send."""
    form = re.findall(r"<form[^>]*selected/.*?</form>", page, re.DOTALL)[-1]
    fields: dict[str, object] = {}
    for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form):
        values = fields.setdefault(name, [])
        assert isinstance(values, list)
        values.append(value)
    return fields


def test_several_are_withdrawn_after_a_question_and_let_in_again(
    scene: Scene, owner: Actor, three: list[Invite]
) -> None:
    come_in(three[0])
    question = text(send(owner, chosen(three[:2], act="withdraw")))
    assert "Withdraw 2 invitations?" in question
    assert not Invite.objects.exclude(withdrawn_at=None).exists()
    done = text(send(owner, hidden_fields(question)))
    assert "2 invitations withdrawn." in done
    assert Invite.objects.exclude(withdrawn_at=None).count() == 2
    assert not OutboxMail.objects.exists()
    undone = text(send(owner, hidden_fields(done)))
    assert "2 invitations work again." in undone
    assert not Invite.objects.exclude(withdrawn_at=None).exists()


def test_those_withdrawn_are_told_by_mail_where_that_is_ticked(owner: Actor, three: list[Invite]) -> None:
    send(owner, chosen(three[:2], act="withdraw", confirmed="yes", is_told="on"))
    mails = OutboxMail.objects.filter(kind=OutboxMail.Kind.WITHDRAWN)
    assert {mail.invite_id for mail in mails} == {invite.pk for invite in three[:2]}


def test_several_get_a_role_and_each_its_own_back(owner: Actor, three: list[Invite]) -> None:
    Invite.objects.filter(pk=three[0].pk).update(role="moderator")
    Invite.objects.filter(pk=three[1].pk).update(role="speaker")
    done = text(send(owner, chosen(three, act="role", role="speaker")))
    assert "Role of 2 invitees is now Speaker." in done
    assert "1 had it already." in done
    assert set(Invite.objects.values_list("role", flat=True)) == {"speaker"}
    Invite.objects.filter(pk=three[2].pk).update(role="moderator")  # somebody else, meanwhile
    undone = text(send(owner, hidden_fields(done)))
    assert "1 role is as it was." in undone
    assert "1 has changed meanwhile and stays as it is." in undone
    roles = [Invite.objects.get(pk=invite.pk).role for invite in three]
    assert roles == ["moderator", "speaker", "moderator"]


def test_several_are_mailed_and_closed_links_are_counted(owner: Actor, three: list[Invite]) -> None:
    Invite.objects.filter(pk=three[2].pk).update(
        expires_at=timezone.now() - timedelta(minutes=1), language="fr"
    )
    Invite.objects.filter(pk=three[0].pk).update(language="fr")
    done = text(send(owner, chosen(three, act="send")))
    assert "2 mails are on their way." in done
    assert "1 link is not open: give a new one first." in done
    languages = dict(OutboxMail.objects.values_list("invite_id", "language"))
    assert languages == {three[0].pk: "fr", three[1].pk: "en"}


def test_a_mail_too_often_is_told_and_the_others_go_out(owner: Actor, three: list[Invite]) -> None:
    for _time in range(5):
        owner.post(f"invites/{three[0].pk}/send/")
        OutboxMail.objects.update(state="sent", sent_at=timezone.now())
    done = text(send(owner, chosen(three[:2], act="send")))
    assert "1 mail is on its way." in done
    assert "1 was not mailed:" in done


@pytest.mark.parametrize("data", [{"act": "withdraw"}, {"act": "dance", "chosen": "x"}, {"chosen": "x"}])
def test_nothing_ticked_or_wished_changes_nothing_and_says_what_to_do(
    owner: Actor, three: list[Invite], data: dict[str, object]
) -> None:
    response = send(owner, data)
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Tick those whom you mean" in text(response)


def test_a_role_has_to_be_chosen_and_to_suit_the_media(
    scene: Scene, owner: Actor, three: list[Invite]
) -> None:
    assert "Choose the new role" in text(send(owner, chosen(three, act="role")))
    assert "Choose the new role" in text(send(owner, chosen(three, act="role", role="host")))
    Entry.objects.update(kind="video")
    assert "Choose the new role" in text(send(owner, chosen(three, act="role", role="speaker")))
    assert set(Invite.objects.values_list("role", flat=True)) == {"viewer"}


def test_all_that_is_found_means_all_pages(scene: Scene, owner: Actor, three: list[Invite]) -> None:
    make_many(scene.entry, 60)
    query = owner.post("invites/", q="many")["Location"].partition("?")[2]
    question = send(owner, chosen(three[:1], act="withdraw", all="on"), f"?{query}")
    assert "Withdraw 60 invitations?" in text(question)
    done = send(owner, hidden_fields(text(question)), f"?{query}")
    assert "60 invitations withdrawn." in text(done)
    assert Invite.objects.exclude(withdrawn_at=None).count() == 60


def test_too_many_at_once_are_refused_with_a_way_out(scene: Scene, owner: Actor) -> None:
    make_many(scene.entry, MOST_AT_ONCE + 1)
    response = send(owner, {"act": "withdraw", "all": "on"})
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert f"At most {MOST_AT_ONCE} can be changed at once." in text(response)


def test_other_peoples_are_left_and_counted(scene: Scene, owner: Actor, three: list[Invite]) -> None:
    publisher = scene.member(Right.CO_PUBLISHER)
    publisher.post("invites/new/", email="own@example.org", first_name="", last_name="Own", role="viewer")
    own = Invite.objects.get(normalised_email="own@example.org")
    foreign = make_invite(make_entry(), "foreign@example.org")
    done = text(send(publisher, chosen([own, three[0], foreign], act="withdraw", confirmed="yes")))
    assert "1 invitation withdrawn." in done
    assert "2 were not yours." in done
    assert list(Invite.objects.exclude(withdrawn_at=None)) == [own]
    done = text(send(publisher, chosen(three, act="role", role="speaker")))
    assert "Role of 0 invitees is now Speaker." in done
    assert set(Invite.objects.values_list("role", flat=True)) == {"viewer"} | {foreign.role}


# --- As a file ------------------------------------------------------------------------------------


def lines_of(response: HttpResponseBase) -> list[dict[str, str]]:
    body = b"".join(response).decode()
    assert body.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(body.removeprefix("\ufeff"))))


def test_the_file_holds_what_the_list_shows_and_no_link(owner: Actor, three: list[Invite]) -> None:
    Invite.objects.filter(pk=three[0].pk).update(
        first_name="=cmd|calc", last_name="+Silva", devices_used=1, entered_at=timezone.now()
    )
    response = owner.get("invites/invitations.csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="invitations.csv"'
    lines = {line["Email address"]: line for line in lines_of(response)}
    assert list(lines) == [invite.email for invite in reversed(three)]
    entered = lines["silva@example.org"]
    assert (entered["First name"], entered["Last name"]) == ("'=cmd|calc", "'+Silva")
    assert (entered["State"], entered["Link"], entered["Devices"]) == ("Entered", "Link used up", "1")
    assert lines["lund@example.org"]["State"] == "Made"
    assert lines["lund@example.org"]["Link"] == "Open"
    body = str(lines)
    assert not [invite for invite in three if link_for(invite) in body]
    assert "/join/" not in body


def test_the_file_follows_filter_search_and_powers(scene: Scene, owner: Actor, three: list[Invite]) -> None:
    query = owner.post("invites/", q="sorensen")["Location"].partition("?")[2]
    response = owner.client.get(f"{owner.address('invites/invitations.csv')}?{query}")
    assert [line["Last name"] for line in lines_of(response)] == ["Sørensen"]
    assert lines_of(owner.get("invites/invitations.csv", state="entered")) == []
    assert lines_of(scene.member(Right.CO_PUBLISHER).get("invites/invitations.csv")) == []


def test_a_long_file_is_whole_and_costs_few_queries(scene: Scene, owner: Actor) -> None:
    make_many(scene.entry, 1200)
    assert len(lines_of(owner.get("invites/invitations.csv"))) == 1200


def prepare_many() -> Actor:
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(course)
    make_many(entry, 450)
    return Scene(course, entry, placement).member()


@pytest.mark.django_db(transaction=True)
async def test_an_asynchronous_server_sends_it_as_well() -> None:
    actor = await sync_to_async(prepare_many)()
    client = AsyncClient()
    client.cookies = actor.client.cookies
    response = cast("StreamingHttpResponse", await client.get(actor.address("invites/invitations.csv")))
    assert response.is_async
    body = b"".join([part async for part in response]).decode()
    assert body.count("@example.org") == 450


def test_without_a_template_nobody_is_offered_a_mail(scene: Scene, three: list[Invite]) -> None:
    make_settings(scene.entry.tenant, invite_email_template=None)
    page = text(scene.member().get("invites/"))
    assert "Send again" not in page
    assert "Tell" not in text(send(scene.member(), chosen(three, act="withdraw")))
