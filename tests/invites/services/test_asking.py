"""A guest asks for a new link: to whom it goes, what is renewed, and what asking never does (design §7)."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from common.errors import AppError, ThrottledError
from invites.links import LinkClaim
from invites.models import Invite, InviteEvent, ModuleSettings, OutboxMail
from invites.policy import Why
from invites.services.asking import Answer, ask_new_link
from invites.services.redeem import Device, redeem_invite
from lti_tool.models import Membership, Person
from lti_tool.roles import ApplicationRole, Right
from rooms.access import viewer_by_pass
from rooms.models import Collaborator, Entry, Participant, Pass
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_course, make_member, make_person, make_tenant
from tests.factories.rooms import make_placed_entry

pytestmark = pytest.mark.django_db

INVITED = "ana@example.org"
PHONE, LAPTOP = Device("p" * 43), Device("l" * 43)


@dataclass
class Scene:
    """A course's room, and the instructor who has invited Ana to it."""

    entry: Entry
    inviter: Person
    invite: Invite

    def ask(
        self, typed: str = INVITED, *, generation: int | None = None, now: datetime | None = None
    ) -> Answer:
        claim = LinkClaim(self.invite.pk, generation or self.invite.generation)
        return ask_new_link(claim, typed, address="192.0.2.1", language="en", now=now or timezone.now())

    def now_it_is(self, **values: object) -> None:
        Invite.objects.filter(pk=self.invite.pk).update(**values)

    @property
    def fresh(self) -> Invite:
        return Invite.objects.get(pk=self.invite.pk)


@pytest.fixture
def scene() -> Scene:
    """The link has expired."""
    course = make_course(make_tenant())
    entry, _placement = make_placed_entry(course)
    member = make_member(course)
    past = timezone.now() - timedelta(hours=1)
    return Scene(entry, member.person, make_invite(entry, made_by=member.person, expires_at=past))


def mails() -> list[tuple[str, int]]:
    return [(mail.kind, mail.generation) for mail in OutboxMail.objects.order_by("created_at")]


def kinds() -> list[str]:
    return [event.kind for event in InviteEvent.objects.all()]


def refused(run: Callable[[], object]) -> str:
    with pytest.raises(AppError) as error:
        run()
    return error.value.code


# --- What is renewed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values", [{}, {"expires_at": timezone.now() + timedelta(days=1), "devices_used": 1}]
)
def test_an_expired_or_used_up_link_gets_new_terms_and_goes_to_the_invited_mailbox(
    scene: Scene, values: dict[str, Any]
) -> None:
    make_settings(scene.entry.tenant, link_duration=60, link_reusability=2)
    scene.now_it_is(**values)
    now = timezone.now()
    assert scene.ask(now=now) == Answer.MAILED
    invite = scene.fresh
    assert (invite.generation, invite.devices_used, invite.max_devices) == (2, 0, 2)
    assert invite.expires_at == now + timedelta(minutes=60)
    assert invite.new_link_asked_at == now  # the hosts see it
    assert mails() == [("new_link", 2)]
    assert kinds() == ["new_link_asked", "new_link"]


def test_a_replaced_link_gets_the_newest_again(scene: Scene) -> None:
    later = timezone.now() + timedelta(days=1)
    scene.now_it_is(generation=3, expires_at=later)
    assert scene.ask(generation=1) == Answer.MAILED
    assert (scene.fresh.generation, scene.fresh.expires_at) == (3, later)
    assert mails() == [("new_link", 3)]


def test_a_replaced_link_whose_newest_has_expired_is_renewed(scene: Scene) -> None:
    scene.now_it_is(generation=2)
    assert scene.ask(generation=1) == Answer.MAILED
    assert mails() == [("new_link", 3)]


def test_asking_twice_renews_once_and_mails_twice(scene: Scene) -> None:
    scene.ask(generation=1)
    scene.ask(generation=1)
    assert scene.fresh.generation == 2
    assert mails() == [("new_link", 2), ("new_link", 2)]


def test_the_passes_of_the_old_link_end_when_the_new_one_is_used(scene: Scene) -> None:
    scene.now_it_is(expires_at=timezone.now() + timedelta(hours=1))
    old = redeem_invite(LinkClaim(scene.invite.pk, 1), device=PHONE, now=timezone.now())
    scene.ask()
    assert viewer_by_pass(scene.entry, old.pass_secret) is not None
    redeem_invite(LinkClaim(scene.invite.pk, 2), device=LAPTOP, now=timezone.now())
    assert viewer_by_pass(scene.entry, old.pass_secret) is None
    assert scene.fresh.new_link_asked_at is None  # the guest is in: nobody has to answer any more


def test_a_known_persons_role_lasts_as_long_as_the_new_link(scene: Scene) -> None:
    person = make_person(scene.entry.tenant, email=INVITED)
    here = Participant.objects.create(
        entry=scene.entry, person=person, granted_role="speaker", granted_until=scene.invite.expires_at
    )
    scene.now_it_is(participant=here)
    scene.ask()
    here.refresh_from_db()
    assert here.granted_until == scene.fresh.expires_at


# --- What is for the hosts to decide ----------------------------------------------------------------------


def inviter_gone(scene: Scene) -> None:
    scene.now_it_is(made_by=None)


def inviter_disabled(scene: Scene) -> None:
    Person.objects.filter(pk=scene.inviter.pk).update(is_disabled=True)


def inviter_without_right(scene: Scene) -> None:
    Membership.objects.update(right=Right.NONE)


