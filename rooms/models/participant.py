"""Who may be inside an entry, as whom, and by which device."""

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar, Final

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from lti_tool.folding import search_text
from lti_tool.models import Person, Tenant
from rooms.models.entry import Entry


class Guest(models.Model):
    """Somebody known only by an invitation, from the first redemption on: (tenant, normalised email)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="guests")
    normalised_email = models.CharField(max_length=320)
    email = models.CharField(_("email address"), max_length=320)
    first_name = models.CharField(_("first name"), max_length=100, blank=True)
    last_name = models.CharField(_("last name"), max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    erased_at = models.DateTimeField(_("made anonymous"), null=True, blank=True)
    search_text = models.TextField(blank=True, default="", db_default="", editable=False)

    SEARCHED: Final = frozenset({"email", "first_name", "last_name"})

    class Meta:
        verbose_name = _("guest")
        verbose_name_plural = _("guests")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "normalised_email"], name="guest_once_per_tenant")
        ]
        indexes: ClassVar = [
            GinIndex(
                fields=["tenant", "search_text"], opclasses=["uuid_ops", "gin_trgm_ops"], name="guest_search"
            ),
        ]

    def __str__(self) -> str:
        return self.shown_name

    def save(self, *, update_fields: Iterable[str] | None = None, **options: Any) -> None:  # noqa: ANN401 - as Django has it
        """Save; what is searched follows the names and the address. Bulk writes call `make_searchable`."""
        if update_fields is None or not self.SEARCHED.isdisjoint(update_fields := set(update_fields)):
            self.make_searchable()
            update_fields = None if update_fields is None else {*update_fields, "search_text"}
        super().save(update_fields=update_fields, **options)

    def make_searchable(self) -> None:
        """Set what is searched from the names and the address."""
        self.search_text = search_text((self.first_name, self.last_name), self.email)

    @property
    def shown_name(self) -> str:
        """The name that the invitation gave, else a neutral word; never the address."""
        if self.erased_at is not None:
            return str(_("Former guest"))
        return " ".join(part for part in (self.first_name, self.last_name) if part) or str(_("Guest"))


class Participant(models.Model):
    """The one truth about who may do what inside an entry.

    `granted_role` is what an invitation or a host gave; it is empty for people who are here by their course.
    It holds until `granted_until` (the link's end) or, for a scheduled entry, until the session ends
    (`rooms.policy.doors.pass_ends_at`).
    """

    class Role(models.TextChoices):
        """The values of `rooms.policy.roles.Role` that can be granted."""

        VIEWER = "viewer", _("Viewer")
        MODERATOR = "moderator", _("Moderator")
        SPEAKER = "speaker", _("Speaker")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="participants")
    person = models.ForeignKey(
        Person, on_delete=models.CASCADE, null=True, blank=True, related_name="participations"
    )
    guest = models.ForeignKey(
        Guest, on_delete=models.CASCADE, null=True, blank=True, related_name="participations"
    )
    granted_role = models.CharField(max_length=20, choices=Role.choices, blank=True)
    granted_until = models.DateTimeField(null=True, blank=True)
    host_role = models.CharField(
        max_length=20,
        choices=Role.choices,
        blank=True,
        help_text="what a host made of them; outweighs the grant",
    )
    removed_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)
    shown_role = models.CharField(max_length=20, default="viewer")
    is_mailbox_proven = models.BooleanField(default=False)
    muted_at = models.DateTimeField(null=True, blank=True)
    hand_raised_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(person__isnull=True, guest__isnull=False)
                | Q(person__isnull=False, guest__isnull=True),
                name="participant_is_person_or_guest",
            ),
            models.UniqueConstraint(fields=["entry", "person"], name="participant_once_per_person"),
            models.UniqueConstraint(fields=["entry", "guest"], name="participant_once_per_guest"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["entry", "seen_at"], name="participant_presence"),
            # Each page before the doors names them, however many people there are.
            models.Index(
                fields=["entry"],
                name="participant_speakers",
                condition=Q(removed_at__isnull=True)
                & (Q(host_role="speaker") | Q(host_role="", granted_role="speaker")),
            ),
        ]

    def __str__(self) -> str:
        return self.shown_name

    @property
    def given_role(self) -> str:
        """The role that somebody gave: a host, else an invitation; empty for people of the course."""
        return self.host_role or self.granted_role

    @property
    def shown_name(self) -> str:
        """The person's or the guest's name."""
        who = self.person or self.guest
        return who.shown_name if who else ""


class Pass(models.Model):
    """What a redeemed device holds: access to one entry as one participant. Its secret is kept as a hash."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="passes")
    secret_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    moved_at = models.DateTimeField(
        null=True, blank=True, help_text="another device has it now, place and all"
    )

    class Meta:
        verbose_name = _("pass")
        verbose_name_plural = _("passes")

    def __str__(self) -> str:
        return str(self.participant)


class Visit(models.Model):
    """From when to when somebody was inside, and what they were there at last; an open one has no end yet."""

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="visits")
    role = models.CharField(max_length=20)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("visits")
        ordering: ClassVar = ["joined_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["participant"], condition=Q(left_at__isnull=True), name="one_open_visit"
            )
        ]

    def __str__(self) -> str:
        return f"{self.participant_id}"
