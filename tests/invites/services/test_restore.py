"""A withdrawal taken back: the same link and devices, and nobody in who would not be otherwise."""

from datetime import timedelta

import pytest
from django.utils import timezone

from common.errors import MissingError, RefusedError
from invites.models import Invite, InviteEvent, OutboxMail
from invites.services.issue import give_new_link
from invites.services.lifecycle import change_role, withdraw_invite
from invites.services.redeem import Device, LinkClosedError
from invites.services.restore import restore_invites
from lti_tool.roles import Right
from rooms.access import viewer_by_pass
from rooms.models import Participant, Pass
from rooms.policy.roles import Role
from tests.factories.invites import make_invite, make_settings
from tests.invites.services.test_lifecycle import come_in, viewer_of

pytestmark = pytest.mark.django_db

LAPTOP = Device("l" * 43)


def fresh(invite: Invite) -> Invite:
    return Invite.objects.select_related("entry__tenant__platform", "participant", "made_by").get(
        pk=invite.pk
    )


def test_whoever_was_in_is_in_again_by_the_same_link() -> None:
    invite = make_invite(role="speaker", max_devices=2)
    secret, owner, now = come_in(invite), viewer_of(invite.entry), timezone.now()
    before = fresh(invite)
    withdraw_invite(fresh(invite), by=owner, now=now)
    assert viewer_by_pass(invite.entry, secret) is None

    restored = restore_invites(invite.entry, [fresh(invite)], withdrawn_at=now, by=owner, now=now)

    assert restored == [invite]
    after = fresh(invite)
    assert (after.generation, after.devices_used, after.expires_at) == (1, 1, before.expires_at)
    viewer = viewer_by_pass(invite.entry, secret)
    assert viewer is not None
    assert viewer.role == Role.SPEAKER
    come_in(after, LAPTOP)
    kinds = list(InviteEvent.objects.values_list("kind", flat=True))
    assert kinds == ["withdrawn", "restored"]


def test_a_role_changed_meanwhile_is_the_role_afterwards() -> None:
    invite = make_invite(role="speaker")
    secret, owner, now = come_in(invite), viewer_of(invite.entry), timezone.now()
    withdraw_invite(fresh(invite), by=owner, now=now)
    change_role(fresh(invite), Role.VIEWER, by=owner, now=now)
    restore_invites(invite.entry, [fresh(invite)], withdrawn_at=now, by=owner, now=now)
    viewer = viewer_by_pass(invite.entry, secret)
    assert viewer is not None
    assert viewer.role == Role.VIEWER


def test_what_has_changed_since_stays() -> None:
    invite = make_invite()
    secret, owner, now = come_in(invite), viewer_of(invite.entry), timezone.now()
    later = now + timedelta(minutes=1)
    withdraw_invite(fresh(invite), by=owner, now=now)
    give_new_link(fresh(invite), replacing=1, by=owner, is_mailed=False, language="en", now=later)
    assert restore_invites(invite.entry, [fresh(invite)], withdrawn_at=now, by=owner, now=later) == []
    withdraw_invite(fresh(invite), by=owner, now=later)
    assert restore_invites(invite.entry, [fresh(invite)], withdrawn_at=now, by=owner, now=later) == []
    assert viewer_by_pass(invite.entry, secret) is None
    with pytest.raises(LinkClosedError):
        come_in(fresh(invite), LAPTOP)


@pytest.mark.parametrize("is_at_once", [True, False])
def test_a_pass_of_an_old_link_never_lives_beside_one_of_the_new(is_at_once: bool) -> None:
    invite = make_invite()
    old, owner, now = come_in(invite), viewer_of(invite.entry), timezone.now()
    give_new_link(fresh(invite), replacing=1, by=owner, is_mailed=False, language="en", now=now)
    new = come_in(fresh(invite), LAPTOP)
    if is_at_once:  # one and the same instant by the clock
        Pass.objects.exclude(ended_at=None).update(ended_at=now)
    withdraw_invite(fresh(invite), by=owner, now=now)
    restore_invites(invite.entry, [fresh(invite)], withdrawn_at=now, by=owner, now=now)
    assert viewer_by_pass(invite.entry, old) is None
    assert viewer_by_pass(invite.entry, new) is not None


def test_an_old_pass_that_lived_until_the_new_link_was_used_lives_on() -> None:
    invite = make_invite()
    secret, owner, now = come_in(invite), viewer_of(invite.entry), timezone.now()
    give_new_link(fresh(invite), replacing=1, by=owner, is_mailed=False, language="en", now=now)
    withdraw_invite(fresh(invite), by=owner, now=now)
    restore_invites(invite.entry, [fresh(invite)], withdrawn_at=now, by=owner, now=now)
    assert viewer_by_pass(invite.entry, secret) is not None


def test_somebody_removed_by_a_host_stays_out() -> None:
    invite = make_invite()
    secret, owner, now = come_in(invite), viewer_of(invite.entry), timezone.now()
    withdraw_invite(fresh(invite), by=owner, now=now)
    Participant.objects.update(removed_at=now)
    restore_invites(invite.entry, [fresh(invite)], withdrawn_at=now, by=owner, now=now)
    assert viewer_by_pass(invite.entry, secret) is None
    assert Participant.objects.get().granted_role == ""


def test_it_is_inviting_and_asks_what_inviting_asks() -> None:
    invite = make_invite(email="new@campus.example")
    owner, now = viewer_of(invite.entry), timezone.now()
    withdraw_invite(fresh(invite), by=owner, now=now)
    stranger = viewer_of(invite.entry, Right.CO_PUBLISHER)
    with pytest.raises(MissingError):
        restore_invites(invite.entry, [fresh(invite)], withdrawn_at=now, by=stranger, now=now)
    rules = make_settings(invite.tenant, enable=False)
    with pytest.raises(RefusedError):
        restore_invites(invite.entry, [fresh(invite)], withdrawn_at=now, by=owner, now=now)
    rules.enable, rules.restrict_new_user_domains = True, ["campus.example"]
    rules.save()
    with pytest.raises(RefusedError):
        restore_invites(invite.entry, [fresh(invite)], withdrawn_at=now, by=owner, now=now)
    assert Invite.objects.get().withdrawn_at == now


@pytest.mark.parametrize(
    ("state", "left"),
    [
        ("waiting", []),
        ("failed", []),
        ("given_up", ["withdrawn"]),
        ("sending", ["invitation", "withdrawn"]),
        ("sent", ["invitation", "withdrawn"]),
    ],
)
def test_nobody_is_told_for_nothing_and_whoever_was_gets_the_link_again(state: str, left: list[str]) -> None:
    invite = make_invite()
    owner, now = viewer_of(invite.entry), timezone.now()
    withdraw_invite(fresh(invite), by=owner, now=now, is_told=True)
    OutboxMail.objects.update(state=state)
    restore_invites(invite.entry, [fresh(invite)], withdrawn_at=now, by=owner, now=now)
    assert sorted(OutboxMail.objects.values_list("kind", flat=True)) == left
