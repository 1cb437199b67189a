"""Promises of the whole project: what every file keeps to, whoever writes it."""

import ast
import re
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.template.base import Lexer, TokenType
from django.urls import URLPattern, URLResolver, get_resolver

from config.middleware import OPERATED_PATHS

ROOT = Path(__file__).resolve().parent.parent
APPS = ("common", "config", "invites", "lti_tool", "practice_lms", "rooms")

TOP_LEVEL = {
    *APPS,
    *("manage.py", "pyproject.toml", "requirements.lock", "Makefile", "compose.yaml"),
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"),
    *("templates", "static", "locale", "keys", "docs", "benchmarks", "deploy", "tests"),
    *(".ci", ".editorconfig", ".gitignore", ".gitattributes"),
}
DRAWERS = {"utils", "util", "helpers", "helper", "misc", "tools", "base_utils", "shared"}
LARGEST = 1024 * 1024  # bytes


def project_files() -> list[Path]:
    """What is in the repository, or would be with the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


FILES = project_files()
BINARY = {".bcmap", ".pdf", ".webm"}  # the smallest of them hold no zero byte


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def texts(*suffixes: str, under: str = "") -> Iterator[tuple[str, str]]:
    """Names and contents of text files; all of them without a suffix."""
    for path in FILES:
        if named(path).startswith(under) and (not suffixes or path.suffix in suffixes):
            data = path.read_bytes()
            if b"\0" not in data and path.suffix not in BINARY:
                yield named(path), data.decode()


# ----------------------------------------------------------------------------------------------------- layout


def test_only_known_names_stand_at_the_top() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in FILES} - TOP_LEVEL == set()


def test_common_stays_at_six_files() -> None:
    modules = [path.name for path in FILES if path.parent == ROOT / "common" and path.suffix == ".py"]
    assert len(set(modules) - {"__init__.py"}) <= 6, "a seventh needs a decision in docs/adr/"


def test_no_file_is_a_drawer() -> None:
    assert [named(path) for path in FILES if path.stem in DRAWERS and path.suffix == ".py"] == []


def test_keys_are_never_committed() -> None:
    assert {path.name for path in FILES if ROOT / "keys" in path.parents} == {"README.md", ".gitignore"}
    private = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
    assert [name for name, text in texts() if private.search(text)] == []


def test_no_file_is_large() -> None:
    large = [named(path) for path in FILES if path.stat().st_size > LARGEST]
    assert large == ["static/vendor/pdfjs/pdf.worker.min.js"]  # all of pdf.js that reads a document


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    own = re.escape(f"{ROOT}/") if len(ROOT.parts) > 2 else "(?!)"
    place = re.compile(rf"(?<![\w.~-])/(?:home|Users)/\w|(?<![\w.~-])/root[/]|[A-Z]:\\Users|{own}")
    found = [name for name, text in texts() if place.search(text)]
    assert [name for name in found if not name.startswith("static/vendor/")] == []


# ----------------------------------------------------------------------------------------------- dependencies


def test_every_locked_requirement_has_its_hashes_and_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    requirements = re.findall(r"^[a-z0-9].*(?:\n    .*)*", lock, flags=re.MULTILINE)
    assert len(requirements) > 20
    assert [each.split()[0] for each in requirements if "--hash=sha256:" not in each] == []
    assert re.search(r"://|\s@\s|--index|--find-links", lock) is None


def test_no_lock_of_npm_has_an_address() -> None:
    locks = {name: text for name, text in texts() if name.endswith("package-lock.json")}
    assert locks
    assert [name for name, text in locks.items() if "://" in text] == []


# ----------------------------------------------------------------------------------------------------- access


def views(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every view with its route; Django's admin guards itself."""
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield route, entry
        elif entry.app_name != "admin":
            yield from views(entry, route)


def test_every_view_says_who_may_call_it() -> None:
    marks = {route: getattr(entry.callback, "access", None) for route, entry in views(get_resolver())}
    assert marks
    assert [route for route, mark in marks.items() if not mark] == []


def test_every_public_view_has_its_reason() -> None:
    marks = [str(getattr(entry.callback, "access", "")) for _, entry in views(get_resolver())]
    assert [mark for mark in marks if mark.startswith("public") and len(mark) < len("public: because")] == []


