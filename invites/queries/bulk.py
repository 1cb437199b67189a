"""Many invitations at once: whose run it is, its lines, and what would become of them.

Lines are judged together: a fixed number of questions for five hundred of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from common.decisions import Allowed
from common.errors import MissingError
from invites.domains import AddressError, AddressProblem, NormalisedEmail, normalise_email
from invites.links import link_for
from invites.models import BulkLine, BulkRun, Invite, ModuleSettings, QuotaUse
from invites.policy import QUOTA_WINDOWS, Quota, Refuse, Why, invitable_roles, judge_link
from invites.queries.invites import terms_of
from invites.queries.rules import AT_ONCE, judge_newcomers, settings_for
from invites.spreadsheets import read_role
from invites.verdicts import BAD, FRESH, LEFT, RENEWABLE, Judged, LineFacts, Standing, Verdict, judge_line
from lti_tool.models import Membership
from rooms.access import Viewer
from rooms.models import Entry
from rooms.policy.rights import Power
from rooms.policy.roles import Role

_FRESH: Final = [verdict.value for verdict in FRESH]


# --- Whose ------------------------------------------------------------------------------------------------


def runs_of(viewer: Viewer) -> QuerySet[BulkRun]:
    """The viewer's own runs for the entry, the newest first. Lines hold addresses: nobody else sees them."""
    if viewer.person_id is None or viewer.pass_id is not None or not viewer.may(Power.INVITE):
        return BulkRun.objects.none()
    mine = BulkRun.objects.filter(
        tenant_id=viewer.tenant_id, entry_id=viewer.entry_id, made_by_id=viewer.person_id
    )
    return mine.select_related("entry__tenant__platform", "made_by", "course").order_by("-made_at", "-pk")


def runs_with_counts(viewer: Viewer) -> QuerySet[BulkRun]:
    """The same, each with `lines_in_all` and `lines_invited`."""
    return runs_of(viewer).annotate(
        lines_in_all=Count("lines"), lines_invited=Count("lines", filter=Q(lines__invite__isnull=False))
    )


def run_for(viewer: Viewer, run_id: UUID) -> BulkRun:
    """One of them.

    Raises:
        MissingError: there is no such run, or it is not the viewer's.
    """
    found = runs_of(viewer).filter(pk=run_id).first()
    if found is None:
        raise MissingError
    return found


# --- What is in it ----------------------------------------------------------------------------------------


def line_for(run: BulkRun, number: int) -> BulkLine:
    """One line of a run.

    Raises:
        MissingError: there is none with this number.
    """
    found = run.lines.select_related("invite").filter(number=number).first()
    if found is None:
        raise MissingError
    return found


@dataclass(frozen=True, slots=True)
class Tally:
    """How many lines a run has of each sort.

    Args:
        by_verdict: all lines; only verdicts that occur, in their order.
        waiting: those of them that are not worked off.
        made: how many have an invite by now.
    """

    by_verdict: dict[Verdict, int]
    waiting: dict[Verdict, int]
    made: int

    @property
    def in_all(self) -> int:
        """Every line."""
        return sum(self.by_verdict.values())

    def _of(self, verdicts: Iterable[Verdict]) -> int:
        return sum(self.waiting.get(verdict, 0) for verdict in verdicts)

    @property
    def bad(self) -> int:
        """Lines that somebody has to look at, before or afterwards."""
        return sum(self.by_verdict.get(verdict, 0) for verdict in BAD)

    @property
    def fresh(self) -> int:
        """Lines that make an invite."""
        return self._of(FRESH)

    @property
    def changes(self) -> int:
        """Lines that change a role."""
        return self._of([Verdict.ROLE_CHANGES])

    @property
    def unchanged(self) -> int:
        """Lines of people who are invited just so already."""
        return self._of([Verdict.UNCHANGED])

    @property
    def renewable(self) -> int:
        """Lines whose link is used up or has expired."""
        return self._of(RENEWABLE)

    @property
    def left(self) -> int:
        """Lines that stay as they are, whatever is ticked."""
        return self._of(LEFT - RENEWABLE)


def tally_of(run: BulkRun) -> Tally:
    """How many lines of which sort there are, in one question."""
    waits = Count("pk", filter=Q(is_done=False))
    found = (
        run.lines.order_by().values("verdict").annotate(all=Count("pk"), waits=waits, made=Count("invite"))
    )
    rows = {row["verdict"]: row for row in found}
    by_verdict = {verdict: rows[verdict.value]["all"] for verdict in Verdict if verdict.value in rows}
    waiting = {verdict: rows[verdict.value]["waits"] for verdict in by_verdict}
    return Tally(by_verdict, waiting, made=sum(row["made"] for row in rows.values()))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is that is worked off."""

    done: int
    in_all: int


def progress_of(run: BulkRun) -> Progress:
    """How many of the lines to be worked off are done."""
    counts = run.lines.aggregate(
        done=Count("pk", filter=Q(is_done=True)), in_all=Count("pk", filter=Q(is_done=True) | Q(is_good=True))
    )
    return Progress(counts["done"], counts["in_all"])


def links_of(run: BulkRun, *, now: datetime) -> Iterator[tuple[BulkLine, Invite, str]]:
    """The invites of a run's lines, each with its link; an empty one where it is not open (any more)."""
    rules = settings_for(run.entry.tenant)
    lines = run.lines.filter(invite__isnull=False).select_related("invite__participant").order_by("number")
    for line in lines.iterator(AT_ONCE):
        if line.invite is not None:
            line.invite.entry = run.entry
            closed = why_closed(line.invite, rules, now=now)
            yield line, line.invite, "" if closed else link_for(line.invite)


