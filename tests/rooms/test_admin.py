"""Operators read about rooms; they change them through nothing but the services."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories.campus import make_campus
from tests.factories.rooms import make_guest, make_participant

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("olu"))
    return client


def test_an_operator_finds_a_room_and_who_is_in_it(operator: Client) -> None:
    campus = make_campus()
    make_participant(campus.entry, guest=make_guest(campus.course.tenant))
    listed = operator.get("/operator/rooms/entry/", {"q": "ice"})
    assert "Reading the ice" in listed.content.decode()
    page = operator.get(f"/operator/rooms/entry/{campus.entry.pk}/change/").content.decode()
    assert "Ana Guest" in page
    assert "Week 5" in page


def test_an_operator_neither_adds_nor_changes_nor_deletes(operator: Client) -> None:
    campus = make_campus()
    one = f"/operator/rooms/entry/{campus.entry.pk}"
    assert operator.get("/operator/rooms/entry/add/").status_code == 403
    assert operator.post(f"{one}/change/", {"title": "Mine"}).status_code == 403
    assert operator.post(f"{one}/delete/", {"post": "yes"}).status_code == 403
    campus.entry.refresh_from_db()
    assert campus.entry.title == "Reading the ice"


def test_launched_people_are_no_operators(client: Client) -> None:
    browser = make_campus().launch()
    assert browser.get("/operator/rooms/entry/").status == 404  # nothing of an operator's stands in a tab
    asked = browser.client.get("/operator/rooms/entry/")
    assert asked.status_code == 302
    assert "/operator/login/" in asked["Location"]
