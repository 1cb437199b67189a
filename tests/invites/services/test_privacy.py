"""Erasing somebody, and joining a guest with a person."""

from datetime import timedelta

import pytest
from django.utils import timezone

from invites.models import AuditEvent, BulkLine, BulkRun, Invite, MailboxCode, OutboxMail
from invites.queries.held import export_of, subjects_at
from invites.services.privacy import erase_address, erase_guest, erase_person, join_guest
from lti_tool.models import Membership, Person
from lti_tool.roles import Right
from rooms.access import viewer_by_pass
from rooms.models import ChatMessage, Entry, Guest, Participant, Pass, Visit
from tests.factories.invites import make_invite
from tests.factories.lti import make_course, make_member, make_person, make_tab, make_tenant
from tests.factories.rooms import make_entry, make_guest, make_participant, make_pass

pytestmark = pytest.mark.django_db

NOW = timezone.now()
BY = "operator:1"
PERSONAL = ["ana@example.org", "Ana", "Silva"]


def say(participant: Participant, text: str, sequence: int) -> ChatMessage:
    return ChatMessage.objects.create(
        entry=participant.entry,
        sequence=sequence,
        author=participant,
        author_role="viewer",
        text=text,
        sent_at=NOW,
        client_key="k",
    )


def invited_guest(entry: Entry, email: str = "ana@example.org") -> tuple[Guest, Invite, Participant, str]:
    guest = Guest.objects.filter(tenant=entry.tenant, normalised_email=email).first()
    guest = guest or make_guest(entry.tenant, email=email, first_name="Ana", last_name="Silva")
    participant = make_participant(entry, guest=guest, granted_until=NOW + timedelta(days=1))
    invite = make_invite(entry, email=email, first_name="Ana", last_name="Silva", participant=participant)
    _held, secret = make_pass(participant)
    return guest, invite, participant, secret


def everything_stored() -> str:
    """Each row of the tables that could name somebody, as text."""
    tables = (Guest, Invite, OutboxMail, BulkLine, AuditEvent, Person, Participant, MailboxCode)
    return " ".join(str(list(table._default_manager.values())) for table in tables)


def test_nothing_of_an_erased_guest_is_left_but_what_they_said() -> None:
    entry = make_entry()
    guest, invite, participant, secret = invited_guest(entry)
    say(participant, "Good morning", 1)
    OutboxMail.objects.create(
        tenant=entry.tenant,
        invite=invite,
        generation=1,
        due_at=NOW,
        state="given_up",
        error="550 ana@example.org",
    )
    waiting = OutboxMail.objects.create(tenant=entry.tenant, invite=invite, generation=1, due_at=NOW)
    code = MailboxCode.objects.create(
        invite=invite, generation=1, purpose="verify", device_hash="d", made_at=NOW, expires_at=NOW
    )
    OutboxMail.objects.create(
        tenant=entry.tenant, invite=invite, generation=1, due_at=NOW, kind="code", code=code, state="sent"
    )
    run = BulkRun.objects.create(
        tenant=entry.tenant, entry=entry, made_by=make_person(entry.tenant, name="Ingrid"), made_at=NOW
    )
    BulkLine.objects.create(run=run, number=1, email="Ana@Example.org", first_name="Ana", last_name="Silva")
    erase_guest(guest, by=BY, now=NOW)
    stored = everything_stored()
    assert [word for word in PERSONAL if word.lower() in stored.lower()] == []
    assert OutboxMail.objects.count() == 3
    waiting.refresh_from_db()
    assert (waiting.state, waiting.error) == ("given_up", "erased")
    assert ChatMessage.objects.get().author.shown_name == "Former guest"
    assert Invite.objects.get().shown_name == "Former guest"
    assert viewer_by_pass(entry, secret) is None
    assert Invite.objects.get().withdrawn_at == NOW
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.subject) == ("privacy.erased", BY, f"guest:{guest.pk}")


def test_an_erased_guest_is_shown_out_at_once() -> None:
    guest, *_rest = invited_guest(make_entry())
    erase_guest(guest, by=BY, now=NOW)
    assert not Pass.objects.filter(ended_at=None).exists()
    assert not Participant.objects.exclude(granted_role="").exists()


def test_two_erased_guests_of_one_entry_stay_two() -> None:
    entry = make_entry()
    for email in ("ana@example.org", "ben@example.org"):
        erase_guest(invited_guest(entry, email)[0], by=BY, now=NOW)
    assert Invite.objects.values("normalised_email").distinct().count() == 2
    assert Guest.objects.values("normalised_email").distinct().count() == 2


def test_an_erased_address_may_be_invited_again_as_somebody_new() -> None:
    entry = make_entry()
    erase_guest(invited_guest(entry)[0], by=BY, now=NOW)
    again, *_rest = invited_guest(entry)
    assert Guest.objects.filter(erased_at=None).get() == again


