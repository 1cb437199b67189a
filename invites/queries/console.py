"""What the console shows: people named in rules, invites that a rule would break."""

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import F, Q, QuerySet

from invites.domains import (
    DomainRule,
    judge_domain,
)
from invites.models import Invite, ModuleSettings
from invites.queries.rules import domain_rules_of
from invites.queries.suggestions import exact_email
from lti_tool.models import Person, Tenant
from rooms.models import Guest


def people_named_in(settings: ModuleSettings) -> list[Person]:
    """Whom AllowedUsers names."""
    return list(Person.objects.filter(pk__in=_named_ids(settings)).order_by("name", "pk"))


def _named_ids(settings: ModuleSettings) -> QuerySet[ModuleSettings, UUID]:
    stored = ModuleSettings.objects.filter(tenant_id=settings.tenant_id, allowed_people__isnull=False)
    return stored.values_list("allowed_people", flat=True)


_NAME_AND_KEY: Final = re.compile(r".*<([^<>]+)>\s*")


def people_behind(tenant: Tenant, line: str) -> list[Person]:
    """The people of the tenant whom a line means: an address, an id (ours or the LMS's), or a whole name.

    `Pat Person <pat@campus.example>` means the address (or id) in the brackets.
    """
    bracketed = _NAME_AND_KEY.fullmatch(line)
    key = " ".join((bracketed[1] if bracketed else line).split())
    by_id = Q(sub=key)
    with suppress(ValueError):
        by_id |= Q(pk=UUID(key))
    people = Person.objects.filter(tenant=tenant, is_test_user=False)
    if exact := exact_email(key):
        by_id |= Q(normalised_email=exact)
    found = list(people.filter(by_id).order_by("pk"))
    if found or bracketed:
        return found
    by_name = Q(name__iexact=key)
    first, _space, last = key.rpartition(" ")
    if first:
        by_name |= Q(given_name__iexact=first, family_name__iexact=last)
    return list(people.filter(by_name).order_by("pk"))


def line_of(person: Person) -> str:
    """The line that means this person and nobody else."""
    email = person.normalised_email
    is_own = email and not (
        Person.objects.filter(tenant_id=person.tenant_id, normalised_email=email)
        .exclude(pk=person.pk)
        .exists()
    )
    return f"{person.shown_name} <{person.email if is_own else person.pk}>"


def open_invites_of(tenant: Tenant, *, now: datetime) -> QuerySet[Invite]:
    """Invites whose links would let somebody in now, as far as the tenant's rules go."""
    has_place = Q(max_devices__isnull=True) | Q(devices_used__lt=F("max_devices"))
    return Invite.objects.filter(
        has_place,
        tenant=tenant,
        withdrawn_at__isnull=True,
        expires_at__gt=now,
        entry__deleted_at__isnull=True,
    )


def invites_broken_by(
    settings: ModuleSettings, *, enable: bool, rules: Iterable[DomainRule], now: datetime
) -> list[Invite]:
    """The open invites that these rules would refuse, and those in force do not."""
    if not settings.enable:
        return []
    open_invites = (
        open_invites_of(settings.tenant, now=now).select_related("entry").order_by("-made_at", "pk")
    )
    if not enable:
        return list(open_invites)
    before, after = domain_rules_of(settings), tuple(rules)
    refused = [
        invite
        for invite in open_invites
        if not judge_domain(_domain_of(invite), after) and judge_domain(_domain_of(invite), before)
    ]
    known = _known_among(settings.tenant_id, {invite.normalised_email for invite in refused})
    return [invite for invite in refused if invite.normalised_email not in known]


def _domain_of(invite: Invite) -> str:
    return invite.normalised_email.rpartition("@")[2]


def _known_among(tenant_id: UUID, emails: set[str]) -> set[str]:
    """Those of the addresses that belong to a person or a guest of the tenant."""
    known: set[str] = set()
    ordered = sorted(emails)
    for start in range(0, len(ordered), 500):  # SQLite takes only so many values in one question
        some = ordered[start : start + 500]
        people = Person.objects.filter(tenant_id=tenant_id, normalised_email__in=some)
        guests = Guest.objects.filter(tenant_id=tenant_id, normalised_email__in=some)
        known.update(people.values_list("normalised_email", flat=True))
        known.update(guests.values_list("normalised_email", flat=True))
    return known
