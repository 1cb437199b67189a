"""Where static files are, as pages write it: each address is made once."""

from functools import lru_cache

from django.contrib.staticfiles.storage import StaticFilesStorage


class StaticStorage(StaticFilesStorage):
    """Django's own, which would join and quote the same few addresses again on every page."""

    def url(self, name: str | None) -> str:
        """The address of a file."""
        return _address(self, name)


@lru_cache(maxsize=512)
def _address(storage: StaticStorage, name: str | None) -> str:
    return StaticFilesStorage.url(storage, name)
