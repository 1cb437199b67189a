"""Try a registration out: the platform's keys, a token, one page of a roster. Nothing is stored.

Each step is one or two requests under the outgoing rules and with a time limit of its own, so that a page can
run them one by one.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urljoin

import requests

from lti_tool.claims import clean
from lti_tool.keys import usable_keys
from lti_tool.models import Course, Platform, Tab
from lti_tool.origins import origin_of
from lti_tool.outgoing import Fault, Limits, OutgoingError, fetch
from lti_tool.pylti import ScopeRefusedError, ServiceError, access_token
from lti_tool.services.roster import ROSTER_SCOPE, ROSTER_TYPE

KEY_LIMITS: Final = Limits(seconds=5.0, size=1024 * 1024)
PAGE_LIMITS: Final = Limits(seconds=8.0, size=8 * 1024 * 1024)
MAX_WORDS: Final = 300


class Step(StrEnum):
    """What is tried, in this order."""

    KEYS = "keys"
    TOKEN = "token"  # noqa: S105 - the name of a step
    ROSTER = "roster"


class Finding(StrEnum):
    """What a step found. Each has its words on the page."""

    FINE = "fine"
    # an address that gives no answer
    FORBIDDEN = "forbidden"
    UNKNOWN_NAME = "unknown_name"
    UNREACHABLE = "unreachable"
    TOO_SLOW = "too_slow"
    TOO_LONG = "too_long"
    NO_TLS = "no_tls"
    NO_ANSWER = "no_answer"
    # an answer that is none
    REDIRECTED = "redirected"
    NOT_FOUND = "not_found"
    BAD_STATUS = "bad_status"
    UNREADABLE = "unreadable"
    NO_USABLE_KEY = "no_usable_key"
    # a platform that does not give a token
    BAD_AUDIENCE = "bad_audience"
    OUR_KEYS = "our_keys"
    BAD_CLIENT = "bad_client"
    SCOPE_REFUSED = "scope_refused"
    # a roster that does not come
    NOBODY_LAUNCHED = "nobody_launched"
    NO_SERVICE = "no_service"
    NO_TOKEN = "no_token"  # noqa: S105 - a finding
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - a finding
    ROSTER_REFUSED = "roster_refused"
    COURSE_GONE = "course_gone"
    # a roster that comes, and says less than it could
    EMPTY_ROSTER = "empty_roster"
    NO_NAMES = "no_names"
    NO_ADDRESSES = "no_addresses"
    ONE_PERSON = "one_person"


# What works, with something to know; and what could not be tried, which is no fault.
ADVICE: Final = frozenset({Finding.EMPTY_ROSTER, Finding.NO_NAMES, Finding.NO_ADDRESSES, Finding.ONE_PERSON})
NOT_TRIED: Final = frozenset({Finding.NOBODY_LAUNCHED, Finding.NO_SERVICE, Finding.NO_TOKEN})


@dataclass(frozen=True, slots=True)
class Tried:
    """What a step found.

    Args:
        count: of keys or people, where there are any.
        status: of an HTTP answer.
        words: what the platform itself said, cleaned and short.
        target: where a redirect pointed.
    """

    step: Step
    findings: tuple[Finding, ...]
    count: int = 0
    status: int = 0
    words: str = ""
    target: str = field(default="")

    @property
    def is_good(self) -> bool:
        """Whether the step brought what it should."""
        return all(one is Finding.FINE or one in ADVICE for one in self.findings)

    @property
    def was_tried(self) -> bool:
        """Whether there was anything to try."""
        return not any(one in NOT_TRIED for one in self.findings)


def try_step(platform: Platform, step: Step, *, now: datetime) -> Tried:
    """Try one step of a registration. Whatever the platform does, this answers, and within seconds."""
    steps: dict[Step, Callable[[], Tried]] = {
        Step.KEYS: lambda: try_keys(platform.jwks_url),
        Step.TOKEN: lambda: _try_token(platform, now=now),
        Step.ROSTER: lambda: _try_roster(platform, now=now),
    }
    return steps[step]()


def next_step(step: Step) -> Step | None:
    """The step after this one; None after the last."""
    order = list(Step)
    return order[order.index(step) + 1] if step is not order[-1] else None


# --- Keys -----------------------------------------------------------------------------------------


def try_keys(url: str) -> Tried:
    """Fetch a key set and count the keys in it that a launch could be signed with."""
    try:
        answer = fetch(url, headers={"Accept": "application/json"}, limits=KEY_LIMITS)
    except OutgoingError as error:
        return _unanswered(Step.KEYS, error)
    if answer.status_code != requests.codes.ok:
        return _bad_status(Step.KEYS, answer)
    try:
        entries = json.loads(answer.content)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return Tried(Step.KEYS, (Finding.UNREADABLE,))
    count = len(usable_keys(entries)) if isinstance(entries, list) else 0
    return Tried(Step.KEYS, (Finding.FINE if count else Finding.NO_USABLE_KEY,), count=count)


# --- Token ----------------------------------------------------------------------------------------


def _try_token(platform: Platform, *, now: datetime) -> Tried:
    try:
        access_token(platform, [ROSTER_SCOPE], now=now, is_refused=True)
    except ScopeRefusedError:
        return Tried(Step.TOKEN, (Finding.SCOPE_REFUSED,))
    except ServiceError as error:
        return _no_token(error)
    return Tried(Step.TOKEN, (Finding.FINE,))


def _no_token(error: ServiceError) -> Tried:
    if isinstance(error.__cause__, OutgoingError):
        return _unanswered(Step.TOKEN, error.__cause__)
    answer = error.answer
    if answer is None:
        return Tried(Step.TOKEN, (Finding.UNREADABLE,))
    if answer.is_redirect:
        return _bad_status(Step.TOKEN, answer)
    if answer.ok:
        return Tried(Step.TOKEN, (Finding.UNREADABLE,), status=answer.status_code)
    code, words = _oauth_error(answer)
    finding = _oauth_finding(code, words)
    if finding is None:
        return _bad_status(Step.TOKEN, answer, words=words)
    return Tried(Step.TOKEN, (finding,), status=answer.status_code, words=words)


_SAID: Final = re.compile(r'"(error|error_description)"\s*:\s*"(.*?)"\s*[,}]', re.DOTALL)
_SCOPE_ERRORS: Final = {"invalid_scope", "unauthorized_client", "insufficient_scope"}


def _oauth_error(answer: requests.Response) -> tuple[str, str]:
    """The code of an OAuth error, and all that was said. Some platforms' JSON is broken: it is searched."""
    said = dict(_SAID.findall(answer.text[:10_000]))
    words = ": ".join(said[name] for name in ("error", "error_description") if said.get(name))
    return said.get("error", ""), clean(words, cap=MAX_WORDS)


