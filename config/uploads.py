"""Uploads in a bucket of an S3-compatible store."""

from collections.abc import Iterator
from typing import Final

from storages.backends.s3 import S3Storage

_AT_ONCE: Final = 256 * 1024


class S3Uploads(S3Storage):  # type: ignore[misc]  # ships no types
    """django-storages' own, which would fetch a whole file to read a part of it."""

    def read_part(self, name: str, first: int, length: int) -> Iterator[bytes]:
        """Some bytes of a file, piece by piece."""
        found = self.bucket.Object(self._normalize_name(name))
        body = found.get(Range=f"bytes={first}-{first + length - 1}")["Body"]
        try:
            yield from body.iter_chunks(_AT_ONCE)
        finally:
            body.close()
