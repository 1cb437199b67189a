"""Addresses of this app. Whatever a guest may use lies under `media/<id>/`: there its pass is sent."""

from django.urls import URLPattern, path

from rooms.views import (
    acts,
    chat,
    collaborators,
    content,
    doors,
    entries,
    files,
    media,
    name,
    picker,
    reports,
    setup,
)

app_name = "rooms"
urlpatterns: list[URLPattern] = [
    path("", setup.landing, name="landing"),
    path("setup/", setup.setup, name="setup"),
    path("setup/pick/", setup.pick, name="pick"),
    path("setup/again/", setup.again, name="again"),
    path("name/", name.name, name="name"),
    path("picker/", picker.picker, name="picker"),
    path("picker/browse/", picker.browse, name="picker-browse"),
    path("picker/choose/", picker.choose, name="picker-choose"),
    path("picker/new/", picker.wish, name="picker-wish"),
    path("picker/cancel/", picker.cancel, name="picker-cancel"),
    path("media/<uuid:entry_id>/", media.media, name="media"),
    path("media/<uuid:entry_id>/look/", media.look, name="look"),
    path("media/<uuid:entry_id>/calendar.ics", media.calendar, name="calendar"),
    path("media/<uuid:entry_id>/doors/open/", doors.doors_open, name="doors-open"),
    path("media/<uuid:entry_id>/doors/close/", doors.doors_close, name="doors-close"),
    path("media/<uuid:entry_id>/end/", doors.session_end, name="session-end"),
    path("media/<uuid:entry_id>/chat/", chat.chat_post, name="chat-post"),
    path("media/<uuid:entry_id>/act/<str:verb>/", acts.act, name="act"),
    path("media/<uuid:entry_id>/reports/", reports.reports, name="reports"),
    path("media/<uuid:entry_id>/reports/<slug:name>.csv", reports.report, name="report"),
    path("media/<uuid:entry_id>/file/<uuid:file_id>", files.file, name="file"),
    path("media/<uuid:entry_id>/stage/", files.stage, name="stage"),
    path("media/<uuid:entry_id>/ticket/", files.ticket, name="ticket"),
    path(
        "media/<uuid:entry_id>/by/<str:ticket>/file/<uuid:file_id>",
        files.file_by_ticket,
        name="file-by-ticket",
    ),
    path("media/<uuid:entry_id>/by/<str:ticket>/stage/", files.stage_by_ticket, name="stage-by-ticket"),
    path("media/<uuid:entry_id>/content/", content.content, name="content"),
    path("media/<uuid:entry_id>/content/captions/", content.captions, name="captions"),
    path(
        "media/<uuid:entry_id>/content/captions/<uuid:captions_id>/remove/",
        content.captions_remove,
        name="captions-remove",
    ),
    path("media/<uuid:entry_id>/edit/", entries.edit, name="edit"),
    path("media/<uuid:entry_id>/delete/", entries.delete, name="delete"),
    path("media/<uuid:entry_id>/place/", entries.place, name="place"),
    path("media/<uuid:entry_id>/owner/", collaborators.owner, name="owner"),
    path("media/<uuid:entry_id>/collaborators/", collaborators.collaborators, name="collaborators"),
    path("media/<uuid:entry_id>/collaborators/people/", collaborators.people, name="people"),
    path(
        "media/<uuid:entry_id>/collaborators/<int:collaborator_id>/",
        collaborators.collaborator,
        name="collaborator",
    ),
    path(
        "media/<uuid:entry_id>/collaborators/<int:collaborator_id>/remove/",
        collaborators.collaborator_remove,
        name="collaborator-remove",
    ),
]
