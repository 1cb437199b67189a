"""A tenant's rules: the module's settings, groups, and who changed them."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from invites.models.templates import EmailTemplate
from lti_tool.models import Course, Person, Tenant


class Group(models.Model):
    """People whom AllowedUsers may name together: some by name, and the staff of some courses."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="groups")
    name = models.CharField(_("name"), max_length=100)
    people = models.ManyToManyField(Person, blank=True, related_name="+")
    courses = models.ManyToManyField(
        Course, blank=True, related_name="+", help_text="their staff are members"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("group")
        verbose_name_plural = _("groups")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "name"], name="group_once_per_tenant")
        ]

    def __str__(self) -> str:
        return self.name


class ModuleSettings(models.Model):
    """One tenant's rules (design §5). Its form names them as the field does: `LinkDuration` and so on."""

    class AllowedUsers(models.TextChoices):
        """Who may invite, beside having a right on the entry."""

        PRIVATE_ONLY = "private_only", _("Private only role")
        ADMIN = "admin", _("Admin role")
        UNMODERATED_ADMIN = "unmoderated_admin", _("Unmoderated admin role")
        NAMED = "named", _("Specific users / groups")

    class VerifyMailbox(models.TextChoices):
        """Who types a code from their mailbox in the lobby."""

        NOBODY = "nobody", _("Nobody")
        HOSTING = "hosting", _("Moderators and speakers")
        EVERYBODY = "everybody", _("Everybody")

    class Suggestions(models.TextChoices):
        """Whom typing in the invitation dialog finds."""

        COURSE = "course", _("This course, and anybody by their exact address")
        TENANT = "tenant", _("Everybody whom the LMS has sent here")

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, related_name="module_settings")
    enable = models.BooleanField(default=True)
    link_duration = models.PositiveIntegerField(
        default=1440, validators=[MinValueValidator(1), MaxValueValidator(525_600)], help_text="minutes"
    )
    link_reusability = models.IntegerField(default=1, help_text="devices; -1 is unlimited")
    allowed_users = models.CharField(
        max_length=20, choices=AllowedUsers.choices, default=AllowedUsers.PRIVATE_ONLY
    )
    allowed_people = models.ManyToManyField(Person, blank=True, related_name="+")
    allowed_groups = models.ManyToManyField(Group, blank=True, related_name="+")
    invite_email_template = models.ForeignKey(
        EmailTemplate, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    restrict_new_user_domains = models.JSONField(default=list, blank=True)
    shows_on_media_page = models.BooleanField(default=True, help_text="Theming: mediapage")
    valid_until_session_ends = models.BooleanField(default=True)
    verify_mailbox = models.CharField(
        max_length=20, choices=VerifyMailbox.choices, default=VerifyMailbox.NOBODY
    )
    suggestions = models.CharField(max_length=20, choices=Suggestions.choices, default=Suggestions.COURSE)
    admin_contact = models.CharField(max_length=300, blank=True)
    sender_name = models.CharField(max_length=100, blank=True, help_text="empty: the installation's")
    sender_address = models.EmailField(max_length=320, blank=True, help_text="empty: the installation's")
    quota_per_inviter_hour = models.PositiveIntegerField(default=200)
    quota_per_entry = models.PositiveIntegerField(default=2000)
    quota_per_recipient_day = models.PositiveIntegerField(default=10)
    quota_per_tenant_day = models.PositiveIntegerField(default=20_000)
    guest_retention_days = models.PositiveIntegerField(default=180)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("module settings")
        verbose_name_plural = _("module settings")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(link_duration__gte=1, link_duration__lte=525_600), name="link_duration_in_range"
            ),
            models.CheckConstraint(
                condition=Q(link_reusability=-1) | Q(link_reusability__gt=0), name="link_reusability_in_range"
            ),
        ]

    def __str__(self) -> str:
        return f"InviteToMedia: {self.tenant}"

    @property
    def sends_mail(self) -> bool:
        """Whether anybody may send an invitation by mail: a template is set, be it the shipped one."""
        return self.invite_email_template is not None


class AuditEvent(models.Model):
    """A change of a tenant's rules: who, when, from, to. It holds ids, never names or addresses.

    `changes` maps a field's name to `[from, to]`.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="audit_events")
    at = models.DateTimeField()
    actor = models.CharField(max_length=100)
    action = models.CharField(max_length=50)
    subject = models.CharField(max_length=100, blank=True)
    changes = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        ordering: ClassVar = ["-at", "-pk"]
        indexes: ClassVar = [models.Index(fields=["tenant", "-at"], name="audit_of_tenant")]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}".rstrip()
