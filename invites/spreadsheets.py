"""Lists of people, as pasted or as a file -> rows. Pure: bytes or text in, values or a named problem out.

Any separator, any encoding of the spreadsheets at hand, columns in any order, with a first line that names
them or without. What a cell means is decided by whole columns, so that one odd cell does not shift the rest.
Files that we write ourselves come out of here, too.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rooms.policy.roles import Role

MAX_BYTES: Final = 5 * 1024 * 1024
MAX_ROWS: Final = 5000
LONGEST_CELL: Final = 400

DELIMITERS: Final = ",;\t|"
_HARMLESS: Final = "\t\r\n\f\v\x1a\x85"  # controls that stand in texts; old systems end a file with \x1a


class Column(StrEnum):
    """What a column may hold. `NAME` is a whole name."""

    EMAIL = "email"
    FIRST = "first"
    LAST = "last"
    NAME = "name"
    ROLE = "role"
    LANGUAGE = "language"


class SheetProblem(StrEnum):
    """Why something cannot be read as a list."""

    EMPTY = "empty"
    TOO_BIG = "too_big"
    TOO_MANY = "too_many"
    WORKBOOK = "workbook"
    NOT_TEXT = "not_text"


class SheetError(ValueError):
    """It is no list of people."""

    def __init__(self, problem: SheetProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Row:
    """One person of the list, as written. `number` counts as spreadsheets do, the line of names included."""

    number: int
    email: str
    first_name: str = ""
    last_name: str = ""
    role: str = ""
    language: str = ""


def read_bytes(data: bytes) -> list[Row]:
    """The rows of a file.

    Raises:
        SheetError: it is no list, or too long a one.
    """
    if len(data) > MAX_BYTES:
        raise SheetError(SheetProblem.TOO_BIG)
    return read_text(decode(data))


def read_text(text: str) -> list[Row]:
    """The rows of a text.

    Raises:
        SheetError: nobody stands in it, or too many do.
    """
    if any(unicodedata.category(sign) == "Cc" and sign not in _HARMLESS for sign in set(text)):
        raise SheetError(SheetProblem.NOT_TEXT)
    text, delimiter = _announced(text.removeprefix("\ufeff"))
    records = _records(text, delimiter or _delimiter_of(text))
    if not records:
        raise SheetError(SheetProblem.EMPTY)
    if max(len(_addresses_in(cells)) for _number, cells in records) > 1:
        rows = list(_rows_of_recipients(records))
    else:
        rows = _rows_of_table(records)
    if not rows:
        raise SheetError(SheetProblem.EMPTY)
    if len(rows) > MAX_ROWS:
        raise SheetError(SheetProblem.TOO_MANY)
    return rows


# --- Bytes -> text ------------------------------------------------------------------------------------

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: it begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # xlsx, ods and Numbers are zip files; xls is older
_OTHERS: Final = (
    b"%PDF",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"{\\rtf",
    b"RIFF",
    b"\x1f\x8b",
    b"<!DOCTYPE",
)
# Old encodings of western spreadsheets, in the order in which they are believed when nothing tells.
_WITHOUT_UNICODE: Final = ("cp1252", "mac_roman")
_HALF: Final = 0.3  # of every second byte: text in UTF-16 has a zero there in nearly each western letter


def decode(data: bytes) -> str:
    """The text of a file.

    Raises:
        SheetError: it is no text.
    """
    if data.startswith(_WORKBOOKS):
        raise SheetError(SheetProblem.WORKBOOK)
    if data.startswith(_OTHERS):
        raise SheetError(SheetProblem.NOT_TEXT)
    return _decode(data)


def _decode(data: bytes) -> str:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _strictly(data[len(mark) :], name)
    if name := _unmarked_utf16(data):
        return _strictly(data, name)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        readings = [data.decode(name, errors="replace") for name in _WITHOUT_UNICODE]
        return max(readings, key=_plausibility)  # of equals the first


def _strictly(data: bytes, name: str) -> str:
    try:
        return data.decode(name)
    except UnicodeDecodeError as error:
        raise SheetError(SheetProblem.NOT_TEXT) from error


def _unmarked_utf16(data: bytes) -> str:
    zeros = data[0::2].count(0), data[1::2].count(0)
    few, many = sorted(zeros)
    if not many or many < _HALF * len(data) / 2 or few * 4 > many:
        return ""
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _plausibility(text: str) -> int:
    """Names hold letters beside letters; read in the wrong encoding, they hold signs and odd capitals."""
    points = 0
    for found in re.finditer(r"[^\x00-\x7f]", text):
        sign, before, after = found[0], text[: found.start()][-1:], text[found.end() :][:1]
        if sign == "\ufffd":
            points -= 10
        elif not sign.isalpha():
            points -= 2 if before.isalpha() or after.isalpha() else 0
        elif sign.isupper() and before.islower():
            points -= 2
        else:
            points += 1 if "\u00c0" <= sign <= "\u00ff" or sign in "ŒœŠšŽžŸ" else -1
    return points


# --- Text -> cells ------------------------------------------------------------------------------------

_ADDRESS: Final = re.compile(r"[^\s,;|<>\"]+@[^\s,;|<>\"@]+")
_NAMED: Final = re.compile(r"([^<>]*)<\s*(?:mailto:)?([^<>\s]*@[^<>\s]*)\s*>[\s.,;]*")
_TRAILING: Final = re.compile(rf"([^@]*)\s({_ADDRESS.pattern})")
_NEUTRALISED: Final = re.compile(r"\A'(?=[=+\-@])")  # how files of ours keep a cell from being a formula
_NOTHING: Final = f"{DELIMITERS} \t'\""  # a line of separators alone is none
_LONGEST_QUOTATION: Final = 10  # line breaks in one cell: more come from a quotation mark that nobody closed


def _announced(text: str) -> tuple[str, str]:
    """Excel's first line `sep=;`, taken off, and what it says."""
    found = re.match(r"\"?sep=([,;|\t])\"?[ ]*(?:\r\n|\r|\n|$)", text, re.IGNORECASE)
    return (text[found.end() :], found[1]) if found else (text, "")


