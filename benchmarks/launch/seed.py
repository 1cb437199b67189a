"""What stands in both databases before the first launch: a registration; for Foyer a course with a room."""

import os
import subprocess
import sys
from datetime import timedelta
from importlib import import_module
from pathlib import Path

from benchmarks.launch.platform_side import CLIENT_ID, DEPLOYMENT, ISSUER

ROOT = Path(__file__).resolve().parent.parent.parent


def seed_foyer(jwks_url: str, *, page: str) -> None:
    """Register the platform by the shipped command; one link shows a room.

    Args:
        page: `countdown` for a session that begins in an hour, `room` for one whose doors are open.
    """
    facts = ["--issuer", ISSUER, "--client-id", CLIENT_ID, "--jwks-url", jwks_url]
    addresses = ["--auth-url", f"{ISSUER}/auth", "--token-url", f"{ISSUER}/token"]
    manage = [sys.executable, str(ROOT / "manage.py")]
    subprocess.run([*manage, "migrate", "--verbosity", "0"], check=True, cwd=ROOT)
    subprocess.run(
        [*manage, "register_platform", *facts, *addresses, "--deployment-id", DEPLOYMENT],
        check=True,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    _make_room(page)


def _make_room(page: str) -> None:
    sys.path.insert(0, str(ROOT))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django  # noqa: PLC0415

    django.setup()
    from django.utils import timezone  # noqa: PLC0415

    from lti_tool.models import Course, Deployment, Person, Placement  # noqa: PLC0415
    from rooms.models import Binding, Collaborator, Entry  # noqa: PLC0415

    deployment = Deployment.objects.get(deployment_id=DEPLOYMENT)
    tenant = deployment.tenant
    course = Course.objects.create(tenant=tenant, deployment=deployment, context_id="course-1")
    link = Placement.objects.create(
        tenant=tenant, deployment=deployment, course=course, resource_link_id="link-1"
    )
    starts_at = timezone.now() + timedelta(hours=1) if page == "countdown" else None
    entry = Entry.objects.create(tenant=tenant, title="Guest lecture", starts_at=starts_at)
    Binding.objects.create(placement=link, entry=entry)
    owner = Person.objects.create(tenant=tenant, sub="owner", name="Ada Owner")
    Collaborator.objects.create(entry=entry, person=owner, right=Collaborator.Right.OWNER)


def seed_reference(jwks_url: str) -> None:
    """The same registration in the tables of PyLTI1p3."""
    import_module("benchmarks.launch.reference")  # sets Django up
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from pylti1p3.contrib.django.lti1p3_tool_config.models import LtiTool, LtiToolKey  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    private = rsa.generate_private_key(65537, 2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    key = LtiToolKey.objects.create(  # type: ignore[attr-defined]  # it ships half of its types
        name="benchmark", private_key=pem.decode(), public_key=public.decode()
    )
    LtiTool.objects.create(  # type: ignore[attr-defined]  # as above
        title="Benchmark",
        issuer=ISSUER,
        client_id=CLIENT_ID,
        use_by_default=True,
        auth_login_url=f"{ISSUER}/auth",
        auth_token_url=f"{ISSUER}/token",
        key_set_url=jwks_url,
        tool_key=key,
        deployment_ids=f'["{DEPLOYMENT}"]',
    )


if __name__ == "__main__":
    if sys.argv[1] == "foyer":
        seed_foyer(sys.argv[2], page=sys.argv[3])
    else:
        seed_reference(sys.argv[2])
