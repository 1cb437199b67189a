"""Addresses of this app. Registrations name them: they do not change."""

from django.urls import path

from lti_tool.views import keys, launch, login, registration

app_name = "lti_tool"
urlpatterns = [
    path("login/", login.login, name="login"),
    path("launch/", launch.launch, name="launch"),
    path("jwks.json", keys.jwks, name="jwks"),
    path("config.json", registration.config_json, name="config"),
]
