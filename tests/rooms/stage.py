"""A room with people of every role, and their pages, over real sockets."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from lti_tool.models import Course, Tab
from lti_tool.roles import ApplicationRole, Right
from rooms.access import Viewer, viewer_by_tab
from rooms.models import Entry, Participant, Pass
from tests.factories.lti import make_course, make_member, make_tab, make_tenant
from tests.factories.rooms import make_guest, make_participant, make_pass, make_placed_entry
from tests.rooms.talking import Page


@dataclass
class Stage:
    """A room with an instructor, a learner and three guests: a speaker, a moderator and a viewer."""

    server: str
    course: Course
    entry: Entry
    host_tab: tuple[Tab, str]
    learner_tab: tuple[Tab, str]
    speaker: Participant
    speaker_pass: tuple[Pass, str]
    viewer: Participant
    viewer_pass: tuple[Pass, str]
    moderator: Participant
    moderator_pass: tuple[Pass, str]
    pages: ExitStack

    @property
    def host(self) -> Viewer:
        found = viewer_by_tab(self.entry, self.host_tab[0])
        assert found is not None
        return found

    def page(self, **who: Any) -> Page:  # noqa: ANN401 - as Page itself takes it
        return self.pages.enter_context(Page(self.server, self.entry, **who))

    def as_host(self) -> Page:
        return self.page(tab=self.host_tab)

    def as_learner(self) -> Page:
        return self.page(tab=self.learner_tab)

    def as_speaker(self) -> Page:
        return self.page(pass_secret=self.speaker_pass[1])

    def as_viewer(self) -> Page:
        return self.page(pass_secret=self.viewer_pass[1])

    def as_moderator(self) -> Page:
        return self.page(pass_secret=self.moderator_pass[1])

    def arrived(self, name: str) -> Page:
        """The page of `host`, `learner`, `speaker`, `moderator` or `viewer`, after its hello."""
        page: Page = getattr(self, f"as_{name}")()
        page.hello()
        return page

    def change(self, **values: object) -> None:
        Entry.objects.filter(pk=self.entry.pk).update(**values)
        self.entry.refresh_from_db()


@pytest.fixture
def stage(tool_inside: str) -> Iterator[Stage]:
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(course)
    learner = make_member(course, right=Right.NONE, application_role=ApplicationRole.VIEWER)
    until = timezone.now() + timedelta(hours=2)
    speaker = make_participant(
        entry, guest=make_guest(course.tenant, "amara@x.example"), role="speaker", granted_until=until
    )
    viewer = make_participant(
        entry, guest=make_guest(course.tenant, "luis@x.example"), role="viewer", granted_until=until
    )
    moderator = make_participant(
        entry, guest=make_guest(course.tenant, "noor@x.example"), role="moderator", granted_until=until
    )
    with ExitStack() as pages:
        yield Stage(
            server=tool_inside,
            course=course,
            entry=entry,
            host_tab=make_tab(make_member(course), placement),
            learner_tab=make_tab(learner, placement),
            speaker=speaker,
            speaker_pass=make_pass(speaker),
            viewer=viewer,
            viewer_pass=make_pass(viewer),
            moderator=moderator,
            moderator_pass=make_pass(moderator),
            pages=pages,
        )
