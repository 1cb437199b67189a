"""Another role, withdrawal: felt at once, and only by those who may."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from common.errors import ConflictError, InvalidError, MissingError
from invites.links import LinkClaim
from invites.models import Invite, InviteEvent
from invites.services.lifecycle import change_role, withdraw_invite, withdraw_invites
from invites.services.redeem import Device, LinkClosedError, redeem_invite
from lti_tool.models import Membership
from lti_tool.roles import ApplicationRole, Right
from rooms.access import Viewer, viewer_by_pass, viewer_by_tab
from rooms.models import Binding, Entry, Participant, Pass
from rooms.policy.roles import Role
from tests.factories.invites import make_invite
from tests.factories.lti import make_course, make_member, make_person, make_placement, make_tab
from tests.factories.rooms import make_entry

pytestmark = pytest.mark.django_db

PHONE = Device("p" * 43)


def viewer_of(entry: Entry, right: Right = Right.OWNER, membership: Membership | None = None) -> Viewer:
    course = make_course(entry.tenant)
    placement = make_placement(course)
    Binding.objects.create(placement=placement, entry=entry)
    tab, _secret = make_tab(
        membership or make_member(course, right=right, application_role=ApplicationRole.ADMIN), placement
    )
    viewer = viewer_by_tab(entry, tab)
    assert viewer is not None
    return viewer


def come_in(invite: Invite, device: Device = PHONE) -> str:
    claim = LinkClaim(invite.pk, invite.generation)
    return redeem_invite(claim, device=device, now=timezone.now()).pass_secret


def test_a_withdrawn_invite_lets_nobody_stay_or_come() -> None:
    invite = make_invite()
    secret = come_in(invite)
    assert viewer_by_pass(invite.entry, secret)
    invite.refresh_from_db()
    withdraw_invite(invite, by=viewer_of(invite.entry), now=timezone.now())
    assert viewer_by_pass(invite.entry, secret) is None
    assert Pass.objects.get().ended_at is not None
    assert Participant.objects.get().granted_role == ""
    with pytest.raises(LinkClosedError):
        come_in(invite)


def test_withdrawing_twice_keeps_the_first_moment() -> None:
    invite = make_invite()
    owner, first = viewer_of(invite.entry), timezone.now()
    withdraw_invite(invite, by=owner, now=first)
    withdraw_invite(invite, by=owner, now=first + timedelta(hours=1))
    assert Invite.objects.get().withdrawn_at == first


def test_withdrawal_takes_the_granted_role_of_a_known_person_and_nothing_else() -> None:
    entry = make_entry()
    course = make_course(entry.tenant)
    placement = make_placement(course)
    Binding.objects.create(placement=placement, entry=entry)
    person = make_person(entry.tenant, email="ana@example.org")
    learner = make_member(course, person=person, right=Right.NONE, application_role=ApplicationRole.VIEWER)
    tab, _secret = make_tab(learner, placement)
    invite = make_invite(entry)
    come_in(invite)
    before = viewer_by_tab(entry, tab)
    assert before is not None
    assert before.role == Role.SPEAKER
    invite.refresh_from_db()
    withdraw_invite(invite, by=viewer_of(entry), now=timezone.now())
    after = viewer_by_tab(entry, tab)
    assert after is not None
    assert after.role == Role.VIEWER


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MODERATOR])
def test_a_changed_role_is_felt_inside(role: Role) -> None:
    invite = make_invite(role="speaker")
    secret = come_in(invite)
    invite.refresh_from_db()
    change_role(invite, role, by=viewer_of(invite.entry), now=timezone.now())
    viewer = viewer_by_pass(invite.entry, secret)
    assert viewer is not None
    assert viewer.role == role


def test_a_role_changed_after_a_withdrawal_brings_nobody_back() -> None:
    invite = make_invite()
    secret = come_in(invite)
    owner = viewer_of(invite.entry)
    invite.refresh_from_db()
    withdraw_invite(invite, by=owner, now=timezone.now())
    change_role(invite, Role.MODERATOR, by=owner, now=timezone.now())
    assert viewer_by_pass(invite.entry, secret) is None


def test_a_document_has_only_viewers() -> None:
    invite = make_invite(make_entry(kind="document"), role="viewer")
    with pytest.raises(InvalidError):
        change_role(invite, Role.SPEAKER, by=viewer_of(invite.entry), now=timezone.now())


@pytest.mark.parametrize("act", ["withdraw", "role"])
def test_only_whoever_may_see_an_invite_may_change_it(act: str) -> None:
    invite = make_invite()

    def change(by: Viewer) -> None:
        if act == "withdraw":
            withdraw_invite(invite, by=by, now=timezone.now())
        else:
            change_role(invite, Role.VIEWER, by=by, now=timezone.now())

    strangers = [
        viewer_of(invite.entry, Right.CO_PUBLISHER),
        viewer_of(invite.entry, Right.NONE),
        viewer_of(make_entry(invite.tenant)),
        viewer_of(make_entry()),
    ]
    for stranger in strangers:
        with pytest.raises(MissingError):
            change(stranger)
    change(viewer_of(invite.entry, Right.CO_EDITOR))


@pytest.mark.django_db(transaction=True)
def test_a_device_that_comes_in_while_the_invite_is_withdrawn_does_not_stay() -> None:
    entry = make_entry()
    owner = viewer_of(entry)
    for number in range(5):
        invite = make_invite(entry, email=f"guest{number}@example.org", max_devices=None)
        barrier = Barrier(5)

        def enter(at: int, invite: Invite = invite, barrier: Barrier = barrier) -> None:
            try:
                barrier.wait(timeout=30)
                if at == 0:
                    withdraw_invite(invite, by=owner, now=timezone.now())
                else:
                    come_in(invite, Device(f"{at:043}"))
            except LinkClosedError:
                pass
            finally:
                connection.close()

        with ThreadPoolExecutor(5) as pool:
            list(pool.map(enter, range(5)))
    assert not Pass.objects.filter(ended_at__isnull=True).exists()
    assert not Participant.objects.exclude(granted_role="").exists()


def test_what_is_done_is_noted_with_who_and_when() -> None:
    invite = make_invite(role="viewer")
    owner, now = viewer_of(invite.entry), timezone.now()
    change_role(invite, Role.SPEAKER, by=owner, now=now)
    change_role(invite, Role.SPEAKER, by=owner, now=now)  # nothing changes: nothing is noted
    withdraw_invite(invite, by=owner, now=now)
    withdraw_invite(invite, by=owner, now=now)
    noted = list(InviteEvent.objects.values_list("kind", "detail", "by_id", "at"))
    assert noted == [
        ("role_changed", "viewer speaker", owner.person_id, now),
        ("withdrawn", "", owner.person_id, now),
    ]


def test_a_role_is_changed_back_only_where_nobody_was_faster() -> None:
    invite = make_invite(role="moderator")
    owner, now = viewer_of(invite.entry), timezone.now()
    with pytest.raises(ConflictError):
        change_role(invite, Role.VIEWER, by=owner, now=now, only_from=Role.SPEAKER)
    assert Invite.objects.get().role == "moderator"
    change_role(invite, Role.VIEWER, by=owner, now=now, only_from=Role.MODERATOR)
    assert Invite.objects.get().role == "viewer"


def test_several_are_withdrawn_at_once_and_only_all_or_none_that_are_ones_own() -> None:
    entry = make_entry()
    owner, now = viewer_of(entry), timezone.now()
    invites = [make_invite(entry, f"guest{number}@example.org") for number in range(3)]
    secrets = [come_in(invite, Device(f"{number:043}")) for number, invite in enumerate(invites)]
    withdraw_invite(invites[0], by=owner, now=now)
    with pytest.raises(MissingError):
        withdraw_invites(invites, by=viewer_of(entry, Right.CO_PUBLISHER), now=now)
    assert Invite.objects.filter(withdrawn_at=None).count() == 2
    assert withdraw_invites(invites, by=owner, now=now) == invites[1:]
    assert [viewer_by_pass(entry, secret) for secret in secrets] == [None] * 3
