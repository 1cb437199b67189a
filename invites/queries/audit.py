"""The log of a tenant's rules, and today's names of what it speaks of by id."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from invites.models import AuditEvent, EmailTemplate, Group
from lti_tool.models import ConsoleKey, Course, Deployment, Person, Tenant


def audit_events_of(tenant: Tenant, *, tab: str = "", person: Person | None = None) -> QuerySet[AuditEvent]:
    """The tenant's log, the newest first.

    Args:
        tab: only what belongs to this tab of the console.
        person: only what this person did.
    """
    events = AuditEvent.objects.filter(tenant=tenant)
    if tab:
        events = events.filter(action__startswith=f"{tab}.")
    if person is not None:
        events = events.filter(actor=f"person:{person.pk}")
    return events.order_by("-at", "-pk")


def newest_event(tenant: Tenant, *, tab: str) -> int:
    """The id of the newest line that belongs to a tab; 0 where there is none."""
    return audit_events_of(tenant, tab=tab).order_by("-pk").values_list("pk", flat=True).first() or 0


@dataclass(frozen=True, slots=True)
class Names:
    """What ids stand for today; what is gone, or another tenant's, is not in it."""

    people: dict[str, str] = field(default_factory=dict)
    operators: dict[str, str] = field(default_factory=dict)
    browsers: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    courses: dict[str, str] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)
    deployments: dict[str, str] = field(default_factory=dict)


def names_in(tenant: Tenant, events: Iterable[AuditEvent]) -> Names:
    """The names of everything that these events speak of, in one question a kind."""
    ids: dict[str, set[str]] = {}
    for event in events:
        for reference in (event.actor, event.subject, *event.changes):
            kind, _colon, key = reference.partition(":")
            ids.setdefault(kind, set()).add(key)
        for name, values in event.changes.items():
            kind = _KINDS.get(name, "")
            ids.setdefault(kind, set()).update(str(one) for value in values for one in _each(value))
    people = Person.objects.filter(tenant=tenant, pk__in=_uuids(ids.get("person", ())))
    keys = ConsoleKey.objects.filter(tenant=tenant, pk__in=_uuids(ids.get("console-key", ())))
    operators = User.objects.filter(pk__in=_numbers(ids.get("operator", ())))
    groups = Group.objects.filter(tenant=tenant, pk__in=_numbers(ids.get("group", ())))
    courses = Course.objects.filter(tenant=tenant, pk__in=_numbers(ids.get("course", ())))
    templates = EmailTemplate.objects.filter(tenant=tenant, pk__in=_numbers(ids.get("template", ())))
    deployments = Deployment.objects.filter(
        Q(tenant=tenant) | Q(platform=tenant.platform_id, tenant__isnull=True),
        pk__in=_numbers(ids.get("deployment", ())),
    )
    return Names(
        people={str(row.pk): row.shown_name for row in people},
        operators={str(row.pk): row.get_full_name() or row.get_username() for row in operators},
        browsers={str(row.pk): row.browser for row in keys},
        groups={str(row.pk): row.name for row in groups},
        courses={str(row.pk): str(row) for row in courses},
        templates={str(row.pk): row.name for row in templates},
        deployments={str(row.pk): row.deployment_id for row in deployments},
    )


# Fields whose values are ids, and of what.
_KINDS = {
    "AllowedPeople": "person",
    "AllowedGroups": "group",
    "people": "person",
    "courses": "course",
    "inviteEmailTemplate": "template",
}


def _each(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _uuids(texts: Iterable[str]) -> list[UUID]:
    found = []
    for text in texts:
        with suppress(ValueError):
            found.append(UUID(text))
    return found


def _numbers(texts: Iterable[str]) -> list[int]:
    return [int(text) for text in texts if text.isdecimal()]
