"""In which language somebody reads us: as the platform said at launch, else as their browser does."""

from collections.abc import Callable
from functools import lru_cache

from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers

from lti_tool.identity import tab_of


class LanguageMiddleware:
    """In a launched tab the locale of its launch; else Django's choice, by cookie and browser.

    It takes the place of Django's own, which also looks for languages in addresses, where we have none.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        tab = tab_of(request)
        language = supported(tab.locale) if tab is not None else ""
        language = language or translation.get_language_from_request(request)
        translation.activate(language)  # every other request begins with a choice of its own
        request.LANGUAGE_CODE = language
        response = self.get_response(request)
        patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", translation.get_language() or language)
        return response


@lru_cache(maxsize=256)
def supported(locale: str) -> str:
    """The language of ours that this locale stands for (`fr-CA` is French); empty for none."""
    code = locale.replace("_", "-").lower()
    try:
        return translation.get_supported_language_variant(code) if code else ""
    except LookupError:
        return ""
