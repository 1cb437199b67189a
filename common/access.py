"""Every view says who may call it; a view that says nothing is refused.

A mark is an attribute `access` on the view function. `public` marks the views that anybody may call; the
other marks (`lti_tool.identity.for_tab`, `rooms.access.for_viewer`, `invites.access.for_console`) check an
identity.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from django.http import HttpRequest, HttpResponseBase

if TYPE_CHECKING:
    from django.urls import ResolverMatch

View = Callable[..., HttpResponseBase]
V = TypeVar("V", bound=View)
_PUBLIC: Final = "public"


def mark(view: V, who: str) -> V:
    """Write the access mark `who` on a view (used by the decorators only)."""
    view.access = who  # type: ignore[attr-defined]
    return view


def public(why: str) -> Callable[[V], V]:
    """Let anybody call the view.

    Args:
        why: the reason why no identity is asked for; read by people who review the list of public views.
    """

    def decorate(view: V) -> V:
        return mark(view, f"{_PUBLIC}: {why}")

    return decorate


class UnmarkedViewError(RuntimeError):
    """A view was reached that does not say who may call it: a mistake of ours, answered as a server error."""


class AccessMiddleware:
    """Refuse views without a mark. Django's own admin guards itself, static files are public by nature.

    What is not for anybody is kept by no cache, unless its view says otherwise.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        who: str = getattr(request.resolver_match and request.resolver_match.func, "access", "")
        if who and not who.startswith(_PUBLIC):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    def process_view(self, request: HttpRequest, view: View, _args: object, _kwargs: object) -> None:
        """Raise `UnmarkedViewError` for a view that does not say who may call it."""
        match: ResolverMatch | None = request.resolver_match
        if getattr(view, "access", None) is None and (match is None or match.app_name != "admin"):
            raise UnmarkedViewError(getattr(view, "__qualname__", repr(view)))
