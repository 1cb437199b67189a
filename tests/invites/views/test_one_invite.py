"""What is done to one invite, undone, and told."""

import re
from http import HTTPStatus

import pytest
from django.http import HttpResponseBase
from django.utils import timezone

from invites.links import link_for
from invites.models import Invite, InviteEvent, OutboxMail
from lti_tool.roles import Right
from tests.factories.invites import make_invite, make_settings
from tests.factories.rooms import make_entry
from tests.invites.services.test_lifecycle import come_in
from tests.invites.views.test_manage import FORM, Actor, Scene, owner, scene, text

__all__ = ["owner", "scene"]

pytestmark = pytest.mark.django_db


def follow(actor: Actor, response: HttpResponseBase) -> str:
    assert response.status_code == HTTPStatus.SEE_OTHER
    return text(actor.client.get(response["Location"]))


def undo(actor: Actor, page: str) -> HttpResponseBase:
    """Press the button Undo of a page."""
    form = re.search(r'data-toast>.*?<form method="post" action="([^"]+)">(.*?)</form>', page, re.DOTALL)
    assert form, "nothing can be undone here"
    assert "Undo" in form[2]
    return actor.client.post(form[1], dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[2])))


def test_a_changed_role_can_be_undone(scene: Scene, owner: Actor) -> None:
    invite = make_invite(scene.entry, role="viewer")
    page = follow(owner, owner.post(f"invites/{invite.pk}/role/", role="speaker"))
    assert "Role is now Speaker." in page
    assert "data-dialog-over" in page
    undone = follow(owner, undo(owner, page))
    assert "Role is now Viewer." in undone
    assert "Undo" not in undone
    assert Invite.objects.get().role == "viewer"


def test_a_role_that_somebody_else_changed_meanwhile_is_not_undone(scene: Scene, owner: Actor) -> None:
    invite = make_invite(scene.entry, role="viewer")
    page = follow(owner, owner.post(f"invites/{invite.pk}/role/", role="speaker"))
    Invite.objects.update(role="moderator")
    response = undo(owner, page)
    assert response.status_code == HTTPStatus.CONFLICT
    assert "The role was changed again meanwhile." in text(response)
    assert Invite.objects.get().role == "moderator"


def test_the_same_role_again_leaves_nothing_to_undo(scene: Scene, owner: Actor) -> None:
    invite = make_invite(scene.entry, role="viewer")
    assert "Undo" not in follow(owner, owner.post(f"invites/{invite.pk}/role/", role="viewer"))


def test_a_withdrawal_can_be_undone_and_the_link_is_the_same(scene: Scene, owner: Actor) -> None:
    invite = make_invite(scene.entry, max_devices=2)
    come_in(invite)
    link = link_for(invite)
    page = follow(owner, owner.post(f"invites/{invite.pk}/withdraw/"))
    assert "Withdrawn." in page
    assert "data-dialog-over" in page
    assert link not in page
    restored = follow(owner, undo(owner, page))
    assert "The withdrawal is taken back." in restored
    assert link in restored
    assert Invite.objects.get().withdrawn_at is None


def test_a_withdrawal_can_be_taken_back_later_from_its_own_page(scene: Scene, owner: Actor) -> None:
    invite = make_invite(scene.entry, withdrawn_at=timezone.now())
    assert owner.address(f"invites/{invite.pk}/restore/") in text(owner.get("invites/"))
    page = text(owner.get(f"invites/{invite.pk}/restore/"))
    at = re.search(r'name="withdrawn_at" value="([^"]+)"', page)
    assert at
    owner.post(f"invites/{invite.pk}/restore/", withdrawn_at=at[1])
    assert Invite.objects.get().withdrawn_at is None


@pytest.mark.parametrize(
    "typed", ["", "yesterday", "2026-11-21", "2026-13-41T00:00:00Z", "2020-01-01T00:00:00Z"]
)
def test_only_the_withdrawal_that_is_meant_is_undone(scene: Scene, owner: Actor, typed: str) -> None:
    at = timezone.now()
    invite = make_invite(scene.entry, withdrawn_at=at)
    owner.post(f"invites/{invite.pk}/restore/", withdrawn_at=typed)
    stands = Invite.objects.get().withdrawn_at == at
    assert stands == typed.startswith("2020")


