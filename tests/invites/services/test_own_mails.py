"""A tenant's own words on their way through the outbox, to a real mail server."""

import pytest
from django.utils import timezone

from invites.models import EmailTemplate
from invites.services.delivery import send_due_mails
from invites.services.outbox import queue_invitation_mail
from invites.services.templates import Words, add_language, make_template, save_text, use_template
from lti_tool.models import Tenant
from rooms.models import Entry
from tests.factories.invites import make_invite
from tests.factories.mailserver import Mailserver
from tests.factories.rooms import make_entry

pytestmark = pytest.mark.django_db(transaction=True)

ITALIAN = Words(
    "Invito: {TITLE}", "Ciao {FIRSTNAME}!\n{URL}\nFino a {EXPIRES}\n", "<p>Ciao {URL}</p>{QRCODE}"
)


@pytest.fixture
def entry() -> Entry:
    return make_entry(title="Ghiaccio <b>marino</b>")


@pytest.fixture
def tenant(entry: Entry) -> Tenant:
    return entry.tenant


@pytest.fixture
def template(tenant: Tenant) -> EmailTemplate:
    now = timezone.now()
    template = make_template(tenant, "Lectures", "en", by="person:1", now=now)
    add_language(template, "it", by="person:1", now=now)
    save_text(template, "it", ITALIAN, by="person:1", now=now)
    use_template(template, by="person:1", now=now)
    return template


def test_a_guest_gets_the_text_in_their_language(
    entry: Entry, template: EmailTemplate, mailserver: Mailserver
) -> None:
    invite = make_invite(entry, language="it-CH")
    queue_invitation_mail(invite, language=invite.language, now=timezone.now())
    assert send_due_mails(timezone.now()) == 1
    (mail,) = mailserver.mails
    assert mail["Subject"] == "Invito: Ghiaccio <b>marino</b>"
    assert mail["Content-Language"] == "it"
    html = mail.get_body(("html",))
    assert html is not None
    assert 'lang="it"' in html.get_content()
    (picture,) = (part for part in mail.walk() if part.get_content_type() == "image/png")
    assert f'src="cid:{str(picture["Content-ID"]).strip("<>")}"' in html.get_content()


def test_whose_language_has_no_text_gets_the_one_for_everybody_else(
    entry: Entry, template: EmailTemplate, mailserver: Mailserver
) -> None:
    queue_invitation_mail(make_invite(entry), language="fr", now=timezone.now())
    assert send_due_mails(timezone.now()) == 1
    (mail,) = mailserver.mails
    assert mail["Content-Language"] == "en"
    body = mail.get_body(("plain",))
    assert body is not None
    assert "You are asked for this email address" in body.get_content()


def test_a_template_that_cannot_be_written_does_not_hold_up_the_others(
    entry: Entry, template: EmailTemplate, mailserver: Mailserver
) -> None:
    template.texts.filter(language="it").update(html="<div>" * 1000)
    queue_invitation_mail(make_invite(entry), language="it", now=timezone.now())
    fine = make_invite(entry, email="kim@example.org")
    queue_invitation_mail(fine, language="en", now=timezone.now())
    assert send_due_mails(timezone.now()) == 1
    assert mailserver.recipients == [fine.email]
