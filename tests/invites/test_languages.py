"""Languages: the nearest one that is known, the nearest one that is there."""

import pytest

from invites.languages import (
    is_right_to_left,
    known_language,
    language_choices,
    nearest_language,
    shown_language,
)


@pytest.mark.parametrize(
    ("code", "known"),
    [
        ("fr", "fr"),
        ("fr-CA", "fr"),
        ("pt_BR", "pt-br"),
        ("zh-TW", "zh-hant"),
        ("it-IT-x-private", "it"),
        ("tlh", ""),
        ("", ""),
    ],
)
def test_any_language_that_dates_can_be_told_in_is_known(code: str, known: str) -> None:
    assert known_language(code) == known


@pytest.mark.parametrize(
    ("wanted", "among", "nearest"),
    [
        ("fr-CA", {"fr", "en"}, "fr"),
        ("pt", {"pt-br", "en"}, "pt-br"),
        ("pt-BR", {"pt", "pt-br"}, "pt-br"),
        ("es", {"es-mx", "es-ar"}, "es-ar"),
        ("it", {"fr", "en"}, ""),
        ("", {"fr"}, ""),
    ],
)
def test_a_reader_gets_the_nearest_text(wanted: str, among: set[str], nearest: str) -> None:
    assert nearest_language(wanted, among) == nearest


def test_languages_have_names_and_directions() -> None:
    assert language_choices({"it", "de", "ar", "en"}) == [
        ("en", "English"),
        ("de", "German"),
        ("ar", "Arabic"),
        ("it", "Italian"),
    ]
    assert shown_language("xx") == "xx"
    assert [is_right_to_left(code) for code in ("ar", "de", "xx")] == [True, False, False]
