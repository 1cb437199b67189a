"""What has changed about entries that others have to hear of."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from rooms.models.entry import Entry


class EntryChange(models.Model):
    """Title or schedule of an entry have changed, or it was deleted, and nobody has acted on it so far.

    Written with the change. Whoever invites people from outside looks for it and takes it away when all is
    told: these layers stand above this one and cannot be called from here.
    """

    entry = models.OneToOneField(Entry, on_delete=models.CASCADE, primary_key=True, related_name="change")
    changed_at = models.DateTimeField()
    is_to_be_told = models.BooleanField(default=False, help_text="the invited are told by mail")

    class Meta:
        verbose_name = _("change of an entry")
        verbose_name_plural = _("changes of entries")

    def __str__(self) -> str:
        return f"{self.entry_id} {self.changed_at:%Y-%m-%d %H:%M}"
