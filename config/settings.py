"""All settings, read from the environment; a missing secret stops the start with its name.

The variables and their defaults are listed in README.md ("Settings").
"""

import hashlib
import hmac
from http.cookies import Morsel
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _
from environs import Env

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()

# --- Who we are ---------------------------------------------------------------------------------------------

SECRET_KEY: str = env.str("SECRET_KEY")
PUBLIC_URL: str = env.str("PUBLIC_URL").rstrip("/")
_public = urlsplit(PUBLIC_URL)
if _public.scheme not in {"http", "https"} or not _public.hostname or _public.path:
    msg = "PUBLIC_URL must be an origin such as https://foyer.example.org, without a path"
    raise ValueError(msg)
PUBLIC_URL_IS_HTTPS = _public.scheme == "https"

DEBUG = False
ALLOWED_HOSTS = [_public.hostname]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# Link tokens have keys of their own, so that they can be rotated without ending every operator's session.
_link_keys: list[str] = env.list("LINK_KEYS", default=[])
LINK_KEYS: list[bytes] = [key.encode() for key in _link_keys] or [
    hmac.new(SECRET_KEY.encode(), b"foyer link tokens", hashlib.sha256).digest()
]
KEYS_DIR = Path(env.str("KEYS_DIR"))

# Forwarded addresses and TLS headers are believed only from these networks.
TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", default=[])
OUTGOING_ALLOW: list[str] = env.list("OUTGOING_ALLOW", default=[])
OUTGOING_PROXY: str = env.str("OUTGOING_PROXY", default="")
ALLOW_LOOPBACK_PLATFORMS: bool = env.bool("ALLOW_LOOPBACK_PLATFORMS", default=False)
# Audio and video in rooms (rooms/engines/jitsi.py): a Jitsi Meet host that asks for our tokens.
JITSI_URL: str = env.str("JITSI_URL", default="").rstrip("/")
JITSI_APP_ID: str = env.str("JITSI_APP_ID") if JITSI_URL else ""
JITSI_APP_SECRET: str = env.str("JITSI_APP_SECRET") if JITSI_URL else ""
_jitsi = urlsplit(JITSI_URL)
_is_loopback = ALLOW_LOOPBACK_PLATFORMS and _jitsi.hostname in {"127.0.0.1", "localhost"}
_is_origin = f"{_jitsi.scheme}://{_jitsi.netloc}" == JITSI_URL and _jitsi.hostname and "@" not in JITSI_URL
if JITSI_URL and not (_is_origin and (_jitsi.scheme == "https" or _is_loopback)):
    msg = "JITSI_URL must be an origin such as https://meet.example.org, without a path"
    raise ValueError(msg)
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")

# What platforms store about us beside the addresses, where the operator has such pages.
POLICY_URL: str = env.str("POLICY_URL", default="")
TERMS_URL: str = env.str("TERMS_URL", default="")
CONTACT: str = env.str("CONTACT", default="")

# --- Apps ---------------------------------------------------------------------------------------------------

# Set by config/wsgi.py: threads that stay, and no event loop.
IS_WSGI = env.str("FOYER_INTERFACE", default="") == "wsgi"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "django_htmx",
    "template_partials.apps.SimpleAppConfig",
    "lti_tool",
    "rooms",
    "invites",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",  # early: its answers need no thread
    "common.middleware.TrustedProxyMiddleware",
    "common.middleware.EmbeddedCookieMiddleware",
    "config.middleware.PolicyMiddleware",
    "lti_tool.identity.TabMiddleware",
    "config.middleware.OperatorMiddleware",
    "lti_tool.language.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "config.middleware.FormMiddleware",
    "common.middleware.ErrorPageMiddleware",
    "common.access.AccessMiddleware",
]

if IS_WSGI:
    # It speaks asyncio only, and would put every request into a loop and a thread of its own.
    MIDDLEWARE.remove("servestatic.middleware.ServeStaticMiddleware")

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "lti_tool.identity.tab_on_page",
            ],
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": ["template_partials.templatetags.partials", "config.once"],
        },
    }
]