def _oauth_finding(code: str, words: str) -> Finding | None:
    """What an OAuth error means. Platforms say little; what they say about audience or keys leads further."""
    if code in _SCOPE_ERRORS:
        return Finding.SCOPE_REFUSED
    if code not in {"invalid_client", "invalid_request", "invalid_grant"}:
        return None
    lower = words.lower()
    if "audience" in lower or re.search(r"\baud\b", lower):
        return Finding.BAD_AUDIENCE
    if re.search(r"key|jwk|signature|kid", lower):
        return Finding.OUR_KEYS
    return Finding.BAD_CLIENT


# --- Roster ---------------------------------------------------------------------------------------


def _try_roster(platform: Platform, *, now: datetime) -> Tried:
    course = _latest_course(platform)
    if course is None:
        has_launched = platform.last_launch_at is not None
        return Tried(Step.ROSTER, (Finding.NO_SERVICE if has_launched else Finding.NOBODY_LAUNCHED,))
    try:
        token = access_token(platform, [ROSTER_SCOPE], now=now)
    except ServiceError:
        return Tried(Step.ROSTER, (Finding.NO_TOKEN,))
    headers = {"Authorization": f"Bearer {token}", "Accept": ROSTER_TYPE}
    try:
        answer = fetch(course.roster_url, headers=headers, limits=PAGE_LIMITS)
    except OutgoingError as error:
        return _unanswered(Step.ROSTER, error)
    refusals = {
        requests.codes.unauthorized: Finding.TOKEN_REFUSED,
        requests.codes.forbidden: Finding.ROSTER_REFUSED,
        requests.codes.not_found: Finding.COURSE_GONE,
        requests.codes.gone: Finding.COURSE_GONE,
    }
    if answer.status_code in refusals:
        return Tried(Step.ROSTER, (refusals[answer.status_code],), status=answer.status_code)
    if answer.status_code != requests.codes.ok:
        return _bad_status(Step.ROSTER, answer)
    return _judge_page(answer)


def _latest_course(platform: Platform) -> Course | None:
    """The course that was launched last among those that name a roster."""
    tab = (
        Tab.objects.select_related("course")
        .filter(deployment__platform=platform, course__isnull=False)
        .exclude(course__roster_url="")
        .order_by("-expires_at")
        .first()
    )
    if tab:
        return tab.course
    named = Course.objects.filter(deployment__platform=platform).exclude(roster_url="")
    return named.order_by("-pk").first()


def _judge_page(answer: requests.Response) -> Tried:
    try:
        members = json.loads(answer.content)["members"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return Tried(Step.ROSTER, (Finding.UNREADABLE,))
    if not isinstance(members, list):
        return Tried(Step.ROSTER, (Finding.UNREADABLE,))
    people = [one for one in members if isinstance(one, dict)]
    return Tried(Step.ROSTER, tuple(_advice(people)) or (Finding.FINE,), count=len(people))


def _advice(people: Sequence[dict[str, object]]) -> list[Finding]:
    if not people:
        return [Finding.EMPTY_ROSTER]
    advice = []
    if len(people) == 1:
        advice.append(Finding.ONE_PERSON)
    if not any(one.get("name") or one.get("family_name") or one.get("given_name") for one in people):
        advice.append(Finding.NO_NAMES)
    if not any(one.get("email") for one in people):
        advice.append(Finding.NO_ADDRESSES)
    return advice


# --- What did not come ----------------------------------------------------------------------------

_FAULTS: Final = {
    Fault.FORBIDDEN: Finding.FORBIDDEN,
    Fault.UNKNOWN_NAME: Finding.UNKNOWN_NAME,
    Fault.UNREACHABLE: Finding.UNREACHABLE,
    Fault.TOO_SLOW: Finding.TOO_SLOW,
    Fault.TOO_LONG: Finding.TOO_LONG,
    Fault.NO_TLS: Finding.NO_TLS,
    Fault.NO_ANSWER: Finding.NO_ANSWER,
}


def _unanswered(step: Step, error: OutgoingError) -> Tried:
    return Tried(step, (_FAULTS[error.fault],), words=clean(error.detail, cap=MAX_WORDS))


def _bad_status(step: Step, answer: requests.Response, *, words: str = "") -> Tried:
    status = answer.status_code
    if answer.is_redirect:
        # Only where to: the rest of such an address may hold a session.
        target = origin_of(urljoin(answer.url, answer.headers.get("Location", "")))
        return Tried(step, (Finding.REDIRECTED,), status=status, target=target)
    is_missing = status in {requests.codes.not_found, requests.codes.gone}
    return Tried(step, (Finding.NOT_FOUND if is_missing else Finding.BAD_STATUS,), status=status, words=words)
