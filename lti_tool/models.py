"""What we know of platforms and of whoever they send: tenants, deployments, courses, people, tabs."""

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar, Final

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from lti_tool.folding import search_text
from lti_tool.roles import ApplicationRole, Right

RIGHT_CHOICES = [
    (Right.OWNER.value, _("Owner")),
    (Right.CO_OWNER.value, _("Co-owner")),
    (Right.CO_EDITOR.value, _("Co-editor")),
    (Right.CO_PUBLISHER.value, _("Co-publisher")),
    (Right.NONE.value, _("None")),
]
APPLICATION_ROLE_CHOICES = [
    (ApplicationRole.VIEWER.value, _("Viewer")),
    (ApplicationRole.PRIVATE_ONLY.value, _("Private only")),
    (ApplicationRole.ADMIN.value, _("Admin")),
    (ApplicationRole.UNMODERATED_ADMIN.value, _("Unmoderated admin")),
]


class Platform(models.Model):
    """One registration: issuer + client id."""

    class State(models.TextChoices):
        """Whether launches pass."""

        WAITING = "waiting", _("Waiting for approval")
        ACTIVE = "active", _("Active")
        DISABLED = "disabled", _("Disabled")

    class Tenancy(models.TextChoices):
        """Whose people and rules these are."""

        PLATFORM = "platform", _("The registration is one tenant")
        DEPLOYMENT = "deployment", _("Each deployment is a tenant of its own")

    name = models.CharField(_("name"), max_length=200)
    issuer = models.CharField(_("issuer"), max_length=500)
    client_id = models.CharField(_("client id"), max_length=255)
    auth_url = models.URLField(_("OpenID Connect authentication endpoint"), max_length=1000)
    token_url = models.URLField(_("OAuth2 access token URL"), max_length=1000)
    jwks_url = models.URLField(_("keyset URL"), max_length=1000)
    token_audience = models.CharField(_("OAuth2 audience"), max_length=1000, blank=True)
    state = models.CharField(_("state"), max_length=20, choices=State.choices, default=State.ACTIVE)
    tenancy = models.CharField(_("tenancy"), max_length=20, choices=Tenancy.choices, default=Tenancy.PLATFORM)
    has_listed_deployments = models.BooleanField(
        _("only listed deployments"),
        default=False,
        help_text=_("Registered with deployment ids: another one becomes pending and its launch is refused."),
    )
    frame_origins = models.JSONField(_("further origins that may frame the tool"), default=list, blank=True)
    created_at = models.DateTimeField(_("registered at"), auto_now_add=True)
    last_launch_at = models.DateTimeField(_("last successful launch"), null=True, blank=True)
    outline_hash = models.CharField(
        max_length=32, blank=True, editable=False, help_text=_("Which claims the last launch carried.")
    )

    class Meta:
        verbose_name = _("platform")
        verbose_name_plural = _("platforms")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["issuer", "client_id"], name="platform_issuer_client_id"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def audience(self) -> str:
        """The `aud` of our client assertions: its own setting, else the token URL."""
        return self.token_audience or self.token_url


class LaunchOutline(models.Model):
    """What a platform sent at its last launch: which claims, and of what kind; nothing personal."""

    platform = models.OneToOneField(Platform, on_delete=models.CASCADE, related_name="outline")
    claims = models.JSONField(default=list)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("launch outline")
        verbose_name_plural = _("launch outlines")

    def __str__(self) -> str:
        return str(self.platform)


class LaunchRefusal(models.Model):
    """One kind of refusal at a known platform: when it came first and last. Nothing personal."""

    platform = models.ForeignKey(Platform, on_delete=models.CASCADE, related_name="refusals")
    code = models.CharField(_("code"), max_length=40)
    detail = models.CharField(_("detail"), max_length=255, blank=True)
    reference = models.CharField(_("reference"), max_length=16, blank=True)
    first_at = models.DateTimeField(_("first"))
    at = models.DateTimeField(_("last"))

    class Meta:
        verbose_name = _("refused launch")
        verbose_name_plural = _("refused launches")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["platform", "code", "detail"], name="refusal_once_per_kind")
        ]
        indexes: ClassVar = [models.Index(fields=["platform", "-at"], name="refusal_by_time")]

    def __str__(self) -> str:
        return self.code


