"""Reads of the rooms, each scoped by who asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db.models import Case, Exists, IntegerField, Max, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from common.errors import MissingError
from lti_tool.folding import name_text, searched_words
from lti_tool.models import ContentRequest, Course, Deployment, Membership, Person, Placement, Tab
from lti_tool.prepared import PreparedRead, Slot
from lti_tool.roles import ApplicationRole, Right
from rooms.found import Found
from rooms.models import Binding, Collaborator, Entry, Participant
from rooms.policy.rights import may_place, powers_of

if TYPE_CHECKING:
    from rooms.access import Viewer

_GONE = [Membership.Status.INACTIVE, Membership.Status.DELETED]
_SUGGESTED = 8  # people under a field: more is a list to read, not a suggestion
_WORDS = 8  # of a search: each costs a condition


# --- Standing and placements ---------------------------------------------------------------------------


def standing_of(tab: Tab) -> ApplicationRole:
    """What counts for a right given by name: the highest of this launch's and the person's memberships'."""
    return max(ApplicationRole(tab.application_role), standing_of_person(tab.person))


def standing_of_person(person: Person) -> ApplicationRole:
    """The highest application role of a person's memberships that still hold."""
    highest = (
        Membership.objects.filter(person=person, course__deployment__state=Deployment.State.ACTIVE)
        .exclude(status__in=_GONE)
        .aggregate(highest=Max("application_role"))["highest"]
    )
    return ApplicationRole(highest or 0)


def entry_shown_at(placement: Placement) -> Entry | None:
    """The living entry that a placement shows."""
    binding = (
        Binding.objects.select_related("entry")
        .filter(placement=placement, entry__deleted_at__isnull=True)
        .first()
    )
    return binding.entry if binding else None


# Asked with every launch (settings.LAUNCH_ASKS): the living entry that the link `placement` shows.
SHOWN_AT_LINK: Final = """
    SELECT binding.entry_id FROM rooms_binding binding
    JOIN rooms_entry entry ON entry.id = binding.entry_id
    WHERE binding.placement_id = placement.id AND entry.deleted_at IS NULL
"""


def page_after_launch(tab: Tab, shown: UUID | str | None) -> tuple[str, list[UUID]]:
    """The URL name and arguments of a launch's first page: its room, or else whatever the landing finds.

    It only saves a redirect; whether the room is for this tab, its own page asks.

    Args:
        shown: what `SHOWN_AT_LINK` found.
    """
    if shown is not None and not tab.person.wants_name:
        return "rooms:media", [UUID(str(shown))]
    return "rooms:landing", []


def placements_of(entry: Entry) -> QuerySet[Binding]:
    """Where courses show the entry, with link and course."""
    return Binding.objects.filter(entry=entry).select_related("placement__course").order_by("bound_at")


def guests_of(entry: Entry) -> int:
    """How many guests hold a role there."""
    return (
        Participant.objects.filter(entry=entry, guest__isnull=False, removed_at__isnull=True)
        .exclude(granted_role="")
        .count()
    )


def placeable_entries(tab: Tab, *, search: str = "", besides: Entry | None = None) -> QuerySet[Entry]:
    """The entries that this tab may show at its link: by a right given by name, or by the course's own."""
    standing = standing_of(tab)
    by_name = [right for right in Right if may_place(powers_of([right], standing))]
    is_mine = Exists(
        Collaborator.objects.filter(entry=OuterRef("pk"), person_id=tab.person_id, right__in=by_name)
    )
    reachable = Q(is_mine)
    if may_place(powers_of([Right(tab.right)], ApplicationRole(tab.application_role))):
        here = Q(placement_id=tab.placement_id) if tab.placement_id else Q(pk__in=[])
        if tab.course_id:
            here |= Q(placement__course_id=tab.course_id)
        reachable |= Q(Exists(Binding.objects.filter(here, entry=OuterRef("pk"))))
    entries = Entry.objects.filter(reachable, tenant_id=tab.tenant_id, deleted_at__isnull=True)
    if besides is not None:
        entries = entries.exclude(pk=besides.pk)
    for word in search.split()[:_WORDS]:
        in_course = Binding.objects.filter(
            Q(placement__course__title__icontains=word) | Q(placement__course__label__icontains=word),
            entry=OuterRef("pk"),
        )
        entries = entries.filter(Q(title__icontains=word) | Q(Exists(in_course)))
    return entries.prefetch_related("bindings__placement__course").order_by("-created_at", "pk")


def placeable_entry(tab: Tab, entry_id: UUID) -> Entry:
    """One of them.

    Raises:
        MissingError: there is no such entry, or this tab may not place it.
    """
    entry = placeable_entries(tab).filter(pk=entry_id).first()
    if entry is None:
        raise MissingError
    return entry


def content_request_of(tab: Tab) -> ContentRequest:
    """What the content picker wants that opened the tab.

    Raises:
        MissingError: the tab was opened by something else.
    """
    rows = ContentRequest.objects.select_related("tab__deployment__platform")
    found = rows.filter(tab=tab).first()
    if found is None:
        raise MissingError
    return found


