"""Inviting somebody: a new invite, a new role for an old one, a new link."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from common.decisions import Refused
from common.errors import AppError, ConflictError, GoneError, InvalidError
from common.throttle import Limit
from invites.domains import AddressError, NormalisedEmail, normalise_email
from invites.explain import explain_address, refusal_of_domain, refusal_to_invite
from invites.models import Invite, ModuleSettings, OutboxMail
from invites.policy import (
    Admit,
    WhyNot,
    device_limit,
    invitable_roles,
    judge_inviting,
    judge_link,
    link_expires_at,
)
from invites.queries import inviting_facts, judge_newcomer, person_with, settings_for, terms_of
from invites.services.lifecycle import Kind, demand_invite, note_event, set_role
from invites.services.outbox import queue_invitation_mail
from invites.services.quotas import count_invite
from lti_tool.models import Course
from lti_tool.services.roster import refresh_roster
from rooms.access import Viewer
from rooms.models import Entry, Participant
from rooms.policy.doors import schedule_of, session_ends_at
from rooms.policy.rights import Power
from rooms.policy.roles import Role
from rooms.services.admission import admit_participant, readmit_participant

log = logging.getLogger(__name__)

MAILS_AGAIN: Final = Limit("invite-mail-again", 5, 3600)
ROSTER_IS_STALE_AFTER: Final = timedelta(minutes=5)
PATIENCE: Final = 15.0  # seconds: somebody sits before the form


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wrote into the invitation form."""

    email: str
    first_name: str
    last_name: str
    role: Role
    is_mailed: bool = False


@dataclass(frozen=True, slots=True)
class Issued:
    """What became of a wish. An invite that was there before keeps its link, open or not."""

    invite: Invite
    is_new: bool


def issue_invite(
    entry: Entry, wish: Wish, *, by: Viewer, course: Course | None, language: str, now: datetime
) -> Issued:
    """Invite an address to the entry; one that is invited already gets the wished role, at once.

    Args:
        course: whence the inviter came; its roster is asked anew before a new address is refused.
        language: of the mail, where one is wished and the tenant sends mail.

    Raises:
        InvalidError: the address is none, or the role is not for this kind of entry.
        RefusedError: the inviter may not invite, or the address may not become a guest (code `restricted`).
        ConflictError: somebody else has invited this address, and the inviter may not manage their invites.
        QuotaError: the inviter or the entry has no invite left.
        GoneError: the entry was deleted meanwhile.
    """
    email = _read_email(wish.email)
    if course is not None and not judge_newcomer(settings_for(entry.tenant), email):
        refresh_stale_roster(course, now=now)
    return _write_invite(entry, wish, email, by=by, language=language, now=now)


@transaction.atomic
def _write_invite(
    entry: Entry, wish: Wish, email: NormalisedEmail, *, by: Viewer, language: str, now: datetime
) -> Issued:
    entry = _living(entry.pk)
    rules = settings_for(entry.tenant)
    _demand_inviting(entry, rules, email, by=by)
    if wish.role not in invitable_roles(entry.kind):
        raise InvalidError(_("Only viewers can be invited to a video or a document."), code="role")
    invite, is_new = _find_or_make(entry, wish, email, rules=rules, by=by, now=now)
    if not is_new:
        _demand_own(invite, by=by)
        Invite.objects.filter(pk=invite.pk).update(first_name=wish.first_name, last_name=wish.last_name)
        invite.first_name, invite.last_name = wish.first_name, wish.last_name
        set_role(invite, wish.role, by=by, now=now)
        _readmit(invite, by=by, now=now)
    else:
        note_event([invite], Kind.MADE, by=by, now=now, detail=invite.role)
        _grant_known_person(invite)
    if wish.is_mailed and rules.sends_mail and _is_open(invite, rules, now=now):
        queue_invitation_mail(invite, language=language, now=now)
    return Issued(invite, is_new=is_new)


@transaction.atomic
def give_new_link(
    invite: Invite, *, replacing: int, by: Viewer, is_mailed: bool, language: str, now: datetime
) -> Invite:
    """Replace the invite's link by one with new duration and new devices; the old one is void at once.

    Passes that the old link gave live until the new one is first used.

    Args:
        replacing: the generation that the inviter saw; asked twice for the same one, this makes one new link.

    Raises:
        RefusedError: the inviter may not invite, or the address may not become a guest (any more).
        GoneError: the entry was deleted meanwhile.
    """
    entry = _living(invite.entry_id)
    rules = settings_for(entry.tenant)
    _demand_inviting(entry, rules, normalise_email(invite.email), by=by)
    demand_invite(invite, by=by)
    terms = new_terms(entry, rules, now=now)
    is_given = Invite.objects.filter(pk=invite.pk, generation=replacing).update(
        generation=replacing + 1,
        devices_used=0,
        withdrawn_at=None,
        new_link_asked_at=None,
        **terms,
    )
    invite = Invite.objects.select_related("entry__tenant__platform", "made_by", "participant").get(
        pk=invite.pk
    )
    if not is_given:
        return invite
    note_event([invite], Kind.NEW_LINK, by=by, now=now, detail=str(invite.generation))
    _readmit(invite, by=by, now=now)
    _grant_known_person(invite)
    if is_mailed and rules.sends_mail:
        queue_invitation_mail(invite, language=language, now=now)
    return invite


