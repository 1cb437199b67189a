"""Promises of the looks: what is named exists, colours are readable, and the last page needs nothing."""

import re
from pathlib import Path
from typing import Final

import pytest
from django.template.loader import render_to_string

ROOT: Final = Path(__file__).resolve().parent.parent
TOKENS: Final = (ROOT / "static/css/tokens.css").read_text()
LIGHT_PART, DARK_PART = TOKENS.split("@media (prefers-color-scheme: dark)")
LIGHT: Final = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", LIGHT_PART))
DARK: Final = LIGHT | dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", DARK_PART))

GROUNDS: Final = ("bg", "surface", "sunken")
SOFT: Final = ("lamp-soft", "primary-soft", "info-soft", "success-soft", "warning-soft", "danger-soft")
TEXT: Final = [
    *[("ink", ground) for ground in (*GROUNDS, *SOFT)],
    *[(ink, ground) for ink in ("ink-soft", "link", "danger") for ground in GROUNDS],
    *[(name, f"{name}-soft") for name in ("info", "success", "warning", "danger")],
    ("ink-soft", "lamp-soft"),
    ("on-primary", "primary"),
    ("on-primary", "primary-strong"),
    ("on-primary-soft", "primary-soft"),
    ("on-lamp-soft", "lamp-soft"),
    ("on-danger", "danger"),
    ("on-danger", "danger-strong"),
    ("on-stage", "stage"),
    ("on-stage-soft", "stage"),
    ("bg", "ink"),
]
SHAPES: Final = [(shape, ground) for shape in ("line-strong", "focus", "primary") for ground in GROUNDS]


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_is_readable(scheme: dict[str, str], ink: str, ground: str) -> None:
    assert contrast(scheme[ink], scheme[ground]) >= 4.5


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("shape", "ground"), SHAPES)
def test_borders_and_focus_are_seen(scheme: dict[str, str], shape: str, ground: str) -> None:
    assert contrast(scheme[shape], scheme[ground]) >= 3


def test_every_colour_of_the_dark_scheme_exists_in_the_light_one() -> None:
    assert set(re.findall(r"--([\w-]+):", DARK_PART)) <= set(re.findall(r"--([\w-]+):", LIGHT_PART))


def test_every_custom_property_in_use_is_defined() -> None:
    sheets = "".join(path.read_text() for path in (ROOT / "static/css").glob("*.css"))
    used = set(re.findall(r"var\(--([\w-]+)", sheets))
    assert used <= set(re.findall(r"--([\w-]+):", sheets))


@pytest.mark.parametrize(("part", "sheet"), [("_icon.html", "icons.svg"), ("_art.html", "art.svg")])
def test_every_drawing_that_a_template_names_exists(part: str, sheet: str) -> None:
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "static/img" / sheet).read_text()))
    pages = "".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    named = set(re.findall(rf'include "{part}" with name="([\w-]+)"', pages))
    assert named <= drawn


@pytest.mark.parametrize("path", sorted((ROOT / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_pages_keep_to_the_content_security_policy(path: Path) -> None:
    if "mail" in path.relative_to(ROOT / "templates").parts:
        return  # mail clients know only inline styles
    page = path.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|<script(?![^>]*\bsrc=)|javascript:", page)


@pytest.mark.parametrize("page", ["400", "403", "404", "409", "410", "429", "500", "503", "tab", "launch"])
def test_an_error_page_needs_no_context_and_no_database(page: str) -> None:
    html = render_to_string(f"errors/{page}.html")
    assert html.count("<h1") == 1
    assert "data-dialog-content" in html


def test_every_class_that_a_page_names_is_drawn() -> None:
    sheets = "".join(path.read_text() for path in (ROOT / "static/css").glob("*.css"))
    drawn = set(re.findall(r"\.([a-zA-Z][\w-]*)", sheets))
    unknown: dict[str, set[str]] = {}
    for path in sorted((ROOT / "templates").rglob("*.html")):
        if "mail" in path.relative_to(ROOT / "templates").parts:
            continue
        page = re.sub(r"\{%.*?%\}|\{#.*?#\}|[\w-]*\{\{.*?\}\}[\w-]*", " ", path.read_text(), flags=re.DOTALL)
        named = {name for names in re.findall(r'\sclass="([^"]*)"', page) for name in names.split()}
        if named - drawn:
            unknown[path.name] = named - drawn
    assert unknown == {}
