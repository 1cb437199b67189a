"""Languages that a mail may be written in: Django can tell dates in a hundred of them, ours are four."""

from collections.abc import Collection
from typing import Final

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.utils import translation

KNOWN: Final = frozenset(code for code, info in LANG_INFO.items() if "name" in info)


def known_language(code: str) -> str:
    """The known language nearest to this code (`pt_BR` is `pt-br`, `it-CH` is `it`); empty for none."""
    wanted = code.replace("_", "-").lower()
    while wanted:
        if wanted in KNOWN:
            return wanted
        if wanted in LANG_INFO:
            return str(LANG_INFO[wanted]["fallback"][0])
        wanted = wanted.rpartition("-")[0]
    return ""


def nearest_language(wanted: str, among: Collection[str]) -> str:
    """The one of these languages that whoever wants this one reads best; empty where none is the same."""
    code = known_language(wanted)
    if code in among:
        return code
    base = code.partition("-")[0]
    if base in among:
        return base
    return min((each for each in among if base and each.partition("-")[0] == base), default="")


def shown_language(code: str) -> str:
    """Its name, in the language of the page."""
    return str(translation.get_language_info(code)["name_translated"]) if code in KNOWN else code


def is_right_to_left(code: str) -> bool:
    """Whether it is written from right to left."""
    return bool(code in KNOWN and translation.get_language_info(code)["bidi"])


def language_choices(codes: Collection[str]) -> list[tuple[str, str]]:
    """Codes with their names: ours first, the others by name."""
    ours = [code for code, _name in settings.LANGUAGES]
    first = [code for code in ours if code in codes]
    others = sorted(
        (code for code in codes if code not in ours), key=lambda code: shown_language(code).casefold()
    )
    return [(code, shown_language(code)) for code in (*first, *others)]
