"""In which language somebody reads us: as the platform said at launch, else as their browser does."""

from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

from lti_tool.identity import tab_of


class LanguageMiddleware(LocaleMiddleware):
    """Django's choice by cookie and browser; in a launched tab the locale of its launch comes first."""

    def process_request(self, request: HttpRequest) -> None:
        """Choose the language of this request; every other one begins with a choice of its own."""
        super().process_request(request)
        tab = tab_of(request)
        language = supported(tab.locale) if tab is not None else ""
        if language:
            translation.activate(language)
            request.LANGUAGE_CODE = language


def supported(locale: str) -> str:
    """The language of ours that this locale stands for (`fr-CA` is French); empty for none."""
    code = locale.replace("_", "-").lower()
    try:
        return translation.get_supported_language_variant(code) if code else ""
    except LookupError:
        return ""