def usual_time_zone(tab: Tab) -> str:
    """The zone of the tenant's newest entry: a better guess than UTC where the browser names none."""
    newest = Entry.objects.filter(tenant_id=tab.tenant_id).order_by("-created_at").first()
    return newest.time_zone if newest else "UTC"


# --- Collaborators -------------------------------------------------------------------------------------


def _with_standing(path: str) -> Coalesce:
    highest = Max(
        f"{path}memberships__application_role",
        filter=~Q(**{f"{path}memberships__status__in": _GONE}),
    )
    return Coalesce(highest, Value(ApplicationRole.VIEWER.value), output_field=IntegerField())


def collaborators_of(viewer: "Viewer") -> QuerySet[Collaborator]:
    """Who has a right by name at the viewer's entry, the owner first.

    Each row carries `standing`: the application role that lets the right work, or not.
    """
    rank = Case(
        *(When(right=right.value, then=Value(at)) for at, right in enumerate(Collaborator.Right)),
        output_field=IntegerField(),
    )
    return (
        Collaborator.objects.filter(entry_id=viewer.entry_id)
        .select_related("person")
        .annotate(standing=_with_standing("person__"), rank=rank)
        .order_by("rank", "person__name", "pk")
    )


def collaborator_for(viewer: "Viewer", collaborator_id: int) -> Collaborator:
    """One of them.

    Raises:
        MissingError: nobody at the viewer's entry has this number.
    """
    found = collaborators_of(viewer).filter(pk=collaborator_id).first()
    if found is None:
        raise MissingError
    return found


def owner_of(entry: Entry) -> Collaborator | None:
    """The owner by name; None where that person is gone."""
    return _OWNER.first(entry=entry.pk)


_OWNER: Final = PreparedRead(
    lambda: Collaborator.objects.filter(
        entry_id=Slot("entry", Entry.id), right=Collaborator.Right.OWNER
    ).select_related("person")
)


def people_of_tenant(viewer: "Viewer") -> QuerySet[Person]:
    """Everybody whom the viewer's institution knows and who may get a right."""
    return Person.objects.filter(tenant_id=viewer.tenant_id, is_disabled=False, is_test_user=False)


def people_for(viewer: "Viewer", tab: Tab | None, search: str) -> list[Person]:
    """Whom the viewer may mean: people of these courses by name, anybody else by the exact address.

    People who could make use of a right come first; each carries `standing`.
    """
    typed = search.strip()
    if not typed:
        return []
    in_entry = Binding.objects.filter(entry_id=viewer.entry_id, placement__course=OuterRef("course"))
    near = Q(Exists(in_entry))
    if tab is not None and tab.course_id:
        near |= Q(course_id=tab.course_id)
    listed = Membership.objects.filter(
        near, person=OuterRef("pk"), status=Membership.Status.ACTIVE, course__tenant_id=viewer.tenant_id
    )
    by_name = Q(Exists(listed))
    for word in typed.split()[:_WORDS]:
        by_name &= (
            Q(name__icontains=word)
            | Q(chosen_name__icontains=word)
            | Q(given_name__icontains=word)
            | Q(family_name__icontains=word)
            | Q(email__istartswith=word)
        )
    by_address = Q(email__iexact=typed) | Q(normalised_email=typed.casefold())
    if "@" not in typed:
        by_address = Q(pk__in=[])
    found = people_of_tenant(viewer).filter(by_name | by_address).annotate(standing=_with_standing(""))
    return list(found.order_by("-standing", "name", "pk")[:_SUGGESTED])


def person_of_tenant(viewer: "Viewer", person_id: UUID) -> Person:
    """Somebody whom the viewer's institution knows.

    Raises:
        MissingError: there is nobody with this id, or not there.
    """
    person = people_of_tenant(viewer).filter(pk=person_id).first()
    if person is None:
        raise MissingError
    return person


def courses_of(entry: Entry) -> QuerySet[Course]:
    """The courses that show the entry."""
    return Course.objects.filter(placements__binding__entry=entry).distinct().order_by("title", "pk")


# --- In the room ---------------------------------------------------------------------------------------

PRESENT_WITHIN: Final = timedelta(seconds=45)
PEOPLE_SHOWN: Final = 300
PEOPLE_FOUND: Final = 30
_LONGEST_SEARCH: Final = 100
_RANK: Final = {"host": 0, "moderator": 1, "speaker": 2}
_RANK_OF_HANDS: Final = len(_RANK)


@dataclass(frozen=True, slots=True)
class Someone:
    """One row of the list of people."""

    id: str
    name: str
    role: str
    is_guest: bool
    is_proven: bool = False
    is_muted: bool = False
    hand_raised_at: str = ""


@dataclass(frozen=True, slots=True)
class People:
    """Some of those who are present, and how many there are."""

    shown: tuple[Someone, ...]
    total: int

    @property
    def unshown(self) -> int:
        """How many more there are."""
        return self.total - len(self.shown)


