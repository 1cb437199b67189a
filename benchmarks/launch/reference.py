"""The app to compare with: PyLTI1p3's Django adapter in the shape of its README. It stores nothing.

Configuration in the database (`DjangoDbToolConf`), launch data and keys in Redis (`DjangoCacheDataStorage`,
`set_public_key_caching`), one small page at the end. Database connections stay open, kinder than its README.
"""

import os

from django.conf import settings

settings.configure(
    SECRET_KEY="benchmark",  # noqa: S106 - guards nothing
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="benchmarks.launch.reference",
    INSTALLED_APPS=["pylti1p3.contrib.django.lti1p3_tool_config"],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
    ],
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["REFERENCE_DATABASE"],
            "HOST": "127.0.0.1",
            "PORT": os.environ["DATABASE_PORT"],
            "USER": "foyer",
            "CONN_MAX_AGE": None,
        }
    },
    CACHES={
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": os.environ["REDIS_URL"],
            "KEY_PREFIX": "reference",
        }
    },
    USE_TZ=True,
)

import django  # noqa: E402

django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.urls import path, reverse  # noqa: E402
from django.utils.html import escape  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402
from pylti1p3.contrib.django import (  # type: ignore[attr-defined]  # noqa: E402
    DjangoCacheDataStorage,
    DjangoDbToolConf,
    DjangoMessageLaunch,
    DjangoOIDCLogin,
)


@csrf_exempt
def login(request: HttpRequest) -> HttpResponse:
    """Answer a login initiation as the README does."""
    dance = DjangoOIDCLogin(request, DjangoDbToolConf(), launch_data_storage=DjangoCacheDataStorage())
    answer: HttpResponse = dance.redirect(request.build_absolute_uri(reverse("launch")))
    return answer


@csrf_exempt
def launch(request: HttpRequest) -> HttpResponse:
    """Validate a launch as the README does, and show one line."""
    message = DjangoMessageLaunch(request, DjangoDbToolConf(), launch_data_storage=DjangoCacheDataStorage())
    message.set_public_key_caching(DjangoCacheDataStorage(), cache_lifetime=7200)
    data = message.get_launch_data()
    return HttpResponse(f"<!doctype html><title>Tool</title><p>Welcome, {escape(data.get('name', ''))}</p>")


urlpatterns = [path("login/", login, name="login"), path("launch/", launch, name="launch")]
application = get_wsgi_application()
