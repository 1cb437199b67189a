"""What this LMS and a tool know of each other: the registration, as an administrator would see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CLIENT_ID: Final = "d41f8a60-3be5-4c97-b2f4-7e0961c5ad83"
TENANT_ID: Final = "58c2e7b4-16fa-4d03-9c8e-a07b3d94e215"
FIRST_DEPLOYMENT: Final = "a9036e5d-f127-48bc-8d41-6c5be20f7934"
SECOND_DEPLOYMENT: Final = "c37d1b82-604e-4af9-a5d6-19f8be43c07a"

AUTHENTICATE_PATH: Final = "/d2l/lti/authenticate"
KEYS_PATH: Final = "/d2l/.well-known/jwks"
TOKEN_PATH: Final = "/core/connect/token"  # noqa: S105 -- a path
MOODLE_AUTHENTICATE_PATH: Final = "/mod/lti/auth.php"
MOODLE_KEYS_PATH: Final = "/mod/lti/certs.php"
MOODLE_TOKEN_PATH: Final = "/mod/lti/token.php"  # noqa: S105 -- a path
AUDIENCE_PATH: Final = "/auth/token"
ROSTER_PATH: Final = "/d2l/api/lti/nrps/2.0/deployment/{deployment_id}/orgunit/{org_unit}/memberships"


@dataclass(frozen=True, slots=True)
class Registration:
    """The values that a tool must store about this LMS."""

    issuer: str
    client_id: str
    auth_url: str
    token_url: str
    jwks_url: str
    audience: str
    deployment_ids: tuple[str, ...]

    def options(self, *, deployment_ids: tuple[str, ...] | None = None) -> list[str]:
        """As arguments of `manage.py register_platform`; all deployments unless some are named."""
        wanted = self.deployment_ids if deployment_ids is None else deployment_ids
        return [
            f"--issuer={self.issuer}",
            f"--client-id={self.client_id}",
            f"--auth-url={self.auth_url}",
            f"--token-url={self.token_url}",
            f"--jwks-url={self.jwks_url}",
            f"--audience={self.audience}",
            *(f"--deployment-id={one}" for one in wanted),
        ]


def registration_for(
    origin: str,
    *,
    client_id: str = CLIENT_ID,
    deployment_ids: tuple[str, ...] = (FIRST_DEPLOYMENT, SECOND_DEPLOYMENT),
) -> Registration:
    """The registration of an LMS at this origin. The audience is no address: nobody listens there."""
    return Registration(
        issuer=origin,
        client_id=client_id,
        auth_url=origin + AUTHENTICATE_PATH,
        token_url=origin + TOKEN_PATH,
        jwks_url=origin + KEYS_PATH,
        audience=origin + AUDIENCE_PATH,
        deployment_ids=deployment_ids,
    )


REGISTRATION: Final = registration_for("http://localhost:8000")


@dataclass(frozen=True, slots=True)
class Tool:
    """The values that this LMS must store about the tool, and what it calls the registration itself."""

    login_url: str
    launch_url: str
    jwks_url: str
    target_link_uri: str
    client_id: str = CLIENT_ID
    deployment_ids: tuple[str, ...] = (FIRST_DEPLOYMENT, SECOND_DEPLOYMENT)


def tool_at(url: str) -> Tool:
    """Foyer's addresses below its public address."""
    base = url.rstrip("/")
    return Tool(
        login_url=f"{base}/lti/login/",
        launch_url=f"{base}/lti/launch/",
        jwks_url=f"{base}/lti/jwks.json",
        target_link_uri=f"{base}/lti/launch/",
    )
