"""A request or a socket -> a Viewer: who asks, about which entry, with which role and powers.

Rights are read afresh from the database each time: a change of role is felt at the next message.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache, wraps
from hashlib import sha256
from typing import Concatenate, Final, ParamSpec, TypeVar, cast
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from common.access import mark
from common.errors import AppError, GoneError, MissingError, RefusedError
from lti_tool.identity import hash_secret, live_tab, tab_of
from lti_tool.models import Deployment, Membership, Person, Platform, Tab, Tenant
from lti_tool.prepared import PreparedJoin, PreparedRead, Slot, driver_value
from lti_tool.roles import ApplicationRole, Right
from rooms.found import Found, find_entry
from rooms.models import Collaborator, Entry, Guest, Participant, Pass
from rooms.policy.doors import DoorState, Stance, door_state, pass_ends_at, schedule_of, stance_of
from rooms.policy.rights import Power, powers_of
from rooms.policy.roles import Role
from rooms.queries import standing_of, standing_of_person

PASS_COOKIE = "foyer-pass"  # noqa: S105 – the name of the cookie

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody at an entry. Exactly one of `person_id` and `guest_id` is set."""

    entry_id: UUID
    tenant_id: UUID
    role: Role
    name: str
    person_id: UUID | None = None
    guest_id: UUID | None = None
    participant_id: UUID | None = None
    pass_id: UUID | None = None
    tab_handle: str = ""
    application_role: ApplicationRole = ApplicationRole.VIEWER
    powers: frozenset[Power] = field(default_factory=frozenset)
    # When they were last noted to be here, in this very role; None for somebody who is not.
    noted_at: datetime | None = field(default=None, compare=False)
    # When they were last seen, in whatever role, if nobody has noted since that they left.
    seen_at: datetime | None = field(default=None, compare=False)

    def may(self, power: Power) -> bool:
        """Whether the viewer has this power over the entry."""
        return power in self.powers

    def must(self, power: Power) -> None:
        """Go on only with this power.

        Raises:
            RefusedError: the viewer has not got it (the code names the power, the page says the rest).
        """
        if power not in self.powers:
            raise RefusedError(code=f"no_{power}")

    @property
    def is_guest(self) -> bool:
        """Whoever was invited from outside."""
        return self.guest_id is not None

    @property
    def is_host(self) -> bool:
        """Whoever holds a hosting right."""
        return Power.HOST in self.powers


class ViewerRequest(HttpRequest):
    """A request whose viewer and entry are known (see `for_viewer`)."""

    viewer: Viewer
    entry: Entry
    found: Found | None  # of a tab


def entry_of_id(entry_id: UUID) -> Entry | None:
    """A living entry of an active platform, whoever asks: only for this module, which decides who may."""
    return _LIVING_ENTRY.first(entry=entry_id)


_LIVING_ENTRY = PreparedRead(
    lambda: Entry.objects.select_related("tenant").filter(
        pk=Slot("entry", Entry.id), deleted_at__isnull=True, tenant__platform__state=Platform.State.ACTIVE
    )
)
_BY_NAME = PreparedRead(
    lambda: Collaborator.objects.filter(entry_id=Slot("entry", Entry.id), person_id=Slot("person", Person.id))
)


def viewer_by_tab(entry: Entry, tab: Tab) -> Viewer | None:
    """The viewer that a launched tab is at this entry; None when the entry is not for this person."""
    found = find_entry(entry.pk, tab)
    return viewer_of_tab(found, tab) if found else None


def viewer_of_tab(found: Found, tab: Tab) -> Viewer | None:
    """The same for what a tab has found."""
    entry, by_name, participant = found.entry, found.by_name, found.participant
    if entry.tenant_id != tab.tenant_id:
        return None
    is_in_course = found.is_shown
    rights = {Right(tab.right)} if is_in_course else set()
    application_role = ApplicationRole(tab.application_role)
    powers = powers_of(rights, application_role)
    if by_name:
        # For a right given by name the highest of the person's memberships counts (design §2).
        standing = standing_of(tab)
        powers |= powers_of([Right(by_name.right)], standing)
        application_role = standing
    is_granted = participant is not None and _is_granted(entry, participant)
    if participant is not None and participant.removed_at and Power.HOST not in powers:
        return None
    if not (is_in_course or by_name or is_granted):
        return None
    role = _role(powers, participant, is_granted=is_granted)
    return Viewer(
        entry_id=entry.pk,
        tenant_id=entry.tenant_id,
        person_id=tab.person_id,
        participant_id=participant.pk if participant else None,
        noted_at=_noted_at(participant, role) if participant else None,
        seen_at=_seen_at(participant) if participant else None,
        tab_handle=tab.handle,
        role=role,
        name=tab.person.shown_name,
        application_role=application_role,
        powers=powers,
    )


