"""Where everything is mounted. `/~<handle>/…` is not listed: `lti_tool.identity` takes that prefix off first."""

from django.contrib import admin
from django.urls import include, path

from config import health

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("operator/", admin.site.urls),
    path("lti/", include("lti_tool.urls")),
    path("", include("invites.urls")),
    path("", include("rooms.urls")),
]
