"""The page before the doors and a crowd's room, ready-made but for what is the reader's own (ADR 24).

A campus and its guests come at the full hour, and all wait before the same page; where sockets are blocked,
they also fetch the same room within seconds. It is rendered once for all who see it alike, with a mark
wherever something personal stands; each answer only puts that in. What the page shows alike is the frozen
`Facts`: they are the key, and, beside the marks, all that the rendering is given. So nothing personal can be
kept, and whatever changes makes another page: nothing is older than what a crowd shares (`rooms.arrivals`).
"""

import re
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.dateparse import parse_datetime
from django.utils.html import escape
from django.utils.translation import get_language

from common.htmx import name_of_part
from lti_tool.identity import form_token, tab_of, under_prefix
from rooms.access import ViewerRequest
from rooms.arrivals import Shared, shared_by_crowd
from rooms.events import ChatPosted
from rooms.models import Entry
from rooms.policy.collaboration import TABLE, Act, is_team
from rooms.policy.doors import DoorState, Stance
from rooms.policy.roles import Role
from rooms.queries import People, Someone
from rooms.services.stage import StageSight

MOST_KEPT: Final = 256  # pages; the oldest goes first


@dataclass(frozen=True, slots=True)
class Facts:
    """What a page shows to all who see it alike. A new fact on the page is a new field here."""

    template: str
    language: str
    path: str
    entry_id: UUID
    title: str
    description: str
    starts_at: datetime | None
    time_zone: str
    stance: Stance
    is_countdown_shown: bool
    has_days: bool
    version: str
    role: str
    is_guest: bool
    has_tab: bool
    frame_origins: tuple[str, ...]
    speakers: tuple[Someone, ...]
    stage: StageSight
    entry: Entry = field(compare=False)
    """For a room. Whatever it shows of it is in the version, or counted by what is shared."""
    shared: Shared | None = None
    """What those inside find; only itself is equal to it."""


def ready_page(request: ViewerRequest, context: dict[str, Any]) -> HttpResponse | None:
    """The answer that `render_part` would give; None for a page that must be rendered for its reader.

    That is what a few see: menus, the console, notices; and a room that is no crowd's, or in which something
    is the reader's own.

    Args:
        context: as for `rooms/media.html`.
    """
    tab, sight, viewer = tab_of(request), context["sight"], context["viewer"]
    is_special = tab is not None and (tab.is_console_admin or tab.has_mixed_roles)
    if viewer.powers or is_special or "notice" in request.GET:
        return None
    shared = shared_by_crowd(context["arrival"])
    if sight.stance == Stance.INSIDE and (shared is None or sight.doors != DoorState.OPEN):
        return None
    entry, left = context["entry"], context["left"]
    facts = Facts(
        template=name_of_part(request, "rooms/media.html", "media"),
        language=get_language() or "",
        path=request.path_info,
        entry_id=entry.pk,
        title=entry.title,
        description=entry.description,
        starts_at=entry.starts_at,
        time_zone=entry.time_zone,
        stance=sight.stance,
        is_countdown_shown=context["is_countdown_shown"],
        has_days=bool(left["days"]),
        version=sight.version,
        role=viewer.role,
        is_guest=viewer.is_guest,
        has_tab=tab is not None,
        frame_origins=tuple(tab.frame_origins) if tab else (),
        speakers=context["speakers"],
        stage=context["stage"],
        entry=entry,
        shared=shared,
    )
    page = _page_of(facts)
    name = tab.person.shown_name if tab else ""
    own: dict[str, str] = {
        **{name: str(value) for name, value in left.items()},
        "handle": tab.handle if tab else "",
        "token": _token_for(request) if "token" in page.names else "",
        "name": name,
        "initial": name[:1].upper(),
        "me": str(viewer.participant_id),
        "called": viewer.name,
        "course": str(context["course"] or entry.tenant),
    }
    answer = HttpResponse(page.filled(own))
    answer.headers["Vary"] = "HX-Request"
    return answer


def _token_for(request: ViewerRequest) -> str:
    """For the page's forms. A guest's also becomes a cookie, so only a page with forms has one."""
    return get_token(request) if tab_of(request) is None else form_token(request)


def inside_context(
    people: People,
    messages: Sequence[ChatPosted],
    state: dict[str, Any] | None,
    *,
    role: Role,
    doors: DoorState,
) -> dict[str, Any]:
    """What `rooms/_room.html` shows of the people, the chat and the topics, to somebody of this role."""

    def is_in_team(someone: Someone) -> bool:
        return (
            someone.role == Role.HOST
            or (doors == DoorState.OPEN and someone.role != Role.VIEWER)
            or (doors == DoorState.SPEAKERS and someone.role == Role.SPEAKER)
        )

    return {
        "team": [each for each in people.shown if is_in_team(each)],
        "others": [each for each in people.shown if not is_in_team(each)],
        "messages_of_room": [{"posted": each, "sent_at": parse_datetime(each.sent_at)} for each in messages],
        "people": people,
        "doors": doors,
        "last": messages[-1].sequence if messages else 0,
        "topics": state["topics"] if state else {},
        "can_moderate": role in TABLE[Act.MODERATE],
        "is_team": is_team(role),
    }


