"""Invites, their redemptions, the module's settings, email templates and the outbox."""

import uuid
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from lti_tool.models import Person, Tenant
from rooms.models import Entry, Participant, Pass


class EmailTemplate(models.Model):
    """What an invitation's mail says. Tokens such as `{URL}` are filled in when it is sent.

    A template whose texts are empty is the shipped one: `templates/mail/invitation/` speaks for it, in the
    language of the mail.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="email_templates")
    name = models.CharField(_("name"), max_length=100)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    text = models.TextField(_("text"), blank=True)
    html = models.TextField(_("HTML"), blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("email template")
        verbose_name_plural = _("email templates")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "name"], name="email_template_once_per_tenant")
        ]

    def __str__(self) -> str:
        return self.name


class ModuleSettings(models.Model):
    """One tenant's rules (design §5). Its form names them as the field does: `LinkDuration` and so on."""

    class AllowedUsers(models.TextChoices):
        """Who may invite, beside having a right on the entry."""

        PRIVATE_ONLY = "private_only", _("Private only role")
        ADMIN = "admin", _("Admin role")
        UNMODERATED_ADMIN = "unmoderated_admin", _("Unmoderated admin role")
        NAMED = "named", _("Specific users / groups")

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, related_name="module_settings")
    enable = models.BooleanField(default=True)
    link_duration = models.PositiveIntegerField(
        default=1440, validators=[MinValueValidator(1), MaxValueValidator(525_600)], help_text="minutes"
    )
    link_reusability = models.IntegerField(default=1, help_text="devices; -1 is unlimited")
    allowed_users = models.CharField(
        max_length=20, choices=AllowedUsers.choices, default=AllowedUsers.PRIVATE_ONLY
    )
    allowed_people = models.ManyToManyField(Person, blank=True, related_name="+")
    invite_email_template = models.ForeignKey(
        EmailTemplate, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    restrict_new_user_domains = models.JSONField(default=list, blank=True)
    shows_on_media_page = models.BooleanField(default=True, help_text="Theming: mediapage")
    valid_until_session_ends = models.BooleanField(default=True)
    admin_contact = models.CharField(max_length=300, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("module settings")
        verbose_name_plural = _("module settings")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(link_duration__gte=1, link_duration__lte=525_600), name="link_duration_in_range"
            ),
            models.CheckConstraint(
                condition=Q(link_reusability=-1) | Q(link_reusability__gt=0), name="link_reusability_in_range"
            ),
        ]

    def __str__(self) -> str:
        return f"InviteToMedia: {self.tenant}"

    @property
    def sends_mail(self) -> bool:
        """Whether anybody may send an invitation by mail: a template is set, be it the shipped one."""
        return self.invite_email_template is not None


class Invite(models.Model):
    """One email + one entry + one role. Duration and devices are frozen when a link is made."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="invites")
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="invites")
    email = models.CharField(_("email address"), max_length=320)
    normalised_email = models.CharField(max_length=320)
    first_name = models.CharField(_("first name"), max_length=100, blank=True)
    last_name = models.CharField(_("last name"), max_length=100)
    role = models.CharField(_("invitation type"), max_length=20, choices=Participant.Role.choices)
    made_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="invites_made")
    participant = models.ForeignKey(Participant, on_delete=models.SET_NULL, null=True, related_name="invites")
    generation = models.PositiveIntegerField(default=1)
    expires_at = models.DateTimeField()
    max_devices = models.PositiveIntegerField(null=True, blank=True, help_text="empty: unlimited")
    devices_used = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField()
    lobby_reached_at = models.DateTimeField(null=True, blank=True)
    entered_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("invite")
        verbose_name_plural = _("invites")
        ordering: ClassVar = ["-made_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["entry", "normalised_email"], name="invite_once_per_entry"),
            models.CheckConstraint(
                condition=Q(max_devices__isnull=True) | Q(devices_used__lte=F("max_devices")),
                name="no_more_devices_than_allowed",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["entry", "-made_at"], name="invites_of_entry")]

    def __str__(self) -> str:
        return f"{self.get_role_display()} → {self.entry}"

    @property
    def shown_name(self) -> str:
        """The invitee's name as typed by the inviter."""
        return " ".join(part for part in (self.first_name, self.last_name) if part)


class Redemption(models.Model):
    """One device that passed the lobby with one generation of an invite's link."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    invite = models.ForeignKey(Invite, on_delete=models.CASCADE, related_name="redemptions")
    generation = models.PositiveIntegerField()
    device_hash = models.CharField(max_length=64)
    issued_pass = models.OneToOneField(Pass, on_delete=models.CASCADE, related_name="redemption")
    redeemed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["invite", "generation", "device_hash"], name="device_counts_once")
        ]

    def __str__(self) -> str:
        return f"{self.invite_id} #{self.generation}"


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
        CANNOT_RENDER = (
            "cannot_render",
            _("The mail could not be written. An administrator has to look at the logs."),
        )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="mails")
    invite = models.ForeignKey(Invite, on_delete=models.CASCADE, related_name="mails")
    generation = models.PositiveIntegerField()
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
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("outbox mail")
        verbose_name_plural = _("outbox mails")
        indexes: ClassVar = [models.Index(fields=["state", "due_at"], name="outbox_due")]

    def __str__(self) -> str:
        return f"{self.get_state_display()}: {self.invite_id}"

    @property
    def shown_error(self) -> str:
        """Why it did not go out, for people: a reason of ours, else the words of the mail server."""
        return str(dict(self.Unsent.choices).get(self.error, self.error))
