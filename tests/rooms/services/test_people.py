"""What is done about one person is asked of that person's pages alone: a room may have thousands."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from rooms.access import Viewer, viewer_by_tab
from rooms.events import StandingChanged
from rooms.models import Entry, Participant, Pass
from rooms.policy.roles import Role
from rooms.services.people import give_role, mute_participant, remove_participant
from rooms.services.presence import with_participant
from tests.factories.lti import make_course, make_member, make_tab, make_tenant
from tests.factories.rooms import make_guest, make_participant, make_pass, make_placed_entry

pytestmark = pytest.mark.django_db

NOW = timezone.now()
Act = Callable[[Entry, Participant, Viewer], None]

ACTS: dict[str, Act] = {
    "mute": lambda entry, guest, by: mute_participant(entry, guest.pk, by=by, is_muted=True, now=NOW),
    "promote": lambda entry, guest, by: give_role(entry, guest.pk, Role.SPEAKER, by=by, now=NOW),
    "remove": lambda entry, guest, by: remove_participant(entry, guest.pk, by=by, now=NOW),
}


@pytest.mark.parametrize("act", ACTS)
def test_one_is_asked_for_one(
    act: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(course)
    host = viewer_by_tab(entry, make_tab(make_member(course), placement)[0])
    assert host is not None
    until = NOW + timedelta(days=1)
    guest = make_participant(entry, guest=make_guest(course.tenant), granted_until=until)
    make_pass(guest)
    with django_capture_on_commit_callbacks() as callbacks:
        ACTS[act](entry, guest, with_participant(entry, by=host))
    events = [event for each in callbacks for event in getattr(each, "args", ())]
    standings = [event for event in events if isinstance(event, StandingChanged)]
    assert {event.participants for event in standings} == {(str(guest.pk),)}
    assert Pass.objects.filter(ended_at=None).exists() == (act != "remove")
