"""How much of each quota is used up."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from lti_tool.models import Tenant


class QuotaUse(models.Model):
    """What one inviter, entry, mailbox or tenant has used of a quota since its window began.

    One row each; a window begins with its first use. The condition of the UPDATE that counts decides, so
    that no number of processes ever counts one too many. `subject` is an id, or a hash of an address.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="quota_uses")
    quota = models.CharField(max_length=20)
    subject = models.CharField(max_length=64)
    window_starts_at = models.DateTimeField(db_index=True)
    used = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("use of a quota")
        verbose_name_plural = _("uses of quotas")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "quota", "subject"], name="quota_counted_once")
        ]

    def __str__(self) -> str:
        return f"{self.quota}: {self.used}"
