"""The rooms' tables, one file a subject."""

from rooms.models.changes import EntryChange
from rooms.models.chat import Announcement, ChatMessage, Like
from rooms.models.entry import Binding, Collaborator, Entry
from rooms.models.interactions import Choice, Interaction, Vote
from rooms.models.media import Captions, EmbedHosts, Media, Stage
from rooms.models.participant import Guest, Participant, Pass, Visit
from rooms.models.questions import Question, QuestionVote

__all__ = [
    "Announcement",
    "Binding",
    "Captions",
    "ChatMessage",
    "Choice",
    "Collaborator",
    "EmbedHosts",
    "Entry",
    "EntryChange",
    "Guest",
    "Interaction",
    "Like",
    "Media",
    "Participant",
    "Pass",
    "Question",
    "QuestionVote",
    "Stage",
    "Visit",
    "Vote",
]
