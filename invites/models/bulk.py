"""Many invitations at once."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from invites.models.invite import Invite
from lti_tool.models import Course, Person, Tenant
from rooms.models import Entry


class BulkRun(models.Model):
    """Many invitations at once: the lines somebody pasted, checked, and then committed by the worker."""

    class State(models.TextChoices):
        """How far it is."""

        CHECKING = "checking", _("Being checked")
        CHECKED = "checked", _("Checked")
        COMMITTING = "committing", _("Being invited")
        DONE = "done", _("Done")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="bulk_runs")
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="bulk_runs")
    made_by = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    course = models.ForeignKey(Course, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=State.choices, default=State.CHECKING)
    is_mailed = models.BooleanField(default=False)
    renews = models.BooleanField(default=False, help_text="used-up and expired invites get a new link")
    language = models.CharField(max_length=10, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("many invitations at once")
        verbose_name_plural = _("many invitations at once")

    def __str__(self) -> str:
        return f"{self.get_state_display()}: {self.entry}"


class BulkLine(models.Model):
    """One line of it, as typed, with its verdict; `is_done` once it was worked off."""

    run = models.ForeignKey(BulkRun, on_delete=models.CASCADE, related_name="lines")
    number = models.PositiveIntegerField()
    email = models.CharField(max_length=400, blank=True)
    first_name = models.CharField(max_length=400, blank=True)
    last_name = models.CharField(max_length=400, blank=True)
    role = models.CharField(max_length=100, blank=True)
    language = models.CharField(max_length=100, blank=True)
    verdict = models.CharField(max_length=30, blank=True)
    detail = models.CharField(max_length=400, blank=True)
    is_good = models.BooleanField(default=False)
    is_done = models.BooleanField(default=False)
    invite = models.ForeignKey(Invite, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("line of many invitations")
        verbose_name_plural = _("lines of many invitations")
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "number"], name="bulk_line_once_per_run")
        ]

    def __str__(self) -> str:
        return f"{self.number}"
