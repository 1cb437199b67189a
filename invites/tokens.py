"""The words in braces of an email template, such as `{URL}`: where they stand, and what is wrong with them.

Values come from people. A template may put them wherever words stand, but nowhere where they could become
part of an address: in links stands `{URL}` alone, and nothing touches it.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from html.parser import HTMLParser
from itertools import pairwise
from typing import Final


class Token(StrEnum):
    """What a template may speak of."""

    URL = "URL"
    FIRSTNAME = "FIRSTNAME"
    LASTNAME = "LASTNAME"
    EMAIL = "EMAIL"
    INVITER = "INVITER"
    ROLE = "ROLE"
    TITLE = "TITLE"
    COURSE = "COURSE"
    START = "START"
    END = "END"
    EXPIRES = "EXPIRES"
    QRCODE = "QRCODE"

    @property
    def written(self) -> str:
        """As it stands in a template."""
        return f"{{{self.value}}}"


class Flaw(StrEnum):
    """What is wrong with a token, or with a text that lacks one."""

    UNKNOWN = "unknown"
    NO_URL = "no_url"
    NOT_IN_SUBJECT = "not_in_subject"
    IN_LINK = "in_link"
    LINK_NOT_ALONE = "link_not_alone"
    GLUED = "glued"
    IN_TAG = "in_tag"
    IN_STYLE = "in_style"


@dataclass(frozen=True, slots=True)
class Finding:
    """A flaw and its place; lines and columns count from 1, and are 0 where the whole text is meant.

    Args:
        suggestion: the token that was probably meant, as it is written; empty where nobody can tell.
    """

    flaw: Flaw
    word: str = ""
    line: int = 0
    column: int = 0
    suggestion: str = ""


NOT_IN_SUBJECTS: Final = frozenset({Token.URL, Token.QRCODE})

# --- Filling ------------------------------------------------------------------------------------------------

_TOKEN: Final = re.compile(r"\{([A-Z]+)\}")
_WORD_JOINER: Final = "\u2060"
# Beside these signs a value cannot grow into an address; nor before the stop that ends a sentence.
_APART: Final = r"\s()\[\]<>«»„“”\u2018’\"',;!?…—–*|"
_TIED_BEFORE: Final = re.compile(rf"[^{_APART}]")
_TIED_AFTER: Final = re.compile(rf"[^{_APART}.:]|[.:]+[^{_APART}.:]")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values in the place of their tokens, once: a value that looks like a token stays as it is.

    An unknown token stays visible too: a mail with a strange word is better than one that never leaves.
    Between a value and a sign that ties it to more stands a word joiner, which nobody sees:
    `{FIRSTNAME}.{LASTNAME}` makes no domain, whatever people are called.
    """

    def value_of(found: re.Match[str]) -> str:
        value = values.get(found[1])
        if value is None:
            return found[0]
        if found[1] == Token.URL or not value:
            return value
        before = _WORD_JOINER if _TIED_BEFORE.match(text, max(found.start() - 1, 0), found.start()) else ""
        after = _WORD_JOINER if _TIED_AFTER.match(text, found.end()) else ""
        return f"{before}{value}{after}"

    return _TOKEN.sub(value_of, text)


def fill_lines(text: str, values: Mapping[str, str]) -> str:
    """As `fill`; a line that holds nothing but tokens without a value is left out."""
    lines = text.splitlines()
    kept = [line for line in lines if not says_nothing(line, values)]
    filled = fill("\n".join(kept), values)
    return filled if len(kept) == len(lines) else re.sub(r"\n{3,}", "\n\n", filled)


def says_nothing(text: str, values: Mapping[str, str]) -> bool:
    """Whether a text has tokens, none of them a value, and no words beside them: `{START} – {END}`."""
    names = _TOKEN.findall(text)
    if not names or any(values.get(name, name) for name in names):
        return False
    return not re.search(r"\w", _TOKEN.sub("", text))


# --- Reading ------------------------------------------------------------------------------------------------

