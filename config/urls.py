"""Where everything is mounted. `lti_tool.identity` has taken a tab's prefix `/~<handle>` off before."""

from django.contrib import admin
from django.urls import include, path

from config import health

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("operator/", admin.site.urls),
    path("lti/", include("lti_tool.urls")),
    path("", include("rooms.urls")),  # the media page before all else: nothing is opened more often
    path("", include("invites.urls")),
]
