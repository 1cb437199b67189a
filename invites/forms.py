"""What people type about invitations -> typed values."""

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from invites.domains import AddressError, normalise_email
from invites.explain import explain_address
from invites.policy import invitable_roles
from invites.queries import address_chosen
from invites.queries.suggestions import HIDDEN
from invites.services.issue import Wish
from rooms.access import Viewer
from rooms.policy.roles import Role

ROLE_NAMES = {
    Role.VIEWER: _("Viewer"),
    Role.MODERATOR: _("Moderator"),
    Role.SPEAKER: _("Speaker"),
}
ROLE_HELP = {
    Role.VIEWER: _("Watches, writes in the chat and asks questions."),
    Role.MODERATOR: _("Is on stage, keeps the chat in order and runs polls."),
    Role.SPEAKER: _("Is on stage and answers questions."),
}


def role_choices(kind: str) -> list[tuple[str, str]]:
    """The invitation types for a kind of entry."""
    return [(role.value, str(ROLE_NAMES[role])) for role in invitable_roles(kind)]


class RoleForm(forms.Form):
    """An invitation type."""

    role = forms.ChoiceField(
        label=_("Select an invitation type"),
        error_messages={
            "required": _("Choose what the guest may do."),
            "invalid_choice": _("Choose one of these."),
        },
    )

    def __init__(
        self, data: QueryDict | None = None, *, kind: str, initial: dict[str, object] | None = None
    ) -> None:
        super().__init__(data, initial=initial)
        self.fields["role"].choices = role_choices(kind)  # type: ignore[attr-defined]

    def role_cards(self) -> list[dict[str, object]]:
        """The choices as cards: value, name, one line of help, chosen or not."""
        chosen = self["role"].value()
        return [
            {
                "value": value,
                "name": name,
                "help": ROLE_HELP[Role(value)],
                "is_chosen": value == chosen,
            }
            for value, name in self.fields["role"].choices  # type: ignore[attr-defined]
        ]

    @property
    def wished_role(self) -> Role:
        """The role that was chosen."""
        return Role(self.cleaned_data["role"])


class InviteForm(RoleForm):
    """The invitation form, field by field as design §6 says; the tick box only where mail can be sent."""

    email = forms.CharField(
        label=_("Email address"), max_length=320, error_messages={"required": _("Enter an email address.")}
    )
    first_name = forms.CharField(label=_("First name"), max_length=100, required=False)
    last_name = forms.CharField(
        label=_("Last name"), max_length=100, error_messages={"required": _("Enter the last name.")}
    )
    is_mailed = forms.BooleanField(label=_("Send link via email"), required=False)
    choice = forms.CharField(max_length=500, required=False)  # stands for an address that is not shown

    field_order = ("email", "first_name", "last_name", "role", "is_mailed")

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        kind: str,
        sends_mail: bool,
        viewer: Viewer | None = None,
        initial: dict[str, object] | None = None,
    ) -> None:
        super().__init__(data, kind=kind, initial=initial)
        self._viewer = viewer
        if not sends_mail:
            del self.fields["is_mailed"]

    def clean_email(self) -> str:
        """The address as typed, if it is one; the one that was chosen where only its mask was shown."""
        typed = str(self.cleaned_data["email"]).strip()
        if HIDDEN in typed:
            chosen = address_chosen(self._viewer, str(self.data.get("choice", ""))) if self._viewer else ""
            if not chosen:
                raise forms.ValidationError(
                    _("Choose the person once more, or write the whole address."), code="choice"
                )
            return chosen
        try:
            normalise_email(typed)
        except AddressError as error:
            raise forms.ValidationError(explain_address(error)) from error
        return typed

    def wish(self) -> Wish:
        """What is wished, once the form is valid."""
        data = self.cleaned_data
        return Wish(
            email=data["email"],
            first_name=data["first_name"],
            last_name=data["last_name"],
            role=self.wished_role,
            is_mailed=bool(data.get("is_mailed")),
        )
