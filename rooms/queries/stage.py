"""What an entry's stage has been set up with."""

from typing import Final
from uuid import UUID

from lti_tool.prepared import PreparedRead, Slot
from rooms.models import Entry, Stage

_STAGE: Final = PreparedRead(lambda: Stage.objects.filter(entry_id=Slot("entry", Entry.id)))


def stage_row(entry_id: UUID) -> Stage | None:
    """What a host chose; None where nobody has chosen anything."""
    return _STAGE.first(entry=entry_id)
