"""Platforms, people and tabs."""

import secrets
from datetime import timedelta
from itertools import count

from django.utils import timezone

from lti_tool.identity import hash_secret
from lti_tool.models import Course, Deployment, Membership, Person, Placement, Platform, Tab, Tenant
from lti_tool.roles import ApplicationRole, Right

_numbers = count(1)


def make_platform(**values: object) -> Platform:
    """A registered platform."""
    number = next(_numbers)
    defaults: dict[str, object] = {
        "name": f"Campus {number}",
        "issuer": f"https://lms{number}.example",
        "client_id": f"client-{number}",
        "auth_url": f"https://lms{number}.example/auth",
        "token_url": f"https://lms{number}.example/token",
        "jwks_url": f"https://lms{number}.example/jwks",
    }
    return Platform.objects.create(**{**defaults, **values})


def make_tenant(**values: object) -> Tenant:
    """A tenant with a platform of its own."""
    platform = values.pop("platform", None) or make_platform()
    return Tenant.objects.create(**{"name": "Example University", "platform": platform, **values})


def make_deployment(tenant: Tenant, **values: object) -> Deployment:
    """A deployment of the tenant."""
    number = next(_numbers)
    return Deployment.objects.create(
        **{"platform": tenant.platform, "tenant": tenant, "deployment_id": f"deployment-{number}", **values}
    )


def make_course(tenant: Tenant, **values: object) -> Course:
    """A course of the tenant."""
    number = next(_numbers)
    deployment = values.pop("deployment", None) or tenant.deployments.first() or make_deployment(tenant)
    return Course.objects.create(
        **{
            "tenant": tenant,
            "deployment": deployment,
            "context_id": str(number),
            "title": f"Course {number}",
            **values,
        }
    )


def make_placement(course: Course, **values: object) -> Placement:
    """A resource link in the course."""
    number = next(_numbers)
    return Placement.objects.create(
        **{
            "tenant": course.tenant,
            "deployment": course.deployment,
            "course": course,
            "resource_link_id": f"link-{number}",
            "title": f"Link {number}",
            **values,
        }
    )


def make_person(tenant: Tenant, **values: object) -> Person:
    """Somebody known by the LMS."""
    number = next(_numbers)
    email = str(values.get("email", f"person{number}@campus.example"))
    defaults: dict[str, object] = {
        "sub": f"sub-{number}",
        "given_name": "Pat",
        "family_name": f"Person{number}",
        "name": f"Pat Person{number}",
        "email": email,
        "normalised_email": email.lower(),
    }
    return Person.objects.create(tenant=tenant, **{**defaults, **values})


def make_member(
    course: Course,
    *,
    right: Right = Right.OWNER,
    application_role: ApplicationRole = ApplicationRole.ADMIN,
    person: Person | None = None,
) -> Membership:
    """Somebody in a course; by default its instructor."""
    return Membership.objects.create(
        course=course,
        person=person or make_person(course.tenant),
        right=right,
        application_role=application_role,
        launched_at=timezone.now(),
    )


def make_tab(membership: Membership, placement: Placement | None = None, **values: object) -> tuple[Tab, str]:
    """A launched tab of a member, and the secret for its cookie."""
    secret = secrets.token_urlsafe(32)
    now = timezone.now()
    course = membership.course
    defaults: dict[str, object] = {
        "handle": secrets.token_urlsafe(9),
        "secret_hash": hash_secret(secret),
        "tenant": course.tenant,
        "deployment": course.deployment,
        "person": membership.person,
        "placement": placement,
        "course": course,
        "right": membership.right,
        "application_role": membership.application_role,
        "launched_at": now,
        "expires_at": now + timedelta(hours=8),
    }
    return Tab.objects.create(**{**defaults, **values}), secret
