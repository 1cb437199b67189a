"""Audio and video of an entry: chosen by hosts, joined one by one, closed with the doors."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from common.errors import ConflictError, GoneError, InvalidError, RefusedError
from rooms.broadcast import announce
from rooms.engines.base import Embed, Engine, Meeting, Seat, Way
from rooms.engines.meeting import ADDRESS, TEAM_ADDRESS, host_of
from rooms.engines.registry import JITSI, MEETING, NULL, engine_named, is_engine
from rooms.events import Audience, DoorsChanged
from rooms.found import Found
from rooms.models import Entry, Participant, Stage
from rooms.policy.collaboration import TABLE, Act, NoAct
from rooms.policy.doors import Stance, door_state, schedule_of, stance_of
from rooms.policy.rights import Power
from rooms.policy.roles import Role
from rooms.queries.stage import stage_row
from rooms.services.changes import tell_in_passing
from rooms.services.standing import refusal_of

if TYPE_CHECKING:
    from rooms.access import Viewer

log = logging.getLogger(__name__)

_NAME_IN_MEETING: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class StageChoice:
    """What a host wants. The addresses are a meeting's, checked before (`judge_meeting_address`)."""

    engine: str
    address: str = field(default="", repr=False)
    team_address: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class StageSight:
    """What pages may know of a stage, whoever reads them.

    Args:
        engine: which one works here; empty without audio and video.
        place: the host of the meeting; no way in.
        key: another one means another meeting.
        is_broken: something was chosen that this installation no longer has.
    """

    engine: str = ""
    place: str = ""
    key: str = ""
    origins: tuple[str, ...] = ()
    has_two_addresses: bool = False
    is_broken: bool = False


NO_STAGE: Final = StageSight()


def has_engine(entry: Entry) -> bool:
    """Whether the stage of this kind of entry can have audio and video; others show something."""
    return entry.kind == Entry.Kind.ROOM


def is_offered(engine: str) -> bool:
    """Whether hosts can choose it in this installation."""
    return engine == NULL or engine_named(engine).is_set_up


def stage_sight(entry: Entry, *, found: Found | None = None) -> StageSight:
    """What the entry's stage is now; `found` is what a tab has found there, and knows it."""
    row = None
    if has_engine(entry):
        row = found.stage if found is not None else stage_row(entry.pk)
    if row is None or row.engine == NULL:
        return NO_STAGE
    engine = _engine_of(row)
    if not engine.is_set_up:
        return StageSight(is_broken=True)
    meeting = _meeting_of(row)
    return StageSight(
        engine=row.engine,
        place=host_of(meeting) if row.engine == MEETING else "",
        key=f"{row.engine}-{row.changed_at:%Y%m%d%H%M%S%f}",
        origins=engine.origins,
        has_two_addresses=bool(meeting.settings.get(TEAM_ADDRESS)),
    )


@transaction.atomic
def set_stage(entry: Entry, choice: StageChoice, *, by: "Viewer", now: datetime) -> None:
    """Choose what the stage has; open pages have it at once.

    Raises:
        RefusedError: the viewer may not edit, or this installation has no such engine.
        GoneError: the entry was deleted meanwhile.
    """
    del now
    by.must(Power.EDIT)
    if by.entry_id != entry.pk or not is_engine(choice.engine) or not is_offered(choice.engine):
        raise RefusedError(_("This is not set up in this installation."), code="no_engine")
    before = stage_row(entry.pk)
    if choice.engine == NULL:
        if not Stage.objects.filter(entry=entry).delete()[0]:
            return
    else:
        settings: Mapping[str, str] = {}
        if choice.engine == MEETING:
            settings = {ADDRESS: choice.address, TEAM_ADDRESS: choice.team_address}
        elif before is not None and before.engine == choice.engine:
            settings = before.settings
        settings = engine_named(choice.engine).open(Meeting(entry.pk, settings))
        values = {"engine": choice.engine, "settings": dict(settings)}
        if before is not None and (before.engine, before.settings) == (choice.engine, values["settings"]):
            return
        Stage.objects.update_or_create(entry=entry, defaults=values)
    if before is not None and before.engine not in {NULL, choice.engine}:
        _after_commit(entry.pk, lambda: _engine_of(before).close(_meeting_of(before)))
    _show_anew(entry.pk)


def join_stage(entry: Entry, *, by: "Viewer", now: datetime) -> Way:
    """The way to the meeting for this viewer alone, made at this moment.

    Args:
        by: asked of the database just now, with a participant.

    Raises:
        RefusedError: they are not inside; the code is a `NoAct`.
        ConflictError: there is no audio and video, or none any more.
        EngineError: the engine does not answer.
    """
    if by.entry_id != entry.pk or by.participant_id is None:
        raise refusal_of(NoAct.REMOVED)
    _demand_inside(entry, by=by, now=now)
    row = stage_row(entry.pk) if has_engine(entry) else None
    way = _engine_of(row).join(_meeting_of(row), _seat_of(by), now=now) if row else None
    if way is None:
        raise ConflictError(
            _("There is no audio and video here, or none any more."),
            next_step=_("Talk in the chat, and ask a host."),
            code="no_stage",
        )
    return way


def way_values(way: Way, *, now: datetime) -> dict[str, Any]:
    """A way as pages are told it; JSON values only."""
    if not isinstance(way, Embed):
        return {"kind": "link", "address": way.address}
    return {
        "kind": "embed",
        "domain": way.origin.partition("://")[2],
        "script": way.script,
        "room": way.room,
        "token": way.token,
        "expires_in": int((way.expires_at - now).total_seconds()),
    }


