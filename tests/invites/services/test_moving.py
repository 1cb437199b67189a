"""Moving a pass to another device: one place, another holder, at any instant (design §7, §10)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from common.errors import AppError
from invites.links import LinkClaim, mailbox_code
from invites.models import Invite, InviteEvent, MailboxCode, Redemption
from invites.policy import Why
from invites.services.codes import Sent, ask_to_move, enter_code
from invites.services.lifecycle import withdraw_invite
from invites.services.moving import move_here
from invites.services.redeem import Device, redeem_invite
from rooms.access import Credentials, Farewell, ask, viewer_by_pass, viewer_by_tab
from rooms.models import Participant, Pass
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_course, make_member, make_person, make_tab, make_tenant
from tests.factories.rooms import make_entry, make_placed_entry

pytestmark = pytest.mark.django_db

PHONE, LAPTOP, TABLET = Device("p" * 43), Device("l" * 43), Device("t" * 43)
INVITED = "ana@example.org"


def claim_of(invite: Invite) -> LinkClaim:
    return LinkClaim(invite.pk, 1)


def come_in(invite: Invite, device: Device) -> str:
    return redeem_invite(claim_of(invite), device=device, now=timezone.now()).pass_secret


def digits_for(invite: Invite, device: Device) -> str:
    now = timezone.now()
    sent = ask_to_move(claim_of(invite), INVITED, device=device, address="1", language="en", now=now)
    assert sent == Sent.MAILED
    return mailbox_code(MailboxCode.objects.filter(device_hash=device.hash).latest("made_at").pk)


def move(invite: Invite, device: Device, digits: str = "") -> str:
    digits = digits or digits_for(invite, device)
    moved = enter_code(claim_of(invite), digits, device=device, address="1", now=timezone.now())
    return moved.pass_secret


def is_in(invite: Invite, secret: str) -> bool:
    return viewer_by_pass(invite.entry, secret) is not None


def refused(run: Callable[[], object]) -> str:
    with pytest.raises(AppError) as error:
        run()
    return error.value.code


# --- What moves -------------------------------------------------------------------------------------------


def test_the_place_moves_and_the_old_device_is_out_at_once() -> None:
    invite = make_invite(role="moderator")
    old = come_in(invite, PHONE)
    new = move(invite, LAPTOP)
    assert (is_in(invite, old), is_in(invite, new)) == (False, True)
    viewer = viewer_by_pass(invite.entry, new)
    assert viewer is not None
    assert viewer.role == "moderator"
    assert Invite.objects.get().devices_used == 1
    assert Participant.objects.count() == 1
    assert {event.kind for event in InviteEvent.objects.all()} == {"mailbox_proven", "moved"}
    farewell = ask(Credentials(invite.entry_id, pass_secret=old), now=timezone.now())
    assert farewell == Farewell.MOVED


def test_the_old_device_cannot_come_back_by_the_link_alone() -> None:
    invite = make_invite()
    come_in(invite, PHONE)
    new = move(invite, LAPTOP)
    assert refused(lambda: come_in(invite, PHONE)) == Why.USED_UP
    assert is_in(invite, new)


def test_a_place_moves_there_and_back() -> None:
    invite = make_invite()
    first = come_in(invite, PHONE)
    second = move(invite, LAPTOP)
    assert move(invite, PHONE) == first
    assert (is_in(invite, first), is_in(invite, second)) == (True, False)
    assert Redemption.objects.count() == 2
    assert Invite.objects.get().devices_used == 1


def test_of_several_devices_the_one_seen_longest_ago_goes() -> None:
    invite, now = make_invite(max_devices=3), timezone.now()
    secrets = {device: come_in(invite, device) for device in (PHONE, LAPTOP, TABLET)}
    for device, minutes in ((PHONE, 5), (LAPTOP, 50), (TABLET, 1)):
        held = Pass.objects.filter(redemption__device_hash=device.hash)
        held.update(seen_at=now - timedelta(minutes=minutes))
    new = move(invite, Device("n" * 43))
    assert [is_in(invite, secrets[device]) for device in (PHONE, LAPTOP, TABLET)] == [True, False, True]
    assert is_in(invite, new)


def test_a_device_that_was_never_seen_counts_from_when_it_came() -> None:
    invite, now = make_invite(max_devices=2), timezone.now()
    old, new = come_in(invite, PHONE), come_in(invite, LAPTOP)
    Redemption.objects.filter(device_hash=PHONE.hash).update(redeemed_at=now - timedelta(hours=2))
    Pass.objects.filter(redemption__device_hash=LAPTOP.hash).update(seen_at=now - timedelta(hours=1))
    move(invite, TABLET)
    assert (is_in(invite, old), is_in(invite, new)) == (False, True)


def test_nobody_goes_while_a_place_is_free() -> None:
    invite = make_invite(max_devices=2)
    old = come_in(invite, PHONE)
    come_in(invite, LAPTOP)
    digits = digits_for(invite, TABLET)
    Invite.objects.update(max_devices=3)
    move(invite, TABLET, digits)
    assert is_in(invite, old)
    assert Invite.objects.get().devices_used == 3
    assert not InviteEvent.objects.filter(kind="moved").exists()


def test_whoever_is_in_already_moves_nothing() -> None:
    invite = make_invite(max_devices=2)
    first, second = come_in(invite, PHONE), come_in(invite, LAPTOP)
    assert move(invite, PHONE, digits_for(invite, PHONE)) == first
    assert is_in(invite, second)


def test_the_invited_person_moves_without_a_code_and_nobody_else_does() -> None:
    invite = make_invite()
    old = come_in(invite, PHONE)
    stranger = make_person(invite.tenant, email="bo@example.org")
    person = make_person(invite.tenant, email=INVITED)
    now = timezone.now()
    with pytest.raises(AppError):
        move_here(claim_of(invite), device=LAPTOP, person=stranger, now=now)
    assert is_in(invite, old)
    new = move_here(claim_of(invite), device=LAPTOP, person=person, now=now).pass_secret
    assert is_in(invite, new)
    assert not is_in(invite, old)


def test_a_moved_device_needs_no_second_code_for_the_lobby() -> None:
    invite = make_invite(make_entry())
    make_settings(invite.tenant, verify_mailbox="everybody")
    with pytest.raises(AppError):
        come_in(invite, PHONE)
    person = make_person(invite.tenant, email=INVITED)
    redeem_invite(claim_of(invite), device=PHONE, person=person, now=timezone.now())
    assert is_in(invite, move(invite, LAPTOP))


# --- What does not ----------------------------------------------------------------------------------------


def test_a_wrong_address_sends_no_code() -> None:
    invite = make_invite()
    old = come_in(invite, PHONE)
    run = lambda: ask_to_move(  # noqa: E731
        claim_of(invite), "bo@example.org", device=LAPTOP, address="1", language="en", now=timezone.now()
    )
    assert refused(run) == "wrong"
    assert not MailboxCode.objects.exists()
    assert is_in(invite, old)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"withdrawn_at": timezone.now()}, Why.WITHDRAWN),
        ({"generation": 2}, Why.REPLACED),
        ({"expires_at": timezone.now() - timedelta(minutes=1)}, Why.EXPIRED),
    ],
)
def test_only_a_used_up_link_is_moved(values: dict[str, object], why: Why) -> None:
    invite = make_invite()
    come_in(invite, PHONE)
    digits = digits_for(invite, LAPTOP)
    Invite.objects.update(**values)
    assert refused(lambda: move(invite, LAPTOP, digits)) == why
    assert refused(lambda: digits_for(invite, TABLET)) == why
    assert not Redemption.objects.filter(device_hash=LAPTOP.hash).exists()


def test_whom_a_host_removed_moves_nothing() -> None:
    invite = make_invite()
    come_in(invite, PHONE)
    digits = digits_for(invite, LAPTOP)
    Participant.objects.update(removed_at=timezone.now())
    assert refused(lambda: move(invite, LAPTOP, digits)) == Why.REMOVED
    assert Pass.objects.count() == 1


# --- Races ------------------------------------------------------------------------------------------------


def race(runs: list[Callable[[], object]]) -> list[object]:
    """Let them begin at the same instant, each on a connection of its own."""
    barrier = Barrier(len(runs))

    def start(run: Callable[[], object]) -> object:
        try:
            barrier.wait(timeout=30)
            return run()
        except AppError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(runs)) as pool:
        return list(pool.map(start, runs))


def living() -> int:
    return Pass.objects.filter(ended_at__isnull=True).count()


def prepared(invite: Invite, device: Device) -> Callable[[], str]:
    digits = digits_for(invite, device)
    return lambda: move(invite, device, digits)


@pytest.mark.django_db(transaction=True)
def test_two_moves_at_once_leave_one_device_in() -> None:
    invite = make_invite()
    come_in(invite, PHONE)
    answers = race([prepared(invite, LAPTOP), prepared(invite, TABLET)])
    assert all(isinstance(answer, str) for answer in answers)
    assert living() == 1
    assert Invite.objects.get().devices_used == 1
    assert Pass.objects.filter(moved_at__isnull=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_moves_against_entries_never_let_in_more_than_allowed() -> None:
    invite = make_invite(max_devices=4)
    for device in (PHONE, LAPTOP, TABLET):
        come_in(invite, device)
    Invite.objects.update(max_devices=3)
    moves = [prepared(invite, Device(f"m{number:042}")) for number in range(3)]
    Invite.objects.update(max_devices=4)
    entries = [partial(come_in, invite, Device(f"e{number:042}")) for number in range(5)]
    back = [partial(come_in, invite, device) for device in (PHONE, LAPTOP, TABLET)]
    race([*moves, *entries, *back])
    assert living() == 4
    assert Invite.objects.get().devices_used == 4


@pytest.mark.django_db(transaction=True)
def test_a_double_click_moves_once() -> None:
    invite = make_invite(max_devices=2)
    come_in(invite, PHONE)
    come_in(invite, LAPTOP)
    digits = digits_for(invite, TABLET)
    answers = race([lambda: move(invite, TABLET, digits)] * 4)
    assert len(set(answers)) == 1
    assert living() == 2
    assert InviteEvent.objects.filter(kind="moved").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_withdrawal_in_the_same_instant_leaves_nobody_in() -> None:
    course = make_course(make_tenant())
    entry, placement = make_placed_entry(course)
    tab, _secret = make_tab(make_member(course), placement)
    host = viewer_by_tab(entry, tab)
    assert host is not None
    invite = make_invite(entry)
    come_in(invite, PHONE)
    moves = [prepared(invite, LAPTOP), prepared(invite, TABLET)]
    race([*moves, lambda: withdraw_invite(invite, by=host, now=timezone.now())])
    assert living() == 0
    assert refused(lambda: move(invite, PHONE)) == Why.WITHDRAWN
