"""Deep Linking 2.0: the signed answer to a course's content picker."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from common.errors import InvalidError
from lti_tool.claims import LTI
from lti_tool.models import ContentRequest
from lti_tool.origins import origin_of
from lti_tool.pylti import sign_message

ANSWER_LIFE: Final = timedelta(minutes=5)
MAX_ITEMS: Final = 50
DL: Final = "https://purl.imsglobal.org/spec/lti-dl/claim/"


@dataclass(frozen=True, slots=True)
class ContentItem:
    """One link for the course. `custom` comes back with each of its launches, as a hint."""

    title: str
    text: str = ""
    custom: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser carries to the platform, and where to."""

    return_url: str
    jwt: str = field(repr=False)

    @property
    def origin(self) -> str:
        """The one origin that the form may be sent to."""
        return origin_of(self.return_url)


def answer_content_request(
    request: ContentRequest,
    items: Sequence[ContentItem],
    *,
    now: datetime,
    message: str = "",
    error: str = "",
) -> Answer:
    """Sign an answer; an empty one says that nothing was chosen. Nothing is written on our side.

    Args:
        message: what the platform may tell the person.
        error: the same, where something went wrong.

    Raises:
        InvalidError: the platform did not ask for what is offered.
    """
    if items and not request.accepts_links:
        raise InvalidError(code="content_type")
    if len(items) > (MAX_ITEMS if request.accepts_multiple else 1):
        raise InvalidError(code="content_count")
    deployment = request.tab.deployment
    platform = deployment.platform
    claims: dict[str, object] = {
        "iss": platform.client_id,
        "aud": platform.issuer,
        "iat": int(now.timestamp()),
        "exp": int((now + ANSWER_LIFE).timestamp()),
        "nonce": secrets.token_hex(16),
        f"{LTI}message_type": "LtiDeepLinkingResponse",
        f"{LTI}version": "1.3.0",
        f"{LTI}deployment_id": deployment.deployment_id,
        f"{DL}content_items": [_as_json(item) for item in items],
    }
    if request.data is not None:
        claims[f"{DL}data"] = request.data
    if message:
        claims[f"{DL}msg"] = message
    if error:
        claims[f"{DL}errormsg"] = error
        claims[f"{DL}errorlog"] = error
    return Answer(request.return_url, sign_message(platform, claims, now=now))


def _as_json(item: ContentItem) -> dict[str, object]:
    """An `ltiResourceLink`. Its address has no query: some platforms compare it with the registered one."""
    members: dict[str, object] = {
        "type": "ltiResourceLink",
        "url": f"{settings.PUBLIC_URL}/lti/launch/",
        "title": item.title,
    }
    if item.text:
        members["text"] = item.text
    if item.custom:
        members["custom"] = dict(item.custom)
    return members
