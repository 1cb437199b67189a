"""Entries and who is in them."""

import secrets

from lti_tool.identity import hash_secret
from lti_tool.models import Course, Person, Placement, Tenant
from rooms.models import Binding, Entry, Guest, Participant, Pass
from tests.factories.lti import make_course, make_placement, make_tenant


def make_entry(tenant: Tenant | None = None, **values: object) -> Entry:
    """A room without a schedule: its doors are open."""
    return Entry.objects.create(tenant=tenant or make_tenant(), **{"title": "Guest lecture", **values})


def make_placed_entry(course: Course | None = None, **values: object) -> tuple[Entry, Placement]:
    """An entry that a link of the course shows."""
    course = course or make_course(make_tenant())
    entry = make_entry(course.tenant, **values)
    placement = make_placement(course)
    Binding.objects.create(placement=placement, entry=entry)
    return entry, placement


def make_guest(tenant: Tenant, email: str = "ana@example.org", **values: object) -> Guest:
    """A guest who passed a lobby once."""
    return Guest.objects.create(
        tenant=tenant,
        **{
            "email": email,
            "normalised_email": email.lower(),
            "first_name": "Ana",
            "last_name": "Guest",
            **values,
        },
    )


def make_participant(
    entry: Entry,
    *,
    guest: Guest | None = None,
    person: Person | None = None,
    role: str = "viewer",
    **values: object,
) -> Participant:
    """Somebody with a role that was granted."""
    return Participant.objects.create(entry=entry, guest=guest, person=person, granted_role=role, **values)


def make_pass(participant: Participant, **values: object) -> tuple[Pass, str]:
    """A pass, and the secret for its cookie."""
    secret = secrets.token_urlsafe(32)
    held = Pass.objects.create(participant=participant, secret_hash=hash_secret(secret), **values)
    return held, secret


__all__ = ["make_entry", "make_guest", "make_participant", "make_pass", "make_placed_entry"]
