"""What the running LMS holds, in memory: its keys, who is signed in, which launches are under way."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from practice_lms.behaviour import Behaviour, FrameManners
from practice_lms.keys import KeyRing
from practice_lms.people import CAMPUS, Campus, Course, Link, Person
from practice_lms.registration import FIRST_DEPLOYMENT, Registration, Tool, registration_for
from practice_lms.self_registration import ToolBox
from practice_lms.tokens import OPEN, Claims, Launch, Release, content_claims, launch_claims

T = TypeVar("T")

TOKEN_LIFETIME: Final = 3600
_SESSION_LIFETIME: Final = 12 * 3600
_LAUNCH_LIFETIME: Final = 600
_CURSOR_LIFETIME: Final = 600
_SHELF_SPACE: Final = 10_000


class Shelf(Generic[T]):
    """Things under names, each for a while. The oldest falls off when the shelf is full."""

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self._things: OrderedDict[str, tuple[float, T]] = OrderedDict()

    def put(self, thing: T, *, name: str | None = None) -> str:
        name = name or secrets.token_urlsafe(24)
        self._things[name] = (time.monotonic() + self._lifetime, thing)
        while len(self._things) > _SHELF_SPACE:
            self._things.popitem(last=False)
        return name

    def get(self, name: str) -> T | None:
        until, thing = self._things.get(name, (0.0, None))
        return thing if time.monotonic() < until else None

    def clear(self) -> None:
        self._things.clear()


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in as somebody."""

    person: Person
    deployment_id: str = FIRST_DEPLOYMENT


@dataclass(frozen=True, slots=True)
class PendingLaunch:
    """What a message hint stands for. It may be asked for again, as when a tool starts over in a new tab."""

    person: Person
    link: Link
    deployment_id: str


@dataclass(frozen=True, slots=True)
class PendingContent:
    """A teacher who is choosing content for a course, and the data that must come back with the choice."""

    person: Person
    org_unit: int
    deployment_id: str
    data: str | None


@dataclass(frozen=True, slots=True)
class ContentSettings:
    """What may be added to a course."""

    accept_types: tuple[str, ...] = ("ltiResourceLink", "link", "file", "html", "image")
    accepts_multiple: bool = False
    sends_data: bool = True


@dataclass(frozen=True, slots=True)
class Grant:
    """What an access token allows."""

    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page of a classlist starts."""

    deployment_id: str
    org_unit: int
    start: int
    limit: int


@dataclass
class Platform:
    """One instance of the LMS. Tests reach in here to change what it knows and how it behaves."""

    origin: str
    tool: Tool
    campus: Campus = CAMPUS
    page_size: int = 20
    toolbox: ToolBox = field(default_factory=ToolBox)
    keys: KeyRing = field(default_factory=KeyRing)
    behaviour: Behaviour = field(default_factory=Behaviour)
    release: dict[str, Release] = field(default_factory=dict)
    frame: FrameManners = field(default_factory=FrameManners)
    status: dict[tuple[int, int], str] = field(default_factory=dict)
    seen: dict[str, set[Person]] = field(default_factory=dict)
    content: ContentSettings = field(default_factory=ContentSettings)
    asked_content: Shelf[PendingContent] = field(default_factory=lambda: Shelf(_LAUNCH_LIFETIME))
    sessions: Shelf[Session] = field(default_factory=lambda: Shelf(_SESSION_LIFETIME))
    launches: Shelf[PendingLaunch | PendingContent] = field(default_factory=lambda: Shelf(_LAUNCH_LIFETIME))
    grants: Shelf[Grant] = field(default_factory=lambda: Shelf(TOKEN_LIFETIME))
    cursors: Shelf[Cursor] = field(default_factory=lambda: Shelf(_CURSOR_LIFETIME))
    spent_assertions: Shelf[bool] = field(default_factory=lambda: Shelf(TOKEN_LIFETIME))

    def __post_init__(self) -> None:
        self.tool_by_hand = self.tool  # until another one has registered itself, links open with this one

    @property
    def registration(self) -> Registration:
        """The registration of the tool that the courses' links open with."""
        tool = self.tool
        return registration_for(self.origin, client_id=tool.client_id, deployment_ids=tool.deployment_ids)

    def knows(self, client_id: object) -> bool:
        """Whether this is a tool that has been let in."""
        known = {self.tool.client_id, self.tool_by_hand.client_id}
        return client_id in known | {one.client_id for one in self.toolbox.enabled()}

    def release_of(self, deployment_id: str) -> Release:
        return self.release.get(deployment_id, OPEN)

    def set_status(self, person: Person, course: Course, status: str) -> None:
        """Active, Inactive or Deleted in that course's classlist."""
        self.status[course.org_unit, person.number] = status

    def status_of(self, person: Person, course: Course) -> str:
        return self.status.get((course.org_unit, person.number), "Active")

    def content_data(self) -> str | None:
        """What a tool must give back untouched, unless this LMS is told to send nothing."""
        return secrets.token_urlsafe(24) if self.content.sends_data else None

    def expect(self, launch: PendingLaunch | PendingContent) -> str:
        """Remember a launch; its hint ends with a tilde, as Brightspace's do."""
        hint = f"{secrets.token_urlsafe(24)}~"
        return self.launches.put(launch, name=hint)

    def claims_of(self, pending: PendingLaunch | PendingContent, *, nonce: str) -> Claims:
        """What the token of a pending launch says."""
        if isinstance(pending, PendingLaunch):
            return launch_claims(self.launch_of(pending, nonce=nonce))
        return self.content_request(pending, nonce=nonce)

    def content_request(self, pending: PendingContent, *, nonce: str) -> Claims:
        """The claims of a deep linking request; its answer is expected at the address that they name."""
        nowhere = Link(0, "", pending.org_unit, "")
        launch = self.launch_of(PendingLaunch(pending.person, nowhere, pending.deployment_id), nonce=nonce)
        key = self.asked_content.put(pending)
        settings: Claims = {
            "deep_link_return_url": f"{self.origin}/d2l/le/lti/content/{key}/return",
            "accept_types": list(self.content.accept_types),
            "accept_presentation_document_targets": ["iframe", "window"],
            "accept_multiple": self.content.accepts_multiple,
            "auto_create": False,
        }
        if pending.data is not None:
            settings["data"] = pending.data
        return content_claims(launch, settings)

    def launch_of(self, pending: PendingLaunch, *, nonce: str) -> Launch:
        """The launch as it goes into a token; from now on the deployment knows this person."""
        self.seen.setdefault(pending.deployment_id, set()).add(pending.person)
        return Launch(
            issuer=self.origin,
            client_id=self.tool.client_id,
            target_link_uri=self.tool.target_link_uri,
            person=pending.person,
            link=pending.link,
            nonce=nonce,
            deployment_id=pending.deployment_id,
            campus=self.campus,
            release=self.release_of(pending.deployment_id),
        )
