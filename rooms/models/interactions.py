"""Interactions: polls, ratings, open questions, quizzes."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from rooms.models.entry import Entry
from rooms.models.participant import Participant


class Interaction(models.Model):
    """Something that everybody in the room may answer once."""

    class Kind(models.TextChoices):
        """What is asked for."""

        POLL = "poll", _("Poll")
        RATING = "rating", _("Rating")
        OPEN = "open", _("Open question")
        QUIZ = "quiz", _("Quiz")

    class State(models.TextChoices):
        """Where it stands."""

        DRAFT = "draft", _("Draft")
        RUNNING = "running", _("Running")
        CLOSED = "closed", _("Closed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="interactions")
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices, default=Kind.POLL)
    question = models.CharField(_("question"), max_length=500)
    most_choices = models.PositiveSmallIntegerField(_("how many answers one may choose"), default=1)
    highest_rating = models.PositiveSmallIntegerField(_("highest rating"), default=5)
    state = models.CharField(max_length=20, choices=State.choices, default=State.DRAFT)
    is_shared = models.BooleanField(_("results are shown to everybody"), default=False)
    made_by = models.ForeignKey(Participant, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("interaction")
        verbose_name_plural = _("interactions")
        ordering: ClassVar = ["made_at", "pk"]

    def __str__(self) -> str:
        return self.question[:50]


class Choice(models.Model):
    """One of the answers that a poll or a quiz offers."""

    interaction = models.ForeignKey(Interaction, on_delete=models.CASCADE, related_name="choices")
    position = models.PositiveSmallIntegerField()
    text = models.CharField(_("answer"), max_length=200)
    is_right = models.BooleanField(_("right answer"), default=False)

    class Meta:
        verbose_name = _("choice")
        verbose_name_plural = _("choices")
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["interaction", "position"], name="choice_once_per_position")
        ]

    def __str__(self) -> str:
        return self.text


class Vote(models.Model):
    """What one participant answered, whatever the number of their tabs."""

    interaction = models.ForeignKey(Interaction, on_delete=models.CASCADE, related_name="votes")
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="+")
    choices = models.ManyToManyField(Choice, blank=True, related_name="votes")
    rating = models.PositiveSmallIntegerField(null=True, blank=True)
    text = models.TextField(max_length=1000, blank=True)
    given_at = models.DateTimeField()
    hidden_at = models.DateTimeField(
        null=True, blank=True, help_text="by a moderator: its text is for moderators and reports alone"
    )

    class Meta:
        verbose_name = _("vote")
        verbose_name_plural = _("votes")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["interaction", "participant"], name="voted_once")
        ]

    def __str__(self) -> str:
        return f"{self.interaction_id}"
