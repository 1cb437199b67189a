"""Scoped reads of this app."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Exists, F, Max, OuterRef, Prefetch, Q, QuerySet

from common.decisions import Allowed, Decision
from common.errors import MissingError
from invites.domains import (
    AddressError,
    DomainRule,
    NormalisedEmail,
    judge_domain,
    normalise_email,
    stored_rules,
)
from invites.links import LinkClaim
from invites.models import EmailTemplate, Invite, ModuleSettings, OutboxMail, Redemption
from invites.policy import InvitingFacts, Terms
from lti_tool.models import Course, Membership, Person, Platform, Tenant
from rooms.access import Viewer
from rooms.models import Entry, Guest
from rooms.policy.doors import schedule_of, session_ends_at
from rooms.policy.rights import Power
from rooms.policy.roles import Role

SHIPPED_TEMPLATE_NAME: Final = "Invitation"


def settings_for(tenant: Tenant) -> ModuleSettings:
    """The tenant's rules; where none were ever saved, the defaults as an unsaved value (nothing is written).

    Ask `sends_mail` whether mail can be sent, `is_named_in` whether somebody is named: both know that value.
    """
    stored = (
        ModuleSettings.objects.select_related("tenant", "invite_email_template").filter(tenant=tenant).first()
    )
    if stored is not None:
        return stored
    shipped = EmailTemplate(tenant=tenant, name=SHIPPED_TEMPLATE_NAME)
    return ModuleSettings(tenant=tenant, invite_email_template=shipped)


def is_named_in(settings: ModuleSettings, person_id: UUID) -> bool:
    """Whether AllowedUsers names this person."""
    named = ModuleSettings.objects.filter(tenant_id=settings.tenant_id, allowed_people=person_id)
    return named.exists()


def domain_rules_of(settings: ModuleSettings) -> tuple[DomainRule, ...]:
    """RestrictNewUserDomains, ready for `judge_domain`."""
    return stored_rules(settings.restrict_new_user_domains)


# --- Who may invite -------------------------------------------------------------------------------


def inviting_facts(viewer: Viewer, entry: Entry, settings: ModuleSettings) -> InvitingFacts:
    """What decides whether the viewer may invite to the entry."""
    is_asked_by_name = settings.allowed_users == ModuleSettings.AllowedUsers.NAMED
    return InvitingFacts(
        is_module_enabled=settings.enable,
        shows_on_media_page=settings.shows_on_media_page,
        kind=str(entry.kind),
        has_chat=entry.has_chat,
        has_inviting_right=viewer.may(Power.INVITE),
        application_role=viewer.application_role,
        allowed_users=str(settings.allowed_users),
        is_named=(
            is_asked_by_name and viewer.person_id is not None and is_named_in(settings, viewer.person_id)
        ),
    )


def judge_newcomer(settings: ModuleSettings, email: NormalisedEmail) -> Decision:
    """RestrictNewUserDomains, the one question of form, list, file, re-invite and lobby.

    Only an address that matches no person and no guest of the tenant is new.
    """
    verdict = judge_domain(email.domain, domain_rules_of(settings))
    if verdict or _is_known(settings.tenant_id, str(email)):
        return Allowed()
    return verdict


def _is_known(tenant_id: UUID, email: str) -> bool:
    return (
        Person.objects.filter(tenant_id=tenant_id, normalised_email=email).exists()
        or Guest.objects.filter(tenant_id=tenant_id, normalised_email=email).exists()
    )


def person_with(tenant_id: UUID, email: str) -> Person | None:
    """The person of the tenant with this (normalised) address; of several the one who came last."""
    return (
        Person.objects.filter(tenant_id=tenant_id, normalised_email=email, is_test_user=False)
        .order_by("is_disabled", F("launched_at").desc(nulls_last=True), "pk")
        .first()
    )


# --- Invites --------------------------------------------------------------------------------------


def invite_behind(claim: LinkClaim) -> Invite | None:
    """The invite that a genuine link speaks of, whoever asks: the link is the proof."""
    return (
        Invite.objects.select_related(
            "entry__tenant__platform", "tenant", "made_by", "participant__person", "participant__guest"
        )
        .filter(pk=claim.invite_id)
        .first()
    )


def terms_of(invite: Invite, settings: ModuleSettings) -> Terms:
    """What an invite allows, and what holds for its entry now."""
    entry = invite.entry
    is_in_use = entry.tenant.platform.state == Platform.State.ACTIVE
    return Terms(
        generation=invite.generation,
        expires_at=invite.expires_at,
        max_devices=invite.max_devices,
        is_withdrawn=invite.withdrawn_at is not None,
        is_removed=invite.participant is not None and invite.participant.removed_at is not None,
        is_module_enabled=settings.enable,
        is_entry_gone=entry.deleted_at is not None or not is_in_use,
        session_ends_at=session_ends_at(schedule_of(entry)),
    )


def redemption_of(claim: LinkClaim, device_hash: str) -> Redemption | None:
    """What this device has redeemed with this generation of the link."""
    return (
        Redemption.objects.select_related("issued_pass")
        .filter(invite_id=claim.invite_id, generation=claim.generation, device_hash=device_hash)
        .first()
    )


def speakers_of(entry: Entry) -> list[str]:
    """The names of those who are invited to speak, as their inviters wrote them."""
    speakers = Invite.objects.filter(entry=entry, role=Role.SPEAKER, withdrawn_at__isnull=True)
    return [invite.shown_name for invite in speakers.order_by("made_at", "pk")]


def invites_for(viewer: Viewer) -> QuerySet[Invite]:
    """The invites of the viewer's entry that the viewer may see: all, or only their own; newest first."""
    if not viewer.may(Power.INVITE):
        return Invite.objects.none()
    found = Invite.objects.filter(entry_id=viewer.entry_id, tenant_id=viewer.tenant_id)
    if not viewer.may(Power.MANAGE_ALL_INVITES):
        found = found.filter(made_by_id=viewer.person_id)
    return (
        found.select_related("entry__tenant__platform", "made_by", "participant")
        .prefetch_related(Prefetch("mails", OutboxMail.objects.order_by("-created_at", "-pk")))
        .annotate(last_seen_at=Max("redemptions__issued_pass__seen_at"))
        .order_by("-made_at", "-pk")
    )


