"""A tenant's HTML, as a mail may carry it: nh3 lets safe things through, css-inline puts style into elements.

Mail programs run no scripts, load no style sheets, and each has its own idea of a page: what is left is text,
tables, pictures and links, with style in the elements themselves.
"""

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from html.parser import HTMLParser
from typing import Final

import css_inline
import nh3

from invites.tokens import LINK_ATTRIBUTES, Token

LONGEST: Final = 100_000  # signs; Gmail cuts a mail that is longer than that
DEEPEST: Final = (
    200  # elements in elements: css-inline goes down by recursion, and would take the process along
)


class MarkupError(ValueError):
    """HTML that no mail can carry: longer, or nested more deeply, than anything that people write."""


class Part(StrEnum):
    """What was taken out."""

    ELEMENT = "element"
    ATTRIBUTE = "attribute"
    STYLE = "style"


@dataclass(frozen=True, slots=True)
class Removed:
    """Something that a mail cannot carry, with the line of its first place.

    Args:
        name: `<script>`, `<a href="javascript:…">`, or a property of CSS.
        count: how often it was there.
    """

    part: Part
    name: str
    line: int
    count: int


@dataclass(frozen=True, slots=True)
class CleanHtml:
    """What is left, and what was taken out.

    Args:
        has_moved_style: whether rules of `<style>` now stand in the elements that they were about.
    """

    html: str
    removed: tuple[Removed, ...]
    has_moved_style: bool


@lru_cache(maxsize=256)
def clean_html(source: str) -> CleanHtml:
    """Make a tenant's HTML fit for a mail. What is clean already stays as it is.

    Raises:
        MarkupError: it is too long, or nested too deeply.
    """
    if len(source) > LONGEST:
        raise MarkupError
    tamed = _TAMER.clean(source)  # every element has its end now, so that they can be counted
    if _Inventory(tamed).deepest > DEEPEST:
        raise MarkupError
    cleaned = _CLEANER.clean(_inline(tamed)).strip()
    before, after = _Inventory(source), _Inventory(cleaned)
    return CleanHtml(cleaned, tuple(_removed(before, after)), before.has_rules)


# --- What may stay ------------------------------------------------------------------------------------------

