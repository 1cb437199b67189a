"""Promises of the catalogues in locale/: what a translation leaves out or adds, nobody can see in it."""

import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils import translation
from django.utils.translation.template import templatize

ROOT: Final = Path(__file__).resolve().parent.parent
LANGUAGES: Final = [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
# `%(name)s` of gettext and `{TOKEN}` of mail templates.
PLACES: Final = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{[A-Z]+\}")
TAGS: Final = re.compile(r"</?\w+[^<>]*>")


def catalogue_of(language: str) -> Catalog:
    """The catalogue as the translators see it."""
    with (ROOT / "locale" / language / "LC_MESSAGES/django.po").open("rb") as source:
        return read_po(source, locale=language, abort_invalid=True)


def pairs_of(message: Message) -> list[tuple[str, str]]:
    """Each form of a text, with its translation; none for one that is not translated yet."""
    originals = message.id if isinstance(message.id, (tuple, list)) else [message.id]
    strings = message.string if isinstance(message.string, (tuple, list)) else [message.string or ""]
    return [(originals[min(at, len(originals) - 1)], text) for at, text in enumerate(strings) if text]


def test_we_speak_four_languages() -> None:
    assert {code for code, _name in settings.LANGUAGES} == {"en", "fr", "es", "de"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_places_of_its_original(language: str) -> None:
    wrong = []
    for message in catalogue_of(language):
        for original, text in pairs_of(message) if message.id else []:
            places, there = Counter(PLACES.findall(original)), Counter(PLACES.findall(text))
            # "one guest" need not say the number
            is_singular = message.pluralizable and not there - places
            if places != there and not is_singular:
                wrong.append((original, text))
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_tags_of_its_original(language: str) -> None:
    wrong = [
        (original, text)
        for message in catalogue_of(language)
        if message.id
        for original, text in pairs_of(message)
        if Counter(TAGS.findall(original)) != Counter(TAGS.findall(text))
        or (original.startswith("\n"), original.endswith("\n"))
        != (text.startswith("\n"), text.endswith("\n"))
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_translated_is_what_is_shown(language: str) -> None:
    """Compiled by .ci/catalogues.py; what is not translated yet stays English, plural forms too."""
    messages = [message for message in catalogue_of(language) if message.id and not message.pluralizable]
    with translation.override(language):
        for message in [each for each in messages if each.context is None and not each.fuzzy][:200]:
            shown = translation.gettext(str(message.id))
            assert shown == (message.string or shown)
            assert shown
        assert translation.ngettext("%(number)s day", "%(number)s days", 2)


# --- Whole ------------------------------------------------------------------------------------------------

CODE: Final = ("common", "config", "invites", "lti_tool", "rooms")
KEYWORDS: Final = DEFAULT_KEYWORDS | {
    **dict.fromkeys(["gettext", "gettext_lazy", "gettext_noop"], None),
    **dict.fromkeys(["ngettext", "ngettext_lazy"], (1, 2)),
    **dict.fromkeys(["pgettext", "pgettext_lazy"], ((1, "c"), 2)),
}


def sources() -> Iterator[str]:
    """All Python of ours, and templates as the Python that Django's collector makes of them."""
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.read_text()
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.suffix in {".html", ".txt"}:
            lines = templatize(path.read_text(), origin=str(path)).splitlines()
            yield "\n".join(line.strip() for line in lines if "gettext(" in line or "_(" in line)


def texts_of_ours() -> set[str]:
    """Every text that is marked for translation, of a plural the singular."""
    found = (
        each for source in sources() for each in extract("python", io.BytesIO(source.encode()), KEYWORDS)
    )
    return {message[0] if isinstance(message, tuple) else message for _line, message, *_rest in found}


def is_translated(message: Message) -> bool:
    strings = message.string if isinstance(message.string, (tuple, list)) else [message.string]
    return not message.fuzzy and all(strings)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    messages = [message for message in catalogue_of(language) if message.id]
    assert [message.id for message in messages if not is_translated(message)] == []


def test_the_catalogues_hold_every_text() -> None:
    """What is missing came after the last `make messages`."""
    ours = texts_of_ours()
    for language in LANGUAGES:
        held = {each.id[0] if each.pluralizable else each.id for each in catalogue_of(language) if each.id}
        assert ours - held == set(), language
