"""Entries: made, edited, deleted, and shown at the links of courses."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from common.errors import ConflictError, GoneError, MissingError, RefusedError
from lti_tool.models import Placement, Tab
from lti_tool.roles import ApplicationRole, Right
from rooms.broadcast import announce
from rooms.events import DoorsChanged, EntryDeleted, Event, StandingChanged
from rooms.models import Binding, Collaborator, Entry, EntryChange
from rooms.policy.rights import Power, may_make_entry
from rooms.services.stage import close_stage

if TYPE_CHECKING:
    from rooms.access import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What its maker says about an entry. Instants are aware; `time_zone` is where they were meant."""

    title: str
    description: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    time_zone: str = "UTC"
    has_chat: bool = True
    kind: str = Entry.Kind.ROOM  # said when it is made, and never changed


def _announce_after_commit(event: Event) -> None:
    transaction.on_commit(partial(announce, event), robust=True)


def _demand_own_link(placement: Placement, tab: Tab) -> None:
    """Only a tab launched from the link, by somebody with a right in its course, may say what it shows."""
    if placement.tenant_id != tab.tenant_id or placement.pk != tab.placement_id:
        raise MissingError
    if not may_make_entry(Right(tab.right), ApplicationRole(tab.application_role)):
        raise RefusedError(
            _("Only people who teach this course can choose what this link shows."), code="no_right"
        )


def _bind(placement: Placement, entry: Entry) -> None:
    """Take an empty link.

    Raises:
        ConflictError: it is not empty any more.
    """
    # A deleted entry holds no link; its binding may only be left from a deletion that runs right now.
    Binding.objects.filter(placement=placement, entry__deleted_at__isnull=False).delete()
    try:
        with transaction.atomic():
            Binding.objects.create(placement=placement, entry=entry)
    except IntegrityError as error:
        raise ConflictError(
            _("Somebody else set up this link a moment ago. Nothing of yours was saved twice."),
            code="link_taken",
        ) from error


@transaction.atomic
def create_entry(details: Details, *, at: Placement, by: Tab) -> Entry:
    """Make an entry and show it at the empty link `at`; whoever makes it owns it by name.

    Raises:
        RefusedError: the tab has no right in the course.
        ConflictError: somebody else was faster; nothing was made.
    """
    _demand_own_link(at, by)
    entry = Entry.objects.create(
        tenant_id=by.tenant_id,
        kind=details.kind,
        title=details.title,
        description=details.description,
        starts_at=details.starts_at,
        ends_at=details.ends_at,
        time_zone=details.time_zone,
        has_chat=details.has_chat,
        made_for=at,
    )
    Collaborator.objects.create(entry=entry, person_id=by.person_id, right=Collaborator.Right.OWNER)
    _bind(at, entry)
    return entry


@transaction.atomic
def edit_entry(
    entry: Entry, details: Details, *, by: "Viewer", now: datetime, tells_invited: bool = False
) -> Entry:
    """Write new details. A start moved into the future takes back what a host said about the doors.

    Args:
        tells_invited: whether those who were invited by mail are told of a new title or time.

    Raises:
        RefusedError: the viewer may not edit.
        GoneError: the entry was deleted meanwhile.
    """
    by.must(Power.EDIT)
    values: dict[str, object] = {
        "title": details.title,
        "description": details.description,
        "starts_at": details.starts_at,
        "ends_at": details.ends_at,
        "time_zone": details.time_zone,
        "has_chat": details.has_chat,
    }
    is_moved = details.starts_at is not None and details.starts_at != entry.starts_at
    if is_moved and details.starts_at is not None and details.starts_at > now:
        values |= {"doors": Entry.Doors.SCHEDULE, "doors_changed_at": now}
    if not Entry.objects.filter(pk=entry.pk, deleted_at__isnull=True).update(**values):
        raise GoneError(_("This room was deleted a moment ago."))
    before = (entry.title, entry.starts_at, entry.ends_at)
    entry.refresh_from_db()
    if (entry.title, entry.starts_at, entry.ends_at) != before:
        _note_change(entry, is_to_be_told=tells_invited, now=now)
    _announce_after_commit(DoorsChanged(entry.pk))
    return entry


