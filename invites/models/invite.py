"""Invites, what happened to them, and the devices that passed the lobby with them."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from lti_tool.models import Person, Tenant
from rooms.models import Entry, Participant, Pass


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
    language = models.CharField(_("language"), max_length=10, blank=True)
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
    new_link_asked_at = models.DateTimeField(null=True, blank=True)
    follows_session = models.BooleanField(
        default=False, help_text="ValidUntilSessionEnds when the link was made: valid until the session ends"
    )
    mailed_details = models.CharField(
        max_length=64, blank=True, help_text="a hash of the title, times and link that were mailed last"
    )
    has_calendar_event = models.BooleanField(default=False, help_text="by a calendar file that was mailed")
    calendar_sequence = models.PositiveIntegerField(default=0, help_text="of the calendar file mailed last")

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
        if not self.email:
            return str(_("Former guest"))  # erased: see invites.services.privacy
        return " ".join(part for part in (self.first_name, self.last_name) if part)


class Redemption(models.Model):
    """One device that passed the lobby with one generation of an invite's link."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    invite = models.ForeignKey(Invite, on_delete=models.CASCADE, related_name="redemptions")
    generation = models.PositiveIntegerField()
    device_hash = models.CharField(max_length=64)
    issued_pass = models.OneToOneField(Pass, on_delete=models.CASCADE, related_name="redemption")
    redeemed_at = models.DateTimeField()
    is_mailbox_proven = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["invite", "generation", "device_hash"], name="device_counts_once")
        ]

    def __str__(self) -> str:
        return f"{self.invite_id} #{self.generation}"


class InviteEvent(models.Model):
    """Something that was done to an invite: one line of its history. It holds ids only."""

    class Kind(models.TextChoices):
        """What was done. Mails and redemptions have rows of their own."""

        MADE = "made", _("Made")
        ROLE_CHANGED = "role_changed", _("Role changed")
        NEW_LINK = "new_link", _("New link")
        NEW_LINK_ASKED = "new_link_asked", _("New link asked for")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        RESTORED = "restored", _("Invited again")
        MOVED = "moved", _("Moved to another device")
        MAILBOX_PROVEN = "mailbox_proven", _("Mailbox proven")

    invite = models.ForeignKey(Invite, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    at = models.DateTimeField()
    by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    detail = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("event of an invite")
        verbose_name_plural = _("events of invites")
        ordering: ClassVar = ["at", "pk"]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class MailboxCode(models.Model):
    """A six-digit code, mailed to an invitee and bound to one visit of the lobby.

    The digits are derived from its id and our link keys (`invites.links`): who only has the database cannot
    make them.
    """

    class Purpose(models.TextChoices):
        """What the code is good for."""

        VERIFY = "verify", _("Prove the mailbox")
        MOVE = "move", _("Move to this device")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    invite = models.ForeignKey(Invite, on_delete=models.CASCADE, related_name="codes")
    generation = models.PositiveIntegerField()
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    device_hash = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("mailbox code")
        verbose_name_plural = _("mailbox codes")
        indexes: ClassVar = [
            models.Index(fields=["invite", "device_hash", "-made_at"], name="codes_of_device")
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}: {self.invite_id}"
