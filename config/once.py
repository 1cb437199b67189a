"""`{% once %} … {% endonce %}`: what is the same on every page is rendered once for each language.

A head, a footer, icons and labels vary with the language and nothing else, and rendering them anew is most of
what a page costs. Inside, nothing of the request or of the view can be named: the variables are not there.
"""

from django.template import Library
from django.template.base import Node, NodeList, Parser, Token
from django.template.context import Context
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = Library()


class OnceNode(Node):
    """A part of a template, and what it came to in each language."""

    child_nodelists = ("nodelist",)

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist
        self._rendered: dict[str | None, SafeString] = {}

    def render(self, context: Context) -> SafeString:
        """The part in the language of this answer."""
        language = get_language()
        rendered = self._rendered.get(language)
        if rendered is None:
            # Without variables: those of one request must not reach another.
            rendered = self._rendered[language] = self.nodelist.render(context.new())
        return rendered


@register.tag
def once(parser: Parser, _token: Token) -> OnceNode:
    """Read up to `endonce`."""
    nodelist = parser.parse(("endonce",))
    parser.delete_first_token()
    return OnceNode(nodelist)
