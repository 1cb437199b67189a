"""Addresses of this app. Registrations name them: they do not change."""

from django.urls import path

from lti_tool.views import console_claim, handover, keys, launch, login, registration

app_name = "lti_tool"
urlpatterns = [
    path("login/", login.login, name="login"),
    path("launch/", launch.launch, name="launch"),
    path("launch/finish/", launch.finish, name="finish"),
    path("hand-over/", handover.hand_over, name="hand-over"),
    path("tab/", handover.open_tab, name="open-tab"),
    path("jwks.json", keys.jwks, name="jwks"),
    path("config.json", registration.config_json, name="config"),
    path("register/", registration.without_invitation, name="register"),
    path("register/<str:secret>/", registration.start, name="register-start"),
    path("register/<str:secret>/<str:key>/", registration.review, name="register-review"),
    path("claim/<str:secret>/", console_claim.claim, name="claim"),
]
