"""Codes to the invited mailbox: who needs one, what they are worth, what guessing gets (design §7, §11)."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from common.errors import AppError, InvalidError, RefusedError, ThrottledError
from invites.links import LinkClaim, mailbox_code
from invites.models import Invite, InviteEvent, MailboxCode, ModuleSettings, OutboxMail, Redemption
from invites.policy import Why
from invites.services.codes import (
    CODES_PER_WINDOW,
    TRIES_PER_CODE,
    Purpose,
    Sent,
    enter_code,
    read_code,
    send_code,
    send_code_again,
)
from invites.services.redeem import CodeNeededError, Device, LinkClosedError, knock, redeem_invite
from rooms.models import Guest, Participant, Pass
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_person
from tests.factories.rooms import make_entry

pytestmark = pytest.mark.django_db

PHONE, LAPTOP = Device("p" * 43), Device("l" * 43)
INVITED = "ana@example.org"


def claim_of(invite: Invite) -> LinkClaim:
    return LinkClaim(invite.pk, invite.generation)


def verified(verify_mailbox: str = "everybody", **values: object) -> Invite:
    """An invite of a tenant that wants mailboxes proven."""
    invite = make_invite(make_entry(), INVITED, **values)
    make_settings(invite.tenant, verify_mailbox=verify_mailbox)
    return invite


def ask(invite: Invite, device: Device = PHONE, *, now: datetime | None = None) -> str:
    """Ask for a code in the lobby, and read its digits in the mailbox."""
    now = now or timezone.now()
    with pytest.raises(CodeNeededError):
        knock(claim_of(invite), INVITED, device=device, address="192.0.2.1", now=now)
    assert send_code(claim_of(invite), Purpose.VERIFY, device=device, language="en", now=now) == Sent.MAILED
    return mailbox_code(MailboxCode.objects.latest("made_at").pk)


def enter(invite: Invite, typed: str, device: Device = PHONE, **more: object) -> str:
    given: dict[str, object] = {"address": "192.0.2.1", "now": timezone.now(), **more}
    return enter_code(claim_of(invite), typed, device=device, **given).pass_secret  # type: ignore[arg-type]


def other_than(digits: str) -> str:
    return f"{(int(digits) + 1) % 1_000_000:06}"


def refused(run: Callable[[], object]) -> str:
    with pytest.raises(AppError) as error:
        run()
    return error.value.code


# --- Who needs one ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "role", "is_asked"),
    [
        ("nobody", "speaker", False),
        ("hosting", "viewer", False),
        ("hosting", "speaker", True),
        ("hosting", "moderator", True),
        ("everybody", "viewer", True),
    ],
)
def test_the_rule_says_who_types_a_code(rule: str, role: str, is_asked: bool) -> None:
    invite = verified(rule, role=role)
    try:
        knock(claim_of(invite), INVITED, device=PHONE, address="192.0.2.1", now=timezone.now())
    except CodeNeededError:
        assert is_asked
    else:
        assert not is_asked
    assert Pass.objects.exists() is not is_asked


def test_the_right_code_lets_in_and_is_remembered_as_proof() -> None:
    invite = verified()
    enter(invite, ask(invite))
    redemption = Redemption.objects.get()
    assert redemption.is_mailbox_proven
    assert redemption.issued_pass.participant.is_mailbox_proven
    assert MailboxCode.objects.get().used_at is not None
    assert [event.kind for event in InviteEvent.objects.all()] == ["mailbox_proven"]
    assert Invite.objects.get().devices_used == 1


def test_the_rule_is_asked_at_the_very_moment() -> None:
    invite = verified("nobody")
    ModuleSettings.objects.update(verify_mailbox="everybody")  # between the page and its form
    assert refused(lambda: redeem_invite(claim_of(invite), device=PHONE, now=timezone.now())) == "code_needed"
    assert Invite.objects.get().devices_used == 0
    ModuleSettings.objects.update(verify_mailbox="nobody")
    redeem_invite(claim_of(invite), device=PHONE, now=timezone.now())
    assert not Redemption.objects.get().is_mailbox_proven


def test_the_role_is_the_one_of_this_moment() -> None:
    invite = verified("hosting", role="viewer")
    Invite.objects.update(role="moderator")
    assert refused(lambda: redeem_invite(claim_of(invite), device=PHONE, now=timezone.now())) == "code_needed"


def test_a_device_with_a_pass_is_never_asked_again() -> None:
    invite = verified("nobody")
    first = redeem_invite(claim_of(invite), device=PHONE, now=timezone.now())
    ModuleSettings.objects.update(verify_mailbox="everybody")
    assert redeem_invite(claim_of(invite), device=PHONE, now=timezone.now()) == first


def test_a_pass_that_has_ended_is_given_back_for_a_code_and_then_without_one() -> None:
    invite = verified("nobody")
    first = redeem_invite(claim_of(invite), device=PHONE, now=timezone.now())
    ModuleSettings.objects.update(verify_mailbox="everybody")
    Pass.objects.update(ended_at=timezone.now())
    assert enter(invite, ask(invite)) == first.pass_secret
    assert Redemption.objects.get().is_mailbox_proven
    Pass.objects.update(ended_at=timezone.now())
    assert redeem_invite(claim_of(invite), device=PHONE, now=timezone.now()) == first


def test_who_is_signed_in_from_the_lms_with_the_address_needs_no_code() -> None:
    invite = verified()
    person = make_person(invite.tenant, email=INVITED)
    redeem_invite(claim_of(invite), device=PHONE, person=person, now=timezone.now())
    assert Pass.objects.count() == 1


def test_nobody_types_a_code_to_read_then_that_they_may_not_become_a_guest() -> None:
    invite = make_invite()
    make_settings(invite.tenant, verify_mailbox="everybody", restrict_new_user_domains=["example.org"])
    run = lambda: knock(claim_of(invite), INVITED, device=PHONE, address="1", now=timezone.now())  # noqa: E731
    assert refused(run) == "restricted"


def test_a_restriction_made_after_the_code_was_sent_counts() -> None:
    invite = verified()
    digits = ask(invite)
    ModuleSettings.objects.update(restrict_new_user_domains=["example.org"])
    assert refused(lambda: enter(invite, digits)) == "restricted"
    assert not Guest.objects.exists()
    assert MailboxCode.objects.get().used_at is None


def test_a_wrong_address_sends_nothing() -> None:
    invite = verified()
    with pytest.raises(InvalidError):
        knock(claim_of(invite), "bo@example.org", device=PHONE, address="192.0.2.1", now=timezone.now())
    assert not MailboxCode.objects.exists()
    assert not OutboxMail.objects.exists()


# --- What a code is worth ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape", ["{0}", " {0} ", "{1} {2}", "{1}-{2}", "{1}\u00a0{2}\n", "{1}.{2}", "{1}\u2009–\u2009{2}"]
)
def test_a_code_is_read_however_it_was_pasted(shape: str) -> None:
    assert read_code(shape.format("042517", "042", "517")) == "042517"


def test_digits_of_other_scripts_are_digits() -> None:
    assert read_code("０４２５１７") == "042517"  # noqa: RUF001 - full width, as Japanese keyboards write them
    assert read_code("٠٤٢٥١٧") == "042517"


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "12345a", "1" * 5000, "½½½½½½", "①②③④⑤"])
def test_what_is_no_code_is_no_try(typed: str) -> None:
    invite = verified()
    ask(invite)
    assert refused(lambda: enter(invite, typed)) == "shape"
    assert MailboxCode.objects.get().tries == 0


def test_a_code_is_of_one_device() -> None:
    invite = verified(max_devices=2)
    digits = ask(invite, PHONE)
    assert refused(lambda: enter(invite, digits, LAPTOP)) == "no_code"
    assert enter(invite, digits, PHONE)


def test_a_code_is_of_one_generation_of_the_link() -> None:
    invite = verified()
    digits = ask(invite)
    Invite.objects.update(generation=2)
    invite.refresh_from_db()
    assert refused(lambda: enter(invite, digits)) == "no_code"


def test_a_code_is_of_one_invite() -> None:
    first = verified()
    second = make_invite(make_entry(first.tenant))
    digits = ask(first)
    assert refused(lambda: enter(second, digits)) == "no_code"


def test_a_code_is_used_once() -> None:
    invite = verified(max_devices=2)
    digits = ask(invite)
    enter(invite, digits)
    Pass.objects.update(ended_at=timezone.now())
    assert refused(lambda: enter(invite, digits)) == "no_code"


def test_a_code_lasts_ten_minutes() -> None:
    invite = verified()
    asked_at = timezone.now() - timedelta(minutes=10)
    digits = ask(invite, now=asked_at)
    assert refused(lambda: enter(invite, digits, now=asked_at + timedelta(minutes=10))) == "no_code"
    assert enter(invite, digits, now=asked_at + timedelta(minutes=9, seconds=59))


def test_five_tries_then_the_right_one_is_no_good_either() -> None:
    invite = verified()
    digits = ask(invite)
    codes = [refused(lambda: enter(invite, other_than(digits))) for _try in range(TRIES_PER_CODE)]
    assert codes == ["wrong_code"] * 4 + ["tries_used_up"]
    assert refused(lambda: enter(invite, digits)) == "tries_used_up"
    assert not Pass.objects.exists()


def test_wrong_codes_count_at_the_same_door_as_wrong_addresses() -> None:
    invite, now = verified(), timezone.now()
    for minute in range(2):
        at = now + timedelta(minutes=minute)
        digits = ask(invite, now=at)
        for _try in range(TRIES_PER_CODE):
            refused(partial(enter, invite, other_than(digits), now=at))
    with pytest.raises(ThrottledError):
        knock(claim_of(invite), INVITED, device=LAPTOP, address="192.0.2.9", now=timezone.now())
    with pytest.raises(ThrottledError):
        enter(invite, "123456", address="192.0.2.9")


def test_older_codes_stay_good_so_that_a_slow_mail_is_no_loss() -> None:
    invite, now = verified(), timezone.now()
    first = ask(invite, now=now - timedelta(minutes=2))
    send_code_again(claim_of(invite), device=PHONE, language="en", now=now)
    assert MailboxCode.objects.count() == 2
    assert enter(invite, first)


# --- How many there are -----------------------------------------------------------------------------------


def test_three_codes_per_invite_and_quarter_of_an_hour_whatever_the_device() -> None:
    invite, now = verified(max_devices=9), timezone.now()
    for at in range(CODES_PER_WINDOW):
        ask(invite, Device(f"{at:043}"), now=now + timedelta(minutes=at))
    with pytest.raises(ThrottledError) as full:
        send_code(
            claim_of(invite), Purpose.VERIFY, device=PHONE, language="en", now=now + timedelta(minutes=5)
        )
    assert full.value.retry_after == 600  # when the first of them is a quarter of an hour old
    assert ask(invite, now=now + timedelta(minutes=15))
    other = make_invite(invite.entry, email="bo@example.org")
    assert send_code(claim_of(other), Purpose.VERIFY, device=PHONE, language="en", now=now) == Sent.MAILED


def test_pressing_twice_sends_one_mail() -> None:
    invite = verified()
    ask(invite)
    ask(invite)
    assert OutboxMail.objects.filter(kind="code").count() == 1


def test_nothing_is_sent_again_that_was_not_asked_for() -> None:
    invite = verified()
    run = lambda: send_code_again(claim_of(invite), device=PHONE, language="en", now=timezone.now())  # noqa: E731
    assert refused(run) == "no_code"
    assert not OutboxMail.objects.exists()


def test_codes_are_outside_the_quotas_and_need_no_template() -> None:
    invite = make_invite()
    make_settings(
        invite.tenant,
        verify_mailbox="everybody",
        invite_email_template=None,
        quota_per_recipient_day=0,
        quota_per_tenant_day=0,
    )
    ask(invite)
    mail = OutboxMail.objects.get()
    assert (mail.kind, mail.language, mail.code) == ("code", "en", MailboxCode.objects.get())


def test_without_mail_the_hosts_read_that_somebody_waits(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    invite = verified()
    for _press in range(2):
        sent = send_code(claim_of(invite), Purpose.VERIFY, device=PHONE, language="en", now=timezone.now())
        assert sent == Sent.NO_MAIL
    invite.refresh_from_db()
    assert invite.new_link_asked_at is not None
    assert not MailboxCode.objects.exists()
    assert [event.kind for event in InviteEvent.objects.all()] == ["new_link_asked"]


def test_a_withdrawn_invite_gets_no_code() -> None:
    invite = verified(withdrawn_at=timezone.now())
    with pytest.raises(LinkClosedError) as closed:
        send_code(claim_of(invite), Purpose.VERIFY, device=PHONE, language="en", now=timezone.now())
    assert closed.value.why == Why.WITHDRAWN
    assert not MailboxCode.objects.exists()


def test_a_code_of_a_link_that_closed_meanwhile_says_why() -> None:
    invite = verified()
    digits = ask(invite)
    redeem_invite(
        claim_of(invite), device=LAPTOP, person=make_person(invite.tenant, email=INVITED), now=timezone.now()
    )
    with pytest.raises(LinkClosedError) as closed:
        enter(invite, digits)
    assert closed.value.why == Why.USED_UP
    Invite.objects.update(withdrawn_at=timezone.now())
    with pytest.raises(RefusedError):
        enter(invite, digits)
    assert Participant.objects.count() == 1


# --- Races ------------------------------------------------------------------------------------------------


def race(runners: int, run: Callable[[int], object]) -> list[object]:
    """Let `run(0)`, `run(1)`… begin at the same instant, each on a connection of its own."""
    barrier = Barrier(runners)

    def start(number: int) -> object:
        try:
            barrier.wait(timeout=30)
            return run(number)
        except AppError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(runners) as pool:
        return list(pool.map(start, range(runners)))


@pytest.mark.django_db(transaction=True)
def test_fifty_guesses_at_once_are_five_tries() -> None:
    invite = verified()
    digits = ask(invite)
    answers = Counter(race(50, lambda number: enter(invite, other_than(digits), address=f"192.0.2.{number}")))
    assert MailboxCode.objects.get().tries == TRIES_PER_CODE
    assert not Pass.objects.exists()
    assert set(answers) <= {"wrong_code", "tries_used_up", "throttled"}


@pytest.mark.django_db(transaction=True)
def test_a_double_click_on_the_right_code_is_in_twice_and_counts_once() -> None:
    invite = verified(max_devices=5)
    digits = ask(invite)
    answers = race(4, lambda _number: enter(invite, digits))
    assert len(set(answers)) == 1
    assert isinstance(answers[0], str)
    assert len(answers[0]) == 64
    assert (Invite.objects.get().devices_used, Pass.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_devices_that_ask_at_once_get_three_codes_between_them() -> None:
    invite, now = verified(max_devices=9), timezone.now()

    def send(number: int) -> str:
        device = Device(f"{number:043}")
        return send_code(claim_of(invite), Purpose.VERIFY, device=device, language="en", now=now)

    answers = Counter(race(12, send))
    assert answers == {Sent.MAILED: 3, "codes": 9}
    assert MailboxCode.objects.count() == OutboxMail.objects.count() == 3
