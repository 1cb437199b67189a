"""Answers that several views give."""

from urllib.parse import urlencode

from django.http import HttpResponseRedirect


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
