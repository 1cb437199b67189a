"""What people type about many invitations -> typed values."""

from typing import TYPE_CHECKING

from django import forms
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from invites.bulk_words import explain_sheet
from invites.forms import RoleForm, role_choices
from invites.models import BulkLine
from invites.services.bulk import Typed
from invites.spreadsheets import LONGEST_CELL, MAX_BYTES, Row, SheetError, SheetProblem, read_bytes, read_text
from invites.verdicts import LONGEST_NAME

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile  # generic for type checkers only


class ListForm(RoleForm):
    """A list of people, pasted or as a file, and the role of whoever has none in it."""

    text = forms.CharField(
        label=gettext_lazy("Paste a list"), required=False, strip=False, widget=forms.Textarea
    )
    file = forms.FileField(
        label=gettext_lazy("Or choose a file"), required=False, allow_empty_file=True, max_length=500
    )

    field_order = ("text", "file", "role")

    def __init__(
        self,
        data: QueryDict | None = None,
        files: "MultiValueDict[str, UploadedFile[bytes]] | None" = None,
        *,
        kind: str,
        initial: dict[str, object] | None = None,
    ) -> None:
        super().__init__(data, kind=kind, initial=initial)
        self.files = files or MultiValueDict()
        self.rows: list[Row] = []

    def clean(self) -> None:
        """Read the list; what cannot be read is told beside the field that it came in."""
        file, text = self.cleaned_data.get("file"), str(self.cleaned_data.get("text") or "")
        if file is not None and text.strip():
            self.add_error("file", _("You have pasted a list and chosen a file. Leave one of them empty."))
            return
        try:
            self.rows = self._read(file) if file is not None else read_text(text)
        except SheetError as error:
            self.add_error("file" if file is not None else "text", explain_sheet(error))

    def _read(self, file: "UploadedFile[bytes]") -> list[Row]:
        if (file.size or 0) > MAX_BYTES:
            raise SheetError(SheetProblem.TOO_BIG)
        return read_bytes(file.read())


class LineForm(forms.Form):
    """A line to be mended. Anything may be typed: the verdict says what is wrong with it."""

    email = forms.CharField(label=gettext_lazy("Email address"), max_length=LONGEST_CELL, required=False)
    first_name = forms.CharField(label=gettext_lazy("First name"), max_length=LONGEST_NAME, required=False)
    last_name = forms.CharField(label=gettext_lazy("Last name"), max_length=LONGEST_NAME, required=False)
    role = forms.ChoiceField(label=gettext_lazy("Role"), required=False)
    language = forms.CharField(label=gettext_lazy("Language"), max_length=10, required=False)

    def __init__(self, data: QueryDict | None = None, *, line: BulkLine, kind: str) -> None:
        names = ("email", "first_name", "last_name", "role", "language")
        super().__init__(
            data, initial={name: getattr(line, name) for name in names}, prefix=f"line{line.number}"
        )
        known = role_choices(kind)
        unknown = [] if line.role in dict(known) else [(line.role, line.role or "–")]
        self.fields["role"].choices = [*unknown, *known]  # type: ignore[attr-defined]

    def typed(self) -> Typed:
        """What was typed, once the form is valid."""
        return Typed(**self.cleaned_data)
