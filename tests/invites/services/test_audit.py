"""The log of changes: one line a change, with ids and nothing personal."""

from datetime import timedelta
from enum import StrEnum

import pytest
from django.db import transaction
from django.utils import timezone

from invites.models import AuditEvent
from invites.services.audit import Action, audit_change, differences, fingerprint, write_audit
from tests.factories.lti import make_person, make_tenant

pytestmark = pytest.mark.django_db


class Colour(StrEnum):
    RED = "red"


def test_a_line_says_who_when_what_from_and_to() -> None:
    tenant, now = make_tenant(), timezone.now()
    write_audit(
        tenant,
        by="operator:7",
        action=Action.GROUP_CHANGED,
        subject="group:3",
        changes={"courses": ([1], [1, 2])},
        now=now,
    )
    event = AuditEvent.objects.get()
    assert (event.tenant, event.at, event.actor) == (tenant, now, "operator:7")
    assert (event.action, event.subject) == ("groups.changed", "group:3")
    assert event.changes == {"courses": [[1], [1, 2]]}


def test_values_become_plain_ones_and_models_their_ids() -> None:
    tenant = make_tenant()
    ana, ben = make_person(tenant, name="Ana"), make_person(tenant, name="Ben")
    write_audit(
        tenant,
        by="operator:1",
        action="groups.changed",
        changes={
            "people": ({str(ben.pk), str(ana.pk)}, [ana]),
            "colour": (None, Colour.RED),
            "since": (timedelta(days=1), timezone.now()),
        },
        now=timezone.now(),
    )
    changes = AuditEvent.objects.get().changes
    assert changes["people"] == [sorted([str(ana.pk), str(ben.pk)]), [str(ana.pk)]]
    assert changes["colour"] == [None, "red"]
    assert "Ana" not in str(changes)


def test_differences_name_only_what_differs() -> None:
    before = {"enable": True, "LinkDuration": 60, "gone": 1}
    after = {"enable": True, "LinkDuration": 90, "new": 2}
    assert differences(before, after) == {"LinkDuration": (60, 90), "gone": (1, None), "new": (None, 2)}


def test_no_difference_is_no_line() -> None:
    tenant = make_tenant()
    same = {"enable": True}
    now = timezone.now()
    assert audit_change(tenant, by="operator:1", action="a.b", before=same, after=dict(same), now=now) is None
    assert not AuditEvent.objects.exists()
    after = {"enable": False}
    assert audit_change(tenant, by="operator:1", action="a.b", before=same, after=after, now=now)
    assert AuditEvent.objects.get().changes == {"enable": [True, False]}


def test_a_fingerprint_tells_texts_apart_and_shows_none() -> None:
    assert fingerprint("") == ""
    assert fingerprint("help@university.edu") == fingerprint("help@university.edu")
    assert fingerprint("help@university.edu") != fingerprint("desk@university.edu")
    assert "help" not in fingerprint("help@university.edu")


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_rolled_back_leaves_no_line() -> None:
    tenant = make_tenant()
    with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012 - the block is the point
        write_audit(tenant, by="operator:1", action="theming.changed", now=timezone.now())
        raise RuntimeError
    assert not AuditEvent.objects.exists()
