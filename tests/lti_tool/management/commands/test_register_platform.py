"""`manage.py register_platform`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from lti_tool.models import Deployment, Platform
from practice_lms.registration import registration_for

LMS = registration_for("http://localhost:8000")

pytestmark = pytest.mark.django_db


def run(*options: str) -> str:
    out = StringIO()
    call_command("register_platform", *options, stdout=out)
    return out.getvalue()


def test_it_registers_and_says_what_the_lms_must_store() -> None:
    text = run(*LMS.options(), "--name", "Practice LMS")
    platform = Platform.objects.get()
    assert (platform.name, platform.issuer, platform.audience) == ("Practice LMS", LMS.issuer, LMS.audience)
    assert set(Deployment.objects.values_list("deployment_id", flat=True)) == set(LMS.deployment_ids)
    for address in ("/lti/login/", "/lti/launch/", "/lti/jwks.json"):
        assert f"http://127.0.0.1:8001{address}" in text


def test_running_it_again_is_fine() -> None:
    run(*LMS.options())
    assert "nothing differs" in run(*LMS.options())


def test_a_difference_needs_update() -> None:
    run(*LMS.options(deployment_ids=()))
    with pytest.raises(CommandError, match="deployments"):
        run(*LMS.options())
    assert "updated" in run(*LMS.options(), "--update")


def test_a_slash_at_the_end_of_the_issuer_is_refused() -> None:
    options = [one.replace(f"--issuer={LMS.issuer}", f"--issuer={LMS.issuer}/") for one in LMS.options()]
    with pytest.raises(CommandError, match="slash"):
        run(*options)


def test_each_deployment_can_be_a_tenant() -> None:
    run(*LMS.options(), "--tenancy", "deployment")
    assert Platform.objects.get().tenants.count() == 2