def _noted_at(participant: Participant, role: Role) -> datetime | None:
    return _seen_at(participant) if participant.shown_role == role else None


def _seen_at(participant: Participant) -> datetime | None:
    return participant.seen_at if participant.left_at is None else None


def _role(powers: frozenset[Power], participant: Participant | None, *, is_granted: bool) -> Role:
    if Power.HOST in powers:
        return Role.HOST
    if participant is None or participant.removed_at:
        return Role.VIEWER
    given = participant.given_role if is_granted else participant.host_role
    return Role(given) if given else Role.VIEWER


def _is_granted(entry: Entry, participant: Participant) -> bool:
    if not participant.granted_role or participant.removed_at:
        return False
    ends_at = pass_ends_at(schedule_of(entry), link_ends_at=participant.granted_until)
    return ends_at is None or timezone.now() < ends_at


def viewer_in_absence(entry: Entry, person: Person) -> Viewer:
    """What somebody is at the entry while they are away: as of their latest launches, and by name.

    Only for questions about them ("may they still invite?"), and for work that they have left to be done.
    """
    standing = standing_of_person(person)
    by_course = Membership.objects.filter(
        person=person,
        course__placements__binding__entry=entry,
        course__deployment__state=Deployment.State.ACTIVE,
    ).exclude(status__in=[Membership.Status.INACTIVE, Membership.Status.DELETED])
    held = set(by_course.values_list("right", "application_role"))
    powers = frozenset[Power]().union(
        *(powers_of([Right(right)], ApplicationRole(role)) for right, role in held),
        *(
            powers_of([Right(given.right)], standing)
            for given in _BY_NAME.all(entry=entry.pk, person=person.pk)
        ),
    )
    return Viewer(
        entry_id=entry.pk,
        tenant_id=entry.tenant_id,
        person_id=person.pk,
        role=Role.HOST if Power.HOST in powers else Role.VIEWER,
        name=person.shown_name,
        application_role=standing,
        powers=powers if person.tenant_id == entry.tenant_id and not person.is_disabled else frozenset(),
    )


def viewer_by_pass(entry: Entry, secret: str) -> Viewer | None:
    """The viewer that a device with this pass is here; None when the pass is not for it, or has ended."""
    if not secret:
        return None
    given = hash_secret(secret)
    held = _HELD.first(secret_hash=given)
    if held is None or not hmac.compare_digest(held.secret_hash, given):
        return None
    return viewer_of_pass(entry, held)


def passes_held() -> QuerySet[Pass]:
    """Passes with all that decides who holds them."""
    return Pass.objects.select_related("participant__person", "participant__guest")


_HELD = PreparedRead(lambda: passes_held().filter(secret_hash=Slot("secret_hash", Pass.secret_hash)))


def viewer_of_pass(entry: Entry, held: Pass) -> Viewer | None:
    """The same for a pass that was read (`passes_held`)."""
    participant = held.participant
    if held.ended_at or participant.entry_id != entry.pk or not _is_granted(entry, participant):
        return None
    if participant.person is not None and participant.person.is_disabled:
        return None
    return Viewer(
        entry_id=entry.pk,
        tenant_id=entry.tenant_id,
        person_id=participant.person_id,
        guest_id=participant.guest_id,
        participant_id=participant.pk,
        noted_at=_noted_at(participant, Role(participant.given_role)),
        seen_at=_seen_at(participant),
        pass_id=held.pk,
        role=Role(participant.given_role),
        name=participant.shown_name,
    )


def viewer_of(entry: Entry, *, tab: Tab | None, pass_secret: str) -> Viewer | None:
    """Who asks: the tab where there is one, else the pass."""
    return viewer_by_tab(entry, tab) if tab is not None else viewer_by_pass(entry, pass_secret)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Who is at an address; without an entry or a viewer, nobody."""

    entry: Entry | None
    viewer: Viewer | None
    found: Found | None = None
    participant: Participant | None = None


def _see(entry_id: UUID, *, tab: Tab | None, pass_secret: str) -> _Seen:
    """The same by the entry's id; a tab, and a pass, find both with one question."""
    if tab is None:
        return _see_by_pass(entry_id, pass_secret)
    found = find_entry(entry_id, tab)
    if found is None:
        return _Seen(None, None)
    if found.participant is not None:
        found.participant.person = tab.person
    return _Seen(found.entry, viewer_of_tab(found, tab), found, found.participant)