_TABLES: Final = {"table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "th", "td"}
_WORDS: Final = {
    *("a", "abbr", "b", "bdi", "bdo", "big", "br", "center", "cite", "code", "del", "dfn", "em", "font", "i"),
    *("img", "ins", "kbd", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt"),
    *("u", "var", "wbr"),
}
_BLOCKS: Final = {
    *("address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "figcaption", "figure", "footer"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section"),
    "ul",
}
_ELEMENTS: Final = _TABLES | _WORDS | _BLOCKS
# These go with what is in them; of others that are not allowed the words stay.
_WITH_CONTENT: Final = {
    *(
        "script",
        "style",
        "title",
        "iframe",
        "object",
        "embed",
        "applet",
        "svg",
        "math",
        "template",
        "noscript",
    ),
    *("select", "textarea", "audio", "video", "canvas", "frameset"),
}
_SIZES: Final = {"width", "height"}
_CELLS: Final = {"align", "valign", "bgcolor", "colspan", "rowspan", "nowrap", "scope", *_SIZES}
_ATTRIBUTES: Final[dict[str, set[str]]] = {
    "*": {"style", "class", "dir", "lang", "title", "role", "align", "aria-label", "aria-hidden"},
    "a": {"href", "target"},
    "img": {"src", "alt", "border", *_SIZES},
    "table": {"border", "cellpadding", "cellspacing", "bgcolor", "summary", *_SIZES},
    "tr": {"valign", "bgcolor", "height"},
    "td": _CELLS,
    "th": _CELLS,
    "col": {"span", "width"},
    "colgroup": {"span", "width"},
    "font": {"color", "face", "size"},
    "ol": {"start", "type", "reversed"},
    "ul": {"type"},
    "hr": {"size", "width", "color", "noshade"},
    "bdo": {"dir"},
}
_SIDES: Final = ("top", "right", "bottom", "left")
_PROPERTIES: Final = {
    *("background", "background-color", "color", "opacity", "color-scheme"),
    *("font", "font-family", "font-size", "font-style", "font-variant", "font-weight", "line-height"),
    *("letter-spacing", "word-spacing", "text-align", "text-decoration", "text-indent", "text-transform"),
    *("text-shadow", "vertical-align", "white-space", "word-break", "word-wrap", "overflow-wrap", "hyphens"),
    *("direction", "unicode-bidi", "list-style", "list-style-type", "list-style-position"),
    *("width", "min-width", "max-width", "height", "min-height", "max-height", "display", "overflow"),
    *("float", "clear", "visibility", "box-sizing", "box-shadow", "object-fit", "aspect-ratio"),
    *("margin", "padding", "border", "border-color", "border-style", "border-width", "border-radius"),
    *("border-collapse", "border-spacing", "table-layout", "caption-side", "empty-cells", "outline"),
    *("gap", "flex", "flex-wrap", "flex-direction", "align-items", "justify-content"),
    *("mso-hide", "mso-padding-alt", "mso-line-height-rule", "mso-table-lspace", "mso-table-rspace"),
    *("-webkit-text-size-adjust", "-ms-text-size-adjust", "text-size-adjust"),
    *(f"{box}-{side}" for box in ("margin", "padding", "border") for side in _SIDES),
    *(f"border-{side}-{what}" for side in _SIDES for what in ("color", "style", "width")),
    *(f"border-{y}-{x}-radius" for y in ("top", "bottom") for x in ("left", "right")),
}
# Values that fetch, run or escape; a mail has no use for any of them.
_BAD_VALUE: Final = re.compile(r"url\s*\(|image|expression|binding|script|[\\@{}<]", re.IGNORECASE)
_LINK: Final = re.compile(r"(?:https://|mailto:)[^\s{}<>]+", re.IGNORECASE)
_PICTURE: Final = re.compile(r"(?:https://|cid:)[^\s{}<>]+", re.IGNORECASE)


def _inline(source: str) -> str:
    """Rules of `<style>` into the elements that they are about."""
    if "<style" not in source.lower():
        return source
    try:
        return _INLINER.inline(source)
    except css_inline.InlineError:
        return source  # rules that nobody can read are left out with their <style>


_INLINER: Final = css_inline.CSSInliner(load_remote_stylesheets=False)


def _allowed_value(element: str, attribute: str, value: str) -> str | None:
    """The value if it may stay; nothing may bring in a foreign address."""
    if attribute in LINK_ATTRIBUTES:
        address = value.strip()
        if element == "a":
            return address if address == Token.URL.written or _LINK.fullmatch(address) else None
        return address if _PICTURE.fullmatch(address) else None
    if attribute == "style":
        kept = [each.strip() for each in value.split(";") if each.strip() and not _BAD_VALUE.search(each)]
        return "; ".join(kept) or None
    if attribute == "target":
        return "_blank"
    return value


_CLEANER: Final = nh3.Cleaner(
    tags=_ELEMENTS,
    clean_content_tags=_WITH_CONTENT,
    attributes=_ATTRIBUTES,
    attribute_filter=_allowed_value,
    url_schemes={"https", "mailto", "cid"},
    filter_style_properties=_PROPERTIES,
    link_rel=None,  # a mail program opens links in a browser of its own
    strip_comments=True,
)

_TAMER: Final = nh3.Cleaner(
    tags=_ELEMENTS | {"style"},
    clean_content_tags=_WITH_CONTENT - {"style"},
    attributes={**_ATTRIBUTES, "*": _ATTRIBUTES["*"] | {"id"}},  # rules may be about ids
    attribute_filter=_allowed_value,
    url_schemes={"https", "mailto", "cid"},
    link_rel=None,
)

# --- What was taken out -------------------------------------------------------------------------------------

# A mail has them from us.
_OURS: Final = frozenset({"html", "head", "body", "title", "meta", "style"})


_VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)


class _Inventory(HTMLParser):
    """Elements, attributes and properties of CSS in HTML, each counted, with the line where it came first."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.counts: Counter[tuple[Part, str]] = Counter()
        self.lines: dict[tuple[Part, str], int] = {}
        self.has_rules = False
        self.deepest = 0
        self._depth = 0
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self._depth += 1
            self.deepest = max(self.deepest, self._depth)
        self.has_rules = self.has_rules or tag == "style"
        if tag in _OURS:
            return
        self._count(Part.ELEMENT, f"<{tag}>")
        if tag not in _ELEMENTS:
            return
        for name, value in attrs:
            if name == "style":
                for declaration in (value or "").split(";"):
                    if declaration.strip():
                        self._count(Part.STYLE, declaration.partition(":")[0].strip().lower())
            elif name in LINK_ATTRIBUTES:
                self._count(Part.ATTRIBUTE, f'<{tag} {name}="{_short((value or "").strip())}">')
            else:
                self._count(Part.ATTRIBUTE, f"<{tag} {name}>")

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._depth -= 1

    def _count(self, part: Part, name: str) -> None:
        self.counts[part, name] += 1
        self.lines.setdefault((part, name), self.getpos()[0])


def _short(value: str) -> str:
    return value if len(value) <= 60 else f"{value[:59]}…"  # noqa: PLR2004 - fits a line of the list


def _removed(before: _Inventory, after: _Inventory) -> list[Removed]:
    found = [
        Removed(part, name, before.lines[part, name], count)
        for (part, name), count in (before.counts - after.counts).items()
        if part is not Part.STYLE or not after.counts[part, name]
    ]
    return sorted(found, key=lambda each: (each.line, each.part, each.name))