def _delimiter_of(text: str) -> str:
    """The separator with which most cells are addresses and most lines alike."""
    sample = text[:100_000]

    def merit(delimiter: str) -> tuple[int, int, int]:
        rows = [cells for _number, cells in _records(sample, delimiter)]
        addresses = sum(_is_address(cell) for cells in rows for cell in cells)
        widths = [len(cells) for cells in rows]
        usual = max(set(widths), key=widths.count, default=1)
        return addresses, widths.count(usual) if usual > 1 else 0, usual

    return max(DELIMITERS, key=merit)


def _is_address(cell: str) -> bool:
    return any(form.fullmatch(cell) for form in (_ADDRESS, _NAMED, _TRAILING))


def _records(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """The lines that hold something, with their numbers."""
    try:
        records = list(_parsed(text, delimiter, csv.QUOTE_MINIMAL))
    except csv.Error:
        records = []
    else:
        if all(cell.count("\n") <= _LONGEST_QUOTATION for _number, cells in records for cell in cells):
            return [(number, [_one_line(cell) for cell in cells]) for number, cells in records]
    plain = re.sub(r'"', "", text)
    return list(_parsed(plain, delimiter, csv.QUOTE_NONE))


def _parsed(text: str, delimiter: str, quoting: int) -> Iterator[tuple[int, list[str]]]:
    lines = io.StringIO(text.replace("\x1a", ""), newline="")
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, skipinitialspace=delimiter != "\t")  # type: ignore[arg-type]
    for number, cells in enumerate(reader, start=1):
        stripped = [_NEUTRALISED.sub("", cell.strip()) for cell in cells]
        if len(stripped) == 1 and all(map(_ADDRESS.fullmatch, words := stripped[0].split())):
            stripped = words  # addresses with spaces between them
        if any(cell.strip(_NOTHING) for cell in stripped):
            yield number, stripped


def _one_line(cell: str) -> str:
    return " ".join(cell.split())


# --- Cells -> rows ------------------------------------------------------------------------------------


def _addresses_in(cells: Iterable[str]) -> list[str]:
    return [cell for cell in cells if _is_address(cell)]


def _rows_of_recipients(records: list[tuple[int, list[str]]]) -> Iterator[Row]:
    """Several addresses in a line, as copied from a mail program: each is a person of its own."""
    number = 0
    for _number, cells in records:
        for cell in cells:
            if cell:
                number += 1
                name, email = _named(cell)
                first, last = split_name(name)
                yield _row(number, {"email": email, "first": first, "last": last})


def _rows_of_table(records: list[tuple[int, list[str]]]) -> list[Row]:
    columns = _header(records[0][1])
    if columns:
        body = records[1:]
    else:
        columns, body = _guessed([cells for _number, cells in records]), records
    return [_row_of(number, cells, columns) for number, cells in body]


def _row_of(number: int, cells: Sequence[str], columns: Sequence[Column | None]) -> Row:
    found: dict[str, str] = {}
    for column, cell in zip(columns, cells, strict=False):
        if column is not None and cell and not found.get(column):
            found[column.value] = cell
    if "@" not in found.get("email", ""):
        # A line that is built otherwise than the rest: whatever looks like an address is the address.
        odd = next((name for name, cell in found.items() if _is_address(cell)), "")
        if odd:
            found |= {odd: "", "email": found[odd]}
    name, found["email"] = _named(found.get("email", ""))
    beside = found.get("first") or found.get("last") or ""
    if name and not beside:
        found["name"] = found.get("name") or name
    elif name and not (found.get("first") and found.get("last")):
        # `Okafor, Amara <amara@…>`: the comma of the name was taken for a separator
        found["first"], found["last"] = name.removesuffix(beside).strip(), beside
    if found.get("name"):
        first, last = split_name(found["name"])
        found["first"] = found.get("first") or first
        found["last"] = found.get("last") or last
    return _row(number, found)


