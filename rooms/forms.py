"""What people type about rooms -> typed values."""

from datetime import UTC, date, datetime, time
from functools import cache
from operator import itemgetter
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from lti_tool.claims import clean
from lti_tool.models import Person, Tab
from lti_tool.roles import ApplicationRole
from rooms.access import Viewer
from rooms.models import Collaborator, Entry
from rooms.queries import people_for, people_of_tenant, standing_of_person
from rooms.services.entries import Details

_AREAS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)
_MISSING = {
    "start_date": gettext_lazy("Choose the day of the start, too."),
    "start_time": gettext_lazy("Choose the time of the start, too."),
    "end_date": gettext_lazy("Choose the day of the end, too."),
    "end_time": gettext_lazy("Choose the time of the end, too."),
}
_YEARS = range(2000, 2101)  # what a calendar in a browser can mean


@cache
def _zones() -> dict[str, list[str]]:
    names = sorted(available_timezones())
    return {area: [name for name in names if name.startswith(f"{area}/")] for area in _AREAS}


def _shown_zone(name: str) -> str:
    """`America/Argentina/Salta` is "Salta, Argentina (America)": who types a city into the list finds it."""
    area, *between, city = name.replace("_", " ").split("/")
    return f"{', '.join([city, *reversed(between)])} ({area})"


def zone_choices(current: str = "") -> list[tuple[str, Any]]:
    """The named zones by part of the world; `current` is offered even where it is an old-fashioned name."""
    groups: list[tuple[str, Any]] = [("UTC", "UTC")]
    if current and current != "UTC" and current.partition("/")[0] not in _AREAS:
        groups.append((current, current))
    for area, names in _zones().items():
        groups.append((area, sorted(((name, _shown_zone(name)) for name in names), key=itemgetter(1))))
    return groups


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime | None:
    """The instant (UTC) at which clocks in the zone show `wall`; None where they skip it.

    A time that comes twice, when clocks go back, means the first of the two.
    """
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return instant if instant.astimezone(zone).replace(tzinfo=None) == wall else None


class DateInput(forms.DateInput):
    """The browser's own calendar."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d", attrs={"class": "input"})


class TimeInput(forms.TimeInput):
    """The browser's own clock."""

    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M", attrs={"class": "input"})

    def format_value(self, value: object) -> str | None:
        """Seconds only where there are some."""
        if isinstance(value, time) and value.second:
            return value.isoformat("seconds")
        return super().format_value(value)


class SummaryMixin(forms.Form):
    """Errors stand beside their fields, and are counted above them."""

    @property
    def summary(self) -> str:
        """The heading over the list of errors."""
        count = len(self.errors)
        return ngettext("One thing needs a look", "%(count)d things need a look", count) % {"count": count}


