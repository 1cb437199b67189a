"""What operators may look at. Rooms are run by the people in them: here they are read, not changed."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from rooms.models import Binding, Collaborator, Entry, Participant


class _ReadOnly:
    """Nothing is added, changed or deleted past the services, which tell everybody who is inside."""

    def has_add_permission(self, _request: HttpRequest, _parent: Model | None = None) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _row: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _row: Model | None = None) -> bool:
        return False


class CollaboratorInline(_ReadOnly, admin.TabularInline):  # type: ignore[type-arg]  # generic for the type checker only
    """Rights given by name."""

    model = Collaborator
    fields = ["person", "right", "given_at"]
    readonly_fields = ["given_at"]
    extra = 0


class BindingInline(_ReadOnly, admin.TabularInline):  # type: ignore[type-arg]  # generic for the type checker only
    """The links that show the entry."""

    model = Binding
    fields = ["placement", "bound_at"]
    readonly_fields = ["bound_at"]
    extra = 0


class ParticipantInline(_ReadOnly, admin.TabularInline):  # type: ignore[type-arg]  # generic for the type checker only
    """Who holds a role, and until when; their words in the chat are not shown."""

    model = Participant
    fields = ["person", "guest", "granted_role", "granted_until", "removed_at", "seen_at"]
    extra = 0


@admin.register(Entry)
class EntryAdmin(_ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the type checker only
    """Rooms, deleted ones too."""

    list_display = ["title", "kind", "tenant", "starts_at", "doors", "created_at", "deleted_at"]
    list_filter = ["kind", "doors", "tenant"]
    list_select_related = ["tenant"]
    search_fields = ["title", "id"]
    date_hierarchy = "created_at"
    inlines = [CollaboratorInline, BindingInline, ParticipantInline]
