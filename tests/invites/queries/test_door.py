"""All that says what a link is worth to a device, in one read."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from invites.links import LinkClaim
from invites.models import Invite
from invites.queries import Door, door_of, settings_for, terms_of
from invites.services.redeem import Device, redeem_invite
from rooms.models import Guest, Participant, Pass
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_person, make_tenant

pytestmark = pytest.mark.django_db

PHONE, LAPTOP = Device("p" * 43), Device("l" * 43)


def read(invite: Invite, device: Device = PHONE) -> Door:
    with CaptureQueriesContext(connection) as asked:
        door = door_of(LinkClaim(invite.pk, 1), device.hash)
    assert door is not None
    assert len(asked) == 1
    return door


def test_of_a_link_that_nobody_has_used() -> None:
    invite = make_invite()
    door = read(invite)
    assert door.terms == terms_of(invite, settings_for(invite.tenant))
    assert (door.before, door.person_id, door.guest_id) == (None, None, None)
    assert (door.has_pass, door.has_place) == (False, False)


def test_the_rules_are_those_of_the_tenant_or_the_defaults() -> None:
    invite = make_invite()
    assert read(invite).rules.sends_mail
    make_settings(invite.tenant, enable=False, invite_email_template=None)
    rules = read(invite).rules
    assert (rules.enable, rules.sends_mail, rules.tenant) == (False, False, invite.tenant)


def test_a_device_that_has_passed_is_known_and_no_other() -> None:
    invite = make_invite(max_devices=2)
    redeem_invite(LinkClaim(invite.pk, 1), device=PHONE, now=timezone.now())
    with CaptureQueriesContext(connection) as asked:
        door = read(invite)
        assert (door.has_pass, door.has_place) == (True, True)
        assert door.invite.participant == Participant.objects.get()
    assert len(asked) == 2
    assert door.guest_id == Guest.objects.get().pk
    assert read(invite, LAPTOP).before is None


@pytest.mark.parametrize(("field", "has_place"), [("ended_at", True), ("moved_at", False)])
def test_a_pass_may_have_ended_and_its_place_may_have_gone(field: str, has_place: bool) -> None:
    invite = make_invite()
    redeem_invite(LinkClaim(invite.pk, 1), device=PHONE, now=timezone.now())
    Pass.objects.update(**{"ended_at": timezone.now(), field: timezone.now()})
    door = read(invite)
    assert (door.has_pass, door.has_place) == (False, has_place)


def test_of_several_people_with_the_address_the_one_who_came_last() -> None:
    invite = make_invite()
    make_person(invite.tenant, email="ana@example.org")
    person = make_person(invite.tenant, email="ana@example.org", launched_at=timezone.now())
    make_person(make_tenant(), email="ana@example.org", launched_at=timezone.now())
    assert read(invite).person_id == person.pk


def test_there_is_no_door_without_an_invite() -> None:
    assert door_of(LinkClaim(uuid4(), 1), PHONE.hash) is None
