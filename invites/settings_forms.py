"""The forms of the console. Fields have the names that administrators know (design §5)."""

import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from invites.domains import (
    AddressError,
    BadLine,
    DomainRule,
    RuleProblem,
    RulesError,
    normalise_email,
    parse_rules,
    shown_domain,
)
from invites.models import EmailTemplate, ModuleSettings, TemplateText
from invites.queries import line_of, people_behind
from invites.services.settings import InvitingRules
from lti_tool.models import Person, Tenant

SHIPPED: Final = "shipped"
YES_NO: Final = [("Yes", gettext_lazy("Yes")), ("No", gettext_lazy("No"))]
MOST_LINES: Final = 500


class _Lines(forms.CharField):
    """Text of several lines; its value is a list of them, empty ones included, so that they count."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - as Django has it
        super().__init__(strip=False, **kwargs)

    def clean(self, value: Any) -> Any:  # noqa: ANN401 - as Django has it
        lines = str(super().clean(value)).splitlines()
        if len(lines) > MOST_LINES:
            raise ValidationError(_("At most %(number)s lines, please.") % {"number": MOST_LINES})
        return lines


class _WholeNumber(forms.IntegerField):
    """A whole number, typed as text: what is none stays to be seen. A real minus sign counts as one."""

    widget = forms.TextInput(attrs={"autocomplete": "off"})

    def widget_attrs(self, _widget: forms.Widget) -> dict[str, Any]:
        """No `min` and `max`, which mean nothing in a field for text."""
        return {}

    def to_python(self, value: Any) -> int | None:  # noqa: ANN401 - as Django has it
        return super().to_python(value.replace("\u2212", "-") if isinstance(value, str) else value)


class InvitingForm(forms.Form):
    """The tab `invitetomedia`."""

    enable = forms.ChoiceField(
        label="enable",
        choices=YES_NO,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("Whether people may invite guests to sessions at all."),
    )
    LinkDuration = _WholeNumber(
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
    LinkReusability = _WholeNumber(
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
    AllowedUsers = forms.ChoiceField(
        label="AllowedUsers",
        choices=ModuleSettings.AllowedUsers.choices,
        help_text=gettext_lazy("The lowest application role that may invite, or the people named below."),
    )
    AllowedPeople = _Lines(
        label=gettext_lazy("Specific users / groups"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy(
            "One in a line, by address, id or name. They count only with “Specific users / groups” above."
        ),
    )
    inviteEmailTemplate = forms.ChoiceField(  # noqa: N815 - the name that administrators know
        label="inviteEmailTemplate",
        required=False,
        help_text=gettext_lazy("What an invitation by mail says."),
    )
    RestrictNewUserDomains = _Lines(
        label="RestrictNewUserDomains",
        required=False,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy("Domains whose people cannot become guests. One in a line."),
    )
    ValidUntilSessionEnds = forms.ChoiceField(
        label="ValidUntilSessionEnds",
        choices=YES_NO,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("Whether a link that is made early stays valid until its session ends."),
    )
    AdminContact = forms.CharField(
        label="AdminContact",
        required=False,
        max_length=300,
        help_text=gettext_lazy("An email address or a page (https://…), shown wherever somebody is refused."),
    )

    def __init__(self, *args: Any, tenant: Tenant, **kwargs: Any) -> None:  # noqa: ANN401 - as Django has it
        super().__init__(*args, **kwargs)
        self.tenant = tenant
        self.people: tuple[Person, ...] = ()
        self.rules: tuple[DomainRule, ...] = ()
        own = EmailTemplate.objects.filter(tenant=tenant, texts__isnull=False).distinct().order_by("name")
        template = self.fields["inviteEmailTemplate"]
        assert isinstance(template, forms.ChoiceField)  # noqa: S101 - tells mypy what stands above
        template.choices = [
            ("", _("None: nobody can send invitations by mail")),
            (SHIPPED, _("Foyer’s invitation, in the language of the inviter")),
            *((str(each.pk), each.name) for each in own),
        ]
        for field in self.fields.values():
            if not isinstance(field.widget, forms.RadioSelect):
                is_short = isinstance(field, forms.IntegerField)
                field.widget.attrs["class"] = "input input--short" if is_short else "input"

    def clean_AllowedPeople(self) -> list[str]:  # noqa: N802 - Django's name for it
        """Find the people behind the lines; name every line that stands for nobody, or for several."""
        lines: list[str] = self.cleaned_data["AllowedPeople"]
        found: dict[Any, Person] = {}
        problems = []
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            people = people_behind(self.tenant, line)
            values = {"number": number, "line": line.strip(), "count": len(people)}
            if not people:
                problems.append(
                    _("Line %(number)s, “%(line)s”: nobody here has this address, id or name. ") % values
                    + _("People are known from their first launch, or from a course’s roster.")
                )
            elif len(people) > 1:
                problems.append(
                    _("Line %(number)s, “%(line)s”: %(count)s people fit. Use the address or the id.")
                    % values
                )
            else:
                found[people[0].pk] = people[0]
        if problems:
            raise ValidationError(problems)
        self.people = tuple(found.values())
        return lines

    def clean_RestrictNewUserDomains(self) -> list[str]:  # noqa: N802 - Django's name for it
        """Read the rules; name every line that is none."""
        lines: list[str] = self.cleaned_data["RestrictNewUserDomains"]
        try:
            self.rules = parse_rules(lines)
        except RulesError as error:
            raise ValidationError([_say(bad) for bad in error.lines]) from error
        return lines

    def clean_LinkReusability(self) -> int:  # noqa: N802 - Django's name for it
        """-1 or a positive number."""
        devices: int = self.cleaned_data["LinkReusability"]
        if devices == 0:
            raise ValidationError(_("Write 1 or more devices, or -1 for no limit."))
        return devices

    def clean_AdminContact(self) -> str:  # noqa: N802 - Django's name for it
        """An email address, or the address of a page."""
        contact: str = self.cleaned_data["AdminContact"]
        if contact and not _is_page(contact) and not _is_address(contact):
            raise ValidationError(
                _("Write an email address such as help@university.edu, or a page that begins with https://.")
            )
        return contact

    def clean(self) -> dict[str, Any]:
        """Somebody must be named where only the named may invite."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        only_named = data.get("AllowedUsers") == ModuleSettings.AllowedUsers.NAMED
        if only_named and "AllowedPeople" in data and not self.people:
            self.add_error("AllowedPeople", _("Name at least one person: as it stands, nobody could invite."))
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
            allowed_people=tuple(person.pk for person in self.people),
            sends_mail=bool(template),
            template_id=int(template) if template.isdigit() else None,
            restrict_new_user_domains=self.rules,
            valid_until_session_ends=data["ValidUntilSessionEnds"] == "Yes",
            admin_contact=data["AdminContact"],
        )


