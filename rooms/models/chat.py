"""What is said in a room."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from rooms.models.entry import Entry
from rooms.models.participant import Participant


class ChatMessage(models.Model):
    """One message; `sequence` counts from 1 per entry, without holes: a client knows what it missed."""

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="chat_messages")
    sequence = models.PositiveBigIntegerField()
    author = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="chat_messages")
    author_role = models.CharField(max_length=20)
    client_key = models.CharField(max_length=64, blank=True)
    text = models.TextField(max_length=2000)
    sent_at = models.DateTimeField()

    class Meta:
        verbose_name = _("chat message")
        verbose_name_plural = _("chat messages")
        ordering: ClassVar = ["sequence"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["entry", "sequence"], name="chat_sequence_once_per_entry"),
            models.UniqueConstraint(
                fields=["author", "client_key"],
                condition=~models.Q(client_key=""),
                name="chat_sent_once",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.sequence}"
