"""Lists as people paste and save them."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invites.spreadsheets import (
    MAX_BYTES,
    MAX_ROWS,
    Row,
    SheetError,
    SheetProblem,
    decode,
    header_for,
    neutralised,
    read_bytes,
    read_language,
    read_role,
    read_text,
    split_name,
    write_sheet,
)
from rooms.policy.roles import Role

ANA = ("ana@example.org", "Ana", "Guest", "speaker", "fr")


def plain(rows: list[Row]) -> list[tuple[str, str, str, str, str]]:
    return [(row.email, row.first_name, row.last_name, row.role, row.language) for row in rows]


# --- Columns ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ana@example.org", ("ana@example.org", "", "", "", "")),
        ("Ana Guest <ana@example.org>", ("ana@example.org", "Ana", "Guest", "", "")),
        ('"Guest, Ana" <ana@example.org>', ("ana@example.org", "Ana", "Guest", "", "")),
        ("Guest, Ana <ana@example.org>", ("ana@example.org", "Ana", "Guest", "", "")),
        ("Ana Guest ana@example.org", ("ana@example.org", "Ana", "Guest", "", "")),
        ("<ana@example.org>", ("ana@example.org", "", "", "", "")),
        ("mailto:ana@example.org", ("ana@example.org", "", "", "", "")),
        ("ana@example.org <ana@example.org>", ("ana@example.org", "", "", "", "")),
        ("ana@example.org,Ana,Guest,speaker,fr", ANA),
        ("ana@example.org;Ana;Guest;speaker;fr", ANA),
        ("ana@example.org\tAna\tGuest\tspeaker\tfr", ANA),
        ("ana@example.org|Ana|Guest|speaker|fr", ANA),
        ("ana@example.org, Ana, Guest, speaker, fr", ANA),
        ("Ana,Guest,ana@example.org,fr,speaker", ANA),
        ("speaker;ana@example.org;Ana;Guest;fr", ANA),
        ("sep=;\r\nana@example.org;Ana;Guest;speaker;fr", ANA),
        ("Ana Guest\tana@example.org", ("ana@example.org", "Ana", "Guest", "", "")),
        ("ana@example.org,Guest", ("ana@example.org", "", "Guest", "", "")),
        ("ana@example.org,Ana,Guest,juggler,fr", ("ana@example.org", "Ana", "Guest", "juggler", "fr")),
        (
            'ana@example.org,"Ana, Dr.",Guest,speaker,fr',
            ("ana@example.org", "Ana, Dr.", "Guest", "speaker", "fr"),
        ),
        ('ana@example.org;"Ana\nMaria";Guest;;', ("ana@example.org", "Ana Maria", "Guest", "", "")),
        ('ana@example.org;Ana "Annie";Guest', ("ana@example.org", 'Ana "Annie"', "Guest", "", "")),
        ("nobody,Ana,Guest", ("nobody", "Ana", "Guest", "", "")),
    ],
)
def test_a_line_without_a_header(text: str, expected: tuple[str, ...]) -> None:
    assert plain(read_text(text)) == [expected]


@pytest.mark.parametrize(
    "header",
    [
        "Email,First name,Last name,Role,Language",
        "E-mail address,Given Name,SURNAME,invitation type,Lang",
        "E-Mail,Vorname,Nachname,Rolle,Sprache",
        "E-Mail-Adresse,Vorname,Name,Funktion,Sprache",
        "Adresse e-mail,Prénom,Nom,Rôle,Langue",
        "Courriel,prenom,nom de famille,role,langue",
        "Correo electrónico,Nombre,Apellidos,Rol,Idioma",
        "CORREO,Nombre,Apellido,Función,Lengua",
        " email , first_name , last-name , ROLE , language ",
    ],
)
def test_a_header_in_any_of_our_languages(header: str) -> None:
    assert plain(read_text(f"{header}\n{','.join(ANA)}")) == [ANA]


@pytest.mark.parametrize("language", ["en", "fr", "es", "de"])
def test_our_own_template_is_read(language: str) -> None:
    written = write_sheet([header_for(language), ANA], language=language)
    assert plain(read_bytes(written)) == [ANA]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Name;E-Mail\nAna van der Guest;ana@example.org", ("Ana", "van der Guest")),
        ("Nom;Courriel\nGuest, Ana;ana@example.org", ("Ana", "Guest")),
        ("Nombre completo;Correo\nAna Guest;ana@example.org", ("Ana", "Guest")),
        ("Email,Full name,Department\nana@example.org,Ana Guest,Geology", ("Ana", "Guest")),
        ("Email,Last name\nAna Guest <ana@example.org>,Guest", ("Ana", "Guest")),
    ],
)
def test_a_whole_name_is_divided_and_strange_columns_are_left(text: str, name: tuple[str, str]) -> None:
    (row,) = read_text(text)
    assert (row.email, row.first_name, row.last_name) == ("ana@example.org", *name)


def test_numbers_are_those_of_the_spreadsheet() -> None:
    rows = read_text('Email;Name\n\nana@example.org;"Ana\nGuest"\n;;\nbo@example.org;Bo Berg\n')
    assert [row.number for row in rows] == [3, 5]


@pytest.mark.parametrize(
    "text",
    [
        "Ana Guest <ana@example.org>; Bo Berg <bo@example.org>",
        "Guest, Ana <ana@example.org>; Berg, Bo <bo@example.org>;",
        '"Guest, Ana" <ana@example.org>, Bo Berg <bo@example.org>',
    ],
)
def test_recipients_copied_from_a_mail_program(text: str) -> None:
    assert plain(read_text(text)) == [
        ("ana@example.org", "Ana", "Guest", "", ""),
        ("bo@example.org", "Bo", "Berg", "", ""),
    ]


@pytest.mark.parametrize(
    "text",
    ["a@x.org b@x.org\nc@x.org", "a@x.org, b@x.org; c@x.org".replace(";", ","), "a@x.org\nb@x.org\nc@x.org"],
)
def test_addresses_alone(text: str) -> None:
    assert [row.email for row in read_text(text)] == ["a@x.org", "b@x.org", "c@x.org"]


def test_a_line_that_is_built_otherwise_is_understood_by_itself() -> None:
    rows = read_text("ana@example.org,Ana,Guest\nBo Berg <bo@example.org>\nCam,cam@example.org,Cole")
    assert [(row.email, row.last_name) for row in rows] == [
        ("ana@example.org", "Guest"),
        ("bo@example.org", "Berg"),
        ("cam@example.org", "Cole"),
    ]


def test_a_quotation_that_nobody_closed_swallows_nothing() -> None:
    lines = [f"p{number}@example.org,Pat,Person{number}" for number in range(40)]
    lines[3] = 'p3@example.org,"Pat,Person3'
    rows = read_text("\n".join(lines))
    assert [row.email for row in rows] == [f"p{number}@example.org" for number in range(40)]
    assert rows[3].first_name == "Pat"


# --- What is no list ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", SheetProblem.EMPTY),
        (b" \r\n\t\n;;;\n", SheetProblem.EMPTY),
        (b"Email;Name\n", SheetProblem.EMPTY),
        (b"%PDF-1.7\n%\xe2\xe3", SheetProblem.NOT_TEXT),
        (b"\x89PNG\r\n\x1a\n\0\0", SheetProblem.NOT_TEXT),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", SheetProblem.NOT_TEXT),
        (b"PK\x03\x04\x14\0", SheetProblem.WORKBOOK),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", SheetProblem.WORKBOOK),
        (b"\x7fELF\x02\x01\x01\0\0\0", SheetProblem.NOT_TEXT),
        (b"\xff\xfe\x00\xd8x", SheetProblem.NOT_TEXT),
        (b"a" * (MAX_BYTES + 1), SheetProblem.TOO_BIG),
        (b"a@example.org\n" * (MAX_ROWS + 1), SheetProblem.TOO_MANY),
    ],
)
def test_what_is_no_list_says_why(data: bytes, problem: SheetProblem) -> None:
    with pytest.raises(SheetError) as refused:
        read_bytes(data)
    assert refused.value.problem == problem


def test_the_longest_list() -> None:
    assert len(read_bytes(b"a@example.org\n" * MAX_ROWS)) == MAX_ROWS


@given(st.binary(max_size=200))
def test_whatever_is_uploaded_is_rows_or_a_named_problem(data: bytes) -> None:
    try:
        rows = read_bytes(data)
    except SheetError:
        return
    assert rows


@given(st.text(max_size=200))
def test_whatever_is_pasted_is_rows_or_a_named_problem(text: str) -> None:
    try:
        rows = read_text(text)
    except SheetError:
        return
    assert len({row.number for row in rows}) == len(rows)


# --- There and back -----------------------------------------------------------------------------------

NAMES = st.text(st.sampled_from("abcxyzABCéèüößñçåøŁżœ’-. \"';,|\n"), min_size=1, max_size=20).filter(
    lambda name: name.strip()[:1].isalpha() and name.strip()[-1:].isalpha() and name.count("\n") < 5
)
ROWS = st.lists(
    st.tuples(
        st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.example", fullmatch=True),
        NAMES,
        NAMES,
        st.sampled_from(["viewer", "Redner:in", "modératrice", ""]),
        st.sampled_from(["en", "Deutsch", ""]),
    ),
    min_size=1,
    max_size=6,
)


@given(
    rows=ROWS,
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    language=st.sampled_from(["en", "fr", "es", "de"]),
    is_announced=st.booleans(),
)
def test_what_a_spreadsheet_writes_is_read_as_it_was(
    rows: list[tuple[str, ...]],
    delimiter: str,
    encoding: str,
    ending: str,
    language: str,
    is_announced: bool,
) -> None:
    out = io.StringIO(newline="")
    if is_announced:
        out.write(f"sep={delimiter}{ending}")
    # Python's own writer takes a line feed for no end of a line where lines end otherwise.
    dialect: dict[str, Any] = {"quoting": csv.QUOTE_ALL} if ending == "\r" else {}
    writer = csv.writer(out, delimiter=delimiter, lineterminator=ending, **dialect)
    writer.writerow(header_for(language))
    writer.writerows(rows)
    read = plain(read_bytes(out.getvalue().encode(encoding)))
    assert read == [tuple(" ".join(cell.split()) for cell in row) for row in rows]


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman"])
@pytest.mark.parametrize(
    "name",
    [
        "Jörg Groß",
        "Zoë Müller",
        "Inés Muñoz",
        "Søren Ångström",
        "François Lefèvre",
        "Œdipe Noël",
        "ÉLODIE ÇELIK",
    ],
)
def test_old_encodings_of_western_names(encoding: str, name: str) -> None:
    assert (
        decode(f"Name;E-Mail\n{name};a@example.org\n".encode(encoding))
        == f"Name;E-Mail\n{name};a@example.org\n"
    )


# --- Words --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "role"),
    [
        ("Viewer", Role.VIEWER),
        ("spectatrice", Role.VIEWER),
        ("ASISTENTE", Role.VIEWER),
        ("Zuschauer*in", Role.VIEWER),
        ("Modératrice", Role.MODERATOR),
        ("moderador/a", Role.MODERATOR),
        ("Moderator:in", Role.MODERATOR),
        ("intervenant", Role.SPEAKER),
        ("Ponente", Role.SPEAKER),
        ("Referentin", Role.SPEAKER),
        ("host", None),
        ("", None),
    ],
)
def test_words_for_roles(word: str, role: Role | None) -> None:
    assert read_role(word) == role


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("fr", "fr"),
        ("FR-ca", "fr"),
        ("Deutsch", "de"),
        ("espagnol", "es"),
        ("pt_BR", "pt-br"),
        ("Klingon!", ""),
    ],
)
def test_words_for_languages(word: str, code: str) -> None:
    assert read_language(word) == code


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Ana Guest", ("Ana", "Guest")),
        ("Guest, Ana Maria", ("Ana Maria", "Guest")),
        ("Vincent van Gogh", ("Vincent", "van Gogh")),
        ("Plato", ("", "Plato")),
        ("", ("", "")),
    ],
)
def test_a_name_in_two(name: str, parts: tuple[str, str]) -> None:
    assert split_name(name) == parts


# --- Files of ours ------------------------------------------------------------------------------------


@given(st.text(max_size=20))
def test_no_cell_is_a_formula(cell: str) -> None:
    assert not neutralised(cell).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert cell in neutralised(cell)


@pytest.mark.parametrize(("language", "separator"), [("en", b","), ("de", b";"), ("fr-ca", b";")])
def test_files_open_as_spreadsheets_of_the_language_expect(language: str, separator: bytes) -> None:
    assert write_sheet([["ä", "=1"]], language=language) == b"\xef\xbb\xbf\xc3\xa4" + separator + b"'=1\r\n"
