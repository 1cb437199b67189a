"""Our public keys."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from common.access import public
from lti_tool.pylti import key_set


@public("platforms fetch it to check what we sign")
@require_safe
@cache_control(public=True, max_age=600)
def jwks(_request: HttpRequest) -> JsonResponse:
    """The key set. A new key stands here for a day before it signs, so a short cache is enough."""
    return JsonResponse(key_set())
