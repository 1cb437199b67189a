"""A running LMS that Foyer knows, and browsers that go from the one to the other."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from practice_lms.people import CAMPUS
from practice_lms.registration import Tool
from practice_lms.server import RunningKeySet, RunningLms
from tests.factories.launches import Browser, Stage, register


@pytest.fixture(scope="session")
def _running_lms() -> Iterator[RunningLms]:
    with RunningLms() as running:
        yield running


@pytest.fixture
def lms(_running_lms: RunningLms, foyer: str) -> RunningLms:
    """The same address for all tests, and nothing left of what the last one changed."""
    _running_lms.platform.campus = CAMPUS
    _running_lms.reset()
    _running_lms.connect_tool(foyer)
    return _running_lms


@pytest.fixture
def own_keys_dir(tmp_path: Path, settings: Settings) -> Path:
    """A folder for our own keys that nobody has used."""
    settings.KEYS_DIR = tmp_path / "keys"
    return tmp_path / "keys"


@pytest.fixture
def stage(lms: RunningLms, db: None) -> Stage:
    """Foyer knows the LMS, and both of its deployments."""
    return Stage(lms, register(lms))


@pytest.fixture
def published_keys(lms: RunningLms, own_keys_dir: Path, db: None) -> Iterator[RunningKeySet]:
    """Our key set where the LMS can fetch it."""
    key_set = json.loads(Client(SERVER_NAME="127.0.0.1").get("/lti/jwks.json").content)
    with RunningKeySet(key_set) as running:
        at_home = lms.tool
        lms.connect_tool(Tool(at_home.login_url, at_home.launch_url, running.url, at_home.target_link_uri))
        yield running


@pytest.fixture
def browser(foyer: str) -> Browser:
    return Browser()
