"""A mail server of its own for each test that asks for one."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.factories.mailserver import Mailserver, running_mailserver


@pytest.fixture
def mailserver(settings: Settings) -> Iterator[Mailserver]:
    """A running mail server that Django sends to."""
    with running_mailserver(Mailserver()) as server:
        point_django_at(server, settings)
        yield server


def point_django_at(server: Mailserver, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = server.port
    settings.EMAIL_TIMEOUT = 5
