"""A mail to oneself, to see what guests would see: through the same server, by the same way, and at once."""

import logging
import uuid
from dataclasses import replace
from typing import Final

from django.utils.translation import gettext as _

from common.throttle import Limit
from invites.letters import Letter
from invites.mail import Envelope, Postman, message_id, sender_of
from invites.models import ModuleSettings

log = logging.getLogger(__name__)

PER_ACTOR: Final = Limit("trial-mail", 6, 600)
PER_TENANT: Final = Limit("trial-mail-tenant", 60, 3600)


def send_trial_mail(
    letter: Letter, rules: ModuleSettings, *, to: str, to_name: str, language: str, by: str
) -> None:
    """Send a letter to whoever asks, and wait for what the mail server says.

    Args:
        to: their own address, as the launch or their login told it; never one that was typed.

    Raises:
        ThrottledError: they have just had several.
        SendError: it did not go out.
    """
    PER_ACTOR.count(by)
    PER_TENANT.count(str(rules.tenant_id))
    sender_name, sender = sender_of(rules.sender_name, rules.sender_address)
    envelope = Envelope(
        to=to,
        to_name=to_name,
        reply_to=to,
        reply_to_name=to_name,
        message_id=message_id(uuid.uuid4()),
        sender=sender,
        sender_name=sender_name,
    )
    marked = replace(letter, subject=_("Test: %(subject)s") % {"subject": letter.subject})
    with Postman() as postman:
        postman.send(marked, envelope, language=language)
    log.info("trial mail sent tenant=%s by=%s", rules.tenant_id, by)
