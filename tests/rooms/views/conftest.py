"""A course with a room."""

import pytest

from tests.factories.campus import Campus, make_campus


@pytest.fixture
def campus(db: None) -> Campus:
    return make_campus()