def _see_by_pass(entry_id: UUID, secret: str) -> _Seen:
    given = hash_secret(secret)
    found = _HELD_HERE.first(
        entry=driver_value(entry_id, Entry.id), secret_hash=given, active=Platform.State.ACTIVE.value
    )
    if found is None or not secret or not hmac.compare_digest(found[0]["held"].secret_hash, given):
        return _Seen(entry_of_id(entry_id), None)
    rows = found[0]
    entry, held, participant = rows["entry"], rows["held"], rows["participant"]
    entry.tenant, held.participant = rows["tenant"], participant
    participant.person, participant.guest = rows["person"], rows["guest"]
    return _Seen(entry, viewer_of_pass(entry, held), participant=participant)


_HELD_HERE: Final = PreparedJoin(
    """
        SELECT {entry}, {tenant}, {held}, {participant}, {person}, {guest}
        FROM rooms_pass held
        JOIN rooms_participant participant ON participant.id = held.participant_id
        JOIN rooms_entry entry ON entry.id = participant.entry_id
        JOIN lti_tool_tenant tenant ON tenant.id = entry.tenant_id
        JOIN lti_tool_platform platform ON platform.id = tenant.platform_id
        LEFT JOIN lti_tool_person person ON person.id = participant.person_id
        LEFT JOIN rooms_guest guest ON guest.id = participant.guest_id
        WHERE held.secret_hash = %(secret_hash)s AND entry.id = %(entry)s
            AND entry.deleted_at IS NULL AND platform.state = %(active)s
    """,
    entry=Entry,
    tenant=Tenant,
    held=(Pass, ["id", "participant", "secret_hash", "ended_at"]),
    participant=Participant,
    person=(
        Person,
        ["id", "name", "given_name", "family_name", "chosen_name", "is_test_user", "is_disabled"],
    ),
    guest=(Guest, ["id", "first_name", "last_name", "erased_at"]),
)


