"""Inviting: new, again, with a new link, and whom it is refused to."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from common.errors import AppError, ConflictError, GoneError, InvalidError, MissingError, RefusedError
from invites.links import LinkClaim, link_for
from invites.models import Invite, OutboxMail
from invites.services.issue import Wish, give_new_link, issue_invite
from invites.services.redeem import Device, redeem_invite
from lti_tool.models import Course, Placement, Tab
from lti_tool.roles import ApplicationRole, Right
from rooms.access import Viewer, viewer_by_tab
from rooms.models import Entry, Guest, Participant, Pass
from rooms.policy.rights import Power
from rooms.policy.roles import Role
from tests.factories.invites import make_settings
from tests.factories.lti import make_course, make_member, make_person, make_tab, make_tenant
from tests.factories.rooms import make_guest, make_participant, make_placed_entry

pytestmark = pytest.mark.django_db

ANA = Wish(email="Ana@Example.org", first_name="Ana", last_name="Guest", role=Role.SPEAKER)


@dataclass
class Scene:
    """A room in a course, and its instructor."""

    course: Course
    entry: Entry
    placement: Placement
    tab: Tab
    viewer: Viewer
    now: datetime

    def member(self, right: Right, role: ApplicationRole = ApplicationRole.ADMIN) -> Viewer:
        membership = make_member(self.course, right=right, application_role=role)
        tab, _secret = make_tab(membership, self.placement)
        viewer = viewer_by_tab(self.entry, tab)
        assert viewer is not None
        return viewer

    def issue(self, wish: Wish = ANA, *, by: Viewer | None = None) -> Invite:
        issued = issue_invite(
            self.entry, wish, by=by or self.viewer, course=self.course, language="en", now=self.now
        )
        return Invite.objects.get(pk=issued.invite.pk)


@pytest.fixture
def scene() -> Scene:
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(course)
    tab, _secret = make_tab(make_member(course), placement)
    viewer = viewer_by_tab(entry, tab)
    assert viewer is not None
    return Scene(course, entry, placement, tab, viewer, timezone.now())


def claim_of(invite: Invite) -> LinkClaim:
    return LinkClaim(invite.pk, invite.generation)


# --- New ----------------------------------------------------------------------------------------------


def test_an_invite_freezes_what_the_settings_say_now(scene: Scene) -> None:
    rules = make_settings(scene.entry.tenant, link_duration=90, link_reusability=5)
    invite = scene.issue()
    assert (invite.email, invite.normalised_email) == ("Ana@Example.org", "ana@example.org")
    assert invite.role == "speaker"
    assert invite.expires_at == scene.now + timedelta(minutes=90)
    assert invite.max_devices == 5
    assert invite.made_by_id == scene.viewer.person_id
    assert invite.generation == 1
    rules.link_reusability = 1
    rules.save()
    assert scene.issue(replace(ANA, email="bo@example.org")).max_devices == 1
    invite.refresh_from_db()
    assert invite.max_devices == 5


def test_minus_one_makes_a_link_for_any_number_of_devices(scene: Scene) -> None:
    make_settings(scene.entry.tenant, link_reusability=-1)
    assert scene.issue().max_devices is None


@pytest.mark.parametrize(("follows", "hours"), [(True, 50), (False, 24)])
def test_a_link_for_a_scheduled_entry_lasts_until_the_session_ends(
    scene: Scene, follows: bool, hours: int
) -> None:
    make_settings(scene.entry.tenant, valid_until_session_ends=follows)
    scene.entry.starts_at = scene.now + timedelta(hours=48)
    scene.entry.ends_at = scene.now + timedelta(hours=49)
    scene.entry.save()
    assert scene.issue().expires_at == scene.now + timedelta(hours=hours)


def test_no_guest_is_made_before_somebody_comes(scene: Scene) -> None:
    scene.issue()
    assert not Guest.objects.exists()
    assert not Participant.objects.exists()


def test_mail_is_queued_where_it_is_wished_and_a_template_is_set(scene: Scene) -> None:
    scene.issue()
    assert not OutboxMail.objects.exists()
    invite = scene.issue(replace(ANA, email="bo@example.org", is_mailed=True))
    assert [(mail.invite, mail.generation) for mail in OutboxMail.objects.all()] == [(invite, 1)]


def test_without_a_template_nothing_is_mailed(scene: Scene) -> None:
    make_settings(scene.entry.tenant, invite_email_template=None)
    scene.issue(replace(ANA, is_mailed=True))
    assert not OutboxMail.objects.exists()


def test_what_is_no_address_is_refused(scene: Scene) -> None:
    with pytest.raises(InvalidError) as refused:
        scene.issue(replace(ANA, email="ana(at)example.org"))
    assert refused.value.code == "email"


def test_a_video_takes_only_viewers(scene: Scene) -> None:
    scene.entry.kind = Entry.Kind.VIDEO
    scene.entry.save()
    with pytest.raises(InvalidError):
        scene.issue()
    assert scene.issue(replace(ANA, role=Role.VIEWER)).role == "viewer"


def test_a_deleted_entry_takes_nobody(scene: Scene) -> None:
    Entry.objects.update(deleted_at=scene.now)
    with pytest.raises(GoneError):
        scene.issue()


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"enable": False}, "module_off"),
        ({"shows_on_media_page": False}, "not_on_media_page"),
        ({"allowed_users": "unmoderated_admin"}, "not_among_allowed_users"),
        ({"allowed_users": "named"}, "not_among_allowed_users"),
    ],
)
def test_the_rules_are_asked_when_the_invite_is_written(
    scene: Scene, rules: dict[str, object], reason: str
) -> None:
    make_settings(scene.entry.tenant, **rules)
    with pytest.raises(RefusedError) as refused:
        scene.issue()
    assert refused.value.code == reason
    assert refused.value.message
    assert refused.value.next_step
    assert not Invite.objects.exists()


def test_a_person_named_in_allowed_users_may_invite(scene: Scene) -> None:
    rules = make_settings(scene.entry.tenant, allowed_users="named")
    rules.allowed_people.add(scene.tab.person)
    assert scene.issue().role == "speaker"


def test_a_room_without_collaboration_takes_nobody(scene: Scene) -> None:
    Entry.objects.update(has_chat=False)
    with pytest.raises(RefusedError) as refused:
        scene.issue()
    assert refused.value.code == "no_collaboration"


def test_a_learner_may_not_invite(scene: Scene) -> None:
    learner = scene.member(Right.NONE, ApplicationRole.VIEWER)
    with pytest.raises(RefusedError) as refused:
        scene.issue(by=learner)
    assert refused.value.code == "no_right"


# --- Somebody known -----------------------------------------------------------------------------------


def test_a_known_person_gets_the_role_at_once_and_makes_no_guest(scene: Scene) -> None:
    person = make_person(scene.entry.tenant, email="ana@example.org")
    invite = scene.issue()
    participant = Participant.objects.get()
    assert (participant.person, participant.guest, participant.granted_role) == (person, None, "speaker")
    assert participant.granted_until == invite.expires_at
    assert invite.participant == participant


def test_the_person_of_another_tenant_is_a_stranger(scene: Scene) -> None:
    make_person(make_tenant(), email="ana@example.org")
    scene.issue()
    assert not Participant.objects.exists()


# --- Again --------------------------------------------------------------------------------------------


def test_inviting_again_changes_the_role_and_keeps_the_link(scene: Scene) -> None:
    first = scene.issue()
    link = link_for(first)
    again = scene.issue(replace(ANA, email="ANA@example.ORG", role=Role.MODERATOR, last_name="Silva"))
    assert again.pk == first.pk
    assert (again.role, again.last_name, link_for(again)) == ("moderator", "Silva", link)
    assert Invite.objects.count() == 1


@pytest.mark.parametrize(("before", "after"), [(Role.VIEWER, Role.SPEAKER), (Role.SPEAKER, Role.VIEWER)])
def test_whoever_is_inside_gets_the_new_role_live(scene: Scene, before: Role, after: Role) -> None:
    invite = scene.issue(replace(ANA, role=before))
    redeem_invite(claim_of(invite), device=Device("d" * 43), now=scene.now)
    scene.issue(replace(ANA, role=after))
    assert Participant.objects.get().granted_role == after


def test_a_used_up_link_is_not_silently_renewed(scene: Scene) -> None:
    invite = scene.issue()
    redeem_invite(claim_of(invite), device=Device("d" * 43), now=scene.now)
    again = scene.issue(replace(ANA, is_mailed=True))
    assert (again.generation, again.devices_used) == (1, 1)
    assert not OutboxMail.objects.exists()


def test_somebody_elses_invitee_needs_the_power_over_all(scene: Scene) -> None:
    scene.issue()
    publisher = scene.member(Right.CO_PUBLISHER)
    assert not publisher.may(Power.MANAGE_ALL_INVITES)
    with pytest.raises(ConflictError) as refused:
        scene.issue(replace(ANA, role=Role.MODERATOR), by=publisher)
    assert scene.tab.person.shown_name in refused.value.message
    assert Invite.objects.get().role == "speaker"
    editor = scene.member(Right.CO_EDITOR)
    assert scene.issue(replace(ANA, role=Role.MODERATOR), by=editor).role == "moderator"


def test_a_co_publisher_may_invite_their_own_again(scene: Scene) -> None:
    publisher = scene.member(Right.CO_PUBLISHER)
    scene.issue(by=publisher)
    assert scene.issue(replace(ANA, role=Role.VIEWER), by=publisher).role == "viewer"


def test_whoever_was_removed_is_asked_in_again(scene: Scene) -> None:
    invite = scene.issue()
    device = Device("d" * 43)
    redeem_invite(claim_of(invite), device=device, now=scene.now)
    Participant.objects.update(removed_at=scene.now)
    Pass.objects.update(ended_at=scene.now)
    with pytest.raises(RefusedError):
        redeem_invite(claim_of(invite), device=device, now=scene.now)
    scene.issue()
    redeem_invite(claim_of(invite), device=device, now=scene.now)
    assert Pass.objects.get().ended_at is None
    assert Invite.objects.get().devices_used == 1


# --- A new link ---------------------------------------------------------------------------------------


def test_a_new_link_has_new_duration_and_new_devices(scene: Scene) -> None:
    make_settings(scene.entry.tenant, link_duration=60)
    invite = scene.issue()
    redeem_invite(claim_of(invite), device=Device("d" * 43), now=scene.now)
    later = scene.now + timedelta(hours=3)
    renewed = give_new_link(invite, replacing=1, by=scene.viewer, is_mailed=True, language="en", now=later)
    assert renewed.generation == 2
    assert renewed.expires_at == later + timedelta(hours=1)
    assert renewed.devices_used == 0
    assert link_for(renewed) != link_for(invite)
    assert [mail.generation for mail in OutboxMail.objects.all()] == [2]


def test_a_double_click_gives_one_new_link(scene: Scene) -> None:
    invite = scene.issue()
    for _click in range(2):
        give_new_link(invite, replacing=1, by=scene.viewer, is_mailed=False, language="en", now=scene.now)
    assert Invite.objects.get().generation == 2


def test_old_passes_live_until_the_new_link_is_first_used(scene: Scene) -> None:
    invite = scene.issue()
    old, new = Device("o" * 43), Device("n" * 43)
    redeem_invite(claim_of(invite), device=old, now=scene.now)
    renewed = give_new_link(
        invite, replacing=1, by=scene.viewer, is_mailed=False, language="en", now=scene.now
    )
    assert Pass.objects.get().ended_at is None
    redeem_invite(claim_of(renewed), device=new, now=scene.now)
    ended = {held.redemption.generation: held.ended_at for held in Pass.objects.all()}
    assert ended == {1: scene.now, 2: None}


def test_somebody_elses_invite_gets_no_new_link_from_a_co_publisher(scene: Scene) -> None:
    invite = scene.issue()
    with pytest.raises(MissingError):
        give_new_link(
            invite,
            replacing=1,
            by=scene.member(Right.CO_PUBLISHER),
            is_mailed=False,
            language="en",
            now=scene.now,
        )


# --- RestrictNewUserDomains, by every way in (design §10, number 5) -------------------------------------


@pytest.fixture
def restricted(scene: Scene) -> Scene:
    make_settings(scene.entry.tenant, restrict_new_user_domains=["example.org"])
    return scene


def test_a_new_address_of_a_restricted_domain_is_refused_by_name(restricted: Scene) -> None:
    with pytest.raises(RefusedError) as refused:
        restricted.issue(replace(ANA, email="ana@mail.EXAMPLE.org"))
    assert refused.value.code == "restricted"
    assert "example.org" in refused.value.message
    assert not Invite.objects.exists()


def test_a_known_person_or_guest_is_not_new(restricted: Scene) -> None:
    make_person(restricted.entry.tenant, email="ana@example.org")
    assert restricted.issue().role == "speaker"
    make_guest(restricted.entry.tenant, email="bo@example.org")
    assert restricted.issue(replace(ANA, email="bo@example.org")).role == "speaker"


def test_people_and_guests_of_another_tenant_do_not_count(restricted: Scene) -> None:
    other = make_tenant()
    make_person(other, email="ana@example.org")
    make_guest(other, email="ana@example.org")
    with pytest.raises(RefusedError):
        restricted.issue()


def test_the_rule_is_asked_again_at_re_invite_new_link_and_lobby(scene: Scene) -> None:
    invite = scene.issue()
    make_settings(scene.entry.tenant, restrict_new_user_domains=["example.org"])
    more: dict[str, Any] = {"by": scene.viewer, "is_mailed": False, "language": "en", "now": scene.now}
    ways: list[Any] = [
        partial(scene.issue, ANA),
        partial(give_new_link, invite, replacing=1, **more),
        partial(redeem_invite, claim_of(invite), device=Device("d" * 43), now=scene.now),
    ]
    for way in ways:
        with pytest.raises(AppError) as refused:
            way()
        assert refused.value.code == "restricted"
    assert not Guest.objects.exists()
    assert Invite.objects.get().devices_used == 0


def test_a_guest_who_came_before_the_rule_stays_welcome(scene: Scene) -> None:
    invite = scene.issue()
    Invite.objects.update(max_devices=None)
    redeem_invite(claim_of(invite), device=Device("d" * 43), now=scene.now)
    make_settings(scene.entry.tenant, restrict_new_user_domains=["example.org"])
    redeem_invite(claim_of(invite), device=Device("e" * 43), now=scene.now)
    assert Guest.objects.count() == 1


def test_withdrawn_guests_get_their_participation_back_with_a_new_link(scene: Scene) -> None:
    guest = make_guest(scene.entry.tenant)
    make_participant(scene.entry, guest=guest, role="")
    invite = scene.issue()
    redeem_invite(claim_of(invite), device=Device("d" * 43), now=scene.now)
    assert Participant.objects.get().granted_role == "speaker"


# --- At the same instant --------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_one_address_invited_by_many_at_once_is_one_invite(scene: Scene) -> None:
    barrier = Barrier(8)

    def issue(_number: int) -> bool:
        try:
            barrier.wait(timeout=30)
            return issue_invite(
                scene.entry, ANA, by=scene.viewer, course=None, language="en", now=scene.now
            ).is_new
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(issue, range(8)))
    assert answers.count(True) == 1
    assert Invite.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_new_links_at_once_are_one(scene: Scene) -> None:
    invite = scene.issue()
    barrier = Barrier(8)

    def renew(_number: int) -> int:
        try:
            barrier.wait(timeout=30)
            renewed = give_new_link(
                invite, replacing=1, by=scene.viewer, is_mailed=True, language="en", now=scene.now
            )
        finally:
            connection.close()
        return renewed.generation

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(renew, range(8))) == {2}
    assert OutboxMail.objects.count() == 1
