"""Passing the lobby: the right number of devices, each once, on whichever database the stack runs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from common.errors import InvalidError, RefusedError, ThrottledError
from invites.links import LinkClaim
from invites.models import Invite, Redemption
from invites.policy import Why
from invites.queries import Door, door_of
from invites.services.redeem import Device, LinkClosedError, knock, redeem_invite
from lti_tool.identity import hash_secret
from lti_tool.models import Platform
from rooms.access import viewer_by_pass
from rooms.models import Entry, Guest, Participant, Pass
from rooms.policy.roles import Role
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_person, make_tenant
from tests.factories.rooms import make_entry

pytestmark = pytest.mark.django_db

PHONE, LAPTOP = Device("p" * 43), Device("l" * 43)


def claim_of(invite: Invite, generation: int = 1) -> LinkClaim:
    return LinkClaim(invite.pk, generation)


def come_in(invite: Invite, device: Device = PHONE, **more: object) -> str:
    redeemed = redeem_invite(claim_of(invite), device=device, now=timezone.now(), **more)  # type: ignore[arg-type]
    return redeemed.pass_secret


def knock_with(invite: Invite, typed: str, device: Device = PHONE, address: str = "192.0.2.1") -> str:
    redeemed = knock(claim_of(invite), typed, device=device, address=address, now=timezone.now())
    return redeemed.pass_secret


# --- What a redemption makes ----------------------------------------------------------------------------


def test_a_device_is_counted_bound_and_given_a_pass() -> None:
    invite = make_invite(role="moderator")
    secret = come_in(invite)
    invite.refresh_from_db()
    redemption = Redemption.objects.get()
    assert invite.devices_used == 1
    assert invite.entered_at is not None
    assert redemption.device_hash == PHONE.hash
    assert redemption.issued_pass.secret_hash == hash_secret(secret)
    viewer = viewer_by_pass(invite.entry, secret)
    assert viewer is not None
    assert (viewer.role, viewer.name, viewer.powers) == (Role.MODERATOR, "Ana Guest", frozenset())


def test_the_guest_is_made_by_the_first_redemption_and_kept() -> None:
    tenant = make_tenant()
    first, second = make_invite(make_entry(tenant)), make_invite(make_entry(tenant), first_name="Anna")
    come_in(first)
    come_in(second)
    assert [(guest.tenant, guest.shown_name) for guest in Guest.objects.all()] == [(tenant, "Ana Guest")]
    assert Participant.objects.count() == 2


def test_the_same_address_in_another_tenant_is_another_guest() -> None:
    come_in(make_invite())
    come_in(make_invite())
    assert Guest.objects.count() == 2


def test_a_known_person_makes_no_guest_and_brings_nothing_but_a_name() -> None:
    invite = make_invite(role="viewer")
    person = make_person(invite.tenant, email="ana@example.org", name="Dr. Ana Silva")
    viewer = viewer_by_pass(invite.entry, come_in(invite))
    assert viewer is not None
    assert not Guest.objects.exists()
    assert (viewer.person_id, viewer.name, viewer.role) == (person.pk, "Dr. Ana Silva", Role.VIEWER)
    assert viewer.powers == frozenset()


def test_the_same_device_never_counts_twice() -> None:
    invite = make_invite(max_devices=2)
    assert come_in(invite) == come_in(invite)
    assert Invite.objects.get().devices_used == 1
    assert Redemption.objects.count() == 1


def test_devices_cannot_make_each_others_passes() -> None:
    invite = make_invite(max_devices=2)
    assert come_in(invite, PHONE) != come_in(invite, LAPTOP)


# --- What refuses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"withdrawn_at": timezone.now()}, Why.WITHDRAWN),
        ({"generation": 2}, Why.REPLACED),
        ({"expires_at": timezone.now() - timedelta(minutes=1)}, Why.EXPIRED),
        ({"devices_used": 1}, Why.USED_UP),
    ],
)
def test_a_closed_link_lets_nobody_in(values: dict[str, object], why: Why) -> None:
    invite = make_invite()
    Invite.objects.update(**values)
    with pytest.raises(LinkClosedError) as refused:
        come_in(invite)
    assert refused.value.why == why
    assert not Pass.objects.exists()


def test_what_is_true_of_the_entry_and_the_tenant_closes_links_too() -> None:
    invite = make_invite()
    rules = make_settings(invite.tenant)

    def why() -> Why:
        with pytest.raises(LinkClosedError) as refused:
            come_in(invite)
        return refused.value.why

    rules.enable = False
    rules.save()
    assert why() == Why.MODULE_OFF
    Entry.objects.update(doors=Entry.Doors.ENDED, doors_changed_at=timezone.now())
    rules.enable = True
    rules.save()
    assert why() == Why.SESSION_ENDED
    Entry.objects.update(deleted_at=timezone.now())
    assert why() == Why.GONE
    Entry.objects.update(deleted_at=None)
    Platform.objects.update(state=Platform.State.DISABLED)
    assert why() == Why.GONE
    Invite.objects.all().delete()
    assert why() == Why.GONE


def test_a_pass_outlives_an_expired_and_a_used_up_link() -> None:
    invite = make_invite()
    secret = come_in(invite)
    assert come_in(invite) == secret
    Entry.objects.update(
        starts_at=timezone.now() - timedelta(hours=1), ends_at=timezone.now() + timedelta(hours=1)
    )
    Invite.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    assert come_in(invite) == secret


def test_somebody_whom_a_host_removed_stays_out() -> None:
    invite = make_invite(max_devices=5)
    come_in(invite)
    Participant.objects.update(removed_at=timezone.now())
    for device in (PHONE, LAPTOP):
        with pytest.raises(LinkClosedError) as refused:
            come_in(invite, device)
        assert refused.value.why == Why.REMOVED


# --- The lobby ------------------------------------------------------------------------------------------


def test_the_invited_address_opens_the_lobby_however_it_is_written() -> None:
    invite = make_invite(email="ana@bücher.example", max_devices=None)
    for at, typed in enumerate(["ana@bücher.example", " ANA@xn--bcher-kva.EXAMPLE ", "Ana@BÜCHER.example"]):
        knock_with(invite, typed, Device(str(at) * 43))
    assert Invite.objects.get().devices_used == 3


@pytest.mark.parametrize("typed", ["", "   "])
def test_nothing_typed_is_not_even_a_visit(typed: str) -> None:
    invite = make_invite()
    with pytest.raises(InvalidError):
        knock_with(invite, typed)
    assert Invite.objects.get().lobby_reached_at is None


@pytest.mark.parametrize(
    "typed", ["bo@example.org", "ana", "ana+x@example.org", "ana@example.org.evil.example"]
)
def test_a_wrong_address_burns_nothing(typed: str) -> None:
    invite = make_invite()
    with pytest.raises(InvalidError) as refused:
        knock_with(invite, typed)
    assert refused.value.code == "wrong"
    assert "ana@example.org" not in refused.value.message + refused.value.next_step
    invite.refresh_from_db()
    assert (invite.devices_used, invite.entered_at) == (0, None)
    assert invite.lobby_reached_at is not None
    assert not Guest.objects.exists()
    assert knock_with(invite, "ana@example.org")


def test_ten_wrong_tries_close_the_lobby_of_this_invite_for_a_while() -> None:
    invite, other = make_invite(), make_invite()
    for number in range(10):
        with pytest.raises(InvalidError):
            knock_with(invite, f"guess{number}@example.org", address=f"192.0.2.{number}")
    with pytest.raises(ThrottledError) as refused:
        knock_with(invite, "ana@example.org", address="192.0.2.99")
    assert refused.value.retry_after == 900
    assert knock_with(other, "ana@example.org")


def test_one_address_of_the_network_has_three_hundred_wrong_tries() -> None:
    entry = make_entry()
    invites = [make_invite(entry, email=f"guest{number}@example.org") for number in range(31)]
    for invite in invites[:30]:
        for number in range(10):
            with pytest.raises(InvalidError):
                knock_with(invite, f"guess{number}@example.com")
    with pytest.raises(ThrottledError):
        knock_with(invites[30], "guest30@example.org")
    assert knock_with(invites[30], "guest30@example.org", address="192.0.2.2")


# --- Signed in from the LMS -----------------------------------------------------------------------------


def test_the_invited_person_comes_in_without_typing() -> None:
    invite = make_invite()
    person = make_person(invite.tenant, email="ana@example.org")
    come_in(invite, person=person)
    assert Participant.objects.get().person == person


def test_a_guest_who_comes_back_signed_in_is_joined_to_the_person() -> None:
    invite = make_invite(max_devices=2)
    come_in(invite, PHONE)
    person = make_person(invite.tenant, email="ana@example.org")
    come_in(invite, LAPTOP, person=person)
    invite.refresh_from_db()
    assert invite.participant is not None
    assert invite.participant.person == person


@pytest.mark.parametrize("is_own_tenant", [True, False])
def test_another_person_is_refused(is_own_tenant: bool) -> None:
    invite = make_invite()
    tenant = invite.tenant if is_own_tenant else make_tenant()
    email = "bo@example.org" if is_own_tenant else "ana@example.org"
    with pytest.raises(RefusedError) as refused:
        come_in(invite, person=make_person(tenant, email=email))
    assert refused.value.code == "other_person"
    assert Invite.objects.get().devices_used == 0


# --- What changes between reading and writing ------------------------------------------------------------


def come_in_by(door: Door, device: Device = PHONE) -> str:
    return redeem_invite(door.claim, device=device, now=timezone.now(), door=door).pass_secret


def door_to(invite: Invite, device: Device = PHONE) -> Door:
    door = door_of(claim_of(invite), device.hash)
    assert door is not None
    return door


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"withdrawn_at": timezone.now()}, Why.WITHDRAWN),
        ({"generation": 2}, Why.REPLACED),
        ({"expires_at": timezone.now() - timedelta(minutes=1)}, Why.EXPIRED),
        ({"devices_used": 1}, Why.USED_UP),
    ],
)
def test_a_link_that_closes_meanwhile_is_closed(values: dict[str, object], why: Why) -> None:
    invite = make_invite()
    door = door_to(invite)
    Invite.objects.update(**values)
    with pytest.raises(LinkClosedError) as refused:
        come_in_by(door)
    assert refused.value.why == why
    assert not Pass.objects.exists()
    assert not Guest.objects.exists()


def test_a_role_that_changes_meanwhile_is_the_one_that_counts() -> None:
    invite = make_invite(role="moderator")
    door = door_to(invite)
    Invite.objects.update(role="viewer")
    viewer = viewer_by_pass(invite.entry, come_in_by(door))
    assert viewer is not None
    assert viewer.role == Role.VIEWER


def test_a_role_of_before_is_brought_up_to_date() -> None:
    invite = make_invite(role="moderator", max_devices=2)
    come_in(invite, PHONE)
    Participant.objects.update(granted_role="viewer")
    come_in(invite, LAPTOP)
    assert Participant.objects.get().granted_role == "moderator"


def test_a_guest_who_was_made_meanwhile_is_the_same_guest() -> None:
    tenant = make_tenant()
    invites = [make_invite(make_entry(tenant)) for _entry in range(2)]
    doors = [door_to(invite) for invite in invites]
    assert len({come_in_by(door) for door in doors}) == 2
    assert Guest.objects.count() == 1
    assert Participant.objects.count() == 2


def test_devices_that_read_the_same_fresh_link_come_in_as_one_guest() -> None:
    invite = make_invite(max_devices=2)
    doors = {device: door_to(invite, device) for device in (PHONE, LAPTOP)}
    secrets = [come_in_by(door, device) for device, door in doors.items()]
    assert all(viewer_by_pass(invite.entry, secret) for secret in secrets)
    assert Participant.objects.count() == 1


def test_a_wrong_address_beside_a_person_of_the_lms_changes_nothing() -> None:
    """The person is found by the invited address, never by what was typed."""
    invite = make_invite()
    make_person(invite.tenant, email="bo@example.org")
    with pytest.raises(InvalidError):
        knock_with(invite, "bo@example.org")
    assert not Participant.objects.exists()


# --- Races (design §10, number 2) -----------------------------------------------------------------------


def race(runners: int, run: Callable[[int], object]) -> list[object]:
    """Let `run(0)`, `run(1)`… begin at the same instant, each on a connection of its own."""
    barrier = Barrier(runners)

    def start(number: int) -> object:
        try:
            barrier.wait(timeout=30)
            return run(number)
        except LinkClosedError as error:
            return error.why
        finally:
            connection.close()

    with ThreadPoolExecutor(runners) as pool:
        return list(pool.map(start, range(runners)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("runners", "limit"), [(50, 1), (30, 5)])
def test_no_more_devices_than_allowed_however_many_knock_at_once(runners: int, limit: int) -> None:
    invite = make_invite(max_devices=limit)
    answers = race(runners, lambda number: come_in(invite, Device(f"{number:043}")))
    assert answers.count(Why.USED_UP) == runners - limit
    assert len({answer for answer in answers if answer != Why.USED_UP}) == limit
    assert Invite.objects.get().devices_used == limit
    assert Redemption.objects.count() == Pass.objects.count() == limit
    assert Guest.objects.count() == Participant.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limit", [1, 5])
def test_a_double_click_counts_once_and_both_are_in(limit: int) -> None:
    invite = make_invite(max_devices=limit)
    answers = race(6, lambda _number: come_in(invite, PHONE))
    assert len(set(answers)) == 1
    assert Why.USED_UP not in answers
    assert Invite.objects.get().devices_used == 1
    assert Redemption.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_guest_coming_to_many_entries_at_once_is_one_guest() -> None:
    tenant = make_tenant()
    invites = [make_invite(make_entry(tenant)) for _entry in range(8)]
    race(8, lambda number: come_in(invites[number]))
    assert Guest.objects.count() == 1
    assert Participant.objects.count() == 8
