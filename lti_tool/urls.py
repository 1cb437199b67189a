"""Addresses of this app."""

from django.urls import URLPattern

app_name = "lti_tool"
urlpatterns: list[URLPattern] = []
