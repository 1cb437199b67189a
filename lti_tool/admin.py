"""What operators see: registrations, what waits for approval, whose rules hold, and who has been here."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.db.models import URLField
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from lti_tool.models import (
    ConsoleKey,
    Course,
    Deployment,
    Membership,
    Person,
    Placement,
    Platform,
    RegistrationInvitation,
    RoleRule,
    Tenant,
)
from lti_tool.services.console_keys import end_console_key
from lti_tool.services.registration import approve_deployment, confirm_platform
from lti_tool.services.registration_invitation import withdraw_registration_invitation

if TYPE_CHECKING:
    from django.db.models import QuerySet

    ConsoleKeyAdminBase = admin.ModelAdmin[ConsoleKey]
    DeploymentAdminBase = admin.ModelAdmin[Deployment]
    DeploymentInlineBase = admin.TabularInline[Deployment, Platform]
    PersonAdminBase = admin.ModelAdmin[Person]
    InvitationAdminBase = admin.ModelAdmin[RegistrationInvitation]
    PlatformAdminBase = admin.ModelAdmin[Platform]
    ReadOnlyAdminBase = admin.ModelAdmin[Any]
    RoleRuleInlineBase = admin.TabularInline[RoleRule, Tenant]
    TenantAdminBase = admin.ModelAdmin[Tenant]
else:
    DeploymentAdminBase = PersonAdminBase = PlatformAdminBase = TenantAdminBase = admin.ModelAdmin
    ReadOnlyAdminBase = ConsoleKeyAdminBase = InvitationAdminBase = admin.ModelAdmin
    DeploymentInlineBase = RoleRuleInlineBase = admin.TabularInline


# What Django 6 will take for granted: an address typed without a scheme is https.
_HTTPS: Final[dict[Any, Any]] = {URLField: {"assume_scheme": "https"}}


class DeploymentInline(DeploymentInlineBase):
    """The deployments of a registration; new ones come with launches or `register_platform`."""

    model = Deployment
    fields = ["deployment_id", "tenant", "state", "created_at"]
    readonly_fields = ["deployment_id", "tenant", "created_at"]
    extra = 0
    can_delete = False

    def has_add_permission(self, _request: HttpRequest, _platform: Platform | None = None) -> bool:
        """A deployment belongs to a tenant, which is found or made by a service."""
        return False


@admin.register(Platform)
class PlatformAdmin(PlatformAdminBase):
    """Registrations. Switching one off stops its launches and its tabs at once."""

    list_display = ["name", "issuer", "client_id", "state", "tenancy", "last_launch_at"]
    list_filter = ["state", "tenancy"]
    formfield_overrides = _HTTPS
    search_fields = ["name", "issuer", "client_id"]
    readonly_fields = ["created_at", "last_launch_at"]
    inlines = [DeploymentInline]
    actions = ["confirm"]

    @admin.action(description=_("Confirm these registrations, if they wait"), permissions=["change"])
    def confirm(self, request: HttpRequest, platforms: "QuerySet[Platform]") -> None:
        """Let the launches of what was ticked pass."""
        count = sum(confirm_platform(each, by=f"operator:{request.user.pk}") for each in platforms)
        text = ngettext(
            "%(count)s registration may launch now.", "%(count)s registrations may launch now.", count
        )
        self.message_user(request, text % {"count": count}, messages.SUCCESS)

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """`register_platform` also makes the tenant and its role mapping."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _platform: Platform | None = None) -> bool:
        """Disable it instead: rooms and people hang on it."""
        return False


