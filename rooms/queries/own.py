"""In which topics somebody has something of their own: most have nothing, and thousands come at once."""

from typing import Any, Final
from uuid import UUID

from django.db import connection

from lti_tool.prepared import driver_value
from rooms.models import Participant

_TOPICS: Final = ("chat", "questions", "interactions", "hand")
_ASK: Final = """
    SELECT
        EXISTS (SELECT 1 FROM rooms_like WHERE participant_id = %(one)s),
        EXISTS (SELECT 1 FROM rooms_question WHERE asker_id = %(one)s)
            OR EXISTS (SELECT 1 FROM rooms_questionvote WHERE participant_id = %(one)s),
        EXISTS (SELECT 1 FROM rooms_vote WHERE participant_id = %(one)s),
        EXISTS (SELECT 1 FROM rooms_participant WHERE id = %(one)s AND hand_raised_at IS NOT NULL)
"""


def topics_with_own(participant_id: UUID) -> frozenset[str]:
    """Names of `rooms.state.TOPICS`; one question for all."""
    with connection.cursor() as cursor:
        cursor.execute(_ASK, {"one": driver_value(participant_id, Participant.id)})
        row = cursor.fetchone()
    return frozenset(name for name, has_own in zip(_TOPICS, row, strict=True) if has_own)


def own_hand(entry_id: UUID, participant_id: UUID) -> dict[str, Any]:
    """Whether the participant's hand is raised: in a crowd's list of people not everybody stands."""
    rows = Participant.objects.filter(entry_id=entry_id, pk=participant_id, hand_raised_at__isnull=False)
    return {"is_raised": rows.exists()}
