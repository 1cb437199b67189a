"""An LMS that moved to another host."""

import pytest
from django.core.management import CommandError, call_command

from lti_tool.models import Course, Platform
from practice_lms.people import GUEST_LECTURE
from practice_lms.server import RunningLms
from rooms.models import Binding
from tests.factories.launches import Browser, Stage, tab_behind
from tests.factories.lti import make_platform
from tests.factories.rooms import make_entry

NEW = {
    "issuer": "https://learn.example.edu",
    "auth_url": "https://learn.example.edu/auth",
    "token_url": "https://learn.example.edu/token",
    "jwks_url": "https://learn.example.edu/jwks",
}


def rename(old_issuer: str, client_id: str, **values: str) -> None:
    call_command(
        "register_platform",
        rename_from=old_issuer,
        client_id=client_id,
        **{**NEW, **values},
        verbosity=0,
    )


def test_everything_stays_with_the_platform_that_moved(stage: Stage, browser: Browser) -> None:
    tab = tab_behind(browser, stage.launch(browser))
    assert tab.placement is not None
    entry = make_entry(tab.tenant)
    Binding.objects.create(placement=tab.placement, entry=entry)
    home = stage.lms.registration
    assert Course.objects.get().roster_url.startswith(home.issuer)
    Platform.objects.update(issuer="https://old.example.edu", token_audience="https://old.example.edu/token")
    Course.objects.update(roster_url="https://old.example.edu/memberships")
    moved = {"issuer": home.issuer, "auth_url": home.auth_url, "jwks_url": home.jwks_url}
    rename("https://old.example.edu", home.client_id, **moved, token_url=home.token_url)
    platform = Platform.objects.get()
    assert (platform.issuer, platform.audience) == (home.issuer, home.token_url)
    assert Course.objects.get().roster_url == ""
    again = tab_behind(browser, stage.launch(browser, link=GUEST_LECTURE))
    assert (again.person, again.placement) == (tab.person, tab.placement)
    assert browser.get(f"/~{again.handle}/").location.endswith(f"/media/{entry.pk}/")
    rename("https://old.example.edu", home.client_id, **moved, token_url=home.token_url)
    assert Platform.objects.count() == 1


def test_an_audience_that_is_no_address_of_the_old_host_stays(lms: RunningLms, db: None) -> None:
    platform = make_platform(issuer="https://old.example.edu", token_audience="https://api.brightspace.com/x")
    rename("https://old.example.edu", platform.client_id)
    platform.refresh_from_db()
    assert (platform.issuer, platform.jwks_url) == (NEW["issuer"], NEW["jwks_url"])
    assert platform.audience == "https://api.brightspace.com/x"


@pytest.mark.parametrize("issuer", ["https://nobody.example", "https://old.example.edu"])
def test_what_cannot_be_renamed_is_left_alone(db: None, issuer: str) -> None:
    make_platform(issuer="https://old.example.edu", client_id="one")
    make_platform(issuer=NEW["issuer"], client_id="two")
    with pytest.raises(CommandError, match="No platform"):
        rename(issuer, "three")
    make_platform(issuer=NEW["issuer"], client_id="one")
    with pytest.raises(CommandError, match=r"cannot be joined"):
        rename("https://old.example.edu", "one")
    with pytest.raises(CommandError, match="must not end with a slash"):
        rename("https://old.example.edu", "one", issuer="https://learn.example.edu/")
    assert Platform.objects.filter(issuer="https://old.example.edu").count() == 1
