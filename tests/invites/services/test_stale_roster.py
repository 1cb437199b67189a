"""Before a new address is refused for its domain, a stale roster is asked once: they may be in the course."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from common.errors import RefusedError
from invites.models import Invite
from invites.services.issue import Wish, issue_invite
from lti_tool.models import Course, Tab
from practice_lms.people import LEARNER
from practice_lms.registration import Tool
from practice_lms.server import RunningKeySet, RunningLms
from rooms.access import Viewer, viewer_by_tab
from rooms.models import Binding, Entry
from rooms.policy.roles import Role
from tests.factories.invites import make_settings
from tests.factories.launches import Browser, Stage, register
from tests.factories.rooms import make_entry

pytestmark = pytest.mark.django_db

DOMAIN = LEARNER.email.partition("@")[2]
LEARNER_WISH = Wish(
    email=LEARNER.email, first_name=LEARNER.given_name, last_name=LEARNER.family_name, role=Role.SPEAKER
)
STRANGER_WISH = Wish(email=f"nobody@{DOMAIN}", first_name="No", last_name="Body", role=Role.SPEAKER)


@dataclass
class Scene:
    """An instructor who launched from a running LMS whose people Foyer does not know yet."""

    lms: RunningLms
    course: Course
    entry: Entry
    viewer: Viewer

    def invite(self, wish: Wish, minutes: float = 0) -> Invite:
        now = timezone.now() + timedelta(minutes=minutes)
        self.course.refresh_from_db()
        issued = issue_invite(self.entry, wish, by=self.viewer, course=self.course, language="en", now=now)
        return issued.invite


@pytest.fixture
def scene(tmp_path: Path, settings: Settings, foyer: str) -> Iterator[Scene]:
    settings.KEYS_DIR = tmp_path / "keys"
    key_set = json.loads(Client(SERVER_NAME="127.0.0.1").get("/lti/jwks.json").content)
    with RunningLms() as lms, RunningKeySet(key_set) as keys:
        lms.connect_tool(settings.PUBLIC_URL)
        at_home = lms.tool
        lms.connect_tool(Tool(at_home.login_url, at_home.launch_url, keys.url, at_home.target_link_uri))
        assert Stage(lms, register(lms)).launch(Browser()).status == 303
        tab = Tab.objects.select_related("course", "placement", "person").get()
        assert tab.course is not None
        assert tab.placement is not None
        entry = make_entry(tab.tenant)
        Binding.objects.create(placement=tab.placement, entry=entry)
        make_settings(tab.tenant, restrict_new_user_domains=[DOMAIN])
        viewer = viewer_by_tab(entry, tab)
        assert viewer is not None
        yield Scene(lms, tab.course, entry, viewer)


def test_somebody_who_is_in_the_course_by_now_is_known(scene: Scene) -> None:
    invite = scene.invite(LEARNER_WISH)
    assert invite.participant is not None
    assert invite.participant.person is not None
    assert invite.participant.person.sub == LEARNER.sub


def test_a_fresh_roster_is_not_asked_again(scene: Scene) -> None:
    for minutes, calls in [(0, 2), (1, 2), (6, 4)]:  # the practice course has two pages
        with pytest.raises(RefusedError) as refused:
            scene.invite(STRANGER_WISH, minutes)
        assert refused.value.code == "restricted"
        assert scene.lms.behaviour.roster.calls == calls


def test_a_platform_that_does_not_answer_changes_nothing_but_the_answer(scene: Scene) -> None:
    Course.objects.update(roster_url=f"{scene.course.roster_url}/nothing")
    with pytest.raises(RefusedError) as refused:
        scene.invite(LEARNER_WISH)
    assert refused.value.code == "restricted"


def test_an_address_without_a_rule_asks_nobody(scene: Scene) -> None:
    scene.invite(Wish(email="ana@free.example", first_name="Ana", last_name="Free", role=Role.VIEWER))
    assert scene.lms.behaviour.roster.calls == 0