# Whatever looks as if it was meant as a token: `{title}`, `{{ Title }}`, `{First name}`, `{URL` left open.
_MEANT: Final = re.compile(
    r"\{+[ \t]*([^\W\d_][\w .-]{0,39}?)[ \t]*\}+|\{(" + "|".join(token.value for token in Token) + r")\b"
)
_ALIASES: Final[Mapping[str, Token]] = {
    **dict.fromkeys(("LINK", "INVITELINK", "JOINURL", "JOINLINK", "INVITEURL", "HREF"), Token.URL),
    **dict.fromkeys(("NAME", "GIVENNAME", "PRENOM", "VORNAME", "NOMBRE"), Token.FIRSTNAME),
    **dict.fromkeys(("SURNAME", "FAMILYNAME", "NOM", "NACHNAME", "APELLIDO"), Token.LASTNAME),
    **dict.fromkeys(("MAIL", "ADDRESS", "EMAILADDRESS"), Token.EMAIL),
    **dict.fromkeys(("HOST", "SENDER", "FROM", "INVITEDBY"), Token.INVITER),
    **dict.fromkeys(("SESSION", "ROOM", "ENTRY", "MEDIA", "SUBJECT"), Token.TITLE),
    **dict.fromkeys(("DATE", "TIME", "WHEN", "BEGIN", "STARTTIME", "STARTDATE"), Token.START),
    **dict.fromkeys(("ENDTIME", "ENDDATE", "UNTIL"), Token.END),
    **dict.fromkeys(("EXPIRY", "EXPIRATION", "VALIDUNTIL"), Token.EXPIRES),
    **dict.fromkeys(("QR", "CODE", "BARCODE"), Token.QRCODE),
}


def check_subject(subject: str) -> tuple[Finding, ...]:
    """What is wrong with a subject."""
    found = [
        *_unknown(subject),
        *(
            _finding(Flaw.NOT_IN_SUBJECT, match, subject)
            for match in _known(subject)
            if Token(match[1]) in NOT_IN_SUBJECTS
        ),
        *_glued(subject),
    ]
    return _in_order(found)


def check_text(text: str) -> tuple[Finding, ...]:
    """What is wrong with a plain text."""
    missing = [] if Token.URL.written in text else [Finding(Flaw.NO_URL)]
    return (*missing, *_in_order([*_unknown(text), *_glued(text)]))


def check_html(source: str) -> tuple[Finding, ...]:
    """What is wrong with an HTML text."""
    reader = _Reader(source)
    missing = [] if reader.has_link else [Finding(Flaw.NO_URL)]
    return (*missing, *_in_order([*_unknown(source), *reader.findings]))


def suggested(word: str) -> str:
    """The token that this word was probably meant to be, as it is written; empty where nobody can tell."""
    name = re.sub(r"[\W\d_]", "", word).upper()
    alias = _ALIASES.get(name)
    if alias is not None:
        return alias.written
    close = get_close_matches(name, [token.value for token in Token], n=1, cutoff=0.6)
    return Token(close[0]).written if close else ""


def _known(text: str) -> Iterator[re.Match[str]]:
    return (found for found in _TOKEN.finditer(text) if found[1] in Token.__members__)


def _unknown(text: str) -> Iterator[Finding]:
    for found in _MEANT.finditer(text):
        if _TOKEN.fullmatch(found[0]) and found[1] in Token.__members__:
            continue
        yield _finding(Flaw.UNKNOWN, found, text, suggestion=suggested(found[0]))


# What makes an address of the letters around it, for a mail program.
_ADDRESS_SIGNS: Final = re.compile(r"://|www\.|mailto:|@|[/\\=&#%]", re.IGNORECASE)
_ALONE: Final = re.compile(r"[()\[\]<>«»„“”\u2018’\"',;:.!?…—–*_|-]*")


def _glued(text: str, *, offset: int = 0, whole: str = "") -> Iterator[Finding]:
    """Values that touch an address, and `{URL}` where it is not alone."""
    for run in re.finditer(r"\S+", text):
        tokens = list(_known(run[0]))
        if not tokens:
            continue
        rest = _TOKEN.sub(" ", run[0])
        has_url = any(token[1] == Token.URL for token in tokens)
        if has_url:
            is_flawed = len(tokens) > 1 or not _ALONE.fullmatch(rest.replace(" ", ""))
        else:
            is_flawed = bool(_ADDRESS_SIGNS.search(_without_fractions(rest)))
        if is_flawed:
            flaw = Flaw.LINK_NOT_ALONE if has_url else Flaw.GLUED
            first = next((each for each in tokens if each[1] == Token.URL), tokens[0])
            start = offset + run.start() + first.start()
            line, column = _place(whole or text, start)
            yield Finding(flaw, first[0], line, column)


def _without_fractions(run: str) -> str:
    """A run without the strokes between two tokens: `{START}/{END}` is no address."""
    return re.sub(r"(?<= )/(?= )", "", run)