# --- Data ---------------------------------------------------------------------------------------------------

DATABASES: dict[str, Any] = {
    "default": env.dj_db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'foyer.sqlite3'}")
}
_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # Readers never wait for the writer (WAL), and a transaction asks for the write lock when it begins,
    # so that two of them queue up instead of failing half-way.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    if IS_WSGI:
        # Threads that stay keep their connection: closing the last one moves the write-ahead log into the
        # database, and after each request that makes it four times as slow. Under ASGI a thread ends with its
        # request, so nothing could be kept.
        _database["CONN_MAX_AGE"] = None
    _database["TEST"] = {"NAME": env.str("TEST_SQLITE_NAME", default=str(BASE_DIR / ".test.sqlite3"))}
elif IS_WSGI:
    _database["CONN_MAX_AGE"] = 600
    # A connection stays with its thread, so PostgreSQL can keep the plans of what is asked again and again.
    _database["OPTIONS"] = {
        **_database.get("OPTIONS", {}),
        "server_side_binding": True,
        "prepare_threshold": 2,
    }
else:
    # Under ASGI every request has a thread of its own: persistent connections would pile up, a pool does not.
    _database["CONN_MAX_AGE"] = 0
    _database["OPTIONS"] = {
        **_database.get("OPTIONS", {}),
        "pool": {"min_size": 1, "max_size": 24, "timeout": 10},
    }

REDIS_URL: str = env.str("REDIS_URL", default="")
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "config.cache.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "foyer",
            "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 2, "SOCKET_TIMEOUT": 2},
        }
    }
else:
    CACHES = {
        "default": {
            "BACKEND": "config.cache.LocalCache",
            # Large, because a culled login record is a launch that fails.
            "OPTIONS": {"MAX_ENTRIES": 200_000},
        }
    }

# --- Cookies and headers ------------------------------------------------------------------------------------

# Python knows the attribute from 3.14 on. A browser that blocks third-party cookies keeps ours in a frame
# only with it.
Morsel._reserved.setdefault("partitioned", "Partitioned")  # type: ignore[attr-defined]  # noqa: SLF001
Morsel._flags.add("partitioned")  # type: ignore[attr-defined]  # noqa: SLF001

# Secure on loopback http as well: browsers count loopback as trustworthy.
SESSION_COOKIE_NAME = "foyer-operator"
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "None"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
AUTHENTICATION_BACKENDS = ["config.operators.OperatorBackend"]
CSRF_COOKIE_NAME = "foyer-csrf"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "None"
CSRF_FAILURE_VIEW = "common.middleware.csrf_failure"
LANGUAGE_COOKIE_NAME = "foyer-language"
LANGUAGE_COOKIE_SECURE = True
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "None"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Frames are governed by frame-ancestors, per response: X-Frame-Options cannot name an origin, not sent.
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = None  # a tab opened by the LMS keeps its opener, for closing
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = (
        "HTTP_X_FORWARDED_PROTO",
        "https",
    )  # others' is dropped by TrustedProxyMiddleware
SECURE_HSTS_SECONDS = 31_536_000 if PUBLIC_URL_IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = False
SECURE_HSTS_PRELOAD = False

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF, PUBLIC_URL.replace("http", "ws", 1)],  # older Safari: sockets are not 'self'
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- Language, time, files ----------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French")), ("es", _("Spanish")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT: str | None = env.str("STATIC_ROOT", default=None)  # for a web server that serves them itself
# What a stage can have, by name: classes that keep to the protocol of rooms/engines/base.py.
STAGE_ENGINES: dict[str, str] = {
    "null": "rooms.engines.null.NullEngine",
    "meeting": "rooms.engines.meeting.MeetingAddress",
    "jitsi": "rooms.engines.jitsi.Jitsi",
}
# Uploads. No address leads to them: rooms/views/files.py serves them, to whoever may see the entry.
MEDIA_ROOT: str = env.str("MEDIA_ROOT", default=str(BASE_DIR / "media"))
_bucket: str = env.str("S3_BUCKET", default="")
UPLOADS: dict[str, Any] = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
_s3 = {name: env.str(f"S3_{name}", default="") for name in ("ENDPOINT", "REGION", "ACCESS_KEY", "SECRET_KEY")}
if any(_s3.values()) and not _bucket:
    msg = "S3_BUCKET is missing: the other S3_ variables say where it is"
    raise ValueError(msg)
