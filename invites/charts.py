"""Numbers as small pictures: the places of columns and bars, for a template to draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

WIDTH: Final = 600
HEIGHT: Final = 96
_GAP: Final = 0.25  # of a column's room
_LEAST: Final = 2.0  # a column that stands for something is seen


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its place in a picture of `WIDTH` by `HEIGHT`, as SVG has it, and what it stands for."""

    x: str
    y: str
    width: str
    height: str
    begins: date
    count: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Columns of one series. `most` is what a column of full height stands for."""

    columns: list[Column]
    most: int
    total: int
    width: int = WIDTH
    height: int = HEIGHT


def draw_columns(counts: Sequence[tuple[date, int]], *, most: int) -> Chart:
    """The counts as columns, `most` being as high as the picture; several charts with one `most` compare."""
    room = WIDTH / max(1, len(counts))
    columns = []
    for number, (begins, count) in enumerate(counts):
        height = max(_LEAST, HEIGHT * count / most) if count and most else 0.0
        columns.append(
            Column(
                x=_number(room * (number + _GAP / 2)),
                y=_number(HEIGHT - height),
                width=_number(room * (1 - _GAP)),
                height=_number(height),
                begins=begins,
                count=count,
            )
        )
    return Chart(columns, most, sum(count for _begins, count in counts))


def per_cent(count: int, of: int) -> int:
    """A share in whole per cent."""
    return round(100 * count / of) if of else 0


def _number(value: float) -> str:
    """Without a comma, whatever the language."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
