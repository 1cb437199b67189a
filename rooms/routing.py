"""Addresses of the sockets."""

from django.urls import URLPattern, path, re_path

from rooms.consumers import NowhereConsumer, RoomConsumer

websocket_urlpatterns: list[URLPattern] = [
    path("media/<uuid:entry_id>/socket/", RoomConsumer.as_asgi()),
    re_path(r"", NowhereConsumer.as_asgi()),
]