# Where Django's check of forms cannot be had, and what stands in its place.
OWN_CHECKS = {
    "lti/login/": "nothing in it is believed",
    "lti/launch/": "a signed token, and a state that is bound to the browser",
    "lti/launch/finish/": "the origin",
    "lti/tab/": "the origin",
    "lti/register/<str:secret>/<str:key>/": "a signed value in the form",
    **dict.fromkeys((f"picker/{name}/" for name in ("browse", "choose", "new", "cancel")), "a signed ticket"),
    **dict.fromkeys((f"join/<str:token>{way}" for way in ("", "/code", "/move", "/new-link")), "a form key"),
}


def test_every_form_is_checked() -> None:
    unchecked = {
        route for route, entry in views(get_resolver()) if getattr(entry.callback, "csrf_exempt", False)
    }
    assert unchecked == set(OWN_CHECKS)
    assert "config.middleware.FormMiddleware" in settings.MIDDLEWARE


def test_consoles_stand_where_operators_are_known() -> None:
    marks = {route: getattr(entry.callback, "access", None) for route, entry in views(get_resolver())}
    consoles = [route for route, mark in marks.items() if mark == "console"]
    assert consoles
    assert [route for route in consoles if not f"/{route}".startswith(OPERATED_PATHS)] == []


# ----------------------------------------------------------------------------------------------------- layers

WRITES = re.compile(r"a?(save|create|bulk_create|bulk_update|get_or_create|update_or_create)")
WRITES_OF_A_QUERY = re.compile(r"a?(update|delete)")
TRANSACTIONS = {"atomic", "on_commit", "select_for_update"}


