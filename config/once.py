"""`{% once %} … {% endonce %}`: what is the same on many pages is rendered once for each language.

A head, a footer, icons and labels vary with the language and nothing else, and rendering them anew is most of
what a page costs. What varies with a few values is rendered once for each of them: `{% once at=entry.starts_at %}`.
Inside, these names are all there is: nothing else of a request can be named, and so none of it reaches another.
"""

from collections import OrderedDict
from threading import Lock
from typing import Final

from django.template import Library
from django.template.base import (
    FilterExpression,
    Node,
    NodeList,
    Parser,
    TemplateSyntaxError,
    Token,
    token_kwargs,
)
from django.template.context import Context
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = Library()

MOST_KEPT: Final = 512  # renderings of one part; the oldest goes first


class OnceNode(Node):
    """A part of a template, and what it came to."""

    child_nodelists = ()  # no block is in there, so nobody has to look

    def __init__(self, values: dict[str, FilterExpression], nodelist: NodeList) -> None:
        self._values = values
        self._nodelist = nodelist
        self._rendered: OrderedDict[object, SafeString] = OrderedDict()
        self._lock = Lock()

    def render(self, context: Context) -> SafeString:
        """The part for these values, in the language of this answer."""
        if not self._values:
            return self._kept(get_language(), context, {})
        values = {name: value.resolve(context) for name, value in self._values.items()}
        return self._kept((get_language(), *values.values()), context, values)

    def _kept(self, key: object, context: Context, values: dict[str, object]) -> SafeString:
        rendered = self._rendered.get(key)
        if rendered is None:
            rendered = self._nodelist.render(context.new(values))
            with self._lock:
                self._rendered[key] = rendered
                if len(self._rendered) > MOST_KEPT:
                    self._rendered.popitem(last=False)
        return rendered


@register.tag
def once(parser: Parser, token: Token) -> OnceNode:
    """Read the values, and everything up to `endonce`."""
    words = token.split_contents()[1:]
    values = token_kwargs(words, parser)
    if words:
        raise TemplateSyntaxError("`once` takes values with names, as in {% once at=entry.starts_at %}")
    nodelist = parser.parse(("endonce",))
    parser.delete_first_token()
    return OnceNode(values, nodelist)