class EntryForm(SummaryMixin):
    """Title, description and schedule of a room. The schedule is typed as clocks show it in a named zone."""

    title = forms.CharField(
        label=gettext_lazy("Title"),
        max_length=200,
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Write a title, so that people know what this is.")},
    )
    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=5000,
        help_text=gettext_lazy("Everybody reads this before the doors open, guests too."),
        widget=forms.Textarea(attrs={"class": "input", "rows": 3}),
    )
    start_date = forms.DateField(label=gettext_lazy("Date"), required=False, widget=DateInput)
    start_time = forms.TimeField(label=gettext_lazy("Time"), required=False, widget=TimeInput)
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"), widget=forms.Select(attrs={"class": "input"})
    )
    end_date = forms.DateField(label=gettext_lazy("Date"), required=False, widget=DateInput)
    end_time = forms.TimeField(label=gettext_lazy("Time"), required=False, widget=TimeInput)
    has_chat = forms.BooleanField(
        label=gettext_lazy("Chat & Collaboration"),
        required=False,
        help_text=gettext_lazy(
            "People in the room can write to each other. Guests can be invited only while this is on."
        ),
    )
    tells_invited = forms.BooleanField(
        label=gettext_lazy("Tell the invited by mail"),
        required=False,
        initial=True,
        help_text=gettext_lazy(
            "A minute after a new title or time is saved, everybody who was invited by mail is told of it, "
            "with a new calendar file. Their links stay the same."
        ),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        now: datetime,
        entry: Entry | None = None,
        title: str = "",
        time_zone: str = "UTC",
    ) -> None:
        self.now = now
        self.entry = entry
        initial: dict[str, Any] = {"title": title, "time_zone": time_zone, "has_chat": True}
        if entry is not None:
            initial = _typed(entry)
        super().__init__(data, initial=initial)
        if entry is None or not entry.has_mailed_guests:
            del self.fields["tells_invited"]
        zone = self.fields["time_zone"]
        assert isinstance(zone, forms.ChoiceField)  # noqa: S101 - declared above; tells the type
        zone.choices = zone_choices(initial["time_zone"])
        if entry is None and data is None:
            zone.widget.attrs["data-own-zone"] = ""  # static/js/time.js fills in the reader's own

    def clean_title(self) -> str:
        """One line: a title also becomes the subject of mails."""
        return " ".join(str(self.cleaned_data["title"]).split())

    def clean(self) -> dict[str, Any]:
        """Turn the two clock times into instants.

        Raises nothing: each error stands beside its field.
        """
        cleaned = super().clean() or {}
        name = cleaned.get("time_zone")
        if name:
            zone = ZoneInfo(name)
            cleaned["starts_at"] = self._instant("start", zone, self.entry.starts_at if self.entry else None)
            cleaned["ends_at"] = self._instant("end", zone, self.entry.ends_at if self.entry else None)
            self._check_order(cleaned["starts_at"], cleaned["ends_at"])
        return cleaned

    def _instant(self, which: str, zone: ZoneInfo, before: datetime | None) -> datetime | None:
        day: date | None = self.cleaned_data.get(f"{which}_date")
        clock: time | None = self.cleaned_data.get(f"{which}_time")
        if f"{which}_date" in self.errors or f"{which}_time" in self.errors:
            return None
        if day is None and clock is None:
            return None
        if day is None:
            self.add_error(f"{which}_date", _MISSING[f"{which}_date"])
            return None
        if clock is None:
            self.add_error(f"{which}_time", _MISSING[f"{which}_time"])
            return None
        if day.year not in _YEARS:
            self.add_error(f"{which}_date", _("Choose a day between the years 2000 and 2100."))
            return None
        if before and not {f"{which}_date", f"{which}_time", "time_zone"} & set(self.changed_data):
            return before  # untouched: stays exact, even inside an hour that comes twice
        instant = instant_of(datetime.combine(day, clock), zone)
        if instant is None:
            self.add_error(
                f"{which}_time",
                _(
                    "On this day the clocks in %(zone)s go forward and skip %(time)s. "
                    "Choose another time, such as %(next)s."
                )
                % {"zone": zone.key, "time": f"{clock:%H:%M}", "next": _after_gap(day, clock, zone)},
            )
        return instant

    def _check_order(self, starts_at: datetime | None, ends_at: datetime | None) -> None:
        if ends_at is None:
            return
        if starts_at is not None and ends_at <= starts_at:
            self.add_error("end_time", _("The end is not after the start. Choose a later time."))
        elif ends_at <= self.now and (self.entry is None or ends_at != self.entry.ends_at):
            self.add_error("end_time", _("This end is already over. Choose a later time."))

    @property
    def details(self) -> Details:
        """What was typed, once `is_valid()`."""
        cleaned = self.cleaned_data
        return Details(
            title=cleaned["title"],
            description=cleaned["description"],
            starts_at=cleaned["starts_at"],
            ends_at=cleaned["ends_at"],
            time_zone=cleaned["time_zone"],
            has_chat=cleaned["has_chat"],
        )


def _after_gap(day: date, clock: time, zone: ZoneInfo) -> str:
    moved = datetime.combine(day, clock, tzinfo=zone).astimezone(UTC).astimezone(zone)
    return f"{moved:%H:%M}"


def _typed(entry: Entry) -> dict[str, Any]:
    zone = ZoneInfo(entry.time_zone)
    values: dict[str, Any] = {
        "title": entry.title,
        "description": entry.description,
        "time_zone": entry.time_zone,
        "has_chat": entry.has_chat,
    }
    for which, at in (("start", entry.starts_at), ("end", entry.ends_at)):
        if at is not None:
            wall = at.astimezone(zone).replace(microsecond=0, tzinfo=None)
            values |= {f"{which}_date": wall.date(), f"{which}_time": wall.time()}
    return values


class WishForm(EntryForm):
    """The same for a room that is made later: all of it travels in a link, so the description is short."""

    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=1000,
        help_text=gettext_lazy(
            "Everybody reads this before the doors open, guests too. "
            "A longer one can be written as soon as the room is there."
        ),
        widget=forms.Textarea(attrs={"class": "input", "rows": 3}),
    )


class ChoiceForm(forms.Form):
    """Entries that were chosen in a list: at least one."""

    entry = forms.TypedMultipleChoiceField(coerce=UUID)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        field = self.fields["entry"]
        assert isinstance(field, forms.TypedMultipleChoiceField)  # noqa: S101 - declared above; tells the type
        # Which of them may be chosen is asked of the database, one by one.
        field.choices = [(one, one) for one in data.getlist("entry") if _is_uuid(one)]


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


class NameForm(SummaryMixin):
    """What to call somebody of whom the LMS tells no name."""

    name = forms.CharField(
        label=gettext_lazy("Your name"),
        max_length=100,
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "name"}),
        error_messages={"required": gettext_lazy("Write a name, or go on without one.")},
    )

    def clean_name(self) -> str:
        """One line, without characters that only steer."""
        name = clean(str(self.cleaned_data["name"]), cap=100)
        if not name:
            raise forms.ValidationError(_("Write a name, or go on without one."))
        return name


