"""Rights given by name, and who owns an entry."""

from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from common.errors import ConflictError, MissingError, RefusedError
from lti_tool.models import Person
from rooms.broadcast import announce
from rooms.events import StandingChanged
from rooms.models import Collaborator, Entry
from rooms.policy.rights import Power

if TYPE_CHECKING:
    from rooms.access import Viewer


def _announce_after_commit(entry: Entry) -> None:
    transaction.on_commit(partial(announce, StandingChanged(entry.pk)), robust=True)


def _demand_power(entry: Entry, by: "Viewer") -> None:
    if by.entry_id != entry.pk:
        raise MissingError
    by.must(Power.COLLABORATORS)


def _demand_of_tenant(person: Person, entry: Entry) -> None:
    if person.tenant_id != entry.tenant_id or person.is_disabled:
        raise MissingError


def _owner_stays() -> RefusedError:
    return RefusedError(
        _("The owner's right cannot be changed or taken away."),
        next_step=_("Make somebody else the owner first."),
        code="owner_stays",
    )


@transaction.atomic
def give_right(entry: Entry, person: Person, *, right: Collaborator.Right, by: "Viewer") -> Collaborator:
    """Give a person this right, instead of the one that they may have by name.

    Raises:
        RefusedError: the viewer may not, or the person is the owner, or the right is the owner's.
        MissingError: the person is not of the entry's tenant.
    """
    _demand_power(entry, by)
    _demand_of_tenant(person, entry)
    if right == Collaborator.Right.OWNER:
        raise _owner_stays()
    held = Collaborator.objects.filter(entry=entry, person=person)
    if not held.exclude(right=Collaborator.Right.OWNER).update(right=right):
        try:
            with transaction.atomic():
                Collaborator.objects.create(entry=entry, person=person, right=right)
        except (
            IntegrityError
        ) as error:  # the only row it can meet is the owner's, or one given this very moment
            raise _owner_stays() from error
    _announce_after_commit(entry)
    return held.get()


@transaction.atomic
def take_right(collaborator: Collaborator, *, by: "Viewer") -> None:
    """Take a right given by name away; what the person may do by their course stays.

    Raises:
        RefusedError: the viewer may not, or it is the owner's.
    """
    entry = collaborator.entry
    _demand_power(entry, by)
    taken, _rows = (
        Collaborator.objects.filter(pk=collaborator.pk).exclude(right=Collaborator.Right.OWNER).delete()
    )
    if not taken and Collaborator.objects.filter(pk=collaborator.pk).exists():
        raise _owner_stays()
    _announce_after_commit(entry)


@transaction.atomic
def change_owner(entry: Entry, person: Person, *, instead_of: UUID | None, by: "Viewer") -> None:
    """Make a person the owner by name; the old owner becomes a co-owner.

    Args:
        instead_of: the person who was the owner when the viewer decided; None where there was none.

    Raises:
        RefusedError: the viewer may not.
        MissingError: the person is not of the entry's tenant.
        ConflictError: somebody else changed the owner meanwhile.
    """
    _demand_power(entry, by)
    _demand_of_tenant(person, entry)
    if instead_of is not None and instead_of == person.pk:
        return
    if instead_of is not None:
        owner = Collaborator.objects.filter(entry=entry, person_id=instead_of, right=Collaborator.Right.OWNER)
        if not owner.update(right=Collaborator.Right.CO_OWNER):
            raise _owner_changed()
    try:
        with transaction.atomic():
            held = Collaborator.objects.filter(entry=entry, person=person)
            if not held.update(right=Collaborator.Right.OWNER):
                Collaborator.objects.create(entry=entry, person=person, right=Collaborator.Right.OWNER)
    except IntegrityError as error:
        raise _owner_changed() from error
    _announce_after_commit(entry)


def _owner_changed() -> ConflictError:
    return ConflictError(
        _("Somebody else changed the owner a moment ago."),
        next_step=_("Look at who owns the room now, and change it again if you still want to."),
        code="owner_changed",
    )
