"""Files for spreadsheets. Pure."""

import codecs
import csv
import io
from collections.abc import Iterable
from typing import Final

# What makes a cell a formula to some spreadsheet: the usual signs, and their wide forms.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - real signs
_SEPARATORS: Final = {"en": ","}  # elsewhere the comma stands in numbers, and spreadsheets expect a semicolon


def neutral(cell: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell


def separator_for(language: str) -> str:
    """What stands between two cells in files for people of this language."""
    return _SEPARATORS.get(language[:2], ";")


def write_sheet(rows: Iterable[Iterable[object]], *, language: str) -> bytes:
    """A file that spreadsheets of this language open as they should; no cell of it is a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator_for(language))
    writer.writerows([neutral(str(cell)) for cell in row] for row in rows)
    return codecs.BOM_UTF8 + out.getvalue().encode()
