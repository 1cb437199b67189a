"""What is signed and sent: the claims of a launch, and the JWS around any payload at all, good or bad."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from practice_lms.keys import SigningKey, base64url
from practice_lms.people import CAMPUS, Campus, Link, Person
from practice_lms.registration import CLIENT_ID, FIRST_DEPLOYMENT, ROSTER_PATH, TENANT_ID

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Claims: TypeAlias = dict[str, object]

LTI: Final = "https://purl.imsglobal.org/spec/lti/claim/"
DL: Final = "https://purl.imsglobal.org/spec/lti-dl/claim/"
NAMES_AND_ROLES: Final = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
VENDOR: Final = "http://www.brightspace.com"
LIFETIME: Final = 1800


@dataclass(frozen=True, slots=True)
class Release:
    """The security settings of a deployment: what is let out of people and courses. All, unless closed."""

    is_anonymous: bool = False
    name: bool = True
    email: bool = True
    user_id: bool = True
    username: bool = True
    org_defined_id: bool = True
    org_unit: bool = True
    link: bool = True
    whole_classlist: bool = True


OPEN: Final = Release()


@dataclass(frozen=True, slots=True)
class Launch:
    """Who opens which link of which deployment, and where the tool said it lives."""

    issuer: str
    target_link_uri: str
    person: Person
    link: Link
    nonce: str = ""
    deployment_id: str = FIRST_DEPLOYMENT
    client_id: str = CLIENT_ID
    campus: Campus = CAMPUS
    release: Release = OPEN


def launch_claims(launch: Launch, *, now: float | None = None) -> Claims:
    """The payload of an id_token, claim for claim as Brightspace writes it."""
    course = launch.campus.course_of(launch.link)
    issued_at = int(time.time() if now is None else now)
    claims: Claims = {
        "nbf": issued_at,
        "iat": issued_at,
        "exp": issued_at + LIFETIME,
        "iss": launch.issuer,
        "aud": launch.client_id,
        "nonce": launch.nonce,
        "sub": launch.person.sub,
        **personal_claims(launch.person, launch.release),
        f"{LTI}message_type": "LtiResourceLinkRequest",
        f"{LTI}version": "1.3.0",
        f"{LTI}deployment_id": launch.deployment_id,
        f"{LTI}target_link_uri": launch.target_link_uri,
        f"{LTI}resource_link": _resource_link(launch),
        f"{LTI}roles": _roles(launch),
        f"{LTI}tool_platform": {"guid": TENANT_ID, "product_family_code": "desire2learn"},
        f"{LTI}launch_presentation": {"locale": launch.person.locale},
        NAMES_AND_ROLES: {
            "context_memberships_url": launch.issuer
            + ROSTER_PATH.format(deployment_id=launch.deployment_id, org_unit=course.org_unit),
            "service_versions": ["2.0"],
        },
        VENDOR: _vendor_claim(launch),
    }
    if launch.link.custom:
        claims[f"{LTI}custom"] = dict(launch.link.custom)
    if launch.release.user_id and not launch.release.is_anonymous:
        claims[f"{LTI}lti11_legacy_user_id"] = str(launch.person.number)
    if launch.release.org_unit:
        claims[f"{LTI}context"] = {
            "id": course.context_id,
            "label": course.code,
            "title": course.title,
            "type": ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseOffering"],
        }
        sourced_id = f"{urlsplit(launch.issuer).hostname}:{course.code}"
        claims[f"{LTI}lis"] = {
            "course_offering_sourcedid": sourced_id,
            "course_section_sourcedid": sourced_id,
        }
    return claims


def content_claims(launch: Launch, settings: Claims, *, now: float | None = None) -> Claims:
    """The payload of a deep linking request: a launch from the course itself, not from one of its links."""
    claims = alter(
        launch_claims(launch, now=now),
        put={"lti:message_type": "LtiDeepLinkingRequest", f"{DL}deep_linking_settings": settings},
        without=("lti:resource_link",),
    )
    vendor = claims[VENDOR]
    if isinstance(vendor, dict):
        claims[VENDOR] = {k: v for k, v in vendor.items() if k not in {"link_id", "ResourceLink.id.history"}}
    return claims


def personal_claims(person: Person, release: Release) -> Claims:
    """Name and address as far as they are released; an unknown address goes out as an empty string."""
    claims: Claims = {}
    if release.is_anonymous:
        return claims
    if release.name:
        claims |= {"name": person.name, "given_name": person.given_name, "family_name": person.family_name}
    if release.email:
        claims["email"] = person.email
    return claims


def alter(
    claims: Claims, *, put: Mapping[str, object] | None = None, without: Collection[str] = ()
) -> Claims:
    """A copy with some claims replaced and others left out; `lti:roles` stands for the whole name."""
    changed = claims | {full_name(name): value for name, value in (put or {}).items()}
    dropped = {full_name(name) for name in without}
    return {name: value for name, value in changed.items() if name not in dropped}


def full_name(claim: str) -> str:
    return LTI + claim.removeprefix("lti:") if claim.startswith("lti:") else claim


def sign(
    payload: Mapping[str, object] | bytes,
    key: SigningKey,
    *,
    headers: Mapping[str, object] | None = None,
    algorithm: str = "RS256",
) -> str:
    """A compact JWS over any payload, JSON or not. A header that is given as None is left out.

    `algorithm` decides how it is really signed: RS256, HS256 (with the public key as the secret) or none. The
    header `alg` may still claim something else.
    """
    wanted = {"typ": "JWT", "alg": algorithm, "kid": key.kid, **(headers or {})}
    header = {name: value for name, value in wanted.items() if value is not None}
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signed = f"{base64url(json.dumps(header).encode())}.{base64url(body)}"
    return f"{signed}.{base64url(_signature(signed.encode(), key, algorithm))}"


def _signature(signed: bytes, key: SigningKey, algorithm: str) -> bytes:
    match algorithm:
        case "RS256":
            return key.private.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        case "HS256":
            public = key.private.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            return hmac.new(public, signed, hashlib.sha256).digest()
        case "none":
            return b""
        case _:
            raise ValueError(f"nothing here signs with {algorithm}")


def _resource_link(launch: Launch) -> Claims:
    claim: Claims = {"id": launch.link.resource_link_id}
    if launch.release.link:
        claim |= {"title": launch.link.title, "description": launch.link.description}
    return claim


def _roles(launch: Launch) -> list[str]:
    """Context roles and institution roles together, as with "Send Institution Role" ticked."""
    context_roles = (
        () if launch.release.is_anonymous else launch.campus.course_of(launch.link).roles_of(launch.person)
    )
    return [*context_roles, *launch.person.institution_roles]


def _vendor_claim(launch: Launch) -> Claims:
    person, release = launch.person, launch.release
    claim: Claims = {
        "tenant_id": TENANT_ID,
        "Context.id.history": ",".join(launch.campus.course_of(launch.link).history),
        "ResourceLink.id.history": ",".join(launch.link.history),
        "link_id": str(launch.link.number),
    }
    if not release.is_anonymous:
        if release.org_defined_id:
            claim["org_defined_id"] = person.org_defined_id
        if release.user_id:
            claim["user_id"] = person.number
        if release.username:
            claim["username"] = person.username
    return claim