def test_the_same_address_at_another_institution_stays() -> None:
    here, there = make_entry(), make_entry()
    guest = invited_guest(here)[0]
    other = invited_guest(there)[0]
    erase_guest(guest, by=BY, now=NOW)
    other.refresh_from_db()
    assert other.email == "ana@example.org"
    assert Invite.objects.get(entry=there).withdrawn_at is None


def test_somebody_who_never_came_is_erased_by_their_invites() -> None:
    entry = make_entry()
    make_invite(entry, first_name="Ana", last_name="Silva")
    make_invite(make_entry(entry.tenant), first_name="Ana", last_name="Silva")
    erase_address(entry.tenant, "ana@example.org", by=BY, now=NOW)
    assert [word for word in PERSONAL if word in everything_stored()] == []
    assert not Invite.objects.filter(withdrawn_at=None).exists()


def test_a_person_of_the_lms_is_made_anonymous_here() -> None:
    course = make_course(make_tenant())
    person = make_person(course.tenant, name="Ana Silva", email="ana@example.org", sub="lms-77")
    tab, _secret = make_tab(make_member(course, right=Right.OWNER, person=person))
    entry = make_entry(course.tenant)
    make_invite(entry, first_name="Ana", last_name="Silva")
    erase_person(person, by=BY, now=NOW)
    assert [word for word in [*PERSONAL, "lms-77"] if word in everything_stored()] == []
    tab.refresh_from_db()
    assert tab.ended_at == NOW
    assert not Membership.objects.exists()
    assert Person.objects.get().is_disabled


# --- Joined -----------------------------------------------------------------------------------------


def test_what_a_guest_did_becomes_the_persons() -> None:
    entry = make_entry()
    guest, invite, participant, secret = invited_guest(entry)
    key = guest.pk
    person = make_person(entry.tenant, name="Ana Maria Silva")
    say(participant, "Good morning", 1)
    join_guest(guest, person, by=BY, now=NOW)
    invite.refresh_from_db()
    assert invite.participant is not None
    assert invite.participant.person == person
    assert ChatMessage.objects.get().author.shown_name == "Ana Maria Silva"
    viewer = viewer_by_pass(entry, secret)
    assert viewer is not None
    assert viewer.person_id == person.pk
    assert not Guest.objects.exists()
    assert AuditEvent.objects.get().changes == {"joined": [f"guest:{key}", f"person:{person.pk}"]}


def test_two_participations_in_one_entry_become_one() -> None:
    entry = make_entry()
    guest, invite, participant, secret = invited_guest(entry)
    person = make_person(entry.tenant)
    own = make_participant(entry, person=person, role="")
    for who, sequence in ((participant, 1), (own, 2)):
        say(who, f"From {sequence}", sequence)
        Visit.objects.create(participant=who, role="viewer", joined_at=NOW)
    join_guest(guest, person, by=BY, now=NOW)
    assert list(Participant.objects.all()) == [own]
    own.refresh_from_db()
    assert own.granted_role == participant.granted_role
    assert set(ChatMessage.objects.values_list("author", flat=True)) == {own.pk}
    invite.refresh_from_db()
    assert invite.participant == own
    assert viewer_by_pass(entry, secret) is not None


# --- Handed out -------------------------------------------------------------------------------------


def test_an_export_holds_what_is_held_and_nobody_elses_address() -> None:
    entry = make_entry(title="Reading the ice")
    _guest, invite, participant, _secret = invited_guest(entry)
    make_invite(entry, email="other@example.org", made_by=make_person(entry.tenant, name="Ingrid"))
    say(participant, "Good morning", 1)
    (subject,) = subjects_at(entry.tenant, " ANA@example.org ")
    data = export_of(subject)
    assert data["who"]["email"] == "ana@example.org"
    assert [each["title"] for each in data["invitations"]] == ["Reading the ice"]
    assert [each["text"] for each in data["messages"]] == ["Good morning"]
    assert [each["id"] for each in data["invitations"]] == [str(invite.pk)]
    assert "other@example.org" not in str(data)
    assert "Ingrid" not in str(data)


def test_an_export_of_a_person_names_courses_and_no_invitees() -> None:
    course = make_course(make_tenant(), title="Glaciology")
    person = make_person(course.tenant, email="ana@example.org")
    make_member(course, person=person)
    make_invite(make_entry(course.tenant), email="other@example.org", made_by=person)
    (subject,) = subjects_at(course.tenant, "ana@example.org")
    data = export_of(subject)
    assert [each["course"] for each in data["courses"]] == ["Glaciology"]
    assert len(data["invited_others"]) == 1
    assert "other@example.org" not in str(data)


def test_an_address_finds_nobody_at_another_institution() -> None:
    invited_guest(make_entry())
    assert subjects_at(make_tenant(), "ana@example.org") == []
    assert subjects_at(make_tenant(), "ana") == []
