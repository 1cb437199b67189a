"""What operators see of invitations. Nothing is changed here: rules have the console, invites their page."""

from django.contrib import admin
from django.http import HttpRequest

from invites.models import AuditEvent, EmailTemplate, Group, Invite, ModuleSettings, OutboxMail


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # each subclass has a model of its own
    """To be looked at."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Invite)
class InviteAdmin(ReadOnlyAdmin):
    """Invites of all tenants."""

    list_display = [
        *("email", "entry", "role", "tenant", "made_at", "expires_at"),
        *("devices_used", "max_devices", "withdrawn_at"),
    ]
    list_filter = ["tenant", "role"]
    list_select_related = ["entry", "tenant"]
    search_fields = ["normalised_email", "last_name", "entry__title"]
    date_hierarchy = "made_at"


@admin.register(OutboxMail)
class OutboxMailAdmin(ReadOnlyAdmin):
    """What waits, what went out, and what did not."""

    list_display = [
        *("id", "state", "tenant", "attempts", "due_at", "sent_at"),
        *("shown_error", "may_be_second"),
    ]
    list_filter = ["state", "may_be_second", "tenant"]
    list_select_related = ["tenant"]
    date_hierarchy = "created_at"


@admin.register(ModuleSettings)
class ModuleSettingsAdmin(ReadOnlyAdmin):
    """The rules in force; the console changes them."""

    list_display = [
        *("tenant", "enable", "link_duration", "link_reusability", "allowed_users"),
        "changed_at",
    ]
    list_select_related = ["tenant"]


@admin.register(EmailTemplate)
class EmailTemplateAdmin(ReadOnlyAdmin):
    """Templates of all tenants."""

    list_display = ["name", "tenant", "created_at"]
    list_select_related = ["tenant"]


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin):
    """Groups of all tenants."""

    list_display = ["name", "tenant", "created_at"]
    list_select_related = ["tenant"]


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Who changed which rule; the console says it in words."""

    list_display = ["at", "tenant", "actor", "action", "subject"]
    list_filter = ["tenant", "action"]
    list_select_related = ["tenant"]
    date_hierarchy = "at"
