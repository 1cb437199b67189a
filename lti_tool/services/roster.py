"""Names and roles: who is in a course, as the platform lists them."""

from typing import Final

ROSTER_SCOPE: Final = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
