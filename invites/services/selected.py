"""Mailing the links of several invites at once, and what became of each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from common.errors import AppError
from invites.models import Invite
from invites.services.issue import mail_link
from rooms.access import Viewer


@dataclass(frozen=True, slots=True)
class Mailed:
    """How it went.

    Args:
        closed: how many links were not open, so that nothing was to be mailed.
        refusals: why the others were not mailed, in words, and how many.
    """

    done: list[Invite] = field(default_factory=list)
    closed: int = 0
    refusals: Counter[str] = field(default_factory=Counter)


def mail_links(invites: Sequence[Invite], *, by: Viewer, language: str, now: datetime) -> Mailed:
    """Mail the open link of each once more; one that cannot be mailed holds up no other.

    Args:
        language: for those for whom nobody has chosen one.
    """
    done: list[Invite] = []
    closed, refusals = 0, Counter[str]()
    for invite in invites:
        try:
            is_queued = mail_link(invite, by=by, language=invite.language or language, now=now)
        except AppError as error:
            refusals[error.message] += 1
            continue
        if is_queued:
            done.append(invite)
        else:
            closed += 1
    return Mailed(done, closed, refusals)
