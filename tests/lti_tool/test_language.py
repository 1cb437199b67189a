"""In which language somebody reads a page."""

import pytest
from django.test import Client

from lti_tool.identity import TAB_COOKIE
from lti_tool.language import supported
from lti_tool.models import Membership
from tests.factories.lti import make_course, make_member, make_tab, make_tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def member() -> Membership:
    return make_member(make_course(make_tenant()))


def language_of(client: Client, path: str, accepts: str) -> str:
    response = client.get(path, headers={"Accept-Language": accepts}, follow=True)
    return response.headers["Content-Language"]


def launched(member: Membership, locale: str) -> tuple[Client, str]:
    tab, secret = make_tab(member, locale=locale)
    client = Client()
    client.cookies[TAB_COOKIE] = secret
    return client, f"/~{tab.handle}/admin/config/tab/invitetomedia"


@pytest.mark.parametrize(
    ("locale", "accepts", "shown"),
    [
        ("fr-CA", "de", "fr"),
        ("de_AT", "fr", "de"),
        ("es", "", "es"),
        ("en-GB", "fr", "en"),
        ("it", "fr-CH, de;q=0.5", "fr"),
        ("", "de", "de"),
        ("", "it", "en"),
    ],
)
def test_the_launch_says_the_language_else_the_browser(
    member: Membership, locale: str, accepts: str, shown: str
) -> None:
    client, path = launched(member, locale)
    assert language_of(client, path, accepts) == shown


def test_two_tabs_of_one_browser_do_not_share_a_language(member: Membership) -> None:
    (french, french_path), (german, german_path) = launched(member, "fr"), launched(member, "de")
    for _again in range(2):
        assert language_of(french, french_path, "en") == "fr"
        assert language_of(german, german_path, "en") == "de"
    assert language_of(Client(), "/operator/login/", "es") == "es"


@pytest.mark.parametrize(
    ("locale", "language"), [("fr_CA", "fr"), ("DE", "de"), ("tlh", ""), ("", ""), ("../x", "")]
)
def test_a_locale_stands_for_a_language_of_ours_or_for_none(locale: str, language: str) -> None:
    assert supported(locale) == language
