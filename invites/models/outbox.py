"""Mails to be sent."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from invites.models.invite import Invite, MailboxCode
from lti_tool.models import Tenant


class OutboxMail(models.Model):
    """A mail to be sent, written with the invite. Its link is made when it is sent and is never stored."""

    class State(models.TextChoices):
        """The life of a mail."""

        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed, will be tried again")
        GIVEN_UP = "given_up", _("Given up")

    class Unsent(models.TextChoices):
        """Reasons of ours why a mail was not sent; anything else in `error` is what the mail server said."""

        NO_ANSWER = "no_answer", _("The mail server does not answer.")
        REFUSES_US = "refuses_us", _("The mail server refuses us. An administrator has to look at EMAIL_URL.")
        BAD_ADDRESS = "bad_address", _("No mail can be sent to this address.")
        WITHDRAWN = "withdrawn", _("Not sent: the invite was withdrawn.")
        REPLACED = "replaced", _("Not sent: the link was replaced by a newer one.")
        EXPIRED = "expired", _("Not sent: the link has expired.")
        GONE = "gone", _("Not sent: the session is over or was deleted.")
        MODULE_OFF = "module_off", _("Not sent: inviting is switched off.")
        NO_TEMPLATE = "no_template", _("Not sent: no email template is set.")
        CODE_EXPIRED = "code_expired", _("Not sent: the code has expired.")
        ERASED = "erased", _("The address was erased.")
        NOTHING_TO_TELL = "nothing_to_tell", _("Not sent: it was changed back meanwhile.")
        RECIPIENT_QUOTA = (
            "recipient_quota",
            _("This address has been sent as many mails as it may get in a day. The mail goes out later."),
        )
        TENANT_QUOTA = (
            "tenant_quota",
            _("Your institution has sent as many mails as it may in a day. The mail goes out later."),
        )
        CANNOT_RENDER = (
            "cannot_render",
            _("The mail could not be written. An administrator has to look at the logs."),
        )

    QUOTAS: Final = frozenset({Unsent.RECIPIENT_QUOTA, Unsent.TENANT_QUOTA})

    class Kind(models.TextChoices):
        """What a mail is for. All but an invitation are system mails: they need no template.

        Codes and fresh links, which guests ask for themselves, are outside the quotas too.
        """

        INVITATION = "invitation", _("Invitation")
        NEW_LINK = "new_link", _("New link, asked for")
        CODE = "code", _("Code")
        CHANGED = "changed", _("Session changed")
        WITHDRAWN = "withdrawn", _("Invitation withdrawn")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="mails")
    invite = models.ForeignKey(Invite, on_delete=models.CASCADE, related_name="mails")
    generation = models.PositiveIntegerField()
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.INVITATION)
    code = models.ForeignKey(
        MailboxCode, on_delete=models.CASCADE, null=True, blank=True, related_name="mails"
    )
    language = models.CharField(max_length=10, default="en")
    state = models.CharField(max_length=20, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    may_be_second = models.BooleanField(
        default=False, help_text="sent once before, perhaps: the worker died in between"
    )
    is_counted = models.BooleanField(default=False, help_text="in the quotas of recipient and tenant")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("outbox mail")
        verbose_name_plural = _("outbox mails")
        indexes: ClassVar = [models.Index(fields=["state", "due_at"], name="outbox_due")]

    def __str__(self) -> str:
        return f"{self.get_state_display()}: {self.invite_id}"

    @property
    def held_until(self) -> datetime | None:
        """When a mail goes out that waits for a quota; None for all others."""
        waits = self.state == self.State.WAITING
        return self.due_at if waits and self.error in self.QUOTAS else None

    @property
    def shown_error(self) -> str:
        """Why it did not go out, for people: a reason of ours, else the words of the mail server."""
        return str(dict(self.Unsent.choices).get(self.error, self.error))
