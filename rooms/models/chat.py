"""What is said in a room."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from rooms.models.entry import Entry
from rooms.models.participant import Participant


class ChatMessage(models.Model):
    """One message. `sequence` counts from 1 per entry and channel without holes: a gap is seen."""

    class Channel(models.TextChoices):
        """Where it is said."""

        CHAT = "chat", _("Chat")
        BACKCHANNEL = "backchannel", _("Backchannel")

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="chat_messages")
    channel = models.CharField(max_length=20, choices=Channel.choices, default=Channel.CHAT)
    sequence = models.PositiveBigIntegerField()
    author = models.ForeignKey(
        Participant,
        on_delete=models.CASCADE,
        related_name="chat_messages",
        db_index=False,  # the index below begins with it
    )
    author_role = models.CharField(max_length=20)
    client_key = models.CharField(max_length=64, blank=True)
    text = models.TextField(max_length=2000)
    sent_at = models.DateTimeField()
    reply_to = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="replies"
    )
    likes = models.PositiveIntegerField(default=0)
    pinned_at = models.DateTimeField(null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True, help_text="by a moderator; reports have it")
    hidden_by = models.ForeignKey(
        Participant, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="by its author; its text is gone")

    class Meta:
        verbose_name = _("chat message")
        verbose_name_plural = _("chat messages")
        ordering: ClassVar = ["sequence"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["entry", "channel", "sequence"], name="chat_sequence_once_per_channel"
            ),
            models.UniqueConstraint(
                fields=["author", "client_key"],
                condition=~models.Q(client_key=""),
                name="chat_sent_once",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["author", "sent_at"], name="chat_said_lately")]

    def __str__(self) -> str:
        return f"#{self.sequence}"


class Like(models.Model):
    """Somebody likes a message."""

    message = models.ForeignKey(ChatMessage, on_delete=models.CASCADE, related_name="liked_by")
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="+")

    class Meta:
        verbose_name = _("like")
        verbose_name_plural = _("likes")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["message", "participant"], name="liked_once")
        ]

    def __str__(self) -> str:
        return f"{self.message_id}"


class Announcement(models.Model):
    """What moderators want everybody to read; it stands above the room until somebody takes it away."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="announcements")
    author = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="+")
    client_key = models.CharField(max_length=64, blank=True)
    text = models.TextField(max_length=500)
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        ordering: ClassVar = ["made_at"]

    def __str__(self) -> str:
        return self.text[:50]
