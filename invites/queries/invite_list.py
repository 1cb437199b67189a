"""The list of an entry's invites: found, filtered, sorted and counted by the database."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    F,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Concat

from invites.models import Invite, OutboxMail
from invites.queries.folding import Fold
from invites.standing import State
from lti_tool.folding import fold
from rooms.access import Viewer
from rooms.models import Entry, Participant, Pass
from rooms.policy.doors import schedule_of, session_ends_at
from rooms.policy.rights import Power

PAGE: Final = 50
MOST_WORDS: Final = 8  # of a search
# What carries the link; codes and notices say nothing about whether somebody has it.
LINK_MAILS: Final = (OutboxMail.Kind.INVITATION, OutboxMail.Kind.NEW_LINK)
_WAITING: Final = (OutboxMail.State.WAITING, OutboxMail.State.SENDING)
_FAILED: Final = (OutboxMail.State.FAILED, OutboxMail.State.GIVEN_UP)


class Mark(StrEnum):
    """What a list can show beside a state: an invite has it or not, whatever its state."""

    ASKED = "asked"
    USED_UP = "used_up"


class Sort(StrEnum):
    """In what order a list stands."""

    NEWEST = "newest"
    NAME = "name"
    STATE = "state"
    SEEN = "seen"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to see of a list; nothing said is everything, the newest first."""

    shown: State | Mark | None = None
    sort: Sort = Sort.NEWEST
    words: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many invites there are of each kind, among those that a search finds."""

    total: int = 0
    by_kind: Counter[State | Mark] = field(default_factory=Counter)

    def of(self, shown: State | Mark | None) -> int:
        """How many a filter shows."""
        return self.total if shown is None else self.by_kind[shown]


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list. Its invites carry `mail_state`, `mail_error`, `mail_due_at` and `last_seen_at`."""

    invites: list[Invite]
    counts: Counts
    total: int
    number: int

    @property
    def pages(self) -> int:
        """How many there are; an empty list has one."""
        return max(1, -(-self.total // PAGE))


def visible_invites(viewer: Viewer) -> QuerySet[Invite]:
    """The invites of the viewer's entry that the viewer may see: all, or only their own (design §3.3)."""
    if not viewer.may(Power.INVITE):
        return Invite.objects.none()
    found = Invite.objects.filter(entry_id=viewer.entry_id, tenant_id=viewer.tenant_id)
    found = found.exclude(email="")  # erased: numbers only
    return found if viewer.may(Power.MANAGE_ALL_INVITES) else found.filter(made_by_id=viewer.person_id)


def list_page(viewer: Viewer, entry: Entry, wanted: Wanted, *, number: int, now: datetime) -> ListPage:
    """A page of the list: three queries, whatever is wanted and however long the list is."""
    found = _searched(visible_invites(viewer), wanted.words)
    counts = _counts(found, entry, now=now)
    total = counts.of(wanted.shown)
    number = min(max(number, 1), max(1, -(-total // PAGE)))
    ordered = _ordered(_filtered(found, entry, wanted.shown, now=now), entry, wanted.sort, now=now)
    ids = list(ordered.values_list("pk", flat=True)[(number - 1) * PAGE : number * PAGE])
    by_id = {invite.pk: invite for invite in with_life(Invite.objects.filter(pk__in=ids))}
    # What was deleted between two queries is left out.
    invites = [by_id[invite_id] for invite_id in ids if invite_id in by_id]
    return ListPage(invites, counts, total, number)


def found_ids(viewer: Viewer, entry: Entry, wanted: Wanted, *, most: int, now: datetime) -> list[UUID]:
    """The ids of everything that a list shows on all its pages, `most` at most."""
    found = _filtered(_searched(visible_invites(viewer), wanted.words), entry, wanted.shown, now=now)
    ordered = _ordered(found, entry, wanted.sort, now=now)
    return list(ordered.values_list("pk", flat=True)[:most])


def chosen_invites(viewer: Viewer, ids: list[UUID]) -> list[Invite]:
    """Those of these invites that the viewer may see."""
    found = visible_invites(viewer).filter(pk__in=ids)
    return list(
        found.select_related("entry__tenant__platform", "made_by", "participant").order_by("-made_at", "-pk")
    )


def all_found(viewer: Viewer, entry: Entry, wanted: Wanted, *, now: datetime) -> Iterator[Invite]:
    """Everything that a list shows, in its order, read in portions."""
    found = _filtered(_searched(visible_invites(viewer), wanted.words), entry, wanted.shown, now=now)
    return with_life(_ordered(found, entry, wanted.sort, now=now)).iterator(chunk_size=500)


def with_life(invites: QuerySet[Invite]) -> QuerySet[Invite]:
    """The invites with what has happened to them, and with what their rows name."""
    newest = _link_mails().order_by("-created_at", "-pk")
    # The conditions stand in the sum: looked up is by the invite alone, whatever other index there is.
    went_out = Q(kind__in=LINK_MAILS, state=OutboxMail.State.SENT)
    mails = OutboxMail.objects.filter(invite=OuterRef("pk")).order_by().values("invite")
    return invites.select_related("entry__tenant__platform", "made_by", "participant").annotate(
        mail_state=_mail_state(),
        mail_error=Subquery(newest.values("error")[:1]),
        mail_due_at=Subquery(newest.values("due_at")[:1]),
        mailed_at=Subquery(mails.annotate(last=Max("sent_at", filter=went_out)).values("last")),
        last_seen_at=_last_seen_at(),
    )


def _searched(invites: QuerySet[Invite], words: str) -> QuerySet[Invite]:
    """Those whose name and address have all of the words somewhere, accents and case apart."""
    wanted = [fold(word) for word in words.split()][:MOST_WORDS]
    if not wanted:
        return invites
    text = Concat("first_name", Value(" "), "last_name", Value(" "), "email", output_field=CharField())
    found = invites.alias(searched=Fold(text))
    for word in wanted:
        found = found.filter(searched__contains=word)
    return found


def _counts(invites: QuerySet[Invite], entry: Entry, *, now: datetime) -> Counts:
    rows = (
        invites.order_by()
        .annotate(state=_state(entry, now=now))
        .values("state")
        .annotate(
            found=Count("pk"),
            asked=Count("pk", filter=_is_asked()),
            used_up=Count("pk", filter=_is_used_up(entry, now=now)),
        )
    )
    counts: Counter[State | Mark] = Counter()
    for row in rows:
        counts[State(row["state"])] += row["found"]
        counts[Mark.ASKED] += row["asked"]
        counts[Mark.USED_UP] += row["used_up"]
    return Counts(sum(counts[state] for state in State), counts)


def _filtered(
    invites: QuerySet[Invite], entry: Entry, shown: State | Mark | None, *, now: datetime
) -> QuerySet[Invite]:
    match shown:
        case None:
            return invites
        case Mark.ASKED:
            return invites.filter(_is_asked())
        case Mark.USED_UP:
            return invites.filter(_is_used_up(entry, now=now))
        case _:
            return invites.alias(state=_state(entry, now=now)).filter(state=shown.value)


def _ordered(invites: QuerySet[Invite], entry: Entry, sort: Sort, *, now: datetime) -> QuerySet[Invite]:
    newest = ("-made_at", "-pk")
    match sort:
        case Sort.NAME:
            return invites.order_by(Fold("last_name"), Fold("first_name"), *newest)
        case Sort.STATE:
            return invites.order_by(_rank(entry, now=now), *newest)
        case Sort.SEEN:
            return invites.alias(seen=_last_seen_at()).order_by(F("seen").desc(nulls_last=True), *newest)
        case Sort.NEWEST:
            return invites.order_by(*newest)


def _state(entry: Entry, *, now: datetime) -> Case:
    """`invites.standing.state_of`, in SQL."""
    return _case_of_states({state: Value(state.value) for state in State}, entry, now=now)


def _rank(entry: Entry, *, now: datetime) -> Case:
    """The place of an invite in a list sorted by state; whoever asks for something stands first."""
    ranks = {state: Value(rank) for rank, state in enumerate(State, start=1)}
    return _case_of_states(ranks, entry, When(_is_asked(), then=Value(0)), now=now)


def _case_of_states(values: dict[State, Value], entry: Entry, *first: When, now: datetime) -> Case:
    stage = Case(
        When(state__in=_FAILED, then=values[State.FAILED]),
        When(state__in=_WAITING, then=values[State.WAITING]),
        default=values[State.MAILED],
    )
    by_mail = _link_mails().order_by("-created_at", "-pk").annotate(stage=stage).values("stage")[:1]
    return Case(
        *first,
        When(_is_ended(), then=values[State.WITHDRAWN]),
        When(entered_at__isnull=False, then=values[State.ENTERED]),
        When(_has_run_out(entry, now=now), then=values[State.EXPIRED]),
        When(lobby_reached_at__isnull=False, then=values[State.LOBBY]),
        default=Coalesce(Subquery(by_mail), values[State.MADE]),
    )


def _is_ended() -> Q:
    removed = Participant.objects.filter(pk=OuterRef("participant_id"), removed_at__isnull=False)
    return Q(withdrawn_at__isnull=False) | Q(Exists(removed))


def _is_asked() -> Q:
    return Q(new_link_asked_at__isnull=False, withdrawn_at__isnull=True)


def _has_run_out(entry: Entry, *, now: datetime) -> Q:
    """The session's end is the same for the whole list: it is asked here, once."""
    ends_at = session_ends_at(schedule_of(entry))
    if ends_at is not None and now >= ends_at:
        return Q(pk__isnull=False)
    return Q(expires_at__lte=now)


def _is_used_up(entry: Entry, *, now: datetime) -> Q:
    has_no_place = Q(max_devices__isnull=False, devices_used__gte=F("max_devices"))
    return has_no_place & ~_has_run_out(entry, now=now) & ~_is_ended()


def _link_mails() -> QuerySet[OutboxMail]:
    return OutboxMail.objects.filter(
        invite=OuterRef("pk"), generation=OuterRef("generation"), kind__in=LINK_MAILS
    )


def _mail_state() -> Subquery:
    return Subquery(_link_mails().order_by("-created_at", "-pk").values("state")[:1])


def _last_seen_at() -> Subquery:
    seen = Pass.objects.filter(redemption__invite=OuterRef("pk")).order_by()
    return Subquery(seen.values("redemption__invite").annotate(last=Max("seen_at")).values("last"))
