"""What the invited hear when a session changes, and how long their links last."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage

import pytest
from django.utils import timezone
from icalendar import Calendar, Event

from invites.links import link_for
from invites.models import Invite, OutboxMail
from invites.services.delivery import send_due_mails
from invites.services.issue import Wish, issue_invite
from invites.services.lifecycle import withdraw_invite
from invites.services.notices import QUIET, work_off_changes
from invites.services.outbox import queue_invitation_mail, queue_withdrawn_mail
from rooms.access import Viewer, viewer_by_tab
from rooms.models import Entry, EntryChange, Participant
from rooms.policy.doors import GRACE_AFTER_END
from rooms.policy.roles import Role
from rooms.services.entries import Details, delete_entry, edit_entry
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_course, make_member, make_person, make_tab, make_tenant
from tests.factories.mailserver import Mailserver, text_of
from tests.factories.rooms import make_placed_entry

pytestmark = pytest.mark.django_db(transaction=True)

State, Kind, Unsent = OutboxMail.State, OutboxMail.Kind, OutboxMail.Unsent
HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)


@dataclass
class Scene:
    """A lecture in three days, its host, and somebody who was invited by mail."""

    entry: Entry
    host: Viewer
    invite: Invite
    now: datetime

    @property
    def starts_at(self) -> datetime:
        assert self.entry.starts_at is not None
        return self.entry.starts_at

    def edit(
        self,
        *,
        title: str | None = None,
        later: timedelta | None = None,
        tells: bool = True,
        after: timedelta = MINUTE,
    ) -> None:
        """Edit some time after now."""
        starts_at, ends_at = self.entry.starts_at, self.entry.ends_at
        if later is not None and starts_at and ends_at:
            starts_at, ends_at = starts_at + later, ends_at + later
        details = Details(title=title or self.entry.title, starts_at=starts_at, ends_at=ends_at)
        edit_entry(self.entry, details, by=self.host, now=self.now + after, tells_invited=tells)

    def work(self, *, after: timedelta) -> int:
        """Let the worker come by some time after now; how many mails were sent."""
        work_off_changes(self.now + after)
        return send_due_mails(self.now + after)


@pytest.fixture
def scene(mailserver: Mailserver) -> Scene:
    now = timezone.now().replace(microsecond=0)
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(
        course, title="Optics", starts_at=now + 3 * DAY, ends_at=now + 3 * DAY + HOUR
    )
    tab, _secret = make_tab(make_member(course), placement)
    host = viewer_by_tab(entry, tab)
    assert host is not None
    invite = make_invite(entry, expires_at=now + 4 * DAY, follows_session=True)
    queue_invitation_mail(invite, language="en", now=now)
    assert send_due_mails(now) == 1
    entry.refresh_from_db()
    return Scene(entry, host, invite, now)


def event_in(mail: EmailMessage) -> tuple[str, Event]:
    """The method and the event of the calendar file in a mail: it is there twice, the same both times."""
    (inline,) = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    (attached,) = [part for part in mail.walk() if part.get_content_type() == "application/ics"]
    assert attached.get_filename() == "invite.ics"
    text = inline.get_content()
    assert attached.get_content().decode().splitlines() == text.splitlines()
    calendar = Calendar.from_ical(text)
    method = str(calendar["METHOD"])
    assert inline.get_param("method") == method
    (event,) = calendar.events
    return method, event


# --- The calendar file --------------------------------------------------------------------------------


def test_an_invitation_to_a_scheduled_session_carries_its_calendar_file(
    scene: Scene, mailserver: Mailserver
) -> None:
    method, event = event_in(mailserver.mails[0])
    assert method == "REQUEST"
    assert event["UID"] == f"{scene.invite.pk}@127.0.0.1"
    assert (event["SEQUENCE"], event["STATUS"], event["SUMMARY"]) == (0, "CONFIRMED", "Optics")
    assert event.decoded("DTSTART") == scene.starts_at
    assert f"DTSTART:{scene.starts_at:%Y%m%dT%H%M%SZ}" in event.to_ical().decode(), "in UTC"
    assert event.decoded("DTEND") == scene.starts_at + HOUR
    link = link_for(scene.invite)
    assert (event["URL"], event["LOCATION"]) == (link, link)
    assert event["ATTENDEE"] == "mailto:ana@example.org"
    assert event["ATTENDEE"].params["CN"] == "Ana Guest"
    (sender,) = mailserver.mails[0]["From"].addresses
    assert event["ORGANIZER"] == f"mailto:{sender.addr_spec}", "mail programs trust no other"


def test_without_a_start_there_is_no_calendar_file(mailserver: Mailserver) -> None:
    queue_invitation_mail(make_invite(), language="en", now=timezone.now())
    send_due_mails(timezone.now())
    assert {part.get_content_type() for part in mailserver.mails[0].walk()} == {
        "multipart/alternative",
        "text/plain",
        "text/html",
    }


def test_the_same_mail_again_is_the_same_version(scene: Scene, mailserver: Mailserver) -> None:
    queue_invitation_mail(scene.invite, language="en", now=scene.now)
    assert send_due_mails(scene.now) == 1
    _method, event = event_in(mailserver.mails[1])
    assert event["SEQUENCE"] == 0


# --- Changes ------------------------------------------------------------------------------------------


def test_a_new_time_is_told_once_it_stays(scene: Scene, mailserver: Mailserver) -> None:
    scene.edit(later=HOUR, after=MINUTE)
    assert scene.work(after=MINUTE + timedelta(seconds=30)) == 0, "another edit may follow"
    assert scene.work(after=MINUTE + QUIET) == 1
    mail = mailserver.mails[1]
    method, event = event_in(mail)
    assert (method, event["UID"], event["SEQUENCE"]) == ("REQUEST", f"{scene.invite.pk}@127.0.0.1", 1)
    assert event.decoded("DTSTART") == scene.starts_at
    assert mail["Subject"].strip().startswith("Changed: Optics, ")
    for text in (text_of(mail), text_of(mail, "html")):
        assert "has changed" in text
        assert link_for(scene.invite) in text
        assert "changes the event in your calendar" in text
    assert not EntryChange.objects.exists()
    assert scene.work(after=HOUR) == 0, "told once"


def test_three_edits_in_a_row_make_one_mail(scene: Scene, mailserver: Mailserver) -> None:
    for number in range(3):
        scene.edit(title=f"Optics {number}", after=MINUTE + number * timedelta(seconds=20))
    assert scene.work(after=2 * MINUTE) == 0
    assert scene.work(after=3 * MINUTE) == 1
    assert event_in(mailserver.mails[1])[1]["SUMMARY"] == "Optics 2"
    scene.edit(title="Optics, at last", after=HOUR)
    assert scene.work(after=HOUR + QUIET) == 1
    assert event_in(mailserver.mails[2])[1]["SEQUENCE"] == 2


def test_what_was_changed_back_is_not_told(scene: Scene) -> None:
    scene.edit(later=HOUR, after=MINUTE)
    scene.edit(later=-HOUR, after=MINUTE + timedelta(seconds=10))
    assert scene.work(after=5 * MINUTE) == 0
    assert OutboxMail.objects.count() == 1


def test_without_the_tick_nobody_is_told(scene: Scene) -> None:
    scene.edit(later=HOUR, tells=False)
    assert scene.work(after=5 * MINUTE) == 0
    assert not EntryChange.objects.exists()


def test_another_description_is_no_news(scene: Scene) -> None:
    details = Details(
        title="Optics", description="Bring a lens.", starts_at=scene.starts_at, ends_at=scene.entry.ends_at
    )
    edit_entry(scene.entry, details, by=scene.host, now=scene.now, tells_invited=True)
    assert not EntryChange.objects.exists()


def test_told_are_those_who_were_mailed_and_may_still_come(scene: Scene, mailserver: Mailserver) -> None:
    entry = scene.entry
    in_time = {"expires_at": scene.now + 9 * DAY}
    make_invite(entry, "handed-over@example.org", **in_time)
    waiting = queue_invitation_mail(
        make_invite(entry, "waiting@example.org", **in_time), language="en", now=scene.now + DAY
    )
    for name, change in (
        ("withdrawn", {"withdrawn_at": scene.now}),
        ("expired", {"expires_at": scene.now}),
        ("used-up", {"devices_used": 1}),
    ):
        invite = make_invite(entry, f"{name}@example.org", **in_time)
        queue_invitation_mail(invite, language="en", now=scene.now)
        send_due_mails(scene.now)
        Invite.objects.filter(pk=invite.pk).update(**change)
    scene.edit(later=HOUR)
    before = len(mailserver.mails)
    scene.work(after=5 * MINUTE)
    assert sorted(mailserver.recipients[before:]) == ["ana@example.org", "used-up@example.org"]
    assert send_due_mails(scene.now + DAY) == 1
    _method, event = event_in(mailserver.mails[-1])
    assert event.decoded("DTSTART") == scene.starts_at, "what had not left yet tells the new time at once"
    waiting.refresh_from_db()
    assert waiting.state == State.SENT


def test_a_change_told_by_a_server_that_is_down_tells_the_newest(
    scene: Scene, mailserver: Mailserver
) -> None:
    mailserver.answers["ana@example.org"] = "451 4.7.1 come back"
    scene.edit(title="Optics I")
    assert scene.work(after=5 * MINUTE) == 0
    scene.edit(title="Optics II", after=10 * MINUTE)
    mailserver.answers.clear()
    assert scene.work(after=HOUR) == 1
    method, event = event_in(mailserver.mails[1])
    assert (method, event["SUMMARY"]) == ("REQUEST", "Optics II")
    assert event["SEQUENCE"] == 2
    assert OutboxMail.objects.filter(kind=Kind.CHANGED).count() == 1


def test_a_session_without_a_time_leaves_the_calendar(scene: Scene, mailserver: Mailserver) -> None:
    edit_entry(scene.entry, Details(title="Optics"), by=scene.host, now=scene.now, tells_invited=True)
    assert scene.work(after=5 * MINUTE) == 1
    method, event = event_in(mailserver.mails[1])
    assert (method, event["SEQUENCE"]) == ("CANCEL", 1)
    assert "No time is set any more." in text_of(mailserver.mails[1])
    later = Details(title="Optics", starts_at=scene.now + 5 * DAY, ends_at=scene.now + 6 * DAY)
    edit_entry(scene.entry, later, by=scene.host, now=scene.now + HOUR, tells_invited=True)
    assert scene.work(after=2 * HOUR) == 1
    method, event = event_in(mailserver.mails[2])
    assert (method, event["SEQUENCE"]) == ("REQUEST", 2)


def test_two_thousand_are_told_with_few_questions(
    scene: Scene, django_assert_max_num_queries: object
) -> None:
    for number in range(60):
        invite = make_invite(scene.entry, f"guest{number}@example.org", expires_at=scene.now + 9 * DAY)
        Invite.objects.filter(pk=invite.pk).update(mailed_details="something else")
        OutboxMail.objects.create(
            tenant_id=invite.tenant_id, invite=invite, generation=1, state=State.SENT, due_at=scene.now
        )
    scene.edit(later=HOUR)
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        work_off_changes(scene.now + 5 * MINUTE)
    assert OutboxMail.objects.filter(kind=Kind.CHANGED).count() == 61


# --- Withdrawn, deleted -------------------------------------------------------------------------------


def test_a_withdrawal_that_is_told_takes_the_event_out_of_the_calendar(
    scene: Scene, mailserver: Mailserver
) -> None:
    withdraw_invite(scene.invite, by=scene.host, now=scene.now)
    queue_withdrawn_mail(scene.invite, language="en", now=scene.now)
    assert send_due_mails(scene.now) == 1
    mail = mailserver.mails[1]
    method, event = event_in(mail)
    assert (method, event["STATUS"], event["SEQUENCE"]) == ("CANCEL", "CANCELLED", 1)
    assert event["UID"] == f"{scene.invite.pk}@127.0.0.1"
    assert "URL" not in event
    assert mail["Subject"] == "Invitation withdrawn: Optics"
    for text in (text_of(mail), text_of(mail, "html")):
        assert "was withdrawn" in text
        assert "does not work any more" in text
        assert "/join/" not in text

    Invite.objects.filter(pk=scene.invite.pk).update(withdrawn_at=None)
    queue_invitation_mail(scene.invite, language="en", now=scene.now)
    assert send_due_mails(scene.now) == 1
    method, event = event_in(mailserver.mails[2])
    assert (method, event["SEQUENCE"]) == ("REQUEST", 2), "newer than the cancellation"


def test_a_withdrawal_that_was_taken_back_is_not_told(scene: Scene) -> None:
    withdraw_invite(scene.invite, by=scene.host, now=scene.now)
    mail = queue_withdrawn_mail(scene.invite, language="en", now=scene.now)
    Invite.objects.filter(pk=scene.invite.pk).update(withdrawn_at=None)
    assert send_due_mails(scene.now) == 0
    mail.refresh_from_db()
    assert (mail.state, mail.error) == (State.GIVEN_UP, Unsent.NOTHING_TO_TELL)


def test_a_cancellation_that_is_tried_again_says_the_same(scene: Scene, mailserver: Mailserver) -> None:
    withdraw_invite(scene.invite, by=scene.host, now=scene.now)
    mail = queue_withdrawn_mail(scene.invite, language="en", now=scene.now)
    mailserver.answers["ana@example.org"] = "451 4.7.1 come back"
    send_due_mails(scene.now)
    mailserver.answers.clear()
    mail.refresh_from_db()
    assert send_due_mails(mail.due_at) == 1
    method, event = event_in(mailserver.mails[1])
    assert (method, event["SEQUENCE"]) == ("CANCEL", 1)


@pytest.mark.parametrize("tells", [True, False])
def test_a_deleted_session_is_told_where_that_is_wished(
    scene: Scene, mailserver: Mailserver, *, tells: bool
) -> None:
    make_invite(scene.entry, "handed-over@example.org", expires_at=scene.now + 9 * DAY)
    delete_entry(scene.entry, by=scene.host, now=scene.now, tells_invited=tells)
    assert scene.work(after=5 * MINUTE) == (1 if tells else 0)
    if tells:
        mail = mailserver.mails[1]
        assert mail["Subject"] == "Cancelled: Optics"
        assert "does not take place" in text_of(mail)
        assert event_in(mail)[0] == "CANCEL"


def test_of_a_session_that_is_over_nothing_is_told(scene: Scene) -> None:
    delete_entry(scene.entry, by=scene.host, now=scene.now + 4 * DAY, tells_invited=True)
    assert scene.work(after=5 * DAY) == 0


# --- How long links last ------------------------------------------------------------------------------


def issued(scene: Scene, email: str) -> Invite:
    wish = Wish(email=email, first_name="", last_name="B", role=Role.VIEWER)
    invite = issue_invite(scene.entry, wish, by=scene.host, course=None, language="en", now=scene.now).invite
    assert invite.expires_at == scene.starts_at + HOUR + GRACE_AFTER_END
    return invite


def test_a_link_goes_with_a_session_that_moves_to_later(scene: Scene) -> None:
    person = make_person(scene.entry.tenant, email="b@example.org")
    invite = issued(scene, "b@example.org")
    scene.edit(later=7 * DAY, tells=False)
    work_off_changes(scene.now + MINUTE)
    invite.refresh_from_db()
    ends_at = scene.starts_at + HOUR + GRACE_AFTER_END
    assert invite.expires_at == ends_at
    assert Participant.objects.get(person=person).granted_until == ends_at


def test_a_link_is_never_shortened(scene: Scene) -> None:
    invite = issued(scene, "b@example.org")
    before = invite.expires_at
    scene.edit(later=-DAY, tells=False)
    work_off_changes(scene.now + MINUTE)
    invite.refresh_from_db()
    assert invite.expires_at == before


def test_what_was_settled_when_a_link_was_made_stays(scene: Scene) -> None:
    rules = make_settings(scene.entry.tenant, valid_until_session_ends=False, link_duration=30)
    wish = Wish(email="b@example.org", first_name="", last_name="B", role=Role.VIEWER)
    invite = issue_invite(scene.entry, wish, by=scene.host, course=None, language="en", now=scene.now).invite
    rules.valid_until_session_ends = True
    rules.save()
    scene.edit(later=7 * DAY, tells=False)
    work_off_changes(scene.now + MINUTE)
    invite.refresh_from_db()
    assert invite.expires_at == scene.now + 30 * MINUTE


def test_a_withdrawn_link_stays_as_it_was(scene: Scene) -> None:
    invite = issued(scene, "b@example.org")
    before = invite.expires_at
    withdraw_invite(invite, by=scene.host, now=scene.now)
    scene.edit(later=7 * DAY, tells=False)
    work_off_changes(scene.now + MINUTE)
    invite.refresh_from_db()
    assert invite.expires_at == before
