"""Make, change and delete groups of people. The staff of a course is never copied: it is asked for live."""

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from common.errors import ConflictError, MissingError
from invites.models import Group
from invites.queries import group_for
from invites.services.audit import Action, audit_change, fingerprint, write_audit
from lti_tool.models import Course, Person, Tenant

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GroupContent:
    """A group as somebody wants it.

    Args:
        people: ids of people who are in it by name.
        courses: ids of courses whose staff are in it.
    """

    name: str
    people: tuple[UUID, ...] = ()
    courses: tuple[int, ...] = ()


class GroupNameTakenError(ConflictError):
    """Another group of the tenant is called so."""

    code = "group_name_taken"


def make_group(tenant: Tenant, content: GroupContent, *, by: str, now: datetime) -> Group:
    """Make a group. People and courses of other tenants are left out.

    Raises:
        GroupNameTakenError: another group is called so.
    """
    with transaction.atomic():
        group = Group(tenant=tenant)
        _fill(group, content)
        changes = {field: (None, value) for field, value in _members_in(group).items()}
        write_audit(
            tenant, by=by, action=Action.GROUP_MADE, subject=_subject(group.pk), changes=changes, now=now
        )
    log.info("group made group=%s tenant=%s by=%s", group.pk, tenant.pk, by)
    return group


def change_group(group: Group, content: GroupContent, *, by: str, now: datetime) -> None:
    """Rename a group, or change who is in it. It holds at once.

    Raises:
        GroupNameTakenError: another group is called so.
        MissingError: somebody deleted it meanwhile.
    """
    with transaction.atomic():
        stored = Group.objects.select_for_update().filter(pk=group.pk, tenant=group.tenant_id).first()
        if stored is None:
            raise MissingError
        before = _facts_of(stored)
        _fill(stored, content)
        audit_change(
            stored.tenant,
            by=by,
            action=Action.GROUP_CHANGED,
            subject=_subject(stored.pk),
            before=before,
            after=_facts_of(stored),
            now=now,
        )
    log.info("group changed group=%s tenant=%s by=%s", stored.pk, stored.tenant_id, by)


@transaction.atomic
def delete_group(tenant: Tenant, group_id: int, *, by: str, now: datetime) -> None:
    """Delete a group, and with it its place in the rules.

    Raises:
        MissingError: there is none, or it is another tenant's.
    """
    group = group_for(tenant, group_id)
    changes = {field: (value, None) for field, value in _members_in(group).items()}
    group.delete()
    write_audit(
        tenant, by=by, action=Action.GROUP_DELETED, subject=_subject(group_id), changes=changes, now=now
    )
    log.info("group deleted group=%s tenant=%s by=%s", group_id, tenant.pk, by)


def _fill(group: Group, content: GroupContent) -> None:
    """Write it as wanted.

    Raises:
        GroupNameTakenError: another group is called so.
    """
    namesakes = Group.objects.filter(tenant_id=group.tenant_id, name__iexact=content.name)
    if namesakes.exclude(pk=group.pk).exists():
        raise _taken()
    group.name = content.name
    try:
        with transaction.atomic():  # two at once: the constraint decides
            group.save()
    except IntegrityError as error:
        raise _taken() from error
    group.people.set(Person.objects.filter(tenant=group.tenant_id, pk__in=content.people))
    group.courses.set(Course.objects.filter(tenant=group.tenant_id, pk__in=content.courses))


def _taken() -> GroupNameTakenError:
    return GroupNameTakenError(_("Another group is called so."), next_step=_("Choose another name."))


def _facts_of(group: Group) -> dict[str, object]:
    return {"name": fingerprint(group.name), **_members_in(group)}


def _members_in(group: Group) -> dict[str, object]:
    """Who is in it, as far as it is not empty."""
    people = [str(pk) for pk in group.people.order_by("pk").values_list("pk", flat=True)]
    courses = list(group.courses.order_by("pk").values_list("pk", flat=True))
    return {field: ids for field, ids in (("people", people), ("courses", courses)) if ids}


def _subject(group_id: int) -> str:
    return f"group:{group_id}"
