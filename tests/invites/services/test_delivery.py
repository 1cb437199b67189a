"""Working off the outbox, against a real mail server."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from django.db import connections, transaction
from django.utils import timezone
from pytest_django import Settings

from invites.links import link_for
from invites.models import Invite, OutboxMail
from invites.services.delivery import MAX_TRIES, PAUSES, send_due_mails
from invites.services.outbox import mail_waits, queue_invitation_mail
from tests.factories.databases import environment_of_test_database
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_person
from tests.factories.mailserver import Mailserver, running_mailserver, text_of
from tests.factories.rooms import make_entry

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[3]
State, Unsent = OutboxMail.State, OutboxMail.Unsent


def queued(invite: Invite | None = None) -> OutboxMail:
    """A mail that is due."""
    return queue_invitation_mail(invite or make_invite(), language="en", now=timezone.now())


def again(mail: OutboxMail) -> OutboxMail:
    mail.refresh_from_db()
    return mail


def test_a_mail_waits_with_the_invite_and_is_sent_once(mailserver: Mailserver) -> None:
    invite = make_invite()
    mail_waits.clear()
    with transaction.atomic():
        mail = queue_invitation_mail(invite, language="fr-CA", now=timezone.now())
        assert not mail_waits.is_set(), "the worker must not look before the commit"
    assert mail_waits.is_set()
    assert (mail.state, mail.language, mail.generation) == (State.WAITING, "fr", 1)

    assert send_due_mails(timezone.now()) == 1
    assert send_due_mails(timezone.now() + timedelta(days=1)) == 0

    assert mailserver.recipients == ["ana@example.org"]
    assert (again(mail).state, mail.attempts, mail.error, mail.may_be_second) == (State.SENT, 1, "", False)
    assert mail.sent_at is not None
    assert mail.claimed_at is None


def test_a_mail_of_a_transaction_that_fails_never_was(mailserver: Mailserver) -> None:
    invite = make_invite()
    mail_waits.clear()
    with transaction.atomic():
        queue_invitation_mail(invite, language="en", now=timezone.now())
        transaction.set_rollback(True)
    assert not mail_waits.is_set()
    assert send_due_mails(timezone.now()) == 0


def test_the_link_is_in_the_mail_and_nowhere_in_the_database(mailserver: Mailserver) -> None:
    mail = queued()
    link = link_for(mail.invite)
    token = link.rpartition("/")[2]
    send_due_mails(timezone.now())
    assert link in text_of(mailserver.mails[0])
    assert link in text_of(mailserver.mails[0], "html")
    row = OutboxMail.objects.filter(pk=mail.pk).values().get()
    assert token not in repr(row)
    assert token not in repr(Invite.objects.values().get())


def test_answers_go_to_the_inviter_where_they_have_an_address(mailserver: Mailserver) -> None:
    entry = make_entry()
    inviter = make_person(entry.tenant, name="Prof. Ада, Ph. D.", email="ada@campus.example")
    nameless = make_person(entry.tenant, name="Nobody", email="")
    queued(make_invite(entry, "a@example.org", made_by=inviter))
    queued(make_invite(entry, "b@example.org", made_by=nameless))
    send_due_mails(timezone.now())
    first, second = mailserver.mails
    (reply_to,) = first["Reply-To"].addresses
    assert (reply_to.addr_spec, reply_to.display_name) == ("ada@campus.example", "Prof. Ада, Ph. D.")
    assert second["Reply-To"] is None
    assert "Just reply" in text_of(first)
    assert "Just reply" not in text_of(second)


def test_a_domain_goes_out_in_its_ascii_form(mailserver: Mailserver) -> None:
    queued(make_invite(None, "Ana@Bücher.example"))
    send_due_mails(timezone.now())
    assert mailserver.recipients == ["Ana@xn--bcher-kva.example"]


def test_an_address_that_no_server_takes_is_given_up_at_once(mailserver: Mailserver) -> None:
    mail = queued(make_invite(None, "josé@example.org"))
    other = queued(make_invite(None, "b@example.org"))
    assert send_due_mails(timezone.now()) == 1
    assert (again(mail).state, mail.error) == (State.GIVEN_UP, Unsent.BAD_ADDRESS)
    assert again(other).state == State.SENT


def test_a_recipient_who_is_refused_for_good_is_given_up_with_the_servers_words(
    mailserver: Mailserver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mailserver.answers["ana@example.org"] = "550 5.1.1 <ana@example.org> no such user here"
    mail, other = queued(), queued(make_invite(None, "b@example.org"))
    assert send_due_mails(timezone.now()) == 1
    assert (again(mail).state, mail.error) == (
        State.GIVEN_UP,
        "550 5.1.1 <ana@example.org> no such user here",
    )
    assert mail.shown_error == mail.error
    assert again(other).state == State.SENT
    assert "example.org" not in "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("invites")
    )


def test_a_recipient_who_is_refused_for_now_is_tried_again_later(mailserver: Mailserver) -> None:
    mailserver.answers["ana@example.org"] = "451 4.7.1 greylisted, come back"
    mail = queued()
    now = timezone.now()
    send_due_mails(now)
    assert (again(mail).state, mail.error) == (State.FAILED, "451 4.7.1 greylisted, come back")
    assert timedelta() <= mail.due_at - now - PAUSES[0] < timedelta(seconds=20)

    mailserver.answers.clear()
    assert send_due_mails(now) == 0, "its time has not come"
    assert send_due_mails(mail.due_at) == 1
    assert (again(mail).state, mail.attempts, mail.error, mail.may_be_second) == (State.SENT, 2, "", False)


def test_content_that_is_refused_for_good_is_given_up(mailserver: Mailserver) -> None:
    mailserver.answer_to_data = "554 5.7.1 this looks like spam"
    mail = queued()
    send_due_mails(timezone.now())
    assert (again(mail).state, mail.error) == (State.GIVEN_UP, "554 5.7.1 this looks like spam")


def test_a_server_that_is_down_loses_nothing_and_comes_back(settings: Settings) -> None:
    server = Mailserver()
    with running_mailserver(server):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    mails = [queued(make_invite(None, f"{name}@example.org")) for name in "abc"]
    now = timezone.now()
    assert send_due_mails(now) == 0
    states = [(again(mail).state, mail.error, mail.attempts, mail.may_be_second) for mail in mails]
    assert states[0] == (State.FAILED, Unsent.NO_ANSWER, 1, False)
    assert states[1:] == [(State.WAITING, "", 0, False)] * 2, "nobody else waits for a dead server"

    with running_mailserver(server):
        assert send_due_mails(now + PAUSES[0] + timedelta(seconds=20)) == 3
    assert sorted(server.recipients) == ["a@example.org", "b@example.org", "c@example.org"]
    assert {again(mail).state for mail in mails} == {State.SENT}


def test_after_the_last_try_a_mail_is_given_up(mailserver: Mailserver) -> None:
    mailserver.answers["ana@example.org"] = "452 4.2.2 mailbox full"
    mail = queued(make_invite(expires_at=timezone.now() + timedelta(days=30)))
    now = timezone.now()
    for _ in range(MAX_TRIES):
        now += timedelta(days=1)
        send_due_mails(now)
    assert (again(mail).state, mail.attempts, mail.error) == (
        State.GIVEN_UP,
        MAX_TRIES,
        "452 4.2.2 mailbox full",
    )
    assert send_due_mails(now + timedelta(days=1)) == 0


def delete_entry(invite: Invite) -> None:
    invite.entry.deleted_at = timezone.now()
    invite.entry.save()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda invite: Invite.objects.filter(pk=invite.pk).update(withdrawn_at=timezone.now()),
            Unsent.WITHDRAWN,
        ),
        (lambda invite: Invite.objects.filter(pk=invite.pk).update(generation=2), Unsent.REPLACED),
        (
            lambda invite: Invite.objects.filter(pk=invite.pk).update(expires_at=timezone.now()),
            Unsent.EXPIRED,
        ),
        (delete_entry, Unsent.GONE),
        (lambda invite: make_settings(invite.tenant, enable=False), Unsent.MODULE_OFF),
        (lambda invite: make_settings(invite.tenant, invite_email_template=None), Unsent.NO_TEMPLATE),
    ],
)
def test_a_mail_that_has_lost_its_reason_is_not_sent(
    mailserver: Mailserver, change: Callable[[Invite], object], reason: OutboxMail.Unsent
) -> None:
    mail = queued()
    change(mail.invite)
    assert send_due_mails(timezone.now()) == 0
    assert mailserver.mails == []
    assert (again(mail).state, mail.error) == (State.GIVEN_UP, reason)
    assert mail.shown_error == str(reason.label)


def test_two_workers_never_send_the_same_mail(mailserver: Mailserver) -> None:
    entry = make_entry()
    for number in range(12):
        queued(make_invite(entry, f"guest{number}@example.org"))
    start = Barrier(3)
    sent: list[int] = []

    def work() -> None:
        start.wait()
        sent.append(send_due_mails(timezone.now()))
        connections.close_all()

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sent) == 12
    assert sorted(mailserver.recipients) == sorted({f"guest{number}@example.org" for number in range(12)})
    assert OutboxMail.objects.filter(state=State.SENT, attempts=1, may_be_second=False).count() == 12


def start_worker(mailserver: Mailserver, *arguments: str) -> subprocess.Popen[str]:
    """`manage.py worker` as a process, on this test's database and mail server."""
    environment = {
        **os.environ,
        **environment_of_test_database(),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "EMAIL_URL": f"smtp://127.0.0.1:{mailserver.port}",
    }
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "manage.py", "worker", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_server_that_falls_silent_may_have_taken_the_mail(
    mailserver: Mailserver, settings: Settings
) -> None:
    settings.EMAIL_TIMEOUT = 1

    def fall_silent() -> None:
        mailserver.on.clear()
        time.sleep(1.5)

    mailserver.on["data"] = fall_silent
    mail = queued()
    now = timezone.now()
    assert send_due_mails(now) == 0
    assert (again(mail).state, mail.error, mail.may_be_second) == (State.FAILED, Unsent.NO_ANSWER, True)
    settings.EMAIL_TIMEOUT = 5
    assert send_due_mails(mail.due_at) == 1
    assert (again(mail).state, mail.may_be_second) == (State.SENT, True)


def test_a_server_that_hangs_up_after_the_text_may_have_taken_the_mail(mailserver: Mailserver) -> None:
    mailserver.hangs_up_after_data = True
    mail, other = queued(), queued(make_invite(None, "b@example.org"))
    now = timezone.now()
    assert send_due_mails(now) == 0
    assert (again(mail).state, mail.error, mail.may_be_second) == (State.FAILED, Unsent.NO_ANSWER, True)
    assert (again(other).state, other.attempts) == (State.WAITING, 0)

    mailserver.hangs_up_after_data = False
    assert send_due_mails(mail.due_at) == 2
    assert (again(mail).state, mail.attempts, mail.may_be_second) == (State.SENT, 2, True)
    assert (again(other).state, other.may_be_second) == (State.SENT, False)
    assert mailserver.recipients.count("ana@example.org") == 2


def test_a_server_that_is_slow_is_waited_for(mailserver: Mailserver, settings: Settings) -> None:
    settings.EMAIL_TIMEOUT = 2
    for step in ("connect", "ehlo", "mail", "rcpt", "content", "data"):
        mailserver.on[step] = lambda: time.sleep(0.1)
    mail = queued()
    assert send_due_mails(timezone.now()) == 1
    assert (again(mail).state, mail.attempts, mail.may_be_second) == (State.SENT, 1, False)


