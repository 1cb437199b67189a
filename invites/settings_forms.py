"""The forms of the tabs `invitetomedia` and `theming`, with the field names of design §5."""

import re
from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.conf import settings as django_settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from invites.models import EmailTemplate, Group, ModuleSettings, TemplateText
from invites.queries import groups_of, line_of
from invites.services.settings import InvitingRules, Quotas
from invites.settings_fields import (
    YES_NO,
    AmountField,
    DomainRulesField,
    PeopleField,
    WholeNumberField,
    dress,
    is_address,
    is_page,
    shown_rule,
    yes_no,
)
from lti_tool.models import Person, Tenant

SHIPPED: Final = "shipped"
_NOT_IN_A_NAME: Final = re.compile(r"[\x00-\x1f\x7f<>@\"]")


class InvitingForm(forms.Form):
    """The tab `invitetomedia`."""

    enable = forms.ChoiceField(
        label="enable",
        choices=YES_NO,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("Whether people may invite guests to sessions at all."),
    )
    LinkDuration = WholeNumberField(
        label="LinkDuration",
        min_value=1,
        max_value=525_600,
        help_text=gettext_lazy("How long a link is valid, in minutes: 1 to 525600 (a year). A day is 1440."),
        error_messages={
            "required": gettext_lazy("Write a number of minutes, for example 1440 for a day."),
            "invalid": gettext_lazy("Write a whole number of minutes, for example 1440 for a day."),
            "min_value": gettext_lazy("A link must be valid for at least 1 minute."),
            "max_value": gettext_lazy("A link can be valid for 525600 minutes (a year) at most."),
        },
    )
    LinkReusability = WholeNumberField(
        label="LinkReusability",
        min_value=-1,
        max_value=100_000,
        help_text=gettext_lazy(
            "How many devices one link lets in: 1, any larger number, or -1 for no limit."
        ),
        error_messages={
            "required": gettext_lazy("Write a number of devices, or -1 for no limit."),
            "invalid": gettext_lazy("Write a whole number of devices, or -1 for no limit."),
            "min_value": gettext_lazy("Write 1 or more devices, or -1 for no limit."),
            "max_value": gettext_lazy(
                "That is more than 100000 devices. Write -1 if there shall be no limit."
            ),
        },
    )
    ValidUntilSessionEnds = forms.ChoiceField(
        label="ValidUntilSessionEnds",
        choices=YES_NO,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("Whether a link that is made early stays valid until its session ends."),
    )
    AllowedUsers = forms.ChoiceField(
        label="AllowedUsers",
        choices=ModuleSettings.AllowedUsers.choices,
        help_text=gettext_lazy(
            "The lowest application role that may invite, or only the people and groups named below."
        ),
    )
    AllowedPeople = PeopleField(
        label=gettext_lazy("Specific users"),
        required=False,
        help_text=gettext_lazy("One in a line, by address, id or name."),
    )
    AllowedGroups = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Specific groups"),
        queryset=Group.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Everybody in a ticked group may invite."),
        error_messages={
            "invalid_choice": gettext_lazy("One of the ticked groups was deleted meanwhile. Tick again."),
            "invalid_pk_value": gettext_lazy("One of the ticked groups is none. Tick again."),
        },
    )
    Suggestions = forms.ChoiceField(
        label="Suggestions",
        choices=ModuleSettings.Suggestions.choices,
        help_text=gettext_lazy("Whom an inviter finds by typing a part of a name or address."),
    )
    RestrictNewUserDomains = DomainRulesField(
        label="RestrictNewUserDomains",
        required=False,
        rows=5,
        help_text=gettext_lazy("Domains whose people cannot become guests. One in a line."),
    )
    VerifyMailbox = forms.ChoiceField(
        label="VerifyMailbox",
        choices=ModuleSettings.VerifyMailbox.choices,
        help_text=gettext_lazy("Who types a 6-digit code, mailed to the invited address, before getting in."),
    )
    inviteEmailTemplate = forms.ChoiceField(  # noqa: N815 - the name that administrators know
        label="inviteEmailTemplate",
        required=False,
        help_text=gettext_lazy("What an invitation by mail says."),
    )
    SenderName = forms.CharField(
        label="SenderName",
        required=False,
        max_length=100,
        help_text=gettext_lazy("The name that mails come from. Empty: this installation’s."),
    )
    SenderAddress = forms.CharField(
        label="SenderAddress",
        required=False,
        max_length=320,
        widget=forms.TextInput(attrs={"inputmode": "email", "spellcheck": "false", "autocapitalize": "none"}),
        help_text=gettext_lazy("The address that mails come from. Empty: this installation’s."),
    )
    QuotaPerInviterHour = AmountField(
        label="QuotaPerInviterHour",
        most=1_000_000,
        help_text=gettext_lazy("How many people one person may invite in an hour."),
    )
    QuotaPerEntry = AmountField(
        label="QuotaPerEntry",
        most=1_000_000,
        help_text=gettext_lazy("How many people may be invited to one session."),
    )
    QuotaPerRecipientDay = AmountField(
        label="QuotaPerRecipientDay",
        most=1_000,
        help_text=gettext_lazy("How many invitations one address may get by mail in a day."),
    )
    QuotaPerTenantDay = AmountField(
        label="QuotaPerTenantDay",
        most=10_000_000,
        help_text=gettext_lazy("How many invitations your institution may mail in a day."),
    )
    GuestRetentionDays = AmountField(
        label="GuestRetentionDays",
        most=3_650,
        help_text=gettext_lazy("How many days after their last session guests’ names and addresses stay."),
    )
    AdminContact = forms.CharField(
        label="AdminContact",
        required=False,
        max_length=300,
        help_text=gettext_lazy("An email address or a page (https://…), shown wherever somebody is refused."),
    )

    def __init__(self, *args: Any, tenant: Tenant, **kwargs: Any) -> None:  # noqa: ANN401 - as Django has it
        super().__init__(*args, **kwargs)
        template, people = self.fields["inviteEmailTemplate"], self.fields["AllowedPeople"]
        groups = self.fields["AllowedGroups"]
        assert isinstance(template, forms.ChoiceField)  # noqa: S101 - tells mypy what stands above
        assert isinstance(people, PeopleField)  # noqa: S101
        assert isinstance(groups, forms.ModelMultipleChoiceField)  # noqa: S101
        own = EmailTemplate.objects.filter(tenant=tenant, texts__isnull=False).distinct().order_by("name")
        template.choices = [
            ("", _("None: nobody can send invitations by mail")),
            (SHIPPED, _("Foyer’s invitation, in the language of the inviter")),
            *((str(each.pk), each.name) for each in own),
        ]
        people.tenant = tenant
        groups.queryset = groups_of(tenant)
        dress(self)

    def clean_LinkReusability(self) -> int:  # noqa: N802 - Django's name for it
        """-1 or a positive number."""
        devices: int = self.cleaned_data["LinkReusability"]
        if devices == 0:
            raise ValidationError(_("Write 1 or more devices, or -1 for no limit."))
        return devices

    def clean_SenderName(self) -> str:  # noqa: N802 - Django's name for it
        """A name: nothing that a mail program could take for an address."""
        name: str = self.cleaned_data["SenderName"]
        if _NOT_IN_A_NAME.search(name):
            raise ValidationError(_("Write a name alone, without an address and without < > @ and quotes."))
        return name

    def clean_SenderAddress(self) -> str:  # noqa: N802 - Django's name for it
        """An email address that mail servers everywhere take."""
        address: str = self.cleaned_data["SenderAddress"]
        if address and not (address.isascii() and is_address(address)):
            raise ValidationError(
                _("Write an email address such as events@university.edu, without a name before it.")
            )
        return address

    def clean_AdminContact(self) -> str:  # noqa: N802 - Django's name for it
        """An email address, or the address of a page."""
        contact: str = self.cleaned_data["AdminContact"]
        if contact and not is_page(contact) and not is_address(contact):
            raise ValidationError(
                _("Write an email address such as help@university.edu, or a page that begins with https://.")
            )
        return contact

    def clean(self) -> dict[str, Any]:
        """Somebody must be named where only the named may invite."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        only_named = data.get("AllowedUsers") == ModuleSettings.AllowedUsers.NAMED
        is_read = "AllowedPeople" in data and "AllowedGroups" in data
        if only_named and is_read and not data["AllowedPeople"] and not data["AllowedGroups"]:
            self.add_error(
                "AllowedPeople",
                _("Name at least one person, or tick a group: as it stands, nobody could invite."),
            )
        return data

    def read(self) -> InvitingRules:
        """The checked rules; call it on a valid form."""
        data = self.cleaned_data
        template = str(data["inviteEmailTemplate"])
        return InvitingRules(
            enable=data["enable"] == "Yes",
            link_duration=data["LinkDuration"],
            link_reusability=data["LinkReusability"],
            allowed_users=data["AllowedUsers"],
            allowed_people=tuple(person.pk for person in data["AllowedPeople"]),
            allowed_groups=tuple(group.pk for group in data["AllowedGroups"]),
            sends_mail=bool(template),
            template_id=int(template) if template.isdigit() else None,
            restrict_new_user_domains=data["RestrictNewUserDomains"],
            valid_until_session_ends=data["ValidUntilSessionEnds"] == "Yes",
            verify_mailbox=data["VerifyMailbox"],
            suggestions=data["Suggestions"],
            admin_contact=data["AdminContact"],
            sender_name=data["SenderName"],
            sender_address=data["SenderAddress"],
            quotas=Quotas(
                per_inviter_hour=data["QuotaPerInviterHour"],
                per_entry=data["QuotaPerEntry"],
                per_recipient_day=data["QuotaPerRecipientDay"],
                per_tenant_day=data["QuotaPerTenantDay"],
            ),
            guest_retention_days=data["GuestRetentionDays"],
        )


def initial_of(
    settings: ModuleSettings, people: Sequence[Person], groups: Sequence[Group]
) -> dict[str, object]:
    """What the form shows of stored (or default) rules."""
    template = settings.invite_email_template
    has_own_texts = TemplateText.objects.filter(template_id=settings.invite_email_template_id).exists()
    return {
        "enable": yes_no(answer=settings.enable),
        "LinkDuration": settings.link_duration,
        "LinkReusability": settings.link_reusability,
        "ValidUntilSessionEnds": yes_no(answer=settings.valid_until_session_ends),
        "AllowedUsers": settings.allowed_users,
        "AllowedPeople": "\n".join(line_of(person) for person in people),
        "AllowedGroups": [group.pk for group in groups],
        "Suggestions": settings.suggestions,
        "RestrictNewUserDomains": "\n".join(map(shown_rule, settings.restrict_new_user_domains)),
        "VerifyMailbox": settings.verify_mailbox,
        "inviteEmailTemplate": template.pk if template and has_own_texts else SHIPPED if template else "",
        "SenderName": settings.sender_name,
        "SenderAddress": settings.sender_address,
        "QuotaPerInviterHour": settings.quota_per_inviter_hour,
        "QuotaPerEntry": settings.quota_per_entry,
        "QuotaPerRecipientDay": settings.quota_per_recipient_day,
        "QuotaPerTenantDay": settings.quota_per_tenant_day,
        "GuestRetentionDays": settings.guest_retention_days,
        "AdminContact": settings.admin_contact,
    }


def installation_sender() -> str:
    """Whom mails come from where a tenant names no sender."""
    return django_settings.DEFAULT_FROM_EMAIL


class ThemingForm(forms.Form):
    """The tab `theming`."""

    mediapage = forms.ChoiceField(
        label="mediapage",
        choices=YES_NO,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("Whether “Invite users” stands in the ⋯ menu of media pages."),
    )

    def read(self) -> bool:
        """The checked answer; call it on a valid form."""
        return bool(self.cleaned_data["mediapage"] == "Yes")


def theming_initial_of(settings: ModuleSettings) -> dict[str, object]:
    """What the form shows of stored (or default) rules."""
    return {"mediapage": yes_no(answer=settings.shows_on_media_page)}
