"""Write down who changed a tenant's rules. The caller's transaction holds the change and its record together.

The log holds ids, never names and addresses: people stand there as `person:<id>`, and words that may be
somebody's (a contact, a sender, a group's name) as a fingerprint, which says that they changed and no more.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum, StrEnum
from typing import Final

from django.db import models
from django.utils.crypto import salted_hmac

from invites.models import AuditEvent
from lti_tool.models import Tenant

FINGERPRINT: Final = "#"  # begins every fingerprint
LONGEST_SUBJECT: Final = 100

Changes = Mapping[str, tuple[object, object]]


class Action(StrEnum):
    """What was done. The part before the dot is the tab of the console that it belongs to."""

    SETTINGS_CHANGED = "invitetomedia.changed"
    THEMING_CHANGED = "theming.changed"
    GROUP_MADE = "groups.made"
    GROUP_CHANGED = "groups.changed"
    GROUP_DELETED = "groups.deleted"
    TEMPLATE_MADE = "emailtemplates.made"
    TEMPLATE_CHANGED = "emailtemplates.changed"
    TEMPLATE_DELETED = "emailtemplates.deleted"
    ROLES_CHANGED = "rolemapping.changed"
    REGISTRATION_CHANGED = "registrations.changed"
    CONSOLE_KEY_ENDED = "registrations.console_key_ended"
    PERSON_ERASED = "privacy.erased"
    PERSON_EXPORTED = "privacy.exported"
    PURGED = "privacy.purged"


def write_audit(
    tenant: Tenant,
    *,
    by: str,
    action: str,
    now: datetime,
    subject: str = "",
    changes: Changes | None = None,
) -> AuditEvent:
    """Add one line to the tenant's log; call it in the transaction of the change.

    Args:
        by: an actor as the console names it: `person:<id>`, `operator:<id>`, `console-key:<id>`.
        action: an `Action`, or another `<tab>.<verb>`.
        subject: what was changed, as `group:<id>`; empty for the tenant's own rules.
        changes: field -> (from, to). Models and enums become ids and values; texts that may be personal
            are for the caller to pass through `fingerprint`.
    """
    plain = {field: [_plain(before), _plain(after)] for field, (before, after) in (changes or {}).items()}
    return AuditEvent.objects.create(
        tenant=tenant, at=now, actor=by, action=str(action), subject=subject[:LONGEST_SUBJECT], changes=plain
    )


def audit_change(
    tenant: Tenant,
    *,
    by: str,
    action: str,
    now: datetime,
    before: Mapping[str, object],
    after: Mapping[str, object],
    subject: str = "",
) -> AuditEvent | None:
    """Add a line that says what differs; none where nothing does."""
    changes = differences(before, after)
    if not changes:
        return None
    return write_audit(tenant, by=by, action=action, now=now, subject=subject, changes=changes)


def differences(
    before: Mapping[str, object], after: Mapping[str, object]
) -> dict[str, tuple[object, object]]:
    """Field -> (from, to) for each field that is not the same in both; None where one has no such field."""
    fields = [*before, *(field for field in after if field not in before)]
    return {
        field: (before.get(field), after.get(field))
        for field in fields
        if before.get(field) != after.get(field)
    }


def fingerprint(text: str) -> str:
    """A short mark that tells this text from others without showing it; nothing for nothing."""
    if not text:
        return ""
    return FINGERPRINT + salted_hmac("invites.audit", text).hexdigest()[:8]


def _plain(value: object) -> object:
    """The value as JSON keeps it."""
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return _plain(value.value)
        case models.Model():
            return str(value.pk)
        case str():
            return str(value)
        case datetime():
            return value.isoformat()
        case set() | frozenset():
            return sorted(map(str, value))
        case Iterable():
            return [_plain(each) for each in value]
        case _:
            return str(value)