def tell_name_in_meeting(entry: Entry, name: str, *, by: "Viewer", now: datetime) -> None:
    """Tell the pages of those who moderate under which name the meeting knows somebody of the stage.

    Where a meeting keeps everybody silent but its moderators, their pages let this one speak.

    Args:
        by: asked of the database just now, with a participant.
        name: the engine's own for this page; another one each time that it joins.

    Raises:
        RefusedError: they are not inside, or not on the stage; the code is a `NoAct`.
        InvalidError: that is no such name.
    """
    if by.entry_id != entry.pk or by.participant_id is None:
        raise refusal_of(NoAct.REMOVED)
    _demand_inside(entry, by=by, now=now)
    if by.role not in TABLE[Act.ON_STAGE]:
        raise refusal_of(NoAct.NOT_YOUR_ROLE)
    if not _NAME_IN_MEETING.fullmatch(name):
        raise InvalidError(_("This cannot be used as it is."), code="bad_name")
    tell_in_passing(entry.pk, "stage", {"known_as": name}, audience=Audience.MODERATORS)


def tell_stage_of_role(entry_id: UUID, participant: Participant, role: Role) -> None:
    """After the commit, tell the engine that somebody has another role. Call it inside the transaction."""
    row = stage_row(entry_id)
    if row is not None:
        seat = _seat(participant.pk, participant.shown_name, role)
        _after_commit(entry_id, lambda: _engine_of(row).change_role(_meeting_of(row), seat))


def tell_stage_of_roles(entry_id: UUID, participants: QuerySet[Participant], role: Role) -> None:
    """The same for several, before they change; read only if there is a stage at all."""
    if stage_row(entry_id) is not None:
        for participant in participants.select_related("person", "guest"):
            tell_stage_of_role(entry_id, participant, role)


def remove_from_stage(entry_id: UUID, participant_ids: Iterable[UUID]) -> None:
    """After the commit, have the engine show these out. Call it inside the transaction, before they change.

    Args:
        participant_ids: read now, if there is a stage at all.
    """
    row = stage_row(entry_id)
    if row is None:
        return
    leaving = list(participant_ids)

    def work() -> None:
        for each in leaving:
            _engine_of(row).remove(_meeting_of(row), each)

    _after_commit(entry_id, work)


def close_stage(entry_id: UUID) -> None:
    """After the commit, end the meeting; the next one is another. Call it inside the transaction."""
    _after_commit(entry_id, partial(_close, entry_id))


def _close(entry_id: UUID) -> None:
    row = stage_row(entry_id)
    if row is None:
        return
    settings = dict(_engine_of(row).close(_meeting_of(row)))
    if settings == row.settings:
        return
    with transaction.atomic():
        unchanged = Stage.objects.filter(pk=row.pk, engine=row.engine, settings=row.settings)
        if unchanged.update(settings=settings, changed_at=timezone.now()) and not _is_deleted(entry_id):
            _show_anew(entry_id)


def _is_deleted(entry_id: UUID) -> bool:
    return Entry.objects.filter(pk=entry_id, deleted_at__isnull=False).exists()


def _after_commit(entry_id: UUID, work: Callable[[], object]) -> None:
    def guarded() -> None:
        try:
            work()
        except Exception:  # our own database has decided already; the engine follows as well as it can
            log.exception("an engine could not follow entry=%s", entry_id)

    transaction.on_commit(guarded, robust=True)


def _show_anew(entry_id: UUID) -> None:
    """Have every open page renew its part."""
    if not Entry.objects.filter(pk=entry_id, deleted_at__isnull=True).update(
        media_revision=F("media_revision") + 1
    ):
        raise GoneError(_("This room was deleted a moment ago."))
    transaction.on_commit(partial(announce, DoorsChanged(entry_id)), robust=True)


def _demand_inside(entry: Entry, *, by: "Viewer", now: datetime) -> None:
    stance = stance_of(door_state(schedule_of(entry), now=now), role=by.role)
    if stance != Stance.INSIDE:
        raise refusal_of(NoAct(stance.value))


def _seat_of(viewer: "Viewer") -> Seat:
    assert viewer.participant_id is not None  # noqa: S101 - asked before; tells the type
    return _seat(viewer.participant_id, viewer.name, viewer.role)


def _seat(participant_id: UUID, name: str, role: Role) -> Seat:
    """What a role means in a meeting (design §8): the team is on the stage, viewers watch."""
    return Seat(
        participant_id=participant_id,
        name=name,
        is_on_stage=role in TABLE[Act.ON_STAGE],
        is_moderator=role in TABLE[Act.MODERATE],
    )


def _engine_of(row: Stage) -> Engine:
    return engine_named(row.engine if is_engine(row.engine) else NULL)


def _meeting_of(row: Stage) -> Meeting:
    return Meeting(row.entry_id, row.settings)


__all__ = [
    "JITSI",
    "MEETING",
    "NO_STAGE",
    "NULL",
    "StageChoice",
    "StageSight",
    "close_stage",
    "has_engine",
    "is_offered",
    "join_stage",
    "remove_from_stage",
    "set_stage",
    "stage_sight",
    "tell_name_in_meeting",
    "tell_stage_of_role",
    "tell_stage_of_roles",
    "way_values",
]