def writes(tree: ast.AST) -> Iterator[int]:
    """Lines that write to the database, or take part in a transaction."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in TRANSACTIONS:
            yield node.lineno
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            on = ast.unparse(node.func.value)
            is_query = re.search(r"\.objects\b|\.(filter|exclude|all)\(|_set\b", on) is not None
            if WRITES.fullmatch(node.func.attr) or (is_query and WRITES_OF_A_QUERY.fullmatch(node.func.attr)):
                yield node.lineno


@pytest.mark.parametrize("line", ["form.save()", "Poll.objects.create(title=t)", "room.polls.all().delete()"])
def test_a_write_is_seen(line: str) -> None:
    assert list(writes(ast.parse(line))) == [1]


@pytest.mark.parametrize("line", ["context.update(more)", "cache.delete(key)", "room = room_for(viewer, pk)"])
def test_what_is_no_write_is_let_be(line: str) -> None:
    assert list(writes(ast.parse(line))) == []


def test_views_and_consumers_leave_writing_to_services() -> None:
    speaks_http = re.compile(r"^(?!tests/|practice_lms/).*(?:/views/.*|/views|/consumers)\.py$")
    found = [
        f"{name}:{line}"
        for name, text in texts(".py")
        if speaks_http.match(name)
        for line in writes(ast.parse(text))
    ]
    assert found == []


def migrations() -> list[tuple[str, str]]:
    return [(name, text) for name, text in texts(".py") if re.search(r"/migrations/\d", name)]


def test_migrations_are_named_by_meaning() -> None:
    assert [name for name, _ in migrations() if re.search(r"_auto_|_and_more|_alter_\w+_\w+_\w+", name)] == []


def test_migrations_import_nothing_of_ours() -> None:
    """A migration must still run when the code it was written beside has long changed."""
    ours = re.compile(rf"^\s*(?:from|import) (?:{'|'.join(APPS)})\b", flags=re.MULTILINE)
    assert [name for name, text in migrations() if ours.search(text)] == []


# ------------------------------------------------------------------------------------------------------ texts

# Words that stand in pages as they are, in every language.
UNTRANSLATED = {
    "Foyer",  # our name
    "LTI",
    "UTC",
    "CSV",
}
READ_ALOUD = ("alt", "aria-description", "aria-label", "placeholder", "title")
WORD = re.compile(r"[^\W\d_]{2,}")
CLASS_BLOCKS = re.compile(r"block (?:\w+_class|tone)")  # a page fills a class attribute of the one it extends


class Page(HTMLParser):
    """Collects the words that a template writes itself, and the addresses that it loads from elsewhere."""

    SILENT = frozenset({"script", "style"})
    LOADING = frozenset(
        {"audio", "embed", "iframe", "image", "img", "link", "object", "script", "source", "use", "video"}
    )

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.loads: list[str] = []
        self._silence = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silence += tag in self.SILENT
        for name, value in attrs:
            if name in READ_ALOUD or (
                tag == "meta" and name == "content" and ("name", "description") in attrs
            ):
                self._read(value or "")
            if tag in self.LOADING and re.match(r"(?:https?:)?//", value or ""):
                self.loads.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._silence -= tag in self.SILENT

    def handle_data(self, data: str) -> None:
        if not self._silence:
            self._read(data)

    def _read(self, text: str) -> None:
        self.words += [word for word in WORD.findall(text) if word not in UNTRANSLATED]


def own_text(template: str) -> str:
    """Leave what the template itself says: no tags, no variables, nothing that goes through gettext."""
    kept: list[str] = []
    inside = ""  # the block whose content is not the template's own
    for token in Lexer(template).tokenize():
        if token.token_type == TokenType.BLOCK:
            tag = token.contents.split()[0]
            if not inside and (
                tag in {"blocktranslate", "blocktrans", "comment"} or CLASS_BLOCKS.fullmatch(token.contents)
            ):
                inside = tag
            elif tag == f"end{inside}":
                inside = ""
        elif token.token_type == TokenType.TEXT and not inside:
            kept.append(token.contents)
    return " ".join(kept)


def read(name: str, template: str) -> Page:
    page = Page()
    if name.endswith(".txt"):
        page.handle_data(own_text(template))
    else:
        page.feed(own_text(template))
        page.close()
    return page


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("<p>Hello {{ name }}</p>", ["Hello"]),
        ('<img alt="A door" src="{{ door }}">', ["door"]),
        ("<p>{% blocktranslate %}Hello {{ name }}{% endblocktranslate %} – 3 × 4</p>", []),
        ("<a title=\"{% translate 'Back' %}\" href='/x'>{% translate 'Back' %}</a>", []),
        ("{% block body_class %}page wide{% endblock %}", []),
        ("{# a remark #}<script>let here = 1</script><b class='{% if x %}on{% endif %}'></b>", []),
    ],
)
def test_untranslated_words_are_seen(template: str, words: list[str]) -> None:
    assert read("page.html", template).words == words


def test_every_text_of_a_page_or_mail_is_translated() -> None:
    templates = texts(".html", ".txt", under="templates/")
    found = {name: words for name, text in templates if (words := read(name, text).words)}
    assert found == {}


def test_pages_load_nothing_from_elsewhere() -> None:
    templates = texts(".html", under="templates/")
    assert {name: loads for name, text in templates if (loads := read(name, text).loads)} == {}


def test_static_files_load_nothing_from_elsewhere() -> None:
    load = re.compile(
        r"""(?:url\(|@import|\bimport\(?|\bfrom|\bsrc=|\bhref=|\bfetch\()\s*["'(]?\s*(?:https?:)?//""",
    )
    static = texts(".css", ".js", ".svg", ".html", ".webmanifest", under="static/")
    assert [name for name, text in static if load.search(text)] == []


def test_whatever_a_page_of_a_tab_fetches_may_carry_its_bearer() -> None:
    """A tab without cookies shows who it is in a header, which scripts ask for by `foyer:request`."""
    pages_without_tab = {"static/js/join.js", "static/js/bearer.js", "static/js/lti/ask.js"}
    bare = [
        f"{name}: {line.strip()}"
        for name, text in texts(".js", under="static/js/")
        if name not in pages_without_tab
        for line in text.splitlines()
        if re.search(r"\bfetch\(", line)
        and not ("foyer:request" in text and re.search(r"\b(?:headers|options)\b|ourHeaders\(", line))
    ]
    assert bare == []


# ------------------------------------------------------------------------------------------------------ tests


def test_tests_leave_nothing_out_and_pretend_nothing() -> None:
    """No test is skipped or expected to fail, and none replaces a part of ours by a stand-in."""
    evasion = re.compile(
        r"\bmark\.(?:skip|xfail)|\bpytest\.(?:skip|xfail|importorskip)\(|\bunittest\.mock\b|\bmocker\b"
    )
    here = named(Path(__file__))
    assert [
        name for name, text in texts(".py", under="tests/") if name != here and evasion.search(text)
    ] == []