@transaction.atomic
def mail_link(invite: Invite, *, by: Viewer, language: str, now: datetime) -> bool:
    """Mail the invite's open link (again), unless a mail of it waits already; say whether one is on its way.

    Raises:
        MissingError: the invite is not the viewer's.
        ThrottledError: too often.
    """
    demand_invite(invite, by=by)
    rules = settings_for(invite.entry.tenant)
    if not rules.sends_mail or not _is_open(invite, rules, now=now):
        return False
    waiting = [OutboxMail.State.WAITING, OutboxMail.State.SENDING, OutboxMail.State.FAILED]
    of_link = invite.mails.filter(kind__in=[OutboxMail.Kind.INVITATION, OutboxMail.Kind.NEW_LINK])
    if not of_link.filter(generation=invite.generation, state__in=waiting).exists():
        MAILS_AGAIN.count(str(invite.pk))
        queue_invitation_mail(invite, language=language, now=now)
    return True


def _find_or_make(
    entry: Entry, wish: Wish, email: NormalisedEmail, *, rules: ModuleSettings, by: Viewer, now: datetime
) -> tuple[Invite, bool]:
    invites = Invite.objects.select_related("entry__tenant__platform", "made_by", "participant")
    found = invites.filter(entry=entry, normalised_email=str(email)).first()
    if found is not None:
        return found, False
    try:
        with transaction.atomic():
            count_invite(entry, rules, by=by, now=now)
            made = Invite.objects.create(
                tenant_id=entry.tenant_id,
                entry=entry,
                email=wish.email.strip(),
                normalised_email=str(email),
                first_name=wish.first_name,
                last_name=wish.last_name,
                role=wish.role.value,
                made_by_id=by.person_id,
                made_at=now,
                **new_terms(entry, rules, now=now),
            )
    except IntegrityError:  # somebody else has invited the same address in this very moment
        return invites.get(entry=entry, normalised_email=str(email)), False
    return made, True


def _readmit(invite: Invite, *, by: Viewer, now: datetime) -> None:
    """Whom a host had removed is asked in again."""
    if invite.participant is None:
        return
    if invite.participant.removed_at is not None:
        note_event([invite], Kind.RESTORED, by=by, now=now)
    readmit_participant(invite.participant)


def new_terms(entry: Entry, rules: ModuleSettings, *, now: datetime) -> dict[str, object]:
    """Until when a link made now is good, and for how many devices: columns of `Invite`."""
    return {
        "expires_at": link_expires_at(
            now=now,
            minutes=rules.link_duration,
            session_ends_at=session_ends_at(schedule_of(entry)),
            valid_until_session_ends=rules.valid_until_session_ends,
        ),
        "max_devices": device_limit(rules.link_reusability),
        "follows_session": rules.valid_until_session_ends,
    }


def _grant_known_person(invite: Invite) -> None:
    """Somebody whom the LMS knows has the role at their next launch already; their address makes no guest."""
    person = person_with(invite.tenant_id, invite.normalised_email)
    is_a_guest = invite.participant is not None and invite.participant.guest_id is not None
    if person is None or person.is_disabled or is_a_guest:
        return
    for participant in Participant.objects.filter(entry_id=invite.entry_id, person=person):
        readmit_participant(participant)
    participant = admit_participant(
        invite.entry, person=person, role=Role(invite.role), until=invite.expires_at
    )
    Invite.objects.filter(pk=invite.pk).update(participant=participant)
    invite.participant = participant


def _demand_inviting(entry: Entry, rules: ModuleSettings, email: NormalisedEmail, *, by: Viewer) -> None:
    verdict = judge_inviting(inviting_facts(by, entry, rules))
    if isinstance(verdict, Refused):
        raise refusal_to_invite(WhyNot(verdict.reason))
    verdict = judge_newcomer(rules, email)
    if isinstance(verdict, Refused):
        raise refusal_of_domain(verdict.detail)


def _demand_own(invite: Invite, *, by: Viewer) -> None:
    if by.may(Power.MANAGE_ALL_INVITES) or (invite.made_by_id and invite.made_by_id == by.person_id):
        return
    name = invite.made_by.shown_name if invite.made_by else _("somebody else")
    raise ConflictError(
        _("This address was already invited by %(name)s.") % {"name": name},
        next_step=_("Ask them, or an owner or editor, if the role should change."),
        code="already_invited",
    )


def _living(entry_id: UUID) -> Entry:
    found = Entry.objects.select_related("tenant__platform").filter(pk=entry_id, deleted_at=None).first()
    if found is None:
        raise GoneError(_("This room was deleted a moment ago."))
    return found


def _is_open(invite: Invite, rules: ModuleSettings, *, now: datetime) -> bool:
    verdict = judge_link(
        terms_of(invite, rules), generation=invite.generation, devices=invite.devices_used, now=now
    )
    return isinstance(verdict, Admit)


def _read_email(text: str) -> NormalisedEmail:
    try:
        return normalise_email(text)
    except AddressError as error:
        raise InvalidError(explain_address(error), code="email") from error


def refresh_stale_roster(course: Course | None, *, now: datetime) -> None:
    """Somebody new to us may be in the course since this morning: ask, before a no is said."""
    if course is None or not course.roster_url:
        return
    if course.roster_fetched_at and now - course.roster_fetched_at < ROSTER_IS_STALE_AFTER:
        return
    try:
        refresh_roster(course, now=now, patience=PATIENCE)
    except AppError as error:
        log.info("roster not refreshed before a refusal course=%s why=%s", course.pk, error)
