"""Parts of templates that are rendered once."""

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.utils import translation

from config.once import MOST_KEPT


def rendered(source: str, **values: object) -> str:
    return Template(source).render(Context(values))


def test_nothing_of_one_page_reaches_another() -> None:
    page = Template("{% once %}[{{ name }}]{% endonce %} {{ name }}")
    assert page.render(Context({"name": "Ana"})) == "[] Ana"
    assert page.render(Context({"name": "Ben"})) == "[] Ben"


def test_each_value_has_its_own() -> None:
    page = Template("{% once title=room.title at=at %}{{ title }} at {{ at }}{{ name }}{% endonce %}")
    for title, at in (("One", 1), ("Two", 1), ("One", 2), ("One", 1)):
        answer = page.render(Context({"room": {"title": title}, "at": at, "name": "Ana"}))
        assert answer == f"{title} at {at}"


def test_each_language_has_its_own() -> None:
    page = Template("{% load i18n %}{% once %}{% get_current_language as code %}{{ code }}{% endonce %}")
    for language in ("en", "fr", "en"):
        with translation.override(language):
            assert page.render(Context()) == language


def test_what_is_shown_is_escaped() -> None:
    assert rendered("{% once name=name %}{{ name }}{% endonce %}", name="<b>") == "&lt;b&gt;"


def test_only_so_much_is_kept() -> None:
    page = Template("{% once number=number %}{{ number }}{% endonce %}")
    for number in range(MOST_KEPT + 10):
        page.render(Context({"number": number}))
    assert len(page.nodelist[0]._rendered) == MOST_KEPT  # type: ignore[attr-defined]
    assert page.render(Context({"number": 0})) == "0"


def test_values_have_names() -> None:
    with pytest.raises(TemplateSyntaxError, match="names"):
        Template("{% once room.title %}{% endonce %}")