def for_viewer(
    view: Callable[Concatenate[ViewerRequest, P], R],
) -> Callable[..., HttpResponseBase]:
    """Let only viewers of the entry in the address call the view; sets `request.entry` and `request.viewer`.

    Raises:
        MissingError: there is no such entry, or it is not for whoever asks.
        GoneError: whoever asks was let in once, and is no longer.
    """

    @wraps(view)
    def guarded(request: HttpRequest, entry_id: UUID, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        tab, pass_secret = tab_of(request), request.COOKIES.get(PASS_COOKIE, "")
        seen = _see(entry_id, tab=tab, pass_secret=pass_secret)
        if seen.entry is None or seen.viewer is None:
            why = farewell_of(entry_id, seen.entry, tab=tab, pass_secret=pass_secret)
            raise farewell_error(why)
        known = cast("ViewerRequest", request)
        known.entry, known.viewer, known.found = seen.entry, seen.viewer, seen.found
        return view(known, *args, **kwargs)

    return mark(guarded, "viewer")


# --- Asked again: sockets, and whoever was let in once -------------------------------------------------


class Farewell(StrEnum):
    """Why somebody is not, or no longer, at an entry."""

    UNKNOWN = "unknown"
    ENTRY_GONE = "entry_gone"
    TAB_ENDED = "tab_ended"
    REMOVED = "removed"
    WITHDRAWN = "withdrawn"
    MOVED = "moved"
    PASS_ENDED = "pass_ended"  # noqa: S105 - a reason
    SESSION_ENDED = "session_ended"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a socket showed when it came. It proves nothing by itself: `ask` asks the database each time."""

    entry_id: UUID
    tab_handle: str = ""
    tab_secret: str = field(default="", repr=False)
    pass_secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Sight:
    """Somebody at an entry, at one moment."""

    entry: Entry
    viewer: Viewer
    doors: DoorState
    stance: Stance
    participant: Participant | None = None  # the viewer's row, with the name, where it was read as well

    @property
    def version(self) -> str:
        """Changes when this viewer's page would look different (the chat and who is present apart)."""
        return version_of(self.entry, self.viewer, doors=self.doors, stance=self.stance)


def version_of(entry: Entry, viewer: Viewer, *, doors: DoorState, stance: Stance) -> str:
    """The same for all who look alike: the name is no part of it, so that many can be told with one frame.

    For those who wait nothing changes when speakers are let in.
    """
    found = doors if stance == Stance.INSIDE else stance
    seen = (
        *(entry.kind, entry.title, entry.description, entry.starts_at, entry.ends_at, entry.time_zone),
        *(entry.has_chat, entry.media_revision, found, stance, viewer.role, viewer.powers),
    )
    return _version(seen)


@lru_cache(maxsize=1024)
def _version(seen: tuple[object, ...]) -> str:
    plain = [sorted(each) if isinstance(each, frozenset) else each for each in seen]
    return sha256(repr(plain).encode()).hexdigest()[:16]


def sight_of(entry: Entry, viewer: Viewer, *, now: datetime) -> Sight:
    """What this viewer stands before now."""
    doors = door_state(schedule_of(entry), now=now)
    stance = stance_of(doors, role=viewer.role)
    return Sight(entry=entry, viewer=viewer, doors=doors, stance=stance)


def ask(credentials: Credentials, *, now: datetime) -> Sight | Farewell:
    """Who this is, by what the database says now."""
    tab = None
    if credentials.tab_handle:
        tab = live_tab(credentials.tab_handle, credentials.tab_secret)
        if tab is None:
            return Farewell.TAB_ENDED
    seen = _see(credentials.entry_id, tab=tab, pass_secret=credentials.pass_secret)
    if seen.entry is None or seen.viewer is None:
        return farewell_of(credentials.entry_id, seen.entry, tab=tab, pass_secret=credentials.pass_secret)
    return replace(sight_of(seen.entry, seen.viewer, now=now), participant=seen.participant)


def farewell_of(entry_id: UUID, entry: Entry | None, *, tab: Tab | None, pass_secret: str) -> Farewell:
    """Why nobody is found behind this tab or pass. Says more than "unknown" only to who was let in once."""
    if tab is not None:
        return _farewell_of_tab(entry_id, tab)
    if not pass_secret:
        return Farewell.UNKNOWN
    held = passes_held().filter(secret_hash=hash_secret(pass_secret)).first()
    return farewell_of_pass(entry_id, entry, held)


def farewell_of_pass(entry_id: UUID, entry: Entry | None, held: Pass | None) -> Farewell:
    """The same for a pass that was read; `entry` is None when it is gone, or its platform is."""
    if held is None or held.participant.entry_id != entry_id:
        return Farewell.UNKNOWN
    participant = held.participant
    if entry is None:
        return Farewell.ENTRY_GONE if participant.entry.deleted_at else Farewell.UNKNOWN
    if participant.removed_at:
        return Farewell.REMOVED
    if not participant.granted_role:
        return Farewell.WITHDRAWN
    if door_state(schedule_of(entry), now=timezone.now()) == DoorState.ENDED:
        return Farewell.SESSION_ENDED
    return Farewell.MOVED if held.moved_at else Farewell.PASS_ENDED


def _farewell_of_tab(entry_id: UUID, tab: Tab) -> Farewell:
    rows = Participant.objects.select_related("entry").filter(entry_id=entry_id, person_id=tab.person_id)
    return farewell_of_person(rows.first())


def farewell_of_person(was_here: Participant | None) -> Farewell:
    """Why somebody of the LMS is no longer there, by their row, if they have one."""
    if was_here is None:
        return Farewell.UNKNOWN
    if was_here.entry.deleted_at:
        return Farewell.ENTRY_GONE
    return Farewell.REMOVED if was_here.removed_at else Farewell.UNKNOWN


def farewell_error(farewell: Farewell) -> AppError:
    """The same as a page: what happened, and one useful next step."""
    ask_host = _("If you think that this is a mistake, write to the person who invited you.")
    texts = {
        Farewell.ENTRY_GONE: (_("This room was removed by the people who ran it."), ask_host),
        Farewell.REMOVED: (_("A host has removed you from this session."), ask_host),
        Farewell.WITHDRAWN: (_("Your invitation to this session was withdrawn."), ask_host),
        Farewell.MOVED: (
            _("Your place in this session was moved to another device."),
            _("Go on there. To have it here again, open the link in your invitation on this device."),
        ),
        Farewell.PASS_ENDED: (
            _("Your way in with this device has ended."),
            _("Open the link in your invitation again, or ask the person who invited you for a new one."),
        ),
        Farewell.SESSION_ENDED: (
            _("This session is over, and so is your invitation to it."),
            _("Thank you for coming. Nothing more is needed from you."),
        ),
    }
    if farewell not in texts:
        return MissingError(
            _("There is no session for you at this address."),
            next_step=_("Open it again from your course, or from the link in your invitation."),
        )
    message, next_step = texts[farewell]
    return GoneError(message, next_step=next_step, code=farewell)
