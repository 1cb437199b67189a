"""What templates of rooms ask for beside their context."""

import re
from typing import Final

from django import template
from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from lti_tool.models import Tab
from rooms.models import Entry
from rooms.policy.doors import door_state, schedule_of
from rooms.queries import entry_shown_at

register = template.Library()


@register.simple_tag
def upward_url(setting: str, *args: object) -> str:
    """The address of a page of an app above, named by a setting; empty where that app is not mounted."""
    try:
        return reverse(getattr(settings, setting), args=args)
    except NoReverseMatch:
        return ""


@register.simple_tag
def doors_of(entry: Entry) -> str:
    """The state of the doors now: `before`, `open`, `closed` or `ended`."""
    return door_state(schedule_of(entry), now=timezone.now()).value


@register.simple_tag
def is_shown_at(entry: Entry, tab: Tab | None) -> bool:
    """Whether the link that the tab was launched from shows this entry."""
    return bool(tab and tab.placement and entry_shown_at(tab.placement) == entry)


_LINK: Final = re.compile(r"https?://[^\s<>\"'\u00ab\u00bb\u201c\u201d]+", re.IGNORECASE)
_AFTER_A_LINK: Final = ".,;:!?)]}\u2026"


@register.filter
def with_links(text: str | None) -> SafeString:
    """What somebody wrote, as text with links that can be followed (as `static/js/room/text.js` does)."""
    parts: list[tuple[str]] = []
    at = 0
    for found in _LINK.finditer(text or ""):
        address = found[0].rstrip(_AFTER_A_LINK)
        pattern = '<a href="{}" target="_blank" rel="noopener noreferrer nofollow ugc">{}</a>'
        parts += [((text or "")[at : found.start()],), (format_html(pattern, address, address),)]
        at = found.start() + len(address)
    return format_html_join("", "{}", [*parts, ((text or "")[at:],)])
