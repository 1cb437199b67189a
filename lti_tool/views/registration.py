"""What a platform must store about this tool."""

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.templatetags.static import static
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from common.access import public
from lti_tool.services.registration import KEYS_PATH, LAUNCH_PATH, LOGIN_PATH
from lti_tool.services.roster import ROSTER_SCOPE


@public("platforms and administrators read it before there is any registration")
@require_safe
@cache_control(public=True, max_age=600)
def config_json(_request: HttpRequest) -> JsonResponse:
    """The facts of this tool in the form that Canvas reads."""
    base: str = settings.PUBLIC_URL
    title = "Foyer"
    placement = {
        "placement": "course_navigation",
        "message_type": "LtiResourceLinkRequest",
        "target_link_uri": base + LAUNCH_PATH,
        "text": title,
    }
    return JsonResponse(
        {
            "title": title,
            "description": "Rooms in a course, and secure links for guests from outside it.",
            "target_link_uri": base + LAUNCH_PATH,
            "oidc_initiation_url": base + LOGIN_PATH,
            "public_jwk_url": base + KEYS_PATH,
            "scopes": [ROSTER_SCOPE],
            "custom_fields": {},
            "extensions": [
                {
                    "platform": "canvas.instructure.com",
                    "domain": base.partition("://")[2],
                    "tool_id": "foyer",
                    "privacy_level": "public",
                    "settings": {
                        "text": title,
                        "icon_url": f"{base}{static('img/favicon.svg')}",
                        "placements": [placement],
                    },
                }
            ],
        }
    )
