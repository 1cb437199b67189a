"""What people wrote, as text with links: nothing else in it ever becomes a page."""

import pytest

from rooms.templatetags.rooms import with_links

ICE = "https://ice.example/cores"


def link(address: str) -> str:
    """A link that tells the other side nothing of the room, and gets no hold on its page."""
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer nofollow ugc">{address}</a>'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"See {ICE} and http://b.example:8000/", f"See {link(ICE)} and {link('http://b.example:8000/')}"),
        ("HTTPS://ice.example", link("HTTPS://ice.example")),
        (f"{ICE}?a=1&b=2#top", link(f"{ICE}?a=1&amp;b=2#top")),
        (f"Read {ICE}.", f"Read {link(ICE)}."),
        (f"({ICE}), {ICE}?!", f"({link(ICE)}), {link(ICE)}?!"),
        (f"„{ICE}“ and «{ICE}»", f"„{link(ICE)}“ and «{link(ICE)}»"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("data:text/html,hello", "data:text/html,hello"),
        ("file:///etc/hosts //ice.example ice.example", "file:///etc/hosts //ice.example ice.example"),
        (f'{ICE}" onclick="alert(1)', f"{link(ICE)}&quot; onclick=&quot;alert(1)"),
        (f"{ICE}'onclick='alert(1)", f"{link(ICE)}&#x27;onclick=&#x27;alert(1)"),
        (f"{ICE}<script>alert(1)</script>", f"{link(ICE)}&lt;script&gt;alert(1)&lt;/script&gt;"),
        (f"<a href={ICE}>here</a>", f"&lt;a href={link(ICE)}&gt;here&lt;/a&gt;"),
        ("&lt;b&gt;", "&amp;lt;b&amp;gt;"),
        ("", ""),
        (None, ""),
    ],
)
def test_addresses_become_links_and_everything_else_stays_text(text: str | None, shown: str) -> None:
    assert with_links(text) == shown
