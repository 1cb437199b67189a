"""Numbers as pictures."""

from datetime import date, timedelta

import pytest
from django.utils import translation

from invites.charts import HEIGHT, WIDTH, draw_columns, per_cent

DAY = date(2026, 11, 21)


def test_columns_stand_side_by_side_and_reach_as_high_as_they_count() -> None:
    chart = draw_columns(
        [(DAY + timedelta(days=number), count) for number, count in enumerate([0, 5, 10])], most=10
    )
    assert [float(column.height) for column in chart.columns] == [0, HEIGHT / 2, HEIGHT]
    assert [float(column.y) for column in chart.columns] == [HEIGHT, HEIGHT / 2, 0]
    ends = [float(column.x) + float(column.width) for column in chart.columns]
    assert all(end <= WIDTH for end in ends)
    assert ends == sorted(ends)
    assert chart.total == 15


def test_one_among_thousands_is_seen() -> None:
    assert float(draw_columns([(DAY, 1)], most=5000).columns[0].height) > 1


def test_nothing_at_all_is_no_column() -> None:
    assert [column.height for column in draw_columns([(DAY, 0)], most=0).columns] == ["0"]
    assert draw_columns([], most=0).columns == []


def test_a_place_is_written_as_svg_reads_it_in_any_language() -> None:
    with translation.override("de"):
        assert draw_columns([(DAY, 1)] * 7, most=3).columns[1].x == "96.43"


@pytest.mark.parametrize(
    ("count", "of", "share"), [(1, 3, 33), (2, 3, 67), (0, 3, 0), (0, 0, 0), (3, 3, 100)]
)
def test_a_share_is_whole(count: int, of: int, share: int) -> None:
    assert per_cent(count, of) == share
