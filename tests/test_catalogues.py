"""Promises of the catalogues in locale/: what a translation leaves out or adds, nobody can see in it."""

import re
from collections import Counter
from pathlib import Path
from typing import Final

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils import translation

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
