"""Retention: who is forgotten when, what stays, and that doing it again changes nothing."""

from datetime import datetime, timedelta
from io import StringIO
from threading import Event
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone

from invites.models import AuditEvent, Invite, InviteEvent, MailboxCode, OutboxMail
from invites.services.purge import Purged, foresee_purge, purge, purge_daily
from lti_tool.models import Tab
from rooms.models import Entry, Guest
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_course, make_member, make_tab, make_tenant
from tests.factories.rooms import make_entry, make_guest, make_participant

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def days(number: float) -> datetime:
    """So many days ago."""
    return NOW - timedelta(days=number)


def invited(entry: Entry, email: str = "ana@example.org", **values: object) -> Invite:
    """Somebody who came by an invite."""
    defaults: dict[str, object] = {"made_at": days(400), "expires_at": days(399)}
    guest = Guest.objects.filter(tenant=entry.tenant, normalised_email=email).first()
    guest = guest or make_guest(entry.tenant, email=email)
    participant = make_participant(entry, guest=guest, granted_until=days(399))
    return make_invite(entry, email=email, participant=participant, **{**defaults, **values})


def is_forgotten(invite: Invite) -> bool:
    invite.refresh_from_db()
    assert (invite.email == "") == (invite.first_name == "") == ("@" not in invite.normalised_email)
    return invite.email == ""


@pytest.mark.parametrize(
    ("entry_values", "invite_values", "expected"),
    [
        pytest.param({}, {}, True, id="link expired long ago"),
        pytest.param({}, {"expires_at": days(181)}, True, id="link expired 181 days ago"),
        pytest.param({}, {"expires_at": days(179)}, False, id="link expired 179 days ago"),
        pytest.param({}, {"expires_at": days(-1)}, False, id="open link"),
        pytest.param({"ends_at": days(181)}, {"expires_at": days(-9)}, True, id="session over"),
        pytest.param({"ends_at": days(179)}, {}, False, id="session over not long enough"),
        pytest.param({"ends_at": days(-30)}, {}, False, id="session to come"),
        pytest.param(
            {"doors": "ended", "doors_changed_at": days(200)}, {"expires_at": days(-1)}, True, id="ended"
        ),
        pytest.param({"deleted_at": days(200), "ends_at": days(-1)}, {}, True, id="deleted"),
        pytest.param({}, {"withdrawn_at": days(200), "expires_at": days(-5)}, True, id="withdrawn"),
        pytest.param({}, {"made_at": days(10)}, False, id="made lately"),
    ],
)
def test_a_guest_is_forgotten_so_many_days_after_the_end(
    entry_values: dict[str, Any], invite_values: dict[str, Any], expected: bool
) -> None:
    invite = invited(make_entry(**entry_values), **invite_values)
    purge(NOW)
    assert is_forgotten(invite) is expected
    assert (Guest.objects.get().erased_at is not None) is expected
    assert invite.withdrawn_at == invite_values.get("withdrawn_at")


def test_whoever_was_there_since_is_not_forgotten() -> None:
    invite = invited(make_entry())
    assert invite.participant is not None
    invite.participant.seen_at = days(3)
    invite.participant.save()
    purge(NOW)
    assert not is_forgotten(invite)


def test_one_open_invite_keeps_all_of_a_guest() -> None:
    tenant = make_tenant()
    old = invited(make_entry(tenant))
    fresh = invited(make_entry(tenant), expires_at=days(-1))
    purge(NOW)
    assert (is_forgotten(old), is_forgotten(fresh)) == (False, False)


def test_each_institution_has_its_own_days() -> None:
    short, usual = make_tenant(), make_tenant()
    make_settings(short, guest_retention_days=30)
    soon, later = (invited(make_entry(tenant), expires_at=days(40)) for tenant in (short, usual))
    purge(NOW)
    assert (is_forgotten(soon), is_forgotten(later)) == (True, False)


def test_somebody_who_never_came_is_forgotten_too() -> None:
    invite = make_invite(made_at=days(400), expires_at=days(399))
    purge(NOW)
    assert is_forgotten(invite)


def test_a_guest_whose_entries_are_gone_is_forgotten() -> None:
    guest = make_guest(make_tenant())
    Guest.objects.update(created_at=days(400))
    purge(NOW)
    guest.refresh_from_db()
    assert (guest.email, guest.search_text, guest.shown_name) == ("", "", "Former guest")


def test_the_numbers_and_the_history_stay() -> None:
    invite = invited(make_entry(), devices_used=1, entered_at=days(399))
    InviteEvent.objects.create(invite=invite, kind="made", at=days(400))
    OutboxMail.objects.create(
        tenant=invite.tenant, invite=invite, generation=1, due_at=NOW, state="sent", error=""
    )
    purge(NOW)
    invite.refresh_from_db()
    assert (invite.devices_used, invite.entered_at) == (1, days(399))
    assert (InviteEvent.objects.count(), OutboxMail.objects.count()) == (1, 1)


def test_what_is_too_old_is_deleted() -> None:
    course = make_course(make_tenant())
    member = make_member(course)
    for age in (6, 8):
        make_tab(member, launched_at=days(age + 1), expires_at=days(age))
    invite = make_invite()
    for age in (0, 2):
        MailboxCode.objects.create(
            invite=invite,
            generation=1,
            purpose="move",
            device_hash=f"{age}",
            made_at=NOW,
            expires_at=days(age),
        )
    Session.objects.create(session_key="old", session_data="", expire_date=days(1))
    foreseen, done = foresee_purge(NOW), purge(NOW)
    assert done == foreseen == Purged(codes=1, tabs=1, sessions=1)
    assert (Tab.objects.count(), MailboxCode.objects.count()) == (1, 1)


def test_done_twice_it_does_no_more() -> None:
    invited(make_entry())
    assert not foresee_purge(NOW).is_nothing
    assert purge(NOW) == Purged(guests=1, invites=1)
    assert purge(NOW).is_nothing
    assert foresee_purge(NOW).is_nothing


def test_more_than_fits_into_one_portion() -> None:
    entry = make_entry()
    for number in range(205):
        make_invite(entry, email=f"g{number}@example.org", made_at=days(400), expires_at=days(399))
    assert purge(NOW).invites == 205


def test_it_is_noted_without_names() -> None:
    invite = invited(make_entry())
    purge(NOW)
    event = AuditEvent.objects.get()
    assert (event.tenant, event.actor, event.action) == (invite.tenant, "purge", "privacy.purged")
    assert event.changes == {"guests": [None, 1], "invites": [None, 1]}


def test_the_worker_does_it_once_a_day() -> None:
    invited(make_entry())
    assert purge_daily(NOW, stopping=Event()) == Purged(guests=1, invites=1)
    assert purge_daily(NOW + timedelta(hours=1)) is None


def test_the_command_says_how_much_and_a_dry_run_changes_nothing() -> None:
    invite = invited(make_entry())

    def say(*options: str) -> str:
        said = StringIO()
        call_command("purge", *options, stdout=said)
        return said.getvalue()

    dry = say("--dry-run")
    assert "Nothing was changed." in dry
    assert "1 guests made anonymous" in dry
    assert not is_forgotten(invite)
    assert "1 guests made anonymous" in say()
    assert is_forgotten(invite)
    assert "0 guests made anonymous" in say()
