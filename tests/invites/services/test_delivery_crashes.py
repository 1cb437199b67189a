"""`kill -9` of the worker between any two steps of sending: no mail is lost, a second copy is marked."""

import signal
import time
from collections.abc import Iterator
from threading import Event

import pytest
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from invites.models import OutboxMail
from invites.services.delivery import CLAIM_LASTS
from invites.services.outbox import queue_invitation_mail
from tests.factories.invites import make_invite
from tests.factories.mailserver import STEPS, Mailserver, running_mailserver
from tests.factories.workers import Nursery, Worker, running_nursery

pytestmark = pytest.mark.django_db(transaction=True)

State = OutboxMail.State


class Stop:
    """A step at which the mail server halts until it is let go on."""

    def __init__(self, server: Mailserver, step: str) -> None:
        self._reached, self._go_on = Event(), Event()
        self._server, self._step = server, step
        server.on[step] = self._halt

    def _halt(self) -> None:
        self._server.on.pop(self._step, None)  # the next worker is not stopped here
        self._reached.set()
        self._go_on.wait(20)

    def wait(self) -> None:
        assert self._reached.wait(20), f"the worker never came to {self._step}"

    def let_go(self) -> None:
        self._go_on.set()


@pytest.fixture(scope="module")
def postoffice() -> Iterator[Mailserver]:
    with running_mailserver(Mailserver()) as server:
        yield server


@pytest.fixture(scope="module")
def nursery(django_db_setup: None, postoffice: Mailserver) -> Iterator[Nursery]:
    with running_nursery(smtp_port=postoffice.port) as running:
        yield running


@pytest.fixture
def server(postoffice: Mailserver) -> Iterator[Mailserver]:
    yield postoffice
    postoffice.mails.clear()
    postoffice.on.clear()


def killed_at(stop: Stop, worker: Worker) -> None:
    """Kill the worker when the server has come to the step."""
    stop.wait()
    worker.kill()
    assert worker.wait() == -signal.SIGKILL
    stop.let_go()


def pass_time(mail: OutboxMail) -> None:
    """As if the claim had been made so long ago that nobody can be at work any more."""
    OutboxMail.objects.filter(pk=mail.pk).update(claimed_at=F("claimed_at") - CLAIM_LASTS)


@pytest.mark.parametrize("step", [step for step in STEPS if step not in {"answered", "quit"}])
def test_killed_at_any_step_of_the_talk(server: Mailserver, nursery: Nursery, step: str) -> None:
    mail = queue_invitation_mail(make_invite(), language="en", now=timezone.now())
    stop = Stop(server, step)
    killed_at(stop, nursery.start_worker())
    mail.refresh_from_db()
    assert (mail.state, mail.attempts) == (State.SENDING, 1)

    assert nursery.start_worker().wait() == 0
    mail.refresh_from_db()
    assert (mail.state, mail.attempts) == (State.SENDING, 1), "the other one could still be at work"

    pass_time(mail)
    assert nursery.start_worker().wait() == 0
    mail.refresh_from_db()
    assert (mail.state, mail.attempts, mail.may_be_second) == (State.SENT, 2, True)
    copies = 2 if step == "data" else 1
    assert server.recipients == ["ana@example.org"] * copies
    assert len({each["Message-ID"] for each in server.mails}) == 1, "a mailbox can tell the copies"


def test_killed_after_the_server_has_said_yes_and_before_that_is_written(
    server: Mailserver, nursery: Nursery
) -> None:
    mail = queue_invitation_mail(make_invite(), language="en", now=timezone.now())
    kept, answered = Stop(server, "data"), Stop(server, "answered")
    worker = nursery.start_worker()
    kept.wait()
    with transaction.atomic():
        OutboxMail.objects.filter(pk=mail.pk).update(language="de")  # now nobody else can write to it
        kept.let_go()
        answered.wait()
        time.sleep(0.1)  # it reads the answer, and stands before the locked row
        worker.kill()
        assert worker.wait() == -signal.SIGKILL
        transaction.set_rollback(True)
    answered.let_go()
    mail.refresh_from_db()
    assert (mail.state, mail.language) == (State.SENDING, "en")

    pass_time(mail)
    assert nursery.start_worker().wait() == 0
    mail.refresh_from_db()
    assert (mail.state, mail.may_be_second) == (State.SENT, True)
    assert len(server.mails) == 2
    assert len({each["Message-ID"] for each in server.mails}) == 1


def test_killed_after_it_was_written_nothing_is_left_to_do(server: Mailserver, nursery: Nursery) -> None:
    mail = queue_invitation_mail(make_invite(), language="en", now=timezone.now())
    stop = Stop(server, "quit")
    killed_at(stop, nursery.start_worker())
    assert nursery.start_worker().wait() == 0
    mail.refresh_from_db()
    assert (mail.state, mail.attempts, mail.may_be_second) == (State.SENT, 1, False)
    assert len(server.mails) == 1


def test_mails_that_were_not_in_hand_go_out_once(server: Mailserver, nursery: Nursery) -> None:
    """Of three, the worker dies with the second in hand: the first and the third are sent once, unmarked."""
    mails = [
        queue_invitation_mail(make_invite(None, f"{name}@example.org"), language="en", now=timezone.now())
        for name in "abc"
    ]
    talks = 0
    stop = Stop(server, "data")
    halt = server.on["data"]

    def at_the_second() -> None:
        nonlocal talks
        talks += 1
        if talks == 2:
            halt()

    server.on["data"] = at_the_second
    killed_at(stop, nursery.start_worker())
    server.on.clear()
    pass_time(mails[1])
    assert nursery.start_worker().wait() == 0
    for mail in mails:
        mail.refresh_from_db()
    assert [mail.state for mail in mails] == [State.SENT] * 3
    assert [mail.may_be_second for mail in mails] == [False, True, False]
    assert sorted(server.recipients) == [f"{name}@example.org" for name in "abbc"]