class Tenant(models.Model):
    """Whose people and rules these are. Every person, guest, entry, rule and log belongs to one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=200)
    platform = models.ForeignKey(Platform, on_delete=models.PROTECT, related_name="tenants")
    learner_wins = models.BooleanField(
        _("Learner beside a teaching role gives no right"),
        default=True,
        help_text=_(
            "When one launch carries Learner beside any other role, the person has no right and is told so."
        ),
    )
    institution_admin_gets_console = models.BooleanField(
        _("institution and system administrators may use this console"), default=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")

    def __str__(self) -> str:
        return self.name


class RoleRule(models.Model):
    """One row of a tenant's role mapping: what a context role is worth."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="role_rules")
    role = models.CharField(_("LIS role"), max_length=255)
    right = models.CharField(_("right"), max_length=20, choices=RIGHT_CHOICES)
    application_role = models.PositiveSmallIntegerField(
        _("application role"), choices=APPLICATION_ROLE_CHOICES
    )

    class Meta:
        verbose_name = _("role rule")
        verbose_name_plural = _("role rules")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "role"], name="role_rule_once_per_tenant")
        ]

    def __str__(self) -> str:
        return self.role


class Deployment(models.Model):
    """One deployment of a registration."""

    class State(models.TextChoices):
        """Whether launches pass."""

        PENDING = "pending", _("Pending")
        ACTIVE = "active", _("Active")
        DISABLED = "disabled", _("Disabled")

    platform = models.ForeignKey(Platform, on_delete=models.CASCADE, related_name="deployments")
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="deployments")
    deployment_id = models.CharField(_("deployment id"), max_length=255)
    state = models.CharField(_("state"), max_length=20, choices=State.choices, default=State.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("deployment")
        verbose_name_plural = _("deployments")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["platform", "deployment_id"], name="deployment_once_per_platform")
        ]

    def __str__(self) -> str:
        return self.deployment_id


class Course(models.Model):
    """An LTI context, as one deployment knows it."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="courses")
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="courses")
    context_id = models.CharField(max_length=255)
    title = models.CharField(max_length=255, blank=True)
    label = models.CharField(max_length=255, blank=True)
    ancestors = models.JSONField(_("copied from"), default=list, blank=True)  # context ids, the nearest first
    roster_url = models.URLField(max_length=2000, blank=True)
    roster_wanted_at = models.DateTimeField(null=True, blank=True)
    roster_claimed_at = models.DateTimeField(null=True, blank=True)
    roster_fetched_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("course")
        verbose_name_plural = _("courses")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["deployment", "context_id"], name="course_once_per_deployment")
        ]

    def __str__(self) -> str:
        return self.title or self.label or str(_("Untitled course"))


class Person(models.Model):
    """Somebody known by the LMS: (tenant, `sub`). Name and email may be missing and are never the key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="people")
    sub = models.CharField(max_length=255)
    name = models.CharField(_("name"), max_length=255, blank=True)
    given_name = models.CharField(_("first name"), max_length=255, blank=True)
    family_name = models.CharField(_("last name"), max_length=255, blank=True)
    chosen_name = models.CharField(_("name that they chose here"), max_length=100, blank=True)
    name_asked_at = models.DateTimeField(_("asked for a name"), null=True, blank=True)
    email = models.CharField(_("email address"), max_length=320, blank=True)
    normalised_email = models.CharField(max_length=320, blank=True)
    locale = models.CharField(max_length=35, blank=True)
    is_test_user = models.BooleanField(_("preview person of the LMS"), default=False)
    is_disabled = models.BooleanField(_("disabled"), default=False)
    launched_at = models.DateTimeField(_("last launch"), null=True, blank=True)
    search_text = models.TextField(blank=True, default="", db_default="", editable=False)

    SEARCHED: Final = frozenset({"name", "given_name", "family_name", "chosen_name", "email"})

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "sub"], name="person_once_per_tenant"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant", "normalised_email"], name="person_by_email"),
            # Trigrams on PostgreSQL; on SQLite an ordinary index, narrower to read through than the table.
            GinIndex(
                fields=["tenant", "search_text"], opclasses=["uuid_ops", "gin_trgm_ops"], name="person_search"
            ),
        ]

    def __str__(self) -> str:
        return self.shown_name

    def save(self, *, update_fields: Iterable[str] | None = None, **options: Any) -> None:  # noqa: ANN401 - as Django has it
        """Save; what is searched follows the names and the address. Bulk writes call `make_searchable`."""
        if update_fields is None or not self.SEARCHED.isdisjoint(update_fields := set(update_fields)):
            self.make_searchable()
            update_fields = None if update_fields is None else {*update_fields, "search_text"}
        super().save(update_fields=update_fields, **options)

    def make_searchable(self) -> None:
        """Set what is searched from the names and the address."""
        names = (self.name, self.given_name, self.family_name, self.chosen_name)
        self.search_text = search_text(names, self.email)

    @property
    def shown_name(self) -> str:
        """A name to show: never the `sub`, which may carry a user id of the LMS.

        What the LMS says counts; where it says nothing, what the person chose here. The preview person of an
        LMS is marked wherever it is named.
        """
        name = self.given_by_lms or self.chosen_name
        shown = name or str(_("Person %(short)s") % {"short": self.id.hex[:4].upper()})
        return str(_("%(name)s (preview)") % {"name": shown}) if self.is_test_user else shown

    @property
    def initial(self) -> str:
        """What stands for the name where there is no place for it."""
        return self.shown_name[:1].upper()

    @property
    def given_by_lms(self) -> str:
        """The name that the LMS releases, if any."""
        return self.name or " ".join(part for part in (self.given_name, self.family_name) if part)

    @property
    def wants_name(self) -> bool:
        """Whether to ask the person, once, what to call them."""
        return not (self.given_by_lms or self.chosen_name or self.name_asked_at or self.is_test_user)