def _finding(flaw: Flaw, found: re.Match[str], text: str, *, suggestion: str = "") -> Finding:
    line, column = _place(text, found.start())
    return Finding(flaw, found[0], line, column, suggestion)


def _place(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def _in_order(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """By place; of two at one place the first: an unknown word is not told about twice."""
    found: dict[tuple[int, int], Finding] = {}
    for finding in findings:
        found.setdefault((finding.line, finding.column), finding)
    return tuple(found[place] for place in sorted(found))


# --- HTML ---------------------------------------------------------------------------------------------------

LINK_ATTRIBUTES: Final = frozenset(
    {
        *(
            "href",
            "src",
            "srcset",
            "background",
            "action",
            "formaction",
            "poster",
            "cite",
            "data",
            "longdesc",
        ),
        *("usemap", "xlink:href", "ping", "manifest", "codebase", "classid", "profile", "lowsrc", "dynsrc"),
    }
)
_ATTRIBUTE: Final = re.compile(r"""([^\s"'<>/=]+)\s*=\s*("[^"]*"|'[^']*'|[^\s"'=<>`]+)""")


class _Reader(HTMLParser):
    """Tokens in HTML, judged by where they stand: in words, in a link, in another attribute, in style."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self.findings: list[Finding] = []
        self.has_link = False
        self._source = source
        self._starts = [0, *(match.end() for match in re.finditer(r"\n", source))]
        self._inside: list[str] = []
        self.feed(source)
        self.close()

    @property
    def _offset(self) -> int:
        line, column = self.getpos()
        return self._starts[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs  # the raw text has the places
        if tag in {"style", "script", "title"}:
            self._inside.append(tag)
        raw, start = self.get_starttag_text() or "", self._offset
        attributes = list(_ATTRIBUTE.finditer(raw))
        for token in _known(raw):
            place = start + token.start()
            around = [each for each in attributes if each.start(2) <= token.start() < each.end(2)]
            if not around:
                self._find(Flaw.IN_TAG, token[0], place)
                continue
            name, value = around[0][1].lower(), around[0][2].strip("\"'").strip()
            self._judge_attribute(tag, name, value, token[0], place)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            self._inside.remove(tag)

    def handle_data(self, data: str) -> None:
        start = self._offset
        if self._inside:
            flaw = Flaw.IN_STYLE if "style" in self._inside else Flaw.IN_TAG
            for token in _known(data):
                self._find(flaw, token[0], start + token.start())
            return
        self.has_link = self.has_link or Token.URL.written in data
        self.findings += _glued(data, offset=start, whole=self._source)

    def _judge_attribute(self, tag: str, name: str, value: str, word: str, place: int) -> None:
        if name == "style":
            self._find(Flaw.IN_STYLE, word, place)
        elif name in LINK_ATTRIBUTES:
            if word != Token.URL.written:
                self._find(Flaw.IN_LINK, word, place)
            elif value != word or (tag, name) != ("a", "href"):
                self._find(Flaw.LINK_NOT_ALONE, word, place)
            else:
                self.has_link = True
        elif word == Token.QRCODE.written:
            self._find(Flaw.IN_TAG, word, place)

    def _find(self, flaw: Flaw, word: str, offset: int) -> None:
        line = bisect_right(self._starts, offset)
        self.findings.append(Finding(flaw, word, line, offset - self._starts[line - 1] + 1))


# --- Filling HTML -------------------------------------------------------------------------------------------

# In clean HTML (see `invites.markup`) values of attributes stand in double quotes; no tag ends inside one.
_TAG: Final = re.compile(r"""<[^<>"]*(?:"[^"]*"[^<>"]*)*>""")


def fill_html(source: str, values: Mapping[str, str], *, in_tags: Mapping[str, str]) -> str:
    """Fill clean HTML with values that are HTML themselves; those `in_tags` go into attributes.

    Words that hold nothing but tokens without a value are left out.
    """
    ends = [(match.start(), match.end()) for match in _TAG.finditer(source)]
    edges = [(0, 0), *ends, (len(source), len(source))]
    parts: list[str] = []
    for (_start, words_from), (words_to, tag_to) in pairwise(edges):
        words = source[words_from:words_to]
        parts.append("" if says_nothing(words, values) else fill(words, values))
        parts.append(fill(source[words_to:tag_to], in_tags))
    return "".join(parts)