def inviter_below_the_minimum(scene: Scene) -> None:
    make_settings(scene.entry.tenant, allowed_users="admin")
    Membership.objects.update(application_role=ApplicationRole.PRIVATE_ONLY)


def inviter_left_the_course(scene: Scene) -> None:
    Membership.objects.update(status=Membership.Status.DELETED)


def not_on_the_media_page(scene: Scene) -> None:
    make_settings(scene.entry.tenant, shows_on_media_page=False)


def domain_restricted(scene: Scene) -> None:
    make_settings(scene.entry.tenant, restrict_new_user_domains=["example.org"])


@pytest.mark.parametrize(
    "change",
    [
        inviter_gone,
        inviter_disabled,
        inviter_without_right,
        inviter_below_the_minimum,
        inviter_left_the_course,
        not_on_the_media_page,
        domain_restricted,
    ],
)
def test_where_the_inviter_could_not_renew_it_the_hosts_are_told_and_nothing_else_happens(
    scene: Scene, change: Callable[[Scene], None]
) -> None:
    change(scene)
    assert scene.ask() == Answer.HOSTS_TOLD
    assert scene.fresh.generation == 1
    assert scene.fresh.new_link_asked_at is not None
    assert mails() == []
    assert kinds() == ["new_link_asked"]


def test_a_right_given_by_name_is_a_right(scene: Scene) -> None:
    Membership.objects.update(right=Right.NONE)
    Collaborator.objects.create(entry=scene.entry, person=scene.inviter, right=Right.CO_PUBLISHER)
    assert scene.ask() == Answer.MAILED


def test_without_mail_the_hosts_are_told(scene: Scene, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    assert scene.ask() == Answer.NO_MAIL
    assert (scene.fresh.generation, mails()) == (1, [])
    assert scene.fresh.new_link_asked_at is not None


# --- What asking never does -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"withdrawn_at": timezone.now()}, Why.WITHDRAWN),
        ({"withdrawn_at": timezone.now(), "generation": 2}, Why.WITHDRAWN),
    ],
)
def test_a_withdrawn_invite_stays_withdrawn(scene: Scene, values: dict[str, Any], why: Why) -> None:
    scene.now_it_is(**values)
    assert refused(lambda: scene.ask(generation=1)) == why
    assert (mails(), kinds()) == ([], [])


def test_nothing_is_renewed_that_is_over_switched_off_gone_or_for_somebody_removed(scene: Scene) -> None:
    scene.now_it_is(expires_at=timezone.now() + timedelta(hours=1))
    redeem_invite(LinkClaim(scene.invite.pk, 1), device=PHONE, now=timezone.now())
    Participant.objects.update(removed_at=timezone.now())
    assert refused(scene.ask) == Why.REMOVED
    Participant.objects.update(removed_at=None)
    Entry.objects.update(doors="ended", doors_changed_at=timezone.now())
    assert refused(scene.ask) == Why.SESSION_ENDED
    make_settings(scene.entry.tenant, enable=False)
    assert refused(scene.ask) == Why.MODULE_OFF
    ModuleSettings.objects.update(enable=True)
    Entry.objects.update(deleted_at=timezone.now())
    assert refused(scene.ask) == Why.GONE
    assert (scene.fresh.generation, mails(), kinds()) == (1, [], [])


def test_another_address_gets_the_same_answer_and_nothing_happens(scene: Scene) -> None:
    before = Invite.objects.values().get()
    assert scene.ask("bo@example.org") == scene.ask("not an address") == Answer.MAILED
    assert Invite.objects.values().get() == before
    assert (mails(), kinds()) == ([], [])


@pytest.mark.parametrize("typed", ["", "  ", "\n"])
def test_nothing_typed_is_nothing(scene: Scene, typed: str) -> None:
    assert refused(lambda: scene.ask(typed)) == "empty"
    assert (scene.fresh.generation, mails()) == (1, [])


def test_ten_wrong_addresses_close_this_door_too(scene: Scene) -> None:
    for number in range(10):
        scene.ask(f"guess{number}@example.org")
    with pytest.raises(ThrottledError):
        scene.ask()
    assert mails() == []


def test_three_links_in_a_quarter_of_an_hour_and_the_fourth_looks_the_same(scene: Scene) -> None:
    now = timezone.now()
    answers = [scene.ask(generation=1, now=now + timedelta(minutes=minute)) for minute in range(5)]
    assert answers == [Answer.MAILED] * 5
    assert len(mails()) == 3
    scene.ask(generation=1, now=now + timedelta(minutes=15))
    assert len(mails()) == 4


def test_a_link_is_mailed_outside_the_quotas_and_without_a_template(scene: Scene) -> None:
    make_settings(
        scene.entry.tenant, invite_email_template=None, quota_per_recipient_day=0, quota_per_tenant_day=0
    )
    assert scene.ask() == Answer.MAILED
    assert mails() == [("new_link", 2)]


# --- Races ------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_asking_at_once_makes_one_generation_and_three_mails(scene: Scene) -> None:
    barrier = Barrier(10)

    def ask(_number: int) -> Answer:
        try:
            barrier.wait(timeout=30)
            return scene.ask(generation=1)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        answers = Counter(pool.map(ask, range(10)))
    assert answers == {Answer.MAILED: 10}
    assert scene.fresh.generation == 2
    assert mails() == [("new_link", 2)] * 3
    assert not Pass.objects.exists()
