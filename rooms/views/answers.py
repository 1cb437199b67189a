"""Answers that several views give."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseRedirect

from rooms.frames import is_key


def see_other(address: str, *, notice: str = "") -> HttpResponseRedirect:
    """Go on elsewhere after a change (303).

    Args:
        address: a path of ours.
        notice: a code that `templates/rooms/_notices.html` knows; no session could carry a message.
    """
    query = f"?{urlencode({'notice': notice})}" if notice else ""
    response = HttpResponseRedirect(f"{address}{query}")
    response.status_code = 303
    return response


def key_in(request: HttpRequest) -> str:
    """The page's own name for what it wants done; empty where it gave none that can be kept."""
    key = request.POST.get("client_key", "")
    return key if is_key(key) else ""
