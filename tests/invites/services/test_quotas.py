"""Quotas: counted exactly, explained, and freed again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connections
from django.utils import timezone

from invites.models import Invite, MailboxCode, OutboxMail, QuotaUse
from invites.queries import settings_for
from invites.services.delivery import send_due_mails
from invites.services.issue import Wish, issue_invite
from invites.services.lifecycle import withdraw_invite
from invites.services.outbox import (
    queue_code_mail,
    queue_invitation_mail,
    queue_new_link_mail,
    queue_withdrawn_mail,
)
from invites.services.quotas import QuotaError, count_mail, foresee_hold, forget_old_uses
from lti_tool.models import Course
from rooms.access import Viewer, viewer_by_tab
from rooms.models import Entry
from rooms.policy.roles import Role
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_course, make_member, make_tab, make_tenant
from tests.factories.mailserver import Mailserver
from tests.factories.rooms import make_entry, make_placed_entry

pytestmark = pytest.mark.django_db(transaction=True)

State, Unsent = OutboxMail.State, OutboxMail.Unsent
HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
ANA = "ana@example.org"


@dataclass
class Scene:
    """A room, and two people who may invite to it."""

    course: Course
    entry: Entry
    viewer: Viewer
    colleague: Viewer

    def invite(
        self, name: str, *, now: datetime, by: Viewer | None = None, is_mailed: bool = False
    ) -> Invite:
        wish = Wish(
            email=f"{name}@example.org",
            first_name="",
            last_name=name,
            role=Role.VIEWER,
            is_mailed=is_mailed,
        )
        issued = issue_invite(self.entry, wish, by=by or self.viewer, course=None, language="en", now=now)
        return issued.invite


@pytest.fixture
def scene() -> Scene:
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(course)
    viewers = []
    for _ in range(2):
        tab, _secret = make_tab(make_member(course), placement)
        viewer = viewer_by_tab(entry, tab)
        assert viewer is not None
        viewers.append(viewer)
    return Scene(course, entry, *viewers)


# --- Invites ------------------------------------------------------------------------------------------


def test_an_inviter_has_so_many_an_hour_and_reads_when_it_goes_on(scene: Scene) -> None:
    make_settings(scene.entry.tenant, quota_per_inviter_hour=2, admin_contact="help@campus.example")
    now = timezone.now()
    scene.invite("a", now=now)
    scene.invite("b", now=now + 20 * timedelta(minutes=1))
    with pytest.raises(QuotaError) as refusal:
        scene.invite("c", now=now + 30 * timedelta(minutes=1))
    assert refusal.value.code == "quota_inviter_hour"
    assert refusal.value.frees_at == now + HOUR
    assert refusal.value.retry_after == 30 * 60
    assert (
        refusal.value.message == "You have invited 2 people within an hour: your institution allows no more."
    )
    assert "30\xa0minutes" in refusal.value.next_step
    assert "help@campus.example" in refusal.value.next_step
    assert Invite.objects.count() == 2

    scene.invite("c", now=now + 30 * timedelta(minutes=1), by=scene.colleague)
    scene.invite("a", now=now + 30 * timedelta(minutes=1))  # again: this is no new one
    scene.invite("d", now=now + HOUR)


def test_an_entry_has_so_many_and_a_withdrawn_one_makes_room(scene: Scene) -> None:
    make_settings(scene.entry.tenant, quota_per_entry=2)
    now = timezone.now()
    first = scene.invite("a", now=now)
    scene.invite("b", now=now, by=scene.colleague)
    with pytest.raises(QuotaError) as refusal:
        scene.invite("c", now=now)
    assert (refusal.value.code, refusal.value.frees_at) == ("quota_entry", None)
    assert "2 people are invited here" in refusal.value.message
    assert "Withdraw invitations that nobody needs" in refusal.value.next_step
    withdraw_invite(first, by=scene.viewer, now=now)
    scene.invite("c", now=now)
    make_invite(make_entry(scene.entry.tenant))  # another entry has a quota of its own


def test_a_refused_invite_uses_nothing_up(scene: Scene) -> None:
    make_settings(scene.entry.tenant, quota_per_entry=1)
    now = timezone.now()
    scene.invite("a", now=now)
    for _ in range(3):
        with pytest.raises(QuotaError):
            scene.invite("b", now=now, by=scene.colleague)
    of_colleague = QuotaUse.objects.filter(subject=str(scene.colleague.person_id))
    assert not of_colleague.exists()


def race(work: list[str], do: Callable[[str], object]) -> list[bool]:
    """Do it for each at the same moment; whether each was let through."""
    start = Barrier(len(work))

    def one(item: str) -> bool:
        start.wait()
        try:
            return bool(do(item))
        except QuotaError:
            return False
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(one, work))


def test_at_the_same_moment_nobody_gets_one_too_many(scene: Scene) -> None:
    make_settings(scene.entry.tenant, quota_per_inviter_hour=3)
    now = timezone.now()
    through = race(list("abcdefgh"), lambda name: scene.invite(name, now=now))
    assert sum(through) == Invite.objects.count() == 3
    assert QuotaUse.objects.get(quota="inviter_hour").used == 3


def test_at_the_same_moment_an_entry_is_not_overfilled(scene: Scene) -> None:
    make_settings(scene.entry.tenant, quota_per_entry=3)
    now = timezone.now()
    by = [scene.viewer, scene.colleague]
    through = race(list("abcdefgh"), lambda name: scene.invite(name, now=now, by=by[ord(name) % 2]))
    assert sum(through) == Invite.objects.count() == 3


# --- Mails --------------------------------------------------------------------------------------------


def test_a_mail_over_the_recipients_quota_waits_until_it_frees(mailserver: Mailserver) -> None:
    tenant = make_tenant()
    make_settings(tenant, quota_per_recipient_day=2)
    now = timezone.now()
    first, second, third, fourth = (
        make_invite(make_entry(tenant), expires_at=now + 9 * DAY) for _ in range(4)
    )
    for invite in (first, second):
        queue_invitation_mail(invite, language="en", now=now)
    other = queue_invitation_mail(make_invite(None, "b@example.org"), language="en", now=now)
    held_later = queue_invitation_mail(third, language="en", now=now)
    assert send_due_mails(now) == 3
    held_later.refresh_from_db()
    other.refresh_from_db()
    assert other.state == State.SENT
    assert (held_later.state, held_later.error, held_later.attempts) == (
        State.WAITING,
        Unsent.RECIPIENT_QUOTA,
        0,
    )
    began = QuotaUse.objects.get(quota="recipient_day", tenant=tenant).window_starts_at
    assert held_later.held_until == began + DAY
    assert "The mail goes out later" in held_later.shown_error

    held_at_once = queue_invitation_mail(fourth, language="en", now=now + HOUR)
    assert held_at_once.held_until == began + DAY, "the list says so at once"
    assert send_due_mails(now + HOUR) == 0
    assert send_due_mails(began + DAY) == 2
    held_later.refresh_from_db()
    assert (held_later.state, held_later.error) == (State.SENT, "")
    assert len(mailserver.mails) == 5


def test_a_mail_over_the_tenants_quota_waits(mailserver: Mailserver) -> None:
    tenant = make_tenant()
    rules = make_settings(tenant, quota_per_tenant_day=2)
    now = timezone.now()
    entry = make_entry(tenant)
    mails = [
        queue_invitation_mail(make_invite(entry, f"{name}@example.org"), language="en", now=now)
        for name in "abc"
    ]
    assert send_due_mails(now) == 2
    mails[2].refresh_from_db()
    assert mails[2].error == Unsent.TENANT_QUOTA
    hold = foresee_hold("d@example.org", rules, now=now)
    assert hold is not None
    assert hold.reason == Unsent.TENANT_QUOTA
    assert QuotaUse.objects.filter(tenant=tenant, quota="recipient_day").count() == 2, "only what was sent"

    Invite.objects.filter(pk=mails[2].invite_id).update(expires_at=now + 9 * DAY)
    assert send_due_mails(now + DAY + HOUR) == 1


def test_what_guests_ask_for_is_outside_the_quotas(mailserver: Mailserver) -> None:
    tenant = make_tenant()
    make_settings(tenant, quota_per_recipient_day=0, quota_per_tenant_day=0)
    invite = make_invite(make_entry(tenant))
    now = timezone.now()
    code = MailboxCode.objects.create(
        invite=invite,
        generation=1,
        purpose=MailboxCode.Purpose.VERIFY,
        device_hash="0" * 64,
        made_at=now,
        expires_at=now + timedelta(minutes=10),
    )
    queue_code_mail(code, language="en", now=now)
    queue_new_link_mail(invite, language="en", now=now)
    held = queue_invitation_mail(invite, language="en", now=now)
    assert send_due_mails(now) == 2
    held.refresh_from_db()
    assert (held.state, held.error) == (State.WAITING, Unsent.TENANT_QUOTA)
    told = queue_withdrawn_mail(invite, language="en", now=now)
    assert told.held_until is not None, "what hosts send counts"


def test_a_mail_that_is_tried_again_counts_once(mailserver: Mailserver) -> None:
    tenant = make_tenant()
    make_settings(tenant, quota_per_recipient_day=1)
    mailserver.answers[ANA] = "451 4.7.1 come back"
    mail = queue_invitation_mail(make_invite(make_entry(tenant)), language="en", now=timezone.now())
    send_due_mails(timezone.now())
    mailserver.answers.clear()
    mail.refresh_from_db()
    assert send_due_mails(mail.due_at) == 1
    assert QuotaUse.objects.get(quota="recipient_day").used == 1


def test_mails_counted_at_the_same_moment_are_not_one_too_many() -> None:
    rules = make_settings(make_tenant(), quota_per_tenant_day=5, quota_per_recipient_day=3)
    now = timezone.now()
    through = race([ANA] * 4 + ["b@example.org"] * 4, lambda email: count_mail(email, rules, now=now) is None)
    assert sum(through) == 5
    assert QuotaUse.objects.get(quota="tenant_day").used == 5
    assert sorted(QuotaUse.objects.filter(quota="recipient_day").values_list("used", flat=True)) in (
        [2, 3],
        [3, 2],
    )


def test_tenants_do_not_use_up_each_others_quotas() -> None:
    one, other = make_settings(make_tenant(), quota_per_recipient_day=1), settings_for(make_tenant())
    now = timezone.now()
    assert count_mail(ANA, one, now=now) is None
    assert count_mail(ANA, one, now=now) is not None
    assert count_mail(ANA, other, now=now) is None


def test_no_address_is_kept_with_the_counts_and_old_counts_go() -> None:
    rules = make_settings(make_tenant())
    now = timezone.now()
    count_mail(ANA, rules, now=now)
    assert "ana" not in repr(list(QuotaUse.objects.values()))
    assert forget_old_uses(now + DAY) == 0
    assert forget_old_uses(now + 2 * DAY + SECOND) == 2
    assert not QuotaUse.objects.exists()
