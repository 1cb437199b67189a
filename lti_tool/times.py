"""How times come out of PostgreSQL."""

from datetime import datetime, tzinfo
from functools import cache

from psycopg.abc import Buffer
from psycopg.types.datetime import TimestamptzLoader


@cache
def reader_in(time_zone: tzinfo) -> type[TimestamptzLoader]:
    """A reader for connections in this time zone; Django asks each reader for its `timezone`."""

    class TimeReader(TimestamptzLoader):
        timezone = time_zone

        def load(self, data: Buffer) -> datetime:
            try:
                return datetime.fromisoformat(str(data, "ascii"))
            except ValueError:  # before Christ, or infinite
                return super().load(data)

    return TimeReader
