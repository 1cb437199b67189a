"""Other people's middleware, kept from doing what no answer of ours needs: it stands around every request."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, cast

from csp.constants import HEADER
from csp.utils import build_policy
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

from common.errors import MissingError
from common.middleware import GetResponse, error_page
from lti_tool.identity import tab_of

# Only operators are Django users, and only these places ask for them.
ADMIN_PATH: Final = "/operator/"  # Django's own pages
OPERATED_PATHS: Final = (ADMIN_PATH, "/admin/")


class OperatorMiddleware:
    """Django's sessions, its `request.user` and its messages; elsewhere they stay out of the way."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        django_has = SessionMiddleware(AuthenticationMiddleware(MessageMiddleware(get_response)))
        self.for_operators = cast("GetResponse", django_has)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        is_operated = request.path_info.startswith(OPERATED_PATHS)
        return self.for_operators(request) if is_operated else self.get_response(request)


class FormMiddleware(CsrfViewMiddleware):
    """Django's check of forms. Those of a tab are checked against its own secret (`lti_tool.identity`)."""

    def process_view(  # type: ignore[override]  # the page of an error is none of Django's own classes
        self,
        request: HttpRequest,
        callback: Callable[..., HttpResponseBase],
        callback_args: tuple[Any, ...],
        callback_kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        """No page of Django's admin stands in a tab: there its platform may frame it."""
        if request.path_info.startswith(ADMIN_PATH) and tab_of(request):
            return error_page(request, MissingError())
        return super().process_view(request, callback, callback_args, callback_kwargs)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Give the browser a cookie for forms, where there is no tab whose secret does."""
        return response if tab_of(request) else super().process_response(request, response)


class PolicyMiddleware:
    """django-csp's policies, each written once: they differ in nothing but what `_csp_replace` says."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if HEADER not in response.headers:
            said: dict[str, list[str]] = getattr(response, "_csp_replace", {})
            response.headers[HEADER] = _policy(tuple((name, tuple(values)) for name, values in said.items()))
        return response


@lru_cache(maxsize=1024)
def _policy(said: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    return build_policy(replace=dict(said))
