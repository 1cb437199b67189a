"""Invites as a file for a spreadsheet."""

import pytest

from invites.sheet import neutral


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])  # noqa: RUF001 - a real sign
@pytest.mark.parametrize("before", ["", " ", "   "])
def test_no_cell_is_a_formula(sign: str, before: str) -> None:
    assert neutral(f"{before}{sign}HYPERLINK(1)") == f"'{before}{sign}HYPERLINK(1)"


@pytest.mark.parametrize("text", ["", "Ana", "ana+test@example.org", "O'Brien", "1-2"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert neutral(text) == text