def invite_for(viewer: Viewer, invite_id: UUID) -> Invite:
    """One of them.

    Raises:
        MissingError: there is no such invite, or it is not the viewer's to see.
    """
    found = invites_for(viewer).filter(pk=invite_id).first()
    if found is None:
        raise MissingError
    return found


# --- Suggestions ----------------------------------------------------------------------------------

_SUGGESTED: Final = 8
_LEAST_LETTERS: Final = 2


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Somebody whom an inviter may mean."""

    email: str
    first_name: str
    last_name: str
    shown_name: str
    is_in_course: bool
    is_invited: bool


def suggestions_for(viewer: Viewer, course: Course | None, typed: str) -> list[Suggestion]:
    """The course's people by any part of name or address; anybody else by the exact address."""
    words = typed.split()
    if len(typed.strip()) < _LEAST_LETTERS:
        return []
    people = list(_people(viewer, course, words)[:_SUGGESTED])
    exact = _exact(typed)
    guests: list[Guest] = []
    if exact and not any(person.normalised_email == exact for person in people):
        guests = list(Guest.objects.filter(tenant_id=viewer.tenant_id, normalised_email=exact))
    emails = [person.normalised_email for person in people] + [guest.normalised_email for guest in guests]
    invited = set(
        Invite.objects.filter(entry_id=viewer.entry_id, normalised_email__in=emails).values_list(
            "normalised_email", flat=True
        )
    )
    return [
        Suggestion(
            email=person.email,
            first_name=person.given_name or person.name.rpartition(" ")[0],
            last_name=person.family_name or person.name.rpartition(" ")[2],
            shown_name=person.shown_name,
            is_in_course=bool(getattr(person, "is_in_course", False)),
            is_invited=person.normalised_email in invited,
        )
        for person in people
    ] + [
        Suggestion(
            email=guest.email,
            first_name=guest.first_name,
            last_name=guest.last_name,
            shown_name=guest.shown_name,
            is_in_course=False,
            is_invited=guest.normalised_email in invited,
        )
        for guest in guests
    ]


def _people(viewer: Viewer, course: Course | None, words: list[str]) -> QuerySet[Person]:
    in_course = Exists(
        Membership.objects.filter(course=course, person=OuterRef("pk"), status=Membership.Status.ACTIVE)
    )
    by_part = Q(in_course)
    for word in words:
        by_part &= (
            Q(name__icontains=word)
            | Q(given_name__icontains=word)
            | Q(family_name__icontains=word)
            | Q(email__icontains=word)
        )
    exact = _exact(" ".join(words))
    wanted = by_part | Q(normalised_email=exact) if exact else by_part
    return (
        Person.objects.filter(wanted, tenant_id=viewer.tenant_id, is_disabled=False, is_test_user=False)
        .exclude(email="")
        .annotate(is_in_course=in_course)
        .order_by("name", "pk")
    )


def _exact(typed: str) -> str:
    try:
        return str(normalise_email(typed))
    except AddressError:
        return ""


# --- The console ----------------------------------------------------------------------------------


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
    if exact := _exact(key):
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
