"""What is written into the outbox, and what each kind of mail says when it is sent."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from invites.links import link_for, mailbox_code
from invites.models import Invite, MailboxCode, OutboxMail
from invites.services.delivery import send_due_mails
from invites.services.outbox import (
    NOT_URGENT,
    URGENT,
    can_send_system_mail,
    language_of,
    mail_waits,
    queue_code_mail,
    queue_invitation_mail,
    queue_new_link_mail,
    urgent_mail_waits,
)
from tests.factories.invites import make_invite, make_settings
from tests.factories.lti import make_person
from tests.factories.mailserver import Mailserver, text_of
from tests.factories.rooms import make_entry

pytestmark = pytest.mark.django_db(transaction=True)

State, Kind, Unsent = OutboxMail.State, OutboxMail.Kind, OutboxMail.Unsent


def make_code(invite: Invite, purpose: MailboxCode.Purpose = MailboxCode.Purpose.VERIFY) -> MailboxCode:
    """A code that is good for ten minutes."""
    now = timezone.now()
    return MailboxCode.objects.create(
        invite=invite,
        generation=invite.generation,
        purpose=purpose,
        device_hash="0" * 64,
        made_at=now,
        expires_at=now + timedelta(minutes=10),
    )


def test_a_code_stands_large_in_its_mail_and_nowhere_in_the_database(mailserver: Mailserver) -> None:
    invite = make_invite(make_entry(title="Optics"))
    code = make_code(invite)
    mail = queue_code_mail(code, language="en", now=timezone.now())
    assert send_due_mails(timezone.now()) == 1
    digits = mailbox_code(code.pk)
    (sent,) = mailserver.mails
    assert mailserver.recipients == ["ana@example.org"]
    assert sent["Subject"].strip() == f"{digits} is your code: Optics"
    for text in (text_of(sent), text_of(sent, "html")):
        assert digits in text
        assert "Optics" in text
        assert "ten minutes" in text
        assert "neither by phone nor by mail" in text
        assert "/join/" not in text, "who reads over a shoulder gets no link"
    assert sent["Reply-To"] is None
    stored = repr(OutboxMail.objects.filter(pk=mail.pk).values().get()) + repr(
        MailboxCode.objects.values().get()
    )
    assert digits not in stored


def test_a_code_for_moving_says_what_it_does(mailserver: Mailserver) -> None:
    code = make_code(make_invite(), MailboxCode.Purpose.MOVE)
    queue_code_mail(code, language="en", now=timezone.now())
    send_due_mails(timezone.now())
    assert "The other device leaves the session." in text_of(mailserver.mails[0])


def test_a_code_that_is_over_or_used_is_not_sent(mailserver: Mailserver) -> None:
    now = timezone.now()
    late = queue_code_mail(make_code(make_invite()), language="en", now=now)
    used = make_code(make_invite())
    MailboxCode.objects.filter(pk=used.pk).update(used_at=now)
    other = queue_code_mail(used, language="en", now=now)
    assert send_due_mails(now + timedelta(minutes=11)) == 0
    for mail in (late, other):
        mail.refresh_from_db()
        assert (mail.state, mail.error) == (State.GIVEN_UP, Unsent.CODE_EXPIRED)
    assert mailserver.mails == []


def test_a_fresh_link_goes_to_the_invited_mailbox(mailserver: Mailserver) -> None:
    entry = make_entry(title="Optics")
    inviter = make_person(entry.tenant, name="Ada Prof", email="ada@campus.example")
    invite = make_invite(entry, made_by=inviter, generation=3)
    queue_new_link_mail(invite, language="en", now=timezone.now())
    assert send_due_mails(timezone.now()) == 1
    (sent,) = mailserver.mails
    assert mailserver.recipients == ["ana@example.org"]
    assert sent["Subject"].strip() == "Your new link: Optics"
    for text in (text_of(sent), text_of(sent, "html")):
        assert link_for(invite) in text
        assert "Links mailed before do not work any more." in text
        assert "your answer goes to Ada Prof" in text


def test_codes_and_fresh_links_need_no_template_and_no_quota(mailserver: Mailserver) -> None:
    invite = make_invite()
    make_settings(invite.tenant, invite_email_template=None, quota_per_recipient_day=0)
    queue_code_mail(make_code(invite), language="en", now=timezone.now())
    queue_new_link_mail(invite, language="en", now=timezone.now())
    assert send_due_mails(timezone.now()) == 2


@pytest.mark.parametrize(
    ("backend", "can_send"), [("smtp.EmailBackend", True), ("dummy.EmailBackend", False)]
)
def test_system_mail_needs_a_mail_server_only(settings: Settings, backend: str, *, can_send: bool) -> None:
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}"
    assert can_send_system_mail() is can_send


def test_whoever_waits_before_the_lobby_does_not_stand_behind_invitations(mailserver: Mailserver) -> None:
    mail_waits.clear()
    urgent_mail_waits.clear()
    entry = make_entry()
    now = timezone.now()
    for number in range(3):
        queue_invitation_mail(make_invite(entry, f"g{number}@example.org"), language="en", now=now)
    assert not urgent_mail_waits.is_set()
    queue_code_mail(make_code(make_invite(entry)), language="en", now=now)
    assert urgent_mail_waits.is_set()
    assert set(Kind) == URGENT | NOT_URGENT
    assert send_due_mails(now, kinds=URGENT) == 1
    assert mailserver.recipients == ["ana@example.org"]
    assert send_due_mails(now, kinds=NOT_URGENT) == 3


def test_mails_are_from_the_tenant_and_come_back_to_the_installation(
    mailserver: Mailserver, settings: Settings
) -> None:
    settings.DEFAULT_FROM_EMAIL = "Foyer <foyer@tool.example>"
    plain, own = make_entry(), make_entry()
    make_settings(own.tenant, sender_name="Università di Bücher", sender_address="events@campus.example")
    for entry in (plain, own):
        queue_invitation_mail(make_invite(entry), language="en", now=timezone.now())
    assert send_due_mails(timezone.now()) == 2
    (first,), (second,) = (mail["From"].addresses for mail in mailserver.mails)
    assert (first.display_name, first.addr_spec) == ("Foyer", "foyer@tool.example")
    assert (second.display_name, second.addr_spec) == ("Università di Bücher", "events@campus.example")
    assert mailserver.senders == ["foyer@tool.example"] * 2


def test_the_language_is_the_invitees_own_or_the_one_used_last(mailserver: Mailserver) -> None:
    invite = make_invite()
    assert language_of(invite) == "en"
    queue_invitation_mail(invite, language="de", now=timezone.now())
    assert language_of(invite) == "de"
    invite.language = "fr"
    assert language_of(invite) == "fr"