# --- What would become of it ------------------------------------------------------------------------------


def doubles_of(run: BulkRun) -> dict[int, int]:
    """As `doubles_among`, of the lines that a run has now."""
    return doubles_among(run.lines.order_by("number").values_list("number", "email"))


def doubles_among(numbered: Iterable[tuple[int, str]]) -> dict[int, int]:
    """The numbers of addresses that stand in an earlier line, with that one's number."""
    first: dict[NormalisedEmail, int] = {}
    doubles: dict[int, int] = {}
    for number, typed in numbered:
        email = _read_email(typed)
        if isinstance(email, NormalisedEmail) and first.setdefault(email, number) != number:
            doubles[number] = first[email]
    return doubles


def judge_lines(
    run: BulkRun,
    lines: Sequence[BulkLine],
    *,
    by: Viewer,
    doubles: dict[int, int],
    places: int | None,
    now: datetime,
) -> dict[int, Judged]:
    """What would become of these lines now, by their numbers.

    Args:
        doubles: as `doubles_among` finds them.
        places: how many new invites the quotas leave to these lines; None where they are counted anyway.
    """
    rules = settings_for(run.entry.tenant)
    read = {line.number: _read_email(line.email) for line in lines}
    emails = [email for email in read.values() if isinstance(email, NormalisedEmail)]
    newcomers = judge_newcomers(rules, emails)
    standings = _standings(run.entry, rules, emails, by=by, now=now)
    in_course = _in_course(run, emails)
    roles = invitable_roles(run.entry.kind)
    judged: dict[int, Judged] = {}
    for line in lines:
        email = read[line.number]
        is_email = isinstance(email, NormalisedEmail)
        found = judge_line(
            LineFacts(
                email=email,
                earlier=doubles.get(line.number, 0),
                first_name=line.first_name,
                last_name=line.last_name,
                role=read_role(line.role),
                roles=roles,
                newcomer=newcomers[email] if isinstance(email, NormalisedEmail) else Allowed(),
                standing=standings.get(str(email)) if is_email else None,
                is_in_course=is_email and str(email) in in_course,
                has_room=places is None or places > 0,
            )
        )
        if places is not None and found.verdict in FRESH:
            places -= 1
        judged[line.number] = found
    return judged


def _read_email(typed: str) -> NormalisedEmail | AddressProblem:
    try:
        return normalise_email(typed)
    except AddressError as error:
        return error.problem


def _standings(
    entry: Entry, rules: ModuleSettings, emails: Iterable[NormalisedEmail], *, by: Viewer, now: datetime
) -> dict[str, Standing]:
    """The invites that these addresses have already."""
    standings: dict[str, Standing] = {}
    for some in _portions(map(str, emails)):
        found = Invite.objects.filter(entry=entry, normalised_email__in=some)
        for invite in found.select_related("made_by", "participant"):
            invite.entry = entry
            is_own = invite.made_by_id is not None and invite.made_by_id == by.person_id
            standings[invite.normalised_email] = Standing(
                role=Role(invite.role),
                is_ours=is_own or by.may(Power.MANAGE_ALL_INVITES),
                inviter=invite.made_by.shown_name if invite.made_by else "",
                closed=why_closed(invite, rules, now=now),
            )
    return standings


def why_closed(invite: Invite, rules: ModuleSettings, *, now: datetime) -> Why | None:
    """Why the invite's newest link is not open; None where it is."""
    verdict = judge_link(
        terms_of(invite, rules), generation=invite.generation, devices=invite.devices_used, now=now
    )
    return verdict.why if isinstance(verdict, Refuse) else None


def _in_course(run: BulkRun, emails: Iterable[NormalisedEmail]) -> set[str]:
    """Those of the addresses whose people are in the course that the inviter came from."""
    if run.course_id is None:
        return set()
    active = Membership.objects.filter(course_id=run.course_id, status=Membership.Status.ACTIVE)
    return {
        email
        for some in _portions(map(str, emails))
        for email in active.filter(person__normalised_email__in=some).values_list(
            "person__normalised_email", flat=True
        )
    }


def places_left(run: BulkRun, *, beside: Iterable[BulkLine] = (), now: datetime) -> int:
    """How many more addresses the run may invite; when it comes to it, the count itself decides.

    Args:
        beside: lines that are about to be judged, and so take no place yet; the run's others do.
    """
    rules = settings_for(run.entry.tenant)
    of_inviter = QuotaUse.objects.filter(
        tenant_id=run.tenant_id,
        quota=Quota.INVITER_HOUR.value,
        subject=str(run.made_by_id),
        window_starts_at__gt=now - QUOTA_WINDOWS[Quota.INVITER_HOUR],
    )
    used = of_inviter.values_list("used", flat=True).first() or 0
    standing = Invite.objects.filter(entry=run.entry, withdrawn_at__isnull=True).count()
    waiting = set(run.lines.filter(verdict__in=_FRESH, is_done=False).values_list("number", flat=True))
    taken = len(waiting - {line.number for line in beside})
    return min(rules.quota_per_inviter_hour - used, rules.quota_per_entry - standing) - taken


def _portions(values: Iterable[str]) -> Iterator[list[str]]:
    left = iter(sorted(set(values)))
    while some := list(islice(left, AT_ONCE)):
        yield some