class Membership(models.Model):
    """What a person is in a course, by the latest launch or roster: replaced each time, never added to."""

    class Status(models.TextChoices):
        """As the roster says (NRPS 2.0); absence from a roster only hides somebody from suggestions."""

        ACTIVE = "active", _("Active")
        ABSENT = "absent", _("Not in the roster")
        INACTIVE = "inactive", _("Inactive")
        DELETED = "deleted", _("Deleted")

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="memberships")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")
    roles = models.JSONField(default=list)
    right = models.CharField(max_length=20, choices=RIGHT_CHOICES, default=Right.NONE.value)
    application_role = models.PositiveSmallIntegerField(
        choices=APPLICATION_ROLE_CHOICES, default=ApplicationRole.VIEWER.value
    )
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.ACTIVE)
    launched_at = models.DateTimeField(null=True, blank=True)
    listed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["course", "person"], name="membership_once_per_course")
        ]

    def __str__(self) -> str:
        return f"{self.person} – {self.course}"


class Placement(models.Model):
    """An LTI resource link. A course is absent where the platform withholds it."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="placements")
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="placements")
    course = models.ForeignKey(
        Course, on_delete=models.CASCADE, null=True, blank=True, related_name="placements"
    )
    resource_link_id = models.CharField(max_length=255)
    title = models.CharField(max_length=255, blank=True)
    ancestors = models.JSONField(_("copied from"), default=list, blank=True)  # link ids, the nearest first
    hint = models.TextField(
        blank=True
    )  # what our content picker wrote into the link; never authorises anything

    class Meta:
        verbose_name = _("placement")
        verbose_name_plural = _("placements")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["deployment", "resource_link_id"], name="placement_once_per_deployment"
            )
        ]

    def __str__(self) -> str:
        return self.title or str(_("Untitled link"))


class Tab(models.Model):
    """A browser tab or frame after a valid launch. It acts with that launch's roles, eight hours at most."""

    handle = models.CharField(max_length=32, primary_key=True)
    secret_hash = models.CharField(max_length=64)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="tabs")
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="tabs")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="tabs")
    placement = models.ForeignKey(Placement, on_delete=models.CASCADE, null=True, related_name="tabs")
    course = models.ForeignKey(Course, on_delete=models.CASCADE, null=True, related_name="tabs")
    right = models.CharField(max_length=20, choices=RIGHT_CHOICES)
    application_role = models.PositiveSmallIntegerField(choices=APPLICATION_ROLE_CHOICES)
    has_mixed_roles = models.BooleanField(default=False)
    is_console_admin = models.BooleanField(default=False)
    frame_origins = models.JSONField(default=list)
    locale = models.CharField(max_length=35, blank=True)
    launched_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("launched tab")
        verbose_name_plural = _("launched tabs")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("launched_at")), name="tab_expires_after_launch"
            ),
        ]

    def __str__(self) -> str:
        return self.handle