def _note_change(entry: Entry, *, is_to_be_told: bool, now: datetime) -> None:
    """Leave word for whoever invites from outside; a promise to tell, made a moment ago, stands."""
    values: dict[str, object] = {"changed_at": now}
    if is_to_be_told:
        values["is_to_be_told"] = True
    if not EntryChange.objects.filter(entry=entry).update(**values):
        EntryChange.objects.get_or_create(entry=entry, defaults=values)


def note_mailed_guests(entry: Entry) -> None:
    """Remember that somebody was invited by mail: from now on an edit asks whether they are to be told."""
    if not entry.has_mailed_guests:
        Entry.objects.filter(pk=entry.pk).update(has_mailed_guests=True)
        entry.has_mailed_guests = True


@transaction.atomic
def delete_entry(entry: Entry, *, by: "Viewer", now: datetime, tells_invited: bool = False) -> None:
    """Take the entry away from everybody, and set its links free. The row stays, for operators.

    Args:
        tells_invited: whether those who were invited by mail are told.

    Raises:
        RefusedError: the viewer may not delete.
        GoneError: somebody else deleted it a moment ago.
    """
    by.must(Power.DELETE)
    if not Entry.objects.filter(pk=entry.pk, deleted_at__isnull=True).update(deleted_at=now):
        raise GoneError(_("This room was deleted a moment ago."))
    Binding.objects.filter(entry=entry).delete()
    _note_change(entry, is_to_be_told=tells_invited, now=now)
    close_stage(entry.pk)
    _announce_after_commit(EntryDeleted(entry.pk))


@transaction.atomic
def bind_entry(entry: Entry, *, at: Placement, by: "Viewer", tab: Tab) -> None:
    """Show an existing entry at the empty link `at`.

    Args:
        by: who the tab is at `entry`: there it needs the power to place it elsewhere.
        tab: the launch from the link itself: there it needs a right in the course.

    Raises:
        RefusedError: one of the two is missing.
        MissingError: the entry is of another tenant, deleted, or not the viewer's.
        ConflictError: somebody else was faster.
    """
    _demand_own_link(at, tab)
    _demand_placeable(entry, by=by, tab=tab)
    _bind(at, entry)
    _announce_after_commit(StandingChanged(entry.pk))


@transaction.atomic
def rebind(
    entry: Entry,
    *,
    instead_of: Entry,
    at: Placement,
    by: "Viewer",
    current: "Viewer",
    tab: Tab,
    now: datetime,
) -> None:
    """Show `entry` at the link `at`, which shows `instead_of`.

    Args:
        by: who the tab is at `entry`.
        current: who the tab is at `instead_of`: taking it away needs the same power.

    Raises:
        RefusedError: the power over one of the two is missing.
        ConflictError: the link shows something else by now.
    """
    _demand_own_link(at, tab)
    _demand_placeable(entry, by=by, tab=tab)
    _demand_placeable(instead_of, by=current, tab=tab)
    taken = Binding.objects.filter(placement=at, entry=instead_of).update(entry=entry, bound_at=now)
    if not taken:
        raise _changed_meanwhile()
    _announce_after_commit(StandingChanged(instead_of.pk))
    _announce_after_commit(StandingChanged(entry.pk))


@transaction.atomic
def unbind(entry: Entry, *, at: Placement, by: "Viewer", tab: Tab) -> None:
    """Empty the link `at`; the entry itself stays, for whoever has a right on it by name.

    Raises:
        RefusedError: the viewer may not place the entry.
        ConflictError: the link shows something else by now.
    """
    _demand_own_link(at, tab)
    _demand_placeable(entry, by=by, tab=tab)
    deleted, _rows = Binding.objects.filter(placement=at, entry=entry).delete()
    if not deleted:
        raise _changed_meanwhile()
    _announce_after_commit(StandingChanged(entry.pk))


def _demand_placeable(entry: Entry, *, by: "Viewer", tab: Tab) -> None:
    if by.entry_id != entry.pk or entry.tenant_id != tab.tenant_id or by.person_id != tab.person_id:
        raise MissingError
    if not Entry.objects.filter(pk=entry.pk, deleted_at__isnull=True).exists():
        raise MissingError
    by.must(Power.PLACE_ELSEWHERE)


def _changed_meanwhile() -> ConflictError:
    return ConflictError(
        _("Somebody else changed what this link shows a moment ago."),
        next_step=_("Look at what it shows now, and change it again if you still want to."),
        code="link_changed",
    )
