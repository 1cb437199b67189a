"""A mail's HTML for a sandboxed frame of ours. What is shown is kept for a while, under a key nobody guesses.

The address is public, because a frame brings along neither a launch bearer nor, in some browsers, a cookie.
It shows made-up people only, in words that somebody with the right to the console has typed.
"""

from base64 import b64encode
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from common.access import public
from common.errors import GoneError
from common.middleware import error_page
from common.throttle import Limit
from invites.access import Console
from invites.letters import Invitation, Letter
from lti_tool.identity import address_under, allow_framing
from rooms.policy.roles import Role

KEPT_FOR: Final = 3600  # seconds
PREVIEWS: Final = Limit("mail-previews", 300, 600)


def frame_for(letter: Letter, console: Console) -> str:
    """Keep a letter's HTML for a while, and say at which address a frame finds it; empty where it has none.

    Raises:
        ThrottledError: too much was looked at in a short time.
    """
    if not letter.html:
        return ""
    PREVIEWS.count(console.actor)
    html = letter.html.replace("<head>", '<head><base target="_blank">', 1)  # links lead nowhere from here
    for picture in letter.pictures:
        data = f"data:image/png;base64,{b64encode(picture.png).decode()}"
        html = html.replace(f"cid:{picture.cid}", data)
    # All frames around it count: our own page, and the learning platform around that.
    around = " ".join(["'self'", *(console.tab.frame_origins if console.tab else [])])
    key = salted_hmac("invites.mail_preview", f"{around}\n{html}", algorithm="sha256").hexdigest()
    cache.set(f"mail-preview:{key}", (html, around), KEPT_FOR)
    return address_under("/", "invites:mail-preview", [key])


@public("the key in the address is the proof; it shows made-up people only")
@never_cache
@require_safe
def mail_preview(request: HttpRequest, key: str) -> HttpResponseBase:
    """What was kept under this key; else a page that says so, for any frame: it holds nothing."""
    kept = cache.get(f"mail-preview:{key}")
    if kept is None:
        gone = GoneError(
            _("This preview is not kept any more."), next_step=_("Press “Preview” once more to see the mail.")
        )
        return allow_framing(error_page(request, gone), ["*"])
    html, around = kept
    response = HttpResponse(html)
    # Mails carry their style inside them, and the pictures that they name; nothing else is let through.
    response["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data: https:; "
        f"frame-ancestors {around}; sandbox"
    )
    response["Referrer-Policy"] = "no-referrer"
    return response


def sample_invitation(console: Console, language: str) -> Invitation:
    """An invitation as a guest whom this administrator invites would get it."""
    tab = console.tab
    start = timezone.now().replace(hour=13, minute=0, second=0, microsecond=0) + timedelta(days=7)
    with translation.override(language):
        return Invitation(
            url=f"{settings.PUBLIC_URL}/join/their-own-link",
            email="ana@example.org",
            first_name="Ana",
            last_name="Example",
            inviter=tab.person.shown_name if tab else _("Your name"),
            role=Role.SPEAKER,
            title=_("Guest lecture"),
            course=tab.course.title if tab and tab.course else _("Your course"),
            starts_at=start,
            ends_at=start + timedelta(minutes=90),
            time_zone="UTC",
            expires_at=start + timedelta(days=1),
            devices=1,
            can_reply=bool(tab is None or tab.person.email),
        )