@admin.register(Deployment)
class DeploymentAdmin(DeploymentAdminBase):
    """Deployments, those that wait for approval first."""

    list_display = ["deployment_id", "platform", "tenant", "state", "created_at"]
    list_filter = ["state", "platform"]
    search_fields = ["deployment_id", "tenant__name"]
    list_select_related = ["platform", "tenant"]
    fields = ["platform", "deployment_id", "tenant", "state", "created_at"]
    readonly_fields = ["platform", "deployment_id", "tenant", "created_at"]
    ordering = ["-state", "-created_at"]
    actions = ["approve"]

    @admin.action(description=_("Let launches from these deployments pass"), permissions=["change"])
    def approve(self, request: HttpRequest, deployments: "QuerySet[Deployment]") -> None:
        """Approve what was ticked."""
        for deployment in deployments:
            approve_deployment(deployment)
        count = len(deployments)
        text = ngettext(
            "%(count)s deployment may launch now.", "%(count)s deployments may launch now.", count
        )
        self.message_user(request, text % {"count": count}, messages.SUCCESS)

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """They come with launches."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _deployment: Deployment | None = None) -> bool:
        """Disable it instead: courses hang on it."""
        return False


@admin.register(RegistrationInvitation)
class InvitationAdmin(InvitationAdminBase):
    """Addresses for dynamic registration. New ones are made in the console, which shows them once."""

    list_display = ["__str__", "made_by", "made_at", "expires_at", "used_at", "platform"]
    list_filter = ["used_at"]
    list_select_related = ["platform"]
    fields = [
        *("note", "made_by", "made_at", "expires_at", "used_at", "platform"),
        *("confirms_itself", "allows_other_host"),
    ]
    readonly_fields = ["made_by", "made_at", "expires_at", "used_at", "platform"]
    ordering = ["-made_at"]
    actions = ["withdraw"]

    @admin.action(description=_("Withdraw these invitations"), permissions=["change"])
    def withdraw(self, request: HttpRequest, invitations: "QuerySet[RegistrationInvitation]") -> None:
        """End what was ticked and nobody has used."""
        now = timezone.now()
        count = sum(withdraw_registration_invitation(each, now=now) for each in invitations)
        text = ngettext("%(count)s invitation has ended.", "%(count)s invitations have ended.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS)

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """The address exists when it is made, and never again."""
        return False

    def has_delete_permission(
        self, _request: HttpRequest, _invitation: RegistrationInvitation | None = None
    ) -> bool:
        """They say who let whom in."""
        return False


@admin.register(ConsoleKey)
class ConsoleKeyAdmin(ConsoleKeyAdminBase):
    """Browsers that have a tenant's console by a registration's claim link."""

    list_display = ["tenant", "browser", "made_at", "expires_at", "ended_at", "ended_by"]
    list_filter = ["tenant", "ended_at"]
    list_select_related = ["tenant"]
    fields = ["tenant", "browser", "made_at", "expires_at", "ended_at", "ended_by"]
    readonly_fields = ["tenant", "browser", "made_at", "expires_at", "ended_at", "ended_by"]
    ordering = ["-made_at"]
    actions = ["end"]

    @admin.action(description=_("Take the console from these browsers"), permissions=["change"])
    def end(self, request: HttpRequest, keys: "QuerySet[ConsoleKey]") -> None:
        """End what was ticked."""
        now, by = timezone.now(), f"operator:{request.user.pk}"
        count = sum(end_console_key(each, by=by, now=now) for each in keys)
        text = ngettext(
            "%(count)s browser has no console any more.",
            "%(count)s browsers have no console any more.",
            count,
        )
        self.message_user(request, text % {"count": count}, messages.SUCCESS)

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """They come with claim links."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _key: ConsoleKey | None = None) -> bool:
        """End it instead."""
        return False


class RoleRuleInline(RoleRuleInlineBase):
    """What each LIS role is worth here."""

    model = RoleRule
    extra = 0


@admin.register(Tenant)
class TenantAdmin(TenantAdminBase):
    """Whose people and rules these are."""

    list_display = ["name", "platform", "learner_wins", "institution_admin_gets_console", "created_at"]
    search_fields = ["name"]
    readonly_fields = ["platform", "created_at"]
    inlines = [RoleRuleInline]

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """They come with registrations and deployments."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _tenant: Tenant | None = None) -> bool:
        """Everything of theirs hangs on it."""
        return False


class ReadOnlyAdmin(ReadOnlyAdminBase):
    """Looked at, never changed: the LMS is the truth about these."""

    formfield_overrides = _HTTPS

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """They come with launches and rosters."""
        return False

    def has_change_permission(self, _request: HttpRequest, _row: object = None) -> bool:
        """The next launch would overwrite it."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _row: object = None) -> bool:
        """`purge` decides what is kept."""
        return False


@admin.register(Person)
class PersonAdmin(PersonAdminBase):
    """People. Disabling one ends their tabs at once."""

    list_display = ["shown_name", "email", "tenant", "is_test_user", "is_disabled", "launched_at"]
    list_filter = ["is_disabled", "is_test_user", "tenant"]
    search_fields = ["name", "given_name", "family_name", "normalised_email", "sub"]
    list_select_related = ["tenant"]
    fields = [
        *("tenant", "sub", "name", "given_name", "family_name", "email", "locale"),
        *("is_test_user", "is_disabled", "launched_at"),
    ]

    def get_readonly_fields(self, _request: HttpRequest, _person: Person | None = None) -> Iterable[str]:  # type: ignore[override]
        """All but the switch."""
        return [name for name in self.fields or [] if name != "is_disabled"]  # type: ignore[misc]

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """They come with launches and rosters."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _person: Person | None = None) -> bool:
        """`purge` decides what is kept."""
        return False


@admin.register(Course)
class CourseAdmin(ReadOnlyAdmin):
    """Courses, and how their rosters are."""

    list_display = ["__str__", "label", "tenant", "roster_fetched_at", "roster_wanted_at"]
    list_filter = ["tenant"]
    search_fields = ["title", "label", "context_id"]
    list_select_related = ["tenant"]


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Who is what in which course: the page for "why is this person no teacher?"."""

    list_display = ["person", "course", "right", "application_role", "status", "launched_at", "listed_at"]
    list_filter = ["status", "right", "application_role"]
    search_fields = ["person__name", "person__normalised_email", "course__title"]
    list_select_related = ["person", "course"]


@admin.register(Placement)
class PlacementAdmin(ReadOnlyAdmin):
    """Links in courses."""

    list_display = ["__str__", "course", "tenant"]
    search_fields = ["title", "resource_link_id"]
    list_select_related = ["course", "tenant"]
