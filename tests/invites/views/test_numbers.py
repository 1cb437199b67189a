"""Numbers by HTTP: an entry's beside its list, a tenant's in the console."""

import re
from http import HTTPStatus
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from invites.models import OutboxMail
from lti_tool.roles import ApplicationRole, Right
from rooms.models import Entry
from tests.factories.invites import make_invite
from tests.factories.rooms import make_entry
from tests.invites.views.test_manage import Actor, Scene, owner, scene, text

__all__ = ["owner", "scene"]

pytestmark = pytest.mark.django_db

CONSOLE = "/admin/config/tab/numbers"


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator", password="x"))
    return client


def make_some(entry: Entry, domain: str = "example.org") -> None:
    now = timezone.now()
    for number, values in enumerate(
        [{}, {"lobby_reached_at": now}, {"lobby_reached_at": now, "entered_at": now}]
    ):
        invite = make_invite(entry, f"guest{number}@{domain}", **values)
        if number:
            OutboxMail.objects.create(
                tenant=entry.tenant, invite=invite, generation=1, due_at=now, state="sent", sent_at=now
            )


def totals(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'<span class="funnel__number">(\d+)</span>', page)]


def console(client: Client, tenant_id: UUID) -> str:
    return text(client.get(f"{CONSOLE}?tenant={tenant_id}"))


def test_an_entrys_numbers_are_charts_and_a_table(scene: Scene, owner: Actor) -> None:
    make_some(scene.entry)
    make_some(make_entry(scene.entry.tenant))
    page = text(owner.get("invites/numbers/"))
    assert totals(page) == [3, 2, 2, 1]
    assert page.count('chart__picture" viewBox') == 4
    assert "style=" not in page
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", page, re.DOTALL)
    assert len(rows) == 30
    assert re.findall(r'class="number">(\d+)<', rows[0]) == ["3", "2", "2", "1"]
    weeks = text(owner.get("invites/numbers/", span="weeks"))
    assert len(re.findall(r"<tr><th scope=\"row\">", weeks)) == 52
    assert owner.address("invites/numbers/") in text(owner.get("invites/"))


def test_without_invites_the_page_says_what_it_will_count(owner: Actor) -> None:
    assert "No numbers yet" in text(owner.get("invites/numbers/"))


def test_an_entrys_numbers_are_for_those_who_see_all_invites(scene: Scene) -> None:
    make_some(scene.entry)
    publisher = scene.member(Right.CO_PUBLISHER)
    assert publisher.get("invites/numbers/").status_code == HTTPStatus.FORBIDDEN
    assert "numbers/" not in text(publisher.get("invites/"))
    assert scene.member(Right.CO_EDITOR).get("invites/numbers/").status_code == HTTPStatus.OK


def test_the_console_counts_the_tenant_and_nobody_else(scene: Scene, operator: Client) -> None:
    make_some(scene.entry)
    make_some(make_entry(scene.entry.tenant, title="Second"))
    foreign = make_entry(title="Foreign")
    make_some(foreign)
    page = console(operator, scene.entry.tenant_id)
    assert totals(page) == [6, 4, 4, 2]
    assert "Second" in page
    assert "Foreign" not in page
    assert totals(console(operator, foreign.tenant_id)) == [3, 2, 2, 1]


def test_neither_teachers_nor_strangers_see_a_tenants(scene: Scene) -> None:
    make_some(scene.entry)
    teacher = scene.member(role=ApplicationRole.UNMODERATED_ADMIN)
    assert teacher.client.get(f"{teacher.prefix}{CONSOLE}").status_code == HTTPStatus.FORBIDDEN
    assert Client().get(CONSOLE).status_code == HTTPStatus.FOUND
