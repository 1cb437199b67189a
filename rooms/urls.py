"""Addresses of this app. Whatever a guest may use lies under `media/<id>/`: there its pass is sent."""

from django.urls import URLPattern, path

from rooms.views import collaborators, entries, setup

app_name = "rooms"
urlpatterns: list[URLPattern] = [
    path("", setup.landing, name="landing"),
    path("setup/", setup.setup, name="setup"),
    path("setup/pick/", setup.pick, name="pick"),
    path("media/<uuid:entry_id>/edit/", entries.edit, name="edit"),
    path("media/<uuid:entry_id>/delete/", entries.delete, name="delete"),
    path("media/<uuid:entry_id>/place/", entries.place, name="place"),
    path("media/<uuid:entry_id>/owner/", collaborators.owner, name="owner"),
    path("media/<uuid:entry_id>/collaborators/", collaborators.collaborators, name="collaborators"),
    path("media/<uuid:entry_id>/collaborators/people/", collaborators.people, name="people"),
    path(
        "media/<uuid:entry_id>/collaborators/<int:collaborator_id>/change/",
        collaborators.collaborator_change,
        name="collaborator-change",
    ),
    path(
        "media/<uuid:entry_id>/collaborators/<int:collaborator_id>/remove/",
        collaborators.collaborator_remove,
        name="collaborator-remove",
    ),
]
