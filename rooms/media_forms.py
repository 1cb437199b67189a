"""What people choose and type about an entry's kind and about what its stage shows."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.conf.locale import LANG_INFO
from django.http import QueryDict
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.decisions import Refused
from rooms.forms import EntryForm, SummaryMixin
from rooms.models import Entry
from rooms.policy.media import (
    NoAddress,
    NoFile,
    Slot,
    begins_with_chat,
    framed,
    judge_address,
    judge_file,
    slot_of,
    takes_address,
)
from rooms.queries.media import embed_hosts_of
from rooms.services.entries import Details
from rooms.services.media import cap_of, type_of

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile
    from django.utils.datastructures import MultiValueDict

    Upload = UploadedFile[bytes]
    Uploads = MultiValueDict[str, Upload]

KIND_HELP: Final = {
    Entry.Kind.ROOM: gettext_lazy("Meet live, with chat, questions and polls."),
    Entry.Kind.LIVE: gettext_lazy(
        "Show a webcast from an address, with chat, questions and polls beside it."
    ),
    Entry.Kind.VIDEO: gettext_lazy(
        "Show a video, uploaded or from an address. Guests can be invited to watch."
    ),
    Entry.Kind.DOCUMENT: gettext_lazy("Show a PDF, page by page. Guests can be invited to read."),
}
_ACCEPT: Final = {
    Slot.VIDEO: "video/mp4,video/webm,.mp4,.webm",
    Slot.DOCUMENT: "application/pdf,.pdf",
    Slot.CAPTIONS: "text/vtt,.vtt",
}
_WRONG: Final = {
    Slot.VIDEO: gettext_lazy(
        "This is no MP4 or WebM video, whatever its name says. Export it as MP4 (H.264) and choose that file."
    ),
    Slot.DOCUMENT: gettext_lazy(
        "This is no PDF, whatever its name says. Export it as PDF and choose that file."
    ),
    Slot.CAPTIONS: gettext_lazy(
        "This is no WebVTT file: it has to begin with WEBVTT. Most caption programs can export one."
    ),
}


class NewEntryForm(EntryForm):
    """The same for a new entry of any kind. What it shows is asked next."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What is it?"), choices=Entry.Kind.choices, required=False, initial=Entry.Kind.ROOM
    )

    @property
    def kinds(self) -> list[dict[str, object]]:
        """The choices, each with its one line."""
        chosen = self["kind"].value() or Entry.Kind.ROOM
        return [
            {"value": kind.value, "label": kind.label, "help": KIND_HELP[kind], "is_chosen": kind == chosen}
            for kind in Entry.Kind
        ]

    @property
    def details(self) -> Details:
        """What was typed. Videos and documents begin without Chat & Collaboration."""
        said = super().details
        kind = self.cleaned_data["kind"] or Entry.Kind.ROOM.value
        return replace(said, kind=kind, has_chat=said.has_chat and begins_with_chat(kind))


def _file_input(slot: Slot) -> forms.FileInput:
    return forms.FileInput(
        attrs={
            "class": "input",
            "accept": _ACCEPT[slot],
            "data-cap": str(cap_of(slot)),
            "data-text-too-large": str(_too_large(slot)),
        }
    )


def _too_large(slot: Slot) -> str:
    return _("This file is too large. The most is %(cap)s.") % {"cap": filesizeformat(cap_of(slot))}


def _check_file(file: "Upload", slot: Slot) -> "Upload":
    decision = judge_file(slot, type_of(file), size=file.size or 0, cap=cap_of(slot))
    if isinstance(decision, Refused):
        if decision.reason == NoFile.TOO_LARGE:
            raise forms.ValidationError(_too_large(slot), code=NoFile.TOO_LARGE)
        raise forms.ValidationError(_WRONG[slot], code=NoFile.WRONG_TYPE)
    return file


