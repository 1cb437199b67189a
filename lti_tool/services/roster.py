"""Names and roles: who is in a course, as the platform lists them.

A list counts as complete only when its last page has been read. What an incomplete one says of people is
kept; whom it does not name, it says nothing about. A launch that is newer than the fetch knows better.
"""

import json
import logging
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import requests
from django.db import transaction
from django.db.models import Q

from lti_tool.addresses import normalise_email
from lti_tool.claims import MAX_EMAIL, MAX_ROLES, clean, is_id
from lti_tool.models import Course, Deployment, Membership, Person, Platform, Tenant
from lti_tool.origins import origin_of
from lti_tool.outgoing import Limits, OutgoingError, fetch
from lti_tool.pylti import ServiceError, access_token
from lti_tool.queries import rules_of
from lti_tool.roles import judge_roles, read_roles
from lti_tool.vendors import rosters_know_roles, vendor_of

log = logging.getLogger(__name__)

ROSTER_SCOPE: Final = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
ROSTER_TYPE: Final = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"

MAX_PEOPLE: Final = 20_000
MAX_PAGES: Final = 1_000
PAGE_SIZE: Final = 100
PAGE_LIMITS: Final = Limits(seconds=20, size=8 * 1024 * 1024)
PATIENCE: Final = 120.0  # seconds for all pages together
CLAIM_LIFE: Final = timedelta(minutes=10)  # a worker that died does not hold a course for longer
PAUSE: Final = timedelta(minutes=10)  # before a fetch that failed is tried again
_CHUNK: Final = 500
_AT_ONCE: Final = 20  # courses per call of the worker

_STATUS: Final = {
    "inactive": Membership.Status.INACTIVE,
    "deleted": Membership.Status.DELETED,
}


@dataclass(frozen=True, slots=True)
class Member:
    """One line of a roster."""

    sub: str
    roles: tuple[str, ...]
    status: Membership.Status
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Roster:
    """What could be read of a list."""

    members: dict[str, Member]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh brought. `is_complete` is False for a list that was cut short."""

    people: int
    is_complete: bool


class RosterGoneError(ServiceError):
    """The platform does not give this roster (any more)."""


# --- Use cases ------------------------------------------------------------------------------------


def refresh_roster(course: Course, *, now: datetime, patience: float = PATIENCE) -> Refreshed | None:
    """Fetch who is in a course and store it; None where nothing is to be fetched, or somebody is at it.

    Args:
        patience: seconds that the caller can wait. What was read until then is kept.

    Raises:
        ServiceError: the platform does not answer as it should; it is asked again later.
    """
    if not course.roster_url or not _claim(course, now=now):
        return None
    retry_at: datetime | None = now + PAUSE
    try:
        roster = _fetch_roster(course, now=now, patience=patience)
        _store_roster(course, roster, now=now)
        retry_at = None if roster.is_complete else now + PAUSE
    except RosterGoneError:
        # The service was switched off. The next launch that names it switches it on again.
        Course.objects.filter(pk=course.pk).update(roster_url="")
        retry_at = None
        raise
    finally:
        _release(course, wanted_at=retry_at)
    if roster.is_complete:
        Course.objects.filter(pk=course.pk).update(roster_fetched_at=now)
    return Refreshed(people=len(roster.members), is_complete=roster.is_complete)


def refresh_wanted_rosters(*, now: datetime) -> int:
    """Refresh the rosters that launches asked for; how many were.

    For the worker; any number of workers may call it.
    """
    wanted = (
        Course.objects.filter(
            roster_wanted_at__lte=now,
            deployment__state=Deployment.State.ACTIVE,
            deployment__platform__state=Platform.State.ACTIVE,
        )
        .exclude(roster_url="")
        .order_by("roster_wanted_at")[:_AT_ONCE]
    )
    refreshed = 0
    for course in wanted:
        try:
            refreshed += refresh_roster(course, now=now) is not None
        except ServiceError as error:
            log.warning("roster not available: course=%s why=%s", course.pk, error)
    return refreshed


def _claim(course: Course, *, now: datetime) -> bool:
    """Claim the fetch; one at a time per course."""
    free = Q(roster_claimed_at__isnull=True) | Q(roster_claimed_at__lt=now - CLAIM_LIFE)
    return Course.objects.filter(free, pk=course.pk).update(roster_claimed_at=now) == 1


def _release(course: Course, *, wanted_at: datetime | None) -> None:
    Course.objects.filter(pk=course.pk).update(roster_claimed_at=None, roster_wanted_at=wanted_at)


# --- Fetching -------------------------------------------------------------------------------------


def _fetch_roster(course: Course, *, now: datetime, patience: float) -> Roster:
    """All pages, as far as they can be had.

    A failure on the first page is one; later, what came before is kept.
    """
    platform = course.deployment.platform
    until = time.monotonic() + patience
    members: dict[str, Member] = {}
    url, seen = _with_limit(course.roster_url), set[str]()
    while url:
        seen.add(url)
        try:
            response = _get_page(platform, url, now=now)
            page = _read_page(response)
        except ServiceError as error:
            if len(seen) == 1:
                raise
            log.warning("roster cut short: course=%s why=%s", course.pk, error)
            return Roster(members, is_complete=False)
        for member in page:
            earlier = members.get(member.sub)
            members[member.sub] = _joined(earlier, member) if earlier else member
        url = next_page(response.headers.get("Link", ""), url)
        if url and not _may_follow(url, course.roster_url, seen, people=len(members), until=until):
            log.warning("roster cut short: course=%s pages=%s", course.pk, len(seen))
            return Roster(members, is_complete=False)
    return Roster(members, is_complete=True)


def _may_follow(url: str, first: str, seen: set[str], *, people: int, until: float) -> bool:
    """The token goes to no other origin than the launch named, and no list goes on for ever."""
    return (
        origin_of(url) == origin_of(first)
        and url not in seen
        and len(seen) < MAX_PAGES
        and people < MAX_PEOPLE
        and time.monotonic() < until
    )


def _get_page(platform: Platform, url: str, *, now: datetime) -> requests.Response:
    response = _ask(platform, url, is_refused=False, now=now)
    if response.status_code == requests.codes.unauthorized:
        response = _ask(platform, url, is_refused=True, now=now)
    if response.status_code in {requests.codes.forbidden, requests.codes.not_found, requests.codes.gone}:
        raise RosterGoneError(f"roster: status {response.status_code}")
    if response.status_code != requests.codes.ok:
        raise ServiceError(f"roster: status {response.status_code}")
    return response


def _ask(platform: Platform, url: str, *, is_refused: bool, now: datetime) -> requests.Response:
    token = access_token(platform, [ROSTER_SCOPE], now=now, is_refused=is_refused)
    headers = {"Authorization": f"Bearer {token}", "Accept": ROSTER_TYPE}
    try:
        return fetch(url, headers=headers, limits=PAGE_LIMITS)
    except OutgoingError as error:
        raise ServiceError(f"roster: {error}") from error


def _with_limit(url: str) -> str:
    """Ask for large pages: some platforms page only when asked, some know a size of their own."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if any(name == "limit" for name, _value in query):
        return url
    return urlunsplit(parts._replace(query=urlencode([*query, ("limit", str(PAGE_SIZE))])))


