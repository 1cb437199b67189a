"""Operators log in by password, and passwords are not guessed (design §11, "Limits")."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from config.operators import ADDRESS_TRIES, PAIR_TRIES

pytestmark = pytest.mark.django_db

RIGHT, WRONG = "a long right password", "a wrong one"


@pytest.fixture(autouse=True)
def operator(settings: Settings) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick
    return User.objects.create_superuser("operator", password=RIGHT)


def log_in(password: str, *, name: str = "operator", address: str = "192.0.2.1") -> int:
    """The status of an attempt: 302 for one that succeeds, 200 for the form with an error."""
    fields = {"username": name, "password": password}
    return Client(REMOTE_ADDR=address).post("/operator/login/?next=/operator/", fields).status_code


def test_after_some_wrong_passwords_even_the_right_one_has_to_wait() -> None:
    assert log_in(RIGHT) == 302
    assert [log_in(WRONG) for _ in range(PAIR_TRIES.tries - 1)] == [200] * (PAIR_TRIES.tries - 1)
    assert log_in(RIGHT) == 429
    assert log_in(RIGHT, name="OPERATOR ") == 429, "the same name, however it is written"
    assert log_in(RIGHT, address="192.0.2.2") == 302, "nobody locks an operator out from elsewhere"


def test_one_address_does_not_go_through_many_names() -> None:
    answers = [log_in(WRONG, name=f"name-{number}") for number in range(ADDRESS_TRIES.tries + 1)]
    assert answers == [200] * ADDRESS_TRIES.tries + [429]
    assert log_in(RIGHT) == 429


def test_the_page_says_so_and_keeps_nothing_that_was_typed() -> None:
    for _ in range(PAIR_TRIES.tries):
        log_in(WRONG)
    answer = Client(REMOTE_ADDR="192.0.2.1").post(
        "/operator/login/", {"username": "operator", "password": RIGHT}
    )
    assert (answer.status_code, "Retry-After" in answer) == (429, True)
    assert RIGHT not in answer.content.decode()
