"""What an entry shows: a file of ours or an address elsewhere."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from lti_tool.models import Tenant
from rooms.models.entry import Entry


class Media(models.Model):
    """The video, document, slides or embed of an entry. Exactly one of `file` and `address` is set.

    A file is kept under its id: its own name may be anything, or say too much, and is only shown.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    entry = models.OneToOneField(Entry, on_delete=models.CASCADE, related_name="media")
    file = models.FileField(_("file"), upload_to="media", blank=True, max_length=200)
    name = models.CharField(_("file name"), max_length=200, blank=True)
    media_type = models.CharField(max_length=100, blank=True)
    size = models.PositiveBigIntegerField(default=0, help_text="bytes")
    address = models.URLField(_("address"), max_length=1000, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("media")
        verbose_name_plural = _("media")

    def __str__(self) -> str:
        return self.name or self.address


class EmbedHosts(models.Model):
    """From which hosts a tenant lets entries show something; without a row, the usual ones."""

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, related_name="embed_hosts")
    hosts = models.JSONField(default=list, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("hosts to embed from")
        verbose_name_plural = _("hosts to embed from")

    def __str__(self) -> str:
        return f"{self.tenant}: {len(self.hosts)}"


class Captions(models.Model):
    """A video's captions in one language (WebVTT)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    media = models.ForeignKey(Media, on_delete=models.CASCADE, related_name="captions")
    language = models.CharField(_("language"), max_length=10)
    file = models.FileField(_("file"), upload_to="media", max_length=200)

    class Meta:
        verbose_name = _("captions")
        verbose_name_plural = _("captions")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["media", "language"], name="captions_once_per_language")
        ]

    def __str__(self) -> str:
        return self.language


class Stage(models.Model):
    """Which engine an entry's stage has (`rooms.engines`), and what a host told it."""

    entry = models.OneToOneField(Entry, on_delete=models.CASCADE, related_name="stage")
    engine = models.CharField(_("audio and video"), max_length=20)
    settings = models.JSONField(default=dict, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("stage")
        verbose_name_plural = _("stages")

    def __str__(self) -> str:
        return self.engine
