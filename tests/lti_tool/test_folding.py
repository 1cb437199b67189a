"""Names and addresses as they are searched."""

import pytest

from lti_tool.folding import fold, name_text, search_text, searched_words


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Müller", "muller"),
        ("José", "jose"),
        ("SØREN Łukasz Đorđe", "soren lukasz dorde"),
        ("Straße", "strasse"),
        ("O’Brien O'Brien", "obrien obrien"),
        ("Æsir Œuvre Þór", "aesir oeuvre thor"),
        ("İstanbul Ayşe", "istanbul ayse"),
        ("Nguyễn", "nguyen"),
        ("王伟", "王伟"),
        ("Ирина", "ирина"),
        ("Cafe\u0301", "cafe"),
        ("ﬁne", "fine"),
        ("", ""),
    ],
)
def test_accents_case_and_special_letters_go(text: str, folded: str) -> None:
    assert fold(text) == folded


def found(typed: str, *names: str, email: str = "x@y.example") -> bool:
    text = search_text(names, email)
    words = searched_words(typed)
    return bool(words) and all(any(spelling in text for spelling in word) for word in words)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("muller", "Jürgen Müller"),
        ("MÜLLER", "Jürgen Müller"),
        ("mueller", "Jürgen Müller"),
        ("Müller", "Jürgen Mueller"),
        ("jorgensen", "Ole Jørgensen"),
        ("joergensen", "Ole Jørgensen"),
        ("strauss", "Strauß"),
        ("obrien", "Flann O’Brien"),
        ("o'brien", "Flann OBrien"),
        ("anne marie", "Anne-Marie Kåre"),
        ("Anne-Marie", "Anne Marie Kåre"),
        ("kaare", "Anne-Marie Kåre"),
        ("Silva, Ana", "Ana Silva"),
        ("lva na", "Ana Silva"),
        ("伟", "王伟 Wei"),
    ],
)
def test_names_are_found_however_they_are_written(typed: str, name: str) -> None:
    assert found(f"{typed} {name[:2]}" if len(typed) == 1 else typed, name)


@pytest.mark.parametrize("typed", ["ana.silva", "silva@in", "@in.ex", "n.example", "ana.silva@in.example"])
def test_any_part_of_an_address_is_found(typed: str) -> None:
    assert found(typed, "A S", email="Ana.Silva@in.example")


@pytest.mark.parametrize("typed", ["", "a", " a ", "a b", "%", "__", "--", "@", "a@", "'"])
def test_less_than_two_letters_is_nothing_to_search_for(typed: str) -> None:
    assert searched_words(typed) == []


def test_a_name_alone_reads_as_it_does_beside_an_address() -> None:
    assert name_text("Jürgen Müller") == " jurgen juergen muller mueller "
    assert search_text(["Jürgen J. Müller"], "x@y").startswith(name_text("Jürgen J. Müller"))


def test_whoever_has_no_address_has_nothing_to_be_found_by() -> None:
    assert search_text(["Ana Silva"], " ") == ""


def test_each_word_stands_once_between_spaces() -> None:
    assert search_text(["Ana Silva", "Ana", "Silva"], "ana@y").count(" ana ") == 1


def test_nothing_that_is_typed_or_told_grows_without_an_end() -> None:
    assert len(searched_words(" ".join(f"word{number}" for number in range(100)))) == 8
    assert len(search_text(["name " * 200 + "x" * 2000], "a@b.example")) <= 602