def _row(number: int, found: dict[str, str]) -> Row:
    return Row(
        number,
        *(found.get(name, "")[:LONGEST_CELL] for name in ("email", "first", "last", "role", "language")),
    )


def _named(cell: str) -> tuple[str, str]:
    """`Ana Guest <ana@example.org>` -> the name and the address; without one, the name is empty."""
    found = _NAMED.fullmatch(cell) or _TRAILING.fullmatch(cell)
    if not found:
        return "", cell.removeprefix("mailto:")
    name = found[1].strip().strip("\"'").strip()
    return ("" if name.casefold() == found[2].casefold() else name), found[2]


def split_name(name: str) -> tuple[str, str]:
    """A whole name in two: `Vincent van Gogh` ends in `van Gogh`; `Okafor, Amara` begins with its end."""
    last, comma, first = (part.strip() for part in name.partition(","))
    if comma and first and last:
        return first, last
    words = name.replace(",", " ").split()
    if len(words) < 2:  # noqa: PLR2004 - one name is a last name
        return "", " ".join(words)
    start = next((place for place, word in enumerate(words) if place and word[:1].islower()), len(words) - 1)
    return " ".join(words[:start]), " ".join(words[start:])


def _guessed(rows: list[list[str]]) -> list[Column | None]:
    """What the columns are where no line names them: by what stands in them, then by their order."""
    width = max(len(cells) for cells in rows)
    columns: list[Column | None] = [None] * width
    filled = [
        [cells[place] for cells in rows if place < len(cells) and cells[place]] for place in range(width)
    ]

    def take(column: Column, share: list[float], least: float) -> None:
        best = max(range(width), key=lambda place: -1.0 if columns[place] else share[place])
        if not columns[best] and share[best] > least:
            columns[best] = column

    with_at = [float(sum("@" in cell for cell in cells)) for cells in filled]
    take(Column.EMAIL, with_at, 0)
    if Column.EMAIL not in columns:
        columns[0] = Column.EMAIL  # nothing looks like an address: then the first column has bad ones
    take(Column.ROLE, [_share(cells, _sounds_like_role) for cells in filled], 0.4)
    take(Column.LANGUAGE, [_share(cells, _known_language) for cells in filled], 0.4)
    wanted = [Column.FIRST, Column.LAST, Column.ROLE, Column.LANGUAGE]
    wanted = [column for column in wanted if column not in columns]
    free = [place for place in range(width) if columns[place] is None and filled[place]]
    if len(free) == 1 and wanted[:2] == [Column.FIRST, Column.LAST]:
        columns[free[0]] = Column.NAME if any(" " in cell for cell in filled[free[0]]) else Column.LAST
        return columns
    for place, column in zip(free, wanted, strict=False):
        columns[place] = column
    return columns


def _share(cells: list[str], read: object) -> float:
    return sum(bool(read(cell)) for cell in cells) / len(cells) if cells and callable(read) else 0.0


# --- Words --------------------------------------------------------------------------------------------


def _plain(word: str) -> str:
    """Lower case, without accents, signs and spaces."""
    bare = unicodedata.normalize("NFKD", word.casefold())
    return "".join(sign for sign in bare if sign.isalnum() and not unicodedata.combining(sign))


def _vocabulary(words: dict[str, str]) -> dict[str, str]:
    return {_plain(word): meaning for meaning, line in words.items() for word in line.split(",")}


_HEADERS: Final = _vocabulary(
    {
        "email": (
            "email,e-mail,mail,email address,e-mail address,mail address,address,emails,"
            "adresse e-mail,adresse email,adresse mail,adresse électronique,courriel,mél,adresse courriel,"
            "adresse de courriel,correo,correo electrónico,dirección de correo,"
            "dirección de correo electrónico,dirección electrónica,"
            "e-mail-adresse,mailadresse,email-adresse,adresse,primary email,work email,user principal name"
        ),
        "first": (
            "first,first name,firstname,given name,forename,given names,christian name,"
            "prénom,prénoms,primer nombre,nombre de pila,nombres,vorname,vornamen,rufname"
        ),
        "last": (
            "last,last name,lastname,surname,family name,familyname,nom de famille,apellido,apellidos,"
            "nachname,nachnamen,familienname,zuname"
        ),
        "name": (
            "full name,fullname,display name,displayname,person,participant name,nom complet,nom et prénom,"
            "prénom et nom,nombre completo,nombre y apellidos,apellidos y nombre,vollständiger name,"
            "vor- und nachname,name und vorname,anzeigename,guest name,contact"
        ),
        "either": "name,nom,nombre",
        "role": (
            "role,roles,invitation type,type,invitation,rôle,fonction,type d’invitation,type d'invitation,"
            "rol,papel,función,tipo,tipo de invitación,rolle,funktion,einladungsart,art der einladung"
        ),
        "language": "language,lang,locale,langue,idioma,lengua,sprache",
    }
)

