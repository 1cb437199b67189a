"""What hosts say about audio and video -> a typed choice."""

from typing import Any, Final

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.decisions import Refused
from rooms.engines.meeting import LONGEST, NoMeeting, judge_meeting_address
from rooms.forms import SummaryMixin
from rooms.models import Stage
from rooms.services.stage import JITSI, MEETING, NULL, StageChoice, is_offered

_WHY_NOT: Final = {
    NoMeeting.NOT_AN_ADDRESS: gettext_lazy(
        "This is not the address of a meeting. Copy the whole link from the invitation, from https:// on."
    ),
    NoMeeting.NOT_HTTPS: gettext_lazy("The address must begin with https://, so that nobody can listen in."),
    NoMeeting.HAS_PASSWORD: gettext_lazy(
        "The address holds a name or a password before an @. Copy the link that is meant for participants."
    ),
}


def _address_field(label: Any, help_text: Any) -> forms.CharField:  # noqa: ANN401 - lazy texts
    return forms.CharField(
        label=label,
        required=False,
        max_length=LONGEST,
        help_text=help_text,
        widget=forms.TextInput(
            attrs={"class": "input", "inputmode": "url", "autocomplete": "off", "spellcheck": "false"}
        ),
    )


class StageForm(SummaryMixin):
    """None, a meeting elsewhere, or Jitsi where the operator has set it up."""

    engine = forms.ChoiceField(
        label=gettext_lazy("Audio and video"),
        widget=forms.RadioSelect,
        error_messages={
            "required": gettext_lazy("Choose one."),
            "invalid_choice": gettext_lazy("This is not set up in this installation. Choose another one."),
        },
    )
    address = _address_field(
        gettext_lazy("Address of the meeting"),
        gettext_lazy("For participants. It is handed out when somebody joins, and not before."),
    )
    team_address = _address_field(
        gettext_lazy("Address for hosts, moderators and speakers"),
        gettext_lazy("Only if theirs is another one, as for a webinar. Leave it empty otherwise."),
    )

    def __init__(self, data: QueryDict | None = None, *, stage: Stage | None = None) -> None:
        chosen = stage.engine if stage is not None and is_offered(stage.engine) else NULL
        before = stage.settings if stage is not None and stage.engine == MEETING else {}
        initial = {
            "engine": chosen,
            **{name: before.get(name, "") for name in ("address", "team_address")},
        }
        super().__init__(data, initial=initial)
        field = self.fields["engine"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above; tells the type
        field.choices = [(name, name) for name in (NULL, MEETING, JITSI) if is_offered(name)]

    @property
    def offered(self) -> frozenset[str]:
        """Which engines can be chosen here."""
        return frozenset(name for name in (NULL, MEETING, JITSI) if is_offered(name))

    def clean(self) -> dict[str, Any]:
        """Look at the addresses, where they are what was chosen."""
        cleaned = super().clean() or {}
        if cleaned.get("engine") != MEETING:
            return cleaned
        if not cleaned.get("address") and "address" not in self.errors:
            self.add_error("address", _("Paste the address of the meeting."))
        for name in ("address", "team_address"):
            if cleaned.get(name):
                decision = judge_meeting_address(cleaned[name])
                if isinstance(decision, Refused):
                    self.add_error(name, str(_WHY_NOT[NoMeeting(decision.reason)]))
        return cleaned

    @property
    def choice(self) -> StageChoice:
        """What was chosen, once `is_valid()`."""
        cleaned = self.cleaned_data
        if cleaned["engine"] != MEETING:
            return StageChoice(cleaned["engine"])
        return StageChoice(MEETING, cleaned["address"], cleaned["team_address"])