if _s3["ENDPOINT"] and not (
    urlsplit(_s3["ENDPOINT"]).scheme in {"http", "https"} and urlsplit(_s3["ENDPOINT"]).netloc
):
    msg = "S3_ENDPOINT must be an address such as https://s3.example.org"
    raise ValueError(msg)
if bool(_s3["ACCESS_KEY"]) != bool(_s3["SECRET_KEY"]):
    msg = "S3_ACCESS_KEY and S3_SECRET_KEY belong together: set both, or none"
    raise ValueError(msg)
if _bucket:
    UPLOADS = {
        "BACKEND": "config.uploads.S3Uploads",
        "OPTIONS": {
            "bucket_name": _bucket,
            "endpoint_url": _s3["ENDPOINT"] or None,
            "region_name": _s3["REGION"] or None,
            "access_key": _s3["ACCESS_KEY"] or None,  # else as the machine is known to S3
            "secret_key": _s3["SECRET_KEY"] or None,
            "default_acl": None,
            "file_overwrite": False,
        },
    }
_MB = 1024 * 1024
UPLOAD_CAPS: dict[str, int] = {
    "video": env.int("UPLOAD_VIDEO_MB", default=2048) * _MB,
    "document": env.int("UPLOAD_DOCUMENT_MB", default=100) * _MB,
    "captions": env.int("UPLOAD_CAPTIONS_MB", default=1) * _MB,
}
STORAGES = {
    "default": UPLOADS,
    "staticfiles": {"BACKEND": "config.static.StaticStorage"},
}
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_ALLOW_ALL_ORIGINS = False

# --- Mail ---------------------------------------------------------------------------------------------------

_email = env.dj_email_url("EMAIL_URL")
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
EMAIL_HOST = _email["EMAIL_HOST"]
EMAIL_PORT = _email["EMAIL_PORT"]
EMAIL_HOST_USER = _email["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = _email["EMAIL_USE_TLS"]
EMAIL_USE_SSL = _email["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", default=f"Foyer <foyer@{_public.hostname}>")

# --- Where the apps meet ------------------------------------------------------------------------------------

# The launch (lti_tool) hands over to this URL name; it must not import the rooms.
LAUNCHED_URL_NAME = "rooms:landing"
# Or to a nearer page, which saves a redirect: what a launch asks beside its own question (SQL about the link
# `placement`), and a function from the tab and the answer to URL name and arguments.
LAUNCH_ASKS = "rooms.queries.SHOWN_AT_LINK"
LAUNCHED_PAGE = "rooms.queries.page_after_launch"
# The pages of the rooms link to these names of the apps above them.
INVITE_MENU_URL_NAME = "invites:menu"
INVITE_URL_NAME = "invites:invite"
CONSOLE_URL_NAME = "invites:console"

# --- Logs ---------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "filters": {"addresses": {"()": "common.middleware.PathScrubber"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["addresses"]}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
}

SILENCED_SYSTEM_CHECKS = [
    *("admin.E408", "admin.E409", "admin.E410"),  # all three stand in config.middleware.OperatorMiddleware
    "security.W002",  # no X-Frame-Options: frame-ancestors says it, with names
    "security.W003",  # config.middleware.FormMiddleware is Django's, and the check looks for the name alone
    "security.W005",  # sibling hosts of a university are not ours to force to https
    "security.W008",  # plain http is redirected by the proxy in front; a second redirect here would loop
    "security.W021",  # the preload list is a decision of the whole domain
]
