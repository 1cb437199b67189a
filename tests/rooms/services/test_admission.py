"""Letting people in and showing them out: what the tables say afterwards, and what is announced."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from common.errors import RefusedError
from rooms.models import Participant, Pass
from rooms.policy.roles import Role
from rooms.services.admission import (
    admit_participant,
    change_granted_role,
    end_passes,
    issue_pass,
    readmit_participant,
    revive_pass,
    withdraw_grant,
)
from tests.factories.lti import make_person
from tests.factories.rooms import make_entry, make_guest, make_participant, make_pass

pytestmark = pytest.mark.django_db


@pytest.fixture
def until() -> datetime:
    return timezone.now() + timedelta(hours=1)


def test_a_guest_and_a_person_are_admitted_alike(until: datetime) -> None:
    entry = make_entry()
    guest, person = make_guest(entry.tenant), make_person(entry.tenant)
    admit_participant(entry, guest=guest, role=Role.SPEAKER, until=until)
    admit_participant(entry, person=person, role=Role.VIEWER, until=until)
    found = Participant.objects.values_list("guest", "person", "granted_role", "granted_until")
    assert set(found) == {(guest.pk, None, "speaker", until), (None, person.pk, "viewer", until)}


def test_admitting_again_renews_the_grant_and_makes_nobody_twice(until: datetime) -> None:
    entry = make_entry()
    guest = make_guest(entry.tenant)
    first = admit_participant(entry, guest=guest, role=Role.VIEWER, until=until)
    later = until + timedelta(days=1)
    again = admit_participant(entry, guest=guest, role=Role.MODERATOR, until=later)
    first.refresh_from_db()
    assert first == again
    assert (first.granted_role, first.granted_until) == ("moderator", later)


def test_nobody_is_made_a_host_by_admission(until: datetime) -> None:
    entry = make_entry()
    with pytest.raises(ValueError, match="host"):
        admit_participant(entry, guest=make_guest(entry.tenant), role=Role.HOST, until=until)


def test_whoever_was_removed_needs_to_be_readmitted(until: datetime) -> None:
    entry = make_entry()
    guest = make_guest(entry.tenant)
    removed = make_participant(entry, guest=guest, removed_at=timezone.now())
    with pytest.raises(RefusedError) as refused:
        admit_participant(entry, guest=guest, role=Role.VIEWER, until=until)
    assert refused.value.code == "removed"
    readmit_participant(removed)
    assert admit_participant(entry, guest=guest, role=Role.VIEWER, until=until) == removed


def test_passes_end_once_and_one_can_be_given_back() -> None:
    entry = make_entry()
    participant = make_participant(entry, guest=make_guest(entry.tenant))
    held = issue_pass(participant, secret_hash="h" * 64)
    first = timezone.now()
    assert end_passes(Pass.objects.all(), entry_id=entry.pk, now=first) == 1
    assert end_passes(Pass.objects.all(), entry_id=entry.pk, now=first + timedelta(hours=1)) == 0
    held.refresh_from_db()
    assert held.ended_at == first
    revive_pass(held)
    assert Pass.objects.get().ended_at is None


def test_a_role_changes_only_while_there_is_one() -> None:
    entry = make_entry()
    participant = make_participant(entry, guest=make_guest(entry.tenant), role="viewer")
    change_granted_role(participant, Role.SPEAKER)
    assert Participant.objects.get().granted_role == "speaker"
    withdraw_grant(participant)
    change_granted_role(participant, Role.SPEAKER)
    assert Participant.objects.get().granted_role == ""


def test_each_change_is_announced_after_the_commit_and_nothing_else_is(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, until: datetime
) -> None:
    entry = make_entry()
    guest = make_guest(entry.tenant)
    participant = make_participant(entry, guest=guest, role="viewer")
    make_pass(participant)
    end = partial(end_passes, Pass.objects.all(), entry_id=entry.pk, now=timezone.now())
    changes: list[Any] = [
        partial(change_granted_role, participant, Role.SPEAKER),
        partial(admit_participant, entry, guest=guest, role=Role.VIEWER, until=until),
        end,
        partial(withdraw_grant, participant),
    ]
    for change in changes:
        with django_capture_on_commit_callbacks() as announced:
            change()
        assert len(announced) == 1
    nothing: list[Any] = [
        partial(change_granted_role, participant, Role.SPEAKER),
        end,
        partial(readmit_participant, participant),
    ]
    for change in nothing:
        with django_capture_on_commit_callbacks() as announced:
            change()
        assert announced == []
