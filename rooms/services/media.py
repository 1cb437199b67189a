"""What the stage shows: files put there, replaced and taken away, and addresses elsewhere."""

from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING
from uuid import uuid4

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from common.decisions import Refused
from common.errors import GoneError, InvalidError, MissingError
from lti_tool.models import Tenant
from rooms.broadcast import announce
from rooms.events import DoorsChanged
from rooms.models import Captions, EmbedHosts, Entry, Media
from rooms.policy.media import (
    ENDINGS,
    HEAD,
    MOST_HOSTS,
    MediaType,
    Slot,
    framed,
    judge_address,
    judge_file,
    slot_of,
    sniff,
    takes_address,
    takes_captions,
)
from rooms.policy.rights import Power
from rooms.queries.media import embed_hosts_of

if TYPE_CHECKING:
    from uuid import UUID

    from django.core.files.base import File

    from rooms.access import Viewer


def type_of(file: "File[bytes]") -> MediaType | None:
    """What an uploaded file is, by its first bytes; it is left at its beginning."""
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    return sniff(head)


def cap_of(slot: Slot) -> int:
    """How many bytes may go there."""
    return int(settings.UPLOAD_CAPS[slot.value])


def show_file(entry: Entry, file: "File[bytes]", *, by: "Viewer") -> Media:
    """Show an uploaded video or document, or a room's slides, instead of what was shown before.

    Raises:
        RefusedError: the viewer may not edit.
        InvalidError: it is not of a type that this entry shows, or too large.
        GoneError: the entry was deleted meanwhile.
    """
    by.must(Power.EDIT)
    slot = slot_of(entry.kind)
    if slot is None or by.entry_id != entry.pk:
        raise MissingError
    found = _demand_fit(slot, file)
    stored = _store(file, found)
    values: dict[str, object] = {
        "file": stored,
        "name": PurePath(file.name or "").name[:200],
        "media_type": found.value,
        "size": file.size,
        "address": "",
    }
    try:
        return _show(entry, values)
    except BaseException:
        default_storage.delete(stored)
        raise


def show_address(entry: Entry, address: str, *, by: "Viewer") -> Media:
    """Show what lies at an address, instead of what was shown before.

    Raises:
        RefusedError: the viewer may not edit.
        InvalidError: it is no https address of a host on the tenant's list.
        GoneError: the entry was deleted meanwhile.
    """
    by.must(Power.EDIT)
    if not takes_address(entry.kind) or by.entry_id != entry.pk:
        raise MissingError
    shown = framed(address.strip())
    decision = judge_address(shown, embed_hosts_of(entry.tenant))
    if isinstance(decision, Refused):
        raise InvalidError(code=decision.reason.value)
    return _show(entry, {"file": "", "name": "", "media_type": "", "size": 0, "address": shown})


def show_nothing(entry: Entry, *, by: "Viewer") -> None:
    """Empty the stage; captions go with their video.

    Raises:
        RefusedError: the viewer may not edit.
    """
    by.must(Power.EDIT)
    if by.entry_id != entry.pk:
        raise MissingError
    with transaction.atomic():
        media = Media.objects.select_for_update().filter(entry=entry).first()
        if media is None:
            return
        for captions in media.captions.all():
            _forget(captions.file.name)
        _forget(media.file.name)
        media.delete()
        _tell(entry)


@transaction.atomic
def _show(entry: Entry, values: dict[str, object]) -> Media:
    before = Media.objects.select_for_update().filter(entry=entry).first()
    media, _is_new = Media.objects.update_or_create(entry=entry, defaults=values)
    if before is not None:
        _forget(before.file.name)
    _tell(entry)
    return media


def _tell(entry: Entry) -> None:
    """Let every open page fetch its stage anew.

    Raises:
        GoneError: the entry was deleted meanwhile.
    """
    living = Entry.objects.filter(pk=entry.pk, deleted_at__isnull=True)
    if not living.update(media_revision=F("media_revision") + 1):
        raise GoneError(_("This was deleted a moment ago."))
    transaction.on_commit(partial(announce, DoorsChanged(entry.pk)), robust=True)


def _demand_fit(slot: Slot, file: "File[bytes]") -> MediaType:
    found = type_of(file)
    decision = judge_file(slot, found, size=file.size, cap=cap_of(slot))
    if isinstance(decision, Refused) or found is None:
        raise InvalidError(code=decision.reason.value if isinstance(decision, Refused) else "wrong_type")
    return found


def _store(file: "File[bytes]", found: MediaType) -> str:
    """Keep the bytes under a name of ours, piece by piece or by moving the file that they came in."""
    return default_storage.save(f"media/{uuid4()}{ENDINGS[found]}", file)


def _forget(name: str | None) -> None:
    """Delete a file as soon as nothing speaks of it any more."""
    if name:
        transaction.on_commit(partial(default_storage.delete, name), robust=True)


# --- Captions -------------------------------------------------------------------------------------------


def add_captions(entry: Entry, file: "File[bytes]", *, language: str, by: "Viewer") -> Captions:
    """Add captions in one language, instead of those in this language before.

    Raises:
        RefusedError: the viewer may not edit.
        InvalidError: the file is no WebVTT, or too large.
        MissingError: the entry shows no video in a player of ours.
    """
    by.must(Power.EDIT)
    if by.entry_id != entry.pk or slot_of(entry.kind) != Slot.VIDEO:
        raise MissingError
    stored = _store(file, _demand_fit(Slot.CAPTIONS, file))
    try:
        return _add_captions(entry, stored, language=language)
    except BaseException:
        default_storage.delete(stored)
        raise


@transaction.atomic
def _add_captions(entry: Entry, stored: str, *, language: str) -> Captions:
    media = Media.objects.select_for_update().filter(entry=entry).first()
    if media is None or not takes_captions(entry.kind, media.address):
        raise MissingError(_("Add the video first, then its captions."))
    before = media.captions.filter(language=language).first()
    captions, _is_new = Captions.objects.update_or_create(
        media=media, language=language, defaults={"file": stored}
    )
    if before is not None:
        _forget(before.file.name)
    _tell(entry)
    return captions


@transaction.atomic
def remove_captions(entry: Entry, captions_id: "UUID", *, by: "Viewer") -> None:
    """Take captions away; taking away what is gone already changes nothing.

    Raises:
        RefusedError: the viewer may not edit.
    """
    by.must(Power.EDIT)
    if by.entry_id != entry.pk:
        raise MissingError
    captions = Captions.objects.filter(media__entry=entry, pk=captions_id).first()
    if captions is not None:
        _forget(captions.file.name)
        captions.delete()
        _tell(entry)


# --- A tenant's list ------------------------------------------------------------------------------------


def change_embed_hosts(tenant: Tenant, hosts: list[str]) -> None:
    """From which hosts entries of the tenant may show something. What is shown already stays."""
    EmbedHosts.objects.update_or_create(tenant=tenant, defaults={"hosts": hosts[:MOST_HOSTS]})
