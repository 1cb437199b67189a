"""What a mail's HTML may be made of."""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invites.letters import shipped_texts
from invites.markup import DEEPEST, LONGEST, MarkupError, Part, Removed, clean_html


def cleaned(source: str) -> str:
    return clean_html(source).html


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("<p>Hello <b>you</b></p>", "<p>Hello <b>you</b></p>"),
        ('<a href="{URL}">x</a>', '<a href="{URL}">x</a>'),
        ("<a href='mailto:help@x.example'>x</a>", '<a href="mailto:help@x.example">x</a>'),
        ("<img src='https://x.example/a.png' alt='A'>", '<img src="https://x.example/a.png" alt="A">'),
        ("<img src='cid:logo'>", '<img src="cid:logo">'),
        ("<p>5 &lt; 6 & 7</p>", "<p>5 &lt; 6 &amp; 7</p>"),
        ('<td style="color:red;mso-hide:all">x', "x"),
        ("", ""),
        ("  \n", ""),
    ],
)
def test_what_mails_are_made_of_stays(source: str, left: str) -> None:
    assert cleaned(source) == left


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("<script>alert(1)</script><p>x</p>", "<p>x</p>"),
        ("<iframe src='https://evil.example'>x</iframe>y", "y"),
        ("<svg><script>1</script></svg>y", "y"),
        ("<form action='https://evil.example'><input value=x>y</form>", "y"),
        ("<p onclick='x()'>y</p>", "<p>y</p>"),
        ("<a href='javascript:x'>y</a>", "<a>y</a>"),
        ("<a href='http://plain.example'>y</a>", "<a>y</a>"),
        ("<a href='/here'>y</a>", "<a>y</a>"),
        ("<a href='//evil.example'>y</a>", "<a>y</a>"),
        ("<a href='https://x.example/?{URL}'>y</a>", "<a>y</a>"),
        ("<a href='{TITLE}'>y</a>", "<a>y</a>"),
        ("<img src='data:image/png;base64,AAAA'>", "<img>"),
        ("<img src='{URL}'>", "<img>"),
        ("<img srcset='https://evil.example 2x'>", "<img>"),
        ("<td background='https://evil.example'>y", "y"),
        ("<p style='background: url(https://evil.example)'>y</p>", "<p>y</p>"),
        ("<p style='color: red; position: fixed'>y</p>", '<p style="color:red">y</p>'),
        ("<p style='width: expression(x)'>y</p>", "<p>y</p>"),
        ("<p style='color: {TITLE}'>y</p>", "<p>y</p>"),
        ("<p style='color: r\\65 d'>y</p>", "<p>y</p>"),
        ("<!-- <b> --><meta http-equiv=refresh content='0;https://evil.example'><base href=x>y", "y"),
        ("<link rel=stylesheet href=https://evil.example/x.css>y", "y"),
    ],
)
def test_everything_else_is_taken_out(source: str, left: str) -> None:
    assert cleaned(source) == left


def test_rules_move_into_the_elements_that_they_are_about() -> None:
    clean = clean_html(
        "<style>#a .b { color: red; background: url(x) } @import url(x);</style><p id=a><b class=b>x"
    )
    assert clean.html == '<p><b class="b" style="color:red">x</b></p>'
    assert clean.has_moved_style


def test_no_sheet_is_fetched_from_anywhere(tmp_path_factory: pytest.TempPathFactory) -> None:
    sheet = tmp_path_factory.mktemp("sheets") / "a.css"
    sheet.write_text("p { color: red }")
    assert cleaned(f"<link rel=stylesheet href='file://{sheet}'><style>b {{}}</style><p>x</p>") == "<p>x</p>"


def test_what_was_taken_out_is_told_with_its_place() -> None:
    source = (
        "<p onclick=x>\n<script>1</script><a href='javascript:1'>x</a>\n<p style='position: fixed' onclick=y>"
    )
    assert clean_html(source).removed == (
        Removed(Part.ATTRIBUTE, "<p onclick>", 1, 2),
        Removed(Part.ATTRIBUTE, '<a href="javascript:1">', 2, 1),
        Removed(Part.ELEMENT, "<script>", 2, 1),
        Removed(Part.STYLE, "position", 3, 1),
    )


def test_a_page_loses_its_frame_without_a_word_about_it() -> None:
    clean = clean_html(
        "<!doctype html><html lang=en><head><title>T</title></head><body><p>x</p></body></html>"
    )
    assert (clean.html, clean.removed) == ("<p>x</p>", ())


@pytest.mark.parametrize("source", ["<div>" * (DEEPEST + 1), "<b><i></b>" * 2000, "x" * (LONGEST + 1)])
def test_what_nobody_writes_is_refused(source: str) -> None:
    with pytest.raises(MarkupError):
        clean_html(source)


@pytest.mark.parametrize("language", ["en", "de"])
def test_what_is_clean_stays_as_it_is(language: str) -> None:
    html = shipped_texts(language, devices=1).html.strip()
    assert clean_html(html).html == html
    assert clean_html(html).removed == ()


class Page(HTMLParser):
    """Elements and attributes, as browsers of mail would find them."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


BITS = st.sampled_from(
    [
        *("<p>", "</p>", "<a href='", "<a href=", "'>", '">', ">", "<img src=", "<svg>", "<math>", "<style>"),
        *("</style>", "<script>", "</script>", "<!--", "-->", "<table>", "<td>", "<title>", "</title>"),
        *("javascript:x", "https://e.example", "data:x", "{URL}", "{TITLE}", " onclick=x", " style='", "<b "),
        *("color:red;", "background:url(x);", "&quot;", "&#60;", "<mtext>", "<mglyph>", "<noscript>", "\\"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(BITS | st.text(max_size=3), max_size=20).map("".join))
def test_nothing_that_runs_or_fetches_gets_through(source: str) -> None:
    clean = cleaned(source)
    page = Page(clean)
    assert not page.tags & {"script", "style", "svg", "math", "iframe", "title", "noscript", "form", "link"}
    for name, value in page.attributes:
        assert not name.startswith("on")
        if name in {"href", "src"}:
            assert value == "{URL}" or value.startswith(("https://", "mailto:", "cid:"))
        if name == "style":
            assert "url" not in value
    assert cleaned(clean) == clean