class SearchForm(forms.Form):
    """What was typed into a search; nothing where it cannot be text."""

    q = forms.CharField(required=False, max_length=200)

    @classmethod
    def read(cls, data: QueryDict) -> str:
        """The words to search for."""
        form = cls(data)
        return str(form.cleaned_data["q"]) if form.is_valid() else ""


class PlaceForm(forms.Form):
    """Which entry a link shows from now on; none empties it."""

    entry = forms.UUIDField(required=False)


def label_of(person: Person) -> str:
    """How a person stands in the field that looks for people: told apart by the address, if there is one."""
    return f"{person.shown_name} ({person.email})" if person.email else person.shown_name


class PersonForm(SummaryMixin):
    """Finds one person of the viewer's institution.

    `who` is what is typed, `person` what a suggestion filled in, `candidate` what was chosen from the list
    that is offered where the typed text may mean several people.
    """

    who = forms.CharField(
        label=gettext_lazy("Person"),
        max_length=600,
        help_text=gettext_lazy(
            "A name from this course, or anybody's exact email address at your institution."
        ),
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Write whom you mean.")},
    )
    person = forms.UUIDField(required=False, widget=forms.HiddenInput)
    candidate = forms.UUIDField(required=False)

    def __init__(self, data: QueryDict | None = None, *, viewer: Viewer, tab: Tab | None) -> None:
        super().__init__(data)
        self.viewer = viewer
        self.tab = tab
        self.candidates: list[Person] = []
        self.found: Person | None = None

    def clean(self) -> dict[str, Any]:
        """Find the person; `found` is set where this form has no error."""
        cleaned = super().clean() or {}
        who = cleaned.get("who", "")
        if who:
            self.found = self._chosen(cleaned, who) or self._typed(who)
        return cleaned

    def _chosen(self, cleaned: dict[str, Any], who: str) -> Person | None:
        people = people_of_tenant(self.viewer)
        if cleaned.get("candidate"):
            return people.filter(pk=cleaned["candidate"]).first()
        if cleaned.get("person"):
            person = people.filter(pk=cleaned["person"]).first()
            # Whoever goes on typing after choosing means the text, not the earlier choice.
            return person if person and label_of(person) == who else None
        return None

    def _typed(self, who: str) -> Person | None:
        _name, bracket, address = who.removesuffix(")").rpartition(" (")  # as `label_of` writes it
        near = people_for(self.viewer, self.tab, address if bracket and "@" in address else who)
        meant = [
            person
            for person in near
            if who.casefold()
            in {person.shown_name.casefold(), person.email.casefold(), label_of(person).casefold()}
        ]
        if len(meant) == 1:
            return meant[0]
        self.candidates = near
        if near:
            self.add_error("who", _("Choose below whom you mean."))
        else:
            self.add_error(
                "who",
                _(
                    "Nobody in this course has that name, and nobody at your institution that address. "
                    "People are known here once they have opened a link of ours in a course."
                ),
            )
        return None


RIGHT_HELP = {
    Collaborator.Right.CO_OWNER: gettext_lazy(
        "Everything that you may: inviting, editing, hosting, collaborators, deleting."
    ),
    Collaborator.Right.CO_EDITOR: gettext_lazy(
        "Inviting, editing, the doors and hosting. Neither showing it in other courses nor deleting it."
    ),
    Collaborator.Right.CO_PUBLISHER: gettext_lazy(
        "Inviting, and showing it in other courses. Neither editing nor hosting."
    ),
}


class RightForm(SummaryMixin):
    """A right for somebody."""

    right = forms.ChoiceField(
        label=gettext_lazy("Right"),
        choices=[(right.value, right.label) for right in RIGHT_HELP],
        initial=Collaborator.Right.CO_EDITOR.value,
    )

    @property
    def chosen(self) -> Collaborator.Right:
        """The right, once `is_valid()`."""
        return Collaborator.Right(self.cleaned_data["right"])


class CollaboratorForm(PersonForm, RightForm):
    """A person, and the right to give."""

    def clean(self) -> dict[str, Any]:
        """The owner has every right already."""
        cleaned = super().clean()
        held = self.found and Collaborator.objects.filter(
            entry_id=self.viewer.entry_id, person=self.found, right=Collaborator.Right.OWNER
        )
        if held and held.exists():
            self.add_error("who", _("This person owns the room and may do everything already."))
        return cleaned


class OwnerForm(PersonForm):
    """The next owner; sent twice, the second time `is_confirmed`, with the owner whom the page named."""

    owner_seen = forms.UUIDField(required=False, widget=forms.HiddenInput)
    is_confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """An owner must be able to use the right."""
        cleaned = super().clean()
        if self.found and standing_of_person(self.found) == ApplicationRole.VIEWER:
            self.add_error(
                "who",
                _(
                    "%(name)s is known as a learner only and could not use it. "
                    "Choose somebody who teaches or assists in a course."
                )
                % {"name": self.found.shown_name},
            )
        return cleaned
