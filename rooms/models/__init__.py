"""The rooms' tables, one file a subject."""

from rooms.models.chat import ChatMessage
from rooms.models.entry import Binding, Collaborator, Entry
from rooms.models.participant import Guest, Participant, Pass

__all__ = ["Binding", "ChatMessage", "Collaborator", "Entry", "Guest", "Participant", "Pass"]