class ContentRequest(models.Model):
    """What a course's content picker wants from a tab (Deep Linking 2.0); it lives as long as the tab."""

    tab = models.OneToOneField(
        Tab, on_delete=models.CASCADE, primary_key=True, related_name="content_request"
    )
    return_url = models.TextField()
    accept_types = models.JSONField(default=list)
    accepts_multiple = models.BooleanField(default=False)
    title = models.CharField(max_length=255, blank=True)
    text = models.CharField(max_length=255, blank=True)
    data = models.TextField(null=True)  # noqa: DJ001 - null: the platform sent none; an empty one goes back empty

    class Meta:
        verbose_name = _("content request")
        verbose_name_plural = _("content requests")

    def __str__(self) -> str:
        return self.tab_id

    @property
    def accepts_links(self) -> bool:
        """Whether a link that launches the tool can be given at all."""
        return "ltiResourceLink" in self.accept_types


class RegistrationInvitation(models.Model):
    """An unguessable address at which an LMS may register itself, once. It belongs to no tenant."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    secret_hash = models.CharField(max_length=64, unique=True)
    note = models.CharField(
        _("for whom"), max_length=200, blank=True, help_text=_("A reminder for whoever reads the list.")
    )
    made_by = models.CharField(_("made by"), max_length=100)
    made_at = models.DateTimeField(_("made at"))
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)
    platform = models.ForeignKey(
        Platform, on_delete=models.SET_NULL, null=True, blank=True, related_name="invitations"
    )
    confirms_itself = models.BooleanField(
        _("the registration is active at once"),
        default=False,
        help_text=_("Otherwise it waits until an operator has looked at it."),
    )
    allows_other_host = models.BooleanField(
        _("the configuration may lie on another host than its issuer"),
        default=False,
        help_text=_(
            "Tick this only when you have asked the institution: whoever answers there speaks for the issuer."
        ),
    )

    class Meta:
        verbose_name = _("registration invitation")
        verbose_name_plural = _("registration invitations")

    def __str__(self) -> str:
        return self.note or f"{self.made_at:%Y-%m-%d %H:%M}"


class ConsoleClaim(models.Model):
    """A one-time link to the console of a registration's tenant; whoever opens it first has it."""

    secret_hash = models.CharField(max_length=64, unique=True)
    platform = models.ForeignKey(Platform, on_delete=models.CASCADE, related_name="console_claims")
    made_at = models.DateTimeField(_("made at"))
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)

    class Meta:
        verbose_name = _("claim link")
        verbose_name_plural = _("claim links")

    def __str__(self) -> str:
        return f"{self.platform} {self.made_at:%Y-%m-%d %H:%M}"


class ConsoleKey(models.Model):
    """A browser that may use a tenant's console, because it redeemed a claim link."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    secret_hash = models.CharField(max_length=64, unique=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="console_keys")
    claim = models.OneToOneField(ConsoleClaim, on_delete=models.CASCADE, related_name="key")
    browser = models.CharField(_("browser"), max_length=200, blank=True)
    made_at = models.DateTimeField(_("made at"))
    expires_at = models.DateTimeField(_("expires at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ended_by = models.CharField(_("ended by"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("console key")
        verbose_name_plural = _("console keys")

    def __str__(self) -> str:
        return f"{self.tenant} {self.made_at:%Y-%m-%d %H:%M}"