# --- Pages with gaps ---------------------------------------------------------------------------------------


class _Marks:
    """A word for each personal value. It is random, for one rendering: nobody can write it into a text."""

    def __init__(self) -> None:
        self._word = f"mark{secrets.token_hex(16)}"

    def __getitem__(self, name: str) -> str:
        return f"{self._word}{name}end"

    def cut(self, text: str) -> "_Page":
        """The text with gaps where the words stood."""
        pieces = re.split(f"{self._word}([a-z]+?)end", text)
        return _Page(tuple(piece.encode() for piece in pieces[::2]), tuple(pieces[1::2]))


@dataclass(frozen=True, slots=True)
class _Page:
    """A rendered page with gaps where something personal stands; `names` says what."""

    pieces: tuple[bytes, ...]
    names: tuple[str, ...]

    def filled(self, own: dict[str, str]) -> bytes:
        """The page of one reader. What is put in is escaped as templates do, and not looked through again."""
        parts = [self.pieces[0]]
        for name, piece in zip(self.names, self.pieces[1:], strict=True):
            parts += (escape(own[name]).encode(), piece)
        return b"".join(parts)


class _Kept:
    """Where a page stands once the first who wants it has rendered it."""

    __slots__ = ("lock", "page")

    def __init__(self) -> None:
        self.lock = Lock()
        self.page: _Page | None = None


_pages: OrderedDict[Facts, _Kept] = OrderedDict()
_lock = Lock()


def _page_of(facts: Facts) -> _Page:
    kept = _pages.get(facts)
    if kept is None:
        with _lock:
            _forget_before(facts)
            kept = _pages.setdefault(facts, _Kept())
            if len(_pages) > MOST_KEPT:
                _pages.popitem(last=False)
    if kept.page is None:
        with kept.lock:
            if kept.page is None:  # nobody was before us
                kept.page = _render(facts)
    return kept.page


def _forget_before(facts: Facts) -> None:
    """A room's page is nobody's any more as soon as its crowd has read the room anew."""
    if facts.shared is None:
        return
    room = (facts.entry_id, facts.role)
    for each in [each for each in _pages if each.shared and (each.entry_id, each.role) == room]:
        if each.shared is not facts.shared:
            del _pages[each]


def _render(facts: Facts) -> _Page:
    """The page by its template, which finds the facts and the marks where a request has its own."""
    marks = _Marks()
    person = SimpleNamespace(shown_name=marks["name"], initial=marks["initial"])
    tab = SimpleNamespace(person=person, frame_origins=facts.frame_origins) if facts.has_tab else None
    left = {name: marks[name] for name in ("hours", "minutes", "seconds", "now")}
    context: dict[str, object] = {
        "request": SimpleNamespace(tab=tab, path_info=facts.path, GET={}),
        "has_tab": facts.has_tab,
        "csrf_token": marks["token"] if facts.has_tab or facts.shared else None,
        "entry": facts.entry if facts.shared else _entry_before_doors(facts),
        "sight": SimpleNamespace(stance=facts.stance, version=facts.version),
        "viewer": SimpleNamespace(
            role=facts.role,
            is_guest=facts.is_guest,
            guest_id=facts.is_guest,
            participant_id=marks["me"],
            name=marks["called"],
            powers=frozenset(),
            is_host=False,
        ),
        "course": marks["course"],
        "is_countdown_shown": facts.is_countdown_shown,
        "left": {**left, "days": marks["days"] if facts.has_days else 0},
        "speakers": facts.speakers,
        "stage": facts.stage,
        "keeps_room_ready": facts.stance in {Stance.WAITING, Stance.CLOSED},
    }
    if facts.shared is not None:
        found, role = facts.shared, Role(facts.role)
        context |= inside_context(
            found.people, found.messages, found.bare_state, role=role, doors=DoorState.OPEN
        )
    with under_prefix(f"/~{marks['handle']}/" if facts.has_tab else "/"):
        return marks.cut(render_to_string(facts.template, context))


def _entry_before_doors(facts: Facts) -> SimpleNamespace:
    """What the page before the doors shows of an entry, and nothing else."""
    return SimpleNamespace(
        pk=facts.entry_id,
        title=facts.title,
        description=facts.description,
        starts_at=facts.starts_at,
        time_zone=facts.time_zone,
    )