def test_nobody_who_may_not_invite_takes_a_withdrawal_back(scene: Scene, owner: Actor) -> None:
    invite = make_invite(scene.entry, withdrawn_at=timezone.now())
    make_settings(scene.entry.tenant, enable=False)
    assert owner.post(f"invites/{invite.pk}/restore/").status_code == HTTPStatus.FORBIDDEN
    assert "restore/" not in text(owner.get("invites/"))
    assert Invite.objects.get().withdrawn_at is not None


@pytest.mark.parametrize(("tick", "told"), [({}, 0), ({"is_told": "on"}, 1)])
def test_the_withdrawn_are_told_where_the_inviter_wishes(
    scene: Scene, owner: Actor, tick: dict[str, str], told: int
) -> None:
    invite = make_invite(scene.entry)
    assert "Tell ana@example.org by mail" in text(owner.get(f"invites/{invite.pk}/withdraw/"))
    owner.post(f"invites/{invite.pk}/withdraw/", **tick)
    assert OutboxMail.objects.filter(kind=OutboxMail.Kind.WITHDRAWN).count() == told


def test_the_language_of_the_mail_is_chosen_beside_sending(scene: Scene, owner: Actor) -> None:
    invite = make_invite(scene.entry)
    page = text(owner.get(f"invites/{invite.pk}/"))
    offered = re.findall(r'<option value="(\w*)"', page[page.index('name="language"') :])
    assert offered == ["", "en", "fr", "es", "de"]
    owner.post(f"invites/{invite.pk}/send/", language="fr")
    assert (Invite.objects.get().language, OutboxMail.objects.get().language) == ("fr", "fr")
    OutboxMail.objects.update(state="sent", sent_at=timezone.now())
    assert '<option value="fr" selected>' in text(owner.get(f"invites/{invite.pk}/"))
    owner.post(f"invites/{invite.pk}/send/", language="tlh")  # nobody offers it: what was chosen stays
    assert Invite.objects.get().language == "fr"
    owner.post(f"invites/{invite.pk}/new-link/", replacing="1", is_mailed="on")
    assert set(OutboxMail.objects.values_list("language", flat=True)) == {"fr"}


def test_the_history_is_told_from_the_first_day(scene: Scene, owner: Actor) -> None:
    owner.post("invites/new/", **FORM)
    invite = Invite.objects.get()
    owner.post(f"invites/{invite.pk}/role/", role="speaker")
    owner.post(f"invites/{invite.pk}/new-link/", replacing="1")
    owner.post(f"invites/{invite.pk}/withdraw/")
    page = text(owner.get(f"invites/{invite.pk}/history/"))
    told = re.findall(r'<li class="history__line">.*?<p>(.*?)</p>', page, re.DOTALL)
    assert told == [
        "Invited by Ingrid",
        "Ingrid changed the role: Speaker from now on",
        "Ingrid gave a new link; the old one was void",
        "Withdrawn by Ingrid",
    ]
    details = list(InviteEvent.objects.values_list("detail", flat=True))
    assert not [detail for detail in details if "@" in detail or "Ana" in detail]


def test_a_history_is_for_those_who_may_see_the_invite(scene: Scene, owner: Actor) -> None:
    owner.post("invites/new/", **FORM)
    invite = Invite.objects.get()
    assert owner.get(f"invites/{invite.pk}/history/").status_code == HTTPStatus.OK
    publisher = scene.member(Right.CO_PUBLISHER)
    assert publisher.get(f"invites/{invite.pk}/history/").status_code == HTTPStatus.NOT_FOUND
    elsewhere = make_invite(make_entry(scene.entry.tenant))
    assert owner.get(f"invites/{elsewhere.pk}/history/").status_code == HTTPStatus.NOT_FOUND
