"""Scoped reads."""

from typing import Final

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from lti_tool.models import ConsoleKey, Membership, Person, RegistrationInvitation, RoleRule, Tenant
from lti_tool.prepared import PreparedRead, Slot
from lti_tool.roles import ApplicationRole, Right, Worth, default_rules

_RULES: Final = PreparedRead(lambda: RoleRule.objects.filter(tenant_id=Slot("tenant", Tenant.id)))


def rules_of(tenant: Tenant) -> tuple[Worth, ...]:
    """The tenant's role mapping; the default one where it has none of its own."""
    rows = _RULES.all(tenant=tenant.pk)
    stored = tuple(Worth(row.role, Right(row.right), ApplicationRole(row.application_role)) for row in rows)
    return stored or default_rules()


def console_keys_of(tenant: Tenant) -> QuerySet[ConsoleKey]:
    """The browsers that may use the tenant's console by a claim link, the newest first."""
    return tenant.console_keys.filter(ended_at__isnull=True, expires_at__gt=timezone.now()).order_by(
        "-made_at"
    )


def open_invitations(*, by: str = "") -> QuerySet[RegistrationInvitation]:
    """Invitations to register that may still be used, the newest first; of one actor, if one is named."""
    invitations = RegistrationInvitation.objects.filter(used_at__isnull=True, expires_at__gt=timezone.now())
    return (invitations.filter(made_by=by) if by else invitations).order_by("-made_at")


MOST_COURSES: Final = 10


def latest_memberships(person: Person) -> list[Membership]:
    """What the person is in their courses, the one that they launched last first."""
    rows = Membership.objects.filter(person=person).select_related("course")
    return list(rows.order_by(F("launched_at").desc(nulls_last=True), "-pk")[:MOST_COURSES])


MOST_PEOPLE: Final = 20
FEWEST_LETTERS: Final = 2


def people_like(tenant: Tenant, text: str) -> list[Person]:
    """People of the tenant in whose name or address these words stand; nobody for a letter or less."""
    words = text.split()
    if len("".join(words)) < FEWEST_LETTERS:
        return []
    people = Person.objects.filter(tenant=tenant)
    for word in words:
        people = people.filter(
            Q(name__icontains=word)
            | Q(given_name__icontains=word)
            | Q(family_name__icontains=word)
            | Q(email__icontains=word)
        )
    return list(people.order_by("family_name", "name", "pk")[:MOST_PEOPLE])