_LINK: Final = re.compile(r"<([^<>]*)>((?:\s*;\s*[^\s=;,]+\s*=\s*(?:\"[^\"]*\"|[^\",;]*))*)")
_REL: Final = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\",;\s]*))", re.IGNORECASE)


def next_page(header: str, url: str) -> str:
    """The address of the next page in a Link header, letter by letter as it came; empty on the last page."""
    for target, parameters in _LINK.findall(header):
        relations = " ".join(quoted or bare for quoted, bare in _REL.findall(parameters))
        if "next" in relations.lower().split():
            return str(urljoin(url, target.strip()))
    return ""


def _read_page(response: requests.Response) -> list[Member]:
    try:
        lines = json.loads(response.content)["members"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ServiceError("roster: the answer is none") from error
    if not isinstance(lines, list):
        raise ServiceError("roster: the answer is none")
    return [member for member in map(_read_member, lines) if member]


def _read_member(line: object) -> Member | None:
    """A line; None for one without a usable id. Everything else may be missing."""
    if not isinstance(line, dict):
        return None
    sub, roles = line.get("user_id"), line.get("roles")
    if not isinstance(sub, str) or not is_id(sub):
        return None
    texts = roles if isinstance(roles, list) else []
    return Member(
        sub=sub,
        roles=tuple(role for role in texts if isinstance(role, str) and is_id(role))[:MAX_ROLES],
        status=_STATUS.get(str(line.get("status", "")).lower(), Membership.Status.ACTIVE),
        name=_text(line, "name"),
        given_name=_text(line, "given_name"),
        family_name=_text(line, "family_name"),
        email=_text(line, "email", cap=MAX_EMAIL),
    )


def _text(line: dict[str, object], name: str, **cap: int) -> str:
    value = line.get(name)
    return clean(value, **cap) if isinstance(value, str) else ""


def _joined(one: Member, other: Member) -> Member:
    """Two lines about one person: some platforms list a person once for each role."""
    roles = tuple(dict.fromkeys((*one.roles, *other.roles)))
    return Member(
        sub=one.sub,
        roles=roles[:MAX_ROLES],
        status=min(one.status, other.status, key=_BEST_STATUS_FIRST.index),
        name=one.name or other.name,
        given_name=one.given_name or other.given_name,
        family_name=one.family_name or other.family_name,
        email=one.email or other.email,
    )


_BEST_STATUS_FIRST: Final = (
    Membership.Status.ACTIVE,
    Membership.Status.INACTIVE,
    Membership.Status.DELETED,
)

# --- Storing --------------------------------------------------------------------------------------


def _store_roster(course: Course, roster: Roster, *, now: datetime) -> None:
    """Piece by piece, so that nobody's launch waits for a large course; last those whom it does not name."""
    platform = course.deployment.platform
    vendor = vendor_of(issuer=platform.issuer, auth_url=platform.auth_url, token_url=platform.token_url)
    for chunk in _chunks(sorted(roster.members.values(), key=lambda member: member.sub)):
        _store_members(course, chunk, replaces_roles=rosters_know_roles(vendor), now=now)
    if roster.is_complete:
        unnamed = Q(listed_at__isnull=True) | Q(listed_at__lt=now)
        Membership.objects.filter(
            unnamed, _not_launched_since(now), course=course, status=Membership.Status.ACTIVE
        ).update(status=Membership.Status.ABSENT)


def _chunks(members: Sequence[Member]) -> Iterator[list[Member]]:
    rest = iter(members)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def _not_launched_since(now: datetime) -> Q:
    return Q(launched_at__isnull=True) | Q(launched_at__lt=now)


@transaction.atomic
def _store_members(course: Course, members: list[Member], *, replaces_roles: bool, now: datetime) -> None:
    tenant = course.tenant
    people = _store_people(tenant, members, now=now)
    rules = rules_of(tenant)
    held = {
        row.person_id: row for row in Membership.objects.filter(course=course, person__in=people.values())
    }
    new: list[Membership] = []
    same: list[int] = []
    differing: list[Membership] = []
    for member in members:
        person = people[member.sub]
        standing = judge_roles(read_roles(member.roles), rules, learner_wins=tenant.learner_wins)
        judged: dict[str, object] = {
            "roles": list(member.roles),
            "right": standing.right.value,
            "application_role": standing.application_role.value,
        }
        row = held.get(person.pk)
        if row is None:
            new.append(
                Membership(course=course, person=person, status=member.status.value, listed_at=now, **judged)
            )
            continue
        values: dict[str, object] = {"status": member.status.value}
        if row.launched_at is None or replaces_roles:
            values |= judged
        if all(getattr(row, name) == value for name, value in values.items()):
            same.append(row.pk)
            continue
        for name, value in {**values, "listed_at": now}.items():
            setattr(row, name, value)
        differing.append(row)
    # Asked again in the statement: a launch may have come since the rows were read.
    fields = ["status", "roles", "right", "application_role", "listed_at"]
    Membership.objects.filter(_not_launched_since(now)).bulk_update(differing, fields)
    Membership.objects.filter(_not_launched_since(now), pk__in=same).update(listed_at=now)
    Membership.objects.bulk_create(new, ignore_conflicts=True)


def _store_people(tenant: Tenant, members: list[Member], *, now: datetime) -> dict[str, Person]:
    subs = [member.sub for member in members]
    known = {person.sub: person for person in Person.objects.filter(tenant=tenant, sub__in=subs)}
    fresh = [
        Person(tenant=tenant, sub=member.sub, **_personal(member))
        for member in members
        if member.sub not in known
    ]
    for newcomer in fresh:
        newcomer.make_searchable()
    Person.objects.bulk_create(fresh, ignore_conflicts=True)
    differing: list[Person] = []
    for member in members:
        person = known.get(member.sub)
        told = {name: value for name, value in _personal(member).items() if value}
        if person and any(getattr(person, name) != value for name, value in told.items()):
            for name, value in told.items():
                setattr(person, name, value)
            person.make_searchable()
            differing.append(person)
    Person.objects.filter(_not_launched_since(now)).bulk_update(differing, _PERSONAL)
    return {person.sub: person for person in Person.objects.filter(tenant=tenant, sub__in=subs)}


_PERSONAL: Final = ["name", "given_name", "family_name", "email", "normalised_email", "search_text"]


def _personal(member: Member) -> dict[str, str]:
    return {
        "name": member.name,
        "given_name": member.given_name,
        "family_name": member.family_name,
        "email": member.email,
        "normalised_email": normalise_email(member.email),
    }
