"""The form of a registration by hand: the LMS's six values under Brightspace's labels, in its order."""

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.errors import InvalidError
from lti_tool.claims import MAX_ID, is_id
from lti_tool.models import Platform
from lti_tool.outgoing import OutgoingError, judge_url
from lti_tool.services.registration import MAX_NAME, Changes, Registration, frame_origin

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

MAX_LINES: Final = 100
# The addresses among the fields, and whether we ask them ourselves.
ADDRESSES: Final = ("jwks_url", "token_url", "auth_url", "issuer")
LOOKED_AT: Final = (*ADDRESSES, "audience")  # while somebody types


def _line(
    label: "str | _StrPromise", help_text: "str | _StrPromise", *, required: bool = True, most: int = 1000
) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=most,
        help_text=help_text,
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off", "spellcheck": "false"}),
    )


class RegistrationForm(forms.Form):
    """What an LMS shows after this tool has been registered there."""

    looked_at = LOOKED_AT

    client_id = _line(
        "Client Id",
        gettext_lazy("Moodle: Client ID · Canvas: the number under “Details” · Blackboard: Application ID"),
        most=MAX_ID,
    )
    jwks_url = _line("Brightspace Keyset URL", gettext_lazy("Moodle and Blackboard: Public keyset URL"))
    token_url = _line(
        "Brightspace OAuth2 Access Token URL",
        gettext_lazy("Moodle: Access token URL · Blackboard: Auth token endpoint"),
    )
    auth_url = _line(
        "OpenID Connect Authentication Endpoint",
        gettext_lazy("Moodle: Authentication request URL · Blackboard: OIDC auth request endpoint"),
    )
    audience = _line(
        "Brightspace OAuth2 Audience",
        gettext_lazy("Empty for any LMS that shows none: the usual one is then used."),
        required=False,
    )
    issuer = _line(
        "Issuer",
        gettext_lazy(
            "Moodle: Platform ID. Letter by letter as the LMS shows it, without a slash at the end."
        ),
        most=500,
    )
    name = _line(
        gettext_lazy("Name"),
        gettext_lazy("How this LMS is called here, for example “Northfield University”."),
        required=False,
        most=MAX_NAME,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as Django has it
        super().__init__(*args, **kwargs)
        for name in ADDRESSES:
            self.fields[name].widget.input_type = "url"
            self.fields[name].widget.attrs["inputmode"] = "url"

    def clean_client_id(self) -> str:
        """An identifier."""
        client_id: str = self.cleaned_data["client_id"]
        if not is_id(client_id):
            raise ValidationError(_("This holds characters that no client id has."))
        return client_id

    def clean_jwks_url(self) -> str:
        """An address that we may ask."""
        return self._address("jwks_url")

    def clean_token_url(self) -> str:
        """An address that we may ask."""
        return self._address("token_url")

    def clean_auth_url(self) -> str:
        """An address that we may send a browser to."""
        return self._address("auth_url")

    def clean_issuer(self) -> str:
        """What tokens say in `iss`, letter by letter."""
        issuer: str = self.cleaned_data["issuer"]
        if issuer.endswith("/"):
            raise ValidationError(
                _("Leave out the slash at the end: launches come without it, and every letter counts.")
            )
        return self._address("issuer")

    def _address(self, name: str) -> str:
        address: str = self.cleaned_data[name]
        if problem := address_problem(address):
            raise ValidationError(problem)
        return address

    def read(self) -> Changes:
        """The checked values; call it on a valid form."""
        return Changes(**{name: self.cleaned_data[name] for name in _VALUES})


_VALUES: Final = ("issuer", "client_id", "auth_url", "token_url", "jwks_url", "audience", "name")


class NewRegistrationForm(RegistrationForm):
    """The same, with what only counts at the beginning."""

    deployment_ids = forms.CharField(
        label=gettext_lazy("Deployment ids"),
        required=False,
        widget=forms.Textarea(
            attrs={"class": "input", "rows": 3, "autocomplete": "off", "spellcheck": "false"}
        ),
        help_text=gettext_lazy(
            "One in a line. Left empty, deployments are let in as they come; otherwise others wait."
        ),
    )
    tenancy = forms.ChoiceField(
        label=gettext_lazy("Whose people come"),
        required=False,
        choices=[("", gettext_lazy("The usual for this LMS")), *Platform.Tenancy.choices],
        widget=forms.Select(attrs={"class": "input"}),
        help_text=gettext_lazy(
            "Canvas and Blackboard use one issuer for all their customers: there each deployment is a tenant."
        ),
    )

    def clean_deployment_ids(self) -> tuple[str, ...]:
        """Identifiers, one in a line."""
        lines = [line.strip() for line in self.cleaned_data["deployment_ids"].splitlines()]
        ids = tuple(dict.fromkeys(line for line in lines if line))
        if len(ids) > MAX_LINES:
            raise ValidationError(_("At most %(number)s lines, please.") % {"number": MAX_LINES})
        if not all(is_id(one) for one in ids):
            raise ValidationError(_("A deployment id is too long, or holds characters that none has."))
        return ids

    def registration(self) -> Registration:
        """The checked values of a new registration; call it on a valid form."""
        return Registration(
            **{name: self.cleaned_data[name] for name in _VALUES},
            deployment_ids=self.cleaned_data["deployment_ids"],
            tenancy=self.cleaned_data["tenancy"],
        )


def initial_of(platform: Platform) -> dict[str, object]:
    """What the form shows of a registration."""
    return {
        "client_id": platform.client_id,
        "jwks_url": platform.jwks_url,
        "token_url": platform.token_url,
        "auth_url": platform.auth_url,
        "audience": platform.token_audience,
        "issuer": platform.issuer,
        "name": platform.name,
    }


def address_problem(address: str) -> str:
    """Why an address cannot be used, with what to do; empty where it can, as far as its look says."""
    try:
        judge_url(address)
    except OutgoingError as error:
        if "http://" in address[:10].lower():
            return _(
                "This must begin with https://. Without encryption anybody in between could let people in."
            )
        if "public" in error.detail:
            return _("This address is not on the public internet. The operator of this tool can allow it.")
        if "password" in error.detail:
            return _("Leave the name and the password out of the address.")
        return _("Write a whole address that begins with https://.")
    return ""


class FramesForm(forms.Form):
    """Who may frame the tool besides the LMS's own host."""

    frame_origins = forms.CharField(
        label=gettext_lazy("Further origins that may frame the tool"),
        required=False,
        widget=forms.Textarea(
            attrs={"class": "input", "rows": 4, "autocomplete": "off", "spellcheck": "false"}
        ),
        help_text=gettext_lazy("One in a line, like https://lms.university.edu."),
    )

    def clean_frame_origins(self) -> tuple[str, ...]:
        """Origins, one in a line; every line that is none is named."""
        origins, problems = [], []
        for line in self.cleaned_data["frame_origins"].splitlines():
            if not line.strip():
                continue
            try:
                origins.append(frame_origin(line.strip()))
            except InvalidError as error:
                problems.append(str(error.message))
        if problems:
            raise ValidationError(problems[:MAX_LINES])
        return tuple(dict.fromkeys(origins))