class MediaForm(SummaryMixin):
    """The video, document or address of an entry."""

    file = forms.FileField(required=False, max_length=1000)
    address = forms.CharField(
        label=gettext_lazy("Address"),
        required=False,
        max_length=1000,
        widget=forms.URLInput(attrs={"class": "input", "autocomplete": "off", "placeholder": "https://"}),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        files: "Uploads | None" = None,
        *,
        entry: Entry,
        address: str = "",
    ) -> None:
        super().__init__(data, files, initial={"address": address})
        self.entry = entry
        self.slot = slot_of(entry.kind)
        self.hosts = embed_hosts_of(entry.tenant)
        if self.slot is None:
            del self.fields["file"]
        else:
            field = self.fields["file"]
            field.widget = _file_input(self.slot)
            field.label = _("Video file") if self.slot == Slot.VIDEO else _("PDF file")
            cap = filesizeformat(cap_of(self.slot))
            field.help_text = (
                _("MP4 or WebM, up to %(cap)s.") % {"cap": cap}
                if self.slot == Slot.VIDEO
                else _("Up to %(cap)s.") % {"cap": cap}
            )
        if not takes_address(entry.kind):
            del self.fields["address"]
        else:
            self.fields["address"].help_text = (
                _("An HLS stream (it ends in .m3u8) or the address of a player’s page, with https.")
                if entry.kind == Entry.Kind.LIVE
                else _("A video file, an HLS stream, or the address of a player’s page, with https.")
            )

    def clean_file(self) -> "Upload | None":
        """Taken by what is in it."""
        file: Upload | None = self.cleaned_data.get("file")
        return _check_file(file, self.slot) if file and self.slot else None

    def clean_address(self) -> str:
        """On the tenant's list of hosts."""
        address = framed(str(self.cleaned_data["address"]).strip())
        if not address:
            return ""
        decision = judge_address(address, self.hosts)
        if isinstance(decision, Refused):
            raise forms.ValidationError(self._why_not(decision), code=decision.reason)
        return address

    def _why_not(self, refused: Refused) -> str:
        if refused.reason == NoAddress.NOT_HTTPS:
            return _(
                "The address has to begin with https:// so that nobody on the way can change what is shown."
            )
        if refused.reason == NoAddress.HOST_NOT_LISTED:
            return _(
                "%(host)s is not among the hosts that your institution shows media from. "
                "Ask your LMS administrator to add it in the console, under Theming."
            ) % {"host": refused.detail}
        return _("This is not a complete address. Copy it from your browser, with https:// in front.")

    def clean(self) -> dict[str, Any]:
        """One of the two.

        Raises nothing: each error stands beside its field.
        """
        cleaned = super().clean() or {}
        if not self.errors and not cleaned.get("file") and not cleaned.get("address"):
            if self.slot == Slot.DOCUMENT:
                self.add_error("file", _("Choose a PDF file."))
            elif self.slot is None:
                self.add_error("address", _("Write the address of the stream or player."))
            else:
                self.add_error("file", _("Choose a video file, or write an address."))
        return cleaned


_LANGUAGES: Final = sorted(
    (
        (code, info["name_local"][:1].upper() + info["name_local"][1:])
        for code, info in LANG_INFO.items()
        if "name_local" in info
    ),
    key=lambda pair: pair[1].casefold(),
)


def language_name(code: str) -> str:
    """A language, as those who speak it write it."""
    return str(dict(_LANGUAGES).get(code, code))


class CaptionsForm(SummaryMixin):
    """Captions in one language."""

    language = forms.ChoiceField(
        label=gettext_lazy("Language"), choices=_LANGUAGES, widget=forms.Select(attrs={"class": "input"})
    )
    file = forms.FileField(
        label=gettext_lazy("Captions file"),
        max_length=1000,
        help_text=gettext_lazy("WebVTT (.vtt). Captions in the same language are replaced."),
        error_messages={"required": gettext_lazy("Choose a WebVTT file.")},
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        files: "Uploads | None" = None,
        *,
        language: str = "en",
    ) -> None:
        super().__init__(data, files, initial={"language": language}, prefix="captions")
        self.fields["file"].widget = _file_input(Slot.CAPTIONS)

    def clean_file(self) -> "Upload":
        """Taken by what is in it."""
        return _check_file(self.cleaned_data["file"], Slot.CAPTIONS)