_ROLES: Final = _vocabulary(
    {
        "viewer": (
            "viewer,viewers,attendee,attendees,participant,audience,guest,watcher,listener,"
            "spectateur,spectatrice,participante,auditeur,auditrice,observateur,observatrice,invité,invitée,"
            "espectador,espectadora,asistente,oyente,observador,observadora,invitado,invitada,"
            "zuschauer,zuschauerin,zuschauer:in,teilnehmer,teilnehmerin,teilnehmer:in,teilnehmende,"
            "zuhörer,zuhörerin,beobachter,beobachterin,gast"
        ),
        "moderator": (
            "moderator,moderators,mod,chair,facilitator,modérateur,modératrice,animateur,animatrice,"
            "moderador,moderadora,moderatorin,moderator:in,moderation,modération"
        ),
        "speaker": (
            "speaker,speakers,presenter,panelist,panellist,lecturer,guest speaker,talker,"
            "intervenant,intervenante,orateur,oratrice,conférencier,conférencière,présentateur,présentatrice,"
            "ponente,orador,oradora,conferenciante,conferencista,presentador,presentadora,"
            "redner,rednerin,redner:in,referent,referentin,referent:in,sprecher,sprecherin,sprecher:in,"
            "vortragende,vortragender"
        ),
    }
)

_SURNAMES: Final = frozenset({"chair", "gast", "guest", "mod", "sprecher", "talker"})

_LANGUAGES: Final = _vocabulary(
    {
        "en": "en,eng,english,anglais,inglés,englisch",
        "fr": "fr,fra,fre,french,français,francés,französisch",
        "es": "es,spa,spanish,espagnol,español,spanisch,castellano",
        "de": "de,deu,ger,german,allemand,alemán,deutsch",
    }
)
_LANGUAGE_CODE: Final = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{2,6})?")


def read_role(word: str) -> Role | None:
    """The invitation type that a word means, in any of our languages."""
    found = _ROLES.get(_plain(word))
    return Role(found) if found else None


def read_language(word: str) -> str:
    """The code of a language that a word names; empty where it names none."""
    code = _LANGUAGE_CODE.fullmatch(word.strip())
    return _known_language(word) or (word.strip().replace("_", "-").lower()[:10] if code else "")


def _sounds_like_role(word: str) -> bool:
    """Some words for roles are surnames, too: they do not make a column one of roles."""
    return _plain(word) in _ROLES.keys() - _SURNAMES


def _known_language(word: str) -> str:
    code = _LANGUAGE_CODE.fullmatch(word.strip())
    return _LANGUAGES.get(_plain(word), "") or (_LANGUAGES.get(code[1].lower(), "") if code else "")


def _header(cells: list[str]) -> list[Column | None]:
    """What the first line says of the columns; nothing where it names none, but is somebody's."""
    if any("@" in cell for cell in cells):
        return []
    words = [_HEADERS.get(_plain(cell), "") for cell in cells]
    if not any(words):
        return []
    meaning = Column.NAME
    if "first" in words:
        meaning = Column.LAST
    elif "last" in words:
        meaning = Column.FIRST
    return [None if not word else meaning if word == "either" else Column(word) for word in words]


# --- Rows -> a file -----------------------------------------------------------------------------------

_SEPARATORS: Final = {"en": ","}  # elsewhere the comma stands in numbers, and spreadsheets expect a semicolon
_TEMPLATES: Final = {
    "en": ("Email", "First name", "Last name", "Role", "Language"),
    "fr": ("Courriel", "Prénom", "Nom", "Rôle", "Langue"),
    "es": ("Correo", "Nombre", "Apellidos", "Rol", "Idioma"),
    "de": ("E-Mail", "Vorname", "Nachname", "Rolle", "Sprache"),
}


def header_for(language: str) -> tuple[str, ...]:
    """The names of the columns in a language of ours."""
    return _TEMPLATES.get(language[:2], _TEMPLATES["en"])


def write_sheet(rows: Iterable[Iterable[object]], *, language: str) -> bytes:
    """A file that spreadsheets of this language open as they should; no cell of it is a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=_SEPARATORS.get(language[:2], ";"))
    writer.writerows([neutralised(str(cell)) for cell in row] for row in rows)
    return codecs.BOM_UTF8 + out.getvalue().encode()


def neutralised(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell
