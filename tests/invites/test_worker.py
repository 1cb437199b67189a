"""The worker as threads of the server process."""

import threading
import time
from threading import Event

import pytest
from django.utils import timezone

from invites.models import OutboxMail
from invites.services.outbox import queue_invitation_mail
from invites.worker import BackgroundWorker, Chore, do_once
from tests.factories.invites import make_invite
from tests.factories.mailserver import Mailserver

pytestmark = pytest.mark.django_db(transaction=True)


def wait_until_sent(mail: OutboxMail, seconds: float) -> None:
    give_up_at = time.monotonic() + seconds
    while mail.state != OutboxMail.State.SENT and time.monotonic() < give_up_at:
        time.sleep(0.05)
        mail.refresh_from_db()


def test_a_queued_mail_is_sent_at_once_and_the_threads_end(mailserver: Mailserver) -> None:
    worker = BackgroundWorker()
    worker.start()
    try:
        time.sleep(0.5)  # its first round is over: from here on it sleeps
        mail = queue_invitation_mail(make_invite(), language="en", now=timezone.now())
        wait_until_sent(mail, 1.4)  # less than a round: it was woken
        assert mail.state == OutboxMail.State.SENT
    finally:
        worker.stop()
    assert [thread for thread in threading.enumerate() if thread.name.startswith("worker-")] == []


def test_a_worker_can_be_started_again(mailserver: Mailserver) -> None:
    worker = BackgroundWorker()
    worker.start()
    worker.stop()
    mail = queue_invitation_mail(make_invite(), language="en", now=timezone.now())
    worker.start()
    wait_until_sent(mail, 5)
    worker.stop()
    assert mail.state == OutboxMail.State.SENT


def test_a_chore_that_fails_is_a_log_line(caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_args: object) -> None:
        raise RuntimeError

    assert not do_once(Chore("broken", fail, Event()), stopping=Event())
    assert "background work failed chore=broken" in caplog.text
