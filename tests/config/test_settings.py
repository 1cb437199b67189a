"""The environment becomes settings, or stops the start with the name of what is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The tests' settings give what has no default; what is looked at are those that everybody else has.
READ = "import json, tests.settings; from config import settings; print(json.dumps(settings.{}['default']))"
BUCKET = {"S3_BUCKET": "lectures"}


def started_with(*, shows: str = "STORAGES", **environment: str) -> "subprocess.CompletedProcess[str]":
    """A process that reads the settings with these variables, and none of ours."""
    ours = ("S3_", "DATABASE_URL", "FOYER_INTERFACE")
    usual = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", READ.format(shows)],
        cwd=ROOT,
        env={**usual, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def uploads_with(**environment: str) -> dict[str, Any]:
    return read_with(**environment)


def read_with(**environment: str) -> dict[str, Any]:
    answer = started_with(**environment)
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def test_uploads_stay_on_this_machine_unless_somebody_says_otherwise() -> None:
    assert uploads_with() == {"BACKEND": "django.core.files.storage.FileSystemStorage"}


def test_a_bucket_alone_is_enough_where_the_machine_is_known() -> None:
    uploads = uploads_with(**BUCKET)
    assert uploads["BACKEND"] == "config.uploads.S3Uploads"
    assert uploads["OPTIONS"] == {
        "bucket_name": "lectures",
        "endpoint_url": None,
        "region_name": None,
        "access_key": None,
        "secret_key": None,
        "default_acl": None,
        "file_overwrite": False,
    }


def test_every_option_reaches_the_storage() -> None:
    options = uploads_with(
        **BUCKET,
        S3_ENDPOINT="https://s3.example.org",
        S3_REGION="eu-north-1",
        S3_ACCESS_KEY="foyer",
        S3_SECRET_KEY="a secret",
    )["OPTIONS"]
    assert (options["endpoint_url"], options["region_name"]) == ("https://s3.example.org", "eu-north-1")
    assert (options["access_key"], options["secret_key"]) == ("foyer", "a secret")


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({**BUCKET, "S3_ENDPOINT": "s3.example.org"}, "S3_ENDPOINT must be an address"),
        ({**BUCKET, "S3_ENDPOINT": "ftp://s3.example.org"}, "S3_ENDPOINT must be an address"),
        ({**BUCKET, "S3_ACCESS_KEY": "foyer"}, "S3_ACCESS_KEY and S3_SECRET_KEY belong together"),
        ({"S3_ENDPOINT": "https://s3.example.org"}, "S3_BUCKET is missing"),
    ],
)
def test_a_wrong_value_stops_the_start_with_its_name(environment: dict[str, str], named: str) -> None:
    answer = started_with(**environment)
    assert answer.returncode != 0
    assert named in answer.stderr
    assert "foyer" not in answer.stderr.rpartition("ValueError")[2], "no value of a key is shown"


# --- Connections to the database

POSTGRESQL = "postgres://foyer:secret@db.example.org/foyer"


def database_with(**environment: str) -> dict[str, Any]:
    return read_with(shows="DATABASES", **environment)


def test_under_asgi_postgresql_has_a_pool_and_no_persistent_connections() -> None:
    """Each request has a thread of its own there: what stayed with the thread would pile up."""
    database = database_with(DATABASE_URL=POSTGRESQL)
    assert database["CONN_MAX_AGE"] == 0
    assert database["OPTIONS"] == {"pool": {"min_size": 1, "max_size": 24, "timeout": 10}}


def test_under_wsgi_postgresql_keeps_its_connections_and_their_plans() -> None:
    database = database_with(DATABASE_URL=POSTGRESQL, FOYER_INTERFACE="wsgi")
    assert database["CONN_MAX_AGE"] == 600
    assert database["OPTIONS"] == {"server_side_binding": True, "prepare_threshold": 2}


def test_sqlite_is_kept_open_by_threads_that_stay_and_by_no_others() -> None:
    file = "sqlite:///foyer.sqlite3"
    wsgi, asgi = database_with(DATABASE_URL=file, FOYER_INTERFACE="wsgi"), database_with(DATABASE_URL=file)
    assert (wsgi["CONN_MAX_AGE"], asgi.get("CONN_MAX_AGE", 0)) == (None, 0)
    assert wsgi["OPTIONS"] == asgi["OPTIONS"]
    assert "journal_mode=WAL" in wsgi["OPTIONS"]["init_command"]
