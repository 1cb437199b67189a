"""Questions and answers."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from rooms.models.entry import Entry
from rooms.models.participant import Participant


class Question(models.Model):
    """Somebody asks. It is seen by its asker and the team, and by everybody once `published_at` is set."""

    class State(models.TextChoices):
        """What has become of it."""

        OPEN = "open", _("Open")
        ANSWERED = "answered", _("Answered")
        DISMISSED = "dismissed", _("Dismissed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="questions")
    asker = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="questions")
    client_key = models.CharField(max_length=64, blank=True)
    text = models.TextField(max_length=1000)
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=State.choices, default=State.OPEN)
    published_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.ForeignKey(
        Participant, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    answer = models.TextField(max_length=4000, blank=True)
    answered_by = models.ForeignKey(
        Participant, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    votes = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        ordering: ClassVar = ["asked_at", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["asker", "client_key"], condition=~models.Q(client_key=""), name="question_asked_once"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["entry", "state"], name="questions_of_entry")]

    def __str__(self) -> str:
        return self.text[:50]


class QuestionVote(models.Model):
    """Somebody wants to know this too."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="voted_by")
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="+")

    class Meta:
        verbose_name = _("vote for a question")
        verbose_name_plural = _("votes for questions")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["question", "participant"], name="question_voted_once")
        ]

    def __str__(self) -> str:
        return f"{self.question_id}"