def test_of_many_only_the_refused_ones_wait_or_are_given_up(mailserver: Mailserver) -> None:
    entry = make_entry()
    mailserver.answers |= {
        "b@example.org": "550 5.1.1 no such user",
        "d@example.org": "451 4.7.1 come back",
    }
    mails = {name: queued(make_invite(entry, f"{name}@example.org")) for name in "abcde"}
    now = timezone.now()
    assert send_due_mails(now) == 3
    assert {name: again(mail).state for name, mail in mails.items()} == {
        "a": State.SENT,
        "b": State.GIVEN_UP,
        "c": State.SENT,
        "d": State.FAILED,
        "e": State.SENT,
    }
    mailserver.answers.clear()
    assert send_due_mails(mails["d"].due_at) == 1
    assert again(mails["b"]).state == State.GIVEN_UP
    assert sorted(mailserver.recipients) == [f"{name}@example.org" for name in "acde"]


def test_the_pauses_grow_until_the_mail_is_given_up(mailserver: Mailserver) -> None:
    mailserver.answers["ana@example.org"] = "452 4.2.2 mailbox full"
    mail = queued(make_invite(expires_at=timezone.now() + timedelta(days=30)))
    pauses, now = [], timezone.now()
    while again(mail).state in {State.WAITING, State.FAILED}:
        send_due_mails(now)
        if again(mail).state == State.FAILED:
            pauses.append(mail.due_at - now)
            now = mail.due_at
    assert [round(pause.total_seconds() / 30) for pause in pauses] == [
        round(pause.total_seconds() / 30) for pause in PAUSES
    ]
    assert sum(PAUSES, timedelta()) > timedelta(hours=20), "a mail server may be down for a night"
    assert (mail.state, mail.attempts) == (State.GIVEN_UP, MAX_TRIES)


def test_a_worker_that_comes_back_late_does_not_overwrite_what_the_next_one_wrote(
    mailserver: Mailserver,
) -> None:
    mail = queued()
    early = datetime(2020, 1, 1, tzinfo=UTC)

    def let_another_take_it() -> None:
        mailserver.on.clear()
        OutboxMail.objects.filter(pk=mail.pk).update(claimed_at=early)
        connections.close_all()

    mailserver.on["data"] = let_another_take_it
    send_due_mails(timezone.now())
    assert (again(mail).state, mail.claimed_at) == (State.SENDING, early)


def test_the_worker_command_sends_at_once_and_ends_when_told(mailserver: Mailserver) -> None:
    mail = queued()
    worker = start_worker(mailserver)
    try:
        give_up_at = time.monotonic() + 40
        while again(mail).state != State.SENT and time.monotonic() < give_up_at:
            time.sleep(0.1)
        assert mail.state == State.SENT
        second = queued(make_invite(None, "b@example.org"))
        while again(second).state != State.SENT and time.monotonic() < give_up_at:
            time.sleep(0.1)
        assert second.state == State.SENT
    finally:
        worker.send_signal(signal.SIGTERM)
        _, complaint = worker.communicate(timeout=20)
    assert worker.returncode == 0, complaint
    assert mailserver.recipients == ["ana@example.org", "b@example.org"]
    assert "example.org" not in complaint
