"""What an engine is told: every change of a role, whoever is shown out, the end; whatever it does then."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from rooms.access import Viewer, viewer_by_tab
from rooms.models import Entry, Participant
from rooms.models import Stage as StageRow
from rooms.policy.roles import Role
from rooms.services.admission import (
    admit_participant,
    change_granted_role,
    change_granted_roles,
    withdraw_grant,
    withdraw_grants,
)
from rooms.services.doors import close_doors, end_session
from rooms.services.entries import delete_entry
from rooms.services.people import give_role, remove_participant
from rooms.services.presence import with_participant
from rooms.services.stage import StageChoice, set_stage
from tests.factories.lti import make_course, make_member, make_tab, make_tenant
from tests.factories.rooms import make_guest, make_participant, make_placed_entry
from tests.rooms.engines.recording import NAME, PATH, Recording

pytestmark = pytest.mark.django_db

NOW = timezone.now()
UNTIL = NOW + timedelta(days=1)


@dataclass
class Scene:
    """A room whose stage has the recording engine, its host, and a guest who speaks."""

    entry: Entry
    host: Viewer
    speaker: Participant

    @property
    def alone(self) -> Participant:
        return Participant.objects.get(pk=self.speaker.pk)

    @property
    def all(self) -> QuerySet[Participant]:
        return Participant.objects.filter(pk=self.speaker.pk)


@pytest.fixture
def scene(settings: Settings) -> Scene:
    settings.STAGE_ENGINES = {**settings.STAGE_ENGINES, NAME: PATH}
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(course)
    tab, _secret = make_tab(make_member(course), placement)
    found = viewer_by_tab(entry, tab)
    assert found is not None
    host = with_participant(entry, by=found)
    speaker = make_participant(entry, guest=make_guest(course.tenant), role="speaker", granted_until=UNTIL)
    set_stage(entry, StageChoice(NAME), by=host, now=NOW)
    Recording.calls.clear()
    Recording.is_down = False
    return Scene(entry, host, speaker)


MODERATES, WATCHES = (True, True), (False, False)  # is on the stage, is a moderator
Change = Callable[[Scene], object]

ROLES: dict[str, tuple[Change, tuple[bool, bool]]] = {
    "a host promotes": (
        lambda it: give_role(it.entry, it.speaker.pk, Role.MODERATOR, by=it.host, now=NOW),
        MODERATES,
    ),
    "a host demotes": (
        lambda it: give_role(it.entry, it.speaker.pk, Role.VIEWER, by=it.host, now=NOW),
        WATCHES,
    ),
    "an invitation changes": (lambda it: change_granted_role(it.alone, Role.VIEWER), WATCHES),
    "several invitations change": (
        lambda it: change_granted_roles(it.all, Role.MODERATOR, entry_id=it.entry.pk),
        MODERATES,
    ),
    "another link is used": (
        lambda it: admit_participant(it.entry, role=Role.VIEWER, until=UNTIL, guest=it.speaker.guest),
        WATCHES,
    ),
}
ENDS: dict[str, Change] = {
    "a host removes": lambda it: remove_participant(it.entry, it.speaker.pk, by=it.host, now=NOW),
    "an invitation is withdrawn": lambda it: withdraw_grant(it.alone),
    "several are withdrawn": lambda it: withdraw_grants(it.all, entry_id=it.entry.pk),
}
CLOSES: dict[str, Change] = {
    "doors close": lambda it: close_doors(it.entry, by=it.host, now=NOW),
    "the session ends": lambda it: end_session(it.entry, by=it.host, now=NOW),
    "the room is deleted": lambda it: delete_entry(it.entry, by=it.host, now=NOW),
}


def after(commits: DjangoCaptureOnCommitCallbacks, change: Change, scene: Scene) -> list[tuple[object, ...]]:
    """What the engine was told; nothing of it before the commit."""
    with commits(execute=True):
        change(scene)
        assert Recording.calls == []
    return Recording.calls


@pytest.mark.parametrize("change", ROLES)
def test_a_changed_role_is_told(
    scene: Scene, change: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    act, meant = ROLES[change]
    told = after(django_capture_on_commit_callbacks, act, scene)
    assert told == [("change_role", scene.entry.pk, scene.speaker.pk, *meant)]


@pytest.mark.parametrize("change", ENDS)
def test_whoever_is_shown_out_is_removed(
    scene: Scene, change: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    told = after(django_capture_on_commit_callbacks, ENDS[change], scene)
    assert told == [("remove", scene.entry.pk, scene.speaker.pk)]


@pytest.mark.parametrize("change", CLOSES)
def test_the_meeting_ends_and_the_next_one_is_another(
    scene: Scene, change: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    told = after(django_capture_on_commit_callbacks, CLOSES[change], scene)
    assert told == [("close", scene.entry.pk)]
    assert StageRow.objects.get().settings == {"number": "2"}


@pytest.mark.parametrize("change", [*ROLES, *ENDS])
def test_without_a_stage_nobody_is_told(
    scene: Scene, change: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    act = ROLES[change][0] if change in ROLES else ENDS[change]
    StageRow.objects.all().delete()
    assert after(django_capture_on_commit_callbacks, act, scene) == []


@pytest.mark.parametrize("change", [*ENDS, *CLOSES])
def test_an_engine_that_is_down_stops_nothing(
    scene: Scene, change: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    Recording.is_down = True
    after(django_capture_on_commit_callbacks, ENDS.get(change) or CLOSES[change], scene)
    assert len(Recording.calls) == 1
    scene.entry.refresh_from_db()
    row = scene.alone
    is_done = {
        "a host removes": row.removed_at is not None,
        "doors close": scene.entry.doors == "closed",
        "the session ends": scene.entry.doors == "ended",
        "the room is deleted": scene.entry.deleted_at is not None,
    }
    assert is_done.get(change, row.granted_role == "")
