"""How full the outbox is, for Prometheus: asked of the database, so that any process can tell."""

import logging
from collections.abc import Iterable

from django.db import DatabaseError
from django.db.models import Count
from django.utils import timezone
from prometheus_client import REGISTRY, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from invites.models import OutboxMail

log = logging.getLogger(__name__)

OPEN = (OutboxMail.State.WAITING, OutboxMail.State.SENDING, OutboxMail.State.FAILED)


class OutboxCollector(Collector):
    """Mails that are not done with, by state, and for how long the oldest has been due."""

    def describe(self) -> Iterable[Metric]:
        """Nothing: to ask the database while the apps are loaded would be too early."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Ask now. A database that does not answer is the health check's to tell."""
        open_mails = OutboxMail.objects.filter(state__in=OPEN)
        try:
            counted = dict(open_mails.values_list("state").annotate(Count("pk")).order_by())
            oldest = open_mails.order_by("due_at").values_list("due_at", flat=True).first()
        except DatabaseError:
            log.exception("the outbox cannot be counted")
            return
        mails = GaugeMetricFamily("foyer_outbox_mails", "Mails not sent yet, by state", labels=["state"])
        for state in OPEN:
            mails.add_metric([state.value], counted.get(state.value, 0))
        yield mails
        overdue = (timezone.now() - oldest).total_seconds() if oldest else 0
        yield GaugeMetricFamily(
            "foyer_outbox_oldest_overdue_seconds",
            "How long the oldest mail has been due",
            value=max(0, overdue),
        )


def register() -> None:
    """Let `/metrics` ask."""
    REGISTRY.register(OutboxCollector())
