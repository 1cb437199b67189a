"""Media entries and where courses show them."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from lti_tool.models import Person, Placement, Tenant


class Entry(models.Model):
    """A media entry: a room, a webcast, a video or a document. Deleted ones stay as rows, unseen."""

    class Kind(models.TextChoices):
        """Design §2."""

        ROOM = "room", _("Room")
        LIVE = "live", _("Live")
        VIDEO = "video", _("Video")
        DOCUMENT = "document", _("Document")

    class Doors(models.TextChoices):
        """What a host said about the doors; without a word the schedule decides (`rooms.policy.doors`)."""

        SCHEDULE = "schedule", _("By schedule")
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")
        ENDED = "ended", _("Ended")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="entries")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices, default=Kind.ROOM)
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), blank=True, max_length=5000)
    starts_at = models.DateTimeField(_("start"), null=True, blank=True)
    ends_at = models.DateTimeField(_("end"), null=True, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    has_chat = models.BooleanField(_("Chat & Collaboration"), default=True)
    doors = models.CharField(_("doors"), max_length=20, choices=Doors.choices, default=Doors.SCHEDULE)
    doors_changed_at = models.DateTimeField(null=True, blank=True)
    chat_sequence = models.PositiveBigIntegerField(default=0)
    backchannel_sequence = models.PositiveBigIntegerField(default=0)
    chat_cleared_sequence = models.PositiveBigIntegerField(
        default=0, help_text="messages up to this one were cleared: nobody is shown them, reports have them"
    )
    slow_mode_seconds = models.PositiveSmallIntegerField(
        _("slow mode"), default=0, help_text=_("Seconds between two messages of one participant; 0 is off.")
    )
    allows_public_questions = models.BooleanField(_("participants may ask in public"), default=True)
    # Count the changes that everybody, or only the team, is told of: a page that misses a number asks anew.
    revision = models.PositiveBigIntegerField(default=0)
    team_revision = models.PositiveBigIntegerField(default=0)
    media_revision = models.PositiveIntegerField(default=0, help_text="counts what the stage has shown")
    has_mailed_guests = models.BooleanField(default=False, help_text="somebody was invited by mail")
    created_at = models.DateTimeField(auto_now_add=True)
    made_for = models.ForeignKey(  # the link at which it was made, whatever that shows now
        Placement, on_delete=models.SET_NULL, null=True, blank=True, related_name="entries_made"
    )
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(starts_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="entry_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The media page, in the tab that asks."""
        return reverse("rooms:media", args=[self.pk])


class Binding(models.Model):
    """Which entry a placement shows."""

    placement = models.OneToOneField(Placement, on_delete=models.CASCADE, related_name="binding")
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="bindings")
    bound_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("binding")
        verbose_name_plural = _("bindings")

    def __str__(self) -> str:
        return f"{self.placement} → {self.entry}"


class Collaborator(models.Model):
    """A right given by name. The owner by name is the one collaborator with the right `owner`."""

    class Right(models.TextChoices):
        """The values of `lti_tool.roles.Right` that can be given by name."""

        OWNER = "owner", _("Owner")
        CO_OWNER = "co_owner", _("Co-owner")
        CO_EDITOR = "co_editor", _("Co-editor")
        CO_PUBLISHER = "co_publisher", _("Co-publisher")

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="collaborators")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="collaborations")
    right = models.CharField(_("right"), max_length=20, choices=Right.choices)
    given_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("collaborator")
        verbose_name_plural = _("collaborators")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["entry", "person"], name="collaborator_once_per_entry"),
            models.UniqueConstraint(fields=["entry"], condition=Q(right="owner"), name="one_owner_by_name"),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.get_right_display()}"
