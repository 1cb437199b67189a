"""What Prometheus reads about the outbox."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from invites.models import OutboxMail
from invites.services.delivery import send_due_mails
from invites.services.outbox import queue_invitation_mail
from tests.factories.invites import make_invite

pytestmark = pytest.mark.django_db


def numbers(client: Client) -> dict[str, float]:
    page = client.get("/metrics").content.decode()
    return {
        name: float(value) for name, value in re.findall(r"^(foyer_\S+) (\S+)$", page, flags=re.MULTILINE)
    }


def test_waiting_mails_are_counted_and_tries_too(client: Client) -> None:
    before = numbers(client)
    assert before['foyer_outbox_mails{state="waiting"}'] == 0
    assert before["foyer_outbox_oldest_overdue_seconds"] == 0
    queue_invitation_mail(make_invite(), language="en", now=timezone.now() - timedelta(minutes=10))
    waiting = numbers(client)
    assert waiting['foyer_outbox_mails{state="waiting"}'] == 1
    assert 600 <= waiting["foyer_outbox_oldest_overdue_seconds"] < 660

    send_due_mails(timezone.now())
    after = numbers(client)
    assert after['foyer_outbox_mails{state="waiting"}'] == 0
    sent = 'foyer_mails_total{outcome="sent"}'
    assert after[sent] == before[sent] + 1
    assert OutboxMail.objects.get().state == OutboxMail.State.SENT
