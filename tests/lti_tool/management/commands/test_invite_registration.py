"""`manage.py invite_registration`."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from lti_tool.models import RegistrationInvitation

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("invite_registration", *arguments, stdout=output)
    return output.getvalue()


def test_it_prints_an_address_once(settings: Settings) -> None:
    said = run("--note", "Tidewater", "--days", "3")
    address = said.splitlines()[0]
    assert address.startswith(f"{settings.PUBLIC_URL}/lti/register/")
    made = RegistrationInvitation.objects.get()
    assert (made.note, made.made_by) == ("Tidewater", "operator:command")
    assert (made.confirms_itself, made.allows_other_host) == (False, False)
    assert timedelta(days=2.9) < made.expires_at - timezone.now() < timedelta(days=3)
    assert made.secret_hash not in address


def test_an_operator_vouches_here_too() -> None:
    run("--active", "--other-host")
    made = RegistrationInvitation.objects.get()
    assert (made.confirms_itself, made.allows_other_host) == (True, True)


@pytest.mark.parametrize("days", ["0", "366"])
def test_no_invitation_lasts_for_ever(days: str) -> None:
    with pytest.raises(CommandError):
        run("--days", days)