def people_in(entry_id: UUID, *, now: datetime) -> People:
    """Who has a page of the entry open: seen lately, and not gone since.

    The first `PEOPLE_SHOWN`: those who run the session, then raised hands (the longest raised where these
    are too many), then all others; each group by name.
    """
    present = _present_in(entry_id, now=now)
    rank = Case(
        *(When(shown_role=role, then=Value(at)) for role, at in _RANK.items()),
        When(hand_raised_at__isnull=False, then=Value(_RANK_OF_HANDS)),
        default=Value(_RANK_OF_HANDS + 1),
        output_field=IntegerField(),
    )
    in_order = present.select_related("person", "guest").annotate(rank=rank)
    rows = list(in_order.order_by("rank", "hand_raised_at", "created_at", "pk")[:PEOPLE_SHOWN])
    shown = [_someone(row, row.shown_role) for row in rows]
    shown.sort(key=lambda each: (_rank_of(each), each.name.casefold(), each.id))
    total = len(rows) if len(rows) < PEOPLE_SHOWN else present.count()
    return People(shown=tuple(shown), total=total)


def count_people_in(entry_id: UUID, *, now: datetime) -> int:
    """How many they are."""
    return _present_in(entry_id, now=now).count()


def _present_in(entry_id: UUID, *, now: datetime) -> QuerySet[Participant]:
    return Participant.objects.filter(
        entry_id=entry_id, seen_at__gt=now - PRESENT_WITHIN, left_at__isnull=True, removed_at__isnull=True
    )


def _rank_of(someone: Someone) -> int:
    return _RANK.get(someone.role, _RANK_OF_HANDS if someone.hand_raised_at else _RANK_OF_HANDS + 1)


def people_called(entry_id: UUID, typed: str, *, now: datetime) -> People:
    """Who of those present has a name with these words, or parts of them; beginnings of words come first.

    By name only: who could search addresses could guess one letter by letter (ADR 18).
    """
    words = searched_words(typed[:_LONGEST_SEARCH].replace("\0", " "))
    if not words:
        return People(shown=(), total=0)
    rows = _present_in(entry_id, now=now).select_related("person", "guest")
    for spellings in words:
        rows = rows.filter(reduce(or_, (_has_in_text(each) for each in spellings), _IS_NOT_IN_TEXT))
    hits = [
        (rank, _someone(row, row.shown_role))
        for row in rows
        if (rank := _rank_of_name(name_text(row.shown_name), words)) is not None
    ]
    hits.sort(key=lambda hit: (hit[0], hit[1].name.casefold(), hit[1].id))
    return People(shown=tuple(someone for _rank, someone in hits[:PEOPLE_FOUND]), total=len(hits))


def _has_in_text(spelling: str) -> Q:
    return Q(person__search_text__contains=spelling) | Q(guest__search_text__contains=spelling)


# Whose shown name the searched text has not: without an address it is empty, without a name we give one.
_IS_NOT_IN_TEXT: Final = (
    Q(person__search_text="")
    | Q(guest__search_text="")
    | Q(person__name="", person__given_name="", person__family_name="", person__chosen_name="")
    | Q(guest__first_name="", guest__last_name="")
)


def _rank_of_name(text: str, words: Sequence[Sequence[str]]) -> int | None:
    """0 where each word begins one of the name's, 1 where it is inside of one, None where one is missing."""
    if not all(any(spelling in text for spelling in spellings) for spellings in words):
        return None
    return int(not all(any(f" {spelling}" in text for spelling in spellings) for spellings in words))


def speakers_of(entry: Entry, *, found: Found | None = None) -> list[Someone]:
    """Whose session it is, for those who wait: the owner by name, and everybody invited to speak.

    Args:
        found: the entry as a tab has found it; then most of it is known.
    """
    ownership = None if found else owner_of(entry)
    owner = found.owner if found else ownership and ownership.person
    hosts = [Someone(id="", name=owner.shown_name, role="host", is_guest=False)] if owner else []
    rows = [] if found and not found.has_speakers else _SPEAKERS.all(entry=entry.pk)
    return [*hosts, *(_someone(row, "speaker") for row in rows)]


_SPEAKERS: Final = PreparedRead(
    lambda: (
        Participant.objects.filter(
            Q(host_role=Participant.Role.SPEAKER) | Q(host_role="", granted_role=Participant.Role.SPEAKER),
            entry_id=Slot("entry", Entry.id),
            removed_at__isnull=True,
        )
        .select_related("person", "guest")
        .order_by("created_at", "pk")[:PEOPLE_SHOWN]
    )
)


def _someone(row: Participant, role: str) -> Someone:
    return Someone(
        id=str(row.pk),
        name=row.shown_name,
        role=role,
        is_guest=row.guest_id is not None,
        is_proven=row.is_mailbox_proven,
        is_muted=row.muted_at is not None,
        hand_raised_at=row.hand_raised_at.isoformat() if row.hand_raised_at else "",
    )
