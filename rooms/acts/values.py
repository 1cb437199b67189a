"""Raw values of an act become typed ones here, whether they came as JSON or as a form."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext as _

from common.errors import InvalidError, MissingError

MOST_VALUES = 50


class Values:
    """What came with a verb. What is not of the wished kind is an `InvalidError` that names the field."""

    def __init__(self, raw: Mapping[str, object]) -> None:
        self._raw = raw

    def text(self, name: str) -> str:
        """A text; nothing is an empty one."""
        value = self._raw.get(name, "")
        if not isinstance(value, str):
            raise self._bad(name)
        return value

    def texts(self, name: str) -> list[str]:
        """Several texts, in their order."""
        if isinstance(self._raw, QueryDict):
            found: Sequence[object] = self._raw.getlist(name)
        else:
            value = self._raw.get(name, [])
            found = value if isinstance(value, list) else [value]
        if len(found) > MOST_VALUES or not all(isinstance(each, str) for each in found):
            raise self._bad(name)
        return [str(each) for each in found]

    def whole(self, name: str, *, least: int, most: int, otherwise: int | None = None) -> int:
        """A whole number within bounds."""
        value = self._raw.get(name, "")
        if value in ("", None) and otherwise is not None:
            return otherwise
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise self._bad(name)
        try:
            number = int(value)
        except ValueError as error:
            raise self._bad(name) from error
        if not least <= number <= most:
            raise self._bad(name)
        return number

    def flag(self, name: str) -> bool:
        """A tick box, or a JSON boolean."""
        return self._raw.get(name, False) in (True, "on", "true", "1", "yes")

    def key(self, name: str = "id") -> UUID:
        """The id of something.

        Raises:
            MissingError: it is none: there is nothing of that name.
        """
        try:
            return UUID(self.text(name))
        except ValueError as error:
            raise MissingError from error

    @staticmethod
    def _bad(name: str) -> InvalidError:
        return InvalidError(
            _("This cannot be used as it is."), next_step=_("Correct it and try again."), code=f"bad_{name}"
        )
