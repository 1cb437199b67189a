"""The settings of tests and type checks: config.settings, with values for what it refuses to default.

The stack is chosen as in production: DATABASE_URL and REDIS_URL name PostgreSQL and Redis; without them
everything is embedded. `make test-postgres` sets both.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parent.parent

os.environ.setdefault(
    "SECRET_KEY", "test-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)
os.environ.setdefault("PUBLIC_URL", "http://127.0.0.1:8001")
os.environ.setdefault("EMAIL_URL", "memory:")
os.environ.setdefault("KEYS_DIR", str(ROOT / ".test-keys"))
os.environ.setdefault("ALLOW_LOOPBACK_PLATFORMS", "true")

# Two runs in one checkout do not share a file; the processes of one run get theirs from its name.
os.environ.setdefault("TEST_SQLITE_NAME", str(ROOT / f".test-{os.getpid()}.sqlite3"))

# Test processes that run side by side share one Redis server, each in a database of its own, so that one may
# empty its cache without emptying another's.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
if WORKER and os.environ.get("REDIS_URL"):
    os.environ["REDIS_URL"] = urlunsplit(
        urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{1 + int(WORKER)}")
    )

from config.settings import *  # noqa: E402, F403 - only after the environment is complete
from config.settings import DATABASES, MIDDLEWARE  # noqa: E402

# As under WSGI. Each of Django's test clients builds the middleware anew, and this one would look up every
# static file each time. Servers in processes of their own have it.
MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("servestatic.")]

# As under WSGI, too: PostgreSQL finds the types of values by itself, and refuses what it finds ambiguous.
_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.postgresql":
    _options = {**_database["OPTIONS"], "server_side_binding": True}
    DATABASES = {"default": {**_database, "OPTIONS": _options}}
