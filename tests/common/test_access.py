"""What is for somebody is kept by nobody else: by no cache in between, by no browser that others use."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from rooms.models import Entry
from tests.factories.lti import make_course, make_tenant
from tests.factories.rooms import make_guest, make_participant, make_pass, make_placed_entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry() -> Entry:
    placed, _placement = make_placed_entry(make_course(make_tenant()))
    return placed


@pytest.mark.parametrize("path", ["", "ahead/", "look/", "calendar.ics", "edit/"])
def test_no_cache_keeps_what_a_guest_sees(entry: Entry, path: str) -> None:
    _held, secret = make_pass(make_participant(entry, guest=make_guest(entry.tenant)))
    client = Client()
    client.cookies["foyer-pass"] = secret
    assert client.get(f"/media/{entry.pk}/{path}")["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("tab", ["invitetomedia", "audit", "groups", "nothing"])
def test_no_cache_keeps_what_an_operator_sees(entry: Entry, tab: str) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    answer = client.get(f"/admin/config/tab/{tab}", {"tenant": str(entry.tenant_id)})
    assert answer["Cache-Control"] == "private, no-store"


def test_what_is_public_says_itself_how_long_it_may_be_kept() -> None:
    assert "public" in Client().get("/lti/config.json")["Cache-Control"]
    assert "Cache-Control" not in Client().get("/healthz")
