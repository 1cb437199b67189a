"""What administrators read about launches: which claims the last one carried, and which were refused.

Both are best effort: nothing here ever stands between a person and their course. Nothing personal is kept.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

from django.core.cache import cache
from django.db import DatabaseError, transaction

from lti_tool.claims import LTI, LaunchRefusedError, ReasonCode, clean
from lti_tool.models import LaunchOutline, LaunchRefusal, Platform

log = logging.getLogger(__name__)

KEPT_REFUSALS: Final = 50  # kinds per platform; the ones that came longest ago go first
QUIET_SECONDS: Final = 10  # between two notes of the same kind: a storm of refusals is no storm of writes
NOTED_EVERY: Final = timedelta(minutes=1)  # how exact "last successful launch" is
OUTLINED_EVERY: Final = timedelta(seconds=10)  # how often two kinds of launches may replace each other
MAX_CLAIMS: Final = 100
MAX_MEMBERS: Final = 60
MAX_SHOWN: Final = 300

# Of these the value is shown: they say what the LMS is and how it is set up, and nothing about a person.
_SHOWN: Final = frozenset(
    {
        *("iss", "aud", "azp", "locale"),
        *(f"{LTI}{name}" for name in ("message_type", "version", "deployment_id", "target_link_uri")),
    }
)
_SHOWN_LISTS: Final = frozenset({f"{LTI}roles"})
_SHOWN_MEMBERS: Final = frozenset(
    {
        *("product_family_code", "guid", "version", "service_versions", "scope"),
        *("accept_types", "accept_presentation_document_targets", "document_target", "type"),
    }
)


# --- The last launch ------------------------------------------------------------------------------


def outline_of(payload: Mapping[str, object]) -> list[dict[str, object]]:
    """Which claims there are and of what kind; values only where they say nothing about a person."""
    return [_row(name, value) for name, value in list(payload.items())[:MAX_CLAIMS]]


def _row(name: str, value: object) -> dict[str, object]:
    row: dict[str, object] = {"claim": clean(name, cap=MAX_SHOWN), "kind": _kind(value)}
    if isinstance(value, dict):
        row["members"] = [_member(inner, one) for inner, one in list(value.items())[:MAX_MEMBERS]]
    elif name in _SHOWN_LISTS and isinstance(value, list):
        row["shown"] = [_shown(one) for one in value[:MAX_MEMBERS]]
    elif name in _SHOWN:
        row["shown"] = [_shown(value)]
    return row


def _member(name: str, value: object) -> dict[str, object]:
    row: dict[str, object] = {"claim": clean(name, cap=MAX_SHOWN), "kind": _kind(value)}
    if name in _SHOWN_MEMBERS:
        row["shown"] = [_shown(one) for one in (value if isinstance(value, list) else [value])[:MAX_MEMBERS]]
    elif _is_unresolved(value):
        row["kind"] = "unresolved"
        row["shown"] = [_shown(value)]
    return row


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if value in ("", [], {}):
        return "empty"
    names: dict[type, str] = {str: "text", bool: "yes_no", int: "number", float: "number", list: "list"}
    return names.get(type(value), "object")


def _shown(value: object) -> str:
    return clean(value if isinstance(value, str) else str(value), cap=MAX_SHOWN)


def _hash_of(payload: Mapping[str, object]) -> str:
    """Equal where two outlines are, made without making one: every launch asks for it."""
    marks: list[object] = []
    for name, value in payload.items():
        if isinstance(value, dict):
            marks.append(name)
            marks += [
                (inner, one if inner in _SHOWN_MEMBERS or _is_unresolved(one) else _mark(one))
                for inner, one in value.items()
            ]
        else:
            marks.append((name, value if name in _SHOWN or name in _SHOWN_LISTS else _mark(value)))
    return blake2b(repr(marks).encode(errors="replace"), digest_size=16).hexdigest()


def _mark(value: object) -> object:
    return type(value).__name__ if value else value


def _is_unresolved(value: object) -> bool:
    """Whether it is a variable that the platform does not know, or may not tell."""
    return isinstance(value, str) and value.startswith("$")


def note_launch(platform: Platform, payload: Mapping[str, object], *, now: datetime) -> None:
    """Keep that a launch passed, and what it carried. Where nothing has changed, nothing is asked or written.

    Args:
        platform: as read for this launch.
        payload: signed claims.
    """
    last = platform.last_launch_at
    if last and last > now - OUTLINED_EVERY:
        return
    outline_hash = _hash_of(payload)
    has_changed = outline_hash != platform.outline_hash
    if last and last > now - (OUTLINED_EVERY if has_changed else NOTED_EVERY):
        return
    try:
        with transaction.atomic():
            Platform.objects.filter(pk=platform.pk).update(last_launch_at=now, outline_hash=outline_hash)
            if has_changed:
                LaunchOutline.objects.update_or_create(
                    platform=platform, defaults={"claims": outline_of(payload), "at": now}
                )
    except DatabaseError:
        log.warning("launch not noted: platform=%s", platform.pk, exc_info=True)


# --- Refusals -------------------------------------------------------------------------------------

# What these name is not signed: anybody who begins a login could write anything there.
_UNSIGNED: Final = frozenset({ReasonCode.PLATFORM_ERROR, ReasonCode.LOGIN_REQUIRED, ReasonCode.BAD_REQUEST})


def note_refusal(error: LaunchRefusedError, *, reference: str, now: datetime) -> None:
    """Keep a refusal for the platform's administrator, if the platform is a known one.

    Refusals of one kind are one row, so that a flood of them pushes nothing else out.
    """
    platform_id, code = error.trail.platform_id, error.reason
    if platform_id is None:
        return
    detail = "" if code in _UNSIGNED else clean(error.detail)
    if not cache.add(f"refusal:{platform_id}:{code.value}", 1, QUIET_SECONDS):
        return
    try:
        with transaction.atomic():
            _row_made, is_new = LaunchRefusal.objects.update_or_create(
                platform_id=platform_id,
                code=code.value,
                detail=detail,
                defaults={"at": now, "reference": reference},
                create_defaults={"at": now, "first_at": now, "reference": reference},
            )
            if is_new:
                _forget_oldest(platform_id)
    except DatabaseError:
        log.warning("refusal not noted: platform=%s", platform_id, exc_info=True)


def _forget_oldest(platform_id: int) -> None:
    kept = LaunchRefusal.objects.filter(platform_id=platform_id).order_by("-at", "-pk")[:KEPT_REFUSALS]
    LaunchRefusal.objects.filter(platform_id=platform_id).exclude(pk__in=[row.pk for row in kept]).delete()


def forget_refusals(platform: Platform) -> None:
    """Clear the list, as after a repair."""
    LaunchRefusal.objects.filter(platform=platform).delete()
