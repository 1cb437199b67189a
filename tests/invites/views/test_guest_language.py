"""A guest reads the door and the room in the language of the invitation, else in the browser's."""

import re

import pytest
from django.test import Client

from invites.links import token_for
from tests.factories.invites import make_invite, make_settings
from tests.factories.rooms import make_entry

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("language", "spoken"), [("fr", "fr"), ("es", "es"), ("", "de"), ("it", "de")])
def test_from_the_link_to_the_room(language: str, spoken: str) -> None:
    entry = make_entry()
    make_settings(entry.tenant)
    invite = make_invite(entry, language=language)
    phone = Client(headers={"Accept-Language": "de-CH, en;q=0.5"})
    door = phone.get(f"/join/{token_for(invite)}", {"early": ""})
    assert door.headers["Content-Language"] == spoken
    key = re.search(r'name="key" value="([0-9a-f]+)"', door.content.decode())
    assert key is not None
    let_in = phone.post(f"/join/{token_for(invite)}", {"key": key[1], "email": invite.email}, follow=True)
    assert let_in.redirect_chain
    assert let_in.status_code == 200
    assert let_in.headers["Content-Language"] == spoken
    assert f'<html lang="{spoken}"' in let_in.content.decode()


def test_one_rooms_language_is_not_anothers() -> None:
    entry, other = make_entry(), make_entry()
    make_settings(entry.tenant)
    phone = Client()
    invite = make_invite(entry, language="fr")
    key = re.search(
        r'value="([0-9a-f]+)"', phone.get(f"/join/{token_for(invite)}", {"early": ""}).content.decode()
    )
    assert key is not None
    response = phone.post(f"/join/{token_for(invite)}", {"key": key[1], "email": invite.email})
    cookie = response.cookies["django_language"]
    assert (cookie.value, cookie["path"]) == ("fr", entry.get_absolute_url())
    assert not other.get_absolute_url().startswith(str(cookie["path"]))
