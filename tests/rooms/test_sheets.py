"""Files for spreadsheets: no cell is a formula, and each language gets its separator."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.sheets import neutral, write_sheet


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])  # noqa: RUF001 - a real sign
@pytest.mark.parametrize("before", ["", " ", "   "])
def test_no_cell_is_a_formula(sign: str, before: str) -> None:
    assert neutral(f"{before}{sign}HYPERLINK(1)") == f"'{before}{sign}HYPERLINK(1)"


@pytest.mark.parametrize("text", ["", "Ana", "ana+test@example.org", "O'Brien", "1-2"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert neutral(text) == text


@given(st.text(max_size=20))
def test_whatever_stands_in_a_cell_can_still_be_read(cell: str) -> None:
    assert not neutral(cell).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert cell in neutral(cell)


@pytest.mark.parametrize(("language", "separator"), [("en", b","), ("de", b";"), ("fr-ca", b";")])
def test_files_open_as_spreadsheets_of_the_language_expect(language: str, separator: bytes) -> None:
    assert write_sheet([["ä", "=1"]], language=language) == b"\xef\xbb\xbf\xc3\xa4" + separator + b"'=1\r\n"