def initial_of(settings: ModuleSettings, people: Sequence[Person]) -> dict[str, object]:
    """What the form shows of stored (or default) rules."""
    template = settings.invite_email_template
    has_own_texts = TemplateText.objects.filter(template_id=settings.invite_email_template_id).exists()
    return {
        "enable": _yes_no(answer=settings.enable),
        "LinkDuration": settings.link_duration,
        "LinkReusability": settings.link_reusability,
        "AllowedUsers": settings.allowed_users,
        "AllowedPeople": "\n".join(line_of(person) for person in people),
        "inviteEmailTemplate": template.pk if template and has_own_texts else SHIPPED if template else "",
        "RestrictNewUserDomains": "\n".join(map(_shown_rule, settings.restrict_new_user_domains)),
        "ValidUntilSessionEnds": _yes_no(answer=settings.valid_until_session_ends),
        "AdminContact": settings.admin_contact,
    }


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
    return {"mediapage": _yes_no(answer=settings.shows_on_media_page)}


def _yes_no(*, answer: bool) -> str:
    return "Yes" if answer else "No"


def _shown_rule(line: str) -> str:
    """A stored rule as its author would write it: `bücher.example`, not `xn--…`."""
    signs = re.match(r"!?=?", line)
    prefix = signs[0] if signs else ""
    return prefix + shown_domain(line.removeprefix(prefix))


def _is_page(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and " " not in text


def _is_address(text: str) -> bool:
    try:
        normalise_email(text)
    except AddressError:
        return False
    return True


_PROBLEMS: Final = {
    RuleProblem.ADDRESS: gettext_lazy("write the domain alone, without a name and @."),
    RuleProblem.WILDCARD: gettext_lazy("leave the * out: a domain stands for everything below it, too."),
    RuleProblem.SEVERAL: gettext_lazy("write one domain in a line, without spaces and commas."),
    RuleProblem.NOT_A_DOMAIN: gettext_lazy("this is no domain. Write it like university.edu."),
    RuleProblem.PUBLIC_SUFFIX: gettext_lazy(
        "this is an ending that many institutions share. Name your own domain, like university.edu."
    ),
    RuleProblem.DUPLICATE: gettext_lazy("it stands in line %(earlier)s already."),
    RuleProblem.CONTRADICTION: gettext_lazy("it says the opposite of line %(earlier)s. Keep one of the two."),
}


def _say(bad: BadLine) -> str:
    problem = str(_PROBLEMS[bad.problem]) % {"earlier": bad.earlier}
    return _("Line %(number)s, “%(line)s”: %(problem)s") % {
        "number": bad.line,
        "line": bad.text,
        "problem": problem,
    }


def shown_minutes(minutes: int) -> str:
    """A duration in words: `1 day`, `2 hours`, `90 minutes`."""
    if minutes % 1440 == 0:
        days = minutes // 1440
        return ngettext("%(number)s day", "%(number)s days", days) % {"number": days}
    if minutes % 60 == 0:
        hours = minutes // 60
        return ngettext("%(number)s hour", "%(number)s hours", hours) % {"number": hours}
    return ngettext("%(number)s minute", "%(number)s minutes", minutes) % {"number": minutes}
