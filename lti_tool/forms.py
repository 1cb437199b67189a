"""What administrators choose -> typed values."""

from collections.abc import Iterable
from typing import Final

from django import forms
from django.core.signing import BadSignature, TimestampSigner
from django.utils.translation import gettext_lazy as _

from lti_tool.claims import clean
from lti_tool.configuration import Offer, Wishes

PROOF_SECONDS: Final = 3600
_SALT: Final = "lti_tool.registration"
DEFAULT_NAME: Final = "Foyer"


class WishesForm(forms.Form):
    """What we may ask the platform for; nothing is offered that it does not list.

    The page may be inside a frame whose browser refuses every cookie: that the form is ours is shown by a
    signed value in it, not by a cookie.
    """

    summary = _("Please look at this again.")

    client_name = forms.CharField(
        label=_("Name in your LMS"),
        help_text=_("Instructors read it. Some LMSs want a name that no other tool has."),
        max_length=80,
        initial=DEFAULT_NAME,
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}),
    )
    wants_names = forms.BooleanField(
        label=_("Names of people"),
        help_text=_("Shown in rooms and lists. Without them everybody is asked for a name once."),
        required=False,
    )
    wants_email = forms.BooleanField(
        label=_("Email addresses of people"),
        help_text=_("So that nobody who has an account is invited as a guest by mistake."),
        required=False,
    )
    wants_roster = forms.BooleanField(
        label=_("Lists of course members"),
        help_text=_("Read only. People of the course are suggested when somebody invites."),
        required=False,
    )
    has_picker = forms.BooleanField(
        label=_("Choose a room while adding content"),
        help_text=_("Instructors pick or create a room from the course's own menu (Deep Linking)."),
        required=False,
    )
    launch_placements = forms.MultipleChoiceField(
        label=_("Where Foyer itself appears"), required=False, widget=forms.CheckboxSelectMultiple
    )
    picker_placements = forms.MultipleChoiceField(
        label=_("Where rooms can be chosen"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, data: object = None, *, offer: Offer, key: str) -> None:
        super().__init__(data, label_suffix="")  # type: ignore[arg-type]  # a QueryDict or nothing
        self._key = key
        self._keep("wants_names", offer.has_names)
        self._keep("wants_email", offer.has_email)
        self._keep("wants_roster", offer.has_roster)
        self._keep("has_picker", offer.has_picker)
        self._choose("launch_placements", offer.launch_placements, offer.usual_launch_placements)
        self._choose("picker_placements", offer.picker_placements, offer.usual_picker_placements)

    def _keep(self, name: str, is_offered: bool) -> None:  # noqa: FBT001 - both callers' lines read well
        if is_offered:
            self.fields[name].initial = True
        else:
            del self.fields[name]

    def _choose(self, name: str, offered: Iterable[str], usual: Iterable[str]) -> None:
        field = self.fields[name]
        choices = [(one, shown_placement(one)) for one in offered]
        if choices and isinstance(field, forms.MultipleChoiceField):
            field.choices, field.initial = choices, list(usual)
        else:
            del self.fields[name]

    @property
    def ticks(self) -> list[forms.BoundField]:
        """The single questions."""
        return [field for field in self if isinstance(field.field, forms.BooleanField)]

    @property
    def lists(self) -> list[forms.BoundField]:
        """The lists of places."""
        return [field for field in self if isinstance(field.field, forms.MultipleChoiceField)]

    @property
    def proof(self) -> str:
        """The signed value that shows that this form is ours, and for which proposal."""
        return TimestampSigner(salt=_SALT).sign(self._key)

    def clean_client_name(self) -> str:
        """One line, without characters that only steer."""
        name = clean(self.cleaned_data["client_name"], cap=80)
        if not name:
            raise forms.ValidationError(_("Give the tool a name."))
        return name

    def clean(self) -> None:
        """Refuse a form that we did not write."""
        super().clean()
        try:
            signed = TimestampSigner(salt=_SALT).unsign(self.data.get("proof", ""), max_age=PROOF_SECONDS)
        except BadSignature:
            signed = ""
        if signed != self._key:
            raise forms.ValidationError(_("This form was open for too long. Send it once more."))

    def read(self) -> Wishes:
        """The typed value of a valid form."""
        given = self.cleaned_data
        return Wishes(
            client_name=given["client_name"],
            has_picker=given.get("has_picker", False),
            launch_placements=tuple(given.get("launch_placements", ())),
            picker_placements=tuple(given.get("picker_placements", ())),
            wants_names=given.get("wants_names", False),
            wants_email=given.get("wants_email", False),
            wants_roster=given.get("wants_roster", False),
        )


def shown_placement(placement: str) -> str:
    """`https://canvas.instructure.com/lti/course_navigation` is "course navigation"."""
    last = placement.rstrip("/").rpartition("/")[2] or placement
    return last.replace("_", " ")
