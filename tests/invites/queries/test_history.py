"""What has happened to one invite, in its order and in words."""

from datetime import timedelta

import pytest
from django.utils import timezone

from invites.history import told
from invites.models import Invite, InviteEvent, OutboxMail
from invites.queries.history import history_of
from invites.queries.invites import invite_for
from invites.services.issue import give_new_link
from invites.services.lifecycle import change_role, withdraw_invite
from rooms.policy.roles import Role
from tests.factories.invites import make_invite
from tests.factories.lti import make_person
from tests.invites.services.test_lifecycle import come_in, viewer_of

pytestmark = pytest.mark.django_db


def words(invite: Invite) -> list[str]:
    return [told(moment).text for moment in history_of(Invite.objects.get(pk=invite.pk))]


def test_everything_is_told_in_the_order_of_time() -> None:
    invite = make_invite(role="viewer", made_at=timezone.now() - timedelta(hours=2))
    owner = viewer_of(invite.entry)
    by = owner.name
    now = invite.made_at
    invite.made_by_id = owner.person_id
    invite.save()
    OutboxMail.objects.create(
        tenant=invite.tenant, invite=invite, generation=1, due_at=now, state="sent", sent_at=timezone.now()
    )
    come_in(invite)
    change_role(invite_for(owner, invite.pk), Role.SPEAKER, by=owner, now=timezone.now())
    withdraw_invite(invite_for(owner, invite.pk), by=owner, now=timezone.now())
    give_new_link(
        invite_for(owner, invite.pk),
        replacing=1,
        by=owner,
        is_mailed=False,
        language="en",
        now=timezone.now(),
    )
    InviteEvent.objects.create(invite=invite, kind=InviteEvent.Kind.MOVED, at=timezone.now())
    InviteEvent.objects.create(invite=invite, kind=InviteEvent.Kind.MAILBOX_PROVEN, at=timezone.now())
    told_of = words(invite)
    assert told_of[0] == f"Invited by {by}"
    # The mail row's own times are those of the test: only its place after the beginning counts.
    assert [line for line in told_of[1:] if "mailed" not in line] == [
        "The guest typed something in the lobby",
        "Passed the lobby",
        f"{by} changed the role: Speaker from now on",
        f"Withdrawn by {by}",
        f"{by} gave a new link; the old one was void",
        "The guest moved to another device",
        "The guest proved the mailbox by a code",
    ]
    assert {"The link was to be mailed", "The link was mailed"} <= set(told_of)


def test_an_invite_older_than_its_events_tells_what_its_row_knows() -> None:
    now = timezone.now()
    invite = make_invite(
        made_at=now - timedelta(days=1), new_link_asked_at=now - timedelta(minutes=2), withdrawn_at=now
    )
    assert words(invite) == ["Invited", "The guest asked for a new link", "Withdrawn"]


def test_a_name_is_the_one_of_today() -> None:
    invite = make_invite()
    person = make_person(invite.tenant, name="Old Name", given_name="Old", family_name="Name")
    InviteEvent.objects.create(
        invite=invite, kind=InviteEvent.Kind.MADE, at=invite.made_at, by=person, detail="speaker"
    )
    person.name, person.given_name, person.family_name = "New Name", "New", "Name"
    person.save()
    assert words(invite) == ["Invited by New Name"]


def test_a_failure_says_why_and_a_second_mail_that_it_may_be_one() -> None:
    invite = make_invite()
    now = timezone.now()
    for values in ({"state": "given_up", "error": "550 full"}, {"state": "sent", "may_be_second": True}):
        OutboxMail.objects.create(
            tenant=invite.tenant, invite=invite, generation=1, due_at=now, sent_at=now, **values
        )
    lines = [told(moment) for moment in history_of(invite)]
    assert [line.more for line in lines if line.text == "The mail did not go out"] == ["550 full"]
    assert "gone out twice" in next(line.more for line in lines if line.text == "The link was mailed")


@pytest.mark.parametrize("kind", InviteEvent.Kind.values)
def test_every_kind_of_event_has_words(kind: str) -> None:
    invite = make_invite()
    InviteEvent.objects.create(invite=invite, kind=kind, at=timezone.now(), detail="viewer speaker")
    assert all(words(invite))


@pytest.mark.parametrize("kind", OutboxMail.Kind.values)
@pytest.mark.parametrize("state", ["waiting", "sent"])
def test_every_kind_of_mail_has_words(kind: str, state: str) -> None:
    invite = make_invite()
    now = timezone.now()
    OutboxMail.objects.create(
        tenant=invite.tenant, invite=invite, generation=1, due_at=now, sent_at=now, state=state, kind=kind
    )
    assert all(words(invite))
