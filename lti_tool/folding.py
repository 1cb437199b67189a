"""Names and addresses as they are searched: without accents, case or punctuation between words. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

MAX_LENGTH: Final = 600  # of what is kept for one person
_MOST_WORDS: Final = 8  # of a search: each costs a condition

# Letters that do not come apart into a base letter and a mark.
_LETTERS: Final = str.maketrans(
    dict(zip("øłđðħŧıŋĸə", "olddhtinke", strict=True))
    | {"æ": "ae", "œ": "oe", "þ": "th", "ß": "ss"}
    | dict.fromkeys("'’‘ʼʻ`´′", "")  # O'Brien and OBrien are one name  # noqa: RUF001 - real signs
)
# How people write these letters where a keyboard has none of them.
_WRITTEN_OUT: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
# What stands inside addresses becomes letters: to PostgreSQL's trigrams anything else ends a word, and every
# address of a campus would have a word beginning with its domain.
_SIGNS: Final = str.maketrans("@._+", "ʘǀǁǂ")
_SIGN_LETTERS: Final = frozenset("ʘǀǁǂ")
_BETWEEN_WORDS: Final = re.compile(r"[\s\-‐‑‒–—,;:()<>\"“”„«»/|]+")  # noqa: RUF001 - real signs
_BETWEEN_PARTS: Final = re.compile(r"[^\w]+|_+")


def fold(text: str) -> str:
    """The text without case, accents, apostrophes and special letters."""
    if text.isascii():
        return text.lower().translate(_LETTERS)
    apart = unicodedata.normalize("NFKD", text)
    bare = "".join(sign for sign in apart if unicodedata.category(sign) != "Mn")
    folded = bare.casefold().translate(_LETTERS)
    return "".join(sign for sign in folded if unicodedata.category(sign) != "Mn")


def spellings(word: str) -> tuple[str, ...]:
    """How a word may have been written down: `Müller` as `muller` and as `mueller`."""
    bare = fold(word)
    if word.isascii():
        return (bare,)
    written_out = fold(unicodedata.normalize("NFC", word).lower().translate(_WRITTEN_OUT))
    return (bare,) if bare == written_out else (bare, written_out)


def name_words(*names: str) -> list[str]:
    """The words of some names, each spelling once, in their order."""
    found = (
        spelling for name in names for word in _BETWEEN_WORDS.split(name) for spelling in spellings(word)
    )
    return list(dict.fromkeys(word for word in found if word))


def search_text(names: Iterable[str], address: str) -> str:
    """What is searched for one person: ` word word address `; nothing without an address to invite.

    Each word stands between spaces, so that ` mu` finds the beginnings of words.
    """
    folded = fold(address.strip())
    if not folded:
        return ""
    parts = _BETWEEN_PARTS.split(folded.rpartition("@")[0])
    words = dict.fromkeys([*name_words(*names), folded, *(part for part in parts if part)])
    return f" {' '.join(words)[:MAX_LENGTH]} ".translate(_SIGNS)


def name_text(name: str) -> str:
    """A name as `search_text` has it, without an address beside it."""
    return f" {' '.join(name_words(name))} ".translate(_SIGNS)


def searched_words(typed: str) -> list[tuple[str, ...]]:
    """The words that somebody typed, each with its spellings; none where too little was typed to search for.

    One word at least has two letters or digits: a single letter means half of a campus.
    """
    words = [
        tuple(spelling.translate(_SIGNS) for spelling in spellings(word))
        for word in dict.fromkeys(_BETWEEN_WORDS.split(typed))
        if any(sign.isalnum() for sign in word)
    ][:_MOST_WORDS]
    return words if any(_letters(word[0]) > 1 for word in words) else []


def _letters(word: str) -> int:
    return sum(sign.isalnum() and sign not in _SIGN_LETTERS for sign in word)
